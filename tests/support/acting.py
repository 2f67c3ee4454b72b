"""A formal act from beginning to end for tests: an appointment, a hall, a provider, a clock to turn, and accidents."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select, update

from balie.acts.repair import Repair
from balie.acts.rules import Rules
from balie.acts.service import Acts, Systems
from balie.identity import records as identity
from balie.store.engine import Store, Tx
from balie.store.schema import (
    appointment,
    identification,
    invoice,
    participant,
    payment,
    product,
    refund,
    reservation,
    task,
)
from tests.support import appointments, office
from tests.support.cashdesk import NAME, CashDesk, cash_desk
from tests.support.office import MONDAY_S, Office
from tests.support.sporthall import SportHall

HOUR_S = 3600
PLAY_S = MONDAY_S + 3 * 86_400 + 10 * HOUR_S
"""Thursday at six in the evening."""


class CrashError(BaseException):
    """The process dies here."""


class Mortal:
    """An adapter whose process dies before or after a call: die_at is such as "hold:after"."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.die_at = ""

    @property
    def name(self) -> str:
        return str(self._inner.name)

    def __getattr__(self, call: str) -> Any:
        async def mortal(*args: Any) -> Any:
            if self.die_at == f"{call}:before":
                self.die_at = ""
                raise CrashError
            answer = await getattr(self._inner, call)(*args)
            if self.die_at == f"{call}:after":
                self.die_at = ""
                raise CrashError
            return answer

        return mortal


@dataclass
class Clock:
    now_s: float = MONDAY_S

    def __call__(self) -> float:
        return self.now_s


class Ledger:
    """Bookkeeping for tests: a number for each document, once."""

    def issue(self, tx: Tx, now_s: int, payment_id: int) -> int:
        known = tx.scalar(select(invoice.c.id).where(invoice.c.payment_id == payment_id, invoice.c.refund_id.is_(None)))
        return known or self._add(tx, now_s, payment_id, None)

    def credit(self, tx: Tx, now_s: int, refund_id: int) -> int:
        known = tx.scalar(select(invoice.c.id).where(invoice.c.refund_id == refund_id))
        payment_id = tx.scalar(select(refund.c.payment_id).where(refund.c.id == refund_id))
        assert payment_id is not None
        return known or self._add(tx, now_s, payment_id, refund_id)

    def _add(self, tx: Tx, now_s: int, payment_id: int, refund_id: int | None) -> int:
        kind, series = ("receipt", "2026") if refund_id is None else ("credit", "C2026")
        number = len(tx.execute(select(invoice.c.id).where(invoice.c.series == series)).all()) + 1
        row: dict[str, Any] = {"payment_id": payment_id, "refund_id": refund_id, "kind": kind, "series": series}
        row["number"] = number
        row |= {"issued_s": now_s, "total_cents": 900, "vat_cents": 0, "content": {}, "ubl": ""}
        made = tx.execute(insert(invoice).values(**row)).inserted_primary_key
        assert made is not None
        return int(made[0])


