"""An appointment goes over to a colleague: whose it is, whose time it takes, and what is known of it afterwards."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select

from balie.booking import appointments, changes, reading
from balie.booking.appointments import Booked, Booking
from balie.booking.errors import NotNow, Unfit
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.slots import Wish
from balie.record import audit
from balie.store.engine import Store
from balie.store.schema import audit as audit_rows
from balie.store.schema import outbox, slot_claim
from balie.visit import transfer
from tests.support import office
from tests.support.office import MONDAY_S, Office, unix_s

AN = Person("An Peeters", mail="an@voorbeeld.example")
KEY = LinkKey(b"k" * 32)
WHEN = "2026-12-08T10:30"


async def booked(store: Store, here: Office, staff_id: int, seed: int = 1) -> Booked:
    chance = random.Random(seed + 10 * staff_id)
    request = Booking(AN, wish=Wish((here.badminton,), "video", staff_id), start_s=unix_s(WHEN))
    return await store.write(appointments.book, MONDAY_S, chance.randbytes, KEY, request)


async def give(store: Store, made: Booked, staff_id: int, now_s: int = MONDAY_S) -> bool:
    args = (now_s, random.Random(now_s).randbytes, made.appointment_id, staff_id, "staff:1")
    return await store.write(transfer.transfer, *args)


async def whose(store: Store, made: Booked) -> set[int]:
    query = select(slot_claim.c.staff_id).where(slot_claim.c.appointment_id == made.appointment_id)
    return set(await store.read(lambda tx: tx.scalars(query).all()))


async def test_it_is_the_colleagues_with_its_time(store: Store) -> None:
    here = await store.write(office.found)
    made = await booked(store, here, here.bart)
    assert await give(store, made, here.els)
    found = await store.read(reading.by_ref, made.ref)
    assert (found.staff_id, found.staff_name, found.status, found.sequence) == (here.els, "Els Maes", "booked", 0)
    assert await whose(store, made) == {here.els}
    # Bart has that time again.
    assert await whose(store, await booked(store, here, here.bart, seed=2)) == {here.bart}
    row = await store.read(lambda tx: tx.execute(select(audit_rows).where(audit_rows.c.action == "transferred")).one())
    assert (row.actor, row.detail) == ("staff:1", {"from_staff": here.bart, "to_staff": here.els})
    assert await store.read(lambda tx: tx.scalars(select(outbox.c.type).order_by(outbox.c.id)).all()) == [
        "be.balie.appointment.booked",
        "be.balie.appointment.changed",
        "be.balie.appointment.booked",
    ]


async def test_a_colleague_who_is_busy_then_has_two(store: Store) -> None:
    """During a call nobody looks for a free hour: who steps in steps in."""
    here = await store.write(office.found)
    made, other = await booked(store, here, here.bart), await booked(store, here, here.els)
    assert await give(store, made, here.els)
    assert (await store.read(reading.by_ref, made.ref)).staff_id == here.els
    assert await whose(store, made) == set() and await whose(store, other) == {here.els}


async def test_what_is_known_afterwards(store: Store) -> None:
    here = await store.write(office.found)
    made = await booked(store, here, here.bart)
    assert await store.read(transfer.last, [made.ref]) == {}
    assert not await give(store, made, here.bart), "it was his already"
    await give(store, made, here.els, MONDAY_S + 60)
    await give(store, made, here.bart, MONDAY_S + 120)
    known = await store.read(transfer.last, [made.ref, "NOSUCH1"])
    assert known == {made.ref: transfer.Handed(MONDAY_S + 120, here.els, here.bart, "Els Maes")}
    assert await store.read(transfer.last, []) == {}
    await store.write(audit.seal)
    assert await store.read(audit.broken) == []


async def test_not_to_anybody_and_not_when_it_is_over(store: Store) -> None:
    here = await store.write(office.found)
    made = await booked(store, here, here.bart)
    with pytest.raises(Unfit) as refused:
        await give(store, made, 4711)
    assert refused.value.code == "staff_unknown"
    cancelled = (MONDAY_S, random.Random(9).randbytes, made.appointment_id, "citizen")
    await store.write(changes.cancel, *cancelled, by="citizen")
    with pytest.raises(NotNow):
        await give(store, made, here.els)
