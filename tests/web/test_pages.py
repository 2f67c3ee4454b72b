"""The pages of a visit: start, the door behind a personal link, and the exchange of that link for a join token."""

from __future__ import annotations

import pytest
import structlog

from media.core.model import RoomId
from tests.support.site import HOUR_S, PHONE, Client, Site, enter
from web import keys

PAGE = {"Accept": "text/html"}


@pytest.mark.parametrize("path", ["/", "/call", "{open}", "{early}", "{over}", "{unknown}"])
async def test_every_page_says_where_one_is_and_whom_to_call(client: Client, site: Site, path: str) -> None:
    response = await client.get(path.format(**site.links), headers=PAGE)
    text = await response.text()
    assert response.content_type == "text/html"
    assert '<html lang="nl">' in text
    assert "Gemeente Testergem" in text
    assert PHONE in text.replace("\u00a0", " ")


async def test_an_open_link_is_the_call_page_of_that_person(client: Client, site: Site) -> None:
    response = await client.get(site.links["open"])
    text = await response.text()
    assert response.status == 200
    assert "An Peeters" in text
    assert f'{site.links["open"]}/join"' in text


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("early", 425, "De deur is nog niet open"),
        ("over", 410, "Deze afspraak is voorbij"),
        ("unknown", 404, "We kennen deze link niet"),
    ],
)
async def test_a_closed_link_says_why_and_not_whose(
    client: Client, site: Site, state: str, status: int, words: str
) -> None:
    """Also to programs: a link is for a person."""
    response = await client.get(site.links[state])
    text = await response.text()
    assert (response.status, response.content_type) == (status, "text/html")
    assert words in text
    assert "Peeters" not in text
    assert response.headers.get("Retry-After") == (str(HOUR_S) if state == "early" else None)


async def test_a_door_opens_and_closes_with_time(client: Client, site: Site) -> None:
    path = site.links["early"]
    for later_s, status in ((HOUR_S - 1, 425), (1, 200), (2 * HOUR_S - 1, 200), (1, 410)):
        site.clock.now_s += later_s
        assert (await client.get(path)).status == status


async def test_looking_twenty_times_changes_nothing(client: Client, site: Site) -> None:
    """Mail scanners open links, and so do previews of chat programs."""
    before = site.counts()
    pages = set()
    for _ in range(20):
        for state in site.links:
            pages.add(await (await client.get(site.links[state])).text())
            assert (await client.head(site.links[state])).status in (200, 404, 410, 425)
    assert len(pages) == len(site.links), "the same page every time"
    assert site.counts() == before
    assert (await client.post(f"{site.links['open']}/join")).status == 200


async def test_a_link_is_exchanged_for_a_token_that_the_hub_takes(client: Client, site: Site) -> None:
    response = await client.post(f"{site.links['open']}/join")
    body = await response.json()
    assert (response.status, body["ws"]) == (200, "/ws")
    _, welcome = await enter(client, body["token"])
    assert (welcome["room"], welcome["you"]["name"], welcome["you"]["role"]) == ("loket", "An Peeters", "citizen")
    assert welcome["can"]["moderate"] is False
    assert site.balie.hub.rooms.find(RoomId("loket"), welcome["you"]["id"]) is not None


async def test_a_token_is_for_now(client: Client, site: Site) -> None:
    token = (await (await client.post(f"{site.links['open']}/join")).json())["token"]
    site.clock.now_s += 131  # two minutes and the leeway between two clocks
    socket = await client.ws_connect("/ws")
    await socket.send_json({"type": "hello", "v": 1, "token": token})
    assert (await socket.receive_json())["code"] == "token_expired"


@pytest.mark.parametrize(("state", "status"), [("early", 425), ("over", 410), ("unknown", 404)])
async def test_a_closed_link_gives_no_token(client: Client, site: Site, state: str, status: int) -> None:
    response = await client.post(f"{site.links[state]}/join")
    body = await response.json()
    assert (response.status, response.content_type) == (status, "application/problem+json")
    assert (body["title"], body["opens_in_s"]) == (state, HOUR_S if state == "early" else 0)
    assert response.headers.get("Retry-After") == (str(HOUR_S) if state == "early" else None)
    assert "token" not in body


@pytest.mark.parametrize(
    "token", ["x" * 5000, "..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "a b", "%F0%9F%98%80", "<script>", "{token}"]
)
async def test_any_text_may_be_asked_for(client: Client, token: str) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await client.get(f"/g/{token}", headers=PAGE)
        assert response.status == 404
        assert "<script>" not in (await response.text()).partition("<body")[2]
        assert (await client.post(f"/g/{token}/join")).status == 404
    assert logs == []


async def test_a_visit_logs_nothing_at_all(client: Client, site: Site) -> None:
    """The first line of defence: what is not said needs no redaction."""
    with structlog.testing.capture_logs() as logs:
        for state in site.links:
            await client.get(site.links[state])
            await client.post(f"{site.links[state]}/join")
        await enter(client, site.token())
        await client.post("/whip/loket", headers={"Authorization": f"Bearer {site.token()}"})
    assert logs == []


async def test_a_crash_at_the_door_does_not_say_whose_door(client: Client, site: Site) -> None:
    class Broken:
        async def visit(self, token: str, now_s: float) -> keys.Visit:
            raise LookupError(token)

        async def entered(self, visit: keys.Visit, now_s: float) -> str:
            raise AssertionError("nobody came in")

    with pytest.warns(DeprecationWarning, match="Changing state of started"):
        site.balie.web[keys.LINKS] = Broken()
    with structlog.testing.capture_logs() as logs:
        assert (await client.get(site.links["open"])).status == 500
        assert (await client.post(f"{site.links['open']}/join")).status == 500
    assert [entry["route"] for entry in logs] == ["/g/{token}", "/g/{token}/join"]
    for entry in logs:
        assert set(entry) == {"event", "log_level", "method", "route", "exc_info"}
