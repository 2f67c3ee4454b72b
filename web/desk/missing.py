"""A page of the desk that does not exist: who works here goes on from the menu, and needs no number to call."""

from __future__ import annotations

from aiohttp import web

from balie.i18n import speaking
from web.desk.desk import HOME, seat


async def page(request: web.Request) -> web.Response | None:
    """404 for who is signed in; None for anybody else, and where it is not about the desk."""
    if request.path != HOME and not request.path.startswith(f"{HOME}/"):
        return None
    desk = await seat(request)
    # Who still has to choose a password sees nothing of the menu.
    if desk is None or desk.member.starts:
        return None
    with speaking(desk.member.locale):
        return await desk.show("missing.html", status=404)
