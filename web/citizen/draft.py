"""A booking that somebody is filling in: what he typed, between one page and the next (balie.booking.drafts).

Every POST of the steps keeps it and answers with a page to look at (303), so Back, Forward and Reload show pages.  Its
secret is in two halves: a cookie that only this browser has, and a word in the URL that says which of its bookings this
is.  Neither half is worth anything without the other, and none of it says who anybody is.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiDict

from balie.booking import drafts
from balie.store.engine import Tx
from web.citizen import once
from web.citizen.chosen import Chosen
from web.citizen.office import Office
from web.citizen.place import Place
from web.citizen.show import go
from web.forms import Form
from web.keys import SITE

DETAILS, REVIEW, TIMES = "/afspraak/nieuw/gegevens", "/afspraak/nieuw/nakijken", "/afspraak/nieuw/tijd"
COOKIE = "balie-afspraak"
FIELD = "concept"
"""Which booking of this browser: in URLs and forms."""

_BROWSER_BYTES, _BOOKING_BYTES = 20, 10
_TOKEN = re.compile(r"[\w-]{27}", re.ASCII)
_WORD = re.compile(r"[\w-]{14}", re.ASCII)

Values = list[tuple[str, str]]


@dataclass(frozen=True)
class Draft:
    """browser and word: the halves of the secret, "" when the request has none.

    values  what was typed, in any order; None when nothing is kept (any more)
    booked  the token of the appointment that it became
    """

    browser: str = field(default="", repr=False)
    word: str = ""
    values: Values | None = None
    booked: str = ""

    @property
    def secret(self) -> str:
        return f"{self.browser}.{self.word}"

    @property
    def fields(self) -> list[tuple[str, str]]:
        return [(FIELD, self.word)] if self.word else []

    @property
    def lost(self) -> bool:
        """It was begun, and is not there."""
        return bool(self.word) and self.values is None

    @property
    def form(self) -> Form:
        """What was typed, for a page."""
        return Form(MultiDict(self.values or ()))


async def look(request: web.Request, here: Office, form: Form) -> Draft:
    """The draft that a request belongs to.  Looking changes nothing."""
    browser, word = request.cookies.get(cookie_name(request), ""), form.last(FIELD)
    asked = Draft(browser if _TOKEN.fullmatch(browser) else "", word if _WORD.fullmatch(word) else "")
    if not (asked.browser and asked.word):
        return asked

    def found(tx: Tx) -> Draft:
        values = drafts.read(tx, here.now_s, asked.secret)
        booked = once.made(tx, here, asked.secret) if values is None else ""
        return replace(asked, values=values, booked=booked)

    return await here.read(found)


def new(here: Office, browser: str = "") -> Draft:
    """Another booking, of this browser when it is known."""
    return Draft(browser or _text(here.entropy(_BROWSER_BYTES)), _text(here.entropy(_BOOKING_BYTES)), [])


def write(tx: Tx, here: Office, draft: Draft, values: Values) -> Draft:
    """Keeps what was typed: here, or in a new draft where this one is over."""
    if draft.values is not None and drafts.keep(tx, here.now_s, here.entropy, draft.secret, values):
        return replace(draft, values=values)
    made = replace(new(here, draft.browser), values=values)
    drafts.begin(tx, here.now_s, here.entropy, made.secret, values)
    return made


def url(path: str, chosen: Chosen, place: Place, draft: Draft, *more: tuple[str, str]) -> str:
    """Of a step.  Nothing in it says who one is."""
    return f"{path}?{urlencode([*chosen.fields, *place.fields, *draft.fields, *more])}"


def answer(request: web.Request, draft: Draft, location: str) -> web.Response:
    """Go to a page, with the half of the secret that this browser keeps until it closes."""
    response = go(location)
    if draft.browser != request.cookies.get(cookie_name(request)):
        secure = _secure(request)
        response.set_cookie(cookie_name(request), draft.browser, path="/", httponly=True, secure=secure, samesite="Lax")
    return response


def cookie_name(request: web.Request) -> str:
    """With https the prefix makes the browser refuse one that another host set (RFC 6265bis)."""
    return f"__Host-{COOKIE}" if _secure(request) else COOKIE


def _secure(request: web.Request) -> bool:
    return request.app[SITE].public_url.startswith("https:")


def _text(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")
