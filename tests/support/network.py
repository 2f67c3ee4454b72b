"""The network between a browser and balie, for tests that take it away: cut off, or silent, and then back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

MEDIA_HOST = "127.0.0.2"
"""Where a line listens for datagrams: this machine by another name, so that ports can be the same."""


class Network:
    """A TCP relay on a port of its own; and one for UDP, if that is asked for, which breaks together with it."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()
        self._down = False
        self._speaking = asyncio.Event()
        self._speaking.set()

    def cut(self) -> None:
        """Connections break, and new ones do too."""
        self._down = True
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        self._down = False

    def hush(self) -> None:
        """Nothing arrives any more, and nobody is told: a phone that left the house."""
        self._speaking.clear()

    def speak(self) -> None:
        """New connections work; those from before stay silent."""
        self._speaking = asyncio.Event()
        self._speaking.set()

    @property
    def carries(self) -> bool:
        """Whether anything arrives at all."""
        return not self._down and self._speaking.is_set()

    async def close(self) -> None:
        self.cut()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay = asyncio.create_task(self._relay(reader, writer))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._down:
            writer.transport.abort()
            return
        speaking = self._speaking
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, forth}
        ways = [asyncio.create_task(_carry(a, b, speaking)) for a, b in ((reader, forth), (back, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for each in (writer, forth):
                each.transport.abort()
            self._writers -= {writer, forth}
            await asyncio.gather(*ways, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, speaking: asyncio.Event) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            await speaking.wait()
            writer.write(data)
            await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    """Carries datagrams of strangers to a target, and answers back: each stranger has a socket there, as behind NAT."""

    def __init__(self, line: Network, target: tuple[str, int]) -> None:
        self._line, self._target = line, target
        self._transport: asyncio.DatagramTransport | None = None
        self._ways: dict[tuple[str, int], _Way] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, stranger: tuple[str, int]) -> None:
        way = self._ways.get(stranger)
        if way is None:
            way = self._ways[stranger] = _Way(lambda answer: self._back(answer, stranger))
            way.opening = asyncio.ensure_future(
                asyncio.get_running_loop().create_datagram_endpoint(lambda: way, remote_addr=self._target)
            )
        if self._line.carries:
            way.forth(data)

    def _back(self, data: bytes, stranger: tuple[str, int]) -> None:
        if self._line.carries and self._transport is not None:
            self._transport.sendto(data, stranger)

    def close(self) -> None:
        for way in self._ways.values():
            way.close()


class _Way(asyncio.DatagramProtocol):
    """A socket of its own to the target.  What comes before it is open is lost, as datagrams may be."""

    def __init__(self, back: Callable[[bytes], None]) -> None:
        self._back = back
        self._transport: asyncio.DatagramTransport | None = None
        self.opening: asyncio.Future[Any] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def forth(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(data)

    def datagram_received(self, data: bytes, _: object) -> None:
        self._back(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def network(target: int, udp: int = 0) -> AsyncIterator[Network]:
    """target: TCP port here.  udp: a port that is served on 127.0.0.1; this line carries it from MEDIA_HOST."""
    made = Network(target)
    server = await asyncio.start_server(made.came, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    datagrams = _Datagrams(made, ("127.0.0.1", udp))
    listening = None
    if udp:
        loop = asyncio.get_running_loop()
        listening, _ = await loop.create_datagram_endpoint(lambda: datagrams, local_addr=(MEDIA_HOST, udp))
    try:
        yield made
    finally:
        if listening is not None:
            listening.close()
        datagrams.close()
        server.close()
        await made.close()
        await server.wait_closed()
