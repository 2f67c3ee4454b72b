"""Forms of other websites: refused by the browser's own word; forms of staff carry a token of their session as well."""

from __future__ import annotations

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from balie.booking.links import LinkKey
from balie.store.engine import Store
from tests.support.townhall import Client, townhall
from web import csrf
from web.problems import Refused

OURS = "https://balie.example.be"
KEY = LinkKey(b"k" * 32)


@pytest.fixture
async def client(sqlite_store: Store, aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(townhall(sqlite_store, OURS).app)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": OURS},
        # What Chromium and Firefox send from a page that says no-referrer, as ours do.
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": OURS},
        {"Origin": "null"},
        {},
    ],
)
async def test_our_own_forms(client: Client, headers: dict[str, str]) -> None:
    response = await client.post("/taal", data={"taal": "fr"}, headers=headers, allow_redirects=False)
    assert response.status == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": OURS},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://andere.example.be"},
        {"Sec-Fetch-Site": "anything"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "http://balie.example.be"},
        {"Origin": f"{OURS}.evil.example"},
        {"Origin": ""},
        {"Origin": "http://evil.example", "Host": "evil.example"},
    ],
)
@pytest.mark.parametrize("path", ["/taal", "/afspraak/nieuw/tijd", "/afspraak/nieuw/gegevens"])
async def test_forms_of_others(client: Client, headers: dict[str, str], path: str) -> None:
    response = await client.post(path, data={"taal": "fr"}, headers=headers, allow_redirects=False)
    assert response.status == 403
    assert "Set-Cookie" not in response.headers


def test_a_token_is_of_one_session() -> None:
    token = csrf.token(KEY, "sessie")
    csrf.check_token(KEY, "sessie", token)
    assert "sessie" not in token
    for session, found in (("andere", token), ("sessie", ""), ("sessie", token[:-1]), ("sessie", "é\ud800")):
        with pytest.raises(Refused):
            csrf.check_token(KEY, session, found)
    with pytest.raises(Refused):
        csrf.check_token(LinkKey(b"l" * 32), "sessie", token)
