"""Staff signs in with the organisation: whose account that is, what he may do, how it ends, and the spare way in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select

from balie.staff import accounts
from balie.store.engine import Store
from balie.store.schema import audit, staff, staff_session
from tests.support.desk import PASSWORD, Clerk
from tests.support.identified import Browser, Town, come_back, depart, get, post, query_of, town
from tests.support.oidc import Person

Browsers = Callable[[], Awaitable[Browser]]
DOOR = "/balie/aanmelden"
COUNTER: dict[str, Any] = {"vo_orgcode": "OVO002949", "balie_rol": []}


def nele(**claims: Any) -> Person:
    known = {"given_name": "Nele", "family_name": "Wouters", "preferred_username": "nele.w", **COUNTER, **claims}
    return Person("7001-nele", known)


async def sign_in(browser: Browser, here: Town, person: Person, status: int = 303, naar: str = "") -> str:
    """Where it leads, or the page that says why not."""
    text, answer = await come_back(
        browser, here.op, await depart(browser, f"{DOOR}/organisatie", naar=naar), person, status
    )
    return str(answer.headers.get("Location", "")) if status == 303 else text


async def account(here: Town) -> Any:
    """Of Nele, and the slugs of her services' ids."""
    return await here.desk.store.read(
        lambda tx: tx.execute(select(staff).where(staff.c.name.like("Nele%"))).one_or_none()
    )


async def test_the_first_time_makes_an_account(here: Town, an: Browser) -> None:
    assert "Aanmelden met Testdienst" in await get(an, DOOR)
    assert await sign_in(an, here, nele(), naar="/balie/afspraken") == "/balie/afspraken"
    assert "Nele Wouters" in await get(an, "/balie")
    row = await account(here)
    assert (row.login, row.roles, row.password) == ("nele.w", ["counter"], None)
    assert row.subject and "7001" not in row.subject
    member = await here.desk.store.read(accounts.member, row.id)
    assert member is not None and member.services == {here.desk.office.service}
    await get(an, "/balie/medewerkers", 403)


async def test_the_second_time_finds_it_with_what_changed(here: Town, an: Browser) -> None:
    await sign_in(an, here, nele())
    first = await account(here)
    await sign_in(an, here, nele(family_name="Wouters-Claes", balie_rol=["teamhoofd"], email="nele@example.be"))
    row = await account(here)
    assert row.id == first.id
    assert (row.name, row.roles, row.mail) == ("Nele Wouters-Claes", ["counter", "lead"], "nele@example.be")
    await sign_in(an, here, nele(vo_orgcode="", balie_rol="beheerder"))
    row = await account(here)
    assert row.roles == ["admin"] and "Medewerkers" in await get(an, "/balie")


async def test_who_has_no_role_stays_outside(here: Town, an: Browser) -> None:
    for claims in ({"vo_orgcode": "OVO000001"}, {"vo_orgcode": ["ovo002949"]}, {"vo_orgcode": 2949}):
        text = await sign_in(an, here, nele(**claims), 403)
        assert "geen rol voor de balie" in text
    assert await account(here) is None
    assert await get(an, "/balie", 303) == ""


async def test_a_role_that_was_taken_away(here: Town, an: Browser) -> None:
    await sign_in(an, here, nele())
    await sign_in(an, here, nele(vo_orgcode=""), 403)
    assert (await account(here)).roles == ["counter"], "what open sessions may is for an administrator to end"


async def test_a_closed_account_stays_closed(here: Town, an: Browser) -> None:
    await sign_in(an, here, nele())
    row = await account(here)
    await here.desk.store.write(accounts.disable, here.desk.now_s, row.id, "staff:1")
    await get(an, "/balie", 303)
    text = await sign_in(an, here, nele(balie_rol="beheerder"), 403)
    assert "is afgesloten" in text
    row = await account(here)
    assert not row.active and row.roles == ["counter"]


@pytest.mark.parametrize(
    "claims", [{"preferred_username": "bart"}, {"email": "bart@voorbeeldegem.example"}, {"vo_email": "bart"}]
)
async def test_nobody_gets_a_local_account_by_its_name(here: Town, an: Browser, claims: dict[str, Any]) -> None:
    await sign_in(an, here, nele(**claims))
    row = await account(here)
    assert row.id != here.desk.office.bart and row.login != "bart"


@pytest.mark.parametrize("username", ["", "met spatie", "x" * 300, "bart", 7])
async def test_a_login_that_cannot_be_kept(here: Town, an: Browser, username: object) -> None:
    await sign_in(an, here, nele(preferred_username=username))
    assert (await account(here)).login.startswith("oidc-")


async def test_a_local_account_that_is_linked(here: Town, an: Browser) -> None:
    from balie.identity import persons

    subject = persons.Person(here.op.issuer, "7001-nele", "").subject
    await here.desk.store.write(accounts.set_subject, here.desk.now_s, here.desk.office.bart, subject, "staff:1")
    await sign_in(an, here, nele())
    row = await account(here)
    assert row.id == here.desk.office.bart and row.login == "bart" and row.password


async def test_the_last_administrator_keeps_his_role(here: Town, an: Browser) -> None:
    await sign_in(an, here, nele(balie_rol="beheerder"))
    await here.desk.store.write(accounts.disable, here.desk.now_s, here.desk.admin, "staff:1")
    assert "enige beheerder" in await sign_in(an, here, nele(), 403)
    assert "admin" in (await account(here)).roles


