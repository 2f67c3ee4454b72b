"""A real SMTP server in the event loop of a test, that does as it is told: refuse, defer, hang, drop, offer DSN.

Each mail passes the stages of STAGES; a script says what to answer at the next ones, and a hook hears of each before
the answer goes out.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import AnyStr

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANG, DROP = "hang", "drop"
STAGES = ("EHLO", "MAIL", "RCPT", "DATA", "GO", "DOT", "TAKEN")
"""DATA: asked, GO: 354 was sent, DOT: the mail is complete, TAKEN: 250 was sent."""

_DSN = re.compile(r"\s(RET|ENVID|NOTIFY|ORCPT)=(\S+)", re.IGNORECASE)

Hook = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """A mail that the server took.  dsn: the parameters of RFC 3461 with their values."""

    sender: str
    recipient: str
    dsn: dict[str, str]
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def envid(self) -> str:
        return str(self.mail["Message-ID"]).strip("<>").partition("@")[0]


class MailServer:
    """script[stage]: answers to give, the first first; without one it agrees.  connections: how many there were."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.script: dict[str, deque[str]] = defaultdict(deque)
        self.connections = 0
        self.offers_dsn = True
        self.hook: Hook | None = None
        self.port = 0
        self.open: list[_Connection] = []

    def answer(self, stage: str, *answers: str) -> None:
        self.script[stage].extend(answers)

    async def pass_stage(self, stage: str, connection: _Connection) -> str | None:
        """The scripted answer, if any."""
        if self.hook is not None:
            await self.hook(stage)
        answer = self.script[stage].popleft() if self.script[stage] else None
        if answer == HANG:
            await asyncio.Event().wait()  # until the connection is closed
        if answer == DROP:
            connection.drop()
        return answer


class _Connection(SMTP):
    """With the parameters of DSN, which aiosmtpd does not know, and with stages."""

    def __init__(self, server: MailServer, **options: object) -> None:
        super().__init__(_Handler(server), hostname="mail.example", **options)  # type: ignore[arg-type]
        self._mail_server = server
        self._dsn: dict[str, str] = {}
        server.connections += 1
        server.open.append(self)

    def drop(self) -> None:
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        self._dsn = {}
        await super().smtp_MAIL(self._without_dsn(arg))

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        await super().smtp_RCPT(self._without_dsn(arg))

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        answer = await self._mail_server.pass_stage("DATA", self)
        if answer is not None:
            await self.push(answer)
            return
        await super().smtp_DATA(arg)

    async def push(self, status: AnyStr) -> None:
        await super().push(status)
        text = status.decode() if isinstance(status, bytes) else status
        if text.startswith("354"):
            await self._mail_server.pass_stage("GO", self)
        if text == _Handler.TAKEN:
            await self._mail_server.pass_stage("TAKEN", self)

    def _without_dsn(self, arg: str | None) -> str | None:
        if arg is None or not self._mail_server.offers_dsn:
            return arg
        self._dsn.update({name.upper(): value for name, value in _DSN.findall(arg)})
        return _DSN.sub("", arg)

    @property
    def dsn(self) -> dict[str, str]:
        return dict(self._dsn)


class _Handler:
    TAKEN = "250 2.0.0 Taken"

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_EHLO(  # noqa: N802
        self, server: _Connection, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        answer = await self._server.pass_stage("EHLO", server)
        if answer is not None:
            return [answer]
        return [*responses[:-1], "250-DSN", responses[-1]] if self._server.offers_dsn else responses

    async def handle_MAIL(  # noqa: N802
        self, server: _Connection, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._server.pass_stage("MAIL", server)
        if answer is None:
            envelope.mail_from = address
        return answer or "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: _Connection, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._server.pass_stage("RCPT", server)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 2.1.5 Ok"

    async def handle_DATA(self, server: _Connection, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes) and envelope.mail_from is not None
        taken = Received(envelope.mail_from, envelope.rcpt_tos[0], server.dsn, envelope.content)
        answer = await self._server.pass_stage("DOT", server)
        if answer in (None, DROP):  # it has the mail, and cannot say so any more
            self._server.received.append(taken)
        return self.TAKEN if answer is None or answer == DROP else answer


@asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> AsyncIterator[MailServer]:
    """On a free port of loopback.  login: user and password that it asks for, after STARTTLS."""

    def authenticate(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == login, handled=False)

    made = MailServer()
    options: dict[str, object] = {"tls_context": starttls, "require_starttls": starttls is not None}
    if login is not None:
        options |= {"auth_required": True, "authenticator": authenticate}
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: _Connection(made, **options), "127.0.0.1", 0, ssl=tls)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()
        for connection in made.open:
            connection.drop()
