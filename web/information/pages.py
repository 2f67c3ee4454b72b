"""GET /cookies, /privacy, /toegankelijkheid and /hulp: the same for everybody, with or without an appointment."""

from __future__ import annotations

from aiohttp import web

from web.citizen.show import show
from web.documents.keys import upload
from web.information.kept import kept
from web.information.terms import terms


async def cookies(request: web.Request) -> web.Response:
    lines = kept()
    return show(
        request,
        "cookies.html",
        citizens=[each for each in lines if not each.staff],
        staff=[each for each in lines if each.staff],
    )


async def privacy(request: web.Request) -> web.Response:
    there = upload(request.app)
    lines = terms(there.keep_days) if there is not None else terms()
    return show(
        request,
        "privacy.html",
        ours=[each for each in lines if each.ours],
        theirs=[each for each in lines if not each.ours],
    )


async def accessibility(request: web.Request) -> web.Response:
    return show(request, "accessibility.html")


async def help_page(request: web.Request) -> web.Response:
    return show(request, "help.html")


ROUTES = (
    web.get("/cookies", cookies),
    web.get("/privacy", privacy),
    web.get("/toegankelijkheid", accessibility),
    web.get("/hulp", help_page),
)
