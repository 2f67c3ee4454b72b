"""Calls over ICE-TCP with real peers on loopback: as over UDP, to and fro, and with one who does not keep up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from media.core import rtcp
from media.core.model import Codec, Event, Outgoing, ParticipantId, ReceiveSpec, RoomId, SendSpec, TransportConnected
from media.core.settings import Settings
from media.io.binding import Binding
from media.io.connection import PICTURES_MAX
from media.io.framing import framed
from media.io.server import MediaServer
from tests.fuzz.runner import mutations
from tests.support.client import Client, TcpClient
from tests.support.packets import delta_frame, key_frame, rtp

SMALL = Settings(transports_max=16, tracks_max=16, subscriptions_max=64, history_rows=2048, send_rows=512)
CAMERA, MICROPHONE = 0x5001, 0x6001
SEED = 20261126


@pytest_asyncio.fixture(params=[False, True], ids=["arrays", "compiled"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[MediaServer]:
    server = MediaServer(Binding(settings=SMALL, compiled=request.param))
    await server.start()
    yield server
    await server.close()


class Call:
    """An publishes a camera and a microphone, Bert has both."""

    def __init__(self, server: MediaServer, an: type[Client], bert: type[Client]) -> None:
        self.server = server
        self.an, self.bert = (kind(server, *server.engine.open_transport(server.now_us())) for kind in (an, bert))
        room, who, engine = RoomId("r"), ParticipantId("an"), server.engine
        picture = ReceiveSpec("video", "camera", "1", Codec("VP8", 90_000), 96, 97, CAMERA, CAMERA + 1, {}, True, True)
        sound = ReceiveSpec("audio", "microphone", "2", Codec("OPUS", 48_000, 2), 111, None, MICROPHONE)
        self.picture, self.sound = (
            engine.add_subscription(
                self.bert.transport, engine.add_track(self.an.transport, room, who, spec), SendSpec(mid, number, rtx)
            )
            for spec, mid, number, rtx in ((picture, "7", 100, 101), (sound, "8", 111, None))
        )
        self.number = 0

    async def begin(self) -> None:
        await asyncio.gather(self.an.connect(), self.bert.connect())

    def show(self, size: int = 100) -> None:
        """One packet of the camera; the first is a key frame."""
        payload = delta_frame(size) if self.number else key_frame(size)
        self.an.send_rtp(rtp(ssrc=CAMERA, sequence=self.number, timestamp=3000 * self.number, payload=payload))
        self.number += 1

    def got(self, outgoing: Outgoing) -> list[int]:
        """Sequence numbers that Bert received of a stream, from 0 on."""
        own = [p for p in self.bert.rtp if int.from_bytes(p[8:12], "big") == outgoing.ssrc]
        return [int.from_bytes(p[2:4], "big") - int.from_bytes(own[0][2:4], "big") for p in own]

    def end(self) -> None:
        for client in (self.an, self.bert):
            client.close()


def another_path(client: Client, kind: type[Client]) -> Client:
    """The same peer from another socket: same credentials, same keys."""
    path = kind(client.server, client.transport, client.ice)
    path._in, path._out, path.rtp, path.rtcp, path.arrived = (
        client._in, client._out, client.rtp, client.rtcp, client.arrived,
    )  # fmt: skip
    return path


async def until(condition: Callable[[], bool]) -> None:
    """Of what the server does in this very loop."""
    async with asyncio.timeout(10):
        while not condition():
            await one_turn()


async def one_turn() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("an", "bert"), [(TcpClient, TcpClient), (TcpClient, Client), (Client, TcpClient)], ids=["both", "up", "down"]
)
async def test_picture_and_sound(server: MediaServer, an: type[Client], bert: type[Client]) -> None:
    call = Call(server, an, bert)
    await call.begin()
    for number in range(40):
        call.show(1100)
        call.an.send_rtp(rtp(ssrc=MICROPHONE, sequence=number, timestamp=960 * number, payload_type=111))
    await call.bert.until_rtp(80)
    assert call.got(call.picture) == call.got(call.sound) == list(range(40))
    call.bert.send_rtcp(rtcp.pli(1, call.picture.ssrc))
    await until(lambda: any(isinstance(p, rtcp.Pli) for raw in call.an.rtcp for p in rtcp.parse_compound(raw)))
    call.end()


async def test_candidates_say_where(server: MediaServer) -> None:
    udp, tcp = (candidate.sdp() for candidate in server.candidates)
    assert udp == f"1 1 udp 2130706431 127.0.0.1 {server.port} typ host"
    assert tcp == f"2 1 tcp 1520435199 127.0.0.1 {server.port} typ host tcptype passive"


async def test_without_tcp_nobody_listens() -> None:
    server = MediaServer(Binding(settings=SMALL, tcp=False))
    await server.start()
    assert [candidate.protocol for candidate in server.candidates] == ["udp"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0
    await server.close()


async def test_a_port_that_is_taken_for_tcp_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = MediaServer(Binding(port=taken.getsockname()[1], settings=SMALL))
        with pytest.raises(OSError, match="in use"):
            await server.start()
    await server.start()  # it left nothing behind
    await server.close()


async def test_media_moves_from_udp_to_tcp_and_back_as_nominated(server: MediaServer) -> None:
    """No new handshake, and no packet twice."""
    call = Call(server, Client, Client)
    await call.begin()
    call.show()
    await call.bert.until_rtp(1)
    over_udp, over_tcp = call.bert, another_path(call.bert, TcpClient)
    over_udp.rtp, over_tcp.rtp = [], []
    for path in (over_tcp, over_udp, over_tcp):
        path._checked.clear()
        path.send(path.check())
        await asyncio.wait_for(path._checked.wait(), 10)
        call.show()
        call.show()
        await until(lambda: len(over_udp.rtp) + len(over_tcp.rtp) == call.number - 1)
    assert [len(path.rtp) for path in (over_udp, over_tcp)] == [2, 4]
    numbers = [int.from_bytes(packet[2:4], "big") for packet in (*over_tcp.rtp[:2], *over_udp.rtp, *over_tcp.rtp[2:])]
    assert [number - numbers[0] for number in numbers] == list(range(6))
    over_tcp.close()
    call.end()


async def test_a_closed_connection_closes_only_that_path(server: MediaServer) -> None:
    """Media goes by the other address at once; with none it waits for the next check, and the transport stays."""
    call = Call(server, Client, Client)
    await call.begin()
    call.show()
    await call.bert.until_rtp(1)
    over_tcp = another_path(call.bert, TcpClient)
    over_tcp.send(over_tcp.check())
    await asyncio.wait_for(over_tcp._checked.wait(), 10)
    over_tcp.close()
    await until(lambda: server.engine.tcp.open == 0)
    call.show()
    await call.bert.until_rtp(2)
    assert server.engine.is_connected(call.bert.transport)
    call.end()


@pytest.mark.parametrize("how", ["closed", "half open", "reset"])
async def test_the_only_path_breaks_and_another_takes_its_place(server: MediaServer, how: str) -> None:
    failed: list[Event] = []
    server.on_events = lambda events: failed.extend(e for e in events if not isinstance(e, TransportConnected))
    call = Call(server, Client, TcpClient)
    await call.begin()
    call.show()
    await call.bert.until_rtp(1)
    if how == "half open":
        call.bert.socket.shutdown(socket.SHUT_WR)
    else:
        if how == "reset":
            call.bert.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        call.bert.close()
    await until(lambda: server.engine.tcp.open == 0)
    call.show()
    await until(lambda: server.engine.drops()["no_address"] == 1)
    again = another_path(call.bert, TcpClient)
    again.send(again.check())
    await asyncio.wait_for(again._checked.wait(), 10)
    call.show()
    await again.until_rtp(2)
    assert call.got(call.picture) == [0, 2]
    assert not failed
    again.close()
    call.an.close()
    if how == "half open":
        call.bert.close()


async def test_closing_a_transport_says_goodbye_and_then_closes_its_connection(server: MediaServer) -> None:
    call = Call(server, TcpClient, TcpClient)
    await call.begin()
    server.engine.close_transport(call.bert.transport)
    await until(lambda: call.bert.dtls.state == "closed")
    assert isinstance(call.bert, TcpClient)
    await asyncio.wait_for(call.bert.gone.wait(), 10)
    assert server.engine.is_connected(call.an.transport)
    call.end()


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (framed(b"\x16\xfe\xff" + bytes(50)), "unknown_address"),
        (framed(b"\x80\x60" + bytes(40)), "unknown_address"),
        (framed(b"\x00\x01" + bytes(18)), "stun_malformed"),
        (framed(b""), "too_short"),
        (b"GET / HTTP/1.1\r\n\r\n", "too_long"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "too_long"),
        (b"\xff\xff", "too_long"),
    ],
    ids=["dtls", "rtp", "no stun", "empty", "http", "tls", "long"],
)
async def test_a_stranger_who_says_something_else_is_sent_away(server: MediaServer, first: bytes, reason: str) -> None:
    stranger = TcpClient(server, *server.engine.open_transport(server.now_us()))
    stranger.socket.sendall(first)
    await asyncio.wait_for(stranger.gone.wait(), 10)
    assert {name for name, count in server.engine.drops().items() if count} == {reason}
    assert (server.engine.tcp.strangers, server.engine.tcp.open) == (1, 0)
    stranger.socket.close()


async def test_only_who_knows_the_password_may_stay(server: MediaServer) -> None:
    """One byte at a time, a genuine check is taken; a forged one ends the connection unanswered."""
    genuine, forged = (TcpClient(server, *server.engine.open_transport(server.now_us())) for _ in "12")
    check = framed(genuine.check())
    for at in range(len(check)):
        genuine.socket.sendall(check[at : at + 1])
        await asyncio.sleep(0)
    forged.send(forged.check()[:-40] + bytes(40))
    await asyncio.wait_for(genuine._checked.wait(), 10)
    await asyncio.wait_for(forged.gone.wait(), 10)
    assert not forged._checked.is_set()
    assert (server.engine.tcp.strangers, server.engine.tcp.open) == (1, 1)
    genuine.close()
    forged.socket.close()


async def test_frames_of_one_write_are_all_read(server: MediaServer) -> None:
    """More than fit a batch, more than one connection may have in it, and with empty ones between."""
    call = Call(server, TcpClient, Client)
    await call.begin()
    packets = [call.an.protect(rtp(ssrc=CAMERA, sequence=n, payload=key_frame())) for n in range(300)]
    call.an.socket.sendall(b"".join(framed(each) + framed(b"") * (n % 7 == 0) for n, each in enumerate(packets)))
    await call.bert.until_rtp(300)
    assert call.got(call.picture) == list(range(300))
    await until(lambda: server.engine.drops()["too_short"] == 43)
    call.end()


async def test_a_slow_receiver_loses_pictures_and_not_the_sound(server: MediaServer) -> None:
    """What waits for him stays small, the others notice nothing, and when he reads again a key frame is asked for."""
    call = Call(server, Client, TcpClient)
    call.bert.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    await call.begin()
    loop = asyncio.get_running_loop()
    loop.remove_reader(call.bert.socket)
    sounds = 0
    async with asyncio.timeout(30):
        while server.engine.drops()["tcp_lagging"] < 500:
            for _ in range(20):
                call.show(1100)
            call.an.send_rtp(rtp(ssrc=MICROPHONE, sequence=sounds, timestamp=960 * sounds, payload_type=111))
            sounds += 1
            sent = call.number + sounds
            await until(lambda sent=sent: server.engine.received == sent)  # type: ignore[misc]
    assert server._tcp is not None
    (waiting,) = (len(each.waiting) for each in server._tcp._connections._open.values())
    assert PICTURES_MAX - 1500 < waiting < PICTURES_MAX + sounds * 200
    call.an.rtcp.clear()
    loop.add_reader(call.bert.socket, call.bert._readable)
    await until(lambda: len(call.got(call.sound)) == sounds)
    assert call.got(call.sound) == list(range(sounds))
    await until(lambda: any(isinstance(p, rtcp.Pli) for raw in call.an.rtcp for p in rtcp.parse_compound(raw)))
    assert server.engine.drops()["tcp_full"] == 0
    call.end()


async def test_hostile_connections_do_not_touch_a_call(server: MediaServer) -> None:
    """Strangers and a guest with a genuine check send what a generator makes of real streams: all of it has a name."""
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    call = Call(server, Client, TcpClient)
    await call.begin()
    guest = server.engine.open_transport(server.now_us())
    first = TcpClient(server, *guest)
    check = framed(first.check())
    first.close()
    corpus = [b"".join(map(framed, call.bert.sent)), check, check + framed(b"\x80\x60" + bytes(60)) * 9]
    for number, data in enumerate(mutations(SEED, corpus, 300)):
        with socket.create_connection(("127.0.0.1", server.port), 5) as hostile:
            hostile.settimeout(0.001)
            with contextlib.suppress(OSError):
                hostile.sendall((check if number % 2 else b"") + data)
                hostile.recv(65_536)
        call.show(600)
        await until(lambda sent=call.number: len(call.bert.rtp) == sent)  # type: ignore[misc]
    assert not failures, f"seed {SEED}: {failures[0]}"
    assert call.got(call.picture) == list(range(call.number))
    await until(lambda: server.engine.tcp.open == 1)
    assert server.engine.is_connected(call.bert.transport)
    assert server.engine.tcp.accepted > 300
    call.end()
