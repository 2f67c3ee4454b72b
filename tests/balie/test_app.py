"""The parts together, in one process: a visit from link to goodbye, and what the logs say of it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
import structlog
from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from balie import log
from balie.app import Balie, let_calls_end
from balie.demo import build_demo, demo_settings
from media.core.model import ParticipantId, RoomId, SpeakersChanged

Client = TestClient[Any, Any]
NAMES = ("An Peeters", "Bart Claes", "Lies Peeters")


@pytest.fixture(autouse=True)
def lines() -> Iterator[io.StringIO]:
    """What is logged, at debug level: nobody turns redaction off by turning the level up."""
    root, access = logging.getLogger(), logging.getLogger("aiohttp.access")
    before = root.handlers[:], root.level, access.disabled
    stream = io.StringIO()
    log.set_up("debug", "json", stream)
    yield stream
    root.handlers[:], access.disabled = before[0], before[2]
    root.setLevel(before[1])
    structlog.reset_defaults()


@pytest.fixture
def demo() -> tuple[Balie, list[str]]:
    balie, urls = build_demo(demo_settings("127.0.0.1", 8080, 0))
    return balie, [re.sub(r"^http://localhost:\d+", "", url) for _, url in urls]


@pytest_asyncio.fixture
async def client(demo: tuple[Balie, list[str]]) -> AsyncIterator[Client]:
    async with TestClient(TestServer(demo[0].web)) as made:
        yield made


async def enter(client: Client, link: str) -> tuple[ClientWebSocketResponse, dict[str, Any]]:
    """Through the door: link, token, hello, welcome."""
    assert (await client.get(link)).status == 200
    joined = await (await client.post(f"{link}/join")).json()
    socket = await client.ws_connect(joined["ws"])
    await socket.send_json({"type": "hello", "v": 1, "token": joined["token"]})
    welcome = await heard(socket, "welcome")
    return socket, {**welcome, "token": joined["token"]}


async def heard(socket: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of a type."""
    async with asyncio.timeout(5):
        while True:
            message: dict[str, Any] = await socket.receive_json()
            if message["type"] == kind:
                return message


async def test_three_people_meet(client: Client, demo: tuple[Balie, list[str]]) -> None:
    entered = [await enter(client, link) for link in demo[1]]
    an, third = entered[0], entered[2]
    assert [await heard(an[0], "joined") for _ in range(2)]
    assert {person["name"] for person in third[1]["participants"]} == set(NAMES[:2])
    assert third[1]["you"]["label"] == "dochter"
    metrics = await (await client.get("/metrics")).text()
    assert "balie_participants 3.0" in metrics
    assert "balie_rooms 1.0" in metrics


async def test_a_link_may_be_looked_at_without_consequence(client: Client, demo: tuple[Balie, list[str]]) -> None:
    for _ in range(3):
        assert (await client.get(demo[1][0])).status == 200
    assert demo[0].hub.counts()["sessions"] == 0
    assert (await client.get("/g/unknown")).status == 404


async def test_media_events_reach_people_without_being_asked(client: Client, demo: tuple[Balie, list[str]]) -> None:
    socket, welcome = await enter(client, demo[1][0])
    somebody = ParticipantId(welcome["you"]["id"])
    demo[0].media.on_events([SpeakersChanged(RoomId(welcome["room"]), (somebody,))])
    assert (await heard(socket, "speakers"))["participants"] == [somebody]


async def test_a_stop_tells_everybody_first(demo: tuple[Balie, list[str]]) -> None:
    async with TestClient(TestServer(demo[0].web)) as client:
        demo[0].readiness.ready = True
        assert (await client.get("/readyz")).status == 200
        socket, _ = await enter(client, demo[1][0])
        stopping = asyncio.create_task(client.server.close())
        assert (await heard(socket, "bye"))["reason"] == "draining"
        assert (await socket.receive()).type is WSMsgType.CLOSE
        await stopping
        assert not demo[0].readiness.ready


