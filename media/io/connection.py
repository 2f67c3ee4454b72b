"""One TCP connection of a peer: frames that came and were not taken, bytes that the kernel did not take yet.

Knows no transports and no rooms; media.io.tcp has all connections and their limits.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from media.io.framing import Frames

READ_BYTES = 65_536
"""Of one read: at 2 Mbit/s what comes in a quarter of a second."""
FIRST_BYTES = 2048
"""Of one read before the first check: a check is 100 to 700 bytes."""
PICTURES_MAX = 128 << 10
"""Bytes that may wait for a slow receiver before pictures are dropped: half a second of 2 Mbit/s is still a talk."""
WAITING_MAX = 256 << 10
"""And before everything is: the rest is room for minutes of sound and for control."""
UNSENT_MAX = 64 << 10
"""The kernel takes no more than this beyond what is on its way.  By itself it would queue megabytes, seconds of video,
and we would not see that the receiver lags."""
TCP_NOTSENT_LOWAT = 25  # <linux/tcp.h>
IOV_MAX = 512  # views in one system call; Linux takes 1024

_LATER = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS, errno.EINTR)

Views = list[memoryview]


def prepare(sock: socket.socket) -> None:
    """Packets leave at once, and a lag shows early.  OSError: the other end is gone already."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_CORK"):  # Linux, which has the other option too
        sock.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MAX)


class Connection:
    """key names it in the tables of addresses; ip (4 or 16 bytes) and port are the other end.

    proven     a genuine check came over it
    thinning   pictures are left out until everything that waits has gone
    """

    __slots__ = ("file", "frames", "heard_us", "ip", "key", "moved_us", "opened_us", "port", "proven", "socket",
                 "thinning", "waiting")  # fmt: skip

    def __init__(self, sock: socket.socket, key: bytes, ip: bytes, port: int, now_us: int) -> None:
        self.socket, self.file, self.key, self.ip, self.port = sock, sock.fileno(), key, ip, port
        self.frames = Frames()
        self.waiting = bytearray()
        self.opened_us = self.heard_us = self.moved_us = now_us
        self.proven = self.thinning = False

    def read(self, now_us: int) -> bool:
        """Take what came.  False: the other end closed, or broke off."""
        try:
            data = self.socket.recv(READ_BYTES if self.proven else FIRST_BYTES)
        except OSError as error:
            return error.errno in _LATER
        self.heard_us = now_us
        self.frames.feed(data)
        return bool(data)

    def write(self, views: Views, now_us: int) -> Views | None:
        """Send frames while nothing waits.  Returns those that did not begin to leave; None: the connection broke.

        The rest of one that is half gone waits here: a stream cannot leave it out.
        """
        while views:
            some = views[:IOV_MAX]
            sent = self._send(some)
            if sent < 0:
                return None
            at = 0
            for view in some:
                if sent < len(view):
                    break
                sent -= len(view)
                at += 1
            if at:
                self.moved_us = now_us
            if at < len(some):
                if sent:
                    self.waiting += some[at][sent:]
                    at += 1
                    self.moved_us = now_us
                return views[at:]
            views = views[at:]
        return views

    def keep(self, views: Iterable[memoryview], now_us: int) -> None:
        """Let frames wait.  Who calls sees to it that they fit."""
        if not self.waiting:
            self.moved_us = now_us
        for view in views:
            self.waiting += view

    def flush(self, now_us: int) -> bool:
        """Send what waits.  False: the connection broke."""
        while self.waiting:
            with memoryview(self.waiting) as view:
                sent = self._send([view])
            if sent < 0:
                return False
            if not sent:
                return True
            self.moved_us = now_us
            del self.waiting[:sent]
        self.thinning = False
        return True

    def _send(self, views: Views) -> int:
        """Bytes that the kernel took, 0 when it takes none now, -1 when it never will."""
        try:
            return self.socket.sendmsg(views)
        except OSError as error:
            return 0 if error.errno in _LATER else -1

    def close(self) -> None:
        self.socket.close()
