"""Everything that leaves, in batches: copies of media and control packets, encrypted; STUN and DTLS answers.

The send arena is its memory: what one call puts there is sent when the call returns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from media.core.drops import Drop, DropCounters
from media.core.egress import Copies
from media.core.packets import HEAD, PACKET_MAX, STRIDE, Arena
from media.io.peers import Peers
from media.io.ports import Port, Unsent
from media.io.srtp import SrtpContexts
from media.io.udp import ADDRESS_SIZE

Ints = NDArray[np.int64]


class Outbox:
    """ports  filled by the server when it opens its sockets; a port's number is its place."""

    def __init__(self, send: Arena, contexts: SrtpContexts, peers: Peers, drops: DropCounters) -> None:
        self.ports: list[Port] = []
        self._send, self._contexts, self._peers, self._drops = send, contexts, peers, drops
        self._memory = memoryview(send.bytes.reshape(-1))  # type: ignore[arg-type]
        self._starts = np.full(send.rows, HEAD, np.int64)
        self._answers: list[tuple[int, bytes]] = []
        self._elsewhere: list[tuple[int, bytes, bytes]] = []

    def answer(self, transport: int, number: int, address: bytes, datagrams: Sequence[bytes]) -> None:
        """STUN and DTLS, in the clear, to where a datagram of this transport came from, through port `number`."""
        size = len(address)
        selected = self._peers.socket_of[transport] == number
        if selected and self._peers.destination[transport, :size].tobytes() == address:
            self._answers += [(transport, data) for data in datagrams]
        else:
            self._elsewhere += [(number, address, data) for data in datagrams]

    def goodbye(self, number: int, address: bytes, datagrams: Sequence[bytes]) -> None:
        """The same for a transport whose row is about to serve others."""
        self._elsewhere += [(number, address, data) for data in datagrams]

    def send_copies(self, copies: Copies, *, rtcp: bool = False) -> None:
        """Encrypt and send what the engine wrote into the send arena."""
        sizes = self._contexts.protect(copies.start, copies.size, copies.transport, self._drops, rtcp=rtcp)
        self._send_rows(copies.start, sizes, copies.transport)

    def flush(self, control: Sequence[tuple[int, bytes, bool]]) -> None:
        """Send what is queued.  control: (transport, packet, True for RTCP, False for RTP), to be encrypted."""
        if control:
            self._send_control([(transport, data) for transport, data, is_rtcp in control if is_rtcp], rtcp=True)
            self._send_control([(transport, data) for transport, data, is_rtcp in control if not is_rtcp], rtcp=False)
        if self._answers:
            queued, self._answers = self._answers, []
            self._send_rows(*self._fill(queued))
        if self._elsewhere:
            others, self._elsewhere = self._elsewhere, []
            for at in range(0, len(others), self._send.rows):
                self._send_to_addresses(others[at : at + self._send.rows])

    def _send_control(self, packets: list[tuple[int, bytes]], *, rtcp: bool) -> None:
        if packets:
            starts, sizes, transports = self._fill(packets)
            encrypted = self._contexts.protect(starts, sizes, transports, self._drops, rtcp=rtcp)
            self._send_rows(starts, encrypted, transports)

    def _fill(self, packets: list[tuple[int, bytes]]) -> tuple[Ints, Ints, Ints]:
        """Put packets into rows 0..N-1 of the send arena; returns starts, sizes, transports."""
        fitting = packets[: self._send.rows]
        if len(fitting) < len(packets):
            self._drops.add(Drop.SEND_FULL, len(packets) - len(fitting))
        memory, place = self._memory, HEAD
        sizes: list[int] = []
        for _, data in fitting:
            size = len(data)
            if size > PACKET_MAX:  # no packet of ours is: a report of too many streams would be
                self._drops.add(Drop.SEND_FULL)
                size = 0
            memory[place : place + size] = data[:size]
            sizes.append(size)
            place += STRIDE
        return (
            self._starts[: len(sizes)],
            np.array(sizes, np.int64),
            np.array([transport for transport, _ in fitting], np.int64),
        )

    def sent_by(self, port: Port, unsent: Unsent, copies: Copies) -> None:
        """A port sent encrypted copies already: those that go through others leave now."""
        if unsent.elsewhere:
            self._count(unsent._replace(without_address=0))
            others = [each for each in self.ports if each is not port]
            self._send_rows(copies.start, copies.size, copies.transport, others)
        else:
            self._count(unsent)

    def _send_rows(self, starts: Ints, sizes: Ints, transports: Ints, ports: Sequence[Port] | None = None) -> None:
        """Rows 0..N-1, each to its transport's address, those of size 0 not at all."""
        without_address = 0
        for port in self.ports if ports is None else ports:
            unsent = port.send_copies(starts, sizes, transports)
            without_address = max(without_address, unsent.without_address)  # UDP ports say the same, others nothing
            if any(unsent):
                self._count(unsent._replace(without_address=0))
            if not unsent.elsewhere:
                break
        if without_address:
            self._drops.add(Drop.NO_ADDRESS, without_address)

    def _count(self, unsent: Unsent) -> None:
        self._drops.add(Drop.NO_ADDRESS, unsent.without_address)
        self._drops.add(Drop.SEND_WOULD_BLOCK, unsent.would_block)
        self._drops.add(Drop.SEND_ERROR, unsent.failed)

    def _send_to_addresses(self, datagrams: list[tuple[int, bytes, bytes]]) -> None:
        addresses = np.zeros((len(datagrams), ADDRESS_SIZE), np.uint8)
        place = HEAD
        for at, (_, address, data) in enumerate(datagrams):
            addresses[at, : len(address)] = np.frombuffer(address, np.uint8)
            self._memory[place : place + len(data)] = data
            place += STRIDE
        numbers = np.array([number for number, _, _ in datagrams], np.int64)
        sizes = np.array([len(data) for _, _, data in datagrams], np.int64)
        for number, port in enumerate(self.ports):
            mine = np.flatnonzero(numbers == number)
            if len(mine):
                sent = port.send(mine, self._starts[mine], sizes[mine], addresses[mine])
                self._drops.add(Drop.SEND_WOULD_BLOCK, len(mine) - sent)
