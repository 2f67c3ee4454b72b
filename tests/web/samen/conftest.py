"""A call about badminton with everybody in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from balie.store.engine import Store
from tests.support.samen import Together, come_together


@pytest_asyncio.fixture
async def call(sqlite_store: Store) -> AsyncIterator[Together]:
    servers: list[TestServer] = []
    clients: list[TestClient[Any, Any]] = []

    async def client(app: web.Application) -> TestClient[Any, Any]:
        if not servers:
            servers.append(TestServer(app))
        clients.append(TestClient(servers[0]))
        await clients[-1].start_server()
        return clients[-1]

    yield await come_together(sqlite_store, client)
    for each in clients:
        await each.close()
