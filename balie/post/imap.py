"""Reads a mailbox by IMAP: what is unseen is put through the letterbox, and only then marked as seen.

A crash in between means that a mail is read again, and the letterbox knows it by its digest: so each counts exactly
once.  Every look is a connection of its own, so that there is none to go stale.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

import structlog
from aioimaplib import IMAP4, IMAP4_SSL, AioImapException  # type: ignore[import-untyped]

from balie.post.mime import READ_MAX
from balie.post.receiving import Letterbox

LOOK_MAX = 200  # mails a look: the rest is for the next
TROUBLE = (AioImapException, OSError, TimeoutError)
"""What a mailbox that cannot be read now raises; errors of TLS are among them."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Account:
    """A mailbox on a server.  tls: for servers with a certificate of their own."""

    host: str
    port: int
    security: Literal["none", "tls"]
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    timeout_s: float = 30
    tls: ssl.SSLContext | None = field(default=None, repr=False)


class Mailbox:
    """Looks into a mailbox now and then.  failing: the last look brought nothing but an error."""

    def __init__(self, account: Account, letterbox: Letterbox) -> None:
        self._account, self._letterbox = account, letterbox
        self.failing = False

    async def run(self, every_s: float, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look for ever.  A server that is away is asked again the next time."""
        while True:
            try:
                await self.look()
            except TROUBLE as error:
                if not self.failing:  # once, not every minute of a night
                    log.warning("mailbox cannot be read", error=type(error).__name__)
                self.failing = True
            else:
                if self.failing:
                    log.info("mailbox can be read again")
                self.failing = False
            await pause(every_s)

    async def look(self) -> int:
        """Take what is unseen; returns how many mails are in the database now.  Raises TROUBLE."""
        client = self._client()
        try:
            await client.wait_hello_from_server()
            account = self._account
            _ok("LOGIN", (await client.login(_quoted(account.user), account.password)).result)
            _ok("SELECT", (await client.select(_quoted(account.folder))).result)
            taken = 0
            for uid in (await self._unseen(client))[:LOOK_MAX]:
                taken += await self._take(client, uid)
            await client.logout()
            return taken
        finally:
            transport = client.protocol.transport
            if transport is not None:
                transport.abort()

    def _client(self) -> IMAP4:
        account = self._account
        if account.security == "tls":
            return IMAP4_SSL(account.host, account.port, timeout=account.timeout_s, ssl_context=account.tls)
        return IMAP4(account.host, account.port, timeout=account.timeout_s)

    async def _unseen(self, client: IMAP4) -> list[str]:
        found = await client.uid_search("UNSEEN", charset=None)
        _ok("SEARCH", found.result)
        return [uid.decode() for uid in (found.lines[0].split() if found.lines else ()) if uid.isdigit()]

    async def _take(self, client: IMAP4, uid: str) -> bool:
        """One mail, no more of it than is looked at.  One that cannot be kept stays unseen, and others go on."""
        fetched = await client.uid("fetch", uid, f"(BODY.PEEK[]<0.{READ_MAX}>)")
        _ok("FETCH", fetched.result)
        raw = next((bytes(line) for line in fetched.lines if isinstance(line, bytearray)), None)
        if raw is None:
            return False  # somebody deleted it just now
        try:
            await self._letterbox.put(raw)
        except Exception:
            log.exception("mail cannot be kept")
            return False
        _ok("STORE", (await client.uid("store", uid, "+FLAGS", r"(\Seen)")).result)
        return True


def _ok(command: str, result: str) -> None:
    if result != "OK":
        raise AioImapException(f"the server answers {result} to {command}")


def _quoted(text: str) -> str:
    """RFC 3501 4.3."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
