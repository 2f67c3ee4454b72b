"""CompiledPort: receiving, sorting, keeping and sending as one pass each of the compiled loops (media/native).

The same behaviour as ArrayPort over a BatchSocket, whose arrays of kernel structures it uses; a packet costs no
Python.  Only where media.native.library() is there.
"""

from __future__ import annotations

import socket
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.core.packets import HEAD, PACKET_MAX, STRIDE, Arena
from media.io import ports
from media.io.peers import Peers
from media.io.udp import CONTROL_SIZE, BatchSocket, RowQueue
from media.native import FFI, agree, index, pointer, view

Ints = NDArray[np.int64]

_NAME_SIZE = index.ADDRESS_WORDS * 8
_NOTHING: list[ports.Datagram] = []


def check_constants(library: Any) -> None:
    """ValueError, see media.native.agree."""
    ours = {
        "BALIE_STRIDE": STRIDE,
        "BALIE_HEAD": HEAD,
        "BALIE_PACKET_MAX": PACKET_MAX,
        "BALIE_RTP_MIN": ports.RTP_MIN,
        "BALIE_RTCP_MIN": ports.RTCP_MIN,
        "BALIE_KEY_WORDS": index.ADDRESS_WORDS,
    }
    agree(library, ours)


class CompiledPort(BatchSocket):
    """One socket.  number: which one of the server's it is, as Peers.socket_of names it."""

    def __init__(
        self,
        library: Any,
        family: socket.AddressFamily,
        host: str,
        port: int,
        receive: Arena,
        send: Arena,
        rows: RowQueue,
        batch: int,
        number: int,
        peers: Peers,
    ) -> None:
        check_constants(library)
        super().__init__(family, host, port, receive, send, rows, batch)
        self._loops = library
        self._peers = peers
        self._names = np.zeros((batch, _NAME_SIZE), np.uint8)
        self._in["name"] = self._names.ctypes.data + np.arange(batch, dtype=np.uint64) * _NAME_SIZE
        self._in["name_size"] = self._address_size
        transports = len(peers.socket_of)
        # Of their own: send() of the base class has its arrays filled in once, balie_send anew for each message.
        self._copy_messages = np.zeros((send.rows, library.balie_message_sizes(0)), np.uint8)
        self._copy_iov = np.zeros((send.rows, library.balie_message_sizes(1)), np.uint8)
        self._columns: dict[str, NDArray[Any]] = {
            "place_of_row": np.zeros(receive.rows, np.int64),
            "transport": np.zeros(batch, np.int64),
            "arrival_us": np.zeros(batch, np.int64),
            "too_long": np.zeros(batch, np.uint8),
            "rtp_row": np.zeros(batch, np.int64),
            "rtp_transport": np.zeros(batch, np.int64),
            "rtp_arrival_us": np.zeros(batch, np.int64),
            "rtcp_row": np.zeros(batch, np.int64),
            "rtcp_transport": np.zeros(batch, np.int64),
            "other": np.zeros(batch, np.int64),
            "first": np.full(transports, -1, np.int64),
            "last": np.zeros(transports, np.int64),
            "sequel": np.zeros(send.rows, np.int64),
            "touched": np.zeros(transports, np.int64),
            "in_names": self._names,
            "in_control": self._in_control,
            "out_control": np.zeros((send.rows, CONTROL_SIZE), np.uint8),
            "in_length": receive.length,
            "rows": self._rows,
            "queue": rows.rows,
            "queue_state": rows.state,
            "has_keys": peers.has_keys,
            "destination": peers.destination,
            "socket_of": peers.socket_of,
        }
        one: Any = FFI.new("struct balie_socket *")
        self.struct = one
        one.fd, one.address_size, one.gso, one.number = self.fileno(), self._address_size, self._gso, number
        one.batch = batch
        for name, array in self._columns.items():
            setattr(one, name, pointer(array))
        for name, structures in (
            ("in_messages", self._in),
            ("in_iov", self._in_iov),
            ("out_messages", self._copy_messages),
            ("out_iov", self._copy_iov),
        ):
            setattr(one, name, FFI.cast("void *", structures.ctypes.data))
        one.in_bytes, one.out_bytes = pointer(receive.bytes), pointer(send.bytes)
        one.by_address.keys, one.by_address.values = pointer(peers.by_address.keys), pointer(peers.by_address.values)
        one.by_address.mask = peers.by_address.mask

    def receive(self) -> ports.Sorted | None:  # type: ignore[override]
        """The next batch; None when there is none."""
        count: int = self._loops.balie_receive(self.struct)
        return self.sorted(count, self.struct.rtp_count) if count else None

    def sorted(self, count: int, rtp: int) -> ports.Sorted:
        """What the library received: `count` datagrams, and of RTP the first so many."""
        one, columns = self.struct, self._columns
        rtcp, others = one.rtcp_count, one.other_count
        return ports.Sorted(
            count,
            columns["rtp_row"][:rtp],
            columns["rtp_transport"][:rtp],
            columns["rtp_arrival_us"][:rtp],
            columns["rtcp_row"][:rtcp],
            columns["rtcp_transport"][:rtcp],
            self._others(others) if others else _NOTHING,
        )

    def _others(self, count: int) -> list[ports.Datagram]:
        columns, size = self._columns, self._address_size
        return [
            ports.Datagram(
                int(self._rows[at]),
                int(columns["transport"][at]),
                self._names[at, :size].tobytes(),
                bool(columns["too_long"][at]),
            )
            for at in columns["other"][:count].tolist()
        ]

    def keep(self, rows: Ints) -> None:
        """Arena rows of the last batch that must not be overwritten yet."""
        self._loops.balie_keep(self.struct, len(rows), view(rows))

    def send_copies(self, starts: Ints, sizes: Ints, transports: Ints) -> ports.Unsent:
        """Send rows 0..N-1 of the send arena, each to its transport; those of size 0 are passed over."""
        self._loops.balie_send(self.struct, len(sizes), view(starts), view(sizes), view(transports))
        return self.unsent()

    def unsent(self) -> ports.Unsent:
        """What became of the copies of the last send."""
        one = self.struct
        return ports.Unsent(one.without_address, one.elsewhere, one.would_block, one.failed)
