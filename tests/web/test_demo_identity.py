"""The demo's identity provider: labelled, and as strict with its client as a real one; balie knows it as any other."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from balie.booking.links import LinkKey
from balie.identity import fetch, logins
from balie.identity.errors import IdentityError
from balie.identity.persons import Person
from balie.identity.provider import Provider
from balie.identity.rp import RelyingParty
from tests.support.identified import query_of
from tests.support.oidc import Clock
from web import keys
from web.demo_identity.directory import BASE, HIGH, LOW, Directory
from web.demo_identity.pages import DIRECTORY, ROUTES
from web.language import speak
from web.middlewares import errors
from web.render import environment

REDIRECT, OUT, SECRET = "http://localhost/identificatie/terug", "http://localhost/balie/aanmelden?uit=1", "s" * 32
SECRETS = logins.secrets(LinkKey(b"k" * 32), "s" * 43)
Client = TestClient[Any, Any]


class Demo:
    def __init__(self, client: Client, rp: RelyingParty, clock: Clock) -> None:
        self.client, self.rp, self.clock = client, rp, clock

    async def choose(self, who: str, **changes: str) -> dict[str, str]:
        """What comes back with the browser of who picks somebody."""
        url = urlsplit(await self.rp.begin(SECRETS, "", "nl"))
        answer = await self.client.get(f"{url.path}?{url.query}", headers={"Accept": "text/html"})
        page = await answer.text()
        assert answer.status == 200 and "Dit is een demo." in page
        form = {
            name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
        }
        form = {**form, "wie": who, **changes}
        answer = await self.client.post(f"{BASE}/aanmelden", data=form, allow_redirects=False)
        assert answer.status == 303
        return query_of(answer.headers["Location"])

    async def log_in(self, who: str, required: str = "") -> Person:
        return await self.rp.finish(await self.choose(who), SECRETS, self.clock(), required)


@pytest_asyncio.fixture
async def demo() -> AsyncIterator[Demo]:
    clock = Clock()
    app = web.Application(middlewares=[speak, errors])
    app[keys.PAGES], app[keys.SITE] = environment(), keys.Site("Testergem", "+32 2 555 01 23", "http://localhost")
    app[DIRECTORY] = directory = Directory("", "balie", SECRET, REDIRECT, (OUT,), clock, os.urandom)
    app.add_routes(ROUTES)
    client: Client = TestClient(TestServer(app, host="127.0.0.1"))
    await client.server.start_server()
    directory.issuer = issuer = str(client.make_url(BASE))
    async with client, fetch.open_session() as session:
        provider = Provider("demo", issuer, "balie", "client_secret_basic", SECRET, acr_levels=(LOW, HIGH))
        yield Demo(client, RelyingParty(provider, session, REDIRECT, clock, os.urandom), clock)


@pytest.mark.parametrize(
    ("who", "name", "acr"),
    [("an", "An Peeters", HIGH), ("jan", "Jan Claes", HIGH), ("fatima", "Fatima El Idrissi", LOW)],
)
async def test_somebody(demo: Demo, who: str, name: str, acr: str) -> None:
    found = await demo.log_in(who)
    assert (found.name, found.acr) == (name, acr)


async def test_a_member_of_staff(demo: Demo) -> None:
    assert (await demo.log_in("bart")).claims["balie_rol"] == ["balie"]


async def test_a_level_that_is_too_low(demo: Demo) -> None:
    with pytest.raises(IdentityError, match="acr_low"):
        await demo.log_in("fatima", HIGH)


@pytest.mark.parametrize("who", ["", "niemand"])
async def test_cancel(demo: Demo, who: str) -> None:
    with pytest.raises(IdentityError, match="aborted"):
        await demo.log_in(who)


async def test_a_code_is_good_once_for_a_minute_and_with_its_verifier(demo: Demo) -> None:
    query = await demo.choose("an")
    await demo.rp.finish(query, SECRETS, demo.clock(), "")
    other = logins.secrets(LinkKey(b"l" * 32), "s" * 43)
    late = await demo.choose("an")
    with pytest.raises(IdentityError, match="token_refused: invalid_grant"):
        await demo.rp.finish(query, SECRETS, demo.clock(), "")
    with pytest.raises(IdentityError, match="token_refused: invalid_grant"):
        await demo.rp.finish(await demo.choose("an"), other, demo.clock(), "")
    demo.clock.now_s += 60
    with pytest.raises(IdentityError, match="token_refused: invalid_grant"):
        await demo.rp.finish(late, SECRETS, demo.clock(), "")


@pytest.mark.parametrize("changes", [{"client_id": "mallory"}, {"redirect_uri": "https://mallory.example/"}])
async def test_a_browser_is_sent_nowhere_else(demo: Demo, changes: dict[str, str]) -> None:
    url = urlsplit(await demo.rp.begin(SECRETS, "", "nl"))
    query = {**query_of(url.geturl()), **changes}
    answer = await demo.client.get(url.path, params=query, allow_redirects=False)
    assert answer.status == 400
    answer = await demo.client.post(url.path, data={**query, "wie": "an"}, allow_redirects=False)
    assert answer.status == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
    ],
)
async def test_a_request_that_is_wrong(demo: Demo, changes: dict[str, str], error: str) -> None:
    assert (await demo.choose("an", **changes))["error"] == error


@pytest.mark.parametrize("auth", [None, ("balie", "fout"), ("mallory", SECRET)])
async def test_who_is_not_the_client_gets_no_tokens(demo: Demo, auth: tuple[str, str] | None) -> None:
    form = {"grant_type": "authorization_code", **await demo.choose("an"), "redirect_uri": REDIRECT}
    form["code_verifier"] = SECRETS.verifier
    headers = {"Authorization": f"Basic {b64encode(':'.join(auth).encode()).decode()}"} if auth else {}
    answer = await demo.client.post(f"{BASE}/token", data=form, headers=headers)
    assert answer.status == 401 and await answer.json() == {"error": "invalid_client"}


async def test_userinfo(demo: Demo) -> None:
    answer = await demo.client.get(f"{BASE}/userinfo", headers={"Authorization": "Bearer x"})
    assert answer.status == 401


async def test_signing_out_leads_back_to_where_was_agreed(demo: Demo) -> None:
    for back, there in ((OUT, True), ("https://mallory.example/", False)):
        url = urlsplit(await demo.rp.end_session(back))
        page = await (await demo.client.get(url.path, params=query_of(url.geturl()))).text()
        assert "U bent afgemeld" in page and (f'href="{back}"' in page) == there
