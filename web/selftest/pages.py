"""/test and /a/{token}/test: may I call with this device?  Days before, or a minute before."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from balie.visit import device_test
from balie.visit.device_test import CODES, NUMBERS
from web import csrf, forms
from web.citizen.mine import Mine, mine
from web.citizen.show import show
from web.forms import Form
from web.keys import SITE, UNIX_TIME
from web.pages import NO_BREAK
from web.problems import problem
from web.selftest.probes import PROBES, open_room
from web.selftest.texts import selftest_texts


def _page(request: web.Request, found: Mine | None) -> web.Response:
    phone = found.phone if found is not None else ""
    texts = selftest_texts(request.app[SITE].about(phone).phone.replace(" ", NO_BREAK))
    return show(request, "selftest.html", mine=found, phone=phone, texts=texts)


async def page(request: web.Request) -> web.Response:
    """GET /test: for everybody, whether he has an appointment or not."""
    return _page(request, None)


async def mine_page(request: web.Request, found: Mine) -> web.Response:
    """GET /a/{token}/test: the same, and the result can go to the office."""
    return _page(request, found)


async def probe(request: web.Request) -> web.Response:
    """POST /test/proef: a join token for a room in which one meets oneself, as JSON.  429: test a little later."""
    csrf.check(request)
    wait_s = request.app[PROBES].wait_s(request.remote or "", request.app[UNIX_TIME]())
    if wait_s:
        response = problem(429, "busy", wait_s=wait_s)
        response.headers["Retry-After"] = str(wait_s)
        return response
    return web.json_response({"token": open_room(request.app), "ws": str(request.app.router["ws"].url_for())})


async def share(request: web.Request, found: Mine) -> web.Response:
    """POST /a/{token}/test: the person agrees that staff sees these codes.  400 when they are not ours."""
    form = await forms.read(request)
    codes, numbers = _codes(form), _numbers(form)
    try:
        await found.here.write(device_test.note, found.here.now_s, found.me.id, codes, numbers)
    except ValueError:
        raise web.HTTPBadRequest from None
    return web.Response(status=204)


def _codes(form: Form) -> Mapping[str, str]:
    return {part: form.last(part) for part in CODES}


def _numbers(form: Form) -> Mapping[str, int]:
    """-1: not measured."""
    found = {name: form.number(name, most=most) for name, most in NUMBERS.items()}
    return {name: -1 if value is None else value for name, value in found.items()}


ROUTES = (
    web.get("/test", page, name="selftest"),
    web.post("/test/proef", probe),
    web.get("/a/{token}/test", mine(mine_page)),
    web.post("/a/{token}/test", mine(share)),
)
