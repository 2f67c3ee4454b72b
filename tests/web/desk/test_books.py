"""/balie/boekhouding: who leads a team sees what bookkeeping has, and says so by hand."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pytest_asyncio
from sqlalchemy import insert, select, update

from balie.bookkeeping import answers, overview
from balie.bookkeeping.accounts import Accounts
from balie.bookkeeping.export import FolderExport
from balie.store.schema import audit, invoice, service, staff, staff_service
from tests.support.desk import Clerk, DeskSite
from tests.support.till import NUMBERS, Till

PLACE = "/balie/boekhouding"
ONE, SECOND = f"{PLACE}/2026-000001", f"{PLACE}/2026-000002"


@pytest_asyncio.fixture
async def mia(bart: Clerk) -> Clerk:
    """The administrator."""
    await bart.sign_in("mia")
    return bart


@pytest_asyncio.fixture
async def till(desk: DeskSite) -> Till:
    return Till(desk.store, desk.office, (await desk.book()).appointment_id)


async def roles(desk: DeskSite, staff_id: int, *held: str) -> None:
    changed = update(staff).where(staff.c.id == staff_id).values(roles=list(held))
    await desk.store.write(lambda tx: tx.execute(changed))


async def told(desk: DeskSite) -> list[tuple[str, str]]:
    query = select(audit.c.actor, audit.c.action).where(audit.c.action.startswith("invoice")).order_by(audit.c.id)
    return [tuple(row) for row in await desk.store.read(lambda tx: tx.execute(query).all())]


async def test_only_who_leads_comes_here(desk: DeskSite, till: Till, bart: Clerk) -> None:
    await till.bought(1)
    for path in (PLACE, ONE, f"{ONE}/ubl"):
        await bart.get(path, 403)
    await bart.send(ONE, 403, referentie="x")
    await bart.send(f"{PLACE}/verschillen/1", 403, uitleg_1="x")
    assert PLACE not in await bart.get("/balie")
    await roles(desk, desk.office.bart, "lead")
    assert PLACE in await bart.get("/balie")
    for path in (PLACE, ONE, f"{ONE}/ubl"):
        await bart.get(path)
    assert await told(desk) == [("system", "invoice_issued")]


async def test_a_stranger_and_a_form_of_another_site(desk: DeskSite, till: Till, stranger: Clerk) -> None:
    await till.bought(1)
    assert "aanmelden" in (await stranger.client.get(ONE, allow_redirects=False)).headers["Location"]
    await stranger.sign_in("mia")
    await stranger.send(ONE, 403, csrf="0" * 64, referentie="BK-1")
    assert (await desk.store.read(overview.by_number, [desk.office.service], "2026-000001")).acknowledged_s is None


async def test_a_lead_sees_the_documents_of_his_services_only(desk: DeskSite, till: Till, bart: Clerk) -> None:
    await till.bought(1)
    await roles(desk, desk.office.bart, "lead")

    def elsewhere(tx: Any) -> None:
        row = {"organisation_id": desk.office.organisation, "slug": "elders", "names": {"nl": "Elders"}}
        made = tx.execute(insert(service).values(**row)).inserted_primary_key
        mine = update(staff_service).where(staff_service.c.staff_id == desk.office.bart)
        tx.execute(mine.values(service_id=int(made[0])))

    await desk.store.write(elsewhere)
    for path in (ONE, f"{ONE}/ubl"):
        await bart.get(path, 404)
    await bart.send(ONE, 404, referentie="BK-1")
    page = await bart.get(f"{PLACE}?nummer=2026-000001")
    assert "We vonden geen stuk met dit nummer." in page
    assert "€" not in page and "Peeters" not in page


async def test_nothing_yet(mia: Clerk) -> None:
    page = html.unescape(await mia.get(PLACE))
    for words in ("Er is nog niets betaald.", "Er is nog niets klaargezet.", "Er zijn geen verschillen."):
        assert words in page


async def test_totals_batches_and_what_waits(desk: DeskSite, till: Till, mia: Clerk, tmp_path: Path) -> None:
    for at in range(2):
        await till.bought(at)
    paid = await till.paid(9)
    await till.store.write(NUMBERS.credit, desk.now_s, await till.given_back(paid, 300))
    assert "4 stukken zijn nog niet klaargezet" in await mia.get(PLACE)
    await FolderExport(desk.store, tmp_path / "uit", Accounts()).step(desk.now_s)
    await till.bought(5)
    await desk.store.write(answers.acknowledge, desk.now_s, "2026-000001", "BK-1", "api:1")
    page = " ".join(html.unescape(await mia.get(PLACE)).replace("\u00a0", " ").split())
    for words in (
        "december 2026",
        "5 stukken",
        "<dt>Ontvangen</dt><dd>€ 36,00</dd>",
        "<dt>Terugbetaald</dt><dd>€ 3,00</dd>",
        "<dt>Blijft over</dt><dd>€ 33,00</dd>",
        "<dt>Waarvan btw</dt><dd>€ 1,87</dd>",
        "1 stuk is nog niet klaargezet",
        "2026-12-07_2026-000001",
        "3 nog niet geboekt",
        "C2026-000001",
    ):
        assert words in page, words
    assert f'href="{ONE}"' not in page, "what is booked waits no more"
    batch = await mia.get(f"{PLACE}?reeks=2026-12-07_2026-000001")
    assert f'href="{ONE}"' in batch and "BK-1" in batch
    assert "Deze reeks kennen we niet" in await mia.get(f"{PLACE}?reeks=%3Cb%3E")


async def test_a_number_is_looked_up(till: Till, mia: Clerk) -> None:
    await till.bought(1)
    found = await mia.client.get(f"{PLACE}?nummer=%202026-000001%20", allow_redirects=False)
    assert (found.status, found.headers["Location"]) == (303, ONE)
    for number in ("2026-000009", "x", "%07", "<b>"):
        page = await mia.get(f"{PLACE}?nummer={number}")
        assert "We vonden geen stuk met dit nummer." in page and 'href="#nummer"' in page and "<b>" not in page
    page = await mia.get(ONE)
    for words in ("Bewijs van betaling 2026-000001", "Particulier", "Badminton", "9,00", "+++000/0000/00001+++"):
        assert words in page, words


async def test_the_file_is_kept_and_never_shown(till: Till, mia: Clerk) -> None:
    await till.bought(1)
    answer = await mia.client.get(f"{ONE}/ubl")
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="2026-000001.xml"'
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    kept = await till.store.read(lambda tx: tx.scalars(select(invoice.c.ubl)).one())
    assert await answer.text() == kept


async def test_by_hand_once(desk: DeskSite, till: Till, mia: Clerk) -> None:
    await till.bought(1)
    page = await mia.send(ONE, 422, referentie=" ")
    assert 'href="#referentie"' in page and "Vul het kenmerk in" in page
    await mia.send(ONE, 422, referentie="x" * 129)
    assert await mia.send(ONE, referentie="BK-77") == f"{ONE}?gedaan=geboekt-stuk"
    assert await mia.send(ONE, referentie="BK-77") == f"{ONE}?gedaan=geboekt-stuk", "a double click"
    assert "BK-77" in await mia.get(ONE)
    assert 'name="referentie"' not in await mia.get(ONE)
    assert "heeft al een ander kenmerk" in await mia.send(ONE, 422, referentie="BK-78")
    assert await told(desk) == [("system", "invoice_issued"), (f"staff:{desk.admin}", "invoice_acknowledged")]


async def test_a_mismatch_is_seen_and_closed_with_words(desk: DeskSite, till: Till, mia: Clerk) -> None:
    await till.bought(1)
    for _again in range(2):
        await desk.store.write(answers.take, desk.now_s, "terug/a.csv", b"2026-000077;<b>BK</b>\n")
    page = await mia.get(PLACE)
    assert "Dit nummer kennen we niet." in page and "&lt;b&gt;BK" in page and "bestand a.csv" in page
    assert '<span class="count">1' in await mia.get("/balie")
    assert 'href="#uitleg-1"' in await mia.send(f"{PLACE}/verschillen/1", 422, uitleg_1="")
    assert await mia.send(f"{PLACE}/verschillen/1", uitleg_1="Van vorig jaar.") == f"{PLACE}?gedaan=verschil"
    assert "al afgehandeld" in await mia.send(f"{PLACE}/verschillen/1", 422, uitleg_1="Nog eens.")
    assert "Er zijn geen verschillen." in await mia.get(PLACE)
    closed = await mia.get(f"{PLACE}?toon=afgehandeld")
    assert "Van vorig jaar." in closed and "Mia Janssens" in closed
    await desk.store.write(answers.take, desk.now_s, "terug/a.csv", b"2026-000077;<b>BK</b>\n")
    assert "Er zijn geen verschillen." in await mia.get(PLACE), "said again, it stays closed"
