"""The calendar of free hours as a page shows it: the first ones, a month of days, the hours of one day.

Made from a list of slots; it knows no database.  Days are days of the office's zone.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from babel.dates import format_date

from balie.booking.slots import Slot
from balie.i18n import day_words, language, local, moment_words, month_words, ngettext, time_words
from balie.i18n import gettext as _

FIRST_MAX = 3  # suggestions: more is a list to read, and the days stand right under it


@dataclass(frozen=True)
class Hour:
    start_s: int
    words: str


@dataclass(frozen=True)
class Day:
    """A day of the month on show.  free: how many appointments may begin on it."""

    iso: str
    number: int
    weekday: str
    free: int
    past: bool
    chosen: bool


@dataclass(frozen=True)
class Month:
    """iso: 2026-12.  name: december 2026."""

    iso: str
    name: str


@dataclass(frozen=True)
class Picker:
    """What templates/citizen/picker.html shows.

    first          the first free hours, on different halves of days
    month          december 2026; before and after: its neighbours, None where there is nothing to see
    weeks          rows of seven days, None outside the month
    day            the day that was chosen, in words, "" for none; parts: its hours by part of the day
    ways           modalities to choose from, (value, name)
    """

    modality: str
    ways: list[tuple[str, str]]
    first: list[Hour]
    month: str
    before: Month | None
    after: Month | None
    weekdays: list[tuple[str, str]]
    weeks: list[list[Day | None]]
    nothing: bool
    none_in_month: bool
    day: str = ""
    count: str = ""
    parts: list[tuple[str, list[Hour]]] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)


def hours(slots: Iterable[Slot], zone: str) -> list[Hour]:
    """With their days, for a list that stands by itself."""
    return [Hour(each.start_s, moment_words(each.start_s, zone)) for each in slots]


def picker(
    slots: Sequence[Slot],
    zone: str,
    today: date,
    *,
    modality: str,
    ways: list[tuple[str, str]],
    month: str = "",
    day: str = "",
) -> Picker:
    """month (2026-12) and day (2026-12-08) are what was asked for; nonsense counts as nothing."""
    by_day: dict[date, list[Slot]] = defaultdict(list)
    for each in slots:
        by_day[local(each.start_s, zone).date()].append(each)
    last = max(by_day, default=today)
    chosen = _date(day)
    if chosen not in by_day:
        chosen = None
    shown = _date(f"{month}-01") or (chosen or min(by_day, default=today)).replace(day=1)
    shown = min(max(shown, today.replace(day=1)), last.replace(day=1))
    if chosen is not None and chosen.replace(day=1) != shown:
        chosen = None
    fields = [("maand", f"{shown:%Y-%m}")]
    if chosen is not None:
        fields.append(("dag", chosen.isoformat()))
    of_day = by_day[chosen] if chosen is not None else []
    before, after = shown - timedelta(days=1), (shown + timedelta(days=31)).replace(day=1)
    return Picker(
        modality=modality,
        ways=ways,
        first=hours(_first(slots, zone), zone),
        month=month_words(shown),
        before=_month(before) if before >= today.replace(day=1) else None,
        after=_month(after) if after <= last else None,
        weekdays=_weekdays(),
        weeks=_weeks(shown, today, chosen, by_day),
        nothing=not slots,
        none_in_month=bool(slots) and not any(each.replace(day=1) == shown for each in by_day),
        day=day_words(chosen) if chosen is not None else "",
        count=ngettext("{n} vrij uur", "{n} vrije uren", len(of_day)).format(n=len(of_day)),
        parts=_parts(of_day, zone),
        fields=fields,
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-12-08") else None
    except ValueError:
        return None


def _month(day: date) -> Month:
    return Month(f"{day:%Y-%m}", month_words(day))


def _first(slots: Sequence[Slot], zone: str) -> list[Slot]:
    """The first of each half day: three hours in a row would be no choice."""
    found: dict[tuple[date, bool], Slot] = {}
    for each in slots:
        at = local(each.start_s, zone)
        found.setdefault((at.date(), at.hour < 12), each)
        if len(found) == FIRST_MAX:
            break
    return list(found.values())


def _weekdays() -> list[tuple[str, str]]:
    """(ma, maandag), from Monday on."""
    monday = date(2026, 1, 5)
    days = [monday + timedelta(days=each) for each in range(7)]
    return [
        (format_date(day, "EEEEEE", locale=language()), format_date(day, "EEEE", locale=language())) for day in days
    ]


def _weeks(shown: date, today: date, chosen: date | None, by_day: dict[date, list[Slot]]) -> list[list[Day | None]]:
    def cell(day: date) -> Day | None:
        if day.month != shown.month:
            return None
        weekday = format_date(day, "EEEE", locale=language())
        return Day(day.isoformat(), day.day, weekday, len(by_day.get(day, ())), day < today, day == chosen)

    return [[cell(day) for day in week] for week in calendar.Calendar().monthdatescalendar(shown.year, shown.month)]


def _parts(slots: Iterable[Slot], zone: str) -> list[tuple[str, list[Hour]]]:
    parts: dict[str, list[Hour]] = {}
    for each in slots:
        at = local(each.start_s, zone)
        title = _("Voormiddag") if at.hour < 12 else _("Namiddag") if at.hour < 17 else _("Avond")
        parts.setdefault(title, []).append(Hour(each.start_s, time_words(at)))
    return list(parts.items())
