"""What goes on by itself: asking again, following a webhook, letting go what nobody finished, going on after a crash.

Several processes may do this beside each other on one database: what is due is taken by a conditional update for as
long as a call may last, and everything that is asked for carries its key.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass

import structlog
from sqlalchemy import select

from balie.acts import buying, intents, saga
from balie.acts.service import Acts
from balie.payments import records as payments
from balie.payments import refunds
from balie.payments.records import Payment
from balie.payments.refunds import Refund
from balie.reservations import records as reservations
from balie.store.engine import Tx

LOOK_S = 5.0  # so often we look unasked; a commit of this process wakes us at once, and so does what becomes due
OVERDUE_S = 1.0  # while something is overdue that waits for a word
PAUSE_S = 0.2  # between two looks: calls of citizens write often
ABREAST = 8  # calls at a time
SCAN_S = 15  # between two looks for what a crash left undone

_FIRST = select(
    payments.FIRST_DUE_S.label("payments"),
    refunds.FIRST_DUE_S.label("refunds"),
    intents.FIRST_DUE_S.label("intents"),
    reservations.FIRST_OVER_S.label("overdue"),
)
"""One statement, made once: it is asked again and again, also by a counter where nothing happens."""

_log = structlog.get_logger("acts")


class Repair:
    """The worker."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts
        self._scan_s = 0
        self.wait_s = 0.0
        """How long there is nothing to do after the last step, as far as it saw."""

    async def run(self) -> None:
        """Until it is cancelled.  A failure is logged, and tried again."""
        while True:
            committed = self._acts.store.committed
            try:
                await self.step()
            except Exception:
                _log.exception("acts_failed")
            await asyncio.sleep(PAUSE_S)
            # Not wait_for: before Python 3.12 it loses a cancellation that comes in the moment of waking.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.wait_s):
                    await committed.wait()

    async def step(self) -> int:
        """Do what is due now.  Returns how much that was."""
        acts, store, now_s = self._acts, self._acts.store, self._acts.now_s
        calls: list[Awaitable[None]] = []
        scan = now_s >= self._scan_s
        self.wait_s = OVERDUE_S  # should this fail
        found = await store.read(_look, now_s, scan=scan, documents=acts.rules.documents)
        self.wait_s = found.wait_s
        if scan:
            self._scan_s = now_s + SCAN_S
        if found.payments:
            calls += [self._payment(each) for each in await store.write(payments.due, now_s)]
        if found.refunds:
            calls += [self._refund(each) for each in await store.write(refunds.due, now_s)]
        if found.intents:
            calls += [acts.carry(each) for each in await store.write(intents.due, now_s)]
        calls += [acts.expire(each) for each in found.overdue]
        calls += [acts.settle(each) for each in found.unsettled]
        gate = asyncio.Semaphore(ABREAST)
        await asyncio.gather(*(_one(gate, each) for each in calls))
        return len(calls)

    async def _payment(self, about: Payment) -> None:
        if about.external_id is None:
            await self._acts.create(about.id)
        else:
            await self._acts.look(about.id)

    async def _refund(self, found: Refund) -> None:
        """First what became of it: a provider forgets its keys after an hour, and then would do it once more."""
        await self._acts.look(found.payment_id)
        await self._acts.give_back(found.id)


async def _one(gate: asyncio.Semaphore, call: Awaitable[None]) -> None:
    async with gate:
        try:
            await call
        except Exception:
            _log.exception("act_failed")


@dataclass(frozen=True)
class _Found:
    """What there is to do: looking costs no write."""

    payments: bool
    refunds: bool
    intents: bool
    overdue: list[int]
    unsettled: list[int]
    wait_s: float


def _look(tx: Tx, now_s: int, *, scan: bool, documents: bool) -> _Found:
    first_s = {name: at_s for name, at_s in tx.execute(_FIRST).one()._mapping.items() if at_s is not None}
    due = {name for name, at_s in first_s.items() if at_s <= now_s}
    soonest_s = min(first_s.values(), default=now_s + LOOK_S) - now_s
    return _Found(
        payments="payments" in due,
        refunds="refunds" in due,
        intents="intents" in due,
        overdue=saga.overdue(tx, now_s) if "overdue" in due else [],
        unsettled=buying.unsettled(tx, documents=documents) if scan else [],
        wait_s=max(OVERDUE_S, min(soonest_s, LOOK_S)),
    )
