"""The load generator: drives a Crowd of real clients against a forwarder that is already joined, and reports.

One thread, one socket.  Packets are filled and encrypted a little ahead, handed to the kernel at
the moment they are due, and what arrives is read every RECEIVE_EVERY_NS, decrypted and booked:
latency is by the kernel's receive time, so reading late costs nothing but buffer.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.crowd import CYCLE_NS, Crowd
from benchmarks.keys import InPlace, Keyring, unprotect
from benchmarks.ledger import Ledger, Window
from benchmarks.peers import Peers
from benchmarks.processes import own_cpu_s
from benchmarks.reports import Reports
from benchmarks.sdp import Local, Remote
from benchmarks.sender import Sender, StreamSpec
from benchmarks.wire import Arrivals, Wire, fine_timers, ip_text

RECEIVE_EVERY_NS = 2_000_000
TICK_NS = 100_000
"""Packets due within one tick leave together: at full load about two, so that the load is not batched for anyone."""
DRAIN_NS = 500_000_000
LATE_NS = 2_000_000

CONNECT_MAX_S = 15.0

Mark = Callable[[str], None]


@dataclass(frozen=True)
class Joined:
    """What joining agreed: specs by stream, where each connection sends to."""

    specs: list[StreamSpec]
    targets: list[tuple[str, int]]


class Load:
    """First open() and connect() for each connection of the crowd, in any order; then run(), once."""

    def __init__(self, crowd: Crowd, wire: Wire, keyring: Keyring, base_address: int) -> None:
        self.crowd, self._wire, self.keyring, self._base = crowd, wire, keyring, base_address
        self.port = wire.port
        self.peers = Peers(crowd.connections, base_address, wire.port, keyring, self._send_one)
        self.sender = Sender(crowd, keyring, base_address, ("127.0.0.1", 9))
        self._in_place = InPlace(wire.bytes)
        self._words = wire.bytes.view(">u4")
        self._ledger: Ledger | None = None
        self._reports: Reports | None = None
        self._unreadable = 0
        self._late_ns: list[int] = []
        self._refused = 0

    @property
    def ledger(self) -> Ledger:
        """The books of the run, for windows within its own."""
        assert self._ledger is not None
        return self._ledger

    def open(self, connection: int) -> Local:
        return self.peers.open(connection)

    def connect(self, connection: int, remote: Remote) -> None:
        """ICE and DTLS until keys are there, while all others are kept alive.  TimeoutError after CONNECT_MAX_S."""
        self.peers.connect(connection, remote, time.time_ns())
        give_up = time.monotonic() + CONNECT_MAX_S
        while not self.peers.connected(connection):
            now = time.time_ns()
            self.peers.nudge(connection, now)
            self.serve(now)
            if time.monotonic() > give_up:
                raise TimeoutError(f"connection {connection}: {self.peers.state(connection)}")
            time.sleep(0.000_3)

    def serve(self, now: int) -> None:
        """What a client owes at any time: read, answer checks, keep consent fresh."""
        self._receive()
        self.peers.keep_alive(now)

    def _send_one(self, connection: int, data: bytes, target: tuple[str, int]) -> None:
        self._wire.send_one(data, self._base + connection, target)

    def run(self, joined: Joined, warm_up_s: float, seconds: float, mark: Mark) -> dict[str, Any]:
        """Play the load.  mark("start") and mark("end") are called at the window's borders."""
        cycles = int((warm_up_s + seconds) * 1e9) // CYCLE_NS + 1
        ledger = self._ledger = Ledger(self.crowd, int(self.sender.plan.per.max()) * (cycles + 2))
        self.sender.negotiated(joined.specs, joined.targets)
        self._reports = Reports(self.crowd, self.keyring, ledger, self.sender, joined)
        fine_timers()
        gc.collect()
        gc.disable()
        try:
            window, cpu_share = self._run(cycles, warm_up_s, seconds, mark)
            return self._finish(window, cpu_share)
        finally:
            gc.enable()

    def _run(self, cycles: int, warm_up_s: float, seconds: float, mark: Mark) -> tuple[Window, float]:
        """The counted window and the generator's own share of a core in it."""
        start = time.time_ns() + 20_000_000
        window = Window(start + int(warm_up_s * 1e9), start + int((warm_up_s + seconds) * 1e9))
        began_cpu, began_ns = 0.0, 0
        self._receive_at = start
        for cycle in range(cycles):
            for first, last, due_ns in self._ticks(cycle, start):
                now = self._wait(due_ns)
                if not began_ns and now >= window.start_ns:
                    began_cpu, began_ns = own_cpu_s(), now
                    self._late_ns.clear()
                    mark("start")
                elif now >= window.end_ns:
                    mark("end")
                    return window, (own_cpu_s() - began_cpu) * 1e9 / (now - began_ns)
                self._send(first, last, cycle, due_ns)
            self.sender.next_cycle()
        raise AssertionError("the load is planned for longer than the window")

    def _wait(self, due_ns: int) -> int:
        """Read what arrives until due_ns; returns the time then."""
        now = time.time_ns()
        while now < due_ns:
            if self._receive_at <= now:
                self._housekeep(now)
            else:
                time.sleep((min(due_ns, self._receive_at) - now) / 1e9)
            now = time.time_ns()
        if self._receive_at + 10 * RECEIVE_EVERY_NS <= now:  # sending may not starve receiving
            self._housekeep(now)
        return now

    def _housekeep(self, now: int) -> None:
        assert self._reports is not None
        self.serve(now)
        for connection, data, target in self._reports.due(now):
            self._send_one(connection, data, target)
        self._receive_at = now + RECEIVE_EVERY_NS

    def _ticks(self, cycle: int, start: int) -> list[tuple[int, int, int]]:
        """(first row, last row, when) of each tick of a cycle that has packets."""
        phase = self.sender.plan.phase_ns
        borders = np.flatnonzero(np.diff(phase // TICK_NS, prepend=-1))
        ends = np.append(borders[1:], len(phase))
        due = start + cycle * CYCLE_NS + phase[borders]
        return list(zip(borders.tolist(), ends.tolist(), due.tolist(), strict=True))

    def _send(self, first: int, last: int, cycle: int, due_ns: int) -> None:
        assert self._ledger is not None
        sender = self.sender
        sender.prepare(cycle, due_ns - int(sender.plan.phase_ns[first]) - cycle * CYCLE_NS, last)
        now = time.time_ns()
        stream = sender.plan.stream[first:last]
        self._ledger.sent_ns[stream, sender.counter(first, last, cycle)] = now
        self._refused += sender.send(self._wire, first, last)
        self._late_ns.append(now - due_ns)

    def _receive(self) -> None:
        while (taken := self._wire.receive()) is not None:
            self._take(taken)

    def _take(self, taken: Arrivals) -> None:
        connection = taken.to - self._base
        kind = self._wire.bytes[: len(connection), 0]
        second = self._wire.bytes[: len(connection), 1]
        known = (connection >= 0) & (connection < self.crowd.connections)
        rtp_or_rtcp = (kind >> 6 == 2) & known & (taken.size >= 12)
        rtcp = rtp_or_rtcp & (second >= 192) & (second < 224)  # RFC 5761 4
        media = np.flatnonzero(rtp_or_rtcp & ~rtcp)
        if len(media) and self._ledger is not None:
            self._media(media, taken, connection)
        if len(media) < len(connection):
            for at in np.flatnonzero(~rtp_or_rtcp | rtcp).tolist():
                self._other(at, taken, connection, bool(rtcp[at]))

    def _media(self, media: NDArray[np.int64], taken: Arrivals, connection: NDArray[np.int64]) -> None:
        assert self._ledger is not None
        here, contexts = self._in_place, self.keyring.receive
        here.lengths[media] = taken.size[media]
        rows, to = media.tolist(), connection[media].tolist()
        pointers, lengths = here.packets, here.pointers
        status = list(
            map(unprotect, [contexts[c] for c in to], [pointers[r] for r in rows], [lengths[r] for r in rows])
        )
        if any(status):
            good = np.equal(status, 0)
            self._unreadable += int(len(good) - good.sum())
            media = media[good]
        length = here.lengths[media].astype(np.int64)
        self._ledger.arrived(self._wire.bytes, self._words, media, length, connection[media] >> 1, taken.time_ns[media])

    def _other(self, at: int, taken: Arrivals, connection: NDArray[np.int64], rtcp: bool) -> None:
        to, data = int(connection[at]), self._wire.bytes[at, : int(taken.size[at])].tobytes()
        if not 0 <= to < self.crowd.connections:
            return
        if rtcp:
            if self._reports is not None:
                self._reports.received(to, data)
        else:
            source = taken.source[at]
            self.peers.received(to, data, (ip_text(int(source["ip"])), int(source["port"])))

    def _finish(self, window: Window, cpu_share: float) -> dict[str, Any]:
        until = time.time_ns() + DRAIN_NS
        while time.time_ns() < until:
            self._receive()
            time.sleep(0.005)
        late_ms = np.array(self._late_ns) / 1e6
        p50, p99 = np.percentile(late_ms, [50, 99])
        assert self._reports is not None and self._ledger is not None
        return {
            **self._ledger.result(window),
            "unreadable": self._unreadable,
            **self._reports.counts(),
            "generator": {
                "cpu_share": round(cpu_share, 3),
                "late_ms_p50": round(float(p50), 3),
                "late_ms_p99": round(float(p99), 3),
                "late_ms_max": round(float(late_ms.max()), 3),
                "late_share": round(float((late_ms > LATE_NS / 1e6).mean()), 4),
                "receive_drops": self._wire.drops(),
                "send_refused": self._refused,
            },
        }