async def test_nobody_new_is_let_in_while_calls_end(client: Client, demo: tuple[Balie, list[str]]) -> None:
    demo[0].hub.draining = True
    joined = await (await client.post(f"{demo[1][0]}/join")).json()
    socket = await client.ws_connect(joined["ws"])
    await socket.send_json({"type": "hello", "v": 1, "token": joined["token"]})
    assert (await heard(socket, "error"))["fatal"] is True


async def test_the_logs_of_a_visit_name_nobody(
    client: Client, demo: tuple[Balie, list[str]], lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, tokens, session descriptions and addresses: not in a good visit, a bad one, nor a crash."""
    balie, links = demo
    entered = [await enter(client, link) for link in links]
    socket, welcome = entered[0]
    sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nt=0 0\r\na=ice-pwd:geheimgeheimgeheimgeheim\r\n"
    for message in (
        {"type": "publish", "id": 1, "sdp": sdp, "tracks": []},
        {"type": "mute", "source": "camera", "muted": True},
        {"type": "moderate", "action": "end"},
        {"type": "An Peeters"},
    ):
        await socket.send_json(message)
    await socket.send_str("{")
    await client.post("/whip/kamer", data=sdp, headers={"Authorization": f"Bearer {welcome['token']}"})
    await client.get("/g/Peeters-Peeters-Peeters-Peeters")

    def crash(token: str, _: float) -> None:
        raise RuntimeError(f"crashed for {token} of 192.0.2.7 with {sdp!r}")

    monkeypatch.setattr(balie.links, "find", crash)
    assert (await client.get(links[0])).status == 500
    logging.getLogger("aioice.ice").info("%s - %s", "Connection(0)", ("192.0.2.7", 5000))
    await client.close()
    written = lines.getvalue()
    assert "request_failed" in written and "crashed for" in written, "a crash must be seen"
    for each in written.splitlines():
        json.loads(each)
    secrets = [*NAMES, "Peeters", "192.0.2.7", "127.0.0.1", "geheim", "IN IP4"]
    secrets += [link.rpartition("/")[2] for link in links]
    for _, told in entered:
        secrets += [*told["token"].split("."), told["session"], told["secret"]]
    assert [secret for secret in secrets if secret in written] == []


async def test_limits_of_the_settings_reach_the_rooms() -> None:
    settings = demo_settings("127.0.0.1", 8080, 0)
    settings = replace(settings, media=replace(settings.media, participants_max=2))
    balie, urls = build_demo(settings)
    async with TestClient(TestServer(balie.web)) as client:
        paths = [re.sub(r"^http://localhost:\d+", "", url) for _, url in urls]
        for path in paths[:2]:
            await enter(client, path)
        joined = await (await client.post(f"{paths[2]}/join")).json()
        socket = await client.ws_connect(joined["ws"])
        await socket.send_json({"type": "hello", "v": 1, "token": joined["token"]})
        assert (await heard(socket, "error"))["code"] == "room_full"


@pytest.mark.parametrize(
    ("drain_s", "people", "signals"),
    [(0, 3, 0), (7200, 0, 0), (7200, 3, 1)],
    ids=["no time is given", "nobody is there", "a second signal"],
)
async def test_a_drain_ends_early_when_there_is_nothing_to_wait_for(
    monkeypatch: pytest.MonkeyPatch, drain_s: int, people: int, signals: int
) -> None:
    settings = demo_settings("127.0.0.1", 8080, 0)
    balie, _ = build_demo(replace(settings, server=replace(settings.server, drain_s=drain_s)))
    monkeypatch.setattr(balie.hub, "counts", lambda: {"participants": people})
    came: asyncio.Queue[int] = asyncio.Queue()
    for _ in range(signals):
        came.put_nowait(15)
    async with asyncio.timeout(5):
        await let_calls_end(balie, came)
    assert balie.hub.draining
