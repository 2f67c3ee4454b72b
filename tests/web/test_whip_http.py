"""WHIP and WHEP as HTTP: status, headers and bodies as RFC 9725 and the WHEP draft say.  The rest is signalling's."""

from __future__ import annotations

import asyncio
import gzip
import re
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientResponse
from yarl import URL

import web.whip_http
from signalling.relays import Relays
from signalling.sdp import SDP_MAX
from tests.support.sdp import camera, chromium, microphone, watching
from tests.support.site import WAIT_S, Client, Site, enter, heard

OFFER = {"whip": chromium([microphone(), camera()]), "whep": chromium(watching(1, 1))}
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
RESTART = "a=ice-ufrag:nieuw\r\na=ice-pwd:nieuwnieuwnieuwnieuwnieuw\r\n"
TRICKLE = "a=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n"
KINDS = pytest.mark.parametrize("kind", ["whip", "whep"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def post(client: Client, kind: str, token: str, room: str = "loket", **more: Any) -> ClientResponse:
    headers = {"Content-Type": SDP, **bearer(token), **more.pop("headers", {})}
    return await client.post(f"/{kind}/{room}", data=more.pop("data", OFFER[kind]), headers=headers, **more)


@KINDS
async def test_turn_servers_stand_in_link_headers(client: Client, site: Site, kind: str) -> None:
    """RFC 9725 4.6: one for each URL; pages of other sites may read them."""
    assert "Link" not in (await post(client, kind, site.token("zoe"))).headers
    site.balie.hub.relays = Relays(("turn:turn.example.be", "turns:turn.example.be:443"), b"shared with the server")
    response = await post(client, kind, site.token())
    links = response.headers.getall("Link")
    assert [link.partition(";")[0] for link in links] == ["<turn:turn.example.be>", "<turns:turn.example.be:443>"]
    assert all('; rel="ice-server"; username="' in link for link in links)
    assert "Link" in response.headers["Access-Control-Expose-Headers"]


async def patch(client: Client, created: ClientResponse, token: str, fragment: str, **headers: str) -> ClientResponse:
    headers = {"Content-Type": FRAGMENT, **bearer(token), **{k.replace("_", "-"): v for k, v in headers.items()}}
    return await client.patch(created.headers["Location"], data=fragment, headers=headers)


async def problem(response: ClientResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    body = await response.json()
    assert body["status"] == response.status
    assert body["detail"]
    return response.status, body["title"]


@KINDS
async def test_created(client: Client, site: Site, kind: str) -> None:
    response = await post(client, kind, site.token())
    assert response.status == 201
    assert response.content_type == SDP
    assert (await response.text()).startswith("v=0\r\n")
    assert re.fullmatch(rf"/{kind}/loket/[\w-]{{22}}", response.headers["Location"])
    assert re.fullmatch(r'"[\w-]{12}"', response.headers["ETag"]), "strong (RFC 9725 4.3.1)"
    assert response.headers["Accept-Patch"] == FRAGMENT
    assert site.counts()["http"] == 1


@KINDS
@pytest.mark.parametrize("room", ["loket", "loket 3", "a/b", "100%", "é", "a?b#c", "+"])
async def test_the_location_leads_back(client: Client, site: Site, kind: str, room: str) -> None:
    """Whatever the room is called."""
    token = site.token(room=room)
    path = URL(f"/{kind}/{quote(room, safe='')}", encoded=True)
    created = await client.post(path, data=OFFER[kind], headers={"Content-Type": SDP, **bearer(token)})
    assert created.status == 201
    location = URL(created.headers["Location"], encoded=True)
    ended = await client.delete(location, headers=bearer(token))
    assert ended.status == 200
    assert site.counts()["http"] == 0


@KINDS
async def test_delete_ends_it_once(client: Client, site: Site, kind: str) -> None:
    """An ETag is of no interest here (RFC 9725 4.3)."""
    created = await post(client, kind, site.token())
    headers = {**bearer(site.token()), "If-Match": '"another"'}
    ended = await client.delete(created.headers["Location"], headers=headers)
    assert (ended.status, await ended.read()) == (200, b"")
    assert site.counts()["http"] == site.counts()["participants"] == 0
    again = await client.delete(created.headers["Location"], headers=headers)
    assert await problem(again) == (404, "not_found")


async def test_the_room_hears_of_it(client: Client, site: Site) -> None:
    """Without having to ask: the pump is flushed."""
    socket, _ = await enter(client, site.token("bo"))
    created = await post(client, "whip", site.token("cam"))
    assert (await heard(socket, "joined"))["participant"]["id"] == "cam"
    await client.delete(created.headers["Location"], headers=bearer(site.token("cam")))
    assert (await heard(socket, "left"))["participant"] == "cam"


@KINDS
@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, "Bearer"),
        ("", "Bearer"),
        ("Bearer", "Bearer"),
        ("Bearer ", "Bearer"),
        ("Basic YTpi", "Bearer"),
        ("Bearer x.y.z", 'Bearer error="invalid_token"'),
        ("bearer é", 'Bearer error="invalid_token"'),
        ("Bearer " + "x" * 5000, 'Bearer error="invalid_token"'),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_without_a_token_nothing(
    client: Client, site: Site, kind: str, authorization: str | None, challenge: str, method: str
) -> None:
    created = await post(client, kind, site.token())
    path = f"/{kind}/loket" if method == "POST" else created.headers["Location"]
    headers = {"Content-Type": SDP if method == "POST" else FRAGMENT, "If-Match": "*"}
    if authorization is not None:
        headers["Authorization"] = authorization
    body = {"POST": OFFER[kind], "PATCH": RESTART, "DELETE": None}[method]
    response = await client.request(method, path, data=body, headers=headers)
    assert await problem(response) == (401, "token_invalid")
    assert response.headers["WWW-Authenticate"] == challenge
    assert site.counts()["http"] == 1


@KINDS
async def test_a_token_of_another_room_or_time(client: Client, site: Site, kind: str) -> None:
    assert await problem(await post(client, kind, site.token(room="elders"))) == (403, "forbidden")
    old = site.token()
    site.clock.now_s += 131
    expired = await post(client, kind, old)
    assert await problem(expired) == (401, "token_expired")
    assert expired.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@KINDS
@pytest.mark.parametrize("given", ["", "text/plain", "application/json", "application/sdpx", FRAGMENT])
async def test_another_type_of_offer(client: Client, site: Site, kind: str, given: str) -> None:
    response = await post(client, kind, site.token(), headers={"Content-Type": given})
    assert (await problem(response))[0] == 415
    assert response.headers["Accept-Post"] == SDP


async def test_a_type_with_parameters_is_that_type(client: Client, site: Site) -> None:
    response = await post(client, "whip", site.token(), headers={"Content-Type": "Application/SDP; charset=utf-8"})
    assert response.status == 201


async def test_another_type_of_fragment(client: Client, site: Site) -> None:
    created = await post(client, "whip", site.token())
    response = await patch(client, created, site.token(), RESTART, If_Match="*", Content_Type=SDP)
    assert (await problem(response))[0] == 415
    assert response.headers["Accept-Patch"] == FRAGMENT


async def chunks(size: int) -> Any:
    """A body that does not say beforehand how long it is."""
    for _ in range(size // 1000):
        yield b"x" * 1000


@KINDS
@pytest.mark.parametrize("form", ["said", "chunked", "packed"])
async def test_too_large(client: Client, site: Site, kind: str, form: str) -> None:
    """A gzip of 64 MB of nothing is unpacked as far as is looked at."""
    match form:
        case "said":
            response = await post(client, kind, site.token(), data=b"v" * (SDP_MAX + 1))
        case "chunked":
            response = await post(client, kind, site.token(), data=chunks(SDP_MAX + 2000))
        case _:
            packed = gzip.compress(bytes(64 << 20))
            response = await post(client, kind, site.token(), data=packed, headers={"Content-Encoding": "gzip"})
    assert (await problem(response))[0] == 413
    assert response.headers["Connection"] == "close"


@KINDS
@pytest.mark.parametrize(
    ("data", "status"), [(b"", 400), (b"v=0", 422), (b"\xff\xfe", 400), (b"<sdp/>", 400), (b"v" * SDP_MAX, 400)]
)
async def test_no_offer(client: Client, site: Site, kind: str, data: bytes, status: int) -> None:
    assert (await problem(await post(client, kind, site.token(), data=data)))[0] == status
    assert site.counts()["http"] == site.counts()["participants"] == 0


async def test_a_body_that_trickles_in_is_not_waited_for(
    client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.whip_http, "BODY_S", 0.05)
    never = asyncio.Event()

    async def body() -> Any:
        yield b"v=0\r\n"
        await never.wait()

    async with asyncio.timeout(WAIT_S):
        response = await post(client, "whip", site.token(), data=body())
        assert (await problem(response))[0] == 408
        assert response.headers["Connection"] == "close"


@KINDS
async def test_candidates_are_taken_note_of(client: Client, site: Site, kind: str) -> None:
    created = await post(client, kind, site.token())
    for tag in (created.headers["ETag"], f'"x", {created.headers["ETag"]}', "*"):
        response = await patch(client, created, site.token(), TRICKLE, If_Match=tag)
        assert (response.status, await response.read()) == (204, b"")
        assert "ETag" not in response.headers, "RFC 9725 4.3.2"


@KINDS
async def test_which_ice_session_is_meant_must_be_said(client: Client, site: Site, kind: str) -> None:
    created = await post(client, kind, site.token())
    assert await problem(await patch(client, created, site.token(), TRICKLE)) == (428, "precondition_required")
    for tag in ('"older"', f"W/{created.headers['ETag']}", '""'):
        response = await patch(client, created, site.token(), TRICKLE, If_Match=tag)
        assert await problem(response) == (412, "precondition_failed")


@KINDS
async def test_an_ice_restart(client: Client, site: Site, kind: str) -> None:
    created = await post(client, kind, site.token())
    old = await created.text()
    response = await patch(client, created, site.token(), RESTART, If_Match="*")
    assert (response.status, response.content_type) == (200, FRAGMENT)
    text = await response.text()
    for name in ("ice-ufrag", "ice-pwd"):
        (mine,) = re.findall(rf"^a={name}:(\S+)\r$", text, re.MULTILINE)
        assert mine not in old
    assert "a=candidate:" in text
    assert "a=ice-lite\r\n" in text
    assert response.headers["ETag"] != created.headers["ETag"]
    late = await patch(client, created, site.token(), TRICKLE, If_Match=created.headers["ETag"])
    assert late.status == 412
    now = await patch(client, created, site.token(), TRICKLE, If_Match=response.headers["ETag"])
    assert now.status == 204


@pytest.mark.parametrize("fragment", ["nonsense", "a=ice-ufrag:x\r\na=ice-pwd:y\r\n", "a=b\r\n" * 300])
async def test_a_bad_fragment_changes_nothing(client: Client, site: Site, fragment: str) -> None:
    created = await post(client, "whip", site.token())
    assert await problem(await patch(client, created, site.token(), fragment, If_Match="*")) == (400, "bad_sdp")
    tag = created.headers["ETag"]
    assert (await patch(client, created, site.token(), TRICKLE, If_Match=tag)).status == 204


@KINDS
async def test_somebody_elses_connection(client: Client, site: Site, kind: str) -> None:
    created = await post(client, kind, site.token("an"))
    location = created.headers["Location"]
    assert await problem(await client.delete(location, headers=bearer(site.token("bo")))) == (403, "forbidden")
    other = "whep" if kind == "whip" else "whip"
    elsewhere = (location.replace(kind, other), location.replace("loket", "elders"), f"/{kind}/loket/x")
    for path in elsewhere:
        assert (await client.delete(path, headers=bearer(site.token("an")))).status in (403, 404)
    assert site.counts()["http"] == 1


@KINDS
async def test_draining(client: Client, site: Site, kind: str) -> None:
    created = await post(client, kind, site.token())
    site.balie.hub.draining = True
    refused = await post(client, kind, site.token("bo"))
    assert await problem(refused) == (503, "draining")
    assert int(refused.headers["Retry-After"]) == 60
    assert (await patch(client, created, site.token(), RESTART, If_Match="*")).status == 200, "calls go on"


@KINDS
async def test_one_person_has_an_end(client: Client, site: Site, kind: str) -> None:
    offer = chromium([microphone()]) if kind == "whip" else OFFER[kind]
    for _ in range(4):
        assert (await post(client, kind, site.token(), data=offer)).status == 201
    refused = await post(client, kind, site.token(), data=offer)
    assert await problem(refused) == (429, "rate_limited")
    assert "Retry-After" not in refused.headers, "waiting does not help"


@KINDS
async def test_nothing_to_look_at(client: Client, site: Site, kind: str) -> None:
    """RFC 9725 4.1: a GET is successful and empty; and says nothing of what exists."""
    created = await post(client, kind, site.token())
    for path in (f"/{kind}/loket", f"/{kind}/elders", created.headers["Location"], f"/{kind}/loket/x"):
        for method in ("GET", "HEAD"):
            response = await client.request(method, path)
            assert (response.status, await response.read()) == (204, b"")


@KINDS
async def test_what_is_taken_where(client: Client, kind: str) -> None:
    """OPTIONS without a token: browsers send none with it."""
    endpoint = await client.options(f"/{kind}/loket")
    assert (endpoint.status, endpoint.headers["Accept-Post"]) == (200, SDP)
    assert endpoint.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    session = await client.options(f"/{kind}/loket/x")
    assert (session.status, session.headers["Accept-Patch"]) == (200, FRAGMENT)
    assert session.headers["Allow"] == "GET, HEAD, OPTIONS, PATCH, DELETE"
    for path, method in ((f"/{kind}/loket", "PUT"), (f"/{kind}/loket", "DELETE"), (f"/{kind}/loket/x", "POST")):
        refused = await client.request(method, path)
        assert refused.status == 405
        assert method not in refused.headers["Allow"]


@KINDS
async def test_a_page_of_another_site_with_a_token_may(client: Client, site: Site, kind: str) -> None:
    """CORS (RFC 9725 4.2): preflight, the request itself, and its refusals, which the page must be able to read."""
    origin = {"Origin": "https://speler.example", "Sec-Fetch-Site": "cross-site"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = await client.options(f"/{kind}/loket", headers={**origin, **asked})
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "if-match"} <= set(allowed)
    for token, status in ((site.token(), 201), ("x", 401)):
        response = await post(client, kind, token, headers=origin)
        assert response.status == status
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
        assert {"Location", "ETag", "Retry-After"} <= exposed
    assert "Access-Control-Allow-Credentials" not in response.headers
    for path in ("/", site.links["open"], "/metrics"):
        assert "Access-Control-Allow-Origin" not in (await client.get(path, headers=origin)).headers
