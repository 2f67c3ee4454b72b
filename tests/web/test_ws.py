"""GET /ws with real WebSockets: what is answered, what ends the connection, and with which code."""

from __future__ import annotations

import asyncio
import json

import pytest
import structlog
from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType
from aiohttp.test_utils import TestClient, TestServer

import web.ws
from signalling.messages import MESSAGE_MAX
from tests.support.site import WAIT_S, Client, Site, closed, enter, heard, raw, until

HELLO_US = 5_000_000
RESUME_US = 30_000_000


async def error_of(socket: ClientWebSocketResponse) -> tuple[str, bool]:
    message = await heard(socket, "error")
    return message["code"], message["fatal"]


async def test_hello_and_two_people(client: Client, site: Site) -> None:
    an, welcome = await enter(client, site.token("an"))
    assert (welcome["you"]["id"], welcome["participants"], welcome["resumed"]) == ("an", [], False)
    bo, welcome = await enter(client, site.token("bo"))
    assert [each["id"] for each in welcome["participants"]] == ["an"]
    assert (await heard(an, "joined"))["participant"]["name"] == "Bo"
    await bo.send_json({"type": "leave"})
    assert (await heard(bo, "bye"))["reason"] == "left"
    assert await closed(bo) == 1000
    assert (await heard(an, "left"))["participant"] == "bo"


@pytest.mark.parametrize(
    ("text", "code", "close"),
    [
        ('{"type": "ping", "at": 1}', "wrong_order", 4005),
        ('{"type": "leave"}', "wrong_order", 4005),
        ('{"type": "hello", "v": 1, "token": "x.y.z"}', "token_invalid", 4006),
        ('{"type": "hello", "v": 2, "token": ""}', "unsupported", 4011),
        (
            '{"type":"hello","v":1,"token":"","resume":{"session":"x","secret":"y","seen":1}}',
            "not_found",
            4012,
        ),
        ("x" * (MESSAGE_MAX + 1), "too_large", 4003),
    ],
)
async def test_a_bad_beginning_is_the_end(client: Client, site: Site, text: str, code: str, close: int) -> None:
    socket = await client.ws_connect("/ws")
    await socket.send_str(text)
    assert await error_of(socket) == (code, True)
    assert await closed(socket) == close
    await until(lambda: site.counts()["connections"] == 0)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"type": "dance"}', '{"type": 1}', "\u2028", "\x00"])
async def test_nonsense_is_answered_and_the_call_goes_on(client: Client, site: Site, text: str) -> None:
    socket, _ = await enter(client, site.token())
    await socket.send_str(text)
    code, fatal = await error_of(socket)
    assert code in ("bad_message", "unknown_type")
    assert not fatal
    await socket.send_json({"type": "ping", "at": 7})
    assert (await heard(socket, "pong"))["at"] == 7


async def test_hello_twice_is_once_too_often(client: Client, site: Site) -> None:
    socket, _ = await enter(client, site.token())
    await socket.send_json({"type": "hello", "v": 1, "token": site.token()})
    assert await error_of(socket) == ("wrong_order", True)
    assert await closed(socket) == 4005
    assert site.counts()["sessions"] == 0


@pytest.mark.parametrize(
    ("data", "kind", "close"),
    [
        (json.dumps({"type": "ping", "at": 1}).encode(), WSMsgType.BINARY, 1003),
        (b"\xff\xfe", WSMsgType.TEXT, 1007),
        (b"x" * (2 * MESSAGE_MAX), WSMsgType.TEXT, 1009),
    ],
    ids=["binary", "no UTF-8", "far too large"],
)
async def test_what_is_no_message_closes_and_may_be_resumed(
    client: Client, site: Site, data: bytes, kind: WSMsgType, close: int
) -> None:
    """The WebSocket's own codes (RFC 6455 7.4.1).  The person stays: a proxy may have mangled a frame."""
    socket, welcome = await enter(client, site.token())
    await socket.send_frame(data, kind)
    assert await closed(socket) == close
    await until(lambda: site.counts()["connections"] == 0)
    assert site.counts()["sessions"] == 1
    again = await client.ws_connect("/ws")
    resume = {"session": welcome["session"], "secret": welcome["secret"], "seen": welcome["n"]}
    await again.send_json({"type": "hello", "v": 1, "token": "", "resume": resume})
    assert (await heard(again, "welcome"))["resumed"] is True


async def test_a_flood_ends_the_flooder_only(client: Client, site: Site) -> None:
    quiet, _ = await enter(client, site.token("bo"))
    socket, _ = await enter(client, site.token("an"))
    for number in range(200):
        await socket.send_json({"type": "ping", "at": number})
    assert await error_of(socket) == ("rate_limited", True)
    assert await closed(socket) == 4004
    assert (await heard(quiet, "left"))["participant"] == "an"
    await quiet.send_json({"type": "ping", "at": 1})
    assert (await heard(quiet, "pong"))["at"] == 1


