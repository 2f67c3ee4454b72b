"""Anything at any time: people, systems and accidents in an order that chance decides; the seed is the test's name."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest

from balie.store.engine import Store
from balie.store.schema import refund, reservation
from tests.support.acting import PLAY_S, World, world
from tests.support.acting_story import finish, tried

STEPS = 40
HALL = [(call, fault) for call in ("free", "hold", "confirm", "release") for fault in ("down", "lost", "nonsense")]
HALL += [(call, fault) for call in ("hold", "confirm") for fault in ("taken", "refused")]
DESK = [(call, fault) for call in ("create", "fetch", "refund") for fault in ("down", "lost", "nonsense", "refused")]
DEATHS = [f"{call}:{when}" for call in ("hold", "confirm", "release") for when in ("before", "after")]
DESK_DEATHS = [f"{call}:{when}" for call in ("create", "fetch", "refund") for when in ("before", "after")]


class Walk:
    """What may happen next, by name: the oftener it stands here the oftener it does."""

    def __init__(self, here: World, chance: random.Random) -> None:
        self._here, self._chance = here, chance
        self.steps: list[Callable[[], Awaitable[object]]] = [
            *[self.reserve] * 4,
            *[self.identify] * 3,
            *[self.pay] * 6,
            *[self.press] * 5,
            *[self.work] * 4,
            *[self.fault] * 3,
            *[self.settle, self.report, self.restart, self.die, self.wait, self.refund],
        ]
        self.rare = [self.late, self.late, self.cancel, self.give_away, self.elsewhere, self.release]

    async def go(self) -> None:
        for _step in range(STEPS):
            step = self._chance.choice(self.rare if self._chance.random() < 0.1 else self.steps)
            await tried(step)

    async def reserve(self) -> None:
        live = [each for each in await self._here.rows(reservation) if each.state in ("selected", "held", "confirmed")]
        if live and self._chance.random() < 0.9:
            return
        await self._here.reserve(PLAY_S + 3600 * self._chance.randrange(3))

    async def identify(self) -> None:
        await self._here.identify(state=self._chance.choice(("verified", "verified", "verified", "failed")))

    async def pay(self) -> None:
        held = [each for each in await self._here.rows(reservation) if each.state == "held"]
        if held:
            await self._here.pay(self._chance.choice(held).id)

    async def press(self) -> None:
        if self._here.desk.payments:
            outcome = self._chance.choice(("betaald", "betaald", "betaald", "geannuleerd", "mislukt", "later"))
            number = self._chance.randrange(len(self._here.desk.payments))
            self._here.desk.cashier.choose(self._here.at_desk(number), outcome)  # type: ignore[arg-type]

    async def report(self) -> None:
        if self._here.desk.payments:
            await self._here.report(self._chance.randrange(len(self._here.desk.payments)))

    async def settle(self) -> None:
        await self._here.acts.settle(self._here.appointment_id)

    async def release(self) -> None:
        kept = await self._here.rows(reservation)
        if kept:
            await self._here.acts.release(self._chance.choice(kept).id)

    async def refund(self) -> None:
        found = await self._here.rows(refund)
        if found:
            one, other = self._chance.choice(found).id, self._chance.random() < 0.3
            await (self._here.acts.keep(one, 1, "Nee.") if other else self._here.acts.refund(one, 1))

    async def work(self) -> None:
        await self._here.work(self._chance.choice((0, 5, 30, 120)))

    async def wait(self) -> None:
        self._here.clock.now_s += self._chance.choice((10, 60, 300, 1000))

    async def restart(self) -> None:
        self._here.restart()

    async def fault(self) -> None:
        if self._chance.random() < 0.5:
            self._here.hall.fail(*self._chance.choice(HALL))
        else:
            self._here.desk.fail(*self._chance.choice(DESK))

    async def die(self) -> None:
        if self._chance.random() < 0.5:
            self._here.backend.die_at = self._chance.choice(DEATHS)
        else:
            self._here.provider.die_at = self._chance.choice(DESK_DEATHS)

    async def late(self) -> None:
        ended = [each for each, made in enumerate(self._here.desk.payments) if made.status in ("canceled", "expired")]
        if ended:
            self._here.paid_late(self._chance.choice(ended))

    async def cancel(self) -> None:
        await self._here.cancel()

    async def give_away(self) -> None:
        self._here.hall.give_away()

    async def elsewhere(self) -> None:
        for each in self._here.desk.payments:
            if each.status == "paid" and not each.refunds:
                self._here.desk.cashier.refund("", each.id, self._chance.choice((300, 900)), "uit de hand")


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_happens(sqlite_store: Store, seed: int) -> None:
    async with world(sqlite_store) as here:
        await Walk(here, random.Random(seed)).go()
        here.backend.die_at = here.provider.die_at = ""
        here.hall.faults.clear()
        here.desk.faults.clear()
        await finish(here)
