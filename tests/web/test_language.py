"""Dutch first; another language by choice, for as long as the browser is open, and back to where one was."""

from __future__ import annotations

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from balie.store.engine import Store
from tests.support.townhall import Client, page_of, townhall
from web.language import local

OURS = "https://balie.example.be"


@pytest.fixture
async def client(sqlite_store: Store, aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(townhall(sqlite_store, OURS).app)


async def choose(client: Client, language: str, back: str = "/") -> tuple[int, str, str]:
    """Status, where to, and the cookie."""
    response = await client.post("/taal", data={"taal": language, "terug": back}, allow_redirects=False)
    return response.status, response.headers["Location"], response.headers.get("Set-Cookie", "")


async def test_dutch_unless_somebody_chooses(client: Client) -> None:
    """The law wants Dutch here, whatever a browser prefers."""
    page = await page_of(await client.get("/", headers={"Accept-Language": "fr"}))
    assert '<html lang="nl">' in page
    assert 'value="nl" lang="nl" aria-current="true"' in page
    status, location, cookie = await choose(client, "fr", "/afspraak/nieuw?product=x")
    assert (status, location) == (303, "/afspraak/nieuw?product=x")
    page = await page_of(await client.get("/", headers={"Cookie": cookie.partition(";")[0]}))
    assert '<html lang="fr">' in page
    assert 'value="fr" lang="fr" aria-current="true"' in page


async def test_the_cookie_is_for_this_visit_and_holds_nothing_else(client: Client) -> None:
    _, _, cookie = await choose(client, "de")
    parts = {part.strip() for part in cookie.split(";")}
    assert parts == {"taal=de", "HttpOnly", "Path=/", "SameSite=Lax", "Secure"}, "no Max-Age: the session's"


@pytest.mark.parametrize("language", ["", "xx", "nl-BE", "x" * 5000, "fr\r\nSet-Cookie: a=b"])
async def test_a_language_that_is_none(client: Client, language: str) -> None:
    assert (await choose(client, language))[2] == ""
    page = await page_of(await client.get("/", headers={"Cookie": "taal=xx"}))
    assert '<html lang="nl">' in page


@pytest.mark.parametrize(
    "path", ["/", "/a/abc", "/afspraak/nieuw/tijd?product=a&dag=2026-12-08", "/?zoek=https://evil.example"]
)
def test_back_to_a_page_of_ours(path: str) -> None:
    assert local(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\r\nSet-Cookie: a=b",
        "evil.example",
        " /",
        "http:/evil.example",
        "//[::1",
    ],
)
def test_and_to_nobody_else_s(path: str) -> None:
    assert local(path) == "/"
