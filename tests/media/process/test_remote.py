"""The media server in a process of its own: commands, events, and what becomes of it when that process dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from media.core.errors import LimitError
from media.core.model import (
    Codec,
    Event,
    ParticipantId,
    ReceiveSpec,
    RoomId,
    SendSpec,
    TransportConnected,
    TransportFailed,
    TransportId,
)
from media.core.settings import Settings
from media.io.binding import Binding
from media.process import remote
from media.process.remote import GENERATION, RemoteMedia
from tests.support.client import Client, TcpClient

SMALL = Settings(transports_max=4, tracks_max=4, subscriptions_max=8, history_rows=512, send_rows=64)
BINDING = Binding(settings=SMALL)
ROOM, AN = RoomId("loket"), ParticipantId("an")
VIDEO = ReceiveSpec("video", "camera", "0", Codec("VP8", 90_000), 96, ssrc=1234)
WAIT_S = 20.0


class Heard:
    """What a media server told."""

    def __init__(self, media: RemoteMedia) -> None:
        self.events: list[Event] = []
        self.lost = asyncio.Event()
        self._came = asyncio.Event()
        media.on_events, media.on_lost = self._hear, self.lost.set

    def _hear(self, events: list[Event]) -> None:
        self.events += events
        self._came.set()

    async def until(self, count: int) -> list[Event]:
        async with asyncio.timeout(WAIT_S):
            while len(self.events) < count:
                self._came.clear()
                await self._came.wait()
        return self.events


@pytest_asyncio.fixture
async def media() -> AsyncIterator[RemoteMedia]:
    made = RemoteMedia(BINDING)
    await made.start()
    yield made
    await made.close()


async def test_a_participant_publishes_and_another_watches(media: RemoteMedia) -> None:
    engine = media.engine
    here, ice = engine.open_transport(media.now_us())
    there, other = engine.open_transport(media.now_us())
    assert ice != other
    track = engine.add_track(here, ROOM, AN, VIDEO)
    outgoing = engine.add_subscription(there, track, SendSpec("0", 97))
    engine.set_subscription_paused(outgoing.subscription, True)
    engine.update_subscription(outgoing.subscription, SendSpec("0", 98))
    engine.set_track_muted(track, True)
    assert engine.track_spec(track) == VIDEO
    assert engine.restart_ice(here) != ice
    assert not engine.is_connected(here)
    totals = engine.totals()
    assert (totals["transports"], totals["tracks"], totals["subscriptions"]) == (2, 1, 1)
    assert set(engine.drops().values()) == {0}
    engine.remove_track(track)
    engine.close_transport(here)
    engine.close_transport(there)
    assert engine.totals()["transports"] == 0


async def test_of_what_is_gone_nothing_is_said(media: RemoteMedia) -> None:
    """To pause is not waited for, and may cross the end of what it is about: the next answer is of the next ask."""
    engine = media.engine
    here, _ = engine.open_transport(media.now_us())
    there, _ = engine.open_transport(media.now_us())
    track = engine.add_track(here, ROOM, AN, VIDEO)
    outgoing = engine.add_subscription(there, track, SendSpec("0", 97), paused=True)
    assert engine.totals()["keyframe_waits"] == 0, "nobody watches yet"
    engine.set_subscription_paused(outgoing.subscription, False)
    assert engine.totals()["keyframe_waits"] == 1
    engine.remove_track(track)
    engine.set_subscription_paused(outgoing.subscription, False)
    totals = engine.totals()
    assert (totals["transports"], totals["subscriptions"], totals["keyframe_waits"]) == (2, 0, 0)
    assert engine.restart_ice(here) != engine.restart_ice(there)


async def test_what_the_engine_refuses_is_refused_here(media: RemoteMedia) -> None:
    engine = media.engine
    transports = [engine.open_transport(0)[0] for _ in range(SMALL.transports_max)]
    with pytest.raises(LimitError, match="transports_max"):
        engine.open_transport(0)
    engine.add_track(transports[0], ROOM, AN, VIDEO)
    with pytest.raises(ValueError, match="already published"):
        engine.add_track(transports[0], ROOM, AN, VIDEO)
    with pytest.raises(KeyError):
        engine.restart_ice(TransportId(77))


async def test_a_peer_connects(media: RemoteMedia) -> None:
    heard = Heard(media)
    transport, ice = media.engine.open_transport(media.now_us())
    client = Client(media, transport, ice)
    await client.connect()
    assert await heard.until(1) == [TransportConnected(transport)]
    assert media.engine.is_connected(transport)
    media.engine.close_transport(transport)
    assert not media.engine.is_connected(transport)
    client.close()


async def test_when_the_process_dies_another_takes_its_place(media: RemoteMedia) -> None:
    heard, port, engine = Heard(media), media.port, media.engine
    here, _ = engine.open_transport(media.now_us())
    track = engine.add_track(here, ROOM, AN, VIDEO)
    first = media.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert await heard.until(1) == [TransportFailed(here, "media_restarted")]
    assert media.pid not in (None, first)
    assert media.port == port, "browsers were told this one"

    # What was on the old one is gone, and is not mistaken for what is on the new one.
    anew, _ = engine.open_transport(media.now_us())
    assert anew >= GENERATION
    with pytest.raises(LimitError, match="started anew"):
        engine.add_subscription(anew, track, SendSpec("0", 97))
    with pytest.raises(LimitError, match="started anew"):
        engine.restart_ice(here)
    engine.set_track_muted(track, True)
    engine.remove_track(track)
    engine.close_transport(here)
    assert engine.totals()["transports"] == 1
    assert not heard.lost.is_set()


async def test_who_came_by_tcp_comes_again_to_the_same_port(media: RemoteMedia) -> None:
    heard = Heard(media)
    assert [each.protocol for each in media.candidates] == ["udp", "tcp"]
    before = TcpClient(media, *media.engine.open_transport(media.now_us()))
    await before.connect()
    assert media.engine.totals()["tcp_connections"] == 1
    assert media.pid is not None
    os.kill(media.pid, signal.SIGKILL)
    assert len(await heard.until(2)) == 2
    await asyncio.wait_for(before.gone.wait(), WAIT_S)
    again = TcpClient(media, *media.engine.open_transport(media.now_us()))
    await again.connect()
    assert media.engine.totals()["tcp_connections"] == 1
    before.socket.close()
    again.close()


async def test_what_an_answer_brought_along_is_waited_for_by_nobody(media: RemoteMedia) -> None:
    """The loop saw that something came; before it is this reader's turn, a command reads it with its answer."""
    same = media.pid
    here, _ = media.engine.open_transport(media.now_us())
    media._readable()
    media.engine.close_transport(here)
    media._readable()
    assert media.engine.totals()["transports"] == 0 and media.pid == same


