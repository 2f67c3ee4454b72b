"""One more product during a conversation: it takes longer if the calendar and the hours allow, and never otherwise."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from balie.booking import appointments, changes, claims, lengthening, links, reading
from balie.booking.errors import NotFound, NotNow, SlotTaken, Unfit
from balie.booking.slots import Wish
from balie.store.engine import Store
from balie.store.schema import CELL_S, audit, outbox, product, slot_claim
from tests.support import office as offices
from tests.support.booking import KEY, booked, booking, entropy
from tests.support.office import MONDAY_S, Office, unix_s

BART = "staff:1"
MIN_S = 60


@dataclass
class Day:
    """An has an appointment of half an hour with Bart at ten on Tuesday."""

    store: Store
    office: Office
    id: int
    token: str
    start_s: int

    async def add(self, product_id: int = 0, *, squeeze: bool = False) -> lengthening.Room:
        args = (self.start_s, entropy(3).randbytes, self.id, product_id or self.office.permit, BART)
        return await self.store.write(lengthening.add_product, *args, squeeze=squeeze)

    async def book(self, local: str, product_id: int = 0) -> None:
        """Somebody else with Bart."""
        wish = Wish((product_id or self.office.badminton,), staff_id=self.office.bart, urgent=True)
        request = booking(self.office, unix_s(local), wish=wish)
        await self.store.write(appointments.book, MONDAY_S, entropy(7).randbytes, KEY, request)

    async def cells(self) -> list[int]:
        query = select(slot_claim.c.cell).where(slot_claim.c.appointment_id == self.id).order_by(slot_claim.c.cell)
        return await self.store.read(lambda tx: list(tx.scalars(query)))

    async def found(self) -> reading.Appointment:
        return await self.store.read(reading.by_id, self.id)


@pytest_asyncio.fixture
async def day(store: Store) -> Day:
    return await at(store, "2026-12-08T10:00")


async def at(store: Store, local: str) -> Day:
    office = await store.write(offices.found)
    start_s = unix_s(local)
    made = await booked(store, office, start_s, wish=Wish((office.badminton,), staff_id=office.bart))
    return Day(store, office, made.appointment_id, next(iter(made.links.values())), start_s)


async def test_it_takes_longer_and_so_do_its_links(day: Day) -> None:
    room = await day.add()
    assert (room.fits, room.end_s) == (True, day.start_s + 75 * MIN_S)
    found = await day.found()
    assert (found.end_s, len(found.products), found.sequence) == (room.end_s, 2, 1)
    cells = await day.cells()
    assert cells == list(range(day.start_s // CELL_S, room.end_s // CELL_S + 1)), "with the buffer after it"
    opened = await day.store.read(links.find, day.token, room.end_s + links.AFTER_S - 1)
    assert opened.state == "open"
    actions = await day.store.read(lambda tx: list(tx.scalars(select(audit.c.action).order_by(audit.c.id))))
    types = await day.store.read(lambda tx: list(tx.scalars(select(outbox.c.type).order_by(outbox.c.id))))
    assert (actions[-1], types[-1]) == ("product_added", "be.balie.appointment.changed")


async def test_nobody_gets_that_time_any_more(day: Day) -> None:
    await day.add()
    with pytest.raises(SlotTaken):
        await day.book("2026-12-08T11:00")
    await day.book("2026-12-08T11:30")


async def test_the_next_appointment_comes_first(day: Day) -> None:
    await day.book("2026-12-08T11:00")
    before = await day.cells()
    room = await day.store.read(lengthening.room, day.id, day.office.permit)
    assert (room.fits, room.next_s) == (False, unix_s("2026-12-08T11:00"))
    with pytest.raises(Unfit, match="no time"):
        await day.add()
    assert len((await day.found()).products) == 1 and await day.cells() == before
    room = await day.add(squeeze=True)
    found = await day.found()
    assert not room.fits and (found.end_s, len(found.products)) == (day.start_s + 30 * MIN_S, 2)
    assert await day.cells() == before


async def test_one_that_just_fits(day: Day) -> None:
    """Three quarters of an hour more and five minutes to breathe end when the next begins."""
    await day.book("2026-12-08T11:30")
    assert (await day.add()).fits


@pytest.mark.parametrize("begins", ["2026-12-08T11:00", "2026-12-08T11:30", "2026-12-08T16:00"])
async def test_it_does_not_run_past_the_hours(store: Store, begins: str) -> None:
    day = await at(store, begins)
    room = await day.store.read(lengthening.room, day.id, day.office.permit)
    assert (room.fits, room.next_s) == (False, None)
    with pytest.raises(Unfit):
        await day.add()


@pytest.mark.parametrize("what", ["twice", "unknown", "inactive", "modality", "full"])
async def test_what_cannot_be_added(day: Day, what: str) -> None:
    changes_of: dict[str, dict[str, Any]] = {
        "inactive": {"active": False},
        "modality": {"modalities": ["desk"]},
        "full": {"daily_max": 1},
    }
    key = {"twice": day.office.badminton, "unknown": 4711}.get(what, day.office.permit)
    if what in changes_of:
        values = changes_of[what]
        query = update(product).where(product.c.id == day.office.permit).values(**values)
        await day.store.write(lambda tx: tx.execute(query))
    if what == "full":
        await day.book("2026-12-08T14:00", day.office.permit)
    with pytest.raises((Unfit, NotFound)):
        await day.add(key)
    assert len((await day.found()).products) == 1


async def test_not_of_one_that_is_over(day: Day) -> None:
    await day.store.write(changes.cancel, MONDAY_S, entropy().randbytes, day.id, BART, by="office")
    with pytest.raises(NotNow):
        await day.add()


async def test_somebody_books_it_in_the_same_moment(day: Day) -> None:
    """Whoever comes first has it; never both."""
    added, other = await asyncio.gather(day.add(), day.book("2026-12-08T11:00"), return_exceptions=True)
    longer = not isinstance(added, Exception)
    assert longer == isinstance(other, SlotTaken)
    query = select(slot_claim.c.staff_id, slot_claim.c.cell)
    rows = await day.store.read(lambda tx: tx.execute(query).all())
    assert len(rows) == len(set(rows))
    assert ((await day.found()).end_s > day.start_s + 30 * MIN_S) == longer


async def test_more_cells_or_none_of_them(day: Day) -> None:
    await day.book("2026-12-08T11:00")
    before = await day.cells()
    free, taken = range(before[-1] + 1, before[-1] + 3), range(before[-1] + 1, unix_s("2026-12-08T11:05") // CELL_S)
    assert not await day.store.write(claims.extend, day.office.bart, taken, day.id)
    assert await day.cells() == before
    assert await day.store.write(claims.extend, day.office.bart, free, day.id)
    assert await day.cells() == [*before, *free]
    assert await day.store.write(claims.extend, day.office.bart, range(0), day.id)
