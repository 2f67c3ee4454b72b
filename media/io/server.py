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

import numpy as np
from numpy.typing import NDArray

from media import native
from media.core.drops import Drop
from media.core.engine import CALM_US, POLL_US, Engine
from media.core.errors import PeerError
from media.core.model import Event, TransportId
from media.core.rtcp import is_urgent
from media.io.beats import Beats
from media.io.binding import Binding
from media.io.candidates import Candidate, host_candidates
from media.io.compiled import CompiledPort
from media.io.dtls import Certificate
from media.io.fastpath import FastPath
from media.io.handshakes import Handshakes
from media.io.opening import Opening
from media.io.outbox import Outbox
from media.io.pace import Pace
from media.io.peers import Peers
from media.io.ports import Datagram, Port, Sorted
from media.io.srtp import SrtpContexts
from media.io.tcp import TcpPort
from media.io.udp import ADDRESS_SIZE, address_parts

Ints = NDArray[np.int64]

READ_US = 50_000  # reports say how a second was; read together they cost half
UNREAD_MAX = 256
EXPIRY_US = 1_000_000
BATCHES_MAX = 16  # per socket and turn: a flood must not keep the loop from its timers


def _no_listener(events: list[Event]) -> None:
    """Events before anyone listens: there is no transport yet that they could be about."""


