"""What comes back from a payment provider: a word that is not believed, and the payer's tab."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from balie.store.engine import Store
from balie.store.schema import payment
from tests.support.acting import World, world
from tests.support.site import Client
from tests.support.townhall import townhall
from web import keys
from web.payments import ROUTES

REPORT, BACK = "/betaling/bericht/mollie", "/betaling/terug"


@pytest_asyncio.fixture
async def here(sqlite_store: Store) -> AsyncIterator[World]:
    async with world(sqlite_store) as made:
        yield made


@pytest_asyncio.fixture
async def visitor(here: World) -> AsyncIterator[Client]:
    """A client whose browser keeps nothing."""
    hall = townhall(here.store)
    app: web.Application = hall.app
    app[keys.ACTS] = here.acts
    app.add_routes(ROUTES)
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=False)) as client:
        yield client


async def paid(here: World) -> str:
    """A payment that its payer has just done; nobody told us."""
    about = await here.reserve()
    await here.identify()
    await here.pay(about)
    here.desk.cashier.choose(here.at_desk(), "betaald")
    return here.at_desk()


async def test_a_report_is_a_reason_to_ask(here: World, visitor: Client) -> None:
    external_id = await paid(here)
    here.desk.calls.clear()
    answer = await visitor.post(REPORT, data={"id": external_id})
    assert (answer.status, await answer.text()) == (200, "")
    assert here.desk.calls == [], "asking is the worker's"
    assert [each.state for each in await here.rows(payment)] == ["open"], "nothing is believed"
    await here.work()
    assert [each.state for each in await here.rows(payment)] == ["paid"]


async def test_five_at_once_are_asked_for_once(here: World, visitor: Client) -> None:
    external_id = await paid(here)
    here.desk.calls.clear()
    for _each in range(5):
        assert (await visitor.post(REPORT, data={"id": external_id})).status == 200
    assert await here.repair.step() == 1
    assert here.desk.calls == ["fetch"]
    assert here.acts.reports.known == 5


@pytest.mark.parametrize(
    "body",
    [
        b"id=tr_forged",
        b"id=tr_other%00",
        b"id=" + b"x" * 65,
        b"id=",
        b"",
        b"\xff\xfe",
        b"id=%ff",
        b'{"id": "tr_1"}',
        b"id=../../etc",
        b"id=tr_1&" + b"a=b&" * 30,
        b"id=tr_1&pad=" + b"x" * 5000,
    ],
)
async def test_whatever_else_comes_is_counted_and_answered_the_same(here: World, visitor: Client, body: bytes) -> None:
    await paid(here)
    before = await here.picture()
    answer = await visitor.post(REPORT, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status, await answer.text()) == (200, "")
    assert (here.acts.reports.known, here.acts.reports.unknown) == (0, 1)
    assert await here.picture() == before


async def test_a_number_under_another_provider_s_address_is_not_known(here: World, visitor: Client) -> None:
    external_id = await paid(here)
    assert (await visitor.post("/betaling/bericht/another", data={"id": external_id})).status == 200
    assert here.acts.reports.unknown == 1


async def test_the_payer_s_tab_says_to_go_back_and_changes_nothing(here: World, visitor: Client) -> None:
    external_id = await paid(here)
    before = await here.picture()
    here.desk.calls.clear()
    for query in ("", f"?id={external_id}&status=paid"):
        answer = await visitor.get(BACK + query)
        text = await answer.text()
        assert answer.status == 200 and "Ga terug naar uw gesprek" in text
        assert "Set-Cookie" not in answer.headers and external_id not in text
        assert "no-store" in answer.headers["Cache-Control"]
    assert here.desk.calls == [] and await here.picture() == before
    assert (await visitor.get(REPORT)).status == 405
