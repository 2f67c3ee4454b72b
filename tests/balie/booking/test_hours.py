"""Hours in local time and the moments they come to: properties over years, clock changes and holidays."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balie.booking.hours import Closure, Hours, is_holiday, moment, open_intervals
from tests.support.office import ZONE, unix_s

CHANGES = [date(2027, 3, 28), date(2027, 10, 31), date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1)]
days = st.one_of(st.sampled_from(CHANGES), st.dates(date(2026, 1, 1), date(2032, 12, 31)))
minutes = st.integers(0, 288).map(lambda n: n * 5)


local = datetime.fromisoformat


def wall(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, ZoneInfo(ZONE)).replace(tzinfo=None, fold=0)


@given(days, minutes, minutes)
def test_no_moment_of_an_interval_is_outside_its_hours(day: date, one: int, other: int) -> None:
    if one == other:
        return
    first, last = sorted((one, other))
    hours = Hours(1, day.weekday(), first, last, date(2020, 1, 6))
    midnight = datetime.combine(day, datetime.min.time())
    opens, closes = midnight + timedelta(minutes=first), midnight + timedelta(minutes=last)
    found = list(open_intervals([hours], [], ZONE, [day]))
    if is_holiday(day):
        assert found == []
        return
    inside = {at for _, each in found for at in range(each.start_s, each.end_s, 300)}
    for at in inside:
        assert opens <= wall(at) < closes, (day, first, last, wall(at))
    # And none is lost: every five minutes that the clocks show within the hours are there, once at least.
    step = opens
    while step < closes:
        both = {int(step.replace(tzinfo=ZoneInfo(ZONE), fold=fold).timestamp()) for fold in (0, 1)}
        if all(wall(at) == step for at in both):
            assert both & inside, (day, first, last, step)
        step += timedelta(minutes=5)


@pytest.mark.parametrize(
    ("day", "minute", "local"),
    [
        ("2027-03-28", 90, "2027-03-28T01:30"),
        ("2027-03-28", 150, "2027-03-28T03:00"),  # 2.30 is on no clock that night
        ("2027-03-28", 180, "2027-03-28T03:00"),
        ("2027-10-31", 1440, "2027-11-01T00:00"),
    ],
)
def test_times_that_a_clock_change_takes_away(day: str, minute: int, local: str) -> None:
    assert moment(date.fromisoformat(day), minute, ZONE) == unix_s(local)


def test_an_hour_that_comes_twice_is_the_first() -> None:
    at = moment(date(2027, 10, 31), 150, ZONE)
    assert wall(at) == wall(at + 3600) == local("2027-10-31T02:30")


@given(days, st.integers(1, 8), st.integers(0, 60))
def test_every_nth_week(day: date, every: int, weeks: int) -> None:
    hours = Hours(1, day.weekday(), 540, 720, day, every_weeks=every)
    assert hours.holds_on(day + timedelta(weeks=weeks)) == (weeks % every == 0)
    assert not hours.holds_on(day - timedelta(weeks=every))
    assert not hours.holds_on(day + timedelta(days=1))


def test_hours_end_with_their_last_day() -> None:
    hours = Hours(1, 0, 540, 720, date(2026, 1, 5), date(2026, 12, 7))
    assert hours.holds_on(date(2026, 12, 7))
    assert not hours.holds_on(date(2026, 12, 14))


def test_closures_cut_hours_of_those_they_are_for() -> None:
    day = date(2026, 12, 7)
    both = [Hours(1, 0, 540, 720, day), Hours(2, 0, 540, 720, day)]
    closures = [
        Closure(None, local("2026-12-07T10:00"), local("2026-12-07T10:30")),
        Closure(2, local("2026-12-06"), local("2026-12-07T09:30")),
        Closure(2, local("2026-12-07T09:00"), local("2026-12-07T09:15")),
        Closure(1, local("2026-12-07T11:30"), local("2026-12-09")),
    ]
    found = [
        (each.staff_id, wall(interval.start_s).strftime("%H:%M"), wall(interval.end_s).strftime("%H:%M"))
        for each, interval in open_intervals(both, closures, ZONE, [day])
    ]
    assert found == [
        (1, "09:00", "10:00"),
        (1, "10:30", "11:30"),
        (2, "09:30", "10:00"),
        (2, "10:30", "12:00"),
    ]


def test_the_ten_holidays_of_belgium() -> None:
    year = [date(2027, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [each.isoformat() for each in year if is_holiday(each) and each.weekday() < 6] == [
        "2027-01-01",
        "2027-03-29",
        "2027-05-01",
        "2027-05-06",
        "2027-05-17",
        "2027-07-21",
        "2027-11-01",
        "2027-11-11",
        "2027-12-25",
    ]
    assert is_holiday(date(2027, 8, 15))


@pytest.mark.parametrize(
    "easter",
    [
        *("1598-03-22", "1818-03-22", "1943-04-25", "2038-04-25"),  # as early and as late as it can be
        *("1954-04-18", "1981-04-19", "2049-04-18", "2076-04-19"),  # where the moon of the reckoning is a day off
        *("2000-04-23", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01"),
    ],
)
def test_holidays_that_move_with_easter(easter: str) -> None:
    sunday = date.fromisoformat(easter)
    spring = [date(sunday.year, 3, 1) + timedelta(days=n) for n in range(122)]
    others = {date(sunday.year, 5, 1)}
    found = {(each - sunday).days for each in spring if is_holiday(each) and each not in others}
    assert found - {39} == {1, 50}
    assert is_holiday(sunday + timedelta(days=39)), "Ascension, which may be the first of May"
