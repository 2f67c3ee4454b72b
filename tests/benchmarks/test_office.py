"""The office that is measured is one that balie.booking could have made: what is taken is taken."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from balie.booking import appointments
from balie.booking.appointments import Booking
from balie.booking.errors import SlotTaken
from balie.booking.hours import day_of
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.slots import Calendars, Wish
from balie.store.engine import Store
from balie.store.schema import appointment, day_claim, slot_claim, staff
from benchmarks import office
from benchmarks.slots import NOW_S, measure
from tests.support import databases

FIRST = day_of(NOW_S, office.ZONE)


def test_a_working_day_of_somebody_has_room_for_sixteen() -> None:
    assert len(office.places(2, date(2026, 12, 7), 7)) == 2 * 5 * 16


def test_nobody_works_on_christmas_day() -> None:
    assert office.places(1, date(2026, 12, 25), 1) == []


async def test_what_stands_is_claimed(store: Store) -> None:
    there = await store.write(office.found, NOW_S, 2, 100)
    assert await store.read(lambda tx: tx.scalar(select(func.count()).select_from(appointment))) == 100
    assert await store.read(lambda tx: tx.scalar(select(func.count()).select_from(slot_claim))) == 100 * 6
    assert await store.read(lambda tx: tx.scalar(select(func.count()).select_from(day_claim))) == 10
    assert await store.read(lambda tx: tx.scalar(select(func.sum(staff.c.claims_version)))) == 100
    wish, until = Wish((there.passport,)), FIRST + timedelta(days=office.DAYS - 1)
    free = await store.read(Calendars().free, wish, NOW_S, FIRST + timedelta(days=1), until)
    half_hours = sum(len(each.staff_ids) for each in free if each.start_s % (office.GRID_MIN * 60) == 0)
    assert half_hours == len(office.places(2, FIRST + timedelta(days=1), office.DAYS - 1)) - 100


async def test_a_booking_comes_after_those_that_stand(store: Store) -> None:
    there = await store.write(office.found, NOW_S, 1, 10)
    wish, key, chance = Wish((there.passport,)), LinkKey(b"b" * 32), random.Random(1)
    free = await store.read(Calendars().free, wish, NOW_S, FIRST + timedelta(days=1), FIRST + timedelta(days=2))
    request = Booking(Person("An Peeters", mail="an@post.example"), wish=wish, start_s=free[0].start_s)
    booked = await store.write(appointments.book, NOW_S, chance.randbytes, key, request)
    assert booked.appointment_id > 10
    with pytest.raises(SlotTaken):
        await store.write(appointments.book, NOW_S, chance.randbytes, key, request)


async def test_there_is_not_more_room_than_there_is(sqlite_store: Store) -> None:
    with pytest.raises(ValueError, match="room for"):
        await sqlite_store.write(office.found, NOW_S, 1, 10_000)


async def test_each_kind_of_look_finds_free_times(tmp_path: Path) -> None:
    kinds = await measure(databases.sqlite_url(tmp_path), 2, 50, 2)
    assert set(kinds) == {"unchanged", "booked", "cold", "daily maximum"}
    for each in kinds.values():
        assert each["slots"] > 0
        assert 0 < each["p50_ms"] <= each["max_ms"]
