"""The network between a browser and balie, for tests that take it away: cut off, or silent, and then back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Network:
    """A TCP relay on a port of its own.  Media does not pass here: it goes by UDP."""

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


@asynccontextmanager
async def network(target: int) -> AsyncIterator[Network]:
    made = Network(target)
    server = await asyncio.start_server(made.came, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()
        await server.wait_closed()
