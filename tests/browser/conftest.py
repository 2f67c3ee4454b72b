"""Fixtures of tests that start a browser: one Chromium for all, a `balie demo` and fresh profiles for each."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, async_playwright

from tests.support import processes
from tests.support.network import Network, network
from tests.support.processes import Running
from tests.support.visitor import LIVE_FPS, SHELL, Visitor, launched, visitor
from web.keys import Site
from web.render import environment
from web.texts import wait_words

Visit = Callable[..., Awaitable[Visitor]]
STANDS_S = 90
"""Two minutes after all who met have left, their conversation is over (balie.visit.attendance); no test begins then."""
BROKEN = ("WebSocket connection to", "Failed to load resource: net::ERR_")
"""What Chromium writes to the console of itself when a connection breaks."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright, launched(playwright, program=SHELL) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def whole_chromium() -> AsyncIterator[Browser]:
    """With its windows, for tests of what a browser itself keeps and shows."""
    async with async_playwright() as playwright, launched(playwright) as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def live_chromium() -> AsyncIterator[Browser]:
    """Whole, with a camera as quick as a real one, for tests that measure pictures."""
    async with async_playwright() as playwright, launched(playwright, fps=LIVE_FPS) as browser:
        yield browser


@pytest.fixture
def own_demo() -> Iterator[Running]:
    with processes.demo() as running:
        yield running


@pytest.fixture
def demo(own_demo: Running) -> Running:
    """The one of `visit`; files whose tests leave nothing behind say that it is the standing one."""
    return own_demo


@pytest_asyncio.fixture(loop_scope="session")
async def line(demo: Running) -> AsyncIterator[Network]:
    """What lies between a browser and the demo, for tests that break it."""
    async with network(demo.port) as made:
        yield made


class Standing:
    """A demo that is used again and again, and another one when it has become old."""

    def __init__(self) -> None:
        self._until_s = 0.0
        self._stack = ExitStack()
        self._demo: Running | None = None

    def demo(self) -> Running:
        if self._demo is None or time.monotonic() > self._until_s:
            self.close()
            self._demo = self._stack.enter_context(processes.demo())
            self._until_s = time.monotonic() + STANDS_S
        return self._demo

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="session")
def standing() -> Iterator[Standing]:
    made = Standing()
    yield made
    made.close()


@pytest.fixture
def standing_demo(standing: Standing) -> Running:
    """One for many tests of a worker that leave nothing in it: no message, no document, no end of the conversation."""
    return standing.demo()


@asynccontextmanager
async def visiting(chromium: Browser, demo: Running) -> AsyncIterator[Visit]:
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


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser, demo: Running) -> AsyncIterator[Visit]:
    async with visiting(chromium, demo) as made:
        yield made


async def closed_link(somebody: Visitor, state: str, opens_in_s: int) -> None:
    """Open a link that is early or over.  The demo has only open ones, so the page of that state stands in."""
    template = environment().get_template("closed.html")
    site = Site("Gemeente Voorbeeldegem", "+32 2 555 01 23", somebody.origin)
    urls = {"test_url": "/test", "mine_url": "/"}
    html = template.render(
        site=site, lang="nl", state=state, opens_in_s=opens_in_s, wait=wait_words(opens_in_s), **urls
    )

    async def answer(route: Route) -> None:
        await route.fulfill(response=await route.fetch(), body=html)

    await somebody.page.route(f"**/g/{state}", answer)
    await somebody.goto(f"{somebody.origin}/g/{state}")
