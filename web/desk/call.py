"""The call as staff enters it: the same page as a citizen's, behind a session instead of a personal link."""

from __future__ import annotations

from aiohttp import web

from balie.booking.links import AFTER_S, BEFORE_S
from balie.booking.reading import Appointment
from signalling.lobby import Lobby
from signalling.tokens import Join, default_grants
from web import welcome
from web.desk import panel, waiting
from web.desk.desk import Desk, go
from web.keys import HUB
from web.pages import call_page, hand_over
from web.problems import problem


def is_open(each: Appointment, now_s: int) -> bool:
    """Whether there is a call to go to: as long as the citizen's door is open."""
    return each.stands and each.modality == "video" and each.start_s - BEFORE_S <= now_s < each.end_s + AFTER_S


async def door(desk: Desk) -> web.StreamResponse:
    """GET /balie/gesprek/{ref}: the call page with the panel, or the appointment when there is no call now."""
    found = await desk.read(panel.visible, desk)
    if not is_open(found, desk.now_s):
        return go(f"/balie/afspraak/{found.ref}")
    path, beside = f"{panel.PLACE}/{found.ref}/join", await panel.values(desk)
    lines = await waiting.visits(desk, {found.room: lobby} if (lobby := _lobby(desk, found)) is not None else {})
    values = {**beside, "csrf": desk.csrf, "visit": lines[0] if lines else None}
    about = welcome.of_staff(found, desk.now_s)
    return call_page(desk.request, path, desk.member.name, "staff", welcome=about, template="desk/call.html", **values)


def _lobby(desk: Desk, found: Appointment) -> Lobby | None:
    return desk.request.app[HUB].lobbies().get(found.room)


async def join(desk: Desk) -> web.StreamResponse:
    """POST /balie/gesprek/{ref}/join: a short-lived join token, as JSON.

    410 when there is no call now; 409 when he is inside with another window or device, see web.pages.join.
    """
    found = await desk.read(panel.visible, desk)
    if not is_open(found, desk.now_s):
        return problem(410, "over")
    member = desk.member
    who = Join(f"staff-{member.id}", found.room, "staff", member.name, default_grants("staff"))
    return await hand_over(desk.request, who)
