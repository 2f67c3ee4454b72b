"""A visit of An about badminton, with a court to reserve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from balie.record.guided import Guided, Step
from balie.samen import guide, state
from balie.samen.state import Reader
from balie.store.engine import Store
from tests.support import office as offices
from tests.support import together
from tests.support.booking import LIES, TUESDAY_10_S, booked
from tests.support.office import Office

NOW_S = TUESDAY_10_S + 60
BART = "staff:1"


@dataclass
class Visit:
    """id: of the appointment.  now_s: of whatever is done next."""

    store: Store
    office: Office
    id: int
    now_s: int = NOW_S

    async def open(self, kind: str, text: str = "") -> int:
        return await self.store.write(guide.open_step, self.now_s, self.id, BART, kind, None, text)

    async def put(self, make: Any, *args: Any, **more: Any) -> int:
        """A row of tests.support.together."""
        made: int = await self.store.write(make, self.now_s, self.id, *args, **more)
        return made

    async def panel(self, reader: Reader = "staff") -> Guided:
        return await self.store.read(state.of, self.id, reader)

    async def step(self, key: int) -> Step:
        return next(each for each in (await self.panel()).steps if each.id == key)


@pytest_asyncio.fixture
async def visit(store: Store) -> Visit:
    office = await store.write(offices.found)
    await store.write(together.offer, office.badminton)
    made = await booked(store, office, helpers=(LIES,))
    return Visit(store, office, made.appointment_id)
