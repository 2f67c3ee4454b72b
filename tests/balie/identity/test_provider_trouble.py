"""A provider that is down, slow, endless or talks nonsense: always an error with a code, soon, and in little memory."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from balie.identity import fetch
from balie.identity.errors import IdentityError
from balie.identity.rp import RelyingParty
from tests.balie.identity.test_conformance import SECRETS, log_in, party
from tests.support.oidc import REDIRECT, Op

PLACES = ("/.well-known/openid-configuration", "/token", "/jwks", "/userinfo")


def answer(**values: Any) -> Callable[[web.Request], web.Response]:
    return lambda _request: web.Response(**values)


async def endless(request: web.Request) -> web.StreamResponse:
    """A document without an end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    try:
        while True:
            await response.write(b" " * 65_536)
    except ConnectionError:
        pass
    return response


async def silent(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def half(request: web.Request) -> web.StreamResponse:
    """Says how much will come, and hangs up before it came."""
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    request.transport.close()
    return web.Response()


def no_http(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    request.transport.close()
    return web.Response()


TROUBLE = {
    "busy": (answer(status=503), "provider_down"),
    "broken": (answer(status=500, text="Traceback"), "provider_down"),
    "too many requests": (answer(status=429), "provider_down"),
    "silent": (silent, "provider_down"),
    "hangs up in the middle": (half, "provider_down"),
    "no HTTP": (no_http, "provider_down"),
    "not there": (answer(status=404), "provider_nonsense"),
    "a page": (answer(text="<!doctype html><title>Onderhoud</title>"), "provider_nonsense"),
    "nothing": (answer(status=200), "provider_nonsense"),
    "no UTF-8": (answer(body=b'"\xff"'), "provider_nonsense"),
    "deep": (answer(body=b"[" * 200_000), "provider_nonsense"),
    "endless": (endless, "provider_nonsense"),
    "a number of ten thousand digits": (answer(body=b"9" * 10_000), "provider_nonsense"),
    "a compressed gigabyte": (
        answer(body=gzip.compress(b" " * (64 << 20)), headers={"Content-Encoding": "gzip"}),
        "provider_nonsense",
    ),
    "sends us to itself": (answer(status=302, headers={"Location": "/elders"}), "provider_nonsense"),
    "sends us to somebody else": (
        answer(status=307, headers={"Location": "http://169.254.169.254/latest/meta-data"}),
        "provider_nonsense",
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("trouble", TROUBLE)
async def test_trouble(op: Op, place: str, trouble: str) -> None:
    op.in_userinfo = True
    op.bad.instead[place], code = TROUBLE[trouble]
    async with fetch.open_session(timeout_s=0.3 if trouble == "silent" else 5) as session:
        rp = RelyingParty(op.provider(), session, REDIRECT, op.clock, lambda n: b"e" * n)
        with pytest.raises(IdentityError) as raised:
            await log_in(rp, op)
    assert raised.value.code == code, str(raised.value)
    assert "/elders" not in op.asked
    assert len(str(raised.value)) < 200 and SECRETS.verifier not in str(raised.value)


async def test_nobody_there(op: Op) -> None:
    op.issuer = "http://127.0.0.1:1"
    async with party(op) as rp:
        with pytest.raises(IdentityError, match="provider_down"):
            await rp.metadata()


async def test_it_is_asked_again_when_it_is_back(op: Op) -> None:
    """An error is kept for five seconds; what was fetched before, for an hour."""
    op.bad.instead[PLACES[0]] = answer(status=503)
    async with party(op) as rp:
        for _ in range(3):
            with pytest.raises(IdentityError, match="provider_down"):
                await rp.metadata()
        assert len(op.asked) == 1, "who comes behind one that failed does not wait for another failure"
        op.bad.instead.clear()
        op.clock.now_s += 5
        await rp.metadata()
        op.bad.instead[PLACES[0]] = answer(status=503)
        await rp.metadata()


async def test_many_at_once_ask_once(op: Op) -> None:
    async with party(op) as rp:
        await asyncio.gather(*(rp.begin(SECRETS, "", "nl") for _ in range(20)))
    assert op.asked == [PLACES[0]]


@pytest.mark.parametrize("said", ["invalid_grant", "<script>alert(1)</script>", "x" * 500, "Jan Peeters", 7])
async def test_what_it_says_of_an_error_is_fit_for_a_log(op: Op, said: object) -> None:
    op.bad.instead["/token"] = lambda _: web.json_response({"error": said}, status=400)
    async with party(op) as rp:
        with pytest.raises(IdentityError) as raised:
            await rp.finish(op.authorize(await rp.begin(SECRETS, "", "nl")), SECRETS, op.clock(), "")
    assert raised.value.code == "token_refused"
    assert raised.value.detail == ("invalid_grant" if said == "invalid_grant" else "")
