"""UDP in batches: recvmmsg and sendmmsg over fixed arenas, and a fallback of the same shape without them.

Knows addresses only as the kernel's own sockaddr bytes: an exact key, and ready to be sent to.  Receives into
arena rows that it is given, sends from arena rows that it is told; copies no payload.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
import sys
import time
from dataclasses import dataclass
from typing import Any, Protocol

import cffi
import numpy as np
from numpy.typing import NDArray

from media.core.packets import HEAD, PACKET_MAX, STRIDE, Arena

Ints = NDArray[np.int64]

ADDRESS_SIZE = 28  # sizeof(struct sockaddr_in6); sockaddr_in is 16
CONTROL_SIZE = 64  # one cmsg with a timespec (32 bytes) or a segment size (24), and room
BUFFER_BYTES = 8 << 20  # 0.1 s of 24,000 packets/s with the kernel's bookkeeping: a garbage collection, a handshake
GSO_SEGMENTS_MAX = 64  # UDP_MAX_SEGMENTS in linux/udp.h before 6.9, 128 after
GSO_BYTES_MAX = 65_000  # an IPv4 datagram's 65,507 less some
# Numbers of <linux/udp.h> and <asm-generic/socket.h> that Python's socket module does not export.
UDP_SEGMENT = 103
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE, SO_SNDBUFFORCE = 33, 32

_MMSGHDR = np.dtype(  # struct mmsghdr on LP64 Linux
    [
        ("name", "u8"),
        ("name_size", "u4"),
        ("pad0", "u4"),
        ("iov", "u8"),
        ("iov_count", "u8"),
        ("control", "u8"),
        ("control_size", "u8"),
        ("flags", "i4"),
        ("pad1", "u4"),
        ("sent", "u4"),
        ("pad2", "u4"),
    ]
)
_IOVEC = np.dtype([("base", "u8"), ("size", "u8")])


def address_bytes(family: socket.AddressFamily, host: str, port: int, scope: int = 0) -> bytes:
    """The kernel's sockaddr for an address, as a key."""
    if family == socket.AF_INET:
        return struct.pack("=H", family) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)
    packed = socket.inet_pton(socket.AF_INET6, host)
    return struct.pack("=H", family) + struct.pack("!HI", port, 0) + packed + struct.pack("=I", scope)


def address_parts(address: bytes) -> tuple[bytes, int]:
    """(ip as 4 or 16 bytes, port) of a sockaddr."""
    port = address[2] << 8 | address[3]
    return (address[4:8], port) if len(address) == 16 else (address[8:24], port)


@dataclass(slots=True)
class Received:
    """One batch from one socket.  Arrays are (N,).

    row         int64, arena rows, arena.length already set
    too_long    bool, datagrams that did not fit a row
    addresses   sockaddr bytes of each sender
    arrival_us  int64, kernel's receive time on time.monotonic_ns()'s clock
    """

    row: Ints
    too_long: NDArray[np.bool_]
    addresses: list[bytes]
    arrival_us: Ints


class UdpSocket(Protocol):
    """What the server needs of a socket; BatchSocket and PlainSocket are alike to it."""

    family: socket.AddressFamily
    port: int

    def fileno(self) -> int: ...
    def receive(self) -> Received | None: ...
    def keep(self, taken: Ints) -> None: ...
    def send(self, rows: Ints, starts: Ints, sizes: Ints, addresses: NDArray[np.uint8]) -> int: ...
    def close(self) -> None: ...


