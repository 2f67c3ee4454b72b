"""`balie doctor`: whether this machine and this configuration will carry calls, and what to do if not."""

from __future__ import annotations

import asyncio
import ctypes
import os
import platform
import resource
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import starmap
from pathlib import Path
from typing import Literal

from balie import books
from balie.acts.service import REPORT
from balie.config import Settings, check_for_serving, relays, secret_of
from balie.documents.probe import look as documents
from balie.errors import ConfigError, StartError
from balie.identity.errors import IdentityError
from balie.identity.probe import probe as probe_provider
from balie.identity.provider import providers
from balie.record.events import INVOICE
from balie.store.engine import Store, database_url
from balie.store.migrate import revision, revisions
from balie.turn_probe import ProbeError, probe
from balie.version import VERSION
from media import native
from media.io.udp import BUFFER_BYTES, UDP_SEGMENT, has_batches

PACKAGES = ("aiohttp", "aiortc", "cryptography", "numpy", "pylibsrtp", "uvloop")
DESCRIPTORS_MIN = 4096  # a socket for every open page, two pages for every person while a reload overlaps
CLOCK_ERROR = 5  # TIME_ERROR of <sys/timex.h>: not synchronised
LOOK_S = 3.0  # for another server to answer
CAP_NET_ADMIN = 12  # <linux/capability.h>: lets a process pass rmem_max

Verdict = Literal["ok", "warn", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One line of the report.  wrong: calls will not work; warn: they will, but less well than they could."""

    verdict: Verdict
    text: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything; never raises for what it finds."""
    yield _versions()
    yield _configuration(settings)
    yield _port("TCP", settings.server.host, settings.server.port)
    for host in settings.media.listen:
        yield _port("UDP", host, settings.media.port)
        if settings.media.tcp:
            yield _port("TCP", host, settings.media.port)
    yield from _addresses(settings)
    yield from _relays(settings)
    yield _database(settings)
    yield from _messages(settings)
    yield from _identity(settings)
    yield from _payments(settings)
    yield from _bookkeeping(settings)
    yield from starmap(Finding, documents(settings.folder / settings.documents.folder, settings.documents.clamd))
    yield _batches()
    yield _loops()
    yield _segmentation()
    yield _buffers("rmem_max", "receive")
    yield _buffers("wmem_max", "send")
    yield _descriptors()
    yield _clock()


def _versions() -> Finding:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    text = f"balie {VERSION}, Python {platform.python_version()}, {', '.join(found)}"
    if missing:
        return Finding("wrong", f"{text}; missing: {', '.join(missing)}: install balie's requirements.lock")
    return Finding("ok", text)


def _configuration(settings: Settings) -> Finding:
    try:
        check_for_serving(settings, "configuration")
    except ConfigError as error:
        return Finding("wrong", str(error).replace("\n", " "))
    return Finding("ok", f"the configuration is complete; {len(settings.tokens.keys)} token key(s)")


def _port(kind: Literal["TCP", "UDP"], host: str, port: int) -> Finding:
    stream = kind == "TCP"
    where = f"{kind} port {port} on {host}"
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        with socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) as probe:
            if stream:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((host, port))
    except OSError as error:
        return Finding(
            "wrong", f"{where}: {error.strerror or error}; free it, or choose another (is balie running already?)"
        )
    return Finding("ok", f"{where} is free")


def addresses() -> list[str]:
    """This machine's own addresses, those towards the internet."""
    found: list[str] = []
    # A UDP connect sends nothing: it only asks the routing table.  The targets are documentation addresses
    # (RFC 5737, RFC 3849).
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                found.append(probe.getsockname()[0])
        except OSError:
            continue
    return found


