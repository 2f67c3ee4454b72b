"""The demo's sports halls on loopback, and a reservation system that answers as it is told."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from balie.reservations.http import HttpBackend, Site
from tests.support.office import MONDAY_S
from web.demo_hall import api
from web.demo_hall.hall import Hall

SECRET = b"a secret that both of them know"
ZONE = "Europe/Brussels"


@dataclass
class Time:
    """A clock that stands still until somebody moves it."""

    s: float = MONDAY_S

    def __call__(self) -> float:
        return self.s


@asynccontextmanager
async def halls(folder: Path, time: Time) -> AsyncIterator[tuple[HttpBackend, Hall]]:
    """The halls, and an adapter that speaks with them over HTTP."""
    hall = Hall(folder / "hall.sqlite", ZONE, time, random.Random(1).randbytes)
    app = web.Application()
    app[api.HALL], app[api.SECRET] = hall, SECRET
    app.add_routes(api.ROUTES)
    async with _served(app) as origin, HttpBackend(Site("sporthal", origin + api.BASE, SECRET), time) as backend:
        yield backend, hall
    hall.close()


@dataclass
class Strange:
    """answers: (status, body) to give, the first first; None hangs up.  asked: (method, path, headers)."""

    answers: deque[tuple[int, bytes] | None] = field(default_factory=deque)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.raw_path, headers))
        said = self.answers.popleft()
        if said is None:
            await asyncio.Event().wait()
        assert said is not None
        return web.Response(status=said[0], body=said[1], headers={"Location": "/elsewhere"})


@asynccontextmanager
async def strange(time: Time, timeout_s: float = 5) -> AsyncIterator[tuple[HttpBackend, Strange]]:
    """A system that answers as it is told, and the adapter."""
    told = Strange()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", told.answer)
    async with _served(app) as origin, HttpBackend(Site("sporthal", origin, SECRET, timeout_s), time) as backend:
        yield backend, told


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