async def test_who_says_nothing_goes(client: Client, site: Site) -> None:
    socket = await client.ws_connect("/ws")
    talker, _ = await enter(client, site.token())
    await until(lambda: site.counts()["connections"] == 2)
    site.balie.hub.poll(site.balie.media.now_us() + HELLO_US + 1)
    site.flush()
    assert await error_of(socket) == ("wrong_order", True)
    assert await closed(socket) == 4005
    await talker.send_json({"type": "ping", "at": 1})
    assert await heard(talker, "pong")


async def test_a_lost_person_is_waited_for_and_then_gone(client: Client, site: Site) -> None:
    bo, _ = await enter(client, site.token("bo"))
    an, _ = await enter(client, site.token("an"))
    await an.close()
    await until(lambda: site.counts()["connections"] == 1)
    assert site.counts()["participants"] == 2
    site.balie.hub.poll(site.balie.media.now_us() + RESUME_US + 1)
    site.flush()
    assert (await heard(bo, "left"))["reason"] == "lost"


async def test_a_phone_that_vanished_is_noticed(client: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers no ping.  Its connection goes, its place is kept for a while."""
    monkeypatch.setattr(web.ws, "HEARTBEAT_S", 0.05)
    socket = await client.ws_connect("/ws", autoping=False)
    await socket.send_json({"type": "hello", "v": 1, "token": site.token()})
    await heard(socket, "lobby")
    pinged: WSMessage = await socket.receive(WAIT_S)
    assert pinged.type is WSMsgType.PING
    assert await closed(socket) == 1006
    assert (site.counts()["connections"], site.counts()["sessions"]) == (0, 1)


async def test_a_page_that_stays_is_not_disturbed(client: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.ws, "HEARTBEAT_S", 0.01)
    socket, _ = await enter(client, site.token())
    await heard(socket, "lobby")
    with pytest.raises(TimeoutError):  # nothing to hear in ten beats, which are answered meanwhile
        async with asyncio.timeout(0.1):
            await socket.receive()
    await until(lambda: site.counts()["connections"] == 1)


async def test_a_mistake_of_ours_is_told_and_logged(
    client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the one connection only, in whole frames, and without what was said on it."""

    def fail(*_: object) -> None:
        raise RuntimeError("a mistake")

    an, _ = await enter(client, site.token("an"))
    bo, _ = await enter(client, site.token("bo"))
    with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr(site.balie.hub._streams, "mute", fail)
        await an.send_json({"type": "mute", "source": "camera", "muted": True})
        assert await error_of(an) == ("internal", True)
        assert await closed(an) == 4013
    (entry,) = logs
    assert entry.pop("exc_info")
    assert entry == {"event": "request_failed", "log_level": "error", "method": "GET", "route": "/ws"}
    assert (await heard(bo, "left"))["participant"] == "an"
    await until(lambda: site.counts()["connections"] == 1)


@pytest.mark.parametrize("headers", [b"", b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b"Upgrade: websocket\r\n"])
async def test_no_websocket_is_told_to_become_one(client: Client, site: Site, headers: bytes) -> None:
    answer = await raw(client, b"GET /ws HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"Upgrade: websocket\r\n" in answer
    assert site.counts()["connections"] == 0


async def test_a_stop_closes_strangers_too(site: Site) -> None:
    async with TestClient(TestServer(site.balie.web)) as client:
        stranger = await client.ws_connect("/ws")
        socket, _ = await enter(client, site.token())
        await until(lambda: site.counts()["connections"] == 2)
        async with asyncio.timeout(WAIT_S):
            stopping = asyncio.create_task(client.server.close())
            assert (await heard(socket, "bye"))["reason"] == "draining"
            assert await closed(socket) == 1000
            assert await closed(stranger) == 1001
            await stopping
    assert site.counts()["connections"] == site.counts()["sessions"] == 0


async def test_nobody_new_while_calls_end(client: Client, site: Site) -> None:
    socket, welcome = await enter(client, site.token("an"))
    site.balie.hub.draining = True
    stranger = await client.ws_connect("/ws")
    await stranger.send_json({"type": "hello", "v": 1, "token": site.token("bo")})
    assert await error_of(stranger) == ("draining", True)
    assert await closed(stranger) == 4014
    await socket.close()
    again = await client.ws_connect("/ws")
    resume = {"session": welcome["session"], "secret": welcome["secret"], "seen": welcome["n"]}
    await again.send_json({"type": "hello", "v": 1, "token": "", "resume": resume})
    assert (await heard(again, "welcome"))["resumed"] is True
