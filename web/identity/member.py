"""Staff who sign in with their organisation: to the provider, and out of it again."""

from __future__ import annotations

from aiohttp import web

from balie.i18n import language
from balie.identity.errors import IdentityError
from web import forms
from web.citizen.show import show
from web.desk.desk import ENTRY, inside
from web.identity import leaving, words
from web.identity.keys import identities

PLACE = f"{ENTRY}/organisatie"


async def begin(request: web.Request) -> web.Response:
    """POST /balie/aanmelden/organisatie."""
    form = await forms.read(request)
    there = identities(request)
    if there is None or there.staff is None:
        raise web.HTTPNotFound
    leaving.not_too_often(request)
    try:
        departure = await there.begin(there.staff, language(), back=inside(form.last("naar")))
    except IdentityError as error:
        return show(request, "identify_staff.html", status=503, here=ENTRY, error=words.for_member(error.code))
    return leaving.leave(request, departure, there.staff.label)
