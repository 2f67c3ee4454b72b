"""Back from an identity provider: GET /identificatie/terug/{provider} is its answer, the only GET that does something.

What it does happens once: the state in it is good for one answer, in the browser that began.  Who reloads the page in
that browser hears that it is done.
"""

from __future__ import annotations

from aiohttp import web

from balie.i18n import speaking
from balie.identity.service import Arrival
from web import forms
from web.citizen.show import go, show
from web.desk import gate
from web.desk.desk import ENTRY, HOME
from web.identity import leaving, words
from web.identity.keys import identities
from web.identity.news import tell
from web.keys import ACTS
from web.language import chosen

SIGNED_OUT = "/identificatie/afgemeld"
STATUS = {"provider_down": 503, "not_configured": 404}


async def back(request: web.Request) -> web.Response:
    """GET /identificatie/terug/{provider}, or without a name where the settings have it so: to the desk, or a page that
    says what became of it."""
    there = identities(request)
    if there is None:
        raise web.HTTPNotFound
    if leaving.was_done(request):
        return show(request, "identify_back.html", here="/", again=True)
    arrival = await there.finish(request.path, request.query, leaving.cookies(request))
    if arrival.about is not None:
        tell(request.app, arrival.about.room)
    if arrival.about is not None and arrival.identified is not None and ACTS in request.app:
        await request.app[ACTS].settle(arrival.about.id)
    response = await _answer(request, arrival)
    leaving.forget(request, response, done=arrival.identified is not None)
    return response


async def _answer(request: web.Request, arrival: Arrival) -> web.Response:
    if arrival.staff_id:
        response = await gate.admit(request, arrival.staff_id, arrival.back or HOME, way=arrival.provider)
        leaving.remember_provider(request, response, arrival.provider, arrival.id_token)
        return response
    if arrival.error and arrival.provider and arrival.about is None:
        said = words.for_member(arrival.error)
        return show(request, "identify_staff.html", status=STATUS.get(arrival.error, 403), here=ENTRY, error=said)
    locale, phone = (arrival.about.locale, arrival.about.phone) if arrival.about is not None else ("", "")
    with speaking(chosen(request) or locale):
        said = words.for_citizen(arrival.error) if arrival.error else ""
        status = STATUS.get(arrival.error, 400) if arrival.error else 200
        found = arrival.identified
        return show(request, "identify_back.html", status=status, here="/", phone=phone, error=said, found=found)


async def sign_out(request: web.Request) -> web.Response:
    """POST /identificatie/afmelden: a citizen signs out at the provider, on a device that others use too."""
    await forms.read(request)
    there = identities(request)
    if there is None or there.citizen is None:
        raise web.HTTPNotFound
    url = await there.sign_out(there.citizen.name, SIGNED_OUT)
    return leaving.go_on(request, url, there.citizen.label) if url else go(SIGNED_OUT)


async def signed_out(request: web.Request) -> web.Response:
    """GET /identificatie/afgemeld."""
    return show(request, "identify_out.html", here=SIGNED_OUT)
