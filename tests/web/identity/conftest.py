"""Fixtures: an office that asks who one is, and browsers, each with cookies of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient

from balie.store.engine import Store
from tests.support.desk import Clerk
from tests.support.identified import Browser, Town, town


@pytest_asyncio.fixture
async def here(sqlite_store: Store) -> AsyncIterator[Town]:
    async with town(sqlite_store) as made:
        yield made


@pytest.fixture
def browser(here: Town, aiohttp_client: AiohttpClient) -> Callable[[], Awaitable[Browser]]:
    async def make() -> Browser:
        return await aiohttp_client(here.desk.app)

    return make


@pytest_asyncio.fixture
async def an(browser: Callable[[], Awaitable[Browser]]) -> Browser:
    return await browser()


@pytest_asyncio.fixture
async def bart(browser: Callable[[], Awaitable[Browser]]) -> Clerk:
    """Signed in with his password."""
    clerk = Clerk(await browser())
    await clerk.sign_in("bart")
    return clerk
