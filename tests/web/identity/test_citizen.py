"""A citizen shows who he is: he, nobody else, once; and both sides of a call hear of it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

import pytest
import structlog
from aiohttp import web
from sqlalchemy import select

from balie import log
from balie.booking import reading
from balie.identity import records
from balie.identity.errors import CODES
from balie.store.engine import Store
from balie.store.schema import audit, identification, oidc_login, outbox
from tests.support.desk import Clerk, DeskSite, arrive
from tests.support.identified import (
    PURPOSES,
    Browser,
    Town,
    come_back,
    depart,
    get,
    link_in,
    post,
    query_of,
    town,
)
from tests.support.oidc import LOW, MALLORY, Person
from web import keys
from web.identity import words

Browsers = Callable[[], Awaitable[Browser]]
TERUG = "/identificatie/terug/test"


class Ear:
    """The WebSocket of somebody in a call, as far as the pump uses it."""

    def __init__(self, desk: DeskSite, connection: int) -> None:
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        desk.app[keys.PUMP].open(connection, cast(web.WebSocketResponse, self), lambda: None)

    async def send_str(self, data: str) -> None:
        self.said.put_nowait(json.loads(data))

    async def news(self) -> str:
        async with asyncio.timeout(5):
            while (found := await self.said.get())["type"] != "news":
                pass
        return str(found["about"])


async def state(here: Town) -> list[str]:
    query = select(identification.c.state).order_by(identification.c.id)
    return await here.desk.store.read(lambda tx: list(tx.scalars(query)))


async def test_before_the_day_from_the_page_of_the_appointment(here: Town, an: Browser) -> None:
    made, page, _ = await here.book()
    assert "nog niet gedaan" in await get(an, page)
    asked = await get(an, f"{page}/identificeren")
    assert PURPOSES["nl"] in asked and "90 dagen na uw afspraak" in asked, "what for, and how long, before he begins"
    assert 'target="_blank"' in asked and "geen logboek" in asked
    assert await state(here) == [], "looking asks nothing"
    url = await depart(an, f"{page}/identificeren")
    assert await state(here) == ["started"]
    text, answer = await come_back(an, here.op, url)
    assert "We weten nu wie u bent" in text and "Dank u, An Peeters." in text and "Ga terug naar uw gesprek" in text
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Referrer-Policy"] == "no-referrer"
    assert "U toonde dat u An Peeters bent" in await get(an, page)
    found = await here.desk.store.read(records.verified, made.appointment_id)
    assert found is not None and found.matches and found.provider == "test"
    assert await state(here) == ["verified"]
    _, answer = await post(an, f"{page}/identificeren", 303)
    assert answer.headers["Location"] == f"{page}/identificeren", "once is enough"


async def test_in_a_call_everybody_hears_of_it(here: Town, an: Browser) -> None:
    made, page, _ = await here.book()
    found = await here.desk.store.read(reading.by_ref, made.ref)
    ears = [
        Ear(here.desk, arrive(here.desk, found, "An Peeters")),
        Ear(here.desk, arrive(here.desk, found, "Bart Claes", staff_id=here.desk.office.bart)),
    ]
    url = await depart(an, f"{page}/identificeren")
    assert [await each.news() for each in ears] == ["acts", "acts"]
    await come_back(an, here.op, url)
    assert [await each.news() for each in ears] == ["acts", "acts"]


async def test_another_name_is_no_obstacle(here: Town, an: Browser) -> None:
    made, page, _ = await here.book()
    jan = Person("1980-jan", {"given_name": "Jan", "family_name": "<b>Claes</b>"})
    text, _ = await come_back(an, here.op, await depart(an, f"{page}/identificeren"), jan)
    assert "Jan &lt;b&gt;Claes&lt;/b&gt;" in text and "anders dan de naam van uw afspraak" in text
    found = await here.desk.store.read(records.verified, made.appointment_id)
    assert found is not None and not found.matches


async def test_who_comes_along_may_not(here: Town, an: Browser) -> None:
    _, _, lies = await here.book()
    await get(an, f"{lies}/identificeren", 403)
    for path in ("", "/code"):
        text, _ = await post(an, f"{lies}/identificeren{path}", 403)
        assert "Alleen wie de afspraak maakte" in text
    assert await state(here) == [] and here.op.asked == []
    assert "identificeren" not in await get(an, lies)


async def test_staff_may_not(here: Town, an: Browser, bart: Clerk) -> None:
    """Neither with the citizen's link, which staff may print, nor with a code that he sees on a screen."""
    _, page, _ = await here.book()
    text, _ = await post(an, f"{page}/identificeren/code")
    for path in (f"{page}/identificeren", f"{page}/identificeren/code", link_in(text)):
        said, _ = await post(bart.client, path, 403)
        assert "een medewerker aangemeld" in said
        await get(bart.client, path.removesuffix("/code"), 403)
    assert await state(here) == ["requested"] and "/token" not in here.op.asked
    assert await depart(an, link_in(text)), "and the code is still good for the citizen"


