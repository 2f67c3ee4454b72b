"""What a provider sends back: believed once, at its own address, and never kept as it cannot be kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from balie.identity.service import RETURN, Identities
from balie.store.engine import Store
from balie.store.schema import identification, staff
from tests.support.identified import ROLES, Browser, Town, come_back, depart, get, town
from tests.support.oidc import HIGH, Op, Person
from web.identity.keys import IDENTITIES

DOOR = "/balie/aanmelden/organisatie"
ODD: tuple[object, ...] = ("x\0y", "\x1b[31mrood", "x" * 10_000, 7, ["x\0"], {"x": "\0"}, None, "", " ")
"""What a claim may be by mistake or by malice; half a character is no JSON."""


def nele(sub: str = "7001-nele", **claims: Any) -> Person:
    """All that is wanted is in his ID token: userinfo is not asked."""
    known = {"given_name": "Nele", "family_name": "Wouters", "preferred_username": "nele.w"}
    return Person(sub, {**known, "vo_orgcode": "OVO002949", "balie_rol": [], **claims})


async def proved(here: Town) -> list[tuple[str, str, str]]:
    """State, name and error of all identifications."""
    columns = identification.c.state, identification.c.name, identification.c.error
    query = select(*columns).order_by(identification.c.id)
    return [tuple(each) for each in await here.desk.store.read(lambda tx: tx.execute(query).all())]


async def accounts_of(here: Town) -> list[Any]:
    query = select(staff).where(staff.c.subject.is_not(None)).order_by(staff.c.id)
    return await here.desk.store.read(lambda tx: list(tx.execute(query).all()))


# -- twice at once ----------------------------------------------------------------------------------------------


async def test_who_signs_in_twice_at_once_for_the_first_time_has_one_account(store: Store, aiohttp_client: Any) -> None:
    async with town(store) as here:
        browsers = [await aiohttp_client(here.desk.app) for _ in range(6)]
        urls = [await depart(each, DOOR) for each in browsers]
        both = zip(browsers, urls, strict=True)
        await asyncio.gather(*(come_back(each, here.op, url, nele(), 303) for each, url in both))
        (row,) = await accounts_of(here)
        assert (row.login, row.roles) == ("nele.w", ["counter"])
        for each in browsers:
            assert "Nele Wouters" in await get(each, "/balie")


async def test_two_people_with_the_same_login_have_two_accounts(store: Store, aiohttp_client: Any) -> None:
    """Each of whom signs in for the first time, at the same moment, at a provider that lets names be chosen."""
    async with town(store) as here:
        browsers = [await aiohttp_client(here.desk.app) for _ in range(4)]
        urls = [await depart(each, DOOR) for each in browsers]

        async def one(at: int) -> None:
            query = here.op.authorize(urls[at])
            here.op.people[query["code"]] = nele(sub=f"7001-{at}")
            answer = await browsers[at].get(f"{RETURN}/test", params=query, allow_redirects=False)
            assert answer.status == 303

        await asyncio.gather(*map(one, range(4)))
        rows = await accounts_of(here)
        assert len({row.subject for row in rows}) == 4
        logins = [row.login for row in rows]
        assert logins.count("nele.w") == 1 and all(each == "nele.w" or each.startswith("oidc-") for each in logins)


# -- claims -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", ["preferred_username", "email", "vo_email", "given_name", "balie_rol", "extra"])
async def test_whatever_a_claim_of_staff_is_he_comes_in(store: Store, aiohttp_client: Any, claim: str) -> None:
    async with town(store) as here:
        an = await aiohttp_client(here.desk.app)
        for at, odd in enumerate(ODD):
            for _again in range(2):
                await come_back(an, here.op, await depart(an, DOOR), nele(f"7001-{at}", **{claim: odd}), 303)
        rows = await accounts_of(here)
        assert len(rows) == len(ODD)
        for row in rows:
            assert row.name.isprintable() and row.mail == "" and row.login.isprintable() and " " not in row.login


@pytest.mark.parametrize("in_userinfo", [False, True], ids=["ID token", "userinfo"])
async def test_a_name_is_kept_on_one_line(store: Store, aiohttp_client: Any, in_userinfo: bool) -> None:
    """A zero is for no database, and a text of a megabyte for nobody."""
    async with town(store) as here:
        _made, an, _lies = await here.book()
        browser, here.op.in_userinfo = await aiohttp_client(here.desk.app), in_userinfo
        person = Person("1985-an", {"given_name": "An\0\x1b[2J", "family_name": "Pee\u202eters " + "s" * 10_000})
        await come_back(browser, here.op, await depart(browser, f"{an}/identificeren"), person)
        ((state, name, _error),) = await proved(here)
        assert state == "verified" and name.startswith("An [2J Pee ters sss") and len(name) == 200


@pytest.mark.parametrize("acr", [HIGH + "\0", HIGH + "\n", "x" * 201, "x" * 10_000])
async def test_a_level_that_cannot_be_kept_is_refused(store: Store, aiohttp_client: Any, acr: str) -> None:
    """By its name, whether or not anything asks for a level."""
    async with town(store) as here:
        _made, an, _lies = await here.book()
        browser = await aiohttp_client(here.desk.app)
        person = Person("1985-an", {"given_name": "An", "family_name": "Peeters"}, acr)
        await come_back(browser, here.op, await depart(browser, f"{an}/identificeren"), person, 400)
        assert await proved(here) == [("failed", "", "claim_unfit")]
        text, _ = await come_back(browser, here.op, await depart(browser, DOOR), nele_with(acr), 403)
        assert "claim_unfit" in text and await accounts_of(here) == []


def nele_with(acr: str) -> Person:
    person = nele()
    person.acr = acr
    return person


# -- whose answer it is -----------------------------------------------------------------------------------------


@asynccontextmanager
async def two_providers(here: Town) -> AsyncIterator[Op]:
    """A second one beside that of the town, which is asked first; it may be anybody's."""
    other = Op()
    other.clock = here.desk.clock  # type: ignore[assignment]
    async with TestServer(other.app, host="127.0.0.1") as server:
        other.issuer = str(server.make_url("")).rstrip("/")
        providers = (
            here.op.provider(used_for=("citizen", "staff"), roles=ROLES),
            other.provider(name="ander", used_for=("staff",), roles=ROLES),
        )
        await put_in(here, providers)
        async with here.desk.app[IDENTITIES].running():
            yield other


