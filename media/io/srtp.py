"""SRTP in place on the arenas, through pylibsrtp's own binding of libsrtp.

pylibsrtp's Session.protect copies each packet in and out and takes bytes only (2.4 us); calling the C functions
of the same binding on arena rows costs 0.7 us.  The only user of pylibsrtp's private names, pinned by a test.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pylibsrtp import Policy, Session
from pylibsrtp import _binding as binding

from media.core.drops import Drop, DropCounters
from media.core.packets import HEAD, STRIDE, Arena
from media.native import FFI, pointer, view

Ints = NDArray[np.int64]

WINDOW = 1024  # packets of reordering that replay protection allows: libwebrtc's choice
TAG_SIZES = {  # bytes that SRTP adds to a packet (RFC 3711 4.2, RFC 7714 14.1)
    Policy.SRTP_PROFILE_AEAD_AES_128_GCM: 16,
    Policy.SRTP_PROFILE_AEAD_AES_256_GCM: 16,
    Policy.SRTP_PROFILE_AES128_CM_SHA1_80: 10,
}
COLUMNS_CACHED = 32  # header sizes whose row pointers are kept, 0.2 MB each

# srtp_err_status_t of srtp.h
_DROPS = {7: Drop.SRTP_AUTH, 9: Drop.SRTP_REPLAY, 10: Drop.SRTP_REPLAY}


class SrtpContexts:
    """The SRTP sessions of all transports, one each way, by transport row.

    loops  media.native.library(), or None to call libsrtp from Python, once a packet
    """

    def __init__(self, transports_max: int, receive: Arena, send: Arena, loops: Any | None = None) -> None:
        self._ffi, self._library = binding.ffi, binding.lib
        self._sessions: list[tuple[Session, Session] | None] = [None] * transports_max
        """Keeps alive what the srtp_t below point to."""
        self._receive: list[Any] = [None] * transports_max
        self._send: list[Any] = [None] * transports_max
        self._receive_base = self._ffi.cast("char *", receive.address)
        self._send_base = self._ffi.cast("char *", send.address)
        # A pointer to each row and length, for who calls libsrtp from Python.
        each_row = range(0 if loops is not None else receive.rows)
        self._in_rows = [self._receive_base + row * STRIDE + HEAD for row in each_row]
        self._out_rows: dict[int, list[Any]] = {}
        batch = send.rows
        self._length_memory = self._ffi.new("int[]", batch)
        self._lengths: NDArray[np.int32] = np.frombuffer(self._ffi.buffer(self._length_memory), np.int32)
        self._length_of = [self._length_memory + at for at in range(0 if loops is not None else batch)]
        self._receive_arena, self._send_arena = receive, send
        self.compiled = CompiledLoops(loops, transports_max, receive, send) if loops is not None else None

    def add(self, transport: int, profile: int, receive_key: bytes, send_key: bytes) -> None:
        """Keys of a finished handshake: master key and salt, one after the other."""
        receive = Policy(receive_key, Policy.SSRC_ANY_INBOUND, 0, profile)
        send = Policy(send_key, Policy.SSRC_ANY_OUTBOUND, 0, profile)
        receive.window_size = send.window_size = WINDOW
        sessions = Session(receive), Session(send)
        self._sessions[transport] = sessions
        self._receive[transport], self._send[transport] = sessions[0]._srtp[0], sessions[1]._srtp[0]
        if self.compiled is not None:
            self.compiled.receive[transport] = int(self._ffi.cast("uintptr_t", self._receive[transport]))
            self.compiled.send[transport] = int(self._ffi.cast("uintptr_t", self._send[transport]))

    def remove(self, transport: int) -> None:
        self._receive[transport] = self._send[transport] = None
        if self.compiled is not None:
            self.compiled.receive[transport] = self.compiled.send[transport] = 0
        self._sessions[transport] = None

    def has_keys(self, transport: int) -> bool:
        return self._send[transport] is not None

    def unprotect(self, rows: Ints, transports: Ints, drops: DropCounters) -> NDArray[np.bool_] | None:
        """Decrypt RTP in its arena rows.

        rows, transports  (N,) int64, N <= rows of the send arena; every transport has keys
        Returns (N,) bool, which packets are genuine, None when all are; arena.length is without the tag for them.
        """
        if self.compiled is not None:
            return self.compiled.unprotect(rows, transports, drops, rtcp=False)
        return self._unprotect(self._library.srtp_unprotect, rows, transports, drops)

    def unprotect_rtcp(self, rows: Ints, transports: Ints, drops: DropCounters) -> NDArray[np.bool_] | None:
        """The same for RTCP (RFC 3711 3.4)."""
        if self.compiled is not None:
            return self.compiled.unprotect(rows, transports, drops, rtcp=True)
        return self._unprotect(self._library.srtp_unprotect_rtcp, rows, transports, drops)

    def _unprotect(self, function: Any, rows: Ints, transports: Ints, drops: DropCounters) -> NDArray[np.bool_] | None:
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
            return None
        for code in status:
            if code:
                drops.add(_DROPS.get(code, Drop.SRTP_OTHER))
        genuine: NDArray[np.bool_] = np.equal(status, 0)
        return genuine

    def protect(self, starts: Ints, sizes: Ints, transports: Ints, drops: DropCounters, *, rtcp: bool = False) -> Ints:
        """Encrypt rows 0..N-1 of the send arena in place, in this order (checklist rule 28).

        starts, sizes, transports  (N,) int64; sizes may be overwritten with the result
        Returns (N,) int64, bytes to send of each, 0 where there are no keys yet or libsrtp refused.
        """
        if self.compiled is not None:
            return self.compiled.protect(starts, sizes, transports, drops, rtcp=rtcp)
        count = len(starts)
        self._lengths[:count] = sizes
        contexts, places = self._send, transports.tolist()
        function = self._library.srtp_protect_rtcp if rtcp else self._library.srtp_protect
        if not sizes.all() or not all(contexts[t] is not None for t in places):
            return self._protect_some(function, starts, sizes, transports, drops)
        status = list(
            map(
                function,
                [contexts[t] for t in places],
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

    def _protect_some(self, function: Any, starts: Ints, sizes: Ints, transports: Ints, drops: DropCounters) -> Ints:
        """protect() in a batch with copies for transports whose handshake is not done."""
        lengths = np.zeros(len(starts), np.int64)
        for at, (start, size, transport) in enumerate(
            zip(starts.tolist(), sizes.tolist(), transports.tolist(), strict=True)
        ):
            if not size:
                continue
            if self._send[transport] is None:
                drops.add(Drop.NO_KEYS)
                continue
            self._lengths[0] = size
            place = self._send_base + at * STRIDE + start
            if function(self._send[transport], place, self._length_of[0]):
                drops.add(Drop.SRTP_PROTECT)
            else:
                lengths[at] = self._lengths[0]
        return lengths

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


class CompiledLoops:
    """The same over whole batches in C, with the very functions of pylibsrtp's binding (media/native/batches.c).

    receive, send  (transports_max,) uint64, srtp_t of each transport, 0 without keys
    """

    def __init__(self, library: Any, transports_max: int, receive: Arena, send: Arena) -> None:
        self._library = library
        self.receive: NDArray[np.uint64] = np.zeros(transports_max, np.uint64)
        self.send: NDArray[np.uint64] = np.zeros(transports_max, np.uint64)
        self.genuine = np.zeros(send.rows, np.bool_)
        # Of each way its own: a batch may be decrypted and encrypted before either is looked at.
        self._forged, self._refused = (np.zeros(library.BALIE_STATUSES, np.int64) for _ in range(2))
        self._unprotect = {False: _address_of("srtp_unprotect"), True: _address_of("srtp_unprotect_rtcp")}
        self._protect = {False: _address_of("srtp_protect"), True: _address_of("srtp_protect_rtcp")}
        self._receive_contexts = FFI.cast("void **", self.receive.ctypes.data)
        self._send_contexts = FFI.cast("void **", self.send.ctypes.data)
        self._in_bytes, self._in_length = pointer(receive.bytes), pointer(receive.length)
        self._out_bytes = pointer(send.bytes)
        self._genuine_pointer = pointer(self.genuine)
        self._forged_pointer, self._refused_pointer = pointer(self._forged), pointer(self._refused)

    def lend(self, path: Any) -> None:
        """Fill in what struct balie_path needs of SRTP."""
        path.unprotect, path.unprotect_rtcp = self._unprotect[False], self._unprotect[True]
        path.protect = self._protect[False]
        path.receive_contexts, path.send_contexts = self._receive_contexts, self._send_contexts
        path.genuine = self._genuine_pointer
        path.forged_statuses, path.refused_statuses = self._forged_pointer, self._refused_pointer

    def unprotect(self, rows: Ints, transports: Ints, drops: DropCounters, *, rtcp: bool) -> NDArray[np.bool_] | None:
        failed: int = self._library.balie_unprotect(
            self._unprotect[rtcp],
            self._receive_contexts,
            self._in_bytes,
            self._in_length,
            len(rows),
            view(rows),
            view(transports),
            self._genuine_pointer,
            self._forged_pointer,
        )
        if not failed:
            return None
        self.count_forged(drops)
        return self.genuine[: len(rows)]

    def count_forged(self, drops: DropCounters) -> None:
        for code in np.flatnonzero(self._forged).tolist():
            drops.add(_DROPS.get(code, Drop.SRTP_OTHER), int(self._forged[code]))
        self._forged[:] = 0

    def protect(self, starts: Ints, sizes: Ints, transports: Ints, drops: DropCounters, *, rtcp: bool) -> Ints:
        """sizes is overwritten."""
        failed: int = self._library.balie_protect(
            self._protect[rtcp],
            self._send_contexts,
            self._out_bytes,
            len(sizes),
            view(starts),
            view(sizes),
            view(transports),
            self._refused_pointer,
        )
        if failed:
            self.count_refused(failed, drops)
        return sizes

    def count_refused(self, failed: int, drops: DropCounters) -> None:
        without_keys = int(self._refused[0])
        drops.add(Drop.NO_KEYS, without_keys)
        drops.add(Drop.SRTP_PROTECT, failed - without_keys)
        self._refused[:] = 0


def _address_of(name: str) -> Any:
    """A function of pylibsrtp's binding, for C."""
    found = binding.ffi.addressof(binding.lib, name)
    return FFI.cast("balie_srtp", int(binding.ffi.cast("uintptr_t", found)))


def sha1_address() -> int:
    """SHA1() of the OpenSSL inside pylibsrtp, 0 where that shows none."""
    try:
        return ctypes.cast(ctypes.CDLL(binding.__file__).SHA1, ctypes.c_void_p).value or 0
    except (AttributeError, OSError):
        return 0