@pytest.mark.parametrize("path", ["identificeren", "identificeren/code"])
async def test_another_website_may_not(here: Town, an: Browser, path: str) -> None:
    _, page, _ = await here.book()
    answer = await an.post(f"{page}/{path}", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403 and await state(here) == []


async def test_with_another_device(here: Town, an: Browser, browser: Browsers) -> None:
    made, page, _ = await here.book()
    text, _ = await post(an, f"{page}/identificeren/code")
    path, phone = link_in(text), await browser()
    assert "<svg" in text and "10 minuten" in text
    for _ in range(3):
        asked = await get(phone, path)
    assert PURPOSES["nl"] in asked and "Identificeer u" in asked
    assert "Badmintonterrein huren, op dinsdag 8 december 2026 om 10.30 uur" in asked, "whose code it is can be seen"
    assert await state(here) == ["requested"], "scanners change nothing"
    url = await depart(phone, path)
    await get(phone, path, 410)
    await post(phone, path, 410)
    text, _ = await come_back(phone, here.op, url)
    assert "Dank u, An Peeters." in text
    assert await here.desk.store.read(records.verified, made.appointment_id) is not None


async def test_a_code_is_not_used_up_by_a_provider_that_is_down(here: Town, an: Browser) -> None:
    _, page, _ = await here.book()
    text, _ = await post(an, f"{page}/identificeren/code")
    here.op.bad.instead["/.well-known/openid-configuration"] = lambda _: web.Response(status=503)
    said, _ = await post(an, link_in(text), 503)
    assert "antwoordt nu niet" in said
    here.op.bad.instead.clear()
    here.desk.clock.now_s += 5
    assert await depart(an, link_in(text))


async def test_a_code_is_over_after_ten_minutes(here: Town, an: Browser) -> None:
    _, page, _ = await here.book()
    text, _ = await post(an, f"{page}/identificeren/code")
    here.desk.clock.now_s += 600
    assert "Deze code werkt niet meer" in await get(an, link_in(text), 410)
    await post(an, link_in(text), 410)


async def test_state_replay(here: Town, an: Browser, browser: Browsers) -> None:
    """Who reloads the page where it was done sees that; to everybody else the answer is worth nothing."""
    _, page, _ = await here.book()
    url, mallory = await depart(an, f"{page}/identificeren"), await browser()
    await come_back(an, here.op, url)
    before = list(here.op.asked)
    text, answer = await come_back(an, here.op, url)
    assert "Dit is al gedaan" in text and "Ga terug naar uw gesprek" in text and "niet gelukt" not in text
    assert here.op.asked == before and not answer.cookies, "the provider is not asked again"
    assert "Dit is al gedaan" in await get(an, TERUG), "a script took the answer out of the address"
    text, _ = await come_back(mallory, here.op, url, status=400)
    assert "Het is niet gelukt" in text and here.op.asked == before
    await get(mallory, TERUG, 400)
    assert await state(here) == ["verified"]
    await get(an, f"{TERUG}?state=x&code=y", 400)


async def test_after_a_failure_a_success_of_before_is_not_shown(here: Town, an: Browser) -> None:
    made, page, _ = await here.book()
    await come_back(an, here.op, await depart(an, f"{page}/identificeren"))
    await here.desk.store.write(records.ask_again, here.desk.now_s, made.appointment_id)
    here.op.bad.back = lambda query: {"state": query["state"], "error": "access_denied"}
    await come_back(an, here.op, await depart(an, f"{page}/identificeren"), status=400)
    await get(an, TERUG, 400)
    assert "Het is nog niet gelukt" in await get(an, f"{page}/identificeren")
    assert await state(here) == ["verified", "aborted"]


async def test_another_browser(here: Town, an: Browser, browser: Browsers) -> None:
    """Whoever got hold of the answer cannot use it, and does not spoil it."""
    _, page, _ = await here.book()
    url, mallory = await depart(an, f"{page}/identificeren"), await browser()
    text, _ = await come_back(mallory, here.op, url, status=400)
    assert "in een andere browser" in text and await state(here) == ["started"]
    await come_back(an, here.op, url)
    assert await state(here) == ["verified"]


async def test_two_tabs_of_one_browser_do_not_get_in_each_others_way(here: Town, an: Browser) -> None:
    _, page, _ = await here.book()
    one, two = [await depart(an, f"{page}/identificeren") for _ in range(2)]
    await come_back(an, here.op, one)
    text, _ = await come_back(an, here.op, two, status=400)
    assert "Dit is al gedaan" in text and await state(here) == ["verified"]


@pytest.mark.parametrize("query", [{}, {"state": ""}, {"state": "x", "code": "y"}, {"code": "y"}, {"error": "<b>"}])
async def test_an_answer_that_nobody_asked_for(here: Town, an: Browser, query: dict[str, str]) -> None:
    answer = await an.get(TERUG, params=query, headers={"Accept": "text/html"})
    assert answer.status == 400 and here.op.asked == [] and "<b>" not in await answer.text()


async def test_he_says_no(here: Town, an: Browser) -> None:
    _, page, _ = await here.book()
    here.op.bad.back = lambda query: {"state": query["state"], "error": "access_denied"}
    text, _ = await come_back(an, here.op, await depart(an, f"{page}/identificeren"), status=400)
    assert "U hebt het afgebroken" in text and await state(here) == ["aborted"]
    assert "afgebroken" in await get(an, f"{page}/identificeren")
    here.op.bad.back = lambda query: query
    await come_back(an, here.op, await depart(an, f"{page}/identificeren"))
    assert await state(here) == ["aborted", "verified"]


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("nonce", {"nonce": "anders"}, "nonce_wrong"),
        ("expired", {"exp": 1}, "token_expired"),
        ("issuer", {"iss": MALLORY}, "issuer_wrong"),
        ("audience", {"aud": "iemand-anders"}, "audience_wrong"),
    ],
)
async def test_a_provider_that_errs(here: Town, an: Browser, name: str, change: dict[str, Any], code: str) -> None:
    _, page, _ = await here.book()
    here.op.bad.claims = lambda found: {**found, **change}
    text, _ = await come_back(an, here.op, await depart(an, f"{page}/identificeren"), status=400)
    assert "Het is niet gelukt" in text and "An Peeters" not in text
    row = await here.desk.store.read(lambda tx: tx.execute(select(identification)).one())
    assert (row.state, row.error, row.name, row.subject_hash) == ("failed", code, "", None), name


