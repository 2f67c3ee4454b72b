"""Formal acts, attacked: what somebody may try who has no right to it, or a system that we asked and that lies."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError

from balie.acts import keeping, saga
from balie.acts.errors import ActError
from balie.bookkeeping import ubl
from balie.bookkeeping.content import Content, Line, Paid
from balie.documents import containers, service
from balie.documents.errors import DocumentError
from balie.documents.records import Sender
from balie.identity.service import DEPARTURES
from balie.log import redact
from balie.payments import mollie, refunds
from balie.payments.errors import ProviderError
from balie.record import tasks
from balie.reservations.backend import FreeTime
from balie.reservations.errors import Nonsense
from balie.reservations.http import HttpBackend, Site
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, identification, invoice, oidc_login, payment, product, refund, reservation
from tests.support import papers, together
from tests.support.acting import HOUR_S, PLAY_S, World, world
from tests.support.identified import HEADERS, depart, get, link_in, post, town
from tests.support.paper import OFFICE
from tests.support.samen import Together
from tests.support.site import build_site
from tests.web.samen.conftest import call  # noqa: F401, a fixture
from tests.web.samen.test_panel import DAY
from tests.web.samen.test_rights import OWN, PERSONAL, acts, filled, routes
from web.desk.desk import HOME, inside
from web.samen import times

NAME = "Iemand Anders"
LATE = ("completed", "cancelled_citizen", "cancelled_office", "rescheduled", "expired")
entropy = random.Random(7).randbytes


# -- whose right it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", LATE)
async def test_a_personal_link_does_nothing_when_the_visit_is_no_more(call: Together, status: str) -> None:  # noqa: F811
    for kind in ("reserve", "identify"):
        await call.open(kind)
    which = call.booked.appointment_id
    await call.desk.store.write(together.change, appointment, which, status=status)
    before = await call.desk.store.read(acts)
    for method, path in routes(call, "GET", "POST"):
        if path.startswith((*OWN, "/a/{token}/documenten")):
            more: dict[str, Any] = {"data": PERSONAL} if method == "POST" else {}
            where = filled(path, call, call.an.token)
            answer = await call.an.client.request(method, where, headers=HEADERS, allow_redirects=False, **more)
            assert answer.status in (404, 410), f"{method} {path}: {answer.status}"
    assert await call.desk.store.read(acts) == before


async def test_nobody_is_identified_for_an_appointment_that_was_cancelled(store: Store, aiohttp_client: Any) -> None:
    """Not by the code on a screen that is still open, and not by who was at the provider meanwhile."""
    async with town(store) as here:
        made, an, _lies = await here.book()
        browser = await aiohttp_client(here.desk.app)
        code = link_in((await post(browser, f"{an}/identificeren/code"))[0])
        url = await depart(browser, f"{an}/identificeren")
        await store.write(together.change, appointment, made.appointment_id, status="cancelled_citizen")
        await get(browser, code, 410)
        await post(browser, code, 410)
        answer = await browser.get("/identificatie/terug/test", params=here.op.authorize(url), headers=HEADERS)
        assert answer.status == 400
        rows = await store.read(lambda tx: tx.execute(select(identification.c.state, identification.c.name)).all())
        assert [tuple(each) for each in rows] == [("failed", "")]


async def test_a_lower_identification_of_somebody_else_takes_nothing_over(store: Store) -> None:
    """Each product is confirmed in the name of who proved himself as surely as it asks."""
    async with world(store) as here:
        await here.identify("An Peeters")
        about = await here.reserve()

        def later(tx: Tx) -> None:
            tx.execute(update(product).where(product.c.id == here.office.badminton).values(required_acr="hoog"))
            tx.execute(update(identification).values(required_acr="hoog", acr="hoog"))
            row = tx.execute(select(identification)).one()._mapping
            lower = {"name": NAME, "required_acr": "laag", "acr": "laag", "product_id": None, "matches": False}
            tx.execute(insert(identification).values({**row, **lower, "id": row["id"] + 1}))

        await store.write(later)
        await here.pay(about)
        here.desk.cashier.choose(here.at_desk(), "betaald")
        await here.report()
        await here.work()
        assert [each.holder for each in here.hall.standing("confirmed")] == ["An Peeters"]


def test_the_demos_systems_are_in_the_demo_only() -> None:
    served = [each.resource.canonical for each in build_site().balie.web.router.routes() if each.resource is not None]
    assert len(served) > 100 and not [each for each in served if "demo" in each]


# -- money ------------------------------------------------------------------------------------------------------


async def bought(here: World) -> int:
    """Paid, and not noticed yet."""
    about = await here.reserve()
    await here.identify()
    made = await here.pay(about)
    here.desk.cashier.choose(here.at_desk(), "betaald")
    return made


async def test_no_more_goes_back_than_came_in(store: Store) -> None:
    """A refund that failed is not approved once more when the money went back another way."""
    async with world(store) as here:
        made = await bought(here)
        await here.work(60)

        def twice(tx: Tx) -> tuple[int, int]:
            first = refunds.propose(tx, here.now_s, entropy, made, "slot_lost")
            assert first is not None and saga.approve(tx, here.now_s, entropy, here.acts.rules, first, 1)
            assert refunds.refused(tx, here.now_s, first, "provider_refused")
            second = refunds.propose(tx, here.now_s, entropy, made, "cancelled")
            assert second is not None and saga.approve(tx, here.now_s, entropy, here.acts.rules, second, 1)
            return first, second

        first, second = await store.write(twice)
        with pytest.raises(tasks.TaskError, match="nothing_left"):
            await here.acts.refund(first, 1)

        def taken_back(tx: Tx) -> None:
            tx.execute(update(refund).where(refund.c.id == second).values(state="rejected"))
            tx.execute(update(payment).values(state="charged_back"))

        await store.write(taken_back)
        with pytest.raises(tasks.TaskError, match="nothing_left"):
            await here.acts.refund(first, 1)
        assert "refund" not in here.desk.calls


async def test_everybody_at_once(store: Store) -> None:
    """Five webhooks, the worker and a citizen who presses again: one payment, one confirmation, one document."""
    async with world(store) as here:
        made = await bought(here)
        about = (await here.rows(reservation))[0].id
        looks = [here.acts.look(made) for _ in range(5)]
        again = [here.acts.settle(here.appointment_id), here.repair.step(), here.repair.step()]
        pays = [here.pay(about) for _ in range(2)]
        found = await asyncio.gather(*looks, *again, *pays, return_exceptions=True)
        odd = [each for each in found if isinstance(each, BaseException) and not isinstance(each, ActError)]
        assert not odd
        await here.work(120)
        assert [each.state for each in await here.rows(payment)] == ["paid"]
        assert len(await here.rows(invoice)) == 1 and not await here.rows(refund)
        assert here.hall.calls.count("hold") == 1 and len(here.hall.standing("confirmed")) == 1


async def test_a_thousand_reports_are_one_write(sqlite_store: Store) -> None:
    """The address of reports is open to everybody, and each write waits for the disk."""
    async with world(sqlite_store) as here:
        await bought(here)
        await here.report()
        written = here.store.committed
        for _ in range(20):
            await here.report()
        assert here.store.committed is written and here.acts.reports.known == 21
        await here.work()
        assert [each.state for each in await here.rows(payment)] == ["paid"]


@pytest.mark.parametrize("end", ["\r\nSet-Cookie: balie=1", "\n", "\0", "\u2028", "é"])
def test_where_one_pays_is_fit_for_a_header(end: str) -> None:
    assert mollie._is_page("https://pay.example/c") and not mollie._is_page(f"https://pay.example/c{end}")


# -- systems that lie -------------------------------------------------------------------------------------------


@pytest.fixture
async def liar() -> AsyncIterator[tuple[dict[str, Any], str]]:
    """A system that answers to everything with what stands in the dict."""
    said: dict[str, Any] = {}

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(said)

    app = web.Application()
    app.router.add_route("*", "/{way:.*}", answer)
    async with TestServer(app) as server:
        yield said, str(server.make_url(""))


GOOD = {"ref": "R1", "hold_until_s": 1_800_000_000, "price_cents": 900}


@pytest.mark.parametrize(
    "wrong", [{"hold_until_s": 2**40}, {"ref": "R\0"}, {"ref": "R\n"}, {"price_cents": -1}, {"ref": "R\u202f" * 40}]
)
async def test_a_hall_that_lies_is_nonsense(liar: tuple[dict[str, Any], str], wrong: dict[str, Any]) -> None:
    said, url = liar
    async with HttpBackend(Site("hal", url, b"s" * 32), lambda: 1_800_000_000) as hall:
        said.update(GOOD)
        assert (await hall.hold("k", "1", 1, 2, 3)).external_ref == "R1"
        said.update(wrong)
        with pytest.raises(Nonsense):
            await hall.hold("k", "1", 1, 2, 3)


@pytest.mark.parametrize("method", ["a\0", "a\r\nb", "x" * 33])
async def test_a_provider_that_lies_is_nonsense(liar: tuple[dict[str, Any], str], method: str) -> None:
    said, url = liar
    async with mollie.Mollie(mollie.Account("m", "k", url)) as provider:
        said.update({"id": "tr_1", "status": "paid", "amount": {"currency": "EUR", "value": "9.00"}})
        assert (await provider.fetch("tr_1")).amount_cents == 900
        said["method"] = method
        with pytest.raises(ProviderError):
            await provider.fetch("tr_1")


def test_no_name_breaks_the_file_for_bookkeeping() -> None:
    line, paid = Line(f"Bad\0min\ufffeton {NAME}", 900, "S", 600), Paid("010806817183", "x", "2026-12-08")
    made = ubl.build(Content("invoice", "2026-000001", "2026-12-08", OFFICE, "<An> & \uffff\x1b\r", line, paid))
    assert "<An> & " in [each.text for each in ET.fromstring(made).iter()]


# -- too much ---------------------------------------------------------------------------------------------------


async def test_only_days_that_can_be_chosen_are_asked_for(call: Together) -> None:  # noqa: F811
    step = await call.open("reserve")
    call.hall.broken = Nonsense("nobody should ask")
    for day in ("9999-12-31", "0001-01-01", "2027-12-08", "2026-12-07", "morgen", "\x07"):
        answer = await call.an.client.get(f"{call.an.path}/{step}/uren", params={"dag": day})
        assert answer.status == 200 and "Kies een dag." in await answer.text()


async def test_one_impatient_citizen_is_one_question(call: Together) -> None:  # noqa: F811
    """The system of another house is asked once, whoever presses how often; who does not stop hears so."""
    step = await call.open("reserve")
    asked: list[str] = []
    real = call.hall.free

    async def counted(kind: str, from_s: int, until_s: int) -> list[FreeTime]:
        asked.append(kind)
        return await real(kind, from_s, until_s)

    call.hall.free = counted  # type: ignore[method-assign]
    url = f"{call.an.path}/{step}/uren"
    pages = await asyncio.gather(*(call.an.client.get(url, params={"dag": DAY, "deel": "1"}) for _press in range(10)))
    assert {each.status for each in pages} == {200} and "14.00 uur" in await pages[0].text()
    assert len(asked) == 1
    days = [each for each, _words in times.days(int(call.desk.clock.now_s), "Europe/Brussels")]
    for _round in range(2):
        page = [await (await call.an.client.get(url, params={"dag": day})).text() for day in days][-1]
        call.desk.clock.now_s += 5
    assert "heel vaak na elkaar" in page and len(asked) <= 35


async def test_nobody_chooses_without_end(sqlite_store: Store) -> None:
    async with world(sqlite_store) as here:
        await here.reserve()

        def many(tx: Tx) -> None:
            row = tx.execute(select(reservation)).one()._mapping
            for each in range(1, keeping.CHOICES_MAX):
                values = {**row, "id": row["id"] + each, "idempotency_key": f"k{each}", "state": "released"}
                tx.execute(insert(reservation).values(**{**values, "wanted": "", "again_s": None}))

        await sqlite_store.write(many)
        here.hall.calls.clear()
        with pytest.raises(ActError, match="too_often"):
            await here.reserve(PLAY_S + HOUR_S)
        assert "hold" not in here.hall.calls


async def test_who_leaves_for_a_provider_again_and_again_leaves_few_rows(
    sqlite_store: Store, aiohttp_client: Any
) -> None:
    """Signing in at the desk asks nobody who he is, and each try is a row for a quarter of an hour."""
    async with town(sqlite_store) as here:
        browser = await aiohttp_client(here.desk.app)
        where = "/balie/aanmelden/organisatie"
        for _ in range(DEPARTURES.burst):
            await depart(browser, where)
        _text, answer = await post(browser, where, 429)
        assert int(answer.headers["Retry-After"]) > 0
        assert await sqlite_store.read(lambda tx: tx.scalar(select(func.count()).select_from(oidc_login))) == 60
        here.desk.clock.now_s += DEPARTURES.every_s
        await depart(browser, where, naar=f"/balie/{'x' * 5000}")
        kept = await sqlite_store.read(lambda tx: tx.scalars(select(oidc_login.c.back).distinct()).all())
        assert kept == [HOME]


async def test_who_sends_slowly_keeps_nobody_else_from_it(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ABREAST_THERE", 1)
    async with world(sqlite_store) as here:
        there, sender, go_on = papers.keep(sqlite_store, tmp_path, here.clock), Sender(here.citizen_id), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield papers.PDF
            began.set()
            await go_on.wait()

        began, about = asyncio.Event(), (here.appointment_id, sender, "a.pdf")
        first = asyncio.create_task(there.documents.receive(*about, slow(), network="198.51.100.7"))
        await began.wait()
        with pytest.raises(DocumentError, match="busy"):
            await there.documents.receive(*about, papers.pieces(papers.PDF), network="198.51.100.7")
        await there.documents.receive(*about, papers.pieces(papers.PDF), network="198.51.100.8")
        go_on.set()
        await first
        await there.documents.receive(*about, papers.pieces(papers.PDF), network="198.51.100.7")


@pytest.mark.parametrize("place", ["//x.example", "/\\x.example", "/balie/\0", "/balie/" + "x" * 300, "/baliex", "x:y"])
def test_signing_in_leads_to_the_desk(place: str) -> None:
    assert inside(place) == HOME and inside("/balie/taken") == "/balie/taken"


def test_a_list_of_parts_as_long_as_the_file_is_not_read(tmp_path: Path) -> None:
    """Twenty megabytes of it cost three seconds, and more memory than the file."""
    first = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 0, 20, 0, *[0] * 7, 1, *[0] * 6) + b"a"
    parts = entry * 30_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 30_000, 30_000, len(parts), len(first), 0)
    path = tmp_path / "file"
    path.write_bytes(first + parts + end)
    with pytest.raises(DocumentError) as found:
        containers._short_list(path)
    assert found.value.code == "bomb"
    path.write_bytes(first + b"PK\x05\x06")
    with pytest.raises(DocumentError):
        containers.look(path)


# -- what stands in logs ----------------------------------------------------------------------------------------


async def test_an_error_of_the_database_names_nobody(store: Store) -> None:
    def twice(tx: Tx) -> None:
        for _ in range(2):
            tx.execute(insert(oidc_login).values(state_hash=b"x", provider=NAME, browser_hash=b"y", back=NAME))

    with pytest.raises(DBAPIError) as found:
        await store.write(twice)
    assert NAME not in str(found.value)


TOKEN = "kR3xZ9-q_Lw7Tn0aVb2cYd4eFg6h"


@pytest.mark.parametrize(
    "path",
    [
        f"/a/{TOKEN}/samen/3/betalen",
        f"/a/{TOKEN}/documenten?stap=3",
        f"/b/{TOKEN}/documenten/1",
        f"/identificatie/start/{TOKEN}",
        f"/identificatie/terug/acm?code={TOKEN[:9]}&state={TOKEN[:9]}&iss=https://x.example",
        f"https://pay.example/checkout/{TOKEN}",
    ],
)
def test_no_path_of_an_act_is_written(path: str) -> None:
    assert TOKEN[:9] not in redact(f"GET {path} failed")
