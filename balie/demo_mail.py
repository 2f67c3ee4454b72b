"""The demo's mail server: takes what balie sends, and shows it at /demo/mail instead of delivering it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session

from web.demo_mail import Attachment, Mail

MAILS_MAX = 500


class DemoMail:
    """A real SMTP server on a free port of this machine, and the mailbox behind it."""

    def __init__(self, host: str) -> None:
        with socket.create_server((host, 0)) as probe:
            self.host, self.port = host, int(probe.getsockname()[1])
        self._mails: list[Mail] = []

    def mails(self) -> Sequence[Mail]:
        return self._mails

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop, hostname="demo"), self.host, self.port)
        try:
            yield
        finally:
            server.close()

    # aiosmtpd calls this by name.

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if len(self._mails) >= MAILS_MAX:
            return "452 4.2.2 The demo's mailbox is full: start it anew"
        content = envelope.content
        assert isinstance(content, bytes), "decode_data is off"
        self._mails.append(_read(message_from_bytes(content, policy=default)))
        return "250 2.0.0 Kept"


def _read(mail: EmailMessage) -> Mail:
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    return Mail(
        sender=str(mail["From"]),
        to=str(mail["To"]),
        subject=str(mail["Subject"]),
        text=plain.get_content() if plain is not None else "",
        html=html.get_content() if html is not None else "",
        attachments=tuple(
            Attachment(part.get_filename() or "bijlage", part.get_content_type(), _content(part))
            for part in mail.iter_attachments()
        ),
    )


def _content(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""
