"""The API on both databases, and on SQLite alone where the database does not matter."""

from __future__ import annotations

import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient

from balie.store.engine import Store
from tests.support.api import Api, build


@pytest_asyncio.fixture
async def api(sqlite_store: Store, aiohttp_client: AiohttpClient) -> Api:
    made = await build(sqlite_store)
    made.client = await aiohttp_client(made.app)
    return made


@pytest_asyncio.fixture
async def both(store: Store, aiohttp_client: AiohttpClient) -> Api:
    made = await build(store)
    made.client = await aiohttp_client(made.app)
    return made
