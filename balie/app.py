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
from functools import partial

import structlog
from aiohttp import web

from balie import workers
from balie.booking import links as personal
from balie.booking import parting, reading
from balie.booking.links import LinkKey
from balie.booking.slots import Calendars
from balie.config import Settings, relays, sends_sms, sms_secret
from balie.counterparts import Counterparts, counterparts, documents, open_folder
from balie.errors import StartError
from balie.forwarded import forwarded
from balie.identity.provider import providers
from balie.identity.service import Identities
from balie.links import LinkStore
from balie.post import evidence
from balie.staff.limiter import Limiter
from balie.staff.passwords import Passwords
from balie.store.engine import Store, Tx
from balie.store.migrate import bring_up_to_date
from balie.visit import stays
from balie.witness import Witness
from media.core.model import Event
from media.core.rooms import Rooms
from media.core.settings import Settings as MediaSettings
from media.io.binding import Binding
from media.process import pages
from media.process.media import Media
from media.process.remote import ProcessLostError, RemoteMedia
from signalling.hub import Hub
from signalling.tokens import Join, Role, Tokens, default_grants
from signalling.whip import HttpSessions
from web import demo_mail, keys
from web.demo_mail import Mailbox
from web.desk.gate import Gate
from web.documents.keys import DOCUMENTS
from web.identity.keys import IDENTITIES
from web.setup import set_up

_log = structlog.get_logger("balie")

TICK_S = 1.0  # as the hub asks
BACK_S = 15 * 60  # who waited is back by then, or went away: pages look for a way back by themselves
FORGET_S = 600  # names of appointments that are over go within ten minutes
KEEP_S = 75  # for the next request on a connection, and for a whole header: aiohttp itself would wait an hour
MEDIA_LOST = -1  # beside the numbers of signals
CLOSE_S = 2.0  # for connections to close after everybody was told; an HTTP request in between gets as long


@dataclass
class Balie:
    """The running parts, for commands and tests."""

    settings: Settings
    media: Media
    hub: Hub
    http_sessions: HttpSessions
    links: LinkStore
    store: Store
    readiness: keys.Readiness
    web: web.Application


class _Doors:
    """What web wants to know of links: those of appointments, and those that this process made for itself.

    open_rooms  in which who comes by an appointment's link need not wait to be let in
    began_s     Unix time; who waited before it and is back within BACK_S waits on
    """

    def __init__(
        self, links: LinkStore, store: Store, link_key: LinkKey, open_rooms: frozenset[str], began_s: int
    ) -> None:
        self._links, self._store, self._link_key, self._open_rooms = links, store, link_key, open_rooms
        self._began_s = began_s

    async def visit(self, token: str, now_s: float) -> keys.Visit:
        own = self._links.find(token, now_s)
        if own.state != "unknown":
            return keys.Visit(own.state, own.join, own.opens_in_s)
        back = now_s - self._began_s <= BACK_S
        return await self._store.read(_visit, token, int(now_s), self._open_rooms, back)

    async def entered(self, visit: keys.Visit, now_s: float) -> str:
        if not visit.participant_id:
            return ""
        return await self._store.write(_entered, self._link_key, visit.participant_id, int(now_s))


def _visit(tx: Tx, token: str, now_s: int, open_rooms: frozenset[str], back: bool) -> keys.Visit:
    found = personal.find(tx, token, now_s)
    if found.state == "unknown":
        return keys.Visit("unknown")
    about = reading.by_id(tx, found.appointment_id)
    if about.modality != "video":
        return keys.Visit("elsewhere")
    who = next(each for each in about.people if each.id == found.participant_id)
    role: Role = "citizen" if who.role == "citizen" else "third"
    wait = about.room not in open_rooms and not stays.admitted(tx, about.id, who.person)
    since_s = stays.waits_since(tx, about.id, who.person) if wait and back else 0
    join = Join(who.person, about.room, role, who.name, default_grants(role), who.label, wait, since_s)
    return keys.Visit(found.state, join, found.opens_in_s, found.participant_id)


def _entered(tx: Tx, link_key: LinkKey, participant_id: int, now_s: int) -> str:
    personal.exchanged(tx, now_s, participant_id)
    evidence.joined(tx, now_s, participant_id)
    return parting.offer(tx, now_s, os.urandom, link_key, participant_id)


def binding(settings: Settings) -> Binding:
    """The media server's part of the settings, in its own terms."""
    media = settings.media
    return Binding(
        hosts=media.listen,
        port=media.port,
        public_addresses=media.public_addresses,
        coalesce_us=round(media.coalesce_ms * 1000),
        tcp=media.tcp,
        settings=MediaSettings(
            transports_max=media.transports_max,
            tracks_max=media.tracks_max,
            subscriptions_max=media.subscriptions_max,
            history_rows=media.history_packets,
        ),
    )


def site(settings: Settings) -> keys.Site:
    """What pages say of the organisation."""
    return keys.Site(
        settings.organisation.name,
        settings.organisation.phone,
        settings.server.public_url.rstrip("/"),
        sends_sms(settings),
        frozenset(each.name for each in settings.hooks.targets),
    )


