"""A small server on both address families, for tests of what the compiled loops do alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from media.core.settings import Settings
from media.io.binding import Binding
from media.io.server import MediaServer

SMALL = Settings(transports_max=16, tracks_max=16, subscriptions_max=64, history_rows=2048, send_rows=512)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[MediaServer]:
    server = MediaServer(Binding(hosts=("127.0.0.1", "::1"), settings=SMALL))
    await server.start()
    yield server
    await server.close()