class MediaServer:
    """See the module.  Create, start() on a running loop, close().

    engine      the forwarder, for the signalling to command
    on_events   called with what happened, at the end of a turn
    """

    def __init__(self, binding: Binding, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._native = native.library() if binding.compiled else None
        self.engine = Engine(binding.settings, entropy, self._native)
        self.on_events: Callable[[list[Event]], None] = _no_listener
        self._binding = binding
        self._certificate = Certificate.generate()
        settings = binding.settings
        self._contexts = SrtpContexts(settings.transports_max, self.engine.arena, self.engine.send, self._native)
        self._handshakes = Handshakes(self._certificate, self.engine, self._contexts)
        self._peers = Peers(settings.transports_max, self.engine.ice.by_address)
        self._outbox = Outbox(self.engine.send, self._contexts, self._peers, self.engine.counters)
        self._ports = self._outbox.ports
        loops = self.engine.compiled
        self._fast = (
            FastPath(self._native, self.engine, loops, self._contexts, self._outbox) if loops is not None else None
        )
        self._tcp: TcpPort | None = None
        """The last of the ports: copies for peers over UDP find theirs before they come to it."""
        self._expiry_due_us = 0
        self._unread: list[tuple[TransportId, bytes, int]] = []
        """Reports that can wait until several are read together, with when they came."""
        self._read_due_us = 0
        self._polled_us = 0
        self._poll_timer: asyncio.TimerHandle | None = None
        self._pace: Pace | None = None
        self._beats: Beats | None = None

    # -- what upper layers use -----------------------------------------------------------------

    @property
    def fingerprint(self) -> tuple[str, str]:
        return self._certificate.fingerprint

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Host candidates for the SDP; valid after start()."""
        binding = self._binding
        return host_candidates(binding.public_addresses or binding.hosts, self.port, tcp=binding.tcp)

    @property
    def port(self) -> int:
        return self._ports[0].port if self._ports else self._binding.port

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
        opening = Opening(self._binding, self.engine, self._peers, self._native, self._lose)
        self._tcp = opening.into(self._ports)
        loop = asyncio.get_running_loop()
        if self._tcp is not None:
            for listener in self._tcp.listeners:
                loop.add_reader(listener.fileno(), self._tcp.accept, listener)
        self._pace = Pace(loop, [each.fileno() for each in self._ports], self._turn, self._binding.coalesce_us)
        self._poll_timer = loop.call_later(POLL_US / 1e6, self._wake)

    def hold_loop(self, files: Sequence[int]) -> None:
        """Under load, beats may keep the event loop waiting until one of these files is readable, or the slow clock is
        due: nothing else in this process needs it.  After start()."""
        ports = [port for port in self._ports if isinstance(port, CompiledPort)]
        if self._fast is None or len(ports) < len(self._ports) - (self._tcp is not None):
            return
        if self._tcp is not None:
            files = [*files, self._tcp.fileno(), *(each.fileno() for each in self._tcp.listeners)]
        self._beats = Beats(
            self._native, self._fast, ports, files, beat_us=self._binding.coalesce_us, batches_max=BATCHES_MAX
        )

    async def close(self) -> None:
        """Say goodbye to every peer (DTLS close_notify) and release the sockets."""
        if self._pace is not None:
            self._pace.stop()
            self._pace = self._beats = None
        if self._poll_timer is not None:
            self._poll_timer.cancel()
        for row in list(self.engine.open_transports()):
            self.engine.close_transport(row)
        if self._ports:
            self._forget_closed()
            self._flush()
        for listener in self._tcp.listeners if self._tcp is not None else ():
            asyncio.get_running_loop().remove_reader(listener.fileno())
        for port in self._ports:
            port.close()
        self._ports.clear()
        self._tcp = None

    # -- one turn --------------------------------------------------------------------------------

    def _turn(self) -> int:
        """Everything that the sockets hold now, or under load of some beats.  Returns how many datagrams that were."""
        self._forget_closed()
        if self._beats is not None and self._may_hold():
            total, more = self._hold(self._beats)
        else:
            total, more = 0, True
        if more:
            total += self._take_all(self.now_us())
        now_us = self.now_us()
        if now_us - self._polled_us >= self.engine.patience_us:
            self._poll(now_us)
        self._flush()
        return total

    def _may_hold(self) -> bool:
        beating = self._pace is not None and self._pace.beating
        return beating and not self.engine.looks_closer and (self._tcp is None or self._tcp.idle)

    def _hold(self, beats: Beats) -> tuple[int, bool]:
        """Beats without Python, until something is for others than us.

        Returns how many datagrams came, and whether there is more that cannot wait a beat.
        """
        total, now_us = 0, self.now_us()
        while True:
            count, port = beats.run(now_us, self._polled_us + self.engine.patience_us)
            total += count
            self._unread += beats.reports()
            now_us = self.now_us()
            if port is None:
                return total, False
            batch = beats.finish(port, now_us)
            if not isinstance(batch, int):
                self._read_beside(port, batch, now_us)
            if beats.broke_off:
                return total, True
            told = self._flush()
            now_us = self.now_us()
            if told or beats.late(now_us) or not self._may_hold():  # what was told, or is commanded, needs the loop
                return total, False

    def _take_all(self, now_us: int) -> int:
        total = 0
        for port in self._ports:
            for _ in range(BATCHES_MAX):
                count = self._take(port, now_us)
                total += count
                if count < (self._binding.settings.batch_max if port is not self._tcp else 1):
                    break  # of connections not all were read; they say themselves when they have no more
        return total

    def _take(self, port: Port, now_us: int) -> int:
        """The next batch: forward its media, read the rest.  Returns how many datagrams it had, 0 for no batch."""
        if self._fast is not None and not self.engine.looks_closer and isinstance(port, CompiledPort):
            taken = self._fast.take(port, now_us)
            if isinstance(taken, int):
                return taken
            self._read_beside(port, taken, now_us)
            return taken.count
        batch = port.receive()
        if batch is None:
            return 0
        if len(batch.rtp_row):
            self._forward(port, batch.rtp_row, batch.rtp_transport, batch.rtp_arrival_us, now_us)
        if len(batch.rtcp_row):
            batch.rtcp_row, batch.rtcp_transport = self._genuine_rtcp(batch.rtcp_row, batch.rtcp_transport)
        self._read_beside(port, batch, now_us)
        return batch.count

    def _read_beside(self, port: Port, batch: Sorted, now_us: int) -> None:
        """What came beside media, its RTCP decrypted."""
        self._read_rtcp(batch.rtcp_row, batch.rtcp_transport, now_us)
        number = self._ports.index(port)
        for datagram in batch.others:
            self._read_other(number, datagram, now_us)

    def _forward(self, port: Port, rows: Ints, transports: Ints, arrival_us: Ints, now_us: int) -> None:
        """Decrypt, forward, encrypt and send RTP packets."""
        engine = self.engine
        genuine = self._contexts.unprotect(rows, transports, engine.counters)
        if genuine is not None:
            rows, transports, arrival_us = rows[genuine], transports[genuine], arrival_us[genuine]
            if not len(rows):
                return
        copies = engine.receive(rows, transports, arrival_us, now_us)
        if copies is not None:
            self._outbox.send_copies(copies)
        if len(engine.kept):
            port.keep(engine.kept)

    def _genuine_rtcp(self, rows: Ints, transports: Ints) -> tuple[Ints, Ints]:
        genuine = self._contexts.unprotect_rtcp(rows, transports, self.engine.counters)
        return (rows, transports) if genuine is None else (rows[genuine], transports[genuine])

    def _read_rtcp(self, rows: Ints, transports: Ints, now_us: int) -> None:
        """Act on what is urgent; reports wait to be read together."""
        for row, transport in zip(rows.tolist(), transports.tolist(), strict=True):
            packet = self.engine.arena.packet(row)
            if is_urgent(packet):
                self.engine.handle_rtcp(TransportId(transport), packet, now_us)
            else:
                self._unread.append((TransportId(transport), bytes(packet), now_us))

    def _read_other(self, number: int, datagram: Datagram, now_us: int) -> None:
        """A datagram that is not media of a connected peer: STUN, DTLS, or nothing that we take."""
        counters, transport, address = self.engine.counters, datagram.transport, datagram.address
        data = bytes(self.engine.arena.packet(datagram.row))
        if datagram.too_long:
            counters.add(Drop.TOO_LONG)
        elif not data:
            counters.add(Drop.TOO_SHORT)
        elif data[0] <= 3:
            self._read_stun(number, data, address, now_us)
        elif transport < 0:
            known = 20 <= data[0] <= 63 or 128 <= data[0] <= 191
            counters.add(Drop.UNKNOWN_ADDRESS if known else Drop.JUNK)
        elif 20 <= data[0] <= 63:
            answers = self._handshakes.feed(TransportId(transport), data)
            self._outbox.answer(transport, number, address, answers)
            self._sync_keys(TransportId(transport))
        elif 128 <= data[0] <= 191:
            counters.add(Drop.TOO_SHORT if self._peers.has_keys[transport] else Drop.NO_KEYS)
        else:
            counters.add(Drop.JUNK)

    def _read_stun(self, number: int, data: bytes, address: bytes, now_us: int) -> None:
        tcp = self._tcp if self._tcp is not None and number == self._tcp.number else None
        remote = address_parts(address) if tcp is None else tcp.remote(address)
        if remote is None:  # what this connection said before was no good
            self.engine.counters.add(Drop.UNKNOWN_ADDRESS)
            return
        try:
            answer = self.engine.ice.handle(data, address, *remote, now_us, number)
        except PeerError as error:
            self.engine.counters.add_named(error.reason)
            if tcp is not None:
                tcp.refuse(address)
            return
        if tcp is not None:
            tcp.believe(address)
        if self.engine.ice.selected_address(answer.transport) == address:
            self._peers.reach(answer.transport, address, number)
        self._outbox.answer(answer.transport, number, address, [answer.reply])

    # -- control ---------------------------------------------------------------------------------

    def _wake(self) -> None:
        """The timer's beat: while turns come often, they have polled already, and nobody needs waking."""
        wait_us = CALM_US if self.engine.idle else POLL_US
        self._poll_timer = asyncio.get_running_loop().call_later(wait_us / 1e6, self._wake)
        now_us = self.now_us()
        if self._tcp is not None and self._tcp.unread:
            self._turn()
        patience_us = self.engine.patience_us
        if self._pace is not None and self._pace.beating:
            patience_us += POLL_US
        if now_us - self._polled_us >= patience_us:
            self._forget_closed()
            self._poll(now_us)
            self._flush()
        if self._pace is not None:
            self._pace.adjust(now_us)

    def _poll(self, now_us: int) -> None:
        """The slow clock: what the engine and the handshakes owe to time."""
        self._polled_us = now_us
        if now_us >= self._read_due_us or len(self._unread) > UNREAD_MAX:
            self._read_due_us = now_us + READ_US
            unread, self._unread = self._unread, []
            for transport, packet, arrived_us in unread:
                self.engine.handle_rtcp(transport, packet, arrived_us)
        self.engine.poll(now_us)
        written = self.engine.take_written()
        if written is not None:
            self._outbox.send_copies(written, rtcp=True)
        if self._tcp is not None and now_us >= self._expiry_due_us:
            self._expiry_due_us = now_us + EXPIRY_US
            self._tcp.expire(now_us)
        for transport, datagram in self._handshakes.resend_due(now_us):
            self._resend(transport, datagram)

    def _flush(self) -> bool:
        """Send what is queued one by one, and tell the upper layers what happened.  Returns whether something did."""
        self._outbox.flush(self.engine.take_control())
        events = self.engine.take_events()
        if events:
            self.on_events(events)
        return bool(events)

    def _resend(self, transport: TransportId, datagram: bytes) -> None:
        address = self.engine.ice.selected_address(transport)
        number = int(self._peers.socket_of[transport])
        if address is not None and number >= 0:
            self._outbox.answer(transport, number, address, [datagram])

    def _lose(self, key: bytes) -> None:
        """A TCP connection closed: that path ends and nothing else.  Media goes another way, or waits for one."""
        transport = self.engine.ice.lose(key)
        if transport is None:
            return
        path = self.engine.ice.selected_path(transport)
        if path is None:
            self._peers.lose(transport)
        else:
            self._peers.reach(transport, *path)

    def _sync_keys(self, transport: TransportId) -> None:
        self._peers.has_keys[transport] = self._contexts.has_keys(transport)

    def _forget_closed(self) -> None:
        """Drop keys and addresses of transports that the engine closed, before their rows serve others."""
        for transport in self.engine.take_closed():
            number = int(self._peers.socket_of[transport])
            goodbye = self._handshakes.forget(transport)
            if number >= 0:
                size = ADDRESS_SIZE if self._ports[number].family == socket.AF_INET6 else 16
                address = self._peers.destination[transport, :size].tobytes()
                self._outbox.goodbye(number, address, goodbye)
            self._peers.forget(transport)
            self._unread = [each for each in self._unread if each[0] != transport]
