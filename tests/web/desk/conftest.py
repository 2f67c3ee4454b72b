"""Fixtures: the desk on an SQLite file, and Bart who signed in to it."""

from __future__ import annotations

import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient

from balie.store.engine import Store
from tests.support.desk import Clerk, DeskSite, build_desk


@pytest_asyncio.fixture
async def desk(sqlite_store: Store) -> DeskSite:
    return await build_desk(sqlite_store)


@pytest_asyncio.fixture
async def stranger(desk: DeskSite, aiohttp_client: AiohttpClient) -> Clerk:
    """Nobody signed in yet."""
    return Clerk(await aiohttp_client(desk.app))


@pytest_asyncio.fixture
async def bart(stranger: Clerk) -> Clerk:
    await stranger.sign_in("bart")
    return stranger
