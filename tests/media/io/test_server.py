"""The media server with real peers on loopback: ICE, DTLS and SRTP for real, one process."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from media.core import rtcp
from media.core.model import (
    URI_MID,
    Codec,
    Event,
    Outgoing,
    ParticipantId,
    ReceiveSpec,
    RoomId,
    SendSpec,
    TrackId,
    TransportConnected,
    TransportFailed,
)
from media.core.settings import Settings
from media.io.binding import Binding
from media.io.server import MediaServer
from tests.support.client import Client
from tests.support.packets import delta_frame, key_frame, rtp

VP8 = Codec("VP8", 90_000)
SMALL = Settings(transports_max=16, tracks_max=16, subscriptions_max=64, history_rows=2048, send_rows=512)


@pytest_asyncio.fixture(params=[False, True], ids=["arrays", "compiled"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[MediaServer]:
    server = MediaServer(Binding(settings=SMALL, compiled=request.param))
    await server.start()
    yield server
    await server.close()


def new_client(server: MediaServer) -> Client:
    transport, ice = server.engine.open_transport(server.now_us())
    return Client(server, transport, ice)


def publish_video(server: MediaServer, client: Client, ssrc: int = 0x5001) -> TrackId:
    spec = ReceiveSpec("video", "camera", "1", VP8, 96, 97, ssrc=ssrc, rtx_ssrc=ssrc + 1, nack=True, pli=True)
    return server.engine.add_track(client.transport, RoomId("r"), ParticipantId("an"), spec)


def subscribe(server: MediaServer, client: Client, track: TrackId) -> Outgoing:
    spec = SendSpec("7", 100, 101, extensions={URI_MID: 5}, nack=True)
    return server.engine.add_subscription(client.transport, track, spec)


class Heard:
    """Collects the server's events and lets a test wait for one."""

    def __init__(self, server: MediaServer) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()
        server.on_events = self._hear

    def _hear(self, events: list[Event]) -> None:
        self.events += events
        self._news.set()

    async def until(self, kind: type[Event]) -> Event:
        async with asyncio.timeout(5):
            while not (found := [e for e in self.events if isinstance(e, kind)]):
                self._news.clear()
                await self._news.wait()
        return found[0]


async def pair(server: MediaServer) -> tuple[Client, Client, Outgoing]:
    an, bert = new_client(server), new_client(server)
    track = publish_video(server, an)
    outgoing = subscribe(server, bert, track)
    await asyncio.gather(an.connect(), bert.connect())
    return an, bert, outgoing


async def test_video_reaches_the_other_with_his_own_numbers(server: MediaServer) -> None:
    an, bert, outgoing = await pair(server)
    for number in range(5):
        an.send_rtp(
            rtp(ssrc=0x5001, sequence=65534 + number, timestamp=3000 * number, payload=key_frame(), marker=number == 4)
        )
    received = await bert.until_rtp(5)
    first = int.from_bytes(received[0][2:4], "big")
    assert 1000 <= first < 32768
    for number, packet in enumerate(received):
        assert packet[1] == 100 | (0x80 if number == 4 else 0)
        assert int.from_bytes(packet[2:4], "big") == first + number
        assert int.from_bytes(packet[8:12], "big") == outgoing.ssrc
        assert packet[12:16] == b"\xbe\xde\x00\x03"
        assert packet[22:24] == b"\x50\x37"  # MID, id 5, one byte: "7"
        assert packet[28:] == key_frame()
    stamps = [int.from_bytes(packet[4:8], "big") for packet in received]
    assert [b - a & 0xFFFFFFFF for a, b in itertools.pairwise(stamps)] == [3000] * 4
    an.close()
    bert.close()


async def test_nothing_flows_before_a_key_frame_which_the_publisher_is_asked_for(server: MediaServer) -> None:
    an, bert, _ = await pair(server)
    an.send_rtp(rtp(ssrc=0x5001, sequence=1, payload=delta_frame()))
    async with asyncio.timeout(5):
        while not any(isinstance(p, rtcp.Pli) for raw in an.rtcp for p in rtcp.parse_compound(raw)):
            await an.wait()
    an.send_rtp(rtp(ssrc=0x5001, sequence=2, payload=key_frame(50)))
    assert (await bert.until_rtp(1))[0][28:] == key_frame(50)
    assert server.engine.drops()["waiting_keyframe"] == 1
    an.close()
    bert.close()


