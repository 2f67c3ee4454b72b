"""When an office is open: hours that come back every week in local time, less holidays, closures and absences.  Pure.

Wishes are local ("Tuesday from 9.00"), answers are moments.  Where a clock change takes away the local time that an
interval begins or ends at, the moment of the change stands in for it; where it gives a time twice, an interval begins
at the second and ends at the first: nobody is expected outside what he said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from dateutil.easter import easter  # type: ignore[import-untyped]

from balie.store.schema import CELL_S

DAY_MIN = 1440
_STEP = timedelta(seconds=CELL_S)


@dataclass(frozen=True)
class Hours:
    """Of one person for one service.  weekday: 0 is Monday; from_min, until_min: minutes of the local day.

    every_weeks  2: every other week, counted from the week of from_day
    until_day    included; None: for good
    """

    staff_id: int
    weekday: int
    from_min: int
    until_min: int
    from_day: date
    until_day: date | None = None
    every_weeks: int = 1
    modalities: tuple[str, ...] = ("video", "phone", "desk")

    def holds_on(self, day: date) -> bool:
        if day.weekday() != self.weekday or day < self.from_day:
            return False
        if self.until_day is not None and day > self.until_day:
            return False
        first = self.from_day - timedelta(days=self.from_day.weekday())
        return (day - first).days // 7 % self.every_weeks == 0


@dataclass(frozen=True)
class Closure:
    """staff_id None: nobody is there.  Local times, the end excluded."""

    staff_id: int | None
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Interval:
    """Moments in Unix seconds, the end excluded."""

    start_s: int
    end_s: int


def open_intervals(
    hours: Iterable[Hours], closures: Iterable[Closure], zone: str, days: Iterable[date]
) -> Iterator[tuple[Hours, Interval]]:
    """When each of these hours is open on each of these days, in order of days."""
    shut = list(closures)
    wanted = list(hours)
    for day in days:
        if is_holiday(day):
            continue
        for each in wanted:
            if not each.holds_on(day):
                continue
            whole = _interval(each, day, zone)
            absent = [
                Interval(_moment(closure.begins, zone), _moment(closure.ends, zone, fold=1))
                for closure in shut
                if closure.staff_id in (None, each.staff_id) and _touches(closure, day)
            ]
            for left in _without(whole, absent):
                yield each, left


@lru_cache(4096)  # people of one office begin and end at the same few times
def moment(day: date, minutes: int, zone: str, *, fold: int = 0) -> int:
    """A local time as Unix seconds.  minutes: 0 to 1440; fold: which one of a time that comes twice."""
    return _moment(datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes), zone, fold)


def _interval(hours: Hours, day: date, zone: str) -> Interval:
    start_s, end_s = moment(day, hours.from_min, zone, fold=1), moment(day, hours.until_min, zone)
    if end_s <= start_s:  # both within the hour that comes twice
        end_s = moment(day, hours.until_min, zone, fold=1)
    return Interval(start_s, end_s)


def _moment(wall: datetime, zone: str, fold: int = 0) -> int:
    place = ZoneInfo(zone)
    while True:
        at = wall.replace(tzinfo=place, fold=fold).astimezone(UTC)
        if at.astimezone(place).replace(tzinfo=None, fold=0) == wall:
            return int(at.timestamp())
        wall += _STEP  # this time is not on any clock that day: the first one that is, is the moment of the change


def day_of(unix_s: int, zone: str) -> date:
    return datetime.fromtimestamp(unix_s, ZoneInfo(zone)).date()


def minute_of(unix_s: int, zone: str) -> int:
    """What the clock shows, in minutes since midnight."""
    at = datetime.fromtimestamp(unix_s, ZoneInfo(zone))
    return at.hour * 60 + at.minute


def is_holiday(day: date) -> bool:
    """Whether it is one of the ten of the law in Belgium (law of 4 January 1974).  Others are closures."""
    return day in _holidays(day.year)


@cache
def _holidays(year: int) -> frozenset[date]:
    # A library that knows these knows those of two hundred countries, and takes 10 MB to be asked for one.
    sunday = easter(year)
    same_each_year = ((1, 1), (5, 1), (7, 21), (8, 15), (11, 1), (11, 11), (12, 25))
    days_after_easter = (1, 39, 50)  # Easter Monday, Ascension, Whit Monday
    return frozenset(
        [date(year, month, day) for month, day in same_each_year]
        + [sunday + timedelta(days=after) for after in days_after_easter]
    )


def _touches(closure: Closure, day: date) -> bool:
    return closure.begins.date() <= day <= closure.ends.date()


def _without(whole: Interval, absent: Iterable[Interval]) -> Iterator[Interval]:
    start_s = whole.start_s
    for each in sorted(absent, key=lambda interval: interval.start_s):
        if each.start_s > start_s:
            end_s = min(each.start_s, whole.end_s)
            if start_s < end_s:
                yield Interval(start_s, end_s)
        start_s = max(start_s, each.end_s)
    if start_s < whole.end_s:
        yield Interval(start_s, whole.end_s)
