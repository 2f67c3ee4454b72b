"""Who comes by TCP: listening, letting in within limits, sending away who says nothing useful or nothing at all.

A connection is a stranger until a genuine connectivity check came over it, and is from then on an address of that peer
like any other, until it closes.  Nobody's bytes raise here, and nobody is waited for.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable

from media.core.drops import TcpCounts
from media.io.connection import Connection, prepare
from media.native.index import Index

FIRST_US = 10_000_000
"""A browser sends its first check as soon as the connection stands: this is ten slow round trips."""
IDLE_US = 60_000_000
"""Twice the consent of RFC 7675; libwebrtc checks its spare connections every 25 s."""
STALLED_US = 15_000_000
"""Nothing of what waits has gone for so long: the other end is dead or might as well be."""
STRANGERS_MAX = 512
"""Connections without a check; beyond, the oldest makes way, who has had his time."""
STRANGERS_EACH_MAX = 64
"""Of one address: twenty people behind it who come in the same tenth of a second."""
EACH_MAX = 256
"""Of one address: an office with forty people behind one, two browsers' connections each on two networks."""
ACCEPTS_MAX = 64  # in one go: a flood of connections must not keep the loop from media
BACKLOG = 128  # connections that the kernel keeps for us meanwhile
NETWORK_SIZE = 8  # bytes of an IPv6 address that say whose network it is

_KEY = struct.Struct("=HHIQ")
KEY_SIZE = _KEY.size
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def listener(host: str, port: int) -> socket.socket:
    """A listening socket.  OSError when the address cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # After a restart, connections of before may linger in the kernel for a minute.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


class Connections:
    """All of a server.

    by_address  checked addresses; those of connections are their keys
    on_lost     called with the key of a proven connection that closed
    unread      those with frames that no readable socket will tell of
    """

    def __init__(
        self, proven_max: int, counts: TcpCounts, by_address: Index[bytes], on_lost: Callable[[bytes], None]
    ) -> None:
        self.listeners: list[socket.socket] = []
        self.selector = selectors.DefaultSelector()
        self.unread: dict[bytes, Connection] = {}
        self._most = proven_max + STRANGERS_MAX
        self._counts, self._by_address, self._lost = counts, by_address, on_lost
        self._open: dict[bytes, Connection] = {}
        self._strangers: dict[bytes, Connection] = {}
        """In order of arrival."""
        self._of_network: Counter[bytes] = Counter()
        self._next = 1
        self._spare = os.open(os.devnull, os.O_RDONLY)
        """A file number for the moment when there are no more: to tell somebody no, one must take his call."""

    def __len__(self) -> int:
        return len(self._open)

    def get(self, key: bytes) -> Connection | None:
        return self._open.get(key)

    def listen(self, host: str, port: int) -> None:
        """OSError when the address cannot be bound."""
        self.listeners.append(listener(host, port))

    def shut(self) -> None:
        """Close everything; nobody is told."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()
        for sock in self.listeners:
            sock.close()
        self.listeners.clear()
        self.selector.close()
        os.close(self._spare)

    def accept(self, sock: socket.socket) -> None:
        """Take who knocks.  What is over a limit is closed at once, and counted."""
        for _ in range(ACCEPTS_MAX):
            try:
                came, remote = sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in _FULL or not self._refuse_with_spare(sock):
                    return
                continue
            self._welcome(came, remote[0], remote[1])

    def _refuse_with_spare(self, sock: socket.socket) -> bool:
        """No file number is left: without this, the listener would stay readable and turn the loop for nothing."""
        os.close(self._spare)
        try:
            sock.accept()[0].close()
            self._counts.refused += 1
        except OSError:
            return False
        finally:
            self._spare = os.open(os.devnull, os.O_RDONLY)
        return True

    def _welcome(self, sock: socket.socket, host: str, port: int) -> None:
        ip = socket.inet_pton(sock.family, host.partition("%")[0])
        network = ip[:NETWORK_SIZE]
        strangers = sum(each.ip[:NETWORK_SIZE] == network for each in self._strangers.values())
        full = len(self._open) >= self._most
        if full or self._of_network[network] >= EACH_MAX or strangers >= STRANGERS_EACH_MAX:
            self._counts.refused += 1
            sock.close()
            return
        try:
            prepare(sock)
        except OSError:  # gone while it waited
            sock.close()
            return
        if len(self._strangers) >= STRANGERS_MAX:
            self._counts.refused += 1
            self.close(next(iter(self._strangers.values())))
        connection = Connection(
            sock, _KEY.pack(socket.AF_UNSPEC, 0, 0, self._next), ip, port, time.monotonic_ns() // 1000
        )
        self._next += 1
        self._open[connection.key] = self._strangers[connection.key] = connection
        self._of_network[network] += 1
        self.selector.register(connection.file, selectors.EVENT_READ, connection)
        self._counts.accepted += 1
        self._counts.open = len(self._open)

    def close(self, connection: Connection) -> None:
        """That path ends, and nothing else.  Once is enough: again does nothing."""
        if self._open.pop(connection.key, None) is None:
            return
        self._strangers.pop(connection.key, None)
        self.unread.pop(connection.key, None)
        network = connection.ip[:NETWORK_SIZE]
        self._of_network[network] -= 1
        if not self._of_network[network]:
            del self._of_network[network]
        self.selector.unregister(connection.file)
        connection.close()
        self._counts.open = len(self._open)
        if connection.proven:
            self._lost(connection.key)

    def expire(self, now_us: int) -> None:
        """Close who is silent, stuck, or of a transport that is gone.  Call about once a second."""
        for connection in list(self._open.values()):
            known = connection.key in self._by_address
            if not connection.proven:
                if now_us - connection.opened_us > FIRST_US:
                    self._counts.strangers += 1
                    self.close(connection)
            elif connection.waiting and now_us - connection.moved_us > STALLED_US:
                self._counts.stalled += 1
                self.close(connection)
            elif not known or now_us - connection.heard_us > IDLE_US:
                self.close(connection)

    def believe(self, key: bytes) -> None:
        """A check that came over it was genuine."""
        connection = self._strangers.get(key)
        if connection is not None and key in self._by_address:
            del self._strangers[key]
            connection.proven = True

    def refuse(self, key: bytes) -> None:
        """A check that came over it was not: a stranger's first chance is the only one."""
        connection = self._strangers.get(key)
        if connection is not None:
            self.break_off(connection)

    def break_off(self, connection: Connection) -> None:
        """What came over it is no good."""
        if not connection.proven:
            self._counts.strangers += 1
        self.close(connection)
