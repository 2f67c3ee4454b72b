"""Working hours: which may be kept, and which appointments they no longer hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from balie.staff import accounts, working_hours
from balie.staff.working_hours import Closure, Hours, HoursError
from balie.store.schema import availability
from tests.balie.staff.conftest import Town
from tests.support.office import MONDAY_S, unix_s

TODAY = date(2026, 12, 7)


def saturday(town: Town, **other: Any) -> Hours:
    return replace(Hours(town.office.service, 5, 9 * 60, 12 * 60, "2026-12-12"), **other)


async def put(town: Town, wanted: Hours) -> int:
    return await town.store.write(working_hours.put, MONDAY_S, await town.member(town.office.bart), wanted)


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"from_min": 12 * 60}, "times_order"),
        ({"until_min": 24 * 60 + 5}, "times_order"),
        ({"from_min": -5}, "times_order"),
        ({"weekday": 7}, "times_order"),
        ({"from_min": 9 * 60 + 1}, "times_cells"),
        ({"until_min": 12 * 60 - 1}, "times_cells"),
        ({"until_day": "2026-12-11"}, "days_order"),
        ({"every_weeks": 0}, "weeks"),
        ({"every_weeks": 9}, "weeks"),
        ({"modalities": ()}, "modality"),
        ({"modalities": ("pigeon",)}, "modality"),
        ({"service_id": 999}, "service"),
        ({"id": 999}, "unknown"),
    ],
)
async def test_hours_that_are_refused(town: Town, other: dict[str, Any], code: str) -> None:
    """The rules say no before the database has to."""
    before = await town.store.read(lambda tx: tx.execute(select(availability)).all())
    with pytest.raises(HoursError, match=code):
        await put(town, saturday(town, **other))
    assert await town.store.read(lambda tx: tx.execute(select(availability)).all()) == before


@pytest.mark.parametrize(
    ("other", "fits"),
    [
        ({"from_min": 12 * 60, "until_min": 13 * 60}, True),
        ({"from_min": 11 * 60, "until_min": 13 * 60}, False),
        ({"from_min": 10 * 60, "until_min": 11 * 60}, False),
        ({"weekday": 6}, True),
        ({"from_day": "2027-01-09"}, True),
        ({"from_day": "2027-01-02"}, False),
    ],
)
async def test_hours_of_one_day_do_not_overlap(town: Town, other: dict[str, Any], fits: bool) -> None:
    await put(town, saturday(town, until_day="2027-01-08"))
    if fits:
        await put(town, saturday(town, **other))
    else:
        with pytest.raises(HoursError, match="overlap"):
            await put(town, saturday(town, **other))


@pytest.mark.parametrize(("from_day", "fits"), [("2026-12-19", True), ("2026-12-26", False), ("2026-12-14", True)])
async def test_hours_of_alternating_weeks_may_look_alike(town: Town, from_day: str, fits: bool) -> None:
    await put(town, saturday(town, every_weeks=2))
    wanted = saturday(town, every_weeks=2, from_day=from_day)
    if fits:
        await put(town, wanted)
    else:
        with pytest.raises(HoursError, match="overlap"):
            await put(town, wanted)


async def test_hours_may_be_changed_to_what_they_are(town: Town) -> None:
    key = await put(town, saturday(town))
    assert await put(town, saturday(town, id=key)) == key
    kept = await town.store.read(working_hours.hours_of, town.office.bart, TODAY)
    assert kept[-1] == saturday(town, id=key)


async def test_hours_end_and_those_that_never_held_are_gone(town: Town) -> None:
    bart = await town.member(town.office.bart)
    coming = await put(town, saturday(town))
    await town.store.write(working_hours.end, MONDAY_S, bart, coming, TODAY)
    kept = await town.store.read(working_hours.hours_of, town.office.bart, TODAY)
    assert coming not in [each.id for each in kept] and len(kept) == 10
    await town.store.write(working_hours.end, MONDAY_S, bart, kept[0].id or 0, TODAY)
    assert len(await town.store.read(working_hours.hours_of, town.office.bart, TODAY)) == 10, "they hold today"
    assert len(await town.store.read(working_hours.hours_of, town.office.bart, date(2026, 12, 8))) == 9
    with pytest.raises(HoursError, match="unknown"):
        await town.store.write(working_hours.end, MONDAY_S, await town.member(town.office.els), kept[1].id or 0, TODAY)


# -- what no longer fits --------------------------------------------------------------------------------


async def conflicts(town: Town, staff_id: int) -> list[int]:
    """When appointments begin that no longer fit."""
    found = await town.store.read(working_hours.conflicts, await town.member(staff_id), MONDAY_S)
    return [each.start_s for each in found]


async def test_what_lies_within_the_hours_is_no_conflict(town: Town) -> None:
    for local in ("2026-12-08T09:00", "2026-12-08T11:30", "2026-12-09T16:00", "2027-01-15T10:00"):
        await town.book(local)
    assert await conflicts(town, town.office.bart) == []


async def test_hours_that_end_leave_appointments_behind_however_far_away(town: Town) -> None:
    for local in ("2026-12-14T09:00", "2027-02-01T11:30", "2026-12-15T09:00", "2026-12-14T13:30"):
        await town.book(local)
    kept = await town.store.read(working_hours.hours_of, town.office.bart, TODAY)
    bart = await town.member(town.office.bart)
    await town.store.write(working_hours.end, MONDAY_S, bart, kept[0].id or 0, TODAY)  # Mondays from nine to twelve
    assert await conflicts(town, town.office.bart) == [unix_s("2026-12-14T09:00"), unix_s("2027-02-01T11:30")]
    assert await conflicts(town, town.office.els) == []


async def test_two_hours_that_follow_each_other_hold_what_runs_over_their_border(town: Town) -> None:
    await town.book("2026-12-14T11:30")
    kept = await town.store.read(working_hours.hours_of, town.office.bart, TODAY)
    await put(town, replace(kept[0], until_min=11 * 60 + 45))
    assert await conflicts(town, town.office.bart) == [unix_s("2026-12-14T11:30")]
    await put(town, replace(kept[0], id=None, from_min=11 * 60 + 45))
    assert await conflicts(town, town.office.bart) == []


async def test_hours_for_another_way_of_talking_do_not_hold_it(town: Town) -> None:
    await town.book("2026-12-14T09:00", modality="desk")
    await town.book("2026-12-14T10:00", modality="video")
    kept = await town.store.read(working_hours.hours_of, town.office.bart, TODAY)
    await put(town, replace(kept[0], modalities=("video", "phone")))
    assert await conflicts(town, town.office.bart) == [unix_s("2026-12-14T09:00")]


@pytest.mark.parametrize(
    ("from_local", "until_local", "hit"),
    [
        ("2026-12-14T10:00", "2026-12-14T10:30", True),
        ("2026-12-14T09:00", "2026-12-14T10:00", False),
        ("2026-12-14T10:30", "2026-12-14T12:00", False),
        ("2026-12-14T10:25", "2026-12-14T10:35", True),
        ("2026-12-01T00:00", "2026-12-31T00:00", True),
    ],
)
async def test_an_absence_hits_what_it_touches(town: Town, from_local: str, until_local: str, hit: bool) -> None:
    await town.book("2026-12-14T10:00")
    bart = await town.member(town.office.bart)
    wanted = Closure(from_local, until_local, staff_id=town.office.bart)
    key = await town.store.write(working_hours.close, MONDAY_S, bart, wanted)
    assert await conflicts(town, town.office.bart) == ([unix_s("2026-12-14T10:00")] if hit else [])
    await town.store.write(working_hours.reopen, MONDAY_S, bart, key)
    assert await conflicts(town, town.office.bart) == []


async def test_a_lead_sees_whom_a_closure_hits(town: Town) -> None:
    for staff_id in (town.office.bart, town.office.els):
        await town.book("2026-12-14T10:00", staff_id=staff_id)
    promoted = (MONDAY_S, town.office.bart, ["lead"], [town.office.service], "system")
    await town.store.write(accounts.set_roles, *promoted)
    lead = await town.member(town.office.bart)
    wanted = Closure("2026-12-14T00:00", "2026-12-15T00:00", service_id=town.office.service)
    await town.store.write(working_hours.close, MONDAY_S, lead, wanted)
    assert await conflicts(town, town.office.bart) == [unix_s("2026-12-14T10:00")] * 2
    assert await conflicts(town, town.office.els) == [unix_s("2026-12-14T10:00")]


@pytest.mark.parametrize(
    ("from_local", "until_local", "code"),
    [
        ("2026-12-14T10:00", "2026-12-14T10:00", "days_order"),
        ("2026-12-15T10:00", "2026-12-14T10:00", "days_order"),
        ("2026-12-32T10:00", "2026-12-33T10:00", "days_order"),
        ("2026-12-14", "2026-12-15", "days_order"),
        ("2026-12-14T10:00+01:00", "2026-12-15T10:00", "days_order"),
        ("2026-12-01T10:00", "2026-12-07T07:00", "past"),
    ],
)
async def test_an_absence_that_is_refused(town: Town, from_local: str, until_local: str, code: str) -> None:
    wanted = Closure(from_local, until_local, staff_id=town.office.bart)
    with pytest.raises(HoursError, match=code):
        await town.store.write(working_hours.close, MONDAY_S, await town.member(town.office.bart), wanted)


@pytest.mark.parametrize("role", ["counter", "lead", "admin"])
async def test_who_may_close_what(town: Town, role: str) -> None:
    """One's own days everybody; a service its lead; the whole office an admin; nobody the days of a colleague."""
    await town.store.write(accounts.set_roles, MONDAY_S, town.office.bart, [role], [town.office.service], "system")
    bart = await town.member(town.office.bart)
    day = Closure("2026-12-14T00:00", "2026-12-15T00:00")
    for wanted, allowed in [
        (replace(day, staff_id=town.office.bart), True),
        (replace(day, staff_id=town.office.els), False),
        (replace(day, service_id=town.office.service), role != "counter"),
        (replace(day, service_id=999), False),
        (day, role == "admin"),
    ]:
        if allowed:
            key = await town.store.write(working_hours.close, MONDAY_S, bart, wanted)
            assert key in [each.id for each in await town.store.read(working_hours.closures, bart, MONDAY_S)]
        else:
            with pytest.raises(HoursError, match="unknown"):
                await town.store.write(working_hours.close, MONDAY_S, bart, wanted)


async def test_the_absence_of_a_colleague_is_not_mine_to_take_back(town: Town) -> None:
    els = await town.member(town.office.els)
    wanted = Closure("2026-12-14T00:00", "2026-12-15T00:00", "ziek", staff_id=els.id)
    key = await town.store.write(working_hours.close, MONDAY_S, els, wanted)
    bart = await town.member(town.office.bart)
    assert await town.store.read(working_hours.closures, bart, MONDAY_S) == []
    with pytest.raises(HoursError, match="unknown"):
        await town.store.write(working_hours.reopen, MONDAY_S, bart, key)
