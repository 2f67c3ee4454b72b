"""Everybody's outgoing media: one arena row per packet of a cycle, filled and encrypted shortly before it is due.

Receives numbers of time, asks no clock.  The layout of a packet (24 bytes of RTP header and
extensions, then ours) is known to ledger.py, which reads it back on arrival.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.crowd import AUDIO_BYTES, CYCLE_NS, FRAME_PACKETS, VIDEO, VIDEO_BYTES, Crowd, Plan
from benchmarks.keys import InPlace, Keyring, protect
from benchmarks.wire import Outbox, Wire, ip_number

MAGIC = 0x62616C69
HEADER_WORDS = 6  # RTP 3, extension header 1, elements 2
TAG_MAX = 16
AHEAD = 64
"""Packets encrypted at a time, so at most 3 ms ahead under full load: big enough for numpy to pay."""
FRAME_TICKS, AUDIO_TICKS = 3000, 960  # 90 kHz at 30/s, 48 kHz at 50/s
FRAMES_PER_CYCLE, AUDIO_PER_CYCLE = 3, 5
VP8_INTER = 0x01 << 16  # RFC 6386 9.1: clear in a key frame
VP8_START = 0x10 << 24 | VP8_INTER  # RFC 7741 4.2: S bit where a frame starts
OPUS_TOC = 0x78 << 24  # 20 ms of CELT, mono (RFC 6716 3.1); the rest is noise and nobody decodes it
LEVEL_SPEAKING = 0x80 | 30  # voice, -30 dBov: RFC 6464


@dataclass(frozen=True)
class StreamSpec:
    """How one stream was negotiated.  Extension ids are 0 where the other side does not want it."""

    ssrc: int
    payload_type: int
    mid: str = "0"
    mid_id: int = 4
    transport_cc_id: int = 3
    audio_level_id: int = 1


def check_word(stream: NDArray[np.int64], counter: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) the last four bytes of a packet: another mix of its numbers, to notice a cut or swapped tail."""
    return (counter * 2654435761 + stream * 40503 + 12345) & 0xFFFF_FFFF


