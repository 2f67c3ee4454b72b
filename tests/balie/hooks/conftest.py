"""An office with appointments, and a way to announce what becomes of them."""

from __future__ import annotations

import pytest_asyncio

from balie.store.engine import Store
from tests.support import office
from tests.support.appointments import Announcer


@pytest_asyncio.fixture
async def announce(store: Store) -> Announcer:
    return Announcer(store, await store.write(office.found))
