"""The conversation with the mail server that takes our mail (RFC 5321), one connection for many mails.

A mail has left this machine once the server may have seen the dot that ends it.  Just before, the caller is asked to
write that down: what goes wrong earlier can be tried again without fear, what goes wrong later cannot be known.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from balie.post.outcome import SAID_MAX, Outcome

READY, GO_AHEAD, CLOSING = 250, 354, 421

_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_PLAIN = re.compile(r"[!-;=?-~]+")  # ASCII without spaces and brackets: the server reads it as we do, and as one word
_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True)
class Relay:
    """The mail server.  domain: how we call ourselves; tls: for servers with a certificate of their own."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"] = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 30
    domain: str = "localhost"
    tls: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Envelope:
    """A mail as it is handed over.  sender: where delivery notices go; content: with CRLF, 7 bit."""

    envid: str
    sender: str
    recipient: str
    content: bytes = field(repr=False)


class Conversation:
    """Mails to a relay, over one connection that is opened at the first and again when it was lost.

    When it cannot be opened, the other mails of this conversation need not wait for the same.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._client: SMTP | None = None
        self._down: Outcome | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        client, self._client = self._client, None
        if client is None or not client.is_connected:
            return
        if error is None:
            with suppress(SMTPException, OSError):  # it has our mail already
                await client.quit()
        client.close()

    async def send(self, envelope: Envelope, hand_over: Callable[[], Awaitable[bool]]) -> Outcome:
        """Send a mail.  hand_over is called when the server waits for the mail: False stops it."""
        if not _PLAIN.fullmatch(envelope.recipient):
            return Outcome("failed", "address_unsupported", "not a plain address")
        if self._down is not None:
            return self._down
        try:
            client = await self._connected()
        except (SMTPException, OSError) as error:
            self._down = Outcome("deferred", "no_connection", _words(error))
            return self._down
        try:
            await self._address(client, envelope)
        except SMTPRecipientRefused as error:
            return await self._refused(client, error)
        except SMTPSenderRefused as error:
            # The server does not want our sender: a setting that somebody can repair before we give up.
            client.close()
            return Outcome("deferred", "sender_refused", _words(error))
        except SMTPResponseException as error:
            return await self._refused(client, error)
        except (SMTPException, OSError) as error:
            client.close()
            return Outcome("deferred", "no_connection", _words(error))
        try:
            allowed = await hand_over()
        except BaseException:
            client.close()
            raise
        if not allowed:
            client.close()  # after DATA there is no other way back
            return Outcome("withdrawn")
        return await self._content(client, envelope.content)

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        relay = self._relay
        self._client = SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user or None,
            password=relay.password if relay.user else None,
            local_hostname=relay.domain,
            timeout=relay.timeout_s,
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",
            tls_context=relay.tls,
        )
        await self._client.connect()
        await self._client.ehlo()
        return self._client

    async def _address(self, client: SMTP, envelope: Envelope) -> None:
        """Everything up to the point where the server waits for the mail."""
        sender_options, recipient_options = [], []
        if client.supports_extension("dsn"):  # RFC 3461
            sender_options = ["RET=HDRS", f"ENVID={_xtext(envelope.envid)}"]
            recipient_options = ["NOTIFY=SUCCESS,FAILURE,DELAY", f"ORCPT=rfc822;{_xtext(envelope.recipient)}"]
        await client.mail(envelope.sender, options=sender_options)
        await client.rcpt(envelope.recipient, options=recipient_options)
        answer = await client.execute_command(b"DATA")
        if answer.code != GO_AHEAD:
            raise SMTPResponseException(answer.code, answer.message)

    async def _content(self, client: SMTP, content: bytes) -> Outcome:
        protocol = client.protocol
        if protocol is None or not protocol.is_connected:
            # Lost while the caller wrote it down, before a byte of the mail was sent.
            return Outcome("deferred", "no_connection", "connection lost before the mail was sent")
        try:
            protocol.write(_DOT.sub(b"..", content) + b".\r\n")
            answer = await protocol.read_response(timeout=self._relay.timeout_s)
        except BaseException as error:
            client.close()
            if isinstance(error, SMTPException | OSError):
                return Outcome("unresolved", "delivery_unknown", _words(error))
            raise
        if answer.code == CLOSING:
            client.close()
        said = f"{answer.code} {answer.message}"[:SAID_MAX]
        return Outcome("submitted", said=said) if answer.code == READY else _judged(answer.code, said)

    async def _refused(self, client: SMTP, error: SMTPResponseException) -> Outcome:
        """The connection stays good for the next mail, if the server agrees."""
        try:
            await client.rset()
        except (SMTPException, OSError):
            client.close()
        return _judged(error.code, _words(error))


def _judged(code: int, said: str) -> Outcome:
    """What a refusal means.  The three numbers of RFC 3463 say more than the code; not every server gives them."""
    found = _STATUS.search(said)
    status = found[1] if found else ""
    if not 500 <= code <= 599:
        return Outcome("deferred", "mailbox_full" if status == "4.2.2" else "try_later", said)
    return Outcome("failed", reason_of(status), said)


def reason_of(status: str) -> str:
    """A code for an enhanced status such as 5.1.1."""
    match status.split(".")[1:]:
        case ["1", "1" | "2" | "3" | "6" | "10"]:
            return "address_unknown"
        case ["2", "1"]:
            return "mailbox_closed"
        case ["2", "2"]:
            return "mailbox_full"
        case ["3", "4"] | ["2", "3"]:
            return "too_large"
        case ["7", _]:
            return "refused_policy"
        case _:
            return "refused"


def _words(error: BaseException) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"[:SAID_MAX]
    return (str(error) or type(error).__name__)[:SAID_MAX]


def _xtext(value: str) -> str:
    """RFC 3461 4: what is no plain character as +XX."""
    return "".join(each if "!" <= each <= "~" and each not in "+=" else f"+{ord(each):02X}" for each in value)
