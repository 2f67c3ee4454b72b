"""RTP packets for tests, written out by hand from RFC 3550 and RFC 8285, not by the code under test."""

from __future__ import annotations

import struct


def rtp(
    *,
    ssrc: int = 0x1234,
    sequence: int = 1,
    timestamp: int = 0,
    payload_type: int = 96,
    payload: bytes = b"payload",
    marker: bool = False,
    extensions: dict[int, bytes] | None = None,
    padding: int = 0,
    csrcs: tuple[int, ...] = (),
) -> bytes:
    """One packet; extensions maps one-byte ids to data."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extensions is not None else 0) | len(csrcs)
    head = struct.pack("!BBHII", first, payload_type | marker << 7, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    head += b"".join(struct.pack("!I", csrc) for csrc in csrcs)
    if extensions is not None:
        block = b"".join(bytes([number << 4 | len(data) - 1]) + data for number, data in extensions.items())
        block += bytes(-len(block) % 4)
        head += struct.pack("!HH", 0xBEDE, len(block) // 4) + block
    return head + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


VP8_KEY = b"\x10\x00\x00\x00\x9d\x01\x2a"
"""VP8 payload descriptor with S set, then a frame whose P bit is 0 (RFC 7741 4.2, 4.3)."""
VP8_DELTA = b"\x10\x01\x00\x00"


def key_frame(size: int = 100) -> bytes:
    return VP8_KEY + bytes(size - len(VP8_KEY))


def delta_frame(size: int = 100) -> bytes:
    return VP8_DELTA + bytes(size - len(VP8_DELTA))
