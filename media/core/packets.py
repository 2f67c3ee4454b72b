"""Where packets live: arenas of fixed rows, read as bytes, words and quads without copying.

A datagram is received at column HEAD of its row.  The headroom before it is where a forwarded
copy grows its own RTP header, right-aligned to the payload, so that payloads are copied once and
never moved.  All offsets in here are columns of a row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHE_LINE = 64  # bytes
HEAD = CACHE_LINE  # more than the 28 bytes by which our header may exceed the publisher's
PACKET_MAX = 1500  # RFC 8831 5: SRTP over UDP fits an Ethernet frame; WebRTC stacks stay below 1,250
STRIDE = 1664  # HEAD + PACKET_MAX + 100 for SRTP trailers, rounded up to cache lines
WORD0 = HEAD // 4  # column of the RTP header in a row read as 32-bit words
QUAD0 = HEAD // 8  # the same in a row read as quads


def aligned(size: int) -> NDArray[np.uint8]:
    """(size,) zeroed bytes, untouched until used, that begin at a cache line: libsrtp and memcpy like them."""
    slack = np.zeros(size + CACHE_LINE, np.uint8)
    start = -slack.ctypes.data % CACHE_LINE
    return slack[start : start + size]


def aligned_rows(count: int, kind: np.dtype[Any]) -> NDArray[Any]:
    """(count,) zeroed rows of a structure, the first at the beginning of a cache line."""
    return aligned(count * kind.itemsize).view(kind)


class Arena:
    """rows packets of STRIDE bytes, zeroed and untouched (so not resident) until used.

    bytes  (rows, STRIDE) uint8
    words  (rows, STRIDE // 4) big-endian uint32, the same memory
    quads  (rows, STRIDE // 8) native uint64, the same memory
    pairs  (rows * STRIDE - 1,) big-endian uint16, the same memory from every byte on
    length (rows,) int32: bytes from HEAD on of the packet that a row holds, after SRTP
    """

    def __init__(self, rows: int) -> None:
        memory = aligned(rows * STRIDE)
        self.rows = rows
        self.bytes: NDArray[np.uint8] = memory.reshape(rows, STRIDE)
        self.words = memory.view(">u4").reshape(rows, STRIDE // 4)
        self.quads = memory.view(np.uint64).reshape(rows, STRIDE // 8)
        self.pairs = np.ndarray((rows * STRIDE - 1,), ">u2", memory.data, 0, (1,))
        self.length: NDArray[np.int32] = np.zeros(rows, np.int32)
        self.address = int(memory.ctypes.data)

    def packet(self, row: int) -> memoryview:
        """The packet in a row, as it was received and decrypted."""
        return self.bytes[row, HEAD : HEAD + int(self.length[row])].data
