"""`python -m media.process.child FILE`: one MediaServer, commanded over the socket with that file number.

It lives as long as the other end of the socket: when that goes, it says goodbye to its peers and ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from typing import TYPE_CHECKING

import msgspec
import uvloop

from media.core.model import Event
from media.io.binding import Binding
from media.process import decoders, docstrings, pages, wire
from media.process.wire import ERRORS, Frames, frame

if TYPE_CHECKING:
    from media.io.server import MediaServer

READ_BYTES = 1 << 16
UNHEARD_MAX = 1 << 20
"""Bytes of events that wait for a busy process above; beyond, those that tell a moment's state are left out."""

MOMENTARY = ("SpeakersChanged", "BandwidthChanged")


async def serve(ours: socket.socket) -> None:
    """Until the other end closes."""
    reader, writer = await asyncio.open_connection(sock=ours)
    frames = Frames()
    binding = None
    while binding is None:
        data = await reader.read(READ_BYTES)
        if not data:
            return
        for message in frames.feed(data):
            binding = msgspec.convert(message[0], Binding)
    server = _server(binding)

    def tell(events: list[Event]) -> None:
        said = wire.said(events)
        if writer.transport.get_write_buffer_size() > UNHEARD_MAX:
            said = [each for each in said if each[0] not in MOMENTARY]
        writer.write(frame(("events", said)))

    server.on_events = tell
    try:
        await server.start()
    except OSError as error:
        writer.write(frame(("failed", error.errno or 0, str(error.strerror or error))))
        await _flushed(writer)
        return
    writer.write(frame(("ready", server.port, server.fingerprint)))
    server.hold_loop([ours.fileno()])
    # What was made until here lives as long as the process: a collection need not look at it again and again.
    gc.collect()
    gc.freeze()
    pages.give_back()
    while data := await reader.read(READ_BYTES):
        for kind, command, values in frames.feed(data):
            answer = _answer(server, command, values)
            if kind == "ask":
                writer.write(answer)
    await server.close()
    await _flushed(writer)


def _server(binding: Binding) -> MediaServer:
    docstrings.leave_out()
    decoders.leave_out()
    # Imported here, because it imports aiortc.
    from media.io.server import MediaServer

    return MediaServer(binding)


def _answer(server: MediaServer, command: str, values: list[object]) -> bytes:
    try:
        if command == "expect_fingerprints":
            transport, fingerprints = values
            server.expect_fingerprints(transport, fingerprints)  # type: ignore[arg-type]
            return frame(("done", None))
        return frame(("done", getattr(server.engine, command)(*wire.arguments(command, values))))
    except tuple(ERRORS.values()) as error:
        return frame(("error", type(error).__name__, str(error)))


async def _flushed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def main() -> None:
    # Ctrl-C in a terminal goes to both processes: the one above says when to stop, by closing the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    uvloop.run(serve(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
