"""A call about badminton with everybody in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from balie.store.engine import Store
from tests.support.samen import Together, served_together


@pytest_asyncio.fixture
async def call(sqlite_store: Store) -> AsyncIterator[Together]:
    async with served_together(sqlite_store) as made:
        yield made
