"""Rather by telephone: what somebody in the waiting room asks of the desk."""

from __future__ import annotations

from aiohttp import web

from balie.booking.errors import NotFound, NotNow, Unfit
from balie.visit import call_request
from web import forms
from web.desk.words import phone_words
from web.keys import ENTROPY, LINKS, STORE, UNIX_TIME
from web.problems import problem

FIELD = "telefoon"


async def ask(request: web.Request) -> web.Response:
    """POST /g/{token}/bel-mij, for the script of the waiting room: {"number": on which we will call him}.

    telefoon  a number; empty for the one that he gave before

    404 no_appointment: a link that belongs to none.  410 over.  422 phone_missing, phone_invalid.
    """
    form = await forms.read(request)
    app = request.app
    visit = await app[LINKS].visit(request.match_info["token"], app[UNIX_TIME]())
    if visit.state in ("over", "unknown"):
        return problem(410 if visit.state == "over" else 404, visit.state)
    if not visit.participant_id:
        return problem(404, "no_appointment")
    now_s, entropy = int(app[UNIX_TIME]()), app[ENTROPY]
    try:
        number = await app[STORE].write(call_request.ask, now_s, entropy, visit.participant_id, form.last(FIELD))
    except Unfit as error:
        return problem(422, error.code)
    except (NotFound, NotNow):
        return problem(410, "over")
    return web.json_response({"number": phone_words(number)})
