"""Accounts on the desk: an administrator makes, changes and closes them; a start password is seen and used once."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import insert, select

from balie.staff import accounts, directory
from balie.staff.directory import Account
from balie.store.schema import audit, organisation, staff
from tests.support.desk import PASSWORD, Clerk, DeskSite

PLACE = "/balie/medewerkers"
OWN = "zes groene fietsen"


@pytest_asyncio.fixture
async def mia(bart: Clerk) -> Clerk:
    """The administrator."""
    await bart.sign_in("mia")
    return bart


@pytest_asyncio.fixture
async def other(desk: DeskSite, aiohttp_client: AiohttpClient) -> Clerk:
    """Somebody at another computer."""
    return Clerk(await aiohttp_client(desk.app))


def _asked(desk: DeskSite, **changed: Any) -> dict[str, Any]:
    return {"naam": "An Peeters", "login": "an", "rol": "counter", "dienst": desk.office.service} | changed


async def _account(desk: DeskSite, login: str) -> Account:
    staff_id = await desk.store.read(directory.by_login, login)
    assert staff_id is not None
    found = await desk.store.read(directory.of, desk.now_s, desk.office.organisation, staff_id)
    assert found is not None
    return found


def _password(page: str) -> str:
    found = re.search(r"\b[a-z2-9]{4}(-[a-z2-9]{4}){3}\b", html.unescape(page))
    assert found is not None
    return found[0]


async def _trail(desk: DeskSite, actor: int) -> list[str]:
    query = select(audit.c.action).where(audit.c.actor == f"staff:{actor}", audit.c.action != "staff.signed_in")
    return await desk.store.read(lambda tx: list(tx.scalars(query.order_by(audit.c.id))))


async def test_what_is_wrong_is_listed_as_the_fields_stand(mia: Clerk) -> None:
    page = await mia.send(PLACE, 422, rol="counter")
    listed = re.findall(r'<li><a href="#([a-z]+)">', page)
    assert listed == sorted(("naam", "login", "dienst"), key=lambda name: page.index(f'id="{name}"'))


async def test_only_an_administrator_comes_here(desk: DeskSite, bart: Clerk) -> None:
    await desk.store.write(accounts.set_roles, desk.now_s, desk.office.bart, ["lead"], [desk.office.service], "cli")
    for path in (PLACE, f"{PLACE}/{desk.office.els}"):
        await bart.get(path, 403)
    await bart.send(PLACE, 403, **_asked(desk))
    await bart.send(f"{PLACE}/{desk.office.els}", 403, doe="sluit")
    assert "/balie/medewerkers" not in await bart.get("/balie")
    assert await desk.store.read(directory.by_login, "an") is None


async def test_everybody_is_listed(desk: DeskSite, mia: Clerk) -> None:
    await desk.store.write(accounts.disable, desk.now_s, desk.office.els, "cli")
    page = html.unescape(await mia.get(PLACE))
    for part in (
        "Bart Claes",
        "Medewerker · Vrije tijd",
        "Beheerder",
        "Laatst aangemeld maandag 7 december",
        "afgesloten",
    ):
        assert part in page, part
    assert "Nog niet aangemeld" in page, "Els"


async def test_a_new_colleague_chooses_a_password_first(desk: DeskSite, mia: Clerk, other: Clerk) -> None:
    page = await mia.send(PLACE, 200, **_asked(desk, login="An.Peeters", mail="an@voorbeeldegem.example"))
    start = _password(page)
    assert "an.peeters" in page and "Het account van An Peeters is gemaakt." in page
    assert start not in await mia.get(PLACE) and "startwachtwoord" in await mia.get(PLACE)
    rows = await desk.store.read(lambda tx: str(tx.execute(select(staff)).all()) + str(tx.execute(select(audit)).all()))
    assert start not in rows
    await other.sign_in("an.peeters", start)
    for path in ("/balie", "/balie/afspraken", "/balie/taken", f"/balie/afspraak/{'A' * 7}", PLACE):
        answer = await other.client.get(path, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/balie/sessies"), path
    assert await other.send("/balie/afspraken", zoek="Peeters") == "/balie/sessies"
    answer = await other.client.post("/balie/gesprek/AAAAAAA/join", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 403 and (await answer.json())["title"] == "password_first"
    assert "Kies eerst een eigen wachtwoord" in await other.get("/balie/sessies")
    page = await other.send("/balie/sessies/wachtwoord", 422, huidig=start, nieuw=start)
    assert "Kies een ander wachtwoord dan het startwachtwoord." in page
    await other.send("/balie/sessies/wachtwoord", huidig=start, nieuw=OWN)
    await other.get("/balie")
    assert (await other.sign_in("an.peeters", start)).status == 401
    found = await _account(desk, "an.peeters")
    assert (found.password, found.roles, found.mail) == ("own", ("counter",), "an@voorbeeldegem.example")
    assert await _trail(desk, desk.admin) == ["staff.created"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"login": ""}, "login"),
        ({"login": "BART"}, "login"),
        ({"login": "an an"}, "login"),
        ({"login": "a" * 255}, "login"),
        ({"naam": " "}, "naam"),
        ({"naam": "An\nBcc"}, "naam"),
        ({"mail": "an@"}, "mail"),
        ({"rol": "burgemeester"}, "rol"),
        ({"rol": ""}, "rol"),
        ({"dienst": []}, "dienst"),
        ({"dienst": 999}, "dienst"),
        ({"dienst": "alles"}, "dienst"),
    ],
)
async def test_what_is_wrong_with_a_new_account(desk: DeskSite, mia: Clerk, changed: Any, field: str) -> None:
    page = await mia.send(PLACE, 422, **_asked(desk, **changed))
    assert f'<a href="#{field}">' in page and f'id="{field}"' in page
    assert '<details id="nieuw" open>' in page
    assert await _trail(desk, desk.admin) == []


async def test_an_administrator_needs_no_service(desk: DeskSite, mia: Clerk) -> None:
    await mia.send(PLACE, 200, **_asked(desk, rol="admin", dienst=[]))
    assert (await _account(desk, "an")).roles == ("admin",)


async def test_role_and_services_change(desk: DeskSite, mia: Clerk) -> None:
    one = f"{PLACE}/{desk.office.bart}"
    page = await mia.get(one)
    assert re.search(r'value="counter" checked', page) and re.search(rf'value="{desk.office.service}" checked', page)
    assert await mia.send(one, doe="rollen", rol="lead", dienst=desk.office.service) == f"{one}?gedaan=rollen"
    assert (await _account(desk, "bart")).roles == ("lead",)
    assert 'href="#dienst"' in await mia.send(one, 422, doe="rollen", rol="lead")
    assert 'href="#rol"' in await mia.send(one, 422, doe="rollen", rol="x", dienst=desk.office.service)


async def test_a_forgotten_password_is_replaced(desk: DeskSite, mia: Clerk, other: Clerk) -> None:
    await other.sign_in("bart")
    page = await mia.send(f"{PLACE}/{desk.office.bart}", 200, doe="wachtwoord")
    await other.get("/balie", 303)
    assert (await other.sign_in("bart", PASSWORD)).status == 401
    assert (await other.sign_in("bart", _password(page))).status == 303
    assert await _trail(desk, desk.admin) == ["staff.password_set"]


async def test_sessions_end(desk: DeskSite, mia: Clerk, other: Clerk) -> None:
    await other.sign_in("bart")
    one = f"{PLACE}/{desk.office.bart}"
    assert await mia.send(one, doe="afmelden") == f"{one}?gedaan=afgemeld"
    await other.get("/balie", 303)
    assert (await other.sign_in("bart")).status == 303
    assert await _trail(desk, desk.admin) == ["staff.sessions_ended"]


async def test_an_account_is_closed_and_opened_again(desk: DeskSite, mia: Clerk, other: Clerk) -> None:
    await desk.book()
    await other.sign_in("bart")
    one = f"{PLACE}/{desk.office.bart}"
    assert "Er komt nog 1 afspraak." in await mia.get(one)
    assert await mia.send(one, doe="sluit") == f"{one}?gedaan=account-dicht"
    await other.get("/balie", 303)
    assert "nog 1 afspraak" in await mia.get(PLACE)
    page = await mia.get(one)
    assert "Open dit account opnieuw" in page and "startwachtwoord" not in page
    assert await mia.send(one, doe="wachtwoord") == one, "a closed account gets no password"
    await mia.send(one, doe="open")
    assert (await other.sign_in("bart")).status == 303
    assert await _trail(desk, desk.admin) == ["staff.disabled", "staff.enabled"]


@pytest.mark.parametrize("form", [{"doe": "sluit"}, {"doe": "rollen", "rol": "counter"}])
async def test_the_last_administrator_stays(desk: DeskSite, mia: Clerk, form: dict[str, Any]) -> None:
    one = f"{PLACE}/{desk.admin}"
    page = await mia.send(one, 422, **form, dienst=desk.office.service)
    assert "Dit is de laatste beheerder." in page and 'id="account"' in page
    assert (await _account(desk, "mia")).active
    await mia.send(f"{PLACE}/{desk.office.els}", doe="rollen", rol="admin")
    where = await mia.send(one, **form, dienst=desk.office.service)
    await mia.get(where, 303 if form["doe"] == "sluit" else 200)


async def test_ones_own_password_is_elsewhere(desk: DeskSite, mia: Clerk) -> None:
    one = f"{PLACE}/{desk.admin}"
    page = await mia.get(one)
    assert "Dit is uw eigen account." in page and "Maak een nieuw startwachtwoord" not in page
    assert await mia.send(one, doe="wachtwoord") == one
    await mia.get("/balie")


async def test_accounts_of_another_organisation_are_nobody(desk: DeskSite, mia: Clerk) -> None:
    def add(tx: Any) -> int:
        org = tx.scalars(insert(organisation).values(name="Elders").returning(organisation.c.id)).one()
        return accounts.create(tx, desk.now_s, org, login="jef", name="Jef", password="kept")

    jef = await desk.store.write(add)
    assert "Jef" not in await mia.get(PLACE)
    for staff_id in (jef, 999_999):
        await mia.get(f"{PLACE}/{staff_id}", 404)
        for what in ("rollen", "wachtwoord", "afmelden", "sluit", "open", "alles", ""):
            form = {"doe": what, "rol": "counter", "dienst": desk.office.service}
            await mia.send(f"{PLACE}/{staff_id}", 404, **form)
    assert await _trail(desk, desk.admin) == []
