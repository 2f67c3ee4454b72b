"""The pump: messages in order, each socket at its own pace, and an end to patience with those that do not read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio
from aiohttp import web

from media.core.model import ParticipantId, RoomId, SpeakersChanged
from signalling.hub import Hub, Outgoing
from tests.support.site import WAIT_S, Client, Site, enter, heard, until
from web.pump import QUEUE_BYTES_MAX, QUEUE_MAX, Pump


class Speaker:
    """A hub that says what the test puts into it."""

    def __init__(self) -> None:
        self.outgoing: list[Outgoing] = []
        self.changes = 0

    def take_outgoing(self) -> list[Outgoing]:
        taken, self.outgoing = self.outgoing, []
        return taken


class Socket:
    """A WebSocket that takes messages while it is open for them."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.taken: list[str | int] = []
        self.cuts = 0
        self.broken: Exception | None = None

    async def send_str(self, text: str) -> None:
        await self.reads.wait()
        if self.broken is not None:
            raise self.broken
        self.taken.append(text)

    async def close(self, *, code: int) -> None:
        await self.reads.wait()
        self.taken.append(code)

    def cut(self) -> None:
        self.cuts += 1


class Bench:
    def __init__(self) -> None:
        self.hub = Speaker()
        self.pump = Pump(cast(Hub, self.hub))
        self.sockets: dict[int, Socket] = {}

    def open(self, number: int, *, reads: bool = True) -> Socket:
        made = self.sockets[number] = Socket()
        if reads:
            made.reads.set()
        self.pump.open(number, cast(web.WebSocketResponse, made), made.cut)
        return made

    def say(self, number: int, *texts: str, close: int | None = None) -> None:
        self.hub.outgoing += [Outgoing(number, text.encode()) for text in texts]
        if close is not None:
            self.hub.outgoing.append(Outgoing(number, b"", close))
        self.pump.flush()


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    for number in made.sockets:
        await made.pump.close(number)


async def test_in_order_and_the_close_last(bench: Bench) -> None:
    fast = bench.open(1)
    bench.say(1, "a", "b")
    bench.say(1, "c", close=4005)
    await until(lambda: len(fast.taken) == 4)
    assert fast.taken == ["a", "b", "c", 4005]


async def test_one_that_does_not_read_holds_nobody_up(bench: Bench) -> None:
    slow, fast = bench.open(1, reads=False), bench.open(2)
    bench.say(1, "for the slow one")
    bench.say(2, "for the fast one")
    await until(lambda: fast.taken == ["for the fast one"])
    assert slow.taken == []
    slow.reads.set()
    await until(lambda: slow.taken == ["for the slow one"])


@pytest.mark.parametrize(
    ("text", "most"), [("x", QUEUE_MAX), ("x" * (1 << 20), QUEUE_BYTES_MAX >> 20)], ids=["many", "large"]
)
async def test_a_queue_has_an_end(bench: Bench, text: str, most: int) -> None:
    """The first message is with the socket already; what is over the limit cuts, once, and keeps nothing."""
    slow = bench.open(1, reads=False)
    bench.say(1, text)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    bench.say(1, *[text] * most)
    assert slow.cuts == 0
    bench.say(1, text)
    assert slow.cuts == 1
    await asyncio.sleep(0)
    bench.say(1, *[text] * 1000)
    slow.reads.set()
    await bench.pump.drained()
    assert (slow.cuts, slow.taken) == (1, [])


async def test_what_was_read_makes_room(bench: Bench) -> None:
    steady = bench.open(1)
    for number in range(3 * QUEUE_MAX):
        bench.say(1, f"{number:_>20000}")
        await until(lambda: len(steady.taken) == number + 1)  # noqa: B023 - waited for at once
    assert steady.cuts == 0


@pytest.mark.parametrize("broken", [ConnectionResetError(), RuntimeError("closed")])
async def test_a_broken_socket_ends_its_lane(bench: Bench, broken: Exception) -> None:
    gone, other = bench.open(1), bench.open(2)
    gone.broken = broken
    bench.say(1, "a", "b")
    await asyncio.sleep(0)
    bench.say(1, *["c"] * (QUEUE_MAX + 1))
    bench.say(2, "still here")
    await until(lambda: other.taken == ["still here"])
    assert gone.taken == []


async def test_messages_for_those_who_left_are_dropped(bench: Bench) -> None:
    gone = bench.open(1)
    await bench.pump.close(1)
    bench.say(1, "too late")
    bench.say(99, "to nobody")
    await bench.pump.close(1)
    assert gone.taken == []


async def test_a_goodbye_waits_for_readers_and_not_for_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.pump.GOODBYE_S", 0.05)
    fast, slow = bench.open(1), bench.open(2, reads=False)
    bench.say(1, "bye", close=1001)
    bench.say(2, "bye", close=1001)
    async with asyncio.timeout(WAIT_S):
        await bench.pump.drained()
    assert fast.taken == ["bye", 1001]
    assert slow.taken == []


async def silent(client: Client, token: str) -> socket.socket:
    """A WebSocket that says hello and never reads, with as little room in the kernel as it gives."""
    loop = asyncio.get_running_loop()
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    made.setblocking(False)
    await loop.sock_connect(made, ("127.0.0.1", client.port))
    hello = f'{{"type":"hello","v":1,"token":"{token}"}}'.encode()
    frame = b"\x81\xfe" + len(hello).to_bytes(2, "big") + bytes(4) + hello  # masked with zeros
    await loop.sock_sendall(
        made,
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + frame,
    )
    return made


async def test_a_real_slow_reader_is_cut_and_may_come_back(client: Client, site: Site) -> None:
    """Against a kernel that buffers some megabytes more.  Others hear everything meanwhile."""
    slow = await silent(client, site.token("slow"))
    try:
        await until(lambda: site.counts()["sessions"] == 1)
        listener, _ = await enter(client, site.token("bo"))
        crowd = tuple(ParticipantId(f"{number:_>128}") for number in range(500))
        said = 0
        async with asyncio.timeout(WAIT_S):
            while site.counts()["connections"] == 2:
                site.balie.media.on_events([SpeakersChanged(RoomId("loket"), crowd)])
                said += 1
                assert len((await heard(listener, "speakers"))["participants"]) == 500
        assert said * 128 * 500 < QUEUE_BYTES_MAX + (16 << 20)
        assert site.counts()["sessions"] == 2, "there for a resume"
    finally:
        slow.close()


async def test_a_resume_brings_more_than_a_queue_at_once(client: Client, site: Site) -> None:
    """200 messages that were missed go out in one flush, and are no reason to be cut."""
    _, welcome = await enter(client, site.token("an"))
    for number in range(150):
        who = (ParticipantId(f"p{number}"),)
        site.balie.media.on_events([SpeakersChanged(RoomId("loket"), who)])
    again: Any = await client.ws_connect("/ws")
    resume = {"session": welcome["session"], "secret": welcome["secret"], "seen": welcome["n"]}
    await again.send_json({"type": "hello", "v": 1, "token": "", "resume": resume})
    assert (await heard(again, "welcome"))["resumed"]
    missed = [(await heard(again, "speakers"))["participants"] for _ in range(150)]
    assert missed == [[f"p{number}"] for number in range(150)]
