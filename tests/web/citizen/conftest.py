"""Fixtures: citizens' pages over SQLite, with a small municipality in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient

from balie.store.engine import Store
from tests.support import office
from tests.support.booking import booked
from tests.support.office import Office
from tests.support.townhall import Client, Townhall, townhall


@pytest_asyncio.fixture
async def municipality(sqlite_store: Store) -> Office:
    return await sqlite_store.write(office.found)


@pytest.fixture
def hall(sqlite_store: Store, municipality: Office) -> Townhall:
    return townhall(sqlite_store)


@pytest_asyncio.fixture
async def client(hall: Townhall, aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(hall.app)


@pytest.fixture
def appointment(hall: Townhall, municipality: Office) -> Callable[..., Awaitable[list[str]]]:
    """appointment(...): one of An on Tuesday at ten; the paths of the links of all who take part, hers first."""

    async def make(**changes: object) -> list[str]:
        made = await booked(hall.store, municipality, **changes)  # type: ignore[arg-type]
        return [f"/a/{token}" for token in made.links.values()]

    return make