@dataclass
class World:
    """needs: the product asks who he is."""

    store: Store
    office: Office
    hall: SportHall
    desk: CashDesk
    clock: Clock
    provider: Mortal
    backend: Mortal
    appointment_id: int
    citizen_id: int
    third_id: int
    needs: bool = True
    told: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    @property
    def now_s(self) -> int:
        return int(self.clock.now_s)

    def restart(self) -> None:
        """A new process on the same database."""
        systems = Systems({"sporthal": self.backend}, {NAME: self.provider}, NAME)
        rules = Rules(Ledger(), needed=self._needed)
        entropy = random.Random(self.now_s + len(self.desk.calls) + len(self.hall.calls)).randbytes
        self.acts = Acts(self.store, systems, rules, entropy, self.clock, "http://localhost", self._changed)
        self.repair = Repair(self.acts)

    def _needed(self, tx: Tx, appointment_id: int, product_id: int) -> bool:
        return self.needs and identity.needed(tx, appointment_id, product_id)

    async def _changed(self, appointment_id: int) -> None:
        self.told.append(appointment_id)

    # -- what people do ----------------------------------------------------------------------------------------

    async def reserve(self, from_s: int = PLAY_S) -> int:
        about = (self.appointment_id, self.office.badminton)
        return await self.acts.reserve(*about, "court-1", from_s, from_s + HOUR_S)

    async def identify(self, name: str = "An Peeters", state: str = "verified", *, matches: bool = True) -> None:
        row = {
            "appointment_id": self.appointment_id,
            "participant_id": self.citizen_id,
            "product_id": self.office.badminton,
            "provider": "demo",
            "state": state,
            "name": name,
            "matches": matches,
            "created_s": self.now_s,
            "expires_s": self.now_s + HOUR_S,
            "done_s": self.now_s,
        }
        await self.store.write(lambda tx: tx.execute(insert(identification).values(**row)))
        await self.acts.settle(self.appointment_id)

    async def pay(self, reservation_id: int) -> int:
        return await self.acts.pay(self.appointment_id, self.citizen_id, reservation_id=reservation_id)

    def at_desk(self, number: int = -1) -> str:
        """The id that the provider gave a payment."""
        return self.desk.payments[number].id

    def paid_late(self, number: int = 0) -> None:
        """Money comes in of a payment that had ended."""
        found = self.desk.payments[number]
        found.status, found.method, found.paid_s = "paid", "bancontact", self.clock.now_s

    async def report(self, number: int = -1) -> None:
        await self.acts.report(NAME, self.at_desk(number))

    async def work(self, seconds: int = 0) -> None:
        """The worker, until it has nothing to do; then again after a while, up to so many seconds."""
        begin_s = self.now_s
        end_s = begin_s + seconds
        while True:
            for _turn in range(20):
                try:
                    if not await self.repair.step():
                        break
                except CrashError:
                    self.restart()
            if self.now_s >= end_s:
                return
            self.clock.now_s = min(end_s, self.now_s + max(10, (end_s - begin_s) // 12))

    async def quiet(self) -> None:
        """Long after all terms: nothing is left to be heard of."""
        self.hall.broken, self.desk.broken = "", ""
        await self.work(2 * HOUR_S)
        await self.work(60 * 86_400)

    async def cancel(self) -> None:
        which = appointment.c.id == self.appointment_id
        await self.store.write(
            lambda tx: tx.execute(update(appointment).where(which).values(status="cancelled_citizen"))
        )

    # -- what one sees -----------------------------------------------------------------------------------------

    async def rows(self, table: Any) -> list[Any]:
        return await self.store.read(lambda tx: list(tx.execute(select(table).order_by(table.c.id)).all()))

    async def tasks(self, state: str = "open") -> list[str]:
        return [each.reason for each in await self.rows(task) if each.state == state]

    async def picture(self) -> list[tuple[Any, ...]]:
        """All that counts: what a replay may not change."""
        hidden = {"asked_s", "ask_again_s", "again_s"}
        return [
            tuple(value for name, value in row._mapping.items() if name not in hidden)
            for table in (reservation, payment, refund, task, invoice)
            for row in await self.rows(table)
        ]


@asynccontextmanager
async def world(store: Store, *, price_cents: int = 900, needs: bool = True) -> AsyncIterator[World]:
    """An has an appointment about badminton; the hall has one court, and the provider waits."""
    clock = Clock()

    def found(tx: Tx) -> tuple[Office, int, int, int]:
        here = office.found(tx)
        values = {"reservation_backend": "sporthal", "reservation_kind": "badminton", "identification": "oidc"}
        tx.execute(update(product).where(product.c.id == here.badminton).values(**values))
        made = appointments.put(tx, here, "ABC234")
        ids = list(
            tx.scalars(select(participant.c.id).where(participant.c.appointment_id == made).order_by(participant.c.id))
        )
        return here, made, ids[0], ids[1]

    here, made, citizen, third = await store.write(found)
    hall = SportHall(clock, price_cents=price_cents)
    async with cash_desk(clock) as (desk, provider):
        yield World(store, here, hall, desk, clock, Mortal(provider), Mortal(hall), made, citizen, third, needs)
