"""Coming in: who may, how often one may try, what the cookie is like, and how a session ends."""

from __future__ import annotations

import base64

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select

from balie.staff import accounts, photos
from balie.staff.sessions import ABSOLUTE_S, IDLE_S
from balie.store.engine import Store
from balie.store.schema import audit, staff_session
from tests.support.desk import PASSWORD, Clerk, DeskSite, build_desk
from web.desk import live
from web.desk.books import NUMBER
from web.desk.routes import ROUTES

OPEN = {"/balie/aanmelden"}


def _paths(method: str) -> list[str]:
    filled = {"{ref:[A-Za-z0-9-]{4,16}}": "AAAA222", "{id:[0-9]{1,15}}": "1", NUMBER: "2026-000001"}
    paths = [each.path for each in ROUTES if isinstance(each, web.RouteDef) and each.method == method]
    for pattern, value in filled.items():
        paths = [each.replace(pattern, value) for each in paths]
    return [each for each in paths if each not in OPEN]


async def test_no_page_without_a_session(stranger: Clerk) -> None:
    for path in _paths("GET"):
        answer = await stranger.client.get(path, allow_redirects=False)
        assert answer.headers["Cache-Control"] == "no-store", path
        if path == live.PLACE:  # for a script, which no page to sign in helps
            assert answer.status == 401
            continue
        assert answer.status == 303, path
        assert answer.headers["Location"].startswith("/balie/aanmelden?naar=%2Fbalie"), path


async def test_no_action_without_a_session(desk: DeskSite, stranger: Clerk) -> None:
    before = await desk.store.read(lambda tx: tx.execute(select(audit)).all())
    for path in _paths("POST"):
        answer = await stranger.client.post(path, data={"csrf": "x"}, allow_redirects=False)
        assert answer.status == (401 if path.endswith("/join") else 303), path
        assert answer.headers.get("Location", "/balie/aanmelden") == "/balie/aanmelden", path
    assert await desk.store.read(lambda tx: tx.execute(select(audit)).all()) == before


@pytest.mark.parametrize("csrf", ["", "0" * 64, "\ud7ff"])
async def test_no_action_without_the_token_of_the_session(bart: Clerk, csrf: str) -> None:
    for path in _paths("POST"):
        if not path.endswith(("/join", "/documenten")):  # of the latter the token stands in the file's own form
            answer = await bart.client.post(path, data={"csrf": csrf}, allow_redirects=False)
            assert answer.status == 403, path


async def test_no_action_from_another_website(bart: Clerk) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    for path in ("/balie/aanmelden", *_paths("POST")):
        answer = await bart.client.post(path, data={"csrf": bart.token}, headers=headers, allow_redirects=False)
        assert answer.status == 403, path


async def test_the_token_of_somebody_else_is_worth_nothing(
    desk: DeskSite, bart: Clerk, aiohttp_client: AiohttpClient
) -> None:
    els = Clerk(await aiohttp_client(desk.app))
    await els.sign_in("els")
    assert els.token != bart.token
    await bart.send("/balie/afmelden", 403, csrf=els.token)


async def test_every_page_of_the_desk_stays_out_of_caches(bart: Clerk) -> None:
    for path in _paths("GET"):
        answer = await bart.client.get(path, allow_redirects=False)
        assert answer.headers["Cache-Control"] == "no-store", path
        assert answer.headers["Referrer-Policy"] == "no-referrer", path


