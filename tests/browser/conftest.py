"""Fixtures of tests that start a browser: one Chromium for all, a `balie demo` and fresh profiles for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.support import processes
from tests.support.processes import Running
from tests.support.visitor import Visitor, launched, visitor

Visit = Callable[..., Awaitable[Visitor]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright, launched(playwright) as browser:
        yield browser


@pytest.fixture
def demo() -> Iterator[Running]:
    with processes.demo() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser, demo: Running) -> AsyncIterator[Visit]:
    """visit(role): somebody at the door of the demo's appointment.  At the end no page may have complained."""
    async with AsyncExitStack() as stack:
        visitors: list[Visitor] = []

        async def come(role: str = "", **options: Any) -> Visitor:
            origin = options.pop("origin", f"http://localhost:{demo.port}")
            somebody = await stack.enter_async_context(visitor(chromium, origin, **options))
            visitors.append(somebody)
            if role:
                await somebody.open(demo.links[role])
            return somebody

        yield come
        complaints = [complaint for each in visitors for complaint in each.complaints]
    assert complaints == []
