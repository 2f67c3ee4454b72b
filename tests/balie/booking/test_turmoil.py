"""Eight visitors who book, hold, move, cancel and bring people at once: whatever they do, the books are right."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

import pytest
from sqlalchemy import func, select

from balie.booking import appointments, changes, claims, people
from balie.booking.appointments import Booking
from balie.booking.errors import BookingError
from balie.booking.slots import Wish
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, appointment_product, day_claim, join_link, participant, slot_claim
from tests.support import office
from tests.support.booking import AN, KEY, LIES
from tests.support.office import MONDAY_S, Office, unix_s

VISITORS, ACTS = 8, 25
STARTS = [unix_s(f"2026-12-{day}T09:00") + 900 * n for day in ("09", "10") for n in range(11)]
LIVE = ("held", *people.STANDING)


class Visitors:
    """Random acts, all of them by one seed; what is refused is refused by a BookingError."""

    def __init__(self, store: Store, made: Office, seed: int) -> None:
        self.store, self.made, self.random = store, made, random.Random(seed)
        self.now_s = MONDAY_S
        self.booked: list[int] = []
        self.secrets: list[str] = []
        self.refused = 0

    async def act(self) -> None:
        self.now_s += self.random.randrange(20)
        acts = (self._book, self._book, self._hold, self._book_held, self._move, self._cancel, self._bring)
        try:
            await self.random.choice(acts)(self.now_s, self.random.randbytes)
        except BookingError:
            self.refused += 1

    def _wish(self) -> Wish:
        made, pick = self.made, self.random.choice
        products = pick([(made.badminton,), (made.permit,), (made.badminton, made.permit)])
        return Wish(products, staff_id=pick([None, made.bart]))

    async def _book(self, now_s: int, entropy: appointments.Entropy) -> None:
        request = Booking(AN, wish=self._wish(), start_s=self.random.choice(STARTS))
        self.booked.append((await self.store.write(appointments.book, now_s, entropy, KEY, request)).appointment_id)

    async def _hold(self, now_s: int, entropy: appointments.Entropy) -> None:
        start_s = self.random.choice(STARTS)
        self.secrets.append((await self.store.write(appointments.hold, now_s, entropy, self._wish(), start_s)).secret)

    async def _book_held(self, now_s: int, entropy: appointments.Entropy) -> None:
        request = Booking(AN, held=self.random.choice(self.secrets or ["none"]))
        self.booked.append((await self.store.write(appointments.book, now_s, entropy, KEY, request)).appointment_id)

    async def _move(self, now_s: int, entropy: appointments.Entropy) -> None:
        start_s, which = self.random.choice(STARTS), self.random.choice(self.booked or [0])
        moved = await self.store.write(changes.move, now_s, entropy, KEY, which, start_s, "citizen")
        self.booked.append(moved.appointment_id)

    async def _cancel(self, now_s: int, entropy: appointments.Entropy) -> None:
        which = self.random.choice(self.booked or [0])
        await self.store.write(changes.cancel, now_s, entropy, which, "citizen", by="citizen")

    async def _bring(self, now_s: int, entropy: appointments.Entropy) -> None:
        which = self.random.choice(self.booked or [0])
        await self.store.write(people.add_helper, now_s, entropy, KEY, which, LIES, "citizen")


def check_books(tx: Tx, made: Office) -> None:
    """Claims, seats and links are those of appointments that stand, and of nothing else."""
    cells = defaultdict(set)
    for row in tx.execute(select(slot_claim)):
        cells[row.appointment_id].add((row.staff_id, row.cell))
    rows = tx.execute(select(appointment)).all()
    for row in rows:
        span = claims.cells_of(row.start_s, row.end_s, row.buffer_before_min, row.buffer_after_min)
        assert cells[row.id] == ({(row.staff_id, cell) for cell in span} if row.status in LIVE else set()), row
    seats = tx.execute(select(day_claim.c.day, func.count()).group_by(day_claim.c.day)).all()
    assert all(number <= 4 for _day, number in seats), "the daily maximum of a permit"
    of_permits = select(func.count()).select_from(appointment_product.join(appointment))
    permits = of_permits.where(appointment_product.c.product_id == made.permit, appointment.c.status.in_(LIVE))
    assert tx.scalar(permits) == sum(number for _day, number in seats)
    standing = [row.ref for row in rows if row.status in people.STANDING]
    assert len(standing) == len(set(standing)), "moved twice"
    links = select(appointment.c.status).select_from(join_link.join(participant).join(appointment))
    assert set(tx.scalars(links.where(join_link.c.revoked_s.is_(None)))) <= set(people.STANDING)


@pytest.mark.parametrize("seed", range(3))
async def test_the_books_are_right_after_a_turmoil(store: Store, seed: int) -> None:
    made = await store.write(office.found)
    visitors = Visitors(store, made, seed)

    async def visit() -> None:
        for _ in range(ACTS):
            await visitors.act()

    await asyncio.gather(*(visit() for _ in range(VISITORS)))
    assert visitors.booked and visitors.refused
    await store.read(check_books, made)
    await store.write(claims.expire_holds, visitors.now_s + appointments.HOLD_S)
    await store.read(check_books, made)
    assert not await store.read(lambda tx: tx.scalar(select(func.count()).where(appointment.c.status == "held")))
