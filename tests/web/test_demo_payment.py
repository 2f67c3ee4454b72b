"""The demo's payment provider: labelled pages, a webhook that reaches us, and the same adapter as for a real one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer, unused_port

from balie.acts.repair import Repair
from balie.acts.rules import NoNumbers, Rules
from balie.acts.service import RETURN, Acts, Systems
from balie.payments.mollie import Account, Mollie
from balie.store.engine import Store
from balie.store.schema import payment
from tests.support.acting import PLAY_S, World, world
from tests.support.html import faults
from tests.support.site import Client
from tests.support.townhall import townhall, words
from web import keys
from web.demo_payment import api, pages
from web.demo_payment.cashier import EXPIRES_S, LATER_S, Cashier
from web.payments import ROUTES

KEY = "test_of_the_demo"
FORM = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@dataclass
class Demo:
    """A counter whose provider is at its own address."""

    here: World
    client: Client
    acts: Acts

    async def checkout(self) -> str:
        """The path of the page on which An pays."""
        about = await self.acts.reserve(
            self.here.appointment_id, self.here.office.badminton, "court-1", PLAY_S, PLAY_S + 3600
        )
        await self.here.identify()
        payment_id = await self.acts.pay(self.here.appointment_id, self.here.citizen_id, reservation_id=about)
        url = await self.acts.checkout_url(payment_id, self.here.citizen_id)
        origin = str(self.client.make_url("/")).rstrip("/")
        assert url.startswith(f"{origin}{api.BASE}/tr_")
        return url.removeprefix(origin)

    async def press(self, path: str, outcome: str) -> tuple[int, str]:
        answer = await self.client.post(path, data={"uitkomst": outcome}, headers=FORM, allow_redirects=False)
        return answer.status, answer.headers.get("Location", "")

    async def states(self) -> list[str]:
        return [each.state for each in await self.here.rows(payment)]

    async def told(self) -> None:
        """Until the provider's word has come."""
        async with asyncio.timeout(10):
            while not self.acts.reports.known:  # noqa: ASYNC110 - its task is in this loop
                await asyncio.sleep(0)


@pytest_asyncio.fixture
async def demo(sqlite_store: Store) -> AsyncIterator[Demo]:
    async with world(sqlite_store) as here:
        app: web.Application = townhall(here.store).app
        app[api.CASHIER] = Cashier(here.clock, KEY)
        app[pages.REPORTER] = reporter = pages.Reporter()
        app.on_cleanup.append(reporter.close)
        app.add_routes((*ROUTES, *api.ROUTES, *pages.ROUTES))
        port = unused_port()
        origin = f"http://127.0.0.1:{port}"
        async with Mollie(Account("demo", KEY, f"{origin}{api.BASE}")) as provider:
            systems = Systems({"sporthal": here.hall}, {"demo": provider}, "demo")
            entropy = random.Random(8).randbytes
            app[keys.ACTS] = acts = Acts(here.store, systems, Rules(NoNumbers()), entropy, here.clock, origin)
            here.acts, here.repair = acts, Repair(acts)
            async with TestClient(TestServer(app, port=port)) as client:
                yield Demo(here, client, acts)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("betaald", "paid"), ("geannuleerd", "canceled"), ("mislukt", "failed"), ("later", "pending")],
)
async def test_what_one_presses_is_what_becomes_of_it(demo: Demo, outcome: str, state: str) -> None:
    path = await demo.checkout()
    status, location = await demo.press(path, outcome)
    assert (status, location) == (303, f"{str(demo.client.make_url('/')).rstrip('/')}{RETURN}")
    await demo.told()
    await demo.here.work()
    assert await demo.states() == [state]
    if outcome == "later":
        await demo.here.work(LATER_S)
        assert await demo.states() == ["paid"]
    bought = outcome in ("betaald", "later")
    assert len(demo.here.hall.standing("confirmed")) == int(bought)
    assert (await demo.press(path, "betaald"))[0] == 409, "it is over"


async def test_its_page_says_what_it_is_and_asks_for_no_card(demo: Demo, tmp_path: Path) -> None:
    path = await demo.checkout()
    before = await demo.here.picture()
    shown = await (await demo.client.get(path)).text()
    for said in ("Dit is een demo.", "Hier betaalt u niets.", "Betaal € 9,00", "Badmintonterrein huren +++"):
        assert said in words(shown), said
    assert "<input" not in shown
    assert await demo.here.picture() == before
    odd = await demo.client.post(path, data={"uitkomst": "gratis"}, headers=FORM)
    assert odd.status == 409
    demo.here.clock.now_s += EXPIRES_S
    over = await (await demo.client.get(path)).text()
    assert "Deze betaling is vervallen." in words(over) and "<form" not in over
    back = await (await demo.client.get(RETURN)).text()
    assert not faults({"open": shown, "over": over, "back": back}, tmp_path)


async def test_another_website_presses_nothing(demo: Demo) -> None:
    path = await demo.checkout()
    answer = await demo.client.post(path, data={"uitkomst": "betaald"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert (await demo.client.get(f"{api.BASE}/tr_AAAA")).status == 404


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v2/payments"), ("GET", "/v2/payments/tr_A"), ("GET", "/v2/methods")]
)
async def test_its_contract_is_for_who_has_the_key(demo: Demo, method: str, path: str) -> None:
    async with ClientSession() as session:
        url = demo.client.make_url(api.BASE + path)
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {KEY}é"}):
            assert (await session.request(method, url, headers=headers)).status == 401


@pytest.mark.parametrize("body", [b"", b"{}", b'{"amount": {"currency": "USD", "value": "9.00"}}', b"x" * 20_000])
async def test_what_the_contract_does_not_have(demo: Demo, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = await demo.client.post(f"{api.BASE}/v2/payments", data=body, headers=headers)
    assert answer.status in (413, 422)