async def test_signing_in_leads_to_the_page_that_one_wanted(stranger: Clerk) -> None:
    form = {"login": " BART ", "wachtwoord": PASSWORD, "naar": "/balie/taken"}
    answer = await stranger.client.post("/balie/aanmelden", data=form, allow_redirects=False)
    assert answer.headers["Location"] == "/balie/taken"
    cookie = answer.cookies["balie"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/" and not cookie["max-age"]


@pytest.mark.parametrize("where", ["https://elders.example/balie", "//elders.example", "/afspraak", "/balie\\@x", ""])
async def test_signing_in_leads_nowhere_else(stranger: Clerk, where: str) -> None:
    form = {"login": "bart", "wachtwoord": PASSWORD, "naar": where}
    answer = await stranger.client.post("/balie/aanmelden", data=form, allow_redirects=False)
    assert answer.headers["Location"] == "/balie"


async def test_behind_https_the_cookie_is_bound_to_this_host(
    sqlite_store: Store, aiohttp_client: AiohttpClient
) -> None:
    site = await build_desk(sqlite_store, "https://balie.example.be")
    client = await aiohttp_client(site.app)
    form = {"login": "bart", "wachtwoord": PASSWORD}
    answer = await client.post("/balie/aanmelden", data=form, allow_redirects=False)
    cookie = answer.cookies["__Host-balie"]
    assert cookie["secure"] and cookie["httponly"] and cookie["path"] == "/" and not cookie["domain"]


@pytest.mark.parametrize(("login", "password"), [("bart", "verkeerd wachtwoord"), ("niemand", PASSWORD)])
async def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(
    stranger: Clerk, login: str, password: str
) -> None:
    answer = await stranger.client.post("/balie/aanmelden", data={"login": login, "wachtwoord": password})
    page = await answer.text()
    assert answer.status == 401 and "horen niet bij elkaar" in page
    assert password not in page and "balie" not in answer.cookies


@pytest.mark.parametrize("form", [{}, {"login": "bart"}, {"wachtwoord": "x"}, {"login": "x\ny", "wachtwoord": "x"}])
async def test_a_form_with_something_missing(stranger: Clerk, form: dict[str, str]) -> None:
    answer = await stranger.client.post("/balie/aanmelden", data=form)
    assert answer.status == 422


async def test_who_guesses_waits(desk: DeskSite, stranger: Clerk) -> None:
    for _ in range(5):
        assert (await stranger.sign_in("bart", "verkeerd wachtwoord")).status == 401
    answer = await stranger.sign_in("bart")
    assert answer.status == 429 and answer.headers["Retry-After"] == "60"
    assert "Probeer het opnieuw over 1 minuut" in await answer.text()
    desk.clock.now_s += 60
    assert (await stranger.sign_in("bart")).status == 303


async def test_a_closed_account_is_out_at_once(desk: DeskSite, bart: Clerk) -> None:
    await bart.get("/balie")
    await desk.store.write(accounts.disable, desk.now_s, desk.office.bart, "system")
    await bart.get("/balie", 303)
    assert (await bart.sign_in("bart")).status == 401


async def test_signing_in_gives_a_new_session_and_ends_the_old_one(desk: DeskSite, bart: Clerk) -> None:
    cookies = bart.client.session.cookie_jar.filter_cookies(bart.client.make_url("/"))
    old = cookies["balie"].value
    await bart.sign_in("bart")
    kept = await desk.store.read(lambda tx: tx.execute(select(staff_session)).all())
    assert len(kept) == 1
    bart.client.session.cookie_jar.clear()
    answer = await bart.client.get("/balie", cookies={"balie": old}, allow_redirects=False)
    assert answer.status == 303


@pytest.mark.parametrize("later_s", [IDLE_S, ABSOLUTE_S])
async def test_a_session_ends_by_itself(desk: DeskSite, bart: Clerk, later_s: int) -> None:
    desk.clock.now_s += later_s
    await bart.get("/balie", 303)


async def test_work_keeps_a_session_until_the_day_is_over(desk: DeskSite, bart: Clerk) -> None:
    for _ in range(11):
        desk.clock.now_s += 3600
        await bart.get("/balie")
    desk.clock.now_s += 3600
    await bart.get("/balie", 303)


async def test_signing_out(desk: DeskSite, bart: Clerk) -> None:
    cookies = bart.client.session.cookie_jar.filter_cookies(bart.client.make_url("/"))
    old = cookies["balie"].value
    assert await bart.send("/balie/afmelden") == "/balie/aanmelden?uit=1"
    await bart.get("/balie", 303)
    answer = await bart.client.get("/balie", cookies={"balie": old}, allow_redirects=False)
    assert answer.status == 303, "the cookie is worth nothing any more"
    assert "U bent afgemeld" in await bart.get("/balie/aanmelden?uit=1")


async def test_a_session_elsewhere_is_ended(desk: DeskSite, bart: Clerk, aiohttp_client: AiohttpClient) -> None:
    elsewhere = Clerk(await aiohttp_client(desk.app))
    await elsewhere.sign_in("bart")
    assert (await bart.get("/balie/sessies")).count('name="sessie"') == 3, "two sessions, and all but this one"
    assert await bart.send("/balie/sessies/intrekken", sessie="andere") == "/balie/sessies?gedaan=sessie"
    await elsewhere.get("/balie", 303)
    await bart.get("/balie")


async def test_ones_own_session_is_ended_from_the_list(desk: DeskSite, bart: Clerk) -> None:
    row = await desk.store.read(lambda tx: tx.execute(select(staff_session.c.token_hash)).one())
    assert await bart.send("/balie/sessies/intrekken", sessie=row.token_hash.hex()) == "/balie/aanmelden?uit=1"
    await bart.get("/balie", 303)


@pytest.mark.parametrize("which", ["", "x" * 64, "00" * 32, "alles"])
async def test_a_session_that_is_none_ends_nothing(bart: Clerk, which: str) -> None:
    await bart.send("/balie/sessies/intrekken", sessie=which)
    await bart.get("/balie")


async def test_another_password(desk: DeskSite, bart: Clerk, aiohttp_client: AiohttpClient) -> None:
    elsewhere = Clerk(await aiohttp_client(desk.app))
    await elsewhere.sign_in("bart")
    page = await bart.send("/balie/sessies/wachtwoord", 422, huidig="verkeerd wachtwoord", nieuw="zes groene fietsen")
    assert "Dit is niet uw huidige wachtwoord" in page and "zes groene fietsen" not in page
    page = await bart.send("/balie/sessies/wachtwoord", 422, huidig=PASSWORD, nieuw="kort")
    assert "Kies een langer wachtwoord" in page
    await bart.send("/balie/sessies/wachtwoord", huidig=PASSWORD, nieuw="zes groene fietsen")
    await elsewhere.get("/balie", 303)
    await bart.get("/balie")
    assert (await elsewhere.sign_in("bart")).status == 401
    assert (await elsewhere.sign_in("bart", "zes groene fietsen")).status == 303


async def test_the_audit_knows_who_came_and_went(desk: DeskSite, bart: Clerk) -> None:
    await bart.send("/balie/afmelden")
    rows = await desk.store.read(
        lambda tx: tx.execute(select(audit.c.actor, audit.c.action).order_by(audit.c.id)).all()
    )
    actor = f"staff:{desk.office.bart}"
    assert rows[-2:] == [(actor, "staff.signed_in"), (actor, "staff.signed_out")]


async def test_a_photo_of_oneself(desk: DeskSite, bart: Clerk) -> None:
    jpeg = b"\xff\xd8\xff\xe0" + bytes(1000)
    url = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    assert await bart.send("/balie/sessies/foto", foto=url) == "/balie/sessies?gedaan=foto"
    assert url in await bart.get("/balie/sessies")
    assert await desk.store.read(photos.url, desk.office.bart) == url
    assert await desk.store.read(photos.url, desk.office.els) == ""
    for wrong in (
        "",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png;base64,/9j/4A==",
        "data:image/jpeg;base64,***",
        f"data:image/jpeg;base64,{base64.b64encode(jpeg * 41).decode()}",
    ):
        assert 'id="foto-error"' in await bart.send("/balie/sessies/foto", 422, foto=wrong)
    await bart.send("/balie/sessies/foto", doe="weg")
    assert url not in await bart.get("/balie/sessies")
