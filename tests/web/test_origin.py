"""Requests of other websites: refused where they would change something or open a connection."""

from __future__ import annotations

import pytest
from aiohttp import WSServerHandshakeError
from pytest_aiohttp.plugin import AiohttpClient

from tests.support.site import PUBLIC_URL, Client, Site, build_site

OURS: list[dict[str, str]] = [
    {},
    {"Origin": PUBLIC_URL},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL},
]
OTHERS = [
    {"Origin": "https://evil.example"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "anything"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://balie.example.be"},
    {"Origin": f"{PUBLIC_URL}.evil.example"},
    {"Origin": f"{PUBLIC_URL}:8443"},
    {"Origin": f"{PUBLIC_URL}, https://evil.example"},
    {"Origin": "http://evil.example", "Host": "evil.example"},
    {"Origin": "http://evil.example:80", "Host": "evil.example:80"},
]


@pytest.mark.parametrize("headers", OURS)
async def test_our_page_and_programs_may(client: Client, site: Site, headers: dict[str, str]) -> None:
    assert (await client.post(f"{site.links['open']}/join", headers=headers)).status == 200
    async with client.ws_connect("/ws", headers=headers) as socket:
        assert not socket.closed


@pytest.mark.parametrize("headers", OTHERS)
async def test_others_may_not(client: Client, site: Site, headers: dict[str, str]) -> None:
    """The last two: a name of theirs that points here (DNS rebinding)."""
    response = await client.post(f"{site.links['open']}/join", headers=headers)
    assert response.status == 403
    assert await response.json() == {
        "title": "Forbidden",
        "detail": "Dit verzoek komt van een andere website.",
        "status": 403,
    }
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/ws", headers=headers)
    assert refused.value.status == 403
    assert site.counts()["connections"] == 0


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "192.0.2.7", "10.0.0.1:80"])
async def test_a_look_by_address_is_a_look_at_our_page(client: Client, site: Site, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert (await client.post(f"{site.links['open']}/join", headers=headers)).status == 200
    headers["Origin"] = "http://127.0.0.2"
    assert (await client.post(f"{site.links['open']}/join", headers=headers)).status == 403


async def test_reading_is_free(client: Client, site: Site) -> None:
    """A link in a web mail is a cross-site navigation."""
    for path in ("/", site.links["open"], "/call", "/healthz"):
        assert (await client.get(path, headers={"Sec-Fetch-Site": "cross-site"})).status == 200


async def test_the_port_of_the_scheme_goes_without_saying(aiohttp_client: AiohttpClient) -> None:
    site = build_site("https://balie.example.be:443")
    client = await aiohttp_client(site.balie.web)
    assert (await client.post(f"{site.links['open']}/join", headers={"Origin": PUBLIC_URL})).status == 200
