"""What it costs to give packets new headers: a loop, arrays, and balie's engine with all it does.

`python -m benchmarks.rewrite >> benchmarks/results/rewrite.jsonl`; prints, never asserts.
"""

from __future__ import annotations

import os
import struct

import numpy as np
from numpy.typing import NDArray

from benchmarks.crowd import VIDEO_BYTES, Crowd
from benchmarks.keys import Keyring
from benchmarks.plane import join_all
from benchmarks.sdp import OPUS, VP8
from benchmarks.sender import Sender, StreamSpec
from benchmarks.timing import emit, measure, percentiles, timed
from media.core.engine import Engine
from media.core.packets import HEAD
from media.core.settings import Settings

BATCHES = (1, 4, 8, 16, 64, 256)
ROOMS = 40
ROUNDS = 400


def rewrite(headers: NDArray[np.uint8], ssrc: NDArray[np.uint32], seq: NDArray[np.uint16]) -> None:
    """headers (N, 12) uint8, in place; ssrc (N,) uint32, seq (N,) uint16, host order.  RFC 3550 5.1."""
    headers[:, 2:4] = seq.astype(">u2")[:, None].view(np.uint8)
    headers[:, 8:12] = ssrc.astype(">u4")[:, None].view(np.uint8)


def loop_and_arrays(packets: int) -> None:
    rng = np.random.default_rng(1)
    headers = rng.integers(0, 256, (packets, 12), np.uint8)
    ssrc, seq = rng.integers(0, 2**32, packets, np.uint32), np.arange(packets, dtype=np.uint16)
    emit("rewrite", {"way": "numpy", "packets": packets}, measure(lambda: rewrite(headers, ssrc, seq), packets))
    rows = [memoryview(row) for row in headers]
    numbers = list(zip(rows, seq.tolist(), ssrc.tolist(), strict=True))
    pack = struct.Struct("!HII").pack_into

    def loop() -> None:
        for row, sequence, source in numbers:
            pack(row, 2, sequence, 0, source)

    emit("rewrite", {"way": "loop", "packets": packets}, measure(loop, packets))


class EngineLoad:
    """An engine with a crowd in it, fed with the load generator's packets before their encryption."""

    def __init__(self, crowd: Crowd) -> None:
        self._engine = Engine(Settings(), os.urandom)
        self._transports = np.array(join_all(self._engine, crowd), np.int64)
        for transport in self._transports.tolist():
            self._engine.connected(transport)
        self._sender = Sender(crowd, Keyring(crowd.connections), 0, ("127.0.0.1", 9))
        specs = [
            StreamSpec(crowd.ssrc(stream), OPUS if stream & 1 else VP8, "0" if stream & 1 else "1")
            for stream in range(crowd.streams)
        ]
        self._sender.negotiated(specs, [("127.0.0.1", 9)] * crowd.connections)
        self.rows_per_cycle = self._sender.rows
        self.copies = 0
        self._place = self._row = self._cycle = 0
        self._now_us = 1_000_000

    def prepare(self, size: int) -> None:
        """Put the next `size` packets of the crowd into the arena, as if they had been received."""
        if self._place + size > self._sender.rows:
            self._place, self._cycle = 0, self._cycle + 1
        first, last = self._place, self._place + size
        self._place = last
        self._sender.fill(first, last, self._cycle, 0)
        arena = self._engine.arena
        rows = (self._row + np.arange(size)) % arena.rows
        self._row = (self._row + size) % arena.rows
        arena.bytes[rows, HEAD : HEAD + VIDEO_BYTES] = self._sender.outbox.bytes[first:last, :VIDEO_BYTES]
        arena.length[rows] = self._sender.sizes[first:last]
        self._now_us += 1_000
        transports = self._transports[self._sender.connections[first:last]]
        self._batch = rows, transports, np.full(size, self._now_us, np.int64)

    def forward(self) -> None:
        copies = self._engine.receive(*self._batch, self._now_us)
        self.copies += 0 if copies is None else len(copies)


def engine(packets: int) -> None:
    """Engine.receive() alone: reading, numbering, history, statistics, and copies for two subscribers each."""
    load = EngineLoad(Crowd(ROOMS, 3))
    for _ in range(load.rows_per_cycle // 64 * 2):  # until every stream has begun
        load.prepare(64)
        load.forward()
    load.copies = 0
    took = []
    for _ in range(ROUNDS):
        load.prepare(packets)
        took.append(timed(load.forward))
    # Rows of a cycle that do not fill a batch are skipped: the engine sees gaps, rarely, as in life.
    case = {"way": "engine", "packets": packets, "copies_each": round(load.copies / packets / ROUNDS, 2)}
    emit("rewrite", case, percentiles(took, 2 * packets))


def main() -> None:
    for packets in BATCHES:
        loop_and_arrays(packets)
    for packets in BATCHES:
        engine(packets)


if __name__ == "__main__":
    main()
