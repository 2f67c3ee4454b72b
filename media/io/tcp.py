"""TcpPort: ICE-TCP on the number of the UDP port, for peers whose network lets no UDP through (RFC 6544).

To the server it is one more port: what came is sorted as a batch, what goes out leaves by transport.  Python only, and
not twice as the loops of UDP are: few come this way.  What does not fit is dropped by name, pictures first.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from media.core.drops import Drop
from media.core.engine import Engine
from media.core.errors import PeerError
from media.core.packets import HEAD, STRIDE
from media.io.connection import PICTURES_MAX, WAITING_MAX, Connection, Views
from media.io.connections import KEY_SIZE, Connections
from media.io.framing import LENGTH_SIZE
from media.io.peers import Peers
from media.io.ports import RTCP_MIN, RTP_MIN, Datagram, Sorted, Unsent
from media.io.udp import RowQueue

Ints = NDArray[np.int64]

BATCH = 64
"""Frames of one batch, and arena rows of this port."""
FRAMES_EACH = 16
"""Of one connection in a batch: who sends a flood does not keep the others from being read."""


class TcpPort:
    """See the module, and media.io.ports.Port.

    number   this port's, as Peers.socket_of names it
    on_lost  called with the key of a proven connection that closed
    """

    family = socket.AF_UNSPEC

    def __init__(
        self, engine: Engine, peers: Peers, rows: RowQueue, number: int, on_lost: Callable[[bytes], None]
    ) -> None:
        self.number = number
        self._engine, self._peers, self._queue = engine, peers, rows
        self._drops, self._arena = engine.counters, engine.arena
        proven_max = 2 * engine.settings.transports_max
        self._connections = Connections(proven_max, engine.tcp, peers.by_address, on_lost)
        self.listen, self.accept = self._connections.listen, self._connections.accept
        self.believe, self.refuse = self._connections.believe, self._connections.refuse
        self.expire, self.close = self._connections.expire, self._connections.shut
        self._rows = rows.deal(min(BATCH, engine.settings.batch_max))
        self._place = np.zeros(engine.arena.rows, np.int64)
        self._memory_in = memoryview(engine.arena.bytes.reshape(-1))  # type: ignore[arg-type]
        self._memory_out = memoryview(engine.send.bytes.reshape(-1))  # type: ignore[arg-type]

    @property
    def port(self) -> int:
        return int(self.listeners[0].getsockname()[1])

    @property
    def listeners(self) -> tuple[socket.socket, ...]:
        return tuple(self._connections.listeners)

    @property
    def idle(self) -> bool:
        """Whether nobody comes this way."""
        return not self._connections

    @property
    def unread(self) -> bool:
        """Whether frames wait that no readable socket will tell of."""
        return bool(self._connections.unread)

    def fileno(self) -> int:
        """Readable when some connection is, or when one that frames wait for takes more."""
        return self._connections.selector.fileno()

    def remote(self, key: bytes) -> tuple[bytes, int] | None:
        """The other end of a connection; None: it closed meanwhile."""
        connection = self._connections.get(key)
        return (connection.ip, connection.port) if connection is not None else None

    # -- in --------------------------------------------------------------------------------------------

    def receive(self) -> Sorted | None:
        """The next batch; None when there is none."""
        if not self._connections:
            return None
        now_us, batch = time.monotonic_ns() // 1000, _Batch()
        before = list(self._connections.unread.values())
        for selected, events in self._connections.selector.select(0):
            connection: Connection = selected.data
            if self._connections.get(connection.key) is None:
                continue  # closed a moment ago
            if events & selectors.EVENT_WRITE:
                self._flush(connection, now_us)
            if events & selectors.EVENT_READ and connection.key not in self._connections.unread:
                self._read(connection, batch, now_us)
        for connection in before:
            if connection.key in self._connections.unread:
                self._take(connection, batch)
        return batch.sorted(now_us) if batch.used else None

    def keep(self, rows: Ints) -> None:
        """Arena rows of the last batch that must not be overwritten yet."""
        places = self._place[rows]
        self._rows[places] = self._queue.exchange(self._rows[places])

    def _read(self, connection: Connection, batch: _Batch, now_us: int) -> None:
        if self._connections.get(connection.key) is None:
            return  # it broke when it was written to
        if not connection.read(now_us):
            self._connections.close(connection)
        else:
            self._take(connection, batch)

    def _take(self, connection: Connection, batch: _Batch) -> None:
        """Frames of one connection into the batch.  A stranger gets one: what follows depends on what it is."""
        self._connections.unread.pop(connection.key, None)
        most = min(FRAMES_EACH if connection.proven else 1, len(self._rows) - batch.used)
        try:
            frames = connection.frames.take(most)
        except PeerError as error:
            self._drops.add_named(error.reason)
            self._connections.break_off(connection)
            return
        for frame in frames:
            if not self._sort(connection, frame, batch):
                self._connections.break_off(connection)
                return
        if connection.frames.has_frame():
            self._connections.unread[connection.key] = connection

    def _sort(self, connection: Connection, frame: bytes, batch: _Batch) -> bool:
        """One frame into the next row.  False: this is nobody who may send it."""
        transport = self._peers.by_address.get(connection.key, -1)
        if not frame or (frame[0] > 3 and transport < 0):
            self._drops.add(Drop.UNKNOWN_ADDRESS if frame else Drop.TOO_SHORT)
            return connection.proven and not frame
        size, row = len(frame), int(self._rows[batch.used])
        place = row * STRIDE + HEAD
        self._memory_in[place : place + size] = frame
        self._arena.length[row] = size
        self._place[row] = batch.used
        batch.used += 1
        if transport >= 0 and self._peers.has_keys[transport] and size >= RTP_MIN and frame[0] >> 6 == 2:
            is_rtcp = 192 <= frame[1] <= 223
            if not is_rtcp or size >= RTCP_MIN:
                (batch.rtcp if is_rtcp else batch.rtp).append((row, transport))
                return True
        batch.others.append(Datagram(row, transport, connection.key, False))
        return True

    # -- out -------------------------------------------------------------------------------------------

    def send_copies(self, starts: Ints, sizes: Ints, transports: Ints) -> Unsent:
        """Send rows 0..N-1 of the send arena, each to its transport; what stays behind is counted here."""
        mine = np.flatnonzero((self._peers.socket_of[transports] == self.number) & (sizes > 0))
        destinations = self._peers.destination[transports[mine], :KEY_SIZE]
        self._send(mine, starts[mine], sizes[mine], [each.tobytes() for each in destinations])
        return Unsent()

    def send(self, rows: Ints, starts: Ints, sizes: Ints, addresses: NDArray[np.uint8]) -> int:
        """Send rows of the send arena to connections; what stays behind is counted here."""
        self._send(rows, starts, sizes, [each.tobytes() for each in addresses[:, :KEY_SIZE]])
        return len(rows)

    def _send(self, rows: Ints, starts: Ints, sizes: Ints, keys: list[bytes]) -> None:
        """A frame's length goes before the packet in its own row, and the kernel gathers them: nothing is copied."""
        memory, now_us = self._memory_out, time.monotonic_ns() // 1000
        of_connection: dict[bytes, Views] = {}
        places = (rows * STRIDE + starts - LENGTH_SIZE).tolist()
        for key, place, size in zip(keys, places, sizes.tolist(), strict=True):
            memory[place : place + LENGTH_SIZE] = size.to_bytes(LENGTH_SIZE, "big")
            of_connection.setdefault(key, []).append(memory[place : place + LENGTH_SIZE + size])
        for key, views in of_connection.items():
            connection = self._connections.get(key)
            if connection is None:
                self._drops.add(Drop.NO_ADDRESS, len(views))
            else:
                self._write(connection, views, now_us)

    def _write(self, connection: Connection, views: Views, now_us: int) -> None:
        if not connection.waiting:
            left = connection.write(views, now_us)
            if left is None:
                self._connections.close(connection)
                return
            views = left
        if views or connection.waiting:
            connection.keep(self._chosen(connection, views), now_us)
            self._connections.selector.modify(connection.file, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)

    def _chosen(self, connection: Connection, views: Views) -> Iterator[memoryview]:
        """What may wait: no more than WAITING_MAX, and no pictures from PICTURES_MAX on until all has gone."""
        for view in views:
            waiting = len(connection.waiting)
            connection.thinning |= waiting + len(view) > PICTURES_MAX
            if waiting + len(view) > WAITING_MAX:
                self._drops.add(Drop.TCP_FULL)
            elif connection.thinning and self._is_picture(connection, view):
                self._drops.add(Drop.TCP_LAGGING)
            else:
                yield view

    def _is_picture(self, connection: Connection, view: memoryview) -> bool:
        """By its SSRC, which SRTP leaves in the clear."""
        packet = view[LENGTH_SIZE:]
        if len(packet) < RTP_MIN or packet[0] >> 6 != 2 or 192 <= packet[1] <= 223:
            return False
        transport = self._peers.by_address.get(connection.key, -1)
        return self._engine.sends_picture(transport, int.from_bytes(packet[8:12], "big"))

    def _flush(self, connection: Connection, now_us: int) -> None:
        thinned = connection.thinning
        if not connection.flush(now_us):
            self._connections.close(connection)
        elif not connection.waiting:
            self._connections.selector.modify(connection.file, selectors.EVENT_READ, connection)
            transport = self._peers.by_address.get(connection.key, -1)
            if thinned and transport >= 0:
                self._engine.refresh_pictures(transport)


class _Batch:
    """Frames of one receive(): places in rows so far, and which are what."""

    def __init__(self) -> None:
        self.used = 0
        self.rtp: list[tuple[int, int]] = []
        self.rtcp: list[tuple[int, int]] = []
        self.others: list[Datagram] = []

    def sorted(self, now_us: int) -> Sorted:
        rtp = np.array(self.rtp, np.int64).reshape(-1, 2)
        rtcp = np.array(self.rtcp, np.int64).reshape(-1, 2)
        arrived = np.full(len(rtp), now_us, np.int64)
        columns = [each.copy() for each in (rtp[:, 0], rtp[:, 1], rtcp[:, 0], rtcp[:, 1])]
        return Sorted(self.used, columns[0], columns[1], arrived, columns[2], columns[3], self.others)
