"""What a packet's way through the sockets needs to know of each transport: keys, address, socket.

Columns by transport row, written by the server when a check or a handshake changed something, read by the ports.
"""

from __future__ import annotations

import numpy as np

from media.io.udp import ADDRESS_SIZE
from media.native.index import Index


class Peers:
    """has_keys     (transports_max + 1,) bool; the last row is what transport -1, an unknown address, reads: never
    destination  (transports_max, ADDRESS_SIZE) uint8, the sockaddr to send to
    socket_of    (transports_max,) int64, the socket to send through, -1 before the first check
    by_address   checked address -> transport
    """

    def __init__(self, transports_max: int, by_address: Index[bytes]) -> None:
        self.has_keys = np.zeros(transports_max + 1, np.bool_)
        self.destination = np.zeros((transports_max, ADDRESS_SIZE), np.uint8)
        self.socket_of = np.full(transports_max, -1, np.int64)
        self.by_address = by_address

    def reach(self, transport: int, address: bytes, number: int) -> None:
        """Send to this address from now on, through socket `number`."""
        self.destination[transport, : len(address)] = np.frombuffer(address, np.uint8)
        self.socket_of[transport] = number

    def lose(self, transport: int) -> None:
        """It cannot be reached until its next check."""
        self.socket_of[transport] = -1

    def forget(self, transport: int) -> None:
        self.has_keys[transport] = False
        self.socket_of[transport] = -1
        self.destination[transport] = 0
