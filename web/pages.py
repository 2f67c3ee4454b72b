"""The pages: start, the call behind a personal link, and the exchange of that link for a join token."""

from __future__ import annotations

from aiohttp import web

from web.keys import HUB, LINKS, SITE, UNIX_TIME, Visit
from web.origin import check_origin
from web.render import page
from web.texts import call_texts, wait_words

NO_BREAK = "\u00a0"


async def start(request: web.Request) -> web.Response:
    """GET /: where one is, and how to go on."""
    return page(request, "start.html")


async def call(request: web.Request) -> web.Response:
    """GET /call: the call page for a join token in the fragment, which never reaches a server."""
    return _call_page(request)


def _call_page(request: web.Request, token_path: str = "", name: str = "", role: str = "") -> web.Response:
    texts = call_texts(request.app[SITE].phone.replace(" ", NO_BREAK))
    return page(request, "call.html", token_path=token_path, name=name, role=role, texts=texts)


def _visit(request: web.Request) -> tuple[Visit, web.Response | None]:
    """What a link opens, or the page that says why it does not.

    404 unknown or withdrawn.  410 over.  425 too early, with Retry-After in seconds.
    """
    visit = request.app[LINKS].visit(request.match_info["token"], request.app[UNIX_TIME]())
    if visit.state == "open":
        return visit, None
    status = {"unknown": 404, "over": 410, "early": 425}[visit.state]
    values = {"state": visit.state, "opens_in_s": visit.opens_in_s, "wait": wait_words(visit.opens_in_s)}
    response = page(request, "closed.html", status=status, **values)
    if visit.state == "early":
        response.headers["Retry-After"] = str(visit.opens_in_s)
    return visit, response


async def door(request: web.Request) -> web.Response:
    """GET /g/{token}: the call page.  Opening it changes nothing: mail scanners open links too."""
    visit, closed = _visit(request)
    if closed is not None or visit.join is None:
        return closed or web.Response(status=404)
    path = request.app.router["link_join"].url_for(token=request.match_info["token"])
    return _call_page(request, str(path), visit.join.name, visit.join.role)


async def join(request: web.Request) -> web.Response:
    """POST /g/{token}/join: a short-lived join token for the person of this link, as JSON."""
    check_origin(request)
    visit, closed = _visit(request)
    if closed is not None or visit.join is None:
        body = {"title": visit.state, "opens_in_s": visit.opens_in_s}
        return web.json_response(body, status=closed.status if closed is not None else 404)
    token = request.app[HUB].tokens.mint(visit.join, int(request.app[UNIX_TIME]()))
    return web.json_response({"token": token, "ws": str(request.app.router["ws"].url_for())})
