"""/demo/mail: the mail that a demo sent, for who has no mailbox at hand.  Only `balie demo` has these pages.

Of a mail the text is shown, with its links to press; its HTML and what is attached can be downloaded, so that nothing
that came by mail ever runs in a page of ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from aiohttp import web
from markupsafe import Markup, escape

from web.citizen.show import show
from web.forms import whole

_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


@dataclass(frozen=True)
class Attachment:
    name: str
    type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Mail:
    """One that arrived.  sender and to: as in its headers."""

    sender: str
    to: str
    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()


class Mailbox(Protocol):
    """Where mail of the demo arrives."""

    def mails(self) -> Sequence[Mail]:
        """Oldest first.  A mail keeps its place."""


MAILBOX: web.AppKey[Mailbox] = web.AppKey("MAILBOX")


def linked(text: str) -> Markup:
    """Text as HTML, with its links to press."""
    parts: list[Markup] = []
    end = 0
    for match in _LINK.finditer(text):
        parts += (escape(text[end : match.start()]), Markup('<a href="{0}">{0}</a>').format(match[0]))
        end = match.end()
    return Markup("").join((*parts, escape(text[end:])))


async def mails(request: web.Request) -> web.Response:
    """GET /demo/mail: newest first."""
    found = list(enumerate(request.app[MAILBOX].mails(), 1))
    return show(request, "mailbox.html", mails=found[::-1])


def _mail(request: web.Request) -> Mail:
    found = request.app[MAILBOX].mails()
    number = whole(request.match_info["number"], least=1, most=len(found))
    if number is None:
        raise web.HTTPNotFound
    return found[number - 1]


async def mail(request: web.Request) -> web.Response:
    """GET /demo/mail/{number}: one mail."""
    found = _mail(request)
    return show(request, "mail.html", mail=found, text=linked(found.text), path=request.path)


async def part(request: web.Request) -> web.Response:
    """GET /demo/mail/{number}/{part}: an attachment, by its place, or `html`.  Always a download, never a page."""
    found, which = _mail(request), request.match_info["part"]
    if which == "html" and found.html:
        return _download("mail.html", "text/html", found.html.encode())
    place = whole(which, least=1, most=len(found.attachments))
    if place is None:
        raise web.HTTPNotFound
    attachment = found.attachments[place - 1]
    return _download(attachment.name, attachment.type, attachment.data)


def _download(name: str, kind: str, data: bytes) -> web.Response:
    plain = kind if re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", kind) else "application/octet-stream"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Content-Type": plain}
    return web.Response(body=data, headers=headers)


ROUTES = (
    web.get("/demo/mail", mails),
    web.get("/demo/mail/{number}", mail),
    web.get("/demo/mail/{number}/{part}", part),
)
