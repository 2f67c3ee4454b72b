"""The pages of the call: behind a personal link, and the exchange of that link for a join token."""

from __future__ import annotations

from aiohttp import web

from web.keys import HUB, LINKS, SITE, UNIX_TIME, Visit
from web.origin import check_origin
from web.problems import problem
from web.render import page
from web.texts import call_texts, wait_words

NO_BREAK = "\u00a0"
CLOSED = {"unknown": 404, "over": 410, "early": 425, "elsewhere": 409}
"""HTTP status of a link that does not open; unknown also means withdrawn."""


async def call(request: web.Request) -> web.Response:
    """GET /call: the call page for a join token in the fragment, which never reaches a server."""
    return call_page(request)


def call_page(request: web.Request, token_path: str = "", name: str = "", role: str = "") -> web.Response:
    texts = call_texts(request.app[SITE].phone.replace(" ", NO_BREAK))
    return page(request, "call.html", token_path=token_path, name=name, role=role, texts=texts)


async def _visit(request: web.Request) -> Visit:
    return await request.app[LINKS].visit(request.match_info["token"], request.app[UNIX_TIME]())


def _closed(visit: Visit, response: web.Response) -> web.Response:
    """With the time to wait, in seconds, of a link that opens later."""
    if visit.state == "early":
        response.headers["Retry-After"] = str(visit.opens_in_s)
    return response


async def door(request: web.Request) -> web.Response:
    """GET /g/{token}: the call page.  Opening it changes nothing: mail scanners open links too."""
    visit = await _visit(request)
    if visit.state == "elsewhere":
        raise web.HTTPSeeOther(f"/a/{request.match_info['token']}")
    if visit.state != "open":
        values = {"state": visit.state, "opens_in_s": visit.opens_in_s, "wait": wait_words(visit.opens_in_s)}
        return _closed(visit, page(request, "closed.html", status=CLOSED[visit.state], **values))
    assert visit.join is not None
    path = request.app.router["link_join"].url_for(token=request.match_info["token"])
    return call_page(request, str(path), visit.join.name, visit.join.role)


async def join(request: web.Request) -> web.Response:
    """POST /g/{token}/join: a short-lived join token for the person of this link, as JSON."""
    check_origin(request)
    visit = await _visit(request)
    if visit.state != "open":
        return _closed(visit, problem(CLOSED[visit.state], visit.state, opens_in_s=visit.opens_in_s))
    assert visit.join is not None
    await request.app[LINKS].entered(visit, request.app[UNIX_TIME]())
    token = request.app[HUB].tokens.mint(visit.join, int(request.app[UNIX_TIME]()))
    return web.json_response({"token": token, "ws": str(request.app.router["ws"].url_for())})