@pytest.mark.parametrize("naar", ["https://elders.example/balie", "//elders.example", "/a/x", ""])
async def test_it_leads_nowhere_else(here: Town, an: Browser, naar: str) -> None:
    assert await sign_in(an, here, nele(), naar=naar) == "/balie"


async def test_a_session_that_was_there_before_ends(here: Town, an: Browser, bart: Clerk) -> None:
    old = bart.client.session.cookie_jar.filter_cookies(bart.client.make_url("/"))["balie"].value
    await sign_in(bart.client, here, nele())
    rows = await here.desk.store.read(lambda tx: tx.execute(select(staff_session)).all())
    assert len(rows) == 1 and old not in repr(rows)


async def test_another_browser_is_not_signed_in(here: Town, an: Browser, browser: Browsers) -> None:
    """Nobody is made to work under somebody else's name."""
    url, victim = await depart(an, f"{DOOR}/organisatie"), await browser()
    _, answer = await come_back(victim, here.op, url, nele(), 400)
    assert "balie" not in answer.cookies and await account(here) is None
    await get(victim, "/balie", 303)


async def test_another_website_cannot_begin_it(an: Browser) -> None:
    answer = await an.post(f"{DOOR}/organisatie", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403


async def test_down(here: Town, an: Browser) -> None:
    here.op.bad.instead["/.well-known/openid-configuration"] = lambda _: web.Response(status=503)
    text, _ = await post(an, f"{DOOR}/organisatie", 503)
    assert "antwoordt nu niet" in text and DOOR in text


async def test_signing_out_here_and_there(here: Town, an: Browser) -> None:
    await sign_in(an, here, nele())
    clerk = Clerk(an)
    page = await get(an, "/balie")
    clerk.token = page.partition('name="csrf" value="')[2][:64]
    _, answer = await post(an, "/balie/afmelden", csrf=clerk.token)
    url = answer.headers["Refresh"].partition(";url=")[2]
    query = query_of(url)
    assert url.startswith(f"{here.op.issuer}/logout?") and query["id_token_hint"].count(".") == 2
    assert query["post_logout_redirect_uri"] == "http://localhost/balie/aanmelden?uit=1"
    assert answer.cookies["balie"].value == answer.cookies["balie-organisatie"].value == ""
    assert await here.desk.store.read(lambda tx: tx.execute(select(staff_session)).all()) == []
    await get(an, "/balie", 303)


async def test_signing_out_when_the_provider_has_no_such_page(here: Town, an: Browser) -> None:
    here.op.bad.metadata = lambda found: {
        name: value for name, value in found.items() if name != "end_session_endpoint"
    }
    await sign_in(an, here, nele())
    token = (await get(an, "/balie")).partition('name="csrf" value="')[2][:64]
    _, answer = await post(an, "/balie/afmelden", 303, csrf=token)
    assert answer.headers["Location"] == f"{DOOR}?uit=1"


async def test_who_came_with_a_password_signs_out_here_only(here: Town, bart: Clerk) -> None:
    assert await bart.send("/balie/afmelden") == f"{DOOR}?uit=1"


async def notes(here: Town) -> list[tuple[str, Any]]:
    rows = select(audit.c.action, audit.c.detail).where(audit.c.actor == f"staff:{here.desk.office.bart}")
    return [tuple(row) for row in await here.desk.store.read(lambda tx: tx.execute(rows.order_by(audit.c.id)).all())]


async def test_the_spare_way_in_stands_behind_a_link_and_is_noted(sqlite_store: Store, aiohttp_client: Any) -> None:
    async with town(sqlite_store, link=True) as here:
        an = await aiohttp_client(here.desk.app)
        page = await get(an, DOOR)
        assert "wachtwoord" not in page and f"{DOOR}?lokaal=1" in page
        assert 'name="wachtwoord"' in await get(an, f"{DOOR}?lokaal=1")
        text, _ = await post(an, DOOR, 401, login="bart", wachtwoord="verkeerd wachtwoord")
        assert 'name="wachtwoord"' in text, "a mistake is said at the form"
        await post(an, DOOR, 303, login="bart", wachtwoord=PASSWORD)
        assert await notes(here) == [("staff.signed_in", {"way": "local"}), ("staff.break_glass", {})]


async def test_the_way_in_is_noted(here: Town, an: Browser) -> None:
    await sign_in(an, here, nele())
    row = await account(here)
    rows = select(audit.c.action, audit.c.detail).where(audit.c.object == f"staff/{row.id}").order_by(audit.c.id)
    found = [tuple(each) for each in await here.desk.store.read(lambda tx: tx.execute(rows).all())]
    assert found[-1] == ("staff.signed_in", {"way": "test"})
    assert [each[0] for each in found] == ["staff.created", "staff.subject_set", "staff.signed_in"]


async def test_an_id_token_that_is_too_large_for_a_cookie_is_not_kept(here: Town, an: Browser) -> None:
    url = await depart(an, f"{DOOR}/organisatie")
    _, answer = await come_back(an, here.op, url, nele(extra="x" * 5000), 303)
    assert answer.cookies["balie-organisatie"].value == "test."
    assert answer.cookies["balie-organisatie"]["path"] == "/balie/afmelden"
