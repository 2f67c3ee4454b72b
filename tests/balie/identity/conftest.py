"""Fixtures: a provider of our own that listens on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp.test_utils import TestServer

from tests.support.oidc import Op


@pytest_asyncio.fixture
async def op() -> AsyncIterator[Op]:
    made = Op()
    server = TestServer(made.app, host="127.0.0.1")
    await server.start_server()
    made.issuer = str(server.make_url("")).rstrip("/")
    yield made
    await server.close()
