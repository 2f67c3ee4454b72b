"""The books: which packet of which stream reached whom, how often, when, and whether it was whole.

Fed with decrypted batches; knows no socket and no keys.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.crowd import Crowd
from benchmarks.sender import HEADER_WORDS, MAGIC, check_word

SENDER_AT = (HEADER_WORDS + 1) * 4  # where MAGIC lies in a packet as sent; on arrival the header may differ
PAYLOAD_BEFORE = 4  # descriptor bytes before MAGIC


@dataclass(frozen=True)
class Window:
    """What is counted: packets sent from start_ns until before end_ns (CLOCK_REALTIME)."""

    start_ns: int
    end_ns: int


class Ledger:
    """counters_max: how many packets a stream may send in the whole run."""

    def __init__(self, crowd: Crowd, counters_max: int) -> None:
        self._crowd = crowd
        self.sent_ns: NDArray[np.int64] = np.zeros((crowd.streams, counters_max), np.int64)
        """When the generator really handed each packet to the kernel; 0 = not sent."""
        self._seen: NDArray[np.uint8] = np.zeros((crowd.slots, counters_max), np.uint8)
        self._latency_ns = np.zeros(1 << 16, np.int32)
        self._latency_sent_ns = np.zeros(1 << 16, np.int64)
        self._arrived = 0
        self.corrupted = 0
        self.misdelivered = 0
        self.foreign = 0
        """RTP that carries none of our marks: retransmissions, probes, padding."""
        self.highest_seq: NDArray[np.int64] = np.zeros(crowd.slots, np.int64)
        self.source_ssrc: NDArray[np.int64] = np.zeros(crowd.slots, np.int64)
        self._shift: NDArray[np.int64] = np.full(crowd.slots, -1, np.int64)
        self.renumbered = 0
        """Packets whose sequence number has another distance from ours than the one before had."""

    def arrived(
        self,
        rows: NDArray[np.uint8],
        words: NDArray[np.uint32],
        at: NDArray[np.int64],
        length: NDArray[np.int64],
        client: NDArray[np.int64],
        time_ns: NDArray[np.int64],
    ) -> None:
        """Book decrypted RTP.

        rows (M, STRIDE) uint8 and words, the same memory as big-endian uint32
        at, length, client, time_ns (N,): row, bytes after SRTP, receiving client, arrival
        """
        first = rows[at, 0].astype(np.int64)
        header = 12 + 4 * (first & 15)
        extended = (first & 0x10) != 0
        # RFC 3550 5.3.1: the extension's length in words is its second half-word.
        extension = 4 + 4 * (rows[at, header + 2].astype(np.int64) * 256 + rows[at, header + 3])
        header += np.where(extended, extension, 0)
        ours = (length >= header + 32) & (header & 3 == 0)
        word = header // 4
        ours &= words[at, np.where(ours, word + 1, 0)] == MAGIC
        if not ours.all():
            self.foreign += int(len(at) - ours.sum())
            at, length, client, time_ns, word = (a[ours] for a in (at, length, client, time_ns, word))
        stream = words[at, word + 2].astype(np.int64)
        counter = words[at, word + 3].astype(np.int64)
        whole = (length & 3 == 0) & (stream < self._crowd.streams) & (counter < self._seen.shape[1])
        whole &= words[at, np.minimum(length // 4 - 1, words.shape[1] - 1)] == check_word(stream, counter)
        slot = self._crowd.slot_of(client, np.where(whole, stream, 0))
        good = whole & (slot >= 0)
        if not good.all():
            self.corrupted += int((~whole).sum())
            self.misdelivered += int((whole & (slot < 0)).sum())
            at, stream, counter, slot, time_ns = (a[good] for a in (at, stream, counter, slot, time_ns))
        np.add.at(self._seen, (slot, counter), 1)
        self._book_numbers(words[at, 0].astype(np.int64) & 0xFFFF, words[at, 2].astype(np.int64), slot, counter)
        self._book_latency(self.sent_ns[stream, counter], time_ns)

    def _book_numbers(
        self, seq: NDArray[np.int64], ssrc: NDArray[np.int64], slot: NDArray[np.int64], counter: NDArray[np.int64]
    ) -> None:
        shift = (seq - counter) & 0xFFFF
        known = self._shift[slot]
        self.renumbered += int(((known >= 0) & (known != shift)).sum())
        self._shift[slot] = shift
        self.highest_seq[slot] = seq
        self.source_ssrc[slot] = ssrc

    def _book_latency(self, sent_ns: NDArray[np.int64], time_ns: NDArray[np.int64]) -> None:
        end = self._arrived + len(sent_ns)
        if end > len(self._latency_ns):
            self._latency_ns = np.concatenate([self._latency_ns, np.zeros_like(self._latency_ns)])
            self._latency_sent_ns = np.concatenate([self._latency_sent_ns, np.zeros_like(self._latency_sent_ns)])
        self._latency_ns[self._arrived : end] = np.minimum(time_ns - sent_ns, 2**31 - 1)
        self._latency_sent_ns[self._arrived : end] = sent_ns
        self._arrived = end

    def result(self, window: Window) -> dict[str, float | int]:
        counted = (self.sent_ns > 0) & (self.sent_ns >= window.start_ns) & (self.sent_ns < window.end_ns)
        streams, slots = self._crowd.wanted()
        wanted = counted[streams]
        seen = self._seen[slots]
        expected = int(wanted.sum())
        delivered = int((wanted & (seen > 0)).sum())
        times = self._latency_sent_ns[: self._arrived]
        latency = self._latency_ns[: self._arrived][(times >= window.start_ns) & (times < window.end_ns)] / 1e6
        p50, p90, p99, p999 = np.percentile(latency, [50, 90, 99, 99.9]) if len(latency) else [float("nan")] * 4
        return {
            "sent": int(counted.sum()),
            "expected": expected,
            "delivered": delivered,
            "delivered_share": delivered / expected if expected else 0.0,
            "lost": expected - delivered,
            "duplicated": int(np.where(wanted, np.maximum(seen.astype(np.int64) - 1, 0), 0).sum()),
            "corrupted": self.corrupted,
            "misdelivered": self.misdelivered,
            "foreign": self.foreign,
            "renumbered": self.renumbered,
            "latency_ms_p50": round(float(p50), 3),
            "latency_ms_p90": round(float(p90), 3),
            "latency_ms_p99": round(float(p99), 3),
            "latency_ms_p999": round(float(p999), 3),
            "latency_ms_max": round(float(latency.max()), 3) if len(latency) else float("nan"),
        }

    def late(self, window: Window, over_ns: int) -> NDArray[np.int64]:
        """When the packets of a window left that took longer than this: (N,) nanoseconds, in order."""
        times = self._latency_sent_ns[: self._arrived]
        there = (times >= window.start_ns) & (times < window.end_ns) & (self._latency_ns[: self._arrived] > over_ns)
        return np.sort(times[there])
