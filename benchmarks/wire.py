"""One UDP socket that is many clients: each message leaves from, and arrives at, an address of its own.

The socket is bound to no address; IP_PKTINFO names the source of every message sent and the
destination of every message received.  So hundreds of clients cost one system call per batch.
Linux, IPv4.  Loopback: all of 127.0.0.0/8 is ours already.  Elsewhere: a local route (AnyIP).
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from dataclasses import dataclass
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

STRIDE = 1664
RECEIVE_BATCH = 1024
CONTROL = 96
BUFFER_BYTES = 64 << 20  # half a second of 100,000 packets: the generator's own pauses must not lose packets
SO_TIMESTAMPNS, SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_MEMINFO = 35, 33, 32, 55
IP_PKTINFO = 8
MEMINFO_DROPS = 8  # index in SO_MEMINFO's array, linux/sock_diag.h
DONTWAIT = 0x40

MMSGHDR = np.dtype(
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
        ("length", "u4"),
        ("pad2", "u4"),
    ]
)
IOVEC = np.dtype([("base", "u8"), ("size", "u8")])
SOCKADDR = np.dtype([("family", "u2"), ("port", ">u2"), ("ip", ">u4"), ("zero", "u8")])
# struct cmsghdr, then struct in_pktinfo: interface, address to send from, address of the header.
PKTINFO = np.dtype(
    [
        ("size", "u8"),
        ("level", "i4"),
        ("type", "i4"),
        ("interface", "i4"),
        ("source", ">u4"),
        ("to", ">u4"),
        ("pad", "u4"),
    ]
)
# What arrives with each message: the time first, then the address (net/ipv4/udp.c, udp_recvmsg).
ARRIVED = np.dtype([("size", "u8"), ("level", "i4"), ("type", "i4"), ("s", "i8"), ("ns", "i8"), ("info", PKTINFO)])

_FFI = cffi.FFI()
_FFI.cdef(
    """
    int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout);
    int sendmmsg(int fd, void *messages, unsigned int count, int flags);
    """
)
_LIBC: Any = _FFI.dlopen(None)


def ip_number(host: str) -> int:
    return int.from_bytes(socket.inet_aton(host), "big")


def ip_text(number: int) -> str:
    return socket.inet_ntoa(number.to_bytes(4, "big"))


def aligned(rows: int) -> NDArray[np.uint8]:
    """(rows, STRIDE) zeroed, at a cache line."""
    slack = np.zeros(rows * STRIDE + 64, np.uint8)
    start = -slack.ctypes.data % 64
    return slack[start : start + rows * STRIDE].reshape(rows, STRIDE)


class Outbox:
    """Messages laid out once: row i of the arena goes from source[i] to target[i].  Only bytes change."""

    def __init__(self, rows: int) -> None:
        self.bytes = aligned(rows)
        self.words = self.bytes.view(">u4")
        self.names = np.zeros(rows, SOCKADDR)
        self.names["family"] = socket.AF_INET
        self.iov = np.zeros(rows, IOVEC)
        self.control = np.zeros(rows, PKTINFO)
        self.control["size"] = 16 + 12
        self.control["level"] = socket.IPPROTO_IP
        self.control["type"] = IP_PKTINFO
        self.messages = np.zeros(rows, MMSGHDR)
        each = np.arange(rows, dtype=np.uint64)
        self.iov["base"] = self.bytes.ctypes.data + each * STRIDE
        self.messages["name"] = self.names.ctypes.data + each * SOCKADDR.itemsize
        self.messages["name_size"] = SOCKADDR.itemsize
        self.messages["iov"] = self.iov.ctypes.data + each * IOVEC.itemsize
        self.messages["iov_count"] = 1
        self.messages["control"] = self.control.ctypes.data + each * PKTINFO.itemsize
        self.messages["control_size"] = PKTINFO.itemsize
        self.address = int(self.messages.ctypes.data)


@dataclass(slots=True)
class Arrivals:
    """One batch, (N,) each; packet i lies at row i of Wire.bytes.

    size       int64, bytes of the datagram
    to         int64, IPv4 address it came to: which client's
    source     SOCKADDR, who sent it
    time_ns    int64, CLOCK_REALTIME by the kernel
    """

    size: NDArray[np.int64]
    to: NDArray[np.int64]
    source: NDArray[np.void]
    time_ns: NDArray[np.int64]


class Wire:
    def __init__(self, port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        for forced, plain in ((SO_RCVBUFFORCE, socket.SO_RCVBUF), (SO_SNDBUFFORCE, socket.SO_SNDBUF)):
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
            except OSError:
                self._socket.setsockopt(socket.SOL_SOCKET, plain, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._socket.bind(("0.0.0.0", port))
        self.port: int = self._socket.getsockname()[1]
        self.bytes = aligned(RECEIVE_BATCH)
        self._names = np.zeros(RECEIVE_BATCH, SOCKADDR)
        self._control = np.zeros((RECEIVE_BATCH, CONTROL), np.uint8)
        self._arrived = self._control[:, : ARRIVED.itemsize].view(ARRIVED)[:, 0]
        self._iov = np.zeros(RECEIVE_BATCH, IOVEC)
        self._messages = np.zeros(RECEIVE_BATCH, MMSGHDR)
        each = np.arange(RECEIVE_BATCH, dtype=np.uint64)
        self._iov["base"] = self.bytes.ctypes.data + each * STRIDE
        self._iov["size"] = 1500
        self._messages["name"] = self._names.ctypes.data + each * SOCKADDR.itemsize
        self._messages["iov"] = self._iov.ctypes.data + each * IOVEC.itemsize
        self._messages["iov_count"] = 1
        self._messages["control"] = self._control.ctypes.data + each * CONTROL
        self._messages["name_size"] = SOCKADDR.itemsize
        self._messages["control_size"] = CONTROL
        self._pointer = _FFI.cast("void *", self._messages.ctypes.data)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> Arrivals | None:
        count: int = _LIBC.recvmmsg(self.fileno(), self._pointer, RECEIVE_BATCH, DONTWAIT, _FFI.NULL)
        if count <= 0:
            return None
        messages, arrived = self._messages[:count], self._arrived[:count]
        taken = Arrivals(
            messages["length"].astype(np.int64),
            arrived["info"]["to"].astype(np.int64),
            self._names[:count],
            arrived["s"] * 1_000_000_000 + arrived["ns"],
        )
        messages["name_size"] = SOCKADDR.itemsize
        messages["control_size"] = CONTROL
        return taken

    def send(self, outbox: Outbox, first: int, last: int) -> int:
        """Send rows first..last-1; returns how many the kernel refused."""
        refused = 0
        while first < last:
            at = _FFI.cast("void *", outbox.address + first * MMSGHDR.itemsize)
            sent: int = _LIBC.sendmmsg(self.fileno(), at, last - first, DONTWAIT)
            if sent < 0:
                refused, sent = refused + 1, 1
            first += sent
        return refused

    def send_one(self, data: bytes, source: int, target: tuple[str, int]) -> None:
        """A STUN, DTLS or RTCP message; refusals (nobody listens there yet) are like losses."""
        info = struct.pack("=i4s4x", 0, source.to_bytes(4, "big"))
        with contextlib.suppress(OSError):
            self._socket.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, target)

    def drops(self) -> int:
        """Datagrams that the kernel dropped because our receive buffer was full."""
        info = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 64)
        return int(np.frombuffer(info, np.uint32)[MEMINFO_DROPS])

    def close(self) -> None:
        self._socket.close()


def fine_timers() -> None:
    """Let sleeps of this thread end within a microsecond of their time instead of 50 (PR_SET_TIMERSLACK)."""
    ctypes.CDLL(None).prctl(29, 1000)
