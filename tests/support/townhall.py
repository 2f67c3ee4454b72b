"""Citizens' pages in the test's own process, over a real database, with a clock to turn."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from balie.booking.links import LinkKey
from balie.booking.slots import Calendars
from balie.store.engine import Store
from tests.support.booking import KEY
from tests.support.office import MONDAY_S
from web import demo_mail, keys
from web.assets import ROUTES as ASSETS
from web.citizen.routes import ROUTES
from web.demo_mail import MAILBOX, Mail
from web.language import speak
from web.middlewares import errors, security_headers
from web.render import environment
from web.selftest.pages import ROUTES as SELFTEST

NAME, PHONE = "Gemeente Voorbeeldegem", "+32 2 555 01 23"
SERVICE_PHONE = "+32 2 555 01 30"
"""Of the service of tests.support.office, for pages about an appointment."""
Client = TestClient[Any, Any]

# A booking as its forms are filled in.
TIMES, DETAILS = "/afspraak/nieuw/tijd", "/afspraak/nieuw/gegevens"
BADMINTON = ("product", "badminton")
AN = [("naam", "An Peeters"), ("mail", "an@example.org"), ("telefoon", ""), ("spreektaal", "nl"), ("vraag", "")]
LIES = [
    ("helper", "1"),
    ("helper-1-naam", "Lies Peeters"),
    ("helper-1-rol", "family"),
    ("helper-1-label", "dochter"),
    ("helper-1-mail", "lies@example.org"),
    ("helper-1-telefoon", ""),
    ("helper-1-spreektaal", "fr"),
]
BOOK, CHECK = ("doe", "boek"), ("doe", "controle")


@dataclass
class Clock:
    """Unix time in seconds."""

    now_s: float = MONDAY_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Post:
    """A mailbox that a test fills."""

    received: list[Mail] = field(default_factory=list)

    def mails(self) -> Sequence[Mail]:
        return self.received


@dataclass
class Townhall:
    app: web.Application
    store: Store
    clock: Clock
    key: LinkKey
    post: Post


def townhall(store: Store, public_url: str = "http://localhost", *, sms: bool = True) -> Townhall:
    """Nothing runs yet."""
    app = web.Application(middlewares=[speak, errors])
    app.on_response_prepare.append(security_headers)
    clock, key, post = Clock(), KEY, Post()
    app[keys.PAGES], app[keys.SITE] = environment(), keys.Site(NAME, PHONE, public_url, sms)
    app[keys.STORE], app[keys.CALENDARS], app[keys.LINK_KEY] = store, Calendars(), key
    app[keys.UNIX_TIME], app[keys.ENTROPY], app[MAILBOX] = clock, random.Random(2026).randbytes, post  # type: ignore[misc]
    app.add_routes([*ROUTES, *SELFTEST, *demo_mail.ROUTES, *ASSETS])
    return Townhall(app, store, clock, key, post)


async def sent(client: Client, path: str, *fields: tuple[str, str], status: int = 200) -> str:
    """The page that comes of a form, as a browser without JavaScript sends it; the status is checked."""
    response = await client.post(path, data=list(fields), headers={"Sec-Fetch-Site": "same-origin"})
    return await page_of(response, status)


async def page_of(response: ClientResponse, status: int = 200) -> str:
    text = await response.text()
    assert response.status == status, f"{response.status} instead of {status}: {text[:2000]}"
    return text


def hidden(page: str) -> list[tuple[str, str]]:
    """The hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return [(name, unescape(value)) for name, value in found if name != "terug"]


def words(page: str) -> str:
    """What a page says, without its marks."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page.partition("<body")[2], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
