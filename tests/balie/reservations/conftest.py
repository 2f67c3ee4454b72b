"""An office to reserve something from."""

from __future__ import annotations

import pytest_asyncio

from balie.store.engine import Store
from tests.support import office as offices
from tests.support.office import Office


@pytest_asyncio.fixture
async def office(store: Store) -> Office:
    return await store.write(offices.found)
