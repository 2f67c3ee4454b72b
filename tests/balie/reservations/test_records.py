"""What is known of reservations, on both databases."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select

from balie.booking.errors import NotFound
from balie.reservations import records
from balie.reservations.backend import FreeTime, Held
from balie.store.engine import Store, Tx
from balie.store.schema import audit
from tests.support.booking import booked
from tests.support.office import MONDAY_S, Office

HOUR = FreeTime("pluim-1", "Sporthal De Pluim, terrein 1", MONDAY_S + 86_400, MONDAY_S + 90_000, 900)
HELD = Held("K7M4PQA2", MONDAY_S + 900, 950)


async def chosen(store: Store, office: Office) -> tuple[int, int]:
    made = await booked(store, office)
    entropy = random.Random(2).randbytes
    args = (made.appointment_id, office.badminton, "sporthal", HOUR, 60)
    return made.appointment_id, await store.write(records.choose, MONDAY_S, entropy, *args)


async def test_a_reservation_goes_its_way_once(store: Store, office: Office) -> None:
    appointment_id, key = await chosen(store, office)
    assert not await store.write(records.confirm, MONDAY_S, key, "X", None)
    assert await store.write(records.hold, MONDAY_S, key, HELD)
    assert not await store.write(records.hold, MONDAY_S, key, HELD)
    assert await store.write(records.confirm, MONDAY_S, key, "R-7", None)
    assert not await store.write(records.confirm, MONDAY_S, key, "R-8", None)
    (found,) = await store.read(records.of_appointment, appointment_id)
    assert (found.state, found.external_ref, found.price_cents, found.hold_until_s) == ("confirmed", "R-7", 950, None)
    assert found.zone == "Europe/Brussels"

    def noted(tx: Tx) -> list[str]:
        said = tx.scalars(select(audit.c.action).order_by(audit.c.id))
        return [each for each in said if each.startswith("reservation_")]

    assert await store.read(noted) == ["reservation_chosen", "reservation_held", "reservation_confirmed"]


@pytest.mark.parametrize("end", ["release", "expire", "conflict"])
async def test_what_has_ended_stays_so(store: Store, office: Office, end: str) -> None:
    _, key = await chosen(store, office)
    more = ("slot_taken",) if end == "conflict" else ()
    assert await store.write(getattr(records, end), MONDAY_S, key, *more)
    for again in (records.expire, records.release):
        assert not await store.write(again, MONDAY_S, key)
    assert not await store.write(records.hold, MONDAY_S, key, HELD)
    assert not await store.write(records.conflict, MONDAY_S, key, "x")


async def test_only_a_confirmed_one_is_let_go_late(store: Store, office: Office) -> None:
    _, key = await chosen(store, office)
    await store.write(records.hold, MONDAY_S, key, HELD)
    await store.write(records.confirm, MONDAY_S, key, "R-7", None)
    assert not await store.write(records.expire, MONDAY_S, key)
    assert not await store.write(records.conflict, MONDAY_S, key, "x")
    assert await store.write(records.release, MONDAY_S, key, "staff:1")


async def test_who_waited_too_long_is_found(store: Store, office: Office) -> None:
    _, key = await chosen(store, office)
    assert await store.read(records.overdue, MONDAY_S + 59) == []
    assert [each.id for each in await store.read(records.overdue, MONDAY_S + 60)] == [key]
    await store.write(records.hold, MONDAY_S, key, HELD)
    assert await store.read(records.overdue, MONDAY_S + 899) == []
    assert [each.id for each in await store.read(records.overdue, MONDAY_S + 900)] == [key]


async def test_trouble_is_remembered_until_it_is_over(store: Store, office: Office) -> None:
    _, key = await chosen(store, office)
    await store.write(records.trouble, MONDAY_S, key, "backend_down")
    assert (await store.read(records.get, key)).error == "backend_down"
    await store.write(records.hold, MONDAY_S, key, HELD)
    assert (await store.read(records.get, key)).error == ""
    with pytest.raises(NotFound):
        await store.read(records.get, key + 1)
