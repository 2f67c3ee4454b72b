"""Free times for a member of staff: a short list from a day on, grouped by day, each one a choice in a form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from balie.booking.errors import BookingError
from balie.booking.hours import moment
from balie.booking.slots import Calendars, Slot, Wish
from balie.i18n import day_words, local, ngettext, time_words
from balie.i18n import gettext as _
from balie.store.engine import Tx
from web.desk import words

SHOWN = 18  # times: a morning and an afternoon; who wants another day says which


@dataclass(frozen=True)
class Times:
    """days: (day in words, [(start in Unix seconds as text, time in words)]).  said: how many, or why none."""

    days: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    said: str = ""


def look(tx: Tx, calendars: Calendars, wish: Wish, now_s: int, from_day: date | None, zone: str) -> Times:
    """The first free times from a day on."""
    if not wish.product_ids:
        return Times(said=_("Kies eerst waarover het gaat."))
    from_s = moment(from_day, 0, zone) if from_day is not None else 0
    try:
        found = calendars.first(tx, wish, now_s, SHOWN, from_s=from_s)
    except BookingError as error:
        return Times(said=words.booking_error_words(error)[1])
    return listed(found, zone)


def listed(found: Iterable[Slot], zone: str) -> Times:
    by_day: dict[str, list[tuple[str, str]]] = {}
    count = 0
    for each in found:
        at = local(each.start_s, zone)
        by_day.setdefault(day_words(at.date()), []).append((str(each.start_s), time_words(at)))
        count += 1
    if not count:
        return Times(said=_("Er is niets vrij. Kies een andere dag, een collega of een andere vorm."))
    said = ngettext("Het eerste vrije uur", "De eerste {n} vrije uren", count).format(n=count)
    return Times(tuple((day, tuple(times)) for day, times in by_day.items()), said)


def day_of(typed: str) -> date | None:
    """A day as an input of type date has it; nonsense is none."""
    try:
        return date.fromisoformat(typed) if len(typed) == len("2026-12-08") else None
    except ValueError:
        return None
