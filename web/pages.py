"""The pages of the call: behind a personal link, and the exchange of that link for a join token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from balie.booking.errors import NotFound
from balie.i18n import LANGUAGES, speaking
from signalling.tokens import Join
from web import language, welcome
from web.citizen import mine
from web.citizen.office import office
from web.keys import HUB, LINKS, SITE, STORE, UNIX_TIME, Visit
from web.origin import check_origin
from web.problems import problem
from web.render import page
from web.texts import call_texts, wait_words
from web.welcome import Known, Welcome

NO_BREAK = "\u00a0"
CLOSED = {"unknown": 404, "over": 410, "early": 425, "elsewhere": 409}
"""HTTP status of a link that does not open; unknown also means withdrawn."""
SELF_TEST = "/test"


async def call(request: web.Request) -> web.Response:
    """GET /call: the call page for a join token in the fragment, or for who is inside and loads the page anew.

    Neither the fragment nor the link that brought somebody here reaches a server or the browser's history.
    """
    wanted = request.query.get(language.FIELD, "")
    with speaking(language.chosen(request) or (wanted if wanted in LANGUAGES else "")):
        return call_page(request)


def call_page(
    request: web.Request,
    token_path: str = "",
    name: str = "",
    role: str = "",
    *,
    welcome: Welcome | None = None,
    waits: bool = False,
    test_url: str = SELF_TEST,
    phone: str = "",
    template: str = "call.html",
    **values: Any,
) -> web.Response:
    """The page that waits at the door, calls and says goodbye.

    phone     of the service that it is about; the organisation's when empty
    waits     somebody has to let this person in
    template  one that extends call.html; values: what it has beside
    """
    return page(
        request,
        template,
        phone=phone,
        texts=call_texts(request.app[SITE].about(phone).phone.replace(" ", NO_BREAK)),
        token_path=token_path,
        name=name,
        role=role,
        welcome=welcome,
        waits=waits,
        test_url=test_url,
        **values,
    )


async def _visit(request: web.Request) -> Visit:
    return await request.app[LINKS].visit(request.match_info["token"], request.app[UNIX_TIME]())


def _closed(visit: Visit, response: web.Response) -> web.Response:
    """With the time to wait, in seconds, of a link that opens later."""
    if visit.state == "early":
        response.headers["Retry-After"] = str(visit.opens_in_s)
    return response


async def _known(request: web.Request, visit: Visit) -> Known | None:
    """The appointment of a link; None for one that this process made for itself."""
    if not visit.participant_id:
        return None
    try:
        return await request.app[STORE].read(welcome.known, visit.participant_id)
    except NotFound:
        return None  # cancelled in between: what the link still opens, it opens without words about it


async def door(request: web.Request) -> web.Response:
    """GET /g/{token}: the call page.  Opening it changes nothing: mail scanners open links too."""
    visit = await _visit(request)
    if visit.state == "elsewhere":
        raise web.HTTPSeeOther(f"/a/{request.match_info['token']}")
    known = await _known(request, visit)
    with speaking(language.chosen(request) or (welcome.locale_of(known) if known else "")):
        if visit.state == "open":
            return _open(request, visit, known)
        if visit.state == "early":
            return _early(request, visit, known)
        return await _shut(request, visit)


def _open(request: web.Request, visit: Visit, known: Known | None) -> web.Response:
    assert visit.join is not None
    token = request.match_info["token"]
    path = request.app.router["link_join"].url_for(token=token)
    about = welcome.of_guest(known, int(request.app[UNIX_TIME]())) if known else None
    return call_page(
        request,
        str(path),
        visit.join.name,
        visit.join.role,
        welcome=about,
        waits=visit.join.wait,
        test_url=f"/a/{token}/test" if known else SELF_TEST,
        phone=known.appointment.service_phone if known else "",
    )


def _early(request: web.Request, visit: Visit, known: Known | None) -> web.Response:
    """It says when, and not whose: a link may have been passed on."""
    token = request.match_info["token"]
    values: dict[str, Any] = {
        "opens_in_s": visit.opens_in_s,
        "phone": known.appointment.service_phone if known else "",
        "wait": wait_words(visit.opens_in_s),
        "test_url": f"/a/{token}/test" if known else SELF_TEST,
        "mine_url": f"/a/{token}" if known else "",
    }
    return _closed(visit, page(request, "closed.html", status=CLOSED["early"], state="early", **values))


async def _shut(request: web.Request, visit: Visit) -> web.Response:
    """Over, withdrawn, moved or never made: each with its way forward."""
    here = office(request)
    found = await here.read(mine.look, here, request.match_info["token"])
    if isinstance(found, mine.Closed) and found.why in ("moved", "cancelled", "over"):
        return mine.closed(request, found)
    return page(request, "closed.html", status=CLOSED[visit.state], state=visit.state)


async def join(request: web.Request) -> web.Response:
    """POST /g/{token}/join: a short-lived join token for the person of this link, as JSON.

    409 here_already: he is inside with another window or device.  With ?over=1 this one takes its place.
    """
    check_origin(request)
    visit = await _visit(request)
    if visit.state != "open":
        return _closed(visit, problem(CLOSED[visit.state], visit.state, opens_in_s=visit.opens_in_s))
    assert visit.join is not None

    async def entered() -> str:
        return await request.app[LINKS].entered(visit, request.app[UNIX_TIME]())

    samen = f"/a/{request.match_info['token']}/samen" if visit.participant_id else ""
    return await hand_over(request, visit.join, entered, samen=samen)


async def hand_over(
    request: web.Request, join: Join, entered: Callable[[], Awaitable[str]] | None = None, *, samen: str = ""
) -> web.Response:
    """The answer to a page that wants to come in as this person: a join token, or 409 when he is inside elsewhere.

    entered  notes that he comes in; returns the token of his goodbye, "" for none
    samen    where his panel is, "" for none
    """
    hub = request.app[HUB]
    if not request.query.get("over") and hub.connected(join.room, join.participant):
        return problem(409, "here_already")
    goodbye = await entered() if entered is not None else ""
    token = hub.tokens.mint(join, int(request.app[UNIX_TIME]()))
    return web.json_response(
        {"token": token, "ws": str(request.app.router["ws"].url_for()), "goodbye": goodbye, "samen": samen}
    )
