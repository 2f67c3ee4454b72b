"""Fixture: An at the counter, a hall and a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from balie.store.engine import Store
from tests.support.acting import World, world


@pytest_asyncio.fixture
async def here(sqlite_store: Store) -> AsyncIterator[World]:
    async with world(sqlite_store) as made:
        yield made