async def test_a_level_that_is_too_low(sqlite_store: Store, aiohttp_client: Any) -> None:
    async with town(sqlite_store, required_acr="urn:test:high") as here:
        an = await aiohttp_client(here.desk.app)
        _, page, _ = await here.book()
        url = await depart(an, f"{page}/identificeren")
        assert query_of(url)["acr_values"] == "urn:test:high"
        text, _ = await come_back(an, here.op, url, Person(acr=LOW), 400)
        assert "niet sterk genoeg" in text and await state(here) == ["failed"]


async def test_down_before_he_leaves(here: Town, an: Browser) -> None:
    _, page, _ = await here.book()
    here.op.bad.instead["/.well-known/openid-configuration"] = lambda _: web.Response(status=503)
    text, _ = await post(an, f"{page}/identificeren", 503)
    assert "antwoordt nu niet" in text and "+32" in text.replace("\u00a0", " ")
    assert await state(here) == ["requested"]
    assert await here.desk.store.read(lambda tx: tx.execute(select(oidc_login)).all()) == []


async def test_without_a_provider(sqlite_store: Store, aiohttp_client: Any) -> None:
    async with town(sqlite_store, configured=False) as here:
        an = await aiohttp_client(here.desk.app)
        _, page, _ = await here.book()
        assert "nog niet online" in await get(an, f"{page}/identificeren")
        for path in ("identificeren", "identificeren/code"):
            text, _ = await post(an, f"{page}/{path}", 503)
            assert "nog niet online" in text
        await get(an, TERUG, 400)
        await post(an, "/identificatie/afmelden", 404)
        await post(an, "/balie/aanmelden/organisatie", 404)
        assert await state(here) == []


async def test_a_product_that_asks_nothing(sqlite_store: Store, aiohttp_client: Any) -> None:
    async with town(sqlite_store, identification="none") as here:
        an = await aiohttp_client(here.desk.app)
        _, page, _ = await here.book()
        assert "identificeren" not in await get(an, page)
        await get(an, f"{page}/identificeren", 404)
        await post(an, f"{page}/identificeren", 303)
        assert await state(here) == []


