"""What the process does by itself beside calls and pages: mail out and in, events to other systems, tidying up.

Each worker is a task of its own; one that ends by a mistake is logged and begun again after a pause, for appointments
and calls go on without it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from aiohttp import ClientSession, DummyCookieJar
from yarl import URL

from balie import books
from balie.booking import drafts, links, parting
from balie.booking.claims import expire_holds
from balie.booking.links import LinkKey
from balie.config import Settings, secret_of, sms_secret
from balie.errors import StartError
from balie.hooks import queue
from balie.hooks.cloudevents import Source
from balie.hooks.delivery import HookDelivery
from balie.hooks.targets import Target
from balie.identity import logins, records
from balie.post import sms
from balie.post.delivery import Delivery, TextMessages, Ways
from balie.post.escalation import Rules, escalate
from balie.post.facts import Sender
from balie.post.imap import Account, Mailbox
from balie.post.listener import Listener
from balie.post.queue import Quiet
from balie.post.receiving import Letterbox
from balie.post.smtp import Relay
from balie.record import audit
from balie.staff import sessions
from balie.store.engine import Store
from balie.visit import attendance

_log = structlog.get_logger("balie")

AGAIN_S = 5.0  # before a worker that failed begins again
TIDY_S = 20.0  # holds, drafts, links, sessions, deliveries and visits that are over; the audit's seal
ESCALATE_S = 300.0

Clock = Callable[[], float]


def sender(settings: Settings, key: LinkKey) -> Sender:
    """Who writes the letters."""
    messages = settings.messages
    return Sender(
        name=messages.from_name or settings.organisation.name,
        address=messages.from_address,
        reply_address=messages.reply_address or messages.from_address,
        public_url=settings.server.public_url.rstrip("/"),
        link_key=key,
        alone={each.name: each.public_url for each in settings.reservations.backends if each.public_url},
    )


def quiet(settings: Settings) -> Quiet:
    return Quiet(_minutes(settings.messages.quiet_from), _minutes(settings.messages.quiet_until))


def targets(settings: Settings) -> list[Target]:
    """The systems that hear of events, with their secrets read.  ConfigError."""
    found = []
    for at, each in enumerate(settings.hooks.targets):
        where = f"[hooks] targets[{at}].secret_file"
        secret = each.secret.encode() or secret_of(each.secret_file, settings, where)
        found.append(Target(each.name, each.url, secret, each.types, each.contact))
    return found


@asynccontextmanager
async def working(
    settings: Settings, store: Store, key: LinkKey, clock: Clock, more: Mapping[str, Callable[[], Awaitable[None]]]
) -> AsyncIterator[None]:
    """All workers that the settings ask for, and some more by name, until this ends."""
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        jobs: dict[str, Callable[[], Awaitable[None]]] = {
            **more,
            "tidying": partial(_tidy, store, clock),
            "escalation": partial(_escalate, store, clock, Rules(bool(settings.messages.sms_url), quiet(settings))),
        }
        texts = await _texts(settings, stack)
        if settings.messages.from_address or settings.messages.mode == "crm":
            delivery = Delivery(store, sender(settings, key), _ways(settings, texts), os.urandom, name)
            jobs["delivery"] = partial(delivery.run, clock)
        else:
            _log.warning("messages_wait", need="[messages] from_address: until it is set, no mail is sent")
        letterbox = Letterbox(store, os.urandom, clock)
        await _listen(settings, letterbox, clock, stack)
        if settings.inbound.imap_host:
            jobs["mailbox"] = partial(Mailbox(_account(settings), letterbox).run, settings.inbound.imap_every_s)
        hooks = HookDelivery(
            store,
            targets(settings),
            Source(settings.server.public_url, key),
            name,
            clock,
            timeout_s=settings.hooks.timeout_s,
            attempts_max=settings.hooks.attempts_max,
        )
        if (export := books.export(settings, store)) is not None:
            jobs["bookkeeping"] = partial(export.run, clock, settings.bookkeeping.every_s)
        jobs["hooks"] = (await stack.enter_async_context(hooks)).run
        tasks = [asyncio.create_task(_keep(what, job), name=what) for what, job in jobs.items()]
        try:
            yield
        finally:
            await end(tasks)


async def end(tasks: Collection[asyncio.Task[None]], again_s: float = 1.0) -> None:
    """Cancel tasks, and again after a while those that go on.

    A cancellation that comes in the moment in which its task is woken is lost (asyncio.wait_for before Python 3.12).
    """
    while pending := [each for each in tasks if not each.done()]:
        for each in pending:
            each.cancel()
        await asyncio.wait(pending, timeout=again_s)


async def _keep(what: str, job: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await job()
        except Exception:
            _log.exception("worker_failed", worker=what)
        await asyncio.sleep(AGAIN_S)


async def _tidy(store: Store, clock: Clock) -> None:
    while True:
        now_s = int(clock())
        await store.write(expire_holds, now_s)
        await store.write(links.forget_over, now_s)
        await store.write(drafts.forget_over, now_s)
        await store.write(parting.forget_over, now_s)
        await store.write(attendance.decide, now_s, os.urandom)
        await store.write(sessions.forget_over, now_s)
        await store.write(logins.forget_over, now_s)
        await store.write(records.expire, now_s)
        await store.write(queue.forget_done, now_s)
        while await store.write(audit.seal):
            pass
        await asyncio.sleep(TIDY_S)


async def _escalate(store: Store, clock: Clock, rules: Rules) -> None:
    while True:
        await store.write(escalate, int(clock()), os.urandom, rules)
        await asyncio.sleep(ESCALATE_S)


def _ways(settings: Settings, texts: TextMessages | None) -> Ways:
    messages = settings.messages
    if messages.mode == "crm":
        return Ways(None, texts, quiet(settings))
    password = secret_of(messages.smtp_password_file, settings, "[messages] smtp_password_file").decode()
    relay = Relay(
        messages.smtp_host,
        messages.smtp_port,
        messages.smtp_security,
        messages.smtp_user,
        password,
        messages.smtp_timeout_s,
        domain=messages.from_address.rpartition("@")[2],
    )
    return Ways(relay, texts, quiet(settings))


async def _texts(settings: Settings, stack: AsyncExitStack) -> TextMessages | None:
    messages = settings.messages
    if not messages.sms_url:
        return None
    secret = sms_secret(settings)
    session = await stack.enter_async_context(ClientSession(cookie_jar=DummyCookieJar()))
    return partial(sms.send, session, sms.Gateway(messages.sms_url, secret))


async def _listen(settings: Settings, letterbox: Letterbox, clock: Clock, stack: AsyncExitStack) -> None:
    inbound, address = settings.inbound, settings.messages.reply_address or settings.messages.from_address
    if not inbound.listen_port or not address:
        return
    host = URL(settings.server.public_url).host or "localhost"
    listener = Listener(letterbox, address, host, inbound.mail_max_bytes, clock)
    try:
        await listener.start(inbound.listen_host, inbound.listen_port)
    except OSError as error:
        raise StartError(
            f"[inbound] listen_host and listen_port: cannot listen on {inbound.listen_host}, port "
            f"{inbound.listen_port}: {error.strerror or error}.\nName an address of this machine and a free port."
        ) from None
    stack.push_async_callback(listener.stop)


def _account(settings: Settings) -> Account:
    inbound = settings.inbound
    password = secret_of(inbound.imap_password_file, settings, "[inbound] imap_password_file").decode()
    return Account(
        inbound.imap_host, inbound.imap_port, inbound.imap_security, inbound.imap_user, password, inbound.imap_folder
    )


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
