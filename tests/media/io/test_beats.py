"""Beats without Python: what they do alone, and all that ends them."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from media import native
from media.core import rtcp
from media.core.engine import CALM_US, POLL_US
from media.core.rtcp import ReportBlock
from media.io.beats import REPORTS_MAX, Beats
from media.io.binding import Binding
from media.io.ports import Sorted
from media.io.server import MediaServer
from tests.media.io.conftest import SMALL
from tests.media.io.test_fastpath import SSRC, came, packet, pair
from tests.support.client import Client
from tests.support.packets import delta_frame, key_frame

pytestmark = pytest.mark.skipif(native.library() is None, reason="no C compiler was there at the installation")

MINUTE_US = 60_000_000
BEAT_US = 3_000
REPORT = rtcp.receiver_report(7, [ReportBlock(SSRC, 0, 0, 1, 0, 0, 0)])
NEWS = REPORT + rtcp.sender_report(7, 1, 2, 3, 4)
"""Nobody's stream: that is for Python to count, and can wait."""


@pytest_asyncio.fixture
async def server() -> AsyncIterator[MediaServer]:
    server = MediaServer(Binding(settings=SMALL, tcp=False))
    await server.start()
    yield server
    await server.close()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """What is written to the one wakes the other."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def beats(server: MediaServer, ends: tuple[socket.socket, socket.socket]) -> Beats:
    parts = vars(server)
    files = [ends[1].fileno()]
    return Beats(parts["_native"], parts["_fast"], parts["_ports"], files, beat_us=BEAT_US, batches_max=4)


def one_turn(server: MediaServer, beats: Beats) -> tuple[int, Sorted | int | None]:
    """What is there now: how many datagrams, and what is left to do about the batch that ended it, if one did."""
    now_us = server.now_us()
    count, port = beats.run(now_us, now_us + 1)
    return count, None if port is None else beats.finish(port, now_us)


async def begun(server: MediaServer) -> tuple[Client, Client]:
    """Somebody sends, somebody watches; how the packets are laid out is known."""
    an, bert = await pair(server)
    an.send_rtp(packet(1, key_frame()))
    await bert.until_rtp(1)
    return an, bert


async def test_plain_packets_are_forwarded_and_counted(server: MediaServer, beats: Beats) -> None:
    an, bert = await begun(server)
    before = server.engine.totals()
    for number in (2, 3, 4):
        an.send_rtp(packet(number, delta_frame()))
    assert one_turn(server, beats) == (3, None)
    assert len(await bert.until_rtp(4)) == 4
    totals = server.engine.totals()
    assert totals["packets_received"] - before["packets_received"] == 3
    assert totals["packets_forwarded"] - before["packets_forwarded"] == 3
    an.close()
    bert.close()


async def test_a_gap_ends_them_and_is_followed(server: MediaServer, beats: Beats) -> None:
    an, bert = await begun(server)
    server.engine.poll(server.now_us())
    assert server.engine.patience_us == CALM_US, "nobody waits for anything"
    an.send_rtp(packet(3, delta_frame()))
    count, left = one_turn(server, beats)
    assert count == 1
    assert left is not None
    assert len(await bert.until_rtp(2)) == 2
    assert server.engine.patience_us == POLL_US, "what is missing is soon asked for"
    assert server.engine.totals()["packets_forwarded"] == 2
    an.close()
    bert.close()


async def test_reports_wait_until_they_are_read_together(server: MediaServer, beats: Beats) -> None:
    an, bert = await begun(server)
    bert.send_rtcp(NEWS)
    an.send_rtp(packet(2, delta_frame()))
    bert.send_rtcp(NEWS)
    earliest_us = server.now_us()
    assert one_turn(server, beats) == (3, None)
    found = list(beats.reports())
    assert [each[:2] for each in found] == [(bert.transport, NEWS)] * 2
    assert all(earliest_us <= each[2] <= server.now_us() for each in found)
    await bert.until_rtp(2)
    an.close()
    bert.close()


async def test_reports_that_tell_nothing_to_decide_are_read_at_once(server: MediaServer, beats: Beats) -> None:
    an, bert = await begun(server)
    ssrc = int.from_bytes(bert.rtp[0][8:12], "big")
    bert.send_rtcp(rtcp.receiver_report(7, [ReportBlock(ssrc, 1, 3, 1, 0, 0, 0)]) + rtcp.sdes(7, "bert"))
    assert one_turn(server, beats) == (1, None)
    assert beats.reports() == []
    assert server.engine.transport_stats(bert.transport)["packets_lost"] == 3
    an.close()
    bert.close()


COMPOUNDS = {
    "a report": REPORT,
    "a sender report": rtcp.sender_report(7, 1, 2, 3, 4),
    "lost packets": rtcp.nack(7, SSRC, [1]),
    "a picture": rtcp.pli(7, SSRC),
    "a picture, after a report": REPORT + rtcp.pli(7, SSRC),
    "a whole picture": bytes((0x84, 206, 0, 4)) + bytes(16),
    "a length that leads out of it": bytes((0x80, 201, 0xFF, 0xFF)) + bytes(12) + rtcp.pli(7, SSRC),
    "an estimate": bytes((0x8F, 206, 0, 5)) + bytes(8) + b"REMB" + bytes(8),
}


@pytest.mark.parametrize("name", COMPOUNDS)
async def test_they_end_for_what_is_urgent(server: MediaServer, beats: Beats, name: str) -> None:
    """As media.core.rtcp says what that is."""
    bert = came(server)
    await bert.connect()
    bert.send_rtcp(COMPOUNDS[name])
    count, left = one_turn(server, beats)
    assert count == 1
    if rtcp.is_urgent(COMPOUNDS[name]):
        assert isinstance(left, Sorted)
        assert left.rtcp_transport.tolist() == [bert.transport]
    else:
        assert left is None
    bert.close()


async def test_they_end_when_no_more_reports_fit(server: MediaServer, beats: Beats) -> None:
    bert = came(server)
    await bert.connect()
    for _ in range(REPORTS_MAX + 1):
        bert.send_rtcp(NEWS)
    count, left = one_turn(server, beats)
    assert count == REPORTS_MAX + 1
    assert isinstance(left, Sorted)
    assert len(list(beats.reports())) + len(left.rtcp_row) == count, "each is read once"
    assert not beats.broke_off
    bert.close()


async def test_what_a_full_batch_left_is_not_kept_for_a_beat(server: MediaServer, beats: Beats) -> None:
    bert = came(server)
    await bert.connect()
    for _ in range(SMALL.batch_max + 1):
        bert.send_rtcp(COMPOUNDS["a picture"])
    count, left = one_turn(server, beats)
    assert count == SMALL.batch_max
    assert isinstance(left, Sorted)
    assert beats.broke_off
    bert.close()


async def test_they_go_on_for_a_connectivity_check_that_says_the_same_again(server: MediaServer, beats: Beats) -> None:
    an, bert = await begun(server)
    an.send_rtp(packet(2, delta_frame()))
    an.send(an.check())
    assert one_turn(server, beats) == (2, None)
    an.close()
    bert.close()


async def test_they_end_for_a_connectivity_check_that_says_something_new(server: MediaServer, beats: Beats) -> None:
    an, bert = await begun(server)
    an.send_rtp(packet(2, delta_frame()))
    an.send(an.check(use_candidate=False))
    count, left = one_turn(server, beats)
    assert count == 2
    assert isinstance(left, Sorted)
    assert [each.transport for each in left.others] == [an.transport]
    assert not beats.broke_off, "what comes now has until the next beat"
    assert len(await bert.until_rtp(2)) == 2
    an.close()
    bert.close()


async def test_they_end_when_the_process_above_says_something(
    server: MediaServer, beats: Beats, ends: tuple[socket.socket, socket.socket]
) -> None:
    """And go on taking packets, also while nobody reads it."""
    an, bert = await begun(server)
    ends[0].send(b"a command")
    began_us = server.now_us()
    an.send_rtp(packet(2, delta_frame()))
    assert beats.run(began_us, began_us + MINUTE_US) == (1, None)
    an.send_rtp(packet(3, delta_frame()))
    count = 0
    while not count:
        count, _ = beats.run(began_us, began_us + MINUTE_US)
    assert server.now_us() - began_us < MINUTE_US
    assert len(await bert.until_rtp(3)) == 3
    an.close()
    bert.close()


async def test_between_two_turns_is_a_beat(server: MediaServer, beats: Beats) -> None:
    an, bert = await begun(server)
    now_us = server.now_us()
    assert beats.run(now_us, now_us + 1) == (0, None)
    an.send_rtp(packet(2, delta_frame()))
    assert beats.run(now_us, now_us + 1) == (0, None), "it was just looked"
    assert beats.run(now_us, now_us + 2 * BEAT_US)[0] == 1
    assert server.now_us() >= now_us + BEAT_US
    await bert.until_rtp(2)
    an.close()
    bert.close()


async def test_who_waits_for_a_picture_or_a_way_by_tcp_ends_them(ends: tuple[socket.socket, socket.socket]) -> None:
    """A server under load holds the loop only while nothing of that is so."""
    server = MediaServer(Binding(settings=SMALL))
    await server.start()
    server.hold_loop([ends[1].fileno()])
    may_hold = vars(MediaServer)["_may_hold"]
    assert not may_hold(server), "it is quiet"
    vars(server)["_pace"]._timer = object()
    assert may_hold(server)
    an, bert = await pair(server)
    assert not may_hold(server), "Bert waits"
    an.send_rtp(packet(1, key_frame()))
    await bert.until_rtp(1)
    assert may_hold(server)
    with socket.create_connection(("127.0.0.1", server.port)):
        vars(server)["_tcp"].accept(vars(server)["_tcp"].listeners[0])
        assert not may_hold(server)
    an.close()
    bert.close()
    vars(server)["_pace"]._timer = None
    await server.close()