def _is_own(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _addresses(settings: Settings) -> Iterator[Finding]:
    own = addresses()
    if own:
        yield Finding("ok", f"addresses of this machine towards the internet: {', '.join(own)}")
    else:
        yield Finding("warn", "this machine has no route to the internet: only browsers on it, or beside it, can call")
    for address in settings.media.public_addresses:
        if not _is_own(address):
            yield Finding(
                "warn",
                f"[media] public_addresses: {address} is not an address of this machine; "
                f"port {settings.media.port} must be forwarded from there to here, {_kinds(settings)}",
            )
    if "0.0.0.0" in settings.media.listen and len(settings.media.public_addresses) > 1:
        yield Finding(
            "warn",
            "[media] listen: with several public addresses name each in listen, so that answers leave from the one "
            "that was asked",
        )


def _kinds(settings: Settings) -> str:
    return "UDP and TCP" if settings.media.tcp else "UDP"


def _relays(settings: Settings) -> Iterator[Finding]:
    """Whether every TURN server gives a relay to whoever has our credentials."""
    try:
        known = relays(settings, "configuration")
    except ConfigError as error:
        yield Finding("wrong", str(error).replace("\n", " "))
        return
    if not known.urls and not settings.media.tcp:
        yield Finding("warn", "[media] tcp is false and [turn] is empty: networks that block UDP cannot call")
    for url in known.urls:
        try:
            probe(url, known, time.time())
        except (OSError, ProbeError) as error:
            reason = getattr(error, "strerror", None) or error
            yield Finding("warn", f"[turn] urls: {url}: {reason}; networks that need it cannot call")
        else:
            yield Finding("ok", f"[turn] urls: {url} gives a relay")


def _database(settings: Settings) -> Finding:
    try:
        url = database_url(settings.database.url, settings.folder)
        where = url.render_as_string(hide_password=True)
        if url.database and url.drivername.startswith("sqlite") and not Path(url.database).exists():
            folder = Path(url.database).parent
            if os.access(folder, os.W_OK):
                return Finding("ok", f"the database {where} will be made at the first start")
            return Finding("wrong", f"[database] url: {folder} is no folder that balie may write to")
        found = asyncio.run(_revision(Store(url)))
    except (ConfigError, StartError) as error:
        return Finding("wrong", str(error).replace("\n", " "))
    if found is not None and found not in revisions():
        return Finding(
            "wrong", f"the database {where} was upgraded by a newer balie (revision {found}): install that one"
        )
    state = "is up to date" if found == revisions()[-1] else "will be upgraded at the next start: make a backup"
    return Finding("ok", f"the database {where} {state}")


async def _revision(store: Store) -> str | None:
    try:
        await store.check()
        return await store.read(revision)
    finally:
        await store.close()


def _messages(settings: Settings) -> Iterator[Finding]:
    """Whether mail can leave and come in."""
    messages, inbound = settings.messages, settings.inbound
    if messages.mode == "crm":
        heard = any(each.contact for each in settings.hooks.targets)
        text = "[messages] mode is crm: another system sends what people get"
        advice = "; but no target of [hooks] has contact = true, so that none hears of it"
        yield Finding("ok" if heard else "warn", text if heard else text + advice)
    elif not messages.from_address:
        yield Finding("warn", "[messages] from_address is empty: nobody gets a confirmation or a reminder")
    else:
        yield _answers("smtp_host", messages.smtp_host, messages.smtp_port, "mail waits until it does")
    if inbound.imap_host:
        yield _answers("imap_host", inbound.imap_host, inbound.imap_port, "answers wait until it does")
    if inbound.listen_port:
        yield _port("TCP", inbound.listen_host, inbound.listen_port)
    if not inbound.imap_host and not inbound.listen_port:
        yield Finding("warn", "[inbound] is empty: answers and notices of delivery are not read")


def _identity(settings: Settings) -> Iterator[Finding]:
    """Whether every identity provider is there and fits."""
    try:
        known = providers(settings, "configuration")
    except ConfigError as error:
        yield Finding("wrong", str(error).replace("\n", " "))
        return
    for each in known:
        where = f"[identity] provider {each.name}"
        try:
            keys = asyncio.run(probe_provider(each))
        except IdentityError as error:
            yield Finding("warn", f"{where}: {error}; nobody can identify there until that is solved")
        else:
            advice = "; none of its keys fits the algorithms that are set"
            yield Finding("ok" if keys else "warn", f"{where} answers as it should{'' if keys else advice}")


def _answers(setting: str, host: str, port: int, consequence: str) -> Finding:
    try:
        socket.create_connection((host, port), LOOK_S).close()
    except OSError as error:
        return Finding(
            "warn", f"{setting}: {host}, port {port} does not answer ({error.strerror or error}); {consequence}"
        )
    return Finding("ok", f"{setting}: {host}, port {port} answers")


def _payments(settings: Settings) -> Iterator[Finding]:
    """Whether citizens can pay, and with real money."""
    section = settings.payments
    if not section.provider:
        return
    try:
        key = section.key or secret_of(section.key_file, settings, "[payments] key_file").decode(errors="replace")
    except ConfigError as error:
        yield Finding("wrong", str(error).replace("\n", " "))
        return
    if key.startswith("test_"):
        yield Finding("warn", f"[payments] the key of {section.provider} is one for trying: no money moves")
    else:
        yield Finding("ok", f"[payments] {section.provider} takes payments; it must reach {REPORT}/{section.provider}")


def _bookkeeping(settings: Settings) -> Iterator[Finding]:
    """Whether payments get their documents, and bookkeeping gets those."""
    section = settings.bookkeeping
    if not section.kbo:
        if settings.payments.provider:
            yield Finding("warn", "[bookkeeping] kbo is empty: payments get no receipt and no number")
        return
    if not section.vat:
        yield Finding("ok", "[bookkeeping] vat is empty: right if all products are of VAT category O (outside VAT)")
    path = books.folder(settings)
    if path is not None:
        there = path if path.exists() else path.parent
        if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
            yield Finding("ok", f"[bookkeeping] folder: batches go to {path}")
        else:
            yield Finding("wrong", f"[bookkeeping] folder: {there} is no folder that balie may write to")
    elif any(each.contact and _hears_documents(each.types) for each in settings.hooks.targets):
        yield Finding("ok", "[bookkeeping] documents go to a target of [hooks]")
    else:
        text = "documents wait: name a folder, or a target of [hooks] with contact = true"
        yield Finding("warn", f"[bookkeeping] folder is empty: {text}")


def _hears_documents(types: tuple[str, ...]) -> bool:
    return not types or f"{INVOICE}issued".startswith(types)


def _batches() -> Finding:
    if has_batches():
        return Finding("ok", "recvmmsg and sendmmsg are there: packets travel in batches")
    return Finding("warn", "no recvmmsg on this system: every packet costs a system call; use 64-bit Linux")


def _loops() -> Finding:
    if native.library() is not None:
        return Finding("ok", "the loops over packets are compiled")
    return Finding(
        "warn",
        "the loops over packets are not compiled: forwarding costs two to three times as much; install a C compiler "
        "(Debian: gcc libc6-dev), then balie again",
    )


def _segmentation() -> Finding:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.getsockopt(socket.IPPROTO_UDP, UDP_SEGMENT)
        except OSError:
            return Finding(
                "warn", "no UDP segmentation offload: sending costs about a third more; use Linux 4.18 or newer"
            )
    return Finding("ok", "UDP segmentation offload is there")


def _buffers(limit: str, direction: str) -> Finding:
    try:
        most = int(Path("/proc/sys/net/core", limit).read_text())
    except (OSError, ValueError):
        return Finding("warn", f"cannot tell how large a UDP {direction} buffer may be on this system")
    if most >= BUFFER_BYTES:
        return Finding("ok", f"UDP {direction} buffers may be {most >> 20} MiB")
    if _may_force_buffers():
        return Finding(
            "ok", f"UDP {direction} buffers: net.core.{limit} is {most >> 10} KiB, but this user may pass it"
        )
    return Finding(
        "warn",
        f"UDP {direction} buffers are limited to {most >> 10} KiB, bursts may be lost: "
        f"`sysctl -w net.core.{limit}={BUFFER_BYTES}` (and in /etc/sysctl.d), or give balie CAP_NET_ADMIN",
    )


def _may_force_buffers() -> bool:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return bool(int(lines.get("CapEff", "0"), 16) >> CAP_NET_ADMIN & 1)


def _descriptors() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft in (resource.RLIM_INFINITY,) or soft >= DESCRIPTORS_MIN:
        return Finding("ok", f"open files: {soft if soft >= 0 else 'no limit'}")
    return Finding("warn", f"open files are limited to {soft}: set LimitNOFILE={DESCRIPTORS_MIN} in the systemd unit")


def _clock() -> Finding:
    """Join tokens live two minutes: clocks of whoever makes them and of this machine must agree."""
    if not hasattr(os, "uname") or os.uname().sysname != "Linux":
        return Finding("warn", "cannot tell whether the clock is synchronised on this system")
    try:
        timex = ctypes.create_string_buffer(512)  # struct timex is 208 bytes; all zero asks and changes nothing
        state = ctypes.CDLL(None).adjtimex(timex)
    except (AttributeError, OSError):
        return Finding("warn", "cannot tell whether the clock is synchronised on this system")
    if state in (-1, CLOCK_ERROR):
        return Finding(
            "warn", "the clock is not synchronised: join tokens live two minutes; install chrony or systemd-timesyncd"
        )
    return Finding("ok", "the clock is synchronised")
