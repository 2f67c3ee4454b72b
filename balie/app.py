"""Assembly: the one place where everything meets, starts, ticks and stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from balie.config import Settings
from balie.errors import StartError
from balie.forwarded import forwarded
from balie.links import LinkStore
from media.core.model import Event
from media.core.rooms import Rooms
from media.core.settings import Settings as MediaSettings
from media.io.server import Binding, MediaServer
from signalling.hub import Hub
from signalling.tokens import Tokens
from signalling.whip import HttpSessions
from web import keys
from web.setup import set_up

_log = structlog.get_logger("balie")

TICK_S = 0.5  # the hub asks for about a second
FORGET_S = 600  # names of appointments that are over go within ten minutes
CLOSE_S = 2.0  # for connections to close after everybody was told; an HTTP request in between gets as long


@dataclass
class Balie:
    """The running parts, for commands and tests."""

    settings: Settings
    media: MediaServer
    hub: Hub
    http_sessions: HttpSessions
    links: LinkStore
    readiness: keys.Readiness
    web: web.Application


class _Doors:
    """What web wants to know of links, from the store."""

    def __init__(self, links: LinkStore) -> None:
        self._links = links

    def visit(self, token: str, now_s: float) -> keys.Visit:
        found = self._links.find(token, now_s)
        return keys.Visit(found.state, found.join, found.opens_in_s)


def binding(settings: Settings) -> Binding:
    """The media server's part of the settings, in its own terms."""
    media = settings.media
    return Binding(
        hosts=media.listen,
        port=media.port,
        public_addresses=media.public_addresses,
        coalesce_us=round(media.coalesce_ms * 1000),
        settings=MediaSettings(
            transports_max=media.transports_max,
            tracks_max=media.tracks_max,
            subscriptions_max=media.subscriptions_max,
            history_rows=media.history_packets,
        ),
    )


def build(settings: Settings, tokens: Tokens, links: LinkStore) -> Balie:
    """Put the parts together; nothing runs yet."""
    media = MediaServer(binding(settings))
    rooms = Rooms(settings.media.rooms_max, settings.media.participants_max)
    hub = Hub(media, tokens, os.urandom, rooms=rooms, video_preference=settings.media.video_codecs)
    http_sessions = HttpSessions(hub, os.urandom)
    readiness = keys.Readiness()
    app = set_up(
        media=media,
        hub=hub,
        http_sessions=http_sessions,
        links=_Doors(links),
        site=keys.Site(settings.organisation.name, settings.organisation.phone, settings.server.public_url.rstrip("/")),
        readiness=readiness,
        unix_time=time.time,
    )
    if settings.server.trusted_proxies:
        app.middlewares.insert(0, forwarded(settings.server.trusted_proxies))
    balie = Balie(settings, media, hub, http_sessions, links, readiness, app)
    app.cleanup_ctx.append(lambda _: _run_media(balie))
    app.cleanup_ctx.append(lambda _: _tick(balie))
    app.on_shutdown.append(lambda _: _say_goodbye(balie))
    return balie


async def _run_media(balie: Balie) -> AsyncIterator[None]:
    """The life of the media server, and what it tells the others."""
    media, pump = balie.media, balie.web[keys.PUMP]

    def hear(events: list[Event]) -> None:
        balie.hub.media_events(events, media.now_us())
        balie.http_sessions.media_events(events, media.now_us())
        pump.flush()

    media.on_events = hear
    try:
        await media.start()
    except OSError as error:
        listen, port = ", ".join(balie.settings.media.listen), balie.settings.media.port
        raise StartError(
            f"[media] listen and port: cannot receive on UDP {listen}, port {port}: {error.strerror or error}.\n"
            "Name addresses of this machine and a free port; `balie doctor` says what is taken."
        ) from None
    yield
    await media.close()


async def _tick(balie: Balie) -> AsyncIterator[None]:
    """The slow clock of everything above the media."""

    async def tick() -> None:
        forgotten_us = 0
        while True:
            await asyncio.sleep(TICK_S)
            now_us = balie.media.now_us()
            balie.hub.poll(now_us)
            balie.web[keys.PUMP].flush()
            if now_us - forgotten_us > FORGET_S * 1_000_000:
                balie.links.forget_over(time.time())
                forgotten_us = now_us

    ticking = asyncio.create_task(tick())
    ticking.add_done_callback(_complain)
    yield
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)


def _complain(task: asyncio.Task[None]) -> None:
    """A clock that stops is a bug that must be seen: without it, lost sessions never end."""
    if not task.cancelled() and task.exception() is not None:
        _log.error("clock_stopped", exc_info=task.exception())


async def _say_goodbye(balie: Balie) -> None:
    """Tell everybody before their connections are closed (aiohttp calls this before it closes them)."""
    balie.readiness.ready = False
    balie.hub.drain()
    balie.http_sessions.close_all(balie.media.now_us())
    pump = balie.web[keys.PUMP]
    pump.flush()
    await pump.drained()


async def serve(balie: Balie, on_ready: Callable[[], None] | None = None) -> None:
    """Run until SIGTERM or SIGINT.

    SIGTERM lets running calls go on for server.drain_s, without new ones; SIGINT, or a second signal, stops now.
    """
    signals: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, number)
    runner = web.AppRunner(balie.web, access_log=None, shutdown_timeout=CLOSE_S)
    try:
        await runner.setup()
        await _listen(runner, balie.settings)
        # What was made until here lives as long as the process: a collection need not look at it again and again.
        gc.collect()
        gc.freeze()
        balie.readiness.ready = True
        _log.info("started", media_port=balie.media.port, http_port=balie.settings.server.port)
        if on_ready is not None:
            on_ready()
        came = await signals.get()
        balie.readiness.ready = False
        _log.info("stopping", participants=balie.hub.counts()["participants"])
        if came == signal.SIGTERM:
            await let_calls_end(balie, signals)
    finally:
        await runner.cleanup()
        _log.info("stopped")


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    server = settings.server
    try:
        await web.TCPSite(runner, server.host, server.port).start()
    except OSError as error:
        raise StartError(
            f"[server] host and port: cannot listen on {server.host}, port {server.port}: {error.strerror or error}.\n"
            "Name an address of this machine and a free port; `balie doctor` says what is taken."
        ) from None


async def let_calls_end(balie: Balie, signals: asyncio.Queue[int]) -> None:
    """Until nobody is in a call, at most server.drain_s, or another signal comes."""
    balie.hub.draining = True
    loop = asyncio.get_running_loop()
    end = loop.time() + balie.settings.server.drain_s
    while loop.time() < end and balie.hub.counts()["participants"]:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(signals.get(), min(TICK_S, end - loop.time()))
            return
