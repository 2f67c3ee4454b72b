"""A desk, citizens' pages and a provider of the tests' own, and what people do between them with their browsers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import update

from balie.booking.appointments import Booked
from balie.identity.service import Identities
from balie.sections.identity import RoleSection
from balie.store.engine import Store
from balie.store.schema import product
from tests.support.desk import LIES, DeskSite, build_desk
from tests.support.oidc import Clock, Op, Person
from web.citizen.routes import ROUTES as CITIZEN
from web.identity.keys import IDENTITIES
from web.identity.routes import ROUTES
from web.keys import SITE

Browser = TestClient[Any, Any]
HEADERS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
PURPOSES = {"nl": "Zo staat het terrein op uw naam.", "fr": "Ainsi le terrain est à votre nom."}
ROLES = (
    RoleSection("vo_orgcode", "OVO002949", "counter", ("vrije-tijd",)),
    RoleSection("balie_rol", "teamhoofd", "lead", ("vrije-tijd",)),
    RoleSection("balie_rol", "beheerder", "admin"),
)


@dataclass
class Town:
    """An office whose badminton asks who one is."""

    desk: DeskSite
    op: Op
    identities: Identities

    async def book(self, **more: Any) -> tuple[Booked, str, str]:
        """An appointment of An with Lies; it, her page, and that of Lies."""
        made = await self.desk.book(helpers=(LIES,), **more)
        an, lies = (f"/a/{token}" for token in made.links.values())
        return made, an, lies


@asynccontextmanager
async def town(
    store: Store, public_url: str = "http://localhost", *, link: bool = False, configured: bool = True, **asks: Any
) -> AsyncIterator[Town]:
    """asks: more of the product.  link: the form for local accounts stands behind one.  configured: with a provider."""
    desk = await build_desk(store, public_url)
    values = {"identification": "oidc", "identity_purposes": PURPOSES, **asks}
    await store.write(
        lambda tx: tx.execute(update(product).where(product.c.id == desk.office.badminton).values(**values))
    )
    op = Op(Clock(desk.clock.now_s))
    op.clock = desk.clock  # type: ignore[assignment]
    server = TestServer(op.app, host="127.0.0.1")
    await server.start_server()
    op.issuer = str(server.make_url("")).rstrip("/")
    provider = op.provider(used_for=("citizen", "staff"), roles=ROLES)
    site = desk.app[SITE]
    identities = Identities(
        (provider,) if configured else (),
        store,
        desk.key,
        site.public_url,
        desk.clock,
        desk.entropy.randbytes,
        form_behind_link=link,
    )
    desk.app[IDENTITIES] = identities
    desk.app[SITE] = replace(site, public_url=public_url)
    desk.app.add_routes((*CITIZEN, *ROUTES))
    async with identities.running():
        yield Town(desk, op, identities)
    await server.close()


async def post(browser: Browser, path: str, status: int = 200, **form: str) -> tuple[str, ClientResponse]:
    """A form of ours."""
    answer = await browser.post(path, data=form, headers=HEADERS, allow_redirects=False)
    text = await answer.text()
    assert answer.status == status, f"{path}: {answer.status}\n{text[:2000]}"
    return text, answer


async def get(browser: Browser, path: str, status: int = 200) -> str:
    answer = await browser.get(path, headers={"Accept": "text/html"}, allow_redirects=False)
    text = await answer.text()
    assert answer.status == status, f"{path}: {answer.status}\n{text[:2000]}"
    return text


async def depart(browser: Browser, path: str, **form: str) -> str:
    """Press the button; the URL at the provider that the page goes on to by itself."""
    text, answer = await post(browser, path, 200, **form)
    wait, _, url = answer.headers["Refresh"].partition(";url=")
    assert wait == "0" and f'href="{url.replace("&", "&amp;")}"' in text, "and with a button for who has to press it"
    return url


async def come_back(
    browser: Browser, op: Op, url: str, person: Person | None = None, status: int = 200
) -> tuple[str, ClientResponse]:
    """Sign in at the provider, and bring its answer."""
    query = op.authorize(url, person)
    back = urlsplit(query_of(url)["redirect_uri"]).path
    answer = await browser.get(back, params=query, headers={"Accept": "text/html"}, allow_redirects=False)
    text = await answer.text()
    assert answer.status == status, f"{answer.status}\n{text[:2000]}"
    return text, answer


def link_in(page: str) -> str:
    """Of the QR code: where another device begins."""
    found = re.search(r'href="(http[^"]*/identificatie/start/[^"]+)"', page)
    assert found is not None, page
    return urlsplit(unescape(found[1])).path


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
