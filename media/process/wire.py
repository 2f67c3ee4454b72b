"""What the two processes say to each other: frames of MessagePack over a socket pair.

Each frame is its length (4 bytes, network order) and a list of which the first item says what it is:

    to the media process    ["ask", command, arguments]     answered in order
                            ["tell", command, arguments]    not answered; about what is gone it says nothing
    from it                 ["ready", port, fingerprint]    once, or ["failed", errno, text]
                            ["done", result]                the answer to a command
                            ["error", kind, text]           or what it raised: a name of ERRORS
                            ["events", [[name, fields], …]] at any time

Values are checked on arrival against the annotations of media.core.commands: the media process reads bytes of
strangers, so that it is not believed blindly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, get_type_hints

import msgspec

from media.core.commands import Commands
from media.core.errors import LimitError
from media.core.model import BandwidthChanged, Event, SpeakersChanged, TransportConnected, TransportFailed

LENGTH = 4
FRAME_MAX = 1 << 24
"""Longer than anything that is said: who sends more is broken."""

ERRORS: dict[str, type[Exception]] = {
    "LimitError": LimitError,
    "ValueError": ValueError,
    "KeyError": KeyError,
}
EVENTS: dict[str, type[Event]] = {
    each.__name__: each for each in (TransportConnected, TransportFailed, SpeakersChanged, BandwidthChanged)
}


def frame(message: Sequence[object]) -> bytes:
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH, "big") + body


class Frames:
    """Cuts a stream into messages.  feed() what came, then iterate."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[list[Any]]:
        """ValueError: this is no stream of frames."""
        self._bytes += data
        while len(self._bytes) >= LENGTH:
            end = LENGTH + int.from_bytes(self._bytes[:LENGTH], "big")
            if end > FRAME_MAX:
                raise ValueError(f"a frame of {end} bytes; at most {FRAME_MAX} are read")
            if len(self._bytes) < end:
                return
            message = msgspec.msgpack.decode(bytes(self._bytes[LENGTH:end]), type=list)
            del self._bytes[:end]
            yield message


@cache
def _hints(command: str) -> dict[str, Any]:
    return get_type_hints(getattr(Commands, command))


def arguments(command: str, values: object) -> list[Any]:
    """A command's arguments as its types.  AttributeError: no such command.  msgspec.ValidationError."""
    types = [kind for name, kind in _hints(command).items() if name != "return"]
    return list(msgspec.convert(values, tuple[tuple(types)]))  # type: ignore[misc]


def result(command: str, value: object) -> Any:
    """A command's result as its type.  msgspec.ValidationError."""
    return msgspec.convert(value, _hints(command)["return"])


def said(events: Sequence[Event]) -> list[tuple[str, Event]]:
    """Events for a frame."""
    return [(type(each).__name__, each) for each in events]


def heard(values: object) -> list[Event]:
    """Events of a frame.  KeyError, msgspec.ValidationError."""
    pairs = msgspec.convert(values, list[tuple[str, dict[str, Any]]])
    events: list[Event] = []
    for name, fields in pairs:
        events.append(msgspec.convert(fields, EVENTS[name]))
    return events
