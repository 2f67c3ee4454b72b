"""The calendar of free hours: months, days and hours of the office's own clocks."""

from __future__ import annotations

from datetime import date

import pytest

from balie.booking.slots import Slot
from balie.i18n import speaking
from tests.support.office import ZONE, unix_s
from web.citizen.picking import Day, Picker, picker

TODAY = date(2026, 12, 7)


def slots(*local: str) -> list[Slot]:
    return [Slot(unix_s(each), unix_s(each) + 1800, (1,)) for each in local]


def made(*local: str, month: str = "", day: str = "") -> Picker:
    return picker(slots(*local), ZONE, TODAY, modality="video", ways=[], month=month, day=day)


def free(found: Picker) -> dict[str, int]:
    return {each.iso: each.free for week in found.weeks for each in week if each is not None and each.free}


def test_the_first_of_each_half_day() -> None:
    """Three hours in a row would be no choice."""
    found = made("2026-12-08T09:00", "2026-12-08T09:15", "2026-12-08T13:30", "2026-12-08T13:45", "2026-12-10T10:00")
    assert [each.words for each in found.first] == [
        "dinsdag 8 december 2026 om 9.00 uur",
        "dinsdag 8 december 2026 om 13.30 uur",
        "donderdag 10 december 2026 om 10.00 uur",
    ]


def test_days_with_the_number_of_their_hours() -> None:
    found = made("2026-12-08T09:00", "2026-12-08T23:45", "2026-12-31T09:00", "2027-01-01T00:00")
    assert free(found) == {"2026-12-08": 2, "2026-12-31": 1}
    assert all(len(week) == 7 for week in found.weeks)
    assert found.weeks[0][:2] == [None, Day("2026-12-01", 1, "dinsdag", 0, True, False)]
    assert found.weeks[-1][3] == Day("2026-12-31", 31, "donderdag", 1, False, False)


def test_the_month_on_show_is_that_of_the_first_free_hour() -> None:
    found = made("2027-02-03T09:00")
    assert (found.month, free(found)) == ("februari 2027", {"2027-02-03": 1})
    assert found.before is not None
    assert found.before.iso == "2027-01"
    assert found.after is None


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("2026-11", "december 2026"),
        ("0001-01", "december 2026"),
        ("2027-01", "januari 2027"),
        ("2027-02", "februari 2027"),
        ("2027-03", "februari 2027"),
        ("9999-12", "februari 2027"),
        ("2027-13", "december 2026"),
        ("2027-1", "december 2026"),
        ("<script>", "december 2026"),
        ("2027-01-01", "december 2026"),
    ],
)
def test_a_month_that_is_asked_for(asked: str, shown: str) -> None:
    """Between today and the last free hour; nonsense is the month where the first one is."""
    assert made("2026-12-08T09:00", "2027-02-03T09:00", month=asked).month == shown


def test_a_month_with_nothing_free() -> None:
    found = made("2026-12-08T09:00", "2027-02-03T09:00", month="2027-01")
    assert found.none_in_month
    assert not found.nothing
    assert made().nothing


def test_a_day_that_is_asked_for() -> None:
    local = ("2026-12-08T09:00", "2026-12-08T11:45", "2026-12-08T12:00", "2026-12-08T17:00", "2026-12-09T09:00")
    found = made(*local, day="2026-12-08")
    assert (found.day, found.count) == ("dinsdag 8 december 2026", "4 vrije uren")
    assert [(title, [each.words for each in hours]) for title, hours in found.parts] == [
        ("Voormiddag", ["9.00 uur", "11.45 uur"]),
        ("Namiddag", ["12.00 uur"]),
        ("Avond", ["17.00 uur"]),
    ]
    assert found.fields == [("maand", "2026-12"), ("dag", "2026-12-08")]


@pytest.mark.parametrize("day", ["2026-12-10", "2026-02-30", "", "vandaag", "20261208", "9999-12-31"])
def test_a_day_on_which_nothing_is_free_is_not_chosen(day: str) -> None:
    found = made("2026-12-08T09:00", day=day)
    assert (found.day, found.parts, found.fields) == ("", [], [("maand", "2026-12")])


def test_another_month_leaves_the_day() -> None:
    found = made("2026-12-08T09:00", "2027-01-05T09:00", month="2027-01", day="2026-12-08")
    assert (found.month, found.day) == ("januari 2027", "")


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    """On 31 October 2027 the clock goes back: half past two comes twice."""
    twice = [Slot(unix_s("2027-10-31T01:30") + n * 3600, 0, (1,)) for n in range(3)]
    found = picker(twice, ZONE, date(2027, 10, 1), modality="video", ways=[], day="2027-10-31")
    assert [[each.words for each in hours] for _, hours in found.parts] == [["1.30 uur", "2.30 uur", "2.30 uur"]]
    assert len({each.start_s for _, hours in found.parts for each in hours}) == 3


def test_weekdays_begin_on_monday_in_every_language() -> None:
    for language, monday in (("nl", "maandag"), ("fr", "lundi"), ("en", "Monday"), ("de", "Montag")):
        with speaking(language):
            assert made().weekdays[0][1] == monday
