"""SRTP in place on the arenas, through pylibsrtp's own binding of libsrtp.

pylibsrtp's Session.protect copies each packet in and out and takes bytes only (2.4 us); calling the C functions
of the same binding on arena rows costs 0.7 us.  The only user of pylibsrtp's private names, pinned by a test.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pylibsrtp import Policy, Session
from pylibsrtp import _binding as binding

from media.core.drops import Drop, DropCounters
from media.core.packets import HEAD, STRIDE, Arena

Ints = NDArray[np.int64]

WINDOW = 1024  # packets of reordering that replay protection allows: libwebrtc's choice
TAG_SIZES = {  # bytes that SRTP adds to a packet (RFC 3711 4.2, RFC 7714 14.1)
    Policy.SRTP_PROFILE_AEAD_AES_128_GCM: 16,
    Policy.SRTP_PROFILE_AEAD_AES_256_GCM: 16,
    Policy.SRTP_PROFILE_AES128_CM_SHA1_80: 10,
}
COLUMNS_CACHED = 32  # header sizes whose row pointers are kept, 0.2 MB each
RTCP_TRAILER_MAX = 4 + 16  # SRTCP index and tag

# srtp_err_status_t of srtp.h
_DROPS = {7: Drop.SRTP_AUTH, 9: Drop.SRTP_REPLAY, 10: Drop.SRTP_REPLAY}


class SrtpContexts:
    """The SRTP sessions of all transports, one each way, by transport row."""

    def __init__(self, transports_max: int, receive: Arena, send: Arena) -> None:
        self._ffi, self._library = binding.ffi, binding.lib
        self._sessions: list[tuple[Session, Session] | None] = [None] * transports_max
        """Keeps alive what the lists of srtp_t below point to."""
        self._receive: list[Any] = [None] * transports_max
        self._send: list[Any] = [None] * transports_max
        self._receive_base = self._ffi.cast("char *", receive.address)
        self._send_base = self._ffi.cast("char *", send.address)
        self._in_rows = [self._receive_base + row * STRIDE + HEAD for row in range(receive.rows)]
        self._out_rows: dict[int, list[Any]] = {}
        batch = send.rows
        self._length_memory = self._ffi.new("int[]", batch)
        self._lengths: NDArray[np.int32] = np.frombuffer(self._ffi.buffer(self._length_memory), np.int32)
        self._length_of = [self._length_memory + at for at in range(batch)]
        self._receive_arena, self._send_arena = receive, send

    def add(self, transport: int, profile: int, receive_key: bytes, send_key: bytes) -> None:
        """Keys of a finished handshake: master key and salt, one after the other."""
        receive = Policy(receive_key, Policy.SSRC_ANY_INBOUND, 0, profile)
        send = Policy(send_key, Policy.SSRC_ANY_OUTBOUND, 0, profile)
        receive.window_size = send.window_size = WINDOW
        sessions = Session(receive), Session(send)
        self._sessions[transport] = sessions
        self._receive[transport], self._send[transport] = sessions[0]._srtp[0], sessions[1]._srtp[0]

    def remove(self, transport: int) -> None:
        self._receive[transport] = self._send[transport] = None
        self._sessions[transport] = None

    def has_keys(self, transport: int) -> bool:
        return self._send[transport] is not None

    def unprotect(self, rows: Ints, transports: Ints, drops: DropCounters) -> NDArray[np.bool_]:
        """Decrypt RTP in its arena rows.

        rows, transports  (N,) int64, N <= rows of the send arena; every transport has keys
        Returns (N,) bool, which packets are genuine; arena.length is without the tag for them.
        """
        return self._unprotect(self._library.srtp_unprotect, rows, transports, drops)

    def unprotect_rtcp(self, rows: Ints, transports: Ints, drops: DropCounters) -> NDArray[np.bool_]:
        """The same for RTCP (RFC 3711 3.4)."""
        return self._unprotect(self._library.srtp_unprotect_rtcp, rows, transports, drops)

    def _unprotect(self, function: Any, rows: Ints, transports: Ints, drops: DropCounters) -> NDArray[np.bool_]:
        count = len(rows)
        self._lengths[:count] = self._receive_arena.length[rows]
        contexts, pointers = self._receive, self._in_rows
        status = list(
            map(
                function,
                [contexts[t] for t in transports.tolist()],
                [pointers[row] for row in rows.tolist()],
                self._length_of,
            )
        )
        self._receive_arena.length[rows] = self._lengths[:count]
        if not any(status):
            return np.ones(count, np.bool_)
        for code in status:
            if code:
                drops.add(_DROPS.get(code, Drop.SRTP_OTHER))
        genuine: NDArray[np.bool_] = np.equal(status, 0)
        return genuine

    def protect(self, starts: Ints, sizes: Ints, transports: Ints, drops: DropCounters) -> Ints:
        """Encrypt rows 0..N-1 of the send arena in place, in this order (checklist rule 28).

        starts, sizes, transports  (N,) int64; every transport has keys
        Returns (N,) int64, bytes to send of each, 0 where libsrtp refused.
        """
        count = len(starts)
        self._lengths[:count] = sizes
        contexts = self._send
        status = list(
            map(
                self._library.srtp_protect,
                [contexts[t] for t in transports.tolist()],
                self._out_pointers(starts >> 2),
                self._length_of,
            )
        )
        lengths = self._lengths[:count].astype(np.int64)
        if any(status):
            bad = np.array(status) != 0
            drops.add(Drop.SRTP_PROTECT, int(np.count_nonzero(bad)))
            lengths[bad] = 0
        return lengths

    def protect_one(self, row: int, size: int, transport: int, *, rtcp: bool) -> int:
        """Encrypt one control packet at HEAD of a send row; bytes to send, 0 when libsrtp refused."""
        self._lengths[0] = size
        function = self._library.srtp_protect_rtcp if rtcp else self._library.srtp_protect
        pointer = self._send_base + row * STRIDE + HEAD
        if function(self._send[transport], pointer, self._length_of[0]):
            return 0
        return int(self._lengths[0])

    def _out_pointers(self, columns: Ints) -> list[Any]:
        """A pointer to each row's header.  Packets of a turn have few different header sizes."""
        rows = self._out_rows
        places = columns.tolist()
        for column in set(places):
            if column not in rows:
                if len(rows) >= COLUMNS_CACHED:  # hostile header sizes: slower, not bigger
                    return [self._send_base + at * STRIDE + 4 * c for at, c in enumerate(places)]
                start = self._send_base + 4 * column
                rows[column] = [start + at * STRIDE for at in range(self._send_arena.rows)]
        return [rows[column][at] for at, column in enumerate(places)]
