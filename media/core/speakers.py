"""Who speaks, from the audio levels that browsers put on their packets (RFC 6464)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.core.model import ParticipantId, RoomId
from media.core.packets import aligned_rows

SPEAKING_DBOV = 45  # quieter is room noise: LiveKit uses 35, too strict for a laptop at arm's length
SMOOTHING = 0.35  # per evaluation, 200 ms: LiveKit's half a second of memory; a cough of 300 ms is no speech
STARTS_AT, STOPS_AT = 0.5, 0.2  # share of loud packets; apart, so that the list does not flicker


LEVELS = np.dtype(
    [
        *[(name, np.int64) for name in ("packets", "loud", "level_sum")],
        *[(name, np.float64) for name in ("share", "quietness")],
        ("speaking", np.bool_),
        ("unused", np.int64, 2),
    ],
    align=True,
)
"""A row of ActiveSpeakers, one cache line: struct balie_levels in media/native/batches.h."""


class ActiveSpeakers:
    """observe() per batch, evaluate() about five times a second.

    Arrays are (tracks_max + 1,): packets, loud packets and the sum of levels since the last evaluation, the smoothed
    share of loud packets, and the loudest level (dBov below full scale, smoothed).
    """

    def __init__(self, tracks_max: int) -> None:
        n = tracks_max + 1
        self.memory = aligned_rows(n, LEVELS)
        self._packets: NDArray[np.int64] = self.memory["packets"]
        self._loud: NDArray[np.int64] = self.memory["loud"]
        self._level_sum: NDArray[np.int64] = self.memory["level_sum"]
        self._share: NDArray[np.float64] = self.memory["share"]
        self._quietness: NDArray[np.float64] = self.memory["quietness"]
        self._speaking: NDArray[np.bool_] = self.memory["speaking"]
        self._of: dict[int, tuple[RoomId, ParticipantId]] = {}
        self._reassigned = False
        self._last: dict[RoomId, tuple[ParticipantId, ...]] = {}

    def assign(self, track: int, room: RoomId, participant: ParticipantId) -> None:
        self._clear(track)
        self._of[track] = room, participant

    def release(self, track: int) -> None:
        """The track ended.  Its participant leaves the list at the next evaluation."""
        self._of.pop(track, None)
        self._clear(track)

    def _clear(self, track: int) -> None:
        self._packets[track] = self._loud[track] = self._level_sum[track] = 0
        self._share[track], self._quietness[track], self._speaking[track] = 0.0, 127.0, False
        self._reassigned = True

    def observe(self, tracks: NDArray[np.int64], level_dbov: NDArray[np.int64]) -> None:
        """tracks (N,), level_dbov (N,) 0 (loud) to 127 (silent)."""
        np.add.at(self._packets, tracks, 1)
        np.add.at(self._loud, tracks, level_dbov < SPEAKING_DBOV)
        np.add.at(self._level_sum, tracks, level_dbov)

    def evaluate(self) -> list[tuple[RoomId, tuple[ParticipantId, ...]]]:
        """Rooms whose list of speakers changed, each list loudest first."""
        changed = self.smooth(max(self._of, default=-1) + 1)  # handed out from the lowest on
        if not self._reassigned and not changed:
            return []
        self._reassigned = False
        return self._news()

    def smooth(self, count: int) -> bool:
        """Move the averages of tracks 0..count-1 on; returns whether somebody began or ceased to speak."""
        rows = slice(count)
        packets, loud, level_sum = self._packets[rows], self._loud[rows], self._level_sum[rows]
        share, quietness, speaking = self._share[rows], self._quietness[rows], self._speaking[rows]
        heard = np.maximum(packets, 1)
        share += SMOOTHING * (loud / heard - share)
        level = np.where(packets > 0, level_sum / heard, 127.0)
        quietness += SMOOTHING * (level - quietness)
        packets[:] = loud[:] = level_sum[:] = 0
        before = speaking.tobytes()
        speaking[:] = share >= np.where(speaking, STOPS_AT, STARTS_AT)
        return speaking.tobytes() != before

    def _news(self) -> list[tuple[RoomId, tuple[ParticipantId, ...]]]:
        now: dict[RoomId, list[tuple[float, ParticipantId]]] = {}
        for track in np.flatnonzero(self._speaking).tolist():
            if track in self._of:
                room, participant = self._of[track]
                now.setdefault(room, []).append((float(self._quietness[track]), participant))
        lists = {
            room: tuple(dict.fromkeys(participant for _, participant in sorted(speakers)))
            for room, speakers in now.items()
        }
        # The order alone is no news: two people who talk at once would swap places five times a second.
        same = {room for room, names in lists.items() if set(self._last.get(room, ())) == set(names)}
        changed = [(room, names) for room, names in lists.items() if room not in same]
        changed += [(room, ()) for room in self._last if room not in lists]
        self._last = {room: self._last[room] if room in same else names for room, names in lists.items()}
        return changed