@pytest.mark.parametrize("agreed", [False, True])
async def test_logging_where_it_was_agreed_and_said(sqlite_store: Store, aiohttp_client: Any, agreed: bool) -> None:
    async with town(sqlite_store, identity_log=agreed) as here:
        an = await aiohttp_client(here.desk.app)
        made, page, _ = await here.book()
        assert ("Die nota blijft 5 jaar" in await get(an, f"{page}/identificeren")) == agreed
        await come_back(an, here.op, await depart(an, f"{page}/identificeren"))

        def written(tx: Any) -> list[str]:
            rows = (*tx.scalars(select(audit.c.action)), *tx.scalars(select(outbox.c.type)))
            return [each for each in rows if "identification" in each]

        found = await here.desk.store.read(written)
        assert found == (
            ["identification.requested", "identification.verified", "be.balie.identification.verified"]
            if agreed
            else []
        )
        bart = Clerk(await aiohttp_client(here.desk.app))
        await bart.sign_in("bart")
        story = await bart.get(f"/balie/afspraak/{made.ref}")
        assert ("Geïdentificeerd" in story) == agreed and "Aangepast" not in story


async def test_signing_out_on_a_device_of_everybody(here: Town, an: Browser) -> None:
    url = await depart(an, "/identificatie/afmelden")
    assert url.startswith(f"{here.op.issuer}/logout?")
    assert query_of(url)["post_logout_redirect_uri"] == "http://localhost/identificatie/afgemeld"
    assert "U bent afgemeld" in await get(an, "/identificatie/afgemeld")


async def test_behind_https_the_cookie_is_bound_to_this_host(sqlite_store: Store, aiohttp_client: Any) -> None:
    async with town(sqlite_store, "https://balie.example.be") as here:
        an = await aiohttp_client(here.desk.app)
        _, page, _ = await here.book()
        _, answer = await post(an, f"{page}/identificeren")
        (cookie,) = answer.cookies.values()
        assert cookie.key.startswith("__Host-balie-identiteit-") and cookie["secure"] and cookie["httponly"]
        assert cookie["path"] == "/" and cookie["samesite"] == "Lax" and not cookie["domain"]
        assert 0 < int(cookie["max-age"]) <= 900


async def test_the_cookie_goes_with_the_answer(here: Town, an: Browser) -> None:
    _, page, _ = await here.book()
    url = await depart(an, f"{page}/identificeren")
    _, answer = await come_back(an, here.op, url)
    (cookie,) = answer.cookies.values()
    assert cookie.key.startswith("balie-identiteit-") and cookie.value == "klaar" and int(cookie["max-age"]) == 900
    here.op.bad.back = lambda query: {"state": query["state"], "error": "access_denied"}
    _, page, _ = await here.book(local="2026-12-08T11:30")
    _, answer = await come_back(an, here.op, await depart(an, f"{page}/identificeren"), status=400)
    assert [(each.value, int(each["max-age"])) for each in answer.cookies.values()] == [("", 0)] * 2


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The log's output; logging is put back afterwards."""
    root, access = logging.getLogger(), logging.getLogger("aiohttp.access")
    before = root.handlers[:], root.level, access.disabled
    made = io.StringIO()
    log.set_up("debug", "json", made)
    yield made
    root.handlers[:], access.disabled = before[0], before[2]
    root.setLevel(before[1])
    structlog.reset_defaults()


@pytest.mark.parametrize("wrong", ["", "nonce", "token"])
async def test_no_token_code_or_name_in_the_log(here: Town, an: Browser, stream: io.StringIO, wrong: str) -> None:
    _, page, _ = await here.book()
    if wrong == "nonce":
        here.op.bad.claims = lambda found: {**found, "nonce": "anders"}
    if wrong == "token":
        here.op.bad.instead["/token"] = lambda _: web.json_response({"error": "An Peeters"}, status=400)
    text, _ = await post(an, f"{page}/identificeren/code")
    url = await depart(an, link_in(text))
    query = here.op.authorize(url)
    await an.get(TERUG, params=query)
    an.session.cookie_jar.clear()
    await an.get(TERUG, params=query)
    logged = stream.getvalue()
    assert ("identification_failed" in logged) and "login_unknown" in logged
    secrets = [query["code"], query["state"], query_of(url)["nonce"], query_of(url)["code_challenge"], "An", "1985"]
    for secret in (*secrets, "Peeters", page, link_in(text), "toegang-"):
        assert secret not in logged, secret


def test_every_code_has_words_for_everybody() -> None:
    for code in CODES:
        for said in (words.for_citizen(code), words.for_staff(code), words.for_member(code)):
            assert len(said) > 15 and "{" not in said