class Sender:
    def __init__(self, crowd: Crowd, keyring: Keyring, base_address: int, target: tuple[str, int]) -> None:
        self.plan = Plan.of(crowd)
        self.rows = len(self.plan.stream)
        self._keyring = keyring
        self.outbox = Outbox(self.rows)
        self._in_place = InPlace(self.outbox.bytes)
        stream = self.plan.stream
        self.connections: NDArray[np.int64] = stream & ~1  # the publishing one: 2 * client
        self._is_video = (stream & 1) == VIDEO
        self.sizes = np.where(self._is_video, VIDEO_BYTES, AUDIO_BYTES)
        self.outbox.control["source"] = base_address + self.connections
        self.set_target(np.arange(self.rows), target)
        self._pattern = np.zeros((self.rows, VIDEO_BYTES), np.uint8)
        rng = np.random.default_rng(7)
        self._pattern[:] = rng.integers(0, 256, VIDEO_BYTES, np.uint8)
        self._words = self._pattern.view(">u4")
        self._tail = np.arange(self.rows) * (self.outbox.words.shape[1]) + self.sizes // 4 - 1
        self._flat_words = self.outbox.words.reshape(-1)
        self._word0 = np.zeros(self.rows, np.int64)
        self._word4 = np.zeros(self.rows, np.int64)
        self._contexts: list[object] = []
        self.key_frame_wanted = np.ones(crowd.streams, np.bool_)
        self._ready = 0  # rows of this cycle that are encrypted
        self._per_client = np.bincount(stream >> 1)[0]

    def set_target(self, rows: NDArray[np.int64], target: tuple[str, int]) -> None:
        self.outbox.names["ip"][rows] = ip_number(target[0])
        self.outbox.names["port"][rows] = target[1]

    def negotiated(self, specs: list[StreamSpec], targets: list[tuple[str, int]]) -> None:
        """Lay out what does not change: specs per stream, targets per connection."""
        for stream, spec in enumerate(specs):
            rows = np.flatnonzero(self.plan.stream == stream)
            self.set_target(rows, targets[stream & ~1])
            video = stream & 1 == VIDEO
            packet = self.plan.counter[rows] % FRAME_PACKETS
            marker = (packet == FRAME_PACKETS - 1) if video else np.zeros(len(rows), np.int64)
            # V=2, X=1, marker at a frame's end (RFC 6184 and RFC 7741), sequence number added per packet.
            self._word0[rows] = (0x90 << 24) | (marker << 23) | (spec.payload_type << 16)
            self._words[rows, 2] = spec.ssrc
            self._words[rows, 3] = 0xBEDE_0002
            cc = (spec.transport_cc_id << 4 | 1) << 24 if spec.transport_cc_id else 0
            level = 0 if video or not spec.audio_level_id else spec.audio_level_id << 4
            self._word4[rows] = cc | level
            rest = bytes([LEVEL_SPEAKING if level else 0])
            if spec.mid_id:
                rest += bytes([spec.mid_id << 4 | (len(spec.mid) - 1)]) + spec.mid.encode()
            if len(rest) > 4:
                raise ValueError(f"mid {spec.mid!r} does not fit the generator's fixed header: use one or two letters")
            self._words[rows, 5] = int.from_bytes(rest.ljust(4, b"\0"), "big")
            self._words[rows, HEADER_WORDS] = np.where(packet == 0, VP8_START, 0) if video else OPUS_TOC
            self._words[rows, HEADER_WORDS + 1] = MAGIC
            self._words[rows, HEADER_WORDS + 2] = stream
        self._contexts = [self._keyring.send[c] for c in self.connections.tolist()]

    def counter(self, first: int, last: int, cycle: int) -> NDArray[np.int64]:
        return self.plan.counter[first:last] + cycle * self.plan.per[first:last]

    def prepare(self, cycle: int, start_ns: int, upto: int) -> None:
        """Fill and encrypt rows of the cycle so that `upto` of them are ready.  start_ns: when cycle 0 began."""
        while self._ready < upto:
            first, last = self._ready, min(self._ready + AHEAD, self.rows)
            self.fill(first, last, cycle, start_ns)
            here = self._in_place
            here.lengths[first:last] = self.sizes[first:last]
            status = list(map(protect, self._contexts[first:last], here.packets[first:last], here.pointers[first:last]))
            if any(status):
                raise AssertionError(f"libsrtp would not protect our packets: {set(status)}")
            self.outbox.iov["size"][first:last] = here.lengths[first:last]
            self._ready = last

    def fill(self, first: int, last: int, cycle: int, start_ns: int) -> None:
        """Rows as they are before encryption."""
        counter = self.counter(first, last, cycle)
        stream, video = self.plan.stream[first:last], self._is_video[first:last]
        self.outbox.bytes[first:last, :VIDEO_BYTES] = self._pattern[first:last]
        words = self.outbox.words[first:last]
        words[:, 0] = self._word0[first:last] | (counter & 0xFFFF)
        ticks = np.where(video, counter // FRAME_PACKETS * FRAME_TICKS, counter * AUDIO_TICKS)
        words[:, 1] = ticks & 0xFFFF_FFFF
        transport_wide = self.plan.place[first:last] + cycle * self._per_client
        words[:, 4] = self._word4[first:last] | (transport_wide & 0xFFFF) << 8
        wanted = self.key_frame_wanted[stream] & video
        if wanted.any():
            self._mark_key_frames(words, stream, counter, wanted)
        words[:, HEADER_WORDS + 3] = counter
        due_ns = start_ns + cycle * CYCLE_NS + self.plan.phase_ns[first:last]
        words[:, HEADER_WORDS + 4] = due_ns >> 32
        words[:, HEADER_WORDS + 5] = due_ns & 0xFFFF_FFFF
        self._flat_words[self._tail[first:last]] = check_word(stream, counter)

    def _mark_key_frames(
        self,
        words: NDArray[np.uint32],
        stream: NDArray[np.int64],
        counter: NDArray[np.int64],
        wanted: NDArray[np.bool_],
    ) -> None:
        """Start a key frame where one was asked for and a frame starts in this part."""
        starts = wanted & (counter % FRAME_PACKETS == 0)
        words[starts, HEADER_WORDS] = VP8_START & ~VP8_INTER
        self.key_frame_wanted[stream[starts]] = False

    def next_cycle(self) -> None:
        self._ready = 0

    def send(self, wire: Wire, first: int, last: int) -> int:
        return wire.send(self.outbox, first, last)
