"""Key-frame requests: however many viewers want one, a publisher is asked at a measured pace."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.core.tables import distinct

INTERVAL_US = 500_000  # Galene's and LiveKit's throttle; a key frame of 720p takes a second on a poor line
RETRY_MAX_US = 1_000_000  # mediasoup and LiveKit wait no longer before they ask again


class KeyframeRequests:
    """Decide for which tracks to send a PLI now.  No clock, no socket.

    Shapes   want(tracks, now_us): tracks (N,) int32 rows, duplicates allowed, N >= 0.
             Returns (M,) int32, M <= N, ascending, each row once: send one PLI per row.
    Units    now_us: int, microseconds on any clock that never runs backwards.
    Limits   at most one PLI per track per INTERVAL_US, whatever the number of viewers.  While one is
             unanswered and the publisher is far away, two round trips, up to RETRY_MAX_US: a key frame on
             its way is not asked for twice (checklist rule 19).
    Errors   IndexError: a row >= tracks_max.  ValueError: now_us went backwards.  Both are bugs of ours.
    Source   RFC 4585 6.3.1, RFC 8834 5.1.2.
    """

    def __init__(self, tracks_max: int) -> None:
        self._asked_us: NDArray[np.int64] = np.full(tracks_max, -INTERVAL_US, np.int64)
        self._retry_us: NDArray[np.int64] = np.full(tracks_max, INTERVAL_US, np.int64)
        self._answered: NDArray[np.bool_] = np.ones(tracks_max, np.bool_)
        self._now_us = 0

    def want(self, tracks: NDArray[np.int32], now_us: int) -> NDArray[np.int32]:
        if now_us < self._now_us:
            raise ValueError(f"time ran backwards: {self._now_us} us, then {now_us} us")
        self._now_us = now_us
        rows = distinct(tracks)
        wait_us = np.where(self._answered[rows], INTERVAL_US, self._retry_us[rows])
        due: NDArray[np.int32] = rows[now_us - self._asked_us[rows] >= wait_us]
        self._asked_us[due] = now_us
        self._answered[due] = False
        return due

    def satisfied(self, track: int) -> None:
        """A key frame came: the next request waits for INTERVAL_US only, counted from the last one."""
        self._answered[track] = True

    def far(self, track: int, rtt_us: int) -> None:
        """The publisher of track is rtt_us away."""
        self._retry_us[track] = min(max(2 * rtt_us, INTERVAL_US), RETRY_MAX_US)

    def reset(self, track: int) -> None:
        """The row serves another track now: its first request goes out at once."""
        self._asked_us[track] = -INTERVAL_US
        self._retry_us[track] = INTERVAL_US
        self._answered[track] = True