async def put_in(here: Town, providers: tuple[Any, ...], **more: Any) -> None:
    desk = here.desk
    made = Identities(providers, desk.store, desk.key, "http://localhost", desk.clock, desk.entropy.randbytes, **more)
    with pytest.warns(DeprecationWarning, match="Changing state of started"):
        desk.app[IDENTITIES] = made


async def test_an_answer_at_the_address_of_another_provider_is_a_mix_up(here: Town, an: Browser) -> None:
    """RFC 9700, 4.4: nothing is exchanged, at neither of them, and the state is used up."""
    _made, page, _lies = await here.book()
    async with two_providers(here) as other:
        for back in (f"{RETURN}/ander", RETURN, f"{RETURN}/niemand"):
            query = here.op.authorize(await depart(an, f"{page}/identificeren"))
            answer = await an.get(back, params=query, headers={"Accept": "text/html"})
            assert answer.status == 400 and "niet kunnen vertrouwen" in await answer.text()
            assert (await an.get(f"{RETURN}/test", params=query)).status == 400
        assert "/token" not in here.op.asked + other.asked
        assert await proved(here) == [("failed", "", "return_address_wrong")] * 3
        await come_back(an, here.op, await depart(an, f"{page}/identificeren"))
        assert (await proved(here))[-1] == ("verified", "An Peeters", "")


async def test_a_single_provider_may_keep_the_address_it_knows(here: Town, an: Browser) -> None:
    _made, page, _lies = await here.book()
    await put_in(here, (here.op.provider(),), shared_return=True)
    async with here.desk.app[IDENTITIES].running():
        url = await depart(an, f"{page}/identificeren")
        query = here.op.authorize(url)
        assert here.op.requests[-1]["redirect_uri"] == f"http://localhost{RETURN}"
        assert (await an.get(f"{RETURN}/test", params=query)).status == 400
        await come_back(an, here.op, await depart(an, f"{page}/identificeren"))
        assert [each[0] for each in await proved(here)] == ["failed", "verified"]
