"""A port: one UDP socket whose datagrams come sorted by protocol and sender, and whose copies go out by transport.

Two of a kind: ArrayPort does it with arrays over any UdpSocket; CompiledPort (compiled.py) in one pass over the same
batch, where the loops of media.native are compiled.  The server cannot tell them apart.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from media.core.packets import HEAD, Arena
from media.io.peers import Peers
from media.io.udp import UdpSocket

Ints = NDArray[np.int64]

RTP_MIN = 12 + 10  # fixed header and the shortest tag
RTCP_MIN = 8 + 4 + 10  # header and sender SSRC, SRTCP index, the shortest tag


class Datagram(NamedTuple):
    """A datagram that is not media of a connected peer.  transport is -1 where its address is unknown."""

    row: int
    transport: int
    address: bytes
    too_long: bool


@dataclass(slots=True)
class Sorted:
    """One batch, sorted (RFC 7983).  Arrays are (n,) int64, valid until the port's next receive().

    count           datagrams in all
    rtp_*, rtcp_*   arena rows, transports (with keys) and arrival times of media, in order of arrival
    others          everything else, in order
    """

    count: int
    rtp_row: Ints
    rtp_transport: Ints
    rtp_arrival_us: Ints
    rtcp_row: Ints
    rtcp_transport: Ints
    others: list[Datagram]


class Unsent(NamedTuple):
    """What became of copies that were not sent.  elsewhere: they go through another port."""

    without_address: int = 0
    elsewhere: int = 0
    would_block: int = 0
    failed: int = 0


class Port(Protocol):
    """What the server needs of a socket."""

    @property
    def family(self) -> socket.AddressFamily: ...
    @property
    def port(self) -> int: ...
    def fileno(self) -> int: ...
    def receive(self) -> Sorted | None: ...
    def keep(self, rows: Ints) -> None: ...
    def send_copies(self, starts: Ints, sizes: Ints, transports: Ints) -> Unsent: ...
    def send(self, rows: Ints, starts: Ints, sizes: Ints, addresses: NDArray[np.uint8]) -> int: ...
    def close(self) -> None: ...


class ArrayPort:
    """Over BatchSocket or PlainSocket."""

    def __init__(self, opened: UdpSocket, number: int, peers: Peers, arena: Arena) -> None:
        self._socket, self._number, self._peers, self._arena = opened, number, peers, arena
        self._place = np.zeros(arena.rows, np.int64)

    @property
    def family(self) -> socket.AddressFamily:
        return self._socket.family

    @property
    def port(self) -> int:
        return self._socket.port

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> Sorted | None:
        """The next batch; None when there is none."""
        batch = self._socket.receive()
        if batch is None:
            return None
        arena, rows = self._arena, batch.row
        self._place[rows] = np.arange(len(rows))
        find = self._peers.by_address.get
        transports = np.array([find(address, -1) for address in batch.addresses], np.int64)
        lead = arena.words[rows, HEAD // 4].astype(np.int64) >> 16
        kind, size = lead & 0xFF, arena.length[rows]
        media = (lead >> 14 == 2) & self._peers.has_keys[transports] & ~batch.too_long
        is_rtcp = (kind >= 192) & (kind <= 223)
        rtcp = media & is_rtcp & (size >= RTCP_MIN)
        rtp = media & ~is_rtcp & (size >= RTP_MIN)
        others = [
            Datagram(int(rows[at]), int(transports[at]), batch.addresses[at], bool(batch.too_long[at]))
            for at in np.flatnonzero(~(rtp | rtcp)).tolist()
        ]
        return Sorted(
            len(rows), rows[rtp], transports[rtp], batch.arrival_us[rtp], rows[rtcp], transports[rtcp], others
        )

    def keep(self, rows: Ints) -> None:
        """Arena rows of the last batch that must not be overwritten yet."""
        self._socket.keep(self._place[rows])

    def send_copies(self, starts: Ints, sizes: Ints, transports: Ints) -> Unsent:
        """Send rows 0..N-1 of the send arena, each to its transport; those of size 0 are passed over."""
        numbers = np.where(sizes > 0, self._peers.socket_of[transports], self._number)
        mine = np.flatnonzero((numbers == self._number) & (sizes > 0))
        without_address = int(np.count_nonzero(numbers < 0))
        elsewhere = int(np.count_nonzero(numbers != self._number)) - without_address
        sent = 0
        if len(mine):
            sent = self.send(mine, starts[mine], sizes[mine], self._peers.destination[transports[mine]])
        return Unsent(without_address, elsewhere, len(mine) - sent)

    def send(self, rows: Ints, starts: Ints, sizes: Ints, addresses: NDArray[np.uint8]) -> int:
        """Send rows of the send arena to addresses; returns how many left."""
        return self._socket.send(rows, starts, sizes, addresses)

    def close(self) -> None:
        self._socket.close()
