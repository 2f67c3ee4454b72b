"""A small mail server of our own, for mail to the reply address and nothing else.

The municipality's mail server forwards to it.  It takes mail for the reply address, with or without a token, and
refuses all other recipients, so it relays nothing.  It says 250 when the mail is in the database; when that fails, or
when there is too much at once, it says 4xx, and the server in front keeps the mail and tries again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from balie.post.receiving import Letterbox

CONNECTIONS_MAX = 10  # each may hold one mail in memory
RECIPIENTS_MAX = 10  # addresses of ours in one mail: RFC 5321 4.5.3.1.8 wants 100, of servers that relay
MAILS_PER_S, BURST = 5.0, 100  # an office of a million citizens has less
PATIENCE_S = 300  # RFC 5321 4.5.3.2

log = structlog.get_logger()


@dataclass
class Allowance:
    """So many at once, and so many a second."""

    per_s: float
    burst: float
    left: float
    at_s: float = 0.0

    def take(self, now_s: float) -> bool:
        """One of them, if there is one."""
        self.left = min(self.burst, self.left + max(0.0, now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Listener:
    """Takes mail on a port.

    reply_address  balie@example.be: it, and balie+anything@example.be, are ours
    name           how we call ourselves
    """

    def __init__(
        self, letterbox: Letterbox, reply_address: str, name: str, max_bytes: int, unix_time: Callable[[], float]
    ) -> None:
        self._name, self._max_bytes = name, max_bytes
        self._local, _, self._domain = reply_address.lower().rpartition("@")
        self._letterbox, self._unix_time = letterbox, unix_time
        self._allowance = Allowance(MAILS_PER_S, BURST, BURST)
        self._open: set[_Conversation] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port.  OSError when it is taken."""
        # It logs who talks to us and to whom they write.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        self._server = await asyncio.get_running_loop().create_server(self._meet, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Mail that is not in the database yet stays with the server in front of us."""
        if self._server is None:
            return
        self._server.close()
        for conversation in tuple(self._open):
            conversation.hang_up()
        await self._server.wait_closed()
        self._server = None

    def _meet(self) -> asyncio.Protocol:
        if len(self._open) >= CONNECTIONS_MAX:
            return _Busy()
        return _Conversation(self, self._open, self._name, self._max_bytes)

    def _is_ours(self, address: str) -> bool:
        local, _, domain = address.lower().rpartition("@")
        return domain == self._domain and local.partition("+")[0] == self._local

    # aiosmtpd calls these by name.

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        if not self._allowance.take(self._unix_time()):
            return "451 4.7.1 Too much mail at once, try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if not self._is_ours(address):
            return "550 5.7.1 Only mail to the reply address is taken here"
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes), "decode_data is off"
        try:
            await self._letterbox.put(content, tuple(envelope.rcpt_tos))
        except Exception:
            log.exception("mail cannot be kept")
            return "451 4.3.0 Cannot be kept now, try again later"
        return "250 2.0.0 Kept"

    async def handle_exception(self, error: Exception) -> str:
        log.error("mail conversation failed", error=type(error).__name__)
        return "451 4.3.0 Something went wrong here, try again later"


class _Conversation(SMTP):
    """One connection, counted."""

    def __init__(self, listener: Listener, open_ones: set[_Conversation], name: str, max_bytes: int) -> None:
        self._open_ones = open_ones
        super().__init__(
            listener,
            data_size_limit=max_bytes,
            enable_SMTPUTF8=True,
            hostname=name,
            ident="balie",
            timeout=PATIENCE_S,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_ones.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_ones.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()


class _Busy(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
        transport.close()
