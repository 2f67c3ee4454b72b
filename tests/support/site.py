"""The real assembly in the test's own process: `balie.app.build` on loopback, links in every state, a clock to turn."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestClient

from balie.app import Balie, binding, build
from balie.booking.links import LinkKey
from balie.config import Settings
from balie.links import Invitation, MemoryLinks
from balie.store.engine import database_url
from media.io.server import MediaServer
from signalling.tokens import Grants, Join, Key, Role, Tokens, default_grants
from tests.support.databases import opened, sqlite_template
from web import keys

Client = TestClient[Any, Any]
WAIT_S = 10.0
HOUR_S = 3600
PUBLIC_URL = "https://balie.example.be"
PHONE = "+32 2 555 01 23"


@dataclass
class Clock:
    """Unix time in seconds, of 2096: what is compared with the machine's clock is never over."""

    now_s: float = 4_000_000_000

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Site:
    """links: paths by state (open, early, over, unknown)."""

    balie: Balie
    tokens: Tokens
    clock: Clock
    links: dict[str, str] = field(default_factory=dict)

    def token(self, who: str = "an", role: Role = "staff", room: str = "loket", grants: Grants | None = None) -> str:
        """A join token, as `balie token` would print it."""
        join = Join(who, room, role, who.title(), grants if grants is not None else default_grants(role))
        return self.tokens.mint(join, int(self.clock()))

    def flush(self) -> None:
        self.balie.web[keys.PUMP].flush()

    def counts(self) -> dict[str, int]:
        return {**self.balie.hub.counts(), "http": self.balie.http_sessions.count()}


def build_site(public_url: str = PUBLIC_URL, change: Callable[[Settings], Settings] = lambda found: found) -> Site:
    """Nothing runs yet: aiohttp_client(site.balie.web) starts it, media server included.  change: of the settings."""
    settings = Settings()
    folder = Path(tempfile.mkdtemp(prefix="balie-site-"))
    settings = replace(
        settings,
        server=replace(settings.server, public_url=public_url),
        media=replace(settings.media, listen=("127.0.0.1",), public_addresses=("127.0.0.1",), port=0),
        folder=folder,
        organisation=replace(settings.organisation, name="Gemeente Testergem", phone=PHONE),
    )
    settings = change(settings)
    clock, tokens = Clock(), Tokens("balie", (Key("test", b"k" * 32),))
    links = MemoryLinks(random.Random(1).randbytes)
    url = database_url(settings.database.url, folder)
    shutil.copy(sqlite_template(), str(url.database))
    store = opened(url)
    site = Site(
        build(settings, tokens, links, store, LinkKey(b"l" * 32), media=MediaServer(binding(settings))),
        tokens,
        clock,
        {"unknown": "/g/nooit-gemaakt"},
    )
    for state, opens_s in (("open", -HOUR_S), ("early", HOUR_S), ("over", -3 * HOUR_S)):
        join = Join("an", "loket", "citizen", "An Peeters", default_grants("citizen"))
        start_s = clock() + opens_s
        site.links[state] = f"/g/{links.create(Invitation(join, start_s, start_s + 2 * HOUR_S))}"
    unix_time: Callable[[], float] = clock
    site.balie.web[keys.UNIX_TIME] = unix_time

    async def tidy(_: web.Application) -> None:
        shutil.rmtree(folder)

    site.balie.web.on_cleanup.append(tidy)
    return site


async def until(condition: Callable[[], bool]) -> None:
    """Until something is so that this process will bring about by itself."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - a turn of this loop is all that is waited for
            await asyncio.sleep(0)


async def heard(socket: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of a type."""
    async with asyncio.timeout(WAIT_S):
        while True:
            message: dict[str, Any] = await socket.receive_json()
            if message["type"] == kind:
                return message


async def closed(socket: ClientWebSocketResponse) -> int | None:
    """The code with which the server closes, whatever it says before."""
    async with asyncio.timeout(WAIT_S):
        while (await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.PING):
            pass
    return socket.close_code


async def enter(client: Client, token: str) -> tuple[ClientWebSocketResponse, dict[str, Any]]:
    """A WebSocket that said hello, and its welcome."""
    socket = await client.ws_connect("/ws")
    await socket.send_json({"type": "hello", "v": 1, "token": token})
    return socket, await heard(socket, "welcome")


async def raw(client: Client, data: bytes) -> bytes:
    """What the server answers to bytes that no well-behaved client sends, until it closes or has answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    try:
        writer.write(data)
        async with asyncio.timeout(WAIT_S):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            return head + await reader.readexactly(length)
    finally:
        writer.close()
        await writer.wait_closed()