def build(
    settings: Settings,
    tokens: Tokens,
    links: LinkStore,
    store: Store,
    link_key: LinkKey,
    *,
    passwords: Passwords | None = None,
    mailbox: Mailbox | None = None,
    media: Media | None = None,
    open_rooms: frozenset[str] = frozenset(),
) -> Balie:
    """Put the parts together; nothing runs yet.

    links       invitations of this process beside those of appointments
    mailbox     of the demo, which shows it
    media       the media server; one in a process of its own if there is none
    open_rooms  in which nobody waits to be let in: of the demo
    """
    media = media or RemoteMedia(binding(settings))
    rooms = Rooms(settings.media.rooms_max, settings.media.participants_max)
    codecs, relayed = settings.media.video_codecs, relays(settings)
    hub = Hub(media, tokens, os.urandom, rooms=rooms, video_preference=codecs, relays=relayed)
    http_sessions = HttpSessions(hub, os.urandom)
    readiness = keys.Readiness()
    app = set_up(
        media=media,
        hub=hub,
        http_sessions=http_sessions,
        links=_Doors(links, store, link_key, open_rooms, int(time.time())),
        store=store,
        calendars=Calendars(),
        link_key=link_key,
        gate=Gate(Limiter(), passwords or Passwords(os.urandom)),
        site=site(settings),
        readiness=readiness,
        unix_time=time.time,
        sms_secret=sms_secret(settings),
    )
    if settings.server.trusted_proxies:
        app.middlewares.insert(0, forwarded(settings.server.trusted_proxies))
    if mailbox is not None:
        app[demo_mail.MAILBOX] = mailbox
        app.add_routes(demo_mail.ROUTES)
    balie = Balie(settings, media, hub, http_sessions, links, store, readiness, app)
    app.cleanup_ctx.append(lambda _: _run_store(balie))
    app.cleanup_ctx.append(lambda _: _write_down(balie))
    app.cleanup_ctx.append(lambda _: _run_media(balie))
    app.cleanup_ctx.append(lambda _: _tick(balie))
    others = counterparts(settings, store, lambda: app[keys.UNIX_TIME](), partial(_tell, balie))
    app[keys.ACTS] = others.acts
    app[DOCUMENTS] = documents(settings, store, lambda: app[keys.UNIX_TIME](), partial(_tell, balie))
    app.cleanup_ctx.append(lambda _: _work(balie, link_key, others))
    app[IDENTITIES] = identities(settings, store, link_key, lambda: app[keys.UNIX_TIME]())
    app.cleanup_ctx.append(_identify)
    app.on_shutdown.append(lambda _: _say_goodbye(balie))
    return balie


def identities(settings: Settings, store: Store, link_key: LinkKey, clock: Callable[[], float]) -> Identities:
    """Who says who people are, as the settings have it.  ConfigError."""
    return Identities(
        providers(settings),
        store,
        link_key,
        settings.server.public_url.rstrip("/"),
        clock,
        os.urandom,
        form_behind_link=settings.identity.local_accounts == "link",
        shared_return=settings.identity.return_address == "shared",
    )


async def _identify(app: web.Application) -> AsyncIterator[None]:
    async with app[IDENTITIES].running():
        yield


async def _run_store(balie: Balie) -> AsyncIterator[None]:
    """The life of the database."""
    await balie.store.check()
    await bring_up_to_date(balie.store)
    yield
    await balie.store.close()


async def _work(balie: Balie, link_key: LinkKey, others: Counterparts) -> AsyncIterator[None]:
    papers = balie.web[DOCUMENTS]
    open_folder(papers.shelf)
    clock, more = balie.web[keys.UNIX_TIME], {"acts": others.work, "documents": papers.run}
    async with others.open(), workers.working(balie.settings, balie.store, link_key, clock, more):
        yield


async def _tell(balie: Balie, appointment_id: int) -> None:
    """Everybody in the call of an appointment looks again how its formal acts stand."""
    found = await balie.store.read(reading.by_id, appointment_id)
    balie.hub.tell(found.room, "acts")
    balie.web[keys.PUMP].flush()


async def _write_down(balie: Balie) -> AsyncIterator[None]:
    """Who was where when.  Begun before the first comes, ended after the last was told to go."""
    pump, clock = balie.web[keys.PUMP], balie.web[keys.UNIX_TIME]
    async with Witness(balie.hub, pump, balie.store, clock).watching():
        yield


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
        where = f"UDP {listen}, port {port}" + (", or on TCP there" if balie.settings.media.tcp else "")
        raise StartError(
            f"[media] listen and port: cannot receive on {where}: {error.strerror or error}.\n"
            "Name addresses of this machine and a free port; `balie doctor` says what is taken."
        ) from None
    except ProcessLostError as error:
        raise StartError(
            f"The media process: {error}.\nWhat it wrote stands above; `balie doctor` looks at what it needs."
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
    if isinstance(balie.media, RemoteMedia):
        balie.media.on_lost = partial(signals.put_nowait, MEDIA_LOST)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, number)
    runner = web.AppRunner(balie.web, access_log=None, shutdown_timeout=CLOSE_S, keepalive_timeout=KEEP_S)
    try:
        await runner.setup()
        await _listen(runner, balie.settings)
        # What was made until here lives as long as the process: a collection need not look at it again and again.
        gc.collect()
        gc.freeze()
        pages.give_back()
        balie.readiness.ready = True
        _log.info("started", media_port=balie.media.port, http_port=balie.settings.server.port)
        if on_ready is not None:
            on_ready()
        came = await signals.get()
        balie.readiness.ready = False
        _log.info("stopping", people=balie.hub.counts()["participants"])
        if came == signal.SIGTERM:
            await let_calls_end(balie, signals)
        elif came == MEDIA_LOST:
            raise StartError("The media process does not stay alive; the log says how it ended.")
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
            async with asyncio.timeout(min(TICK_S, end - loop.time())):  # wait_for may lose a cancellation
                await signals.get()
                return
