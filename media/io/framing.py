"""Packets on a stream: each after its length in two bytes, network order (RFC 4571 2), as ICE-TCP wants (RFC 6544 3).

Bytes in, frames out.  No socket, so that it can be fuzzed; clients of tests and load generators use it too.
"""

from __future__ import annotations

from media.core.errors import PeerError
from media.core.packets import PACKET_MAX

LENGTH_SIZE = 2


def framed(packet: bytes) -> bytes:
    """One packet as it goes over the wire.  OverflowError: more than 65,535 bytes, a bug of ours."""
    return len(packet).to_bytes(LENGTH_SIZE, "big") + packet


class Frames:
    """Cuts a stream.  feed() what came, then take() until it gives nothing.

    frame_max  bytes of the longest frame that is read; it bounds what waits here for its other half
    """

    __slots__ = ("_bytes", "_frame_max")

    def __init__(self, frame_max: int = PACKET_MAX) -> None:
        self._bytes = bytearray()
        self._frame_max = frame_max

    def __len__(self) -> int:
        """Bytes that were fed and not taken."""
        return len(self._bytes)

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def has_frame(self) -> bool:
        """Whether take() would give something, or raise."""
        waiting = len(self._bytes)
        if waiting < LENGTH_SIZE:
            return False
        size = self._bytes[0] << 8 | self._bytes[1]
        return size > self._frame_max or waiting >= LENGTH_SIZE + size

    def take(self, most: int) -> list[bytes]:
        """The next whole frames, at most so many; empty ones too (RFC 4571 2 lets anybody send them).

        PeerError too_long: this is no stream of packets, or of packets that nobody sends; nothing after it makes sense.
        """
        data, at, end = self._bytes, 0, len(self._bytes)
        frames: list[bytes] = []
        while len(frames) < most and at + LENGTH_SIZE <= end:
            size = data[at] << 8 | data[at + 1]
            if size > self._frame_max:
                if frames:
                    break  # these are sound; the next call tells
                raise PeerError("too_long", f"a frame of {size} bytes")
            start = at + LENGTH_SIZE
            if start + size > end:
                break
            frames.append(bytes(data[start : start + size]))
            at = start + size
        del data[:at]
        return frames