async def test_a_command_that_finds_it_dead(media: RemoteMedia) -> None:
    heard = Heard(media)
    here, _ = media.engine.open_transport(0)
    assert media.pid is not None
    os.kill(media.pid, signal.SIGKILL)
    with pytest.raises(LimitError, match="try again"):
        media.engine.open_transport(0)
    assert await heard.until(1) == [TransportFailed(here, "media_restarted")]
    media.engine.open_transport(0)


async def test_a_process_that_falls_silent(media: RemoteMedia, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(media)
    here, _ = media.engine.open_transport(0)
    monkeypatch.setattr(remote, "ANSWER_MAX_S", 0.2)
    silent = media.pid
    assert silent is not None
    os.kill(silent, signal.SIGSTOP)
    with pytest.raises(LimitError, match="try again"):
        media.engine.totals()
    assert await heard.until(1) == [TransportFailed(here, "media_restarted")]
    with contextlib.suppress(ProcessLookupError):
        os.kill(silent, 0)
        raise AssertionError("the silent one is still there")


def _open_until_refused(media: RemoteMedia, now_us: int) -> None:
    while True:
        media.engine.open_transport(now_us)


async def test_one_that_does_not_stay_alive_is_given_up(media: RemoteMedia) -> None:
    heard = Heard(media)
    for number in range(remote.LIVES_MAX):
        assert media.pid is not None
        os.kill(media.pid, signal.SIGKILL)
        with pytest.raises(LimitError):
            _open_until_refused(media, number)
    async with asyncio.timeout(WAIT_S):
        await heard.lost.wait()
    with pytest.raises(LimitError, match="does not run"):
        media.engine.open_transport(0)


async def test_an_address_that_is_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        made = RemoteMedia(replace(BINDING, port=taken.getsockname()[1]))
        with pytest.raises(OSError, match="in use"):
            await made.start()
        await made.close()


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_no_secret_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALIE_TOKENS_SECRET", "hunter2")
    made = RemoteMedia(BINDING)
    await made.start()
    assert made.pid is not None and b"hunter2" not in environment_of(made.pid)
    await made.close()


async def test_it_ends_with_the_process_above(media: RemoteMedia) -> None:
    process = media._process
    assert process is not None
    media._hang_up()
    assert await asyncio.to_thread(process.wait, WAIT_S) == 0


async def test_what_makes_no_sense_is_a_lost_process(media: RemoteMedia) -> None:
    heard = Heard(media)
    here, _ = media.engine.open_transport(0)
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    assert media._socket is not None
    loop.remove_reader(media._socket.fileno())
    media._socket.close()
    media._socket = ours
    loop.add_reader(ours.fileno(), media._readable)
    theirs.sendall(b"\x7f" * 64)
    assert await heard.until(1) == [TransportFailed(here, "media_restarted")]
    theirs.close()