class RowQueue:
    """Deals out arena rows for receiving, the one whose packet is oldest first.

    Rows that were kept wait at the end of the queue until their turn comes round; rows of rejected packets
    never leave their socket.  A flood of junk so never pushes packets of a call out of the history.
    """

    def __init__(self, rows: int) -> None:
        self.rows: Ints = np.arange(rows, dtype=np.int64)
        self.state: Ints = np.array([0, rows], np.int64)
        """Where the oldest row is, and how many rows there are.  Arrays never move: compiled loops hold them."""

    def deal(self, count: int) -> Ints:
        """Rows for a new socket, before any was exchanged.  ValueError: not one would be left to exchange."""
        left = int(self.state[1]) - count
        if left <= 0:
            raise ValueError(f"{len(self.rows)} arena rows are too few for another {count} in a batch")
        self.state[1] = left
        return self.rows[left : left + count].copy()

    def exchange(self, kept: Ints) -> Ints:
        """Take back rows that hold packets to keep; returns as many of the oldest."""
        head, size = self.state.tolist()
        places = (head + np.arange(len(kept))) % size
        oldest: Ints = self.rows[places]
        self.rows[places] = kept
        self.state[0] = (head + len(kept)) % size
        return oldest


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for forced, plain in ((SO_RCVBUFFORCE, socket.SO_RCVBUF), (SO_SNDBUFFORCE, socket.SO_SNDBUF)):
            try:
                sock.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
            except OSError:  # needs CAP_NET_ADMIN; without it net.core.rmem_max caps what we get
                sock.setsockopt(socket.SOL_SOCKET, plain, BUFFER_BYTES)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


