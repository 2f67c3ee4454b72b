"""Fixtures: a counter in this process, and a client of it."""

from __future__ import annotations

import pytest
import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient

from tests.support.site import Client, Site, build_site


@pytest.fixture
def site() -> Site:
    return build_site()


@pytest_asyncio.fixture
async def client(site: Site, aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(site.balie.web)