async def test_a_lost_packet_is_asked_again_upstream_and_served_again_downstream(server: MediaServer) -> None:
    an, bert, outgoing = await pair(server)
    an.send_rtp(rtp(ssrc=0x5001, sequence=10, payload=key_frame()))
    an.send_rtp(rtp(ssrc=0x5001, sequence=12, payload=delta_frame(60)))
    async with asyncio.timeout(5):
        while not any(isinstance(p, rtcp.Nack) for raw in an.rtcp for p in rtcp.parse_compound(raw)):
            await an.wait()
    asked = next(p for raw in an.rtcp for p in rtcp.parse_compound(raw) if isinstance(p, rtcp.Nack))
    assert (asked.media, asked.seqs) == (0x5001, [11])
    resent = (11).to_bytes(2, "big") + delta_frame(70)
    an.send_rtp(rtp(ssrc=0x5002, sequence=900, payload_type=97, payload=resent))
    received = await bert.until_rtp(3)
    first = int.from_bytes(received[0][2:4], "big")
    assert [int.from_bytes(p[2:4], "big") - first for p in received] == [0, 2, 1]
    assert received[2][28:] == delta_frame(70)

    bert.send_rtcp(rtcp.nack(1, outgoing.ssrc, [first + 1]))
    again = (await bert.until_rtp(4))[3]
    assert int.from_bytes(again[8:12], "big") == outgoing.rtx_ssrc
    assert again[1] & 0x7F == 101
    assert again[28:] == (first + 1).to_bytes(2, "big") + delta_frame(70)
    an.close()
    bert.close()


async def test_a_call_survives_a_change_of_network(server: MediaServer) -> None:
    """The phone leaves Wi-Fi: another source address, the same keys, no new handshake."""
    an, bert, _ = await pair(server)
    an.send_rtp(rtp(ssrc=0x5001, sequence=1, payload=key_frame()))
    await bert.until_rtp(1)
    loop = asyncio.get_running_loop()
    loop.remove_reader(bert.socket)
    bert.socket.close()
    bert.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bert.socket.setblocking(False)
    bert.socket.connect(("127.0.0.1", server.port))
    loop.add_reader(bert.socket, bert._readable)
    bert.send(bert.check())
    await bert.wait()
    an.send_rtp(rtp(ssrc=0x5001, sequence=2, payload=delta_frame()))
    assert len(await bert.until_rtp(2)) == 2
    an.close()
    bert.close()


async def test_media_without_a_check_from_its_address_is_dropped(server: MediaServer) -> None:
    an, bert, _ = await pair(server)
    stranger = new_client(server)
    stranger.send(an.protect(rtp(ssrc=0x5001, payload=key_frame())))
    stranger.send(b"\x16\xfe\xff" + bytes(50))
    stranger.send(b"\xff\xff")
    an.send_rtp(rtp(ssrc=0x5001, sequence=2, payload=key_frame()))
    await bert.until_rtp(1)
    drops = server.engine.drops()
    assert (drops["unknown_address"], drops["junk"]) == (2, 1)
    for client in (an, bert, stranger):
        client.close()


async def test_events_tell_the_upper_layers(server: MediaServer) -> None:
    heard = Heard(server)
    an, bert, _ = await pair(server)
    connected = {e.transport for e in heard.events if isinstance(e, TransportConnected)}
    assert connected == {an.transport, bert.transport}
    for datagram in an.dtls.close():
        an.send(datagram)
    assert await heard.until(TransportFailed) == TransportFailed(an.transport, "closed_by_peer")
    an.close()
    bert.close()


async def test_a_wrong_fingerprint_never_gets_keys(server: MediaServer) -> None:
    heard = Heard(server)
    client = new_client(server)
    server.expect_fingerprints(client.transport, [("sha-256", "00:" * 31 + "00")])
    client.send(client.check())
    await client.wait()
    for datagram in client.dtls.start():
        client.send(datagram)
    assert await heard.until(TransportFailed) == TransportFailed(client.transport, "fingerprint")
    assert not server.engine.is_connected(client.transport)
    client.close()


async def test_closing_gives_every_row_back_and_tells_the_peer(server: MediaServer) -> None:
    before = server.engine.totals()
    an, bert, _ = await pair(server)
    server.engine.close_transport(an.transport)
    server.engine.close_transport(bert.transport)
    assert server.engine.totals() | {"packets_received": 0} == before | {"packets_received": 0}
    async with asyncio.timeout(5):
        while an.dtls.state != "closed":
            await an.wait()
    an.close()
    bert.close()


async def test_a_port_in_use_is_an_error_that_names_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        server = MediaServer(Binding(port=taken.getsockname()[1], settings=SMALL))
        with pytest.raises(OSError, match="in use"):
            await server.start()
