"""Languages: texts by gettext, dates and amounts as people write them.

Dutch is the source: a text in the code is what a Dutch reader sees.  The other catalogues are balie/locale/*.po, read
at the first use; a test fails on what they lack.  The language of the moment is a context variable: a request, or a
letter being written, sets it for itself.
"""

from __future__ import annotations

import gettext as _gettext
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

SOURCE = "nl"
NO_BREAK = "\u00a0"
LANGUAGES = {"nl": "Nederlands", "fr": "Français", "en": "English", "de": "Deutsch"}
"""By their own names, as a reader looks for his."""
_LOCALES = {"nl": "nl_BE", "fr": "fr_BE", "en": "en_GB", "de": "de_BE"}
CATALOGUES = Path(__file__).parent / "locale"

_language: ContextVar[str] = ContextVar("language", default=SOURCE)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """In this context texts are in a language; an unknown one is the source."""
    token = _language.set(language if language in LANGUAGES else SOURCE)
    try:
        yield
    finally:
        _language.reset(token)


def language() -> str:
    """Of this context."""
    return _language.get()


def gettext(text: str) -> str:
    """A text in the language of this context."""
    return _catalogue(language()).gettext(text)


def ngettext(one: str, many: str, n: int) -> str:
    return _catalogue(language()).ngettext(one, many, n)


def pgettext(context: str, text: str) -> str:
    """A text that means something else elsewhere."""
    return _catalogue(language()).pgettext(context, text)


@cache
def _catalogue(name: str) -> _gettext.NullTranslations:
    if name == SOURCE:
        return _gettext.NullTranslations()
    with (CATALOGUES / f"{name}.po").open("rb") as file:
        catalogue = read_po(file, locale=name)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return _gettext.GNUTranslations(compiled)


def pick(texts: Mapping[str, str]) -> str:
    """What an administrator wrote, in this context's language, or else in the source, or else in any."""
    return texts.get(language()) or texts.get(SOURCE) or next(iter(texts.values()), "")


def quoted(text: str) -> str:
    """‘tekst’; « texte » with spaces that do not break; ‘text’; „Text“"""
    match language():
        case "fr":
            return f"«{NO_BREAK}{text}{NO_BREAK}»"
        case "de":
            return f"„{text}“"
        case _:
            return f"‘{text}’"


def _locale() -> Locale:
    return Locale.parse(_LOCALES[language()])


def day_words(day: date) -> str:
    """dinsdag 8 december 2026; mardi 1er décembre 2026; Tuesday 8 December 2026; Dienstag, 8. Dezember 2026"""
    match language():
        case "en":  # no comma: https://design-system.service.gov.uk/
            return format_date(day, "EEEE d MMMM y", locale=_locale())
        case "fr" if day.day == 1:
            return format_date(day, "EEEE '1er' MMMM y", locale=_locale())
        case _:
            return format_date(day, "full", locale=_locale())


def short_day_words(day: date) -> str:
    """di 8 dec; Di. 8. Dez."""
    return format_date(day, "EEE d. MMM" if language() == "de" else "EEE d MMM", locale=_locale())


def month_words(day: date) -> str:
    """december 2026"""
    return format_date(day, "LLLL y", locale=_locale())


def time_words(moment: datetime) -> str:
    """14.30 uur; 14 h 30; 14:30; 14.30 Uhr"""
    match language():
        case "nl":
            return f"{moment:%-H.%M} uur"
        case "fr":
            return f"{moment:%-H}{NO_BREAK}h{NO_BREAK}{moment:%M}"
        case "de":
            return f"{moment:%-H.%M} Uhr"
        case _:
            return format_time(moment, "HH:mm", locale=_locale())


def local(unix_s: int, zone: str) -> datetime:
    """A moment as the clocks of a zone show it."""
    return datetime.fromtimestamp(unix_s, UTC).astimezone(ZoneInfo(zone))


def moment_words(unix_s: int, zone: str) -> str:
    """dinsdag 8 december 2026 om 14.30 uur"""
    at = local(unix_s, zone)
    joint = {"nl": "om", "fr": "à", "en": "at", "de": "um"}[language()]
    return f"{day_words(at.date())} {joint} {time_words(at)}"


def duration_words(minutes: int) -> str:
    """45 minuten; 1 uur; 1 uur en 30 minuten"""
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(ngettext("{n} uur", "{n} uur", hours).format(n=hours))
    if rest or not hours:
        parts.append(ngettext("{n} minuut", "{n} minuten", rest).format(n=rest))
    return gettext(" en ").join(parts)


def decimal_words(value: float) -> str:
    """1,4; 1.4 in English"""
    return format_decimal(value, format="0.0", locale=_locale())


def amount_words(cents: int) -> str:
    """€ 12,50"""
    return format_currency(cents / 100, "EUR", locale=_locale())
