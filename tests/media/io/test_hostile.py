"""A call while strangers, and one guest who means harm, send a million datagrams to its port."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

from media import native
from media.core.model import Codec, ParticipantId, ReceiveSpec, RoomId, SendSpec
from media.core.settings import Settings
from media.io.binding import Binding
from media.io.server import MediaServer
from tests.support.client import Client
from tests.support.hostile import Samples, datagrams
from tests.support.packets import delta_frame, key_frame, rtp

SEED = 20261125
BURST = 256  # between two packets of the call; the kernel's buffer holds ten times as many
SETTINGS = Settings(transports_max=16, tracks_max=16, subscriptions_max=64, history_rows=4096)
MEMORY_MAX_MB = 4.0


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def attackers(server: MediaServer) -> Iterator[list[socket.socket]]:
    """Strangers on addresses of their own."""
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    try:
        for sock in socks:
            sock.setblocking(False)
            sock.connect(("127.0.0.1", server.port))
        yield socks
    finally:
        for sock in socks:
            sock.close()


def swallow_answers(sock: socket.socket) -> None:
    while True:
        try:
            sock.recv(2000)
        except (BlockingIOError, ConnectionRefusedError):
            return


class Call:
    """An sends video, Bert receives it, and a guest has a peer connection of his own."""

    def __init__(self, server: MediaServer) -> None:
        self.server = server
        self.an, self.bert, self.guest = (Client(server, *server.engine.open_transport(server.now_us())) for _ in "123")
        self.number = 0

    async def begin(self) -> None:
        for client in (self.an, self.bert, self.guest):
            await client.connect()
        codec = Codec("VP8", 90_000)
        spec = ReceiveSpec("video", "camera", "1", codec, 96, 97, ssrc=0x5001, rtx_ssrc=0x5002, nack=True)
        track = self.server.engine.add_track(self.an.transport, RoomId("r"), ParticipantId("an"), spec)
        self.server.engine.add_subscription(self.bert.transport, track, SendSpec("7", 100, 101, nack=True))
        self.send()
        await self.bert.until_rtp(1)

    def send(self) -> None:
        payload = key_frame(600) if self.number == 0 else delta_frame(600)
        self.an.send_rtp(rtp(ssrc=0x5001, sequence=self.number, timestamp=self.number * 3000, payload=payload))
        self.number += 1

    def samples(self) -> Samples:
        """What somebody on the path has seen of the call."""
        seen = self.an.sent + self.bert.sent
        return Samples(
            stun=[data for data in seen if data[0] <= 3],
            dtls=[data for data in seen if 20 <= data[0] <= 63],
            srtp=[data for data in seen if data[0] >= 128 and not 192 <= data[1] <= 223][:50],
            ufrags=[self.an.ice.ufrag, self.bert.ice.ufrag],
            credentials=(self.guest.ice.ufrag, self.guest.ice.pwd),
        )


class Said(logging.Handler):
    """What was logged, from warnings up."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def play(compiled: bool, count: int) -> None:
    """In a process of its own: memory is that of the call, not of the tests before it."""
    asyncio.run(a_call_among_hostile_datagrams(compiled, count))


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("compiled", "count"), [(True, 1_000_000), (False, 50_000)], ids=["compiled", "arrays"])
def test_a_call_notices_nothing(compiled: bool, count: int) -> None:
    if compiled and native.library() is None:
        pytest.skip("no C compiler was there at the installation")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(play, compiled, count).result()


async def a_call_among_hostile_datagrams(compiled: bool, count: int) -> None:
    """No exception, no packet of the call lost, memory flat, and every hostile datagram has a counted reason."""
    said = Said()
    logging.getLogger().addHandler(said)
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    server = MediaServer(Binding(settings=SETTINGS, compiled=compiled))
    await server.start()
    call = Call(server)
    await call.begin()
    before = sum(server.engine.drops().values())
    flat_mb = 0.0
    guest = call.guest.ice.ufrag.encode()
    hostile = datagrams(SEED, count, call.samples())
    with attackers(server) as strangers:
        for burst in range(-(-count // BURST)):
            for at, data in zip(range(BURST), hostile, strict=False):
                # The guest's own address is known to the server, with keys: a third of it all comes from there, and
                # what proves to be the guest, or the strangers would be he.
                own = at % 3 == 0 or guest in data
                (call.guest.socket if own else strangers[at % len(strangers)]).send(data)
            for sock in strangers:
                swallow_answers(sock)
            call.send()
            received = await call.bert.until_rtp(call.number)
            received[-1] = received[-1][:4]  # its number: whole, they would be more than what is measured here
            if burst % 64 == 0:
                del call.an.sent[:], call.bert.sent[:], call.guest.sent[:]
                call.bert.send(call.bert.check())
                call.an.send(call.an.check())
            if burst == count // BURST // 5:
                flat_mb = resident_mb()
    assert not failures, f"seed {SEED}: {failures[0]}"
    assert not said.records, f"seed {SEED}: {said.records[0].getMessage()}"
    numbers = [int.from_bytes(packet[2:4], "big") for packet in call.bert.rtp]
    assert [(number - numbers[0]) & 0xFFFF for number in numbers] == [at & 0xFFFF for at in range(call.number)]
    assert server.engine.is_connected(call.an.transport) and server.engine.is_connected(call.bert.transport)
    dropped = sum(server.engine.drops().values()) - before
    assert dropped > 0.95 * count, f"seed {SEED}: {dropped}, {server.engine.drops()}"
    grown_mb = resident_mb() - flat_mb
    assert grown_mb < MEMORY_MAX_MB, f"{grown_mb:.1f} MB"
    for client in (call.an, call.bert, call.guest):
        client.close()
    await server.close()