class BatchSocket:
    """recvmmsg and sendmmsg with UDP segmentation offload, on 64-bit Linux."""

    def __init__(
        self,
        family: socket.AddressFamily,
        host: str,
        port: int,
        receive: Arena,
        send: Arena,
        rows: RowQueue,
        batch: int,
        *,
        gso: bool = True,
    ) -> None:
        self._library = _library()
        self._ffi = _FFI
        self._socket = _bind(family, host, port)
        self.family = family
        self.port: int = self._socket.getsockname()[1]
        self._address_size = 16 if family == socket.AF_INET else ADDRESS_SIZE
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._gso = gso and _has_gso(self._socket)
        self._receive_arena, self._send_arena, self._queue = receive, send, rows
        self._rows = rows.deal(batch)
        self._set_up_receive(batch)
        self._set_up_send(send.rows)

    def _set_up_receive(self, batch: int) -> None:
        self._batch = batch
        self._in_names = np.zeros((batch, ADDRESS_SIZE), np.uint8)
        self._in_control = np.zeros((batch, CONTROL_SIZE), np.uint8)
        self._in_iov = np.zeros(batch, _IOVEC)
        self._in = np.zeros(batch, _MMSGHDR)
        each = np.arange(batch, dtype=np.uint64)
        self._in_iov["size"] = PACKET_MAX
        self._in["name"] = self._in_names.ctypes.data + each * ADDRESS_SIZE
        self._in["iov"] = self._in_iov.ctypes.data + each * _IOVEC.itemsize
        self._in["iov_count"] = 1
        self._in["control"] = self._in_control.ctypes.data + each * CONTROL_SIZE
        self._in["name_size"] = ADDRESS_SIZE
        self._in["control_size"] = CONTROL_SIZE
        self._in_times = self._in_control.view(np.int64)  # cmsg: size, level and type, seconds, nanoseconds
        self._in_pointer = self._ffi.cast("void *", self._in.ctypes.data)
        self._point_rows(np.arange(batch))

    def _point_rows(self, positions: Ints) -> None:
        self._in_iov["base"][positions] = self._receive_arena.address + self._rows[positions] * STRIDE + HEAD

    def _set_up_send(self, rows: int) -> None:
        self._out_names = np.zeros((rows, ADDRESS_SIZE), np.uint8)
        self._out_control = np.zeros((rows, CONTROL_SIZE), np.uint8)
        self._out_iov = np.zeros(rows, _IOVEC)
        self._out = np.zeros(rows, _MMSGHDR)
        each = np.arange(rows, dtype=np.uint64)
        self._row_address = self._send_arena.address + np.arange(rows) * STRIDE
        self._out["name"] = self._out_names.ctypes.data + each * ADDRESS_SIZE
        self._out["name_size"] = self._address_size
        self._out_control[:, :16] = np.frombuffer(struct.pack("=Qii", 18, socket.IPPROTO_UDP, UDP_SEGMENT), np.uint8)
        self._out_segment = self._out_control.view(np.uint16)[:, 8]
        self._out["control"] = self._out_control.ctypes.data + each * CONTROL_SIZE
        self._out_pointer = int(self._out.ctypes.data)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> Received | None:
        """Take up to a batch of datagrams; None when there is none."""
        count: int = self._library.recvmmsg(self.fileno(), self._in_pointer, self._batch, 0x40, self._ffi.NULL)
        if count <= 0:
            return None  # EAGAIN, or an ICMP error of some earlier datagram: both are no datagram
        now_us, now_real_us = time.monotonic_ns() // 1000, time.time_ns() // 1000
        headers = self._in[:count]
        times = self._in_times[:count]
        arrival = times[:, 2] * 1_000_000 + times[:, 3] // 1000 + (now_us - now_real_us)
        stamped = headers["control_size"] == 32
        if not stamped.all():
            arrival[~stamped] = now_us
        np.minimum(arrival, now_us, out=arrival)  # a step of the wall clock must not reach the future
        rows = self._rows[:count].copy()
        self._receive_arena.length[rows] = headers["sent"]
        too_long = (headers["flags"] & socket.MSG_TRUNC) != 0
        size = self._address_size
        names = self._in_names[:count, :size].tobytes()
        addresses = [names[at : at + size] for at in range(0, count * size, size)]
        headers["name_size"] = ADDRESS_SIZE
        headers["control_size"] = CONTROL_SIZE
        return Received(rows, too_long, addresses, arrival)

    def keep(self, taken: Ints) -> None:
        """Positions of the last batch whose rows must not be overwritten yet."""
        self._rows[taken] = self._queue.exchange(self._rows[taken])
        self._point_rows(taken)

    def send(self, rows: Ints, starts: Ints, sizes: Ints, addresses: NDArray[np.uint8]) -> int:
        """Send rows of the send arena; returns how many the kernel took, in order.

        rows, starts, sizes  (N,) int64: row, column and bytes of each datagram
        addresses            (N, ADDRESS_SIZE) uint8 sockaddrs
        Neighbours of equal size (a shorter one may end the group) to one address leave as one
        segmented datagram: one walk through the kernel's stack for the group.
        """
        count = len(starts)
        self._out_iov["base"][:count] = self._row_address[rows] + starts
        self._out_iov["size"][:count] = sizes
        heads = self._group(sizes, addresses) if self._gso else np.arange(count)
        groups = len(heads)
        sizes_of = np.diff(heads, append=count)
        out = self._out[:groups]
        self._out_names[:groups] = addresses[heads]
        out["iov"] = self._out_iov.ctypes.data + heads * _IOVEC.itemsize
        out["iov_count"] = sizes_of
        self._out_segment[:groups] = sizes[heads]
        out["control_size"] = np.where(sizes_of > 1, 24, 0)
        done = 0
        while done < groups:
            sent: int = self._library.sendmmsg(
                self.fileno(),
                self._ffi.cast("void *", self._out_pointer + done * _MMSGHDR.itemsize),
                groups - done,
                0x40,
            )
            if sent < 0:
                if self._ffi.errno in (errno.EAGAIN, errno.ENOBUFS):
                    break
                sent = 1  # this one's address is unreachable or refused: skip it, the others go on
            done += sent
        return count if done == groups else int(heads[done])

    def _group(self, sizes: Ints, addresses: NDArray[np.uint8]) -> Ints:
        """First positions of the groups that may leave as one segmented datagram."""
        count = len(sizes)
        breaks = np.ones(count, np.bool_)
        keys = addresses.view(np.uint32)
        np.any(keys[1:] != keys[:-1], axis=1, out=breaks[1:])
        breaks[1:] |= sizes[1:] > sizes[:-1]
        breaks[2:] |= sizes[1:-1] < sizes[:-2]  # the one before was the short last of its group
        heads = np.flatnonzero(breaks)
        lengths = np.diff(heads, append=count)
        limit = np.minimum(GSO_SEGMENTS_MAX, GSO_BYTES_MAX // np.maximum(sizes[heads], 1))
        if (lengths > limit).any():
            for head, length, most in zip(heads.tolist(), lengths.tolist(), limit.tolist(), strict=True):
                breaks[head + most : head + length : most] = True
            heads = np.flatnonzero(breaks)
        return heads

    def close(self) -> None:
        self._socket.close()


class PlainSocket:
    """recvfrom_into and sendto, one system call a datagram, where there is no recvmmsg."""

    def __init__(
        self,
        family: socket.AddressFamily,
        host: str,
        port: int,
        receive: Arena,
        send: Arena,
        rows: RowQueue,
        batch: int,
    ) -> None:
        self._socket = _bind(family, host, port)
        self.family = family
        self.port: int = self._socket.getsockname()[1]
        self._receive_arena, self._send_arena, self._queue = receive, send, rows
        self._rows = rows.deal(batch)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> Received | None:
        addresses: list[bytes] = []
        too_long: list[bool] = []
        for row in self._rows.tolist():
            cells = self._receive_arena.bytes[row]
            try:
                size, sender = self._socket.recvfrom_into(cells[HEAD : HEAD + PACKET_MAX + 1].data)
            except OSError:
                break
            self._receive_arena.length[row] = min(size, PACKET_MAX)
            too_long.append(size > PACKET_MAX)
            addresses.append(address_bytes(self.family, sender[0], sender[1], sender[3] if len(sender) > 2 else 0))
        if not addresses:
            return None
        count = len(addresses)
        now_us = time.monotonic_ns() // 1000
        return Received(self._rows[:count].copy(), np.array(too_long), addresses, np.full(count, now_us, np.int64))

    def keep(self, taken: Ints) -> None:
        self._rows[taken] = self._queue.exchange(self._rows[taken])

    def send(self, rows: Ints, starts: Ints, sizes: Ints, addresses: NDArray[np.uint8]) -> int:
        size = 16 if self.family == socket.AF_INET else ADDRESS_SIZE
        places = zip(rows.tolist(), starts.tolist(), sizes.tolist(), strict=True)
        for at, (row, start, length) in enumerate(places):
            ip, port = address_parts(addresses[at, :size].tobytes())
            try:
                self._socket.sendto(
                    self._send_arena.bytes[row, start : start + length].data, (str(ipaddress.ip_address(ip)), port)
                )
            except BlockingIOError:
                return at
            except OSError:
                continue  # unreachable or refused: this one only
        return len(rows)

    def close(self) -> None:
        self._socket.close()


_FFI = cffi.FFI()
_FFI.cdef(
    """
    int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout);
    int sendmmsg(int fd, void *messages, unsigned int count, int flags);
    """
)
_loaded: Any = None


def _library() -> Any:
    global _loaded
    if _loaded is None:
        _loaded = _FFI.dlopen(None)
    return _loaded


def has_batches() -> bool:
    """Whether this system has recvmmsg and sendmmsg as BatchSocket knows them."""
    if not sys.platform.startswith("linux") or struct.calcsize("P") != 8:
        return False
    try:
        library = _library()
        return bool(library.recvmmsg and library.sendmmsg)
    except (AttributeError, OSError):
        return False


def _has_gso(sock: socket.socket) -> bool:
    """UDP_SEGMENT came with Linux 4.18; asking for it tells."""
    try:
        sock.getsockopt(socket.IPPROTO_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


def open_socket(
    family: socket.AddressFamily,
    host: str,
    port: int,
    receive: Arena,
    send: Arena,
    rows: RowQueue,
    batch: int,
) -> UdpSocket:
    """The best socket this system has.  OSError when the address cannot be bound."""
    if has_batches():
        return BatchSocket(family, host, port, receive, send, rows, batch)
    return PlainSocket(family, host, port, receive, send, rows, batch)
