"""Against a certified OpenID provider that is not ours (npm: oidc-provider), as a browser would go through it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from time import time
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from yarl import URL

from balie.booking.links import LinkKey
from balie.identity import fetch, logins
from balie.identity.errors import IdentityError
from balie.identity.provider import Provider, client_key
from balie.identity.rp import RelyingParty
from tests.support.oidc import ec_key, jwk, pem
from tests.support.processes import free_port
from tests.support.tree import ROOT

REDIRECT, OUT = "https://balie.example/identificatie/terug", "https://balie.example/balie/aanmelden?uit=1"
SECRETS = logins.secrets(LinkKey(b"k" * 32), "s" * 43)
SECRET = "een geheim: met % en ruimte, lang genoeg voor wie dat vraagt"
WAYS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
COMMON = {
    "redirect_uris": [REDIRECT],
    "post_logout_redirect_uris": [OUT],
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
}


@dataclass(frozen=True)
class Op:
    issuer: str


@pytest.fixture(scope="module", params=[False, True], ids=["names in the ID token", "names in userinfo only"])
def op(request: pytest.FixtureRequest) -> Iterator[Op]:
    node = shutil.which("node")
    assert node is not None, "make test installs it"
    clients: list[dict[str, Any]] = [
        {"client_id": way, "token_endpoint_auth_method": way, "client_secret": SECRET, **COMMON} for way in WAYS[:2]
    ]
    keys = {"keys": [jwk(ec_key("client"), "ours")]}
    clients.append({"client_id": WAYS[2], "token_endpoint_auth_method": WAYS[2], "jwks": keys, **COMMON})
    accounts = {"an": {"given_name": "An", "family_name": "Peeters", "name": "An Peeters"}}
    configuration = json.dumps({"clients": clients, "accounts": accounts, "conform": request.param})
    port = free_port(socket.SOCK_STREAM)
    with subprocess.Popen(
        [node, str(ROOT / "tests/support/oidc_provider.mjs"), str(port), configuration],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Op(f"http://localhost:{port}")
        process.terminate()


@asynccontextmanager
async def party(op: Op, way: str = WAYS[0]) -> AsyncIterator[RelyingParty]:
    key = client_key(pem(ec_key("client")), "ours", "test") if way == WAYS[2] else None
    provider = Provider("op", op.issuer, way, way, SECRET if key is None else "", key)
    async with fetch.open_session() as session:
        yield RelyingParty(provider, session, REDIRECT, time, os.urandom)


class Browser:
    """Goes where it is sent, until that is outside."""

    def __init__(self, session: ClientSession, issuer: str) -> None:
        self.session, self.issuer = session, issuer

    async def go(self, url: str) -> tuple[URL, str]:
        """Where it ends, and the page there."""
        return await self._follow(await self.session.get(url, allow_redirects=False))

    async def send(self, page: str, **fields: str) -> tuple[URL, str]:
        """The form of a page."""
        action = re.search(r'action="([^"]+)"', page)
        assert action is not None, page
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
        url = URL(self.issuer).join(URL(unescape(action[1])))
        return await self._follow(await self.session.post(url, data={**dict(hidden), **fields}, allow_redirects=False))

    async def _follow(self, answer: ClientResponse) -> tuple[URL, str]:
        while answer.status in (302, 303):
            url = answer.url.join(URL(answer.headers["Location"]))
            if str(url.origin()) != self.issuer:
                return url, ""
            answer = await self.session.get(url, allow_redirects=False)
        return answer.url, await answer.text()


@asynccontextmanager
async def browser(op: Op) -> AsyncIterator[Browser]:
    async with ClientSession() as session:
        yield Browser(session, op.issuer)


async def signed_in(somebody: Browser, url: str) -> dict[str, str]:
    """An signs in and says yes; what her browser brings back."""
    _, page = await somebody.go(url)
    _, page = await somebody.send(page, login="an", password="x")
    back, page = await somebody.send(page) if "consent" in page else (await somebody.go(url))
    assert str(back).startswith(REDIRECT), page
    return dict(back.query)


@pytest.mark.parametrize("way", WAYS)
async def test_somebody_signs_in(op: Op, way: str) -> None:
    async with party(op, way) as rp, browser(op) as somebody:
        began_s = time()
        query = await signed_in(somebody, await rp.begin(SECRETS, "", "nl"))
        assert query["state"] == SECRETS.state and query["iss"] == op.issuer
        person = await rp.finish(query, SECRETS, began_s, "")
        assert (person.name, person.sub, person.issuer) == ("An Peeters", "an", op.issuer)
        with pytest.raises(IdentityError, match="token_refused: invalid_grant"):
            await rp.finish(query, SECRETS, began_s, "")


async def test_another_verifier_is_refused_there(op: Op) -> None:
    """PKCE: who caught the code cannot use it."""
    async with party(op) as rp, browser(op) as somebody:
        query = await signed_in(somebody, await rp.begin(SECRETS, "", "nl"))
        other = logins.secrets(LinkKey(b"l" * 32), SECRETS.state)
        with pytest.raises(IdentityError, match="token_refused: invalid_grant"):
            await rp.finish(query, other, time(), "")


async def test_another_nonce_is_refused_here(op: Op) -> None:
    async with party(op) as rp, browser(op) as somebody:
        query = await signed_in(somebody, await rp.begin(SECRETS, "", "nl"))
        other = type(SECRETS)(SECRETS.state, "n" * 43, SECRETS.verifier)
        with pytest.raises(IdentityError, match="nonce_wrong"):
            await rp.finish(query, other, time(), "")


async def test_a_level_that_it_does_not_tell(op: Op) -> None:
    async with party(op) as rp, browser(op) as somebody:
        query = await signed_in(somebody, await rp.begin(SECRETS, "urn:test:high", "nl"))
        with pytest.raises(IdentityError, match="acr_missing"):
            await rp.finish(query, SECRETS, time(), "urn:test:high")


async def test_she_says_no(op: Op) -> None:
    async with party(op) as rp, browser(op) as somebody:
        _, page = await somebody.go(await rp.begin(SECRETS, "", "nl"))
        abort = re.search(r'href="([^"]*/abort)"', page)
        assert abort is not None
        back, _ = await somebody.go(str(URL(op.issuer).join(URL(abort[1]))))
        with pytest.raises(IdentityError, match="aborted"):
            await rp.finish(dict(back.query), SECRETS, time(), "")


async def test_signing_out_there(op: Op) -> None:
    async with party(op) as rp, browser(op) as somebody:
        query = await signed_in(somebody, await rp.begin(SECRETS, "", "nl"))
        person = await rp.finish(query, SECRETS, time(), "")
        _, page = await somebody.go(await rp.end_session(OUT, person.id_token))
        back, page = await somebody.send(page, logout="yes")
        assert str(back) == OUT, page


async def test_many_at_once(op: Op) -> None:
    async with party(op) as rp:

        async def one() -> str:
            async with browser(op) as somebody:
                query = await signed_in(somebody, await rp.begin(SECRETS, "", "nl"))
                return (await rp.finish(query, SECRETS, time(), "")).name

        assert set(await asyncio.gather(*(one() for _ in range(8)))) == {"An Peeters"}
