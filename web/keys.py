"""What handlers find in the application, typed (aiohttp.web.AppKey), and the contracts of who puts it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from aiohttp import web
from jinja2 import Environment

from balie.acts.service import Acts
from balie.booking.links import LinkKey
from balie.booking.slots import Calendars
from balie.store.engine import Store
from media.process.media import Media
from signalling.hub import Hub
from signalling.tokens import Join
from signalling.whip import HttpSessions
from web.pump import Pump


@dataclass(frozen=True)
class Visit:
    """What a link opens.

    state           unknown: no such link, or withdrawn; early and over: not now; elsewhere: by telephone or at the desk
    participant_id  of an appointment, 0 for none
    """

    state: Literal["open", "early", "over", "unknown", "elsewhere"]
    join: Join | None = None
    opens_in_s: int = 0
    participant_id: int = 0


class Links(Protocol):
    """Personal links (decision D5): looking never changes anything; going in is noted."""

    async def visit(self, token: str, now_s: float) -> Visit: ...

    async def entered(self, visit: Visit, now_s: float) -> str:
        """Returns the token of his goodbye (balie.booking.parting); "" when there will be none."""
        ...


@dataclass(frozen=True)
class Site:
    """What pages say of the organisation, and what it has.

    public_url  without a trailing slash
    sms         text messages go out: who gives a telephone number only can be reached
    targets     names of the systems that hear of events
    """

    name: str
    phone: str
    public_url: str
    sms: bool = False
    targets: frozenset[str] = frozenset()

    def about(self, service_phone: str) -> Site:
        """For pages about an appointment: whom its letters say to call is whom the pages say to call."""
        return replace(self, phone=service_phone or self.phone)


@dataclass
class Readiness:
    """ready is False before everything runs and while draining."""

    ready: bool = False


HUB = web.AppKey("HUB", Hub)
HTTP_SESSIONS = web.AppKey("HTTP_SESSIONS", HttpSessions)
MEDIA = web.AppKey("MEDIA", Media)
LINKS: web.AppKey[Links] = web.AppKey("LINKS")
SITE = web.AppKey("SITE", Site)
READINESS = web.AppKey("READINESS", Readiness)
PAGES = web.AppKey("PAGES", Environment)
PUMP = web.AppKey("PUMP", Pump)
UNIX_TIME: web.AppKey[Callable[[], float]] = web.AppKey("UNIX_TIME")
ENTROPY: web.AppKey[Callable[[int], bytes]] = web.AppKey("ENTROPY")
STORE = web.AppKey("STORE", Store)
CALENDARS = web.AppKey("CALENDARS", Calendars)
LINK_KEY = web.AppKey("LINK_KEY", LinkKey)
ACTS = web.AppKey("ACTS", Acts)
