"""The call as staff enters it: the same page as a citizen's, behind a session instead of a personal link."""

from __future__ import annotations

from aiohttp import web

from balie.booking.errors import NotFound
from balie.booking.links import AFTER_S, BEFORE_S
from balie.booking.reading import Appointment
from balie.staff import agenda
from signalling.tokens import Join, default_grants
from web.desk.desk import Desk, go
from web.keys import HUB
from web.pages import call_page
from web.problems import problem


def is_open(each: Appointment, now_s: int) -> bool:
    """Whether there is a call to go to: as long as the citizen's door is open."""
    return each.stands and each.modality == "video" and each.start_s - BEFORE_S <= now_s < each.end_s + AFTER_S


async def _appointment(desk: Desk) -> Appointment:
    try:
        return await desk.read(agenda.visible, desk.member, desk.request.match_info["ref"])
    except NotFound:
        raise web.HTTPNotFound from None


async def door(desk: Desk) -> web.StreamResponse:
    """GET /balie/gesprek/{ref}: the call page, or the appointment when there is no call now."""
    found = await _appointment(desk)
    if not is_open(found, desk.now_s):
        return go(f"/balie/afspraak/{found.ref}")
    return call_page(desk.request, f"/balie/gesprek/{found.ref}/join", desk.member.name, "staff")


async def join(desk: Desk) -> web.StreamResponse:
    """POST /balie/gesprek/{ref}/join: a short-lived join token, as JSON.  410 when there is no call now."""
    found = await _appointment(desk)
    if not is_open(found, desk.now_s):
        return problem(410, "over")
    app, member = desk.request.app, desk.member
    who = Join(f"staff-{member.id}", found.room, "staff", member.name, default_grants("staff"))
    return web.json_response({"token": app[HUB].tokens.mint(who, desk.now_s), "ws": str(app.router["ws"].url_for())})
