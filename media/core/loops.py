"""The loops of the data path over one batch, behind one face for the engine: read, account, fan out.

ArrayLoops does them with the array functions of ingress.py and egress.py; CompiledLoops (compiled.py) in C, where
media.native is compiled.  Same results, but for the order of copies to different subscribers.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from media.core.egress import Copies, fan_out
from media.core.ingress import Packets, StrayReader, account, read_batch, sample_jitter
from media.core.packets import Arena
from media.core.speakers import ActiveSpeakers
from media.core.tables import SubscriptionTable, TrackTable
from media.core.twcc import FeedbackLog

Ints = NDArray[np.int64]


class Loops(Protocol):
    """One batch: read(), account(), then whatever the results ask for, then fan_out(), always."""

    odd: list[tuple[int, int]]
    """Tracks whose numbers were not simply the next, with their highest number before the batch."""
    kept: Ints
    """Arena rows of packets that may be asked again."""
    held: int
    """Copies held back, because they are older than the key frame that a subscription began with."""
    left_out: int
    """Copies that did not fit the send arena."""
    idle: list[tuple[int, int]]
    """Tracks that no live subscription has, with how many of their packets came."""

    def read(self, rows: Ints, transports: Ints, arrival_us: Ints, strays: StrayReader) -> None:
        """Read decrypted packets, log their transport-cc numbers.  (N,) int64 each, N <= batch_max."""

    def account(self, now_us: int, *, jitter: bool = False) -> int:
        """Count them, and with jitter sample their spacing; returns how many there are to forward."""

    def packets(self) -> Packets:
        """Those, for the slow paths.  Valid until the next read()."""

    def fan_out(self, orientation_ids: dict[int, int], now_us: int) -> Copies:
        """Copies in the send arena.  orientation_ids: subscription -> id of video-orientation, where negotiated."""


class ArrayLoops:
    """With arrays."""

    def __init__(
        self,
        arena: Arena,
        send: Arena,
        tracks: TrackTable,
        subscriptions: SubscriptionTable,
        feedback: FeedbackLog,
        speakers: ActiveSpeakers,
    ) -> None:
        self._arena, self._send, self._tracks, self._subscriptions = arena, send, tracks, subscriptions
        self._feedback, self._speakers = feedback, speakers
        self._packets: Packets | None = None
        self.odd: list[tuple[int, int]] = []
        self.idle: list[tuple[int, int]] = []
        self.kept: Ints = np.zeros(0, np.int64)
        self.held = self.left_out = 0

    def read(self, rows: Ints, transports: Ints, arrival_us: Ints, strays: StrayReader) -> None:
        packets, numbers = read_batch(self._arena, self._tracks, rows, transports, arrival_us, strays)
        tagged = numbers >= 0
        self._feedback.add(transports[tagged], numbers[tagged], arrival_us[tagged])
        self._packets, self.kept = packets, rows[:0]

    def account(self, now_us: int, *, jitter: bool = False) -> int:
        packets = self.packets()
        self.odd = account(self._tracks, packets, now_us) if len(packets) else []
        if jitter and len(packets):
            sample_jitter(self._tracks, packets, now_us)
        self.kept = packets.row[self._tracks.kept[packets.track]]
        audible = self._tracks.level_column[packets.track] > 0
        if audible.any():
            self._speakers.observe(packets.track[audible], packets.level[audible] & 0x7F)
        return len(packets)

    def packets(self) -> Packets:
        assert self._packets is not None
        return self._packets

    def fan_out(self, orientation_ids: dict[int, int], now_us: int) -> Copies:
        packets = self.packets()
        copies, self.held, self.left_out = fan_out(
            self._arena, self._send, self._tracks, self._subscriptions, packets, orientation_ids, now_us
        )
        nobody = self._tracks.fan_count[packets.track] == 0
        self.idle = []
        if nobody.any():
            tracks, counts = np.unique(packets.track[nobody], return_counts=True)
            self.idle = list(zip(tracks.tolist(), counts.tolist(), strict=True))
        return copies
