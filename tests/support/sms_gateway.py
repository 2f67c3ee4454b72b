"""A gateway for text messages on loopback, that keeps what it gets and answers as it is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web

HANG = 0
"""An answer that never comes."""


@dataclass
class Posted:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes
    json: Any


@dataclass
class TextGateway:
    """answers: statuses to give, the first first; then 202."""

    url: str = ""
    answers: deque[int] = field(default_factory=deque)
    posted: list[Posted] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.posted.append(Posted(headers, await request.read(), await request.json()))
        status = self.answers.popleft() if self.answers else 202
        if status == HANG:
            await asyncio.Event().wait()
        return web.Response(status=status, text="said so", headers={"Location": "/elsewhere"})


@asynccontextmanager
async def text_gateway() -> AsyncIterator[tuple[TextGateway, ClientSession]]:
    """The gateway, and a session to reach it with."""
    gateway = TextGateway()
    app = web.Application()
    app.router.add_post("/sms", gateway.take)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    gateway.url = f"http://127.0.0.1:{runner.addresses[0][1]}/sms"
    async with ClientSession() as session:
        yield gateway, session
    await runner.cleanup()
