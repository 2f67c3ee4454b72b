"""The media server: sockets, DTLS, SRTP and the clock around one Engine, on the running event loop.

One turn: take what the sockets hold, sort it by protocol, decrypt, let the engine forward, encrypt, send.  No task,
queue or await per packet.  Time is read here, once a turn, and nowhere below.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media.core.drops import Drop
from media.core.egress import Copies
from media.core.engine import POLL_US, Engine
from media.core.errors import PeerError
from media.core.model import Event, TransportId
from media.core.packets import HEAD, PACKET_MAX
from media.core.settings import Settings
from media.io.candidates import Candidate, host_candidates
from media.io.dtls import Certificate
from media.io.handshakes import Handshakes
from media.io.pace import Pace
from media.io.srtp import SrtpContexts
from media.io.udp import ADDRESS_SIZE, Received, RowQueue, UdpSocket, address_parts, open_socket

Ints = NDArray[np.int64]

RTP_MIN = 12 + 10  # fixed header and the shortest tag
RTCP_MIN = 8 + 4 + 10  # header and sender SSRC, SRTCP index, the shortest tag
BATCHES_MAX = 16  # per socket and turn: a flood must not keep the loop from its timers


@dataclass(frozen=True)
class Binding:
    """Where the media server listens and what it tells browsers.

    hosts             addresses to bind, IPv4 and IPv6; the port is the same for all, 0 picks one
    public_addresses  addresses that browsers reach; empty means the bound ones
    coalesce_us       how long packets may wait for company under load
    """

    hosts: tuple[str, ...] = ("127.0.0.1",)
    port: int = 0
    public_addresses: tuple[str, ...] = ()
    coalesce_us: int = 2_500
    settings: Settings = field(default_factory=Settings)


def _no_listener(events: list[Event]) -> None:
    """Events before anyone listens: there is no transport yet that they could be about."""


class MediaServer:
    """See the module.  Create, start() on a running loop, close().

    engine      the forwarder, for the signalling to command
    on_events   called with what happened, at the end of a turn
    """

    def __init__(self, binding: Binding, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self.engine = Engine(binding.settings, entropy)
        self.on_events: Callable[[list[Event]], None] = _no_listener
        self._binding = binding
        self._certificate = Certificate.generate()
        settings = binding.settings
        self._contexts = SrtpContexts(settings.transports_max, self.engine.arena, self.engine.send)
        self._handshakes = Handshakes(self._certificate, self.engine, self._contexts)
        self._sockets: list[UdpSocket] = []
        self._position = np.zeros(settings.history_rows, np.int64)
        # The last row is what transport -1, an unknown address, reads: never with keys.
        self._has_keys = np.zeros(settings.transports_max + 1, np.bool_)
        self._destination = np.zeros((settings.transports_max, ADDRESS_SIZE), np.uint8)
        self._socket_of = np.full(settings.transports_max, -1, np.int64)
        self._raw: list[tuple[int, bytes, bytes]] = []
        self._poll_timer: asyncio.TimerHandle | None = None
        self._pace: Pace | None = None

    # -- what upper layers use -----------------------------------------------------------------

    @property
    def fingerprint(self) -> tuple[str, str]:
        return self._certificate.fingerprint

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Host candidates for the SDP; valid after start()."""
        return host_candidates(self._binding.public_addresses or self._binding.hosts, self.port)

    @property
    def port(self) -> int:
        return self._sockets[0].port if self._sockets else self._binding.port

    def now_us(self) -> int:
        """The clock of everything in media: microseconds that never run backwards."""
        return time.monotonic_ns() // 1000

    def expect_fingerprints(self, transport: TransportId, fingerprints: Sequence[tuple[str, str]]) -> None:
        """The peer's certificate, from its SDP: the only one that this transport accepts."""
        self._forget_closed()
        self._handshakes.expect(transport, fingerprints)
        self._sync_keys(transport)

    async def start(self) -> None:
        """Bind the sockets and begin.  OSError with the address when one cannot be bound."""
        settings = self._binding.settings
        rows = RowQueue(settings.history_rows)
        port = self._binding.port
        try:
            for host in self._binding.hosts:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                opened = open_socket(family, host, port, self.engine.arena, self.engine.send, rows, settings.batch_max)
                self._sockets.append(opened)
                port = opened.port
        except OSError:
            await self.close()
            raise
        loop = asyncio.get_running_loop()
        self._pace = Pace(loop, [s.fileno() for s in self._sockets], self._turn, self._binding.coalesce_us)
        self._poll_timer = loop.call_later(POLL_US / 1e6, self._poll)

    async def close(self) -> None:
        """Say goodbye to every peer (DTLS close_notify) and release the sockets."""
        if self._pace is not None:
            self._pace.stop()
            self._pace = None
        if self._poll_timer is not None:
            self._poll_timer.cancel()
        for row in list(self.engine.open_transports()):
            self.engine.close_transport(row)
        if self._sockets:
            self._forget_closed()
            self._flush(self.now_us())
        for opened in self._sockets:
            opened.close()
        self._sockets.clear()

    # -- one turn --------------------------------------------------------------------------------

    def _turn(self) -> int:
        """Everything that the sockets hold now.  Returns how many datagrams that were."""
        now_us = self.now_us()
        self._forget_closed()
        total = 0
        for index, opened in enumerate(self._sockets):
            for _ in range(BATCHES_MAX):
                batch = opened.receive()
                if batch is None:
                    break
                total += len(batch.row)
                self._process(index, opened, batch, now_us)
                if len(batch.row) < self._binding.settings.batch_max:
                    break
        self._flush(now_us)
        return total

    def _process(self, index: int, opened: UdpSocket, batch: Received, now_us: int) -> None:
        """Sort one batch by protocol (RFC 7983) and sender; media in arrays, all else one by one."""
        arena, rows = self.engine.arena, batch.row
        find = self.engine.ice.by_address.get
        transports = np.array([find(address, -1) for address in batch.addresses], np.int64)
        lead = arena.words[rows, HEAD // 4].astype(np.int64) >> 16
        media = lead >> 14 == 2
        media &= self._has_keys[transports]
        media &= ~batch.too_long
        rtcp = media & (lead & 0xFF >= 192) & (lead & 0xFF <= 223) & (arena.length[rows] >= RTCP_MIN)
        rtp = media & ((lead & 0xFF < 192) | (lead & 0xFF > 223)) & (arena.length[rows] >= RTP_MIN)
        if rtp.all():
            self._forward(opened, rows, transports, batch.arrival_us, now_us)
            return
        if rtp.any():
            self._position[rows] = np.arange(len(rows))
            self._forward(opened, rows, transports, batch.arrival_us, now_us, np.flatnonzero(rtp))
        if rtcp.any():
            self._read_rtcp(rows[rtcp], transports[rtcp], now_us)
        for at in np.flatnonzero(~(rtp | rtcp)).tolist():
            self._read_other(index, batch, at, int(transports[at]), now_us)

    def _forward(
        self,
        opened: UdpSocket,
        rows: Ints,
        transports: Ints,
        arrival_us: Ints,
        now_us: int,
        chosen: Ints | None = None,
    ) -> None:
        """Decrypt, forward, encrypt and send the RTP packets of a batch (all, or those at `chosen`)."""
        position = self._position
        position[rows] = np.arange(len(rows))
        if chosen is not None:
            rows, transports, arrival_us = rows[chosen], transports[chosen], arrival_us[chosen]
        engine = self.engine
        genuine = self._contexts.unprotect(rows, transports, engine.counters)
        if not genuine.all():
            rows, transports, arrival_us = rows[genuine], transports[genuine], arrival_us[genuine]
            if not len(rows):
                return
        copies = engine.receive(rows, transports, arrival_us, now_us)
        if copies is not None:
            self._send_copies(copies)
        if len(engine.kept):
            opened.keep(position[engine.kept])

    def _send_copies(self, copies: Copies) -> None:
        ready = self._has_keys[copies.transport]
        rows = np.arange(len(copies))
        starts, sizes, transports = copies.start, copies.size, copies.transport
        if not ready.all():
            # Copies for a transport whose handshake is not done: protect works on rows 0..N-1, so close the ranks.
            rows = np.flatnonzero(ready)
            self.engine.counters.add(Drop.NO_KEYS, len(ready) - len(rows))
            self.engine.send.bytes[: len(rows)] = self.engine.send.bytes[rows]
            starts, sizes, transports = starts[rows], sizes[rows], transports[rows]
            rows = np.arange(len(rows))
        sizes = self._contexts.protect(starts, sizes, transports, self.engine.counters)
        if not sizes.all():
            rows = np.flatnonzero(sizes)
            starts, sizes, transports = starts[rows], sizes[rows], transports[rows]
        if len(rows):
            self._send_rows(rows, starts, sizes, self._destination[transports], self._socket_of[transports])

    def _send_rows(self, rows: Ints, starts: Ints, sizes: Ints, addresses: NDArray[np.uint8], sockets: Ints) -> None:
        """Send encrypted rows, each through the socket of its address family."""
        if (sockets == sockets[0]).all() and sockets[0] >= 0:
            sent = self._sockets[int(sockets[0])].send(rows, starts, sizes, addresses)
            if sent < len(rows):
                self.engine.counters.add(Drop.SEND_WOULD_BLOCK, len(rows) - sent)
            return
        lost = int(np.count_nonzero(sockets < 0))
        if lost:
            self.engine.counters.add(Drop.NO_ADDRESS, lost)
        for index in range(len(self._sockets)):
            mine = np.flatnonzero(sockets == index)
            if len(mine):
                self._send_rows(rows[mine], starts[mine], sizes[mine], addresses[mine], sockets[mine])

    def _read_rtcp(self, rows: Ints, transports: Ints, now_us: int) -> None:
        genuine = self._contexts.unprotect_rtcp(rows, transports, self.engine.counters)
        for row, transport in zip(rows[genuine].tolist(), transports[genuine].tolist(), strict=True):
            self.engine.handle_rtcp(TransportId(transport), self.engine.arena.packet(row), now_us)

    def _read_other(self, index: int, batch: Received, at: int, transport: int, now_us: int) -> None:
        """A datagram that is not media of a connected peer: STUN, DTLS, or nothing that we take."""
        counters = self.engine.counters
        data = bytes(self.engine.arena.packet(int(batch.row[at])))
        address = batch.addresses[at]
        if batch.too_long[at]:
            counters.add(Drop.TOO_LONG)
        elif not data:
            counters.add(Drop.TOO_SHORT)
        elif data[0] <= 3:
            self._read_stun(index, data, address, now_us)
        elif transport < 0:
            known = 20 <= data[0] <= 63 or 128 <= data[0] <= 191
            counters.add(Drop.UNKNOWN_ADDRESS if known else Drop.JUNK)
        elif 20 <= data[0] <= 63:
            for answer in self._handshakes.feed(TransportId(transport), data):
                self._raw.append((index, address, answer))
            self._sync_keys(TransportId(transport))
        elif 128 <= data[0] <= 191:
            counters.add(Drop.TOO_SHORT if self._has_keys[transport] else Drop.NO_KEYS)
        else:
            counters.add(Drop.JUNK)

    def _read_stun(self, index: int, data: bytes, address: bytes, now_us: int) -> None:
        ip, port = address_parts(address)
        try:
            answer = self.engine.ice.handle(data, address, ip, port, now_us)
        except PeerError as error:
            self.engine.counters.add_named(error.reason)
            return
        self._raw.append((index, address, answer.reply))
        selected = self.engine.ice.selected_address(answer.transport)
        if selected == address:
            self._destination[answer.transport, : len(address)] = np.frombuffer(address, np.uint8)
            self._socket_of[answer.transport] = index

    # -- control ---------------------------------------------------------------------------------

    def _poll(self) -> None:
        """The slow clock: what the engine and the handshakes owe to time."""
        now_us = self.now_us()
        self._poll_timer = asyncio.get_running_loop().call_later(POLL_US / 1e6, self._poll)
        self._forget_closed()
        self.engine.poll(now_us)
        for transport, datagram in self._handshakes.resend_due(now_us):
            self._queue_raw(transport, datagram)
        self._flush(now_us)
        if self._pace is not None:
            self._pace.adjust(now_us)

    def _flush(self, now_us: int) -> None:
        """Send what is queued one by one, and tell the upper layers what happened."""
        control, raw = self.engine.take_control(), self._raw
        if control or raw:
            self._raw = []
            self._send_control(control, raw)
        events = self.engine.take_events()
        if events:
            self.on_events(events)

    def _send_control(
        self, control: list[tuple[TransportId, bytes, bool]], raw: list[tuple[int, bytes, bytes]]
    ) -> None:
        """Encrypt RTCP and retransmissions, add plain STUN and DTLS, send all in one batch."""
        send, most = self.engine.send, self.engine.send.rows
        sizes: list[int] = []
        sockets: list[int] = []
        addresses = np.zeros((min(most, len(control) + len(raw)), ADDRESS_SIZE), np.uint8)
        for transport, data, is_rtcp in control:
            at = len(sizes)
            if at == most or not self._has_keys[transport] or len(data) > PACKET_MAX:
                self.engine.counters.add(Drop.SEND_FULL if at == most else Drop.NO_KEYS)
                continue
            send.bytes[at, HEAD : HEAD + len(data)] = np.frombuffer(data, np.uint8)
            size = self._contexts.protect_one(at, len(data), transport, rtcp=is_rtcp)
            if not size:
                self.engine.counters.add(Drop.SRTP_PROTECT)
                continue
            addresses[at] = self._destination[transport]
            sockets.append(int(self._socket_of[transport]))
            sizes.append(size)
        for index, address, data in raw:
            at = len(sizes)
            if at == most or len(data) > PACKET_MAX:
                self.engine.counters.add(Drop.SEND_FULL)
                continue
            send.bytes[at, HEAD : HEAD + len(data)] = np.frombuffer(data, np.uint8)
            addresses[at, : len(address)] = np.frombuffer(address, np.uint8)
            sockets.append(index)
            sizes.append(len(data))
        if sizes:
            count = len(sizes)
            starts = np.full(count, HEAD, np.int64)
            self._send_rows(
                np.arange(count), starts, np.array(sizes, np.int64), addresses[:count], np.array(sockets, np.int64)
            )

    def _queue_raw(self, transport: TransportId, datagram: bytes) -> None:
        address = self.engine.ice.selected_address(transport)
        index = int(self._socket_of[transport])
        if address is not None and index >= 0:
            self._raw.append((index, address, datagram))

    def _sync_keys(self, transport: TransportId) -> None:
        self._has_keys[transport] = self._contexts.has_keys(transport)

    def _forget_closed(self) -> None:
        """Drop keys and addresses of transports that the engine closed, before their rows serve others."""
        for transport in self.engine.take_closed():
            address = self._destination[transport]
            index = int(self._socket_of[transport])
            size = 16 if index >= 0 and self._sockets[index].family == socket.AF_INET else ADDRESS_SIZE
            for datagram in self._handshakes.forget(transport):
                if index >= 0:
                    self._raw.append((index, address[:size].tobytes(), datagram))
            self._has_keys[transport] = False
            self._socket_of[transport] = -1
            self._destination[transport] = 0
