"""The language of pages: Dutch unless the visitor chose another, for as long as his browser is open.

The choice is a cookie that only POST /taal sets.  A browser's Accept-Language is not asked: the law on languages in
public services wants Dutch first here, and another language on request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from yarl import URL

from balie.i18n import LANGUAGES, speaking
from web import forms
from web.keys import SITE

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = FIELD = "taal"


def chosen(request: web.Request) -> str:
    """The language that the visitor chose, or "" when he chose none."""
    found = request.cookies.get(COOKIE, "")
    return found if found in LANGUAGES else ""


@web.middleware
async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Around every request.  Before `errors`, so that an error is in the visitor's language too."""
    with speaking(chosen(request)):
        return await handler(request)


def remember(request: web.Request, response: web.StreamResponse, language: str) -> None:
    """Until the browser closes."""
    secure = request.app[SITE].public_url.startswith("https:")
    response.set_cookie(COOKIE, language, path="/", httponly=True, samesite="Lax", secure=secure)


def local(path: str) -> str:
    """A path of ours, or "/": nobody is sent to another website by a link that begins with ours."""
    strange = not path.startswith("/") or path.startswith("//") or any(each in path for each in "\\\r\n\t")
    try:
        return "/" if strange or URL(path).absolute else path
    except ValueError:
        return "/"


async def choose(request: web.Request) -> web.Response:
    """POST /taal: another language, on the page that one was on."""
    form = await forms.read(request)
    response = web.Response(status=303, headers={"Location": local(form.last("terug"))})
    if language := form.choice(FIELD, LANGUAGES):
        remember(request, response, language)
    return response


ROUTES = (web.post("/taal", choose, name="language"),)
