"""A system that hears of events: a real HTTP server that notes what it gets and answers as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from aiohttp import web

WAIT_S = 20.0


@dataclass(frozen=True)
class Post:
    """One request.  event: its body."""

    path: str
    headers: dict[str, str]
    body: bytes
    event: dict[str, Any]

    @property
    def what(self) -> str:
        """ABC234 booked"""
        return f"{self.event['subject'].partition('/')[2]} {self.event['type'].rpartition('.')[2]}"


Answer = Callable[[Post], Awaitable[web.StreamResponse]]


async def take(_: Post) -> web.StreamResponse:
    return web.Response(status=204)


class Receiver:
    """posts: what came, in order; answer: what is done with the next one."""

    def __init__(self, answer: Answer = take) -> None:
        self.posts: list[Post] = []
        self.answer = answer
        self._came = asyncio.Condition()

    async def __aenter__(self) -> Receiver:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._hear)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    @property
    def heard(self) -> list[str]:
        return [post.what for post in self.posts]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until something is so that a post brings about."""
        async with asyncio.timeout(WAIT_S), self._came:
            await self._came.wait_for(condition)

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        post = Post(request.path, headers, body, json.loads(body) if body else {})
        async with self._came:
            self.posts.append(post)
            self._came.notify_all()
        return await self.answer(post)
