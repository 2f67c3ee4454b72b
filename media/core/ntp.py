"""NTP timestamps and a publisher's clock as its sender reports tell it (RFC 3550 4, 6.4.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.core.packets import aligned_rows
from media.core.rtcp import ReportBlock

_ALL = (1 << 64) - 1
_SECOND = 1 << 32
_MIDDLE_SECOND = 1 << 16
REORDERED_S = 10
"""A report that is older than the last by less is late, or repeated; by more, the clock was set anew."""
RTT_MAX_US = 10_000_000  # more is a peer that echoes nonsense


def ntp_interval(us: int) -> int:
    """Microseconds as a 32.32 fixed point number of seconds."""
    return (us << 32) // 1_000_000


def middle(ntp: int) -> int:
    """The middle 32 of 64 bits: 16.16 fixed point seconds."""
    return ntp >> 16 & 0xFFFFFFFF


def rtt_from_report_block(block: ReportBlock, now_middle: int | None) -> int | None:
    """Round trip in us (RFC 3550 6.4.1), None when the peer has not had a report of ours or tells nonsense.

    now_middle is the time now on the clock that our sender reports carried.
    """
    if not block.lsr or now_middle is None:
        return None
    rtt = now_middle - block.lsr - block.dlsr & 0xFFFFFFFF
    us = rtt * 1_000_000 // _MIDDLE_SECOND
    return us if us <= RTT_MAX_US else None


CLOCK = np.dtype(
    [
        *[(name, np.uint64) for name in ("ntp", "last_out")],
        *[(name, np.int64) for name in ("rtp", "arrival_us")],
        ("known", np.bool_),
        ("unused", np.int64, 3),
    ],
    align=True,
)
"""A row of ClockTable, one cache line: struct balie_clock in media/native/batches.h."""


class ClockTable:
    """What the latest sender report of each track said, and when it came: (n,) each.

    known       bool, whether there was one; the other columns mean nothing before
    ntp         uint64, 32.32 fixed point seconds
    last_out    uint64, the same in the last report of ours about it, 0 before the first
    rtp         int64, in clock units
    arrival_us  int64
    """

    def __init__(self, n: int) -> None:
        self.memory = aligned_rows(n, CLOCK)
        self.known: NDArray[np.bool_] = self.memory["known"]
        self.ntp: NDArray[np.uint64] = self.memory["ntp"]
        self.last_out: NDArray[np.uint64] = self.memory["last_out"]
        self.rtp: NDArray[np.int64] = self.memory["rtp"]
        self.arrival_us: NDArray[np.int64] = self.memory["arrival_us"]


class SenderClock:
    """Where a publisher's NTP and RTP clocks stand, from its latest sender report: a row of a ClockTable, made anew.

    Reports to subscribers carry the publisher's own clock advanced by the time since, for audio and video
    alike: whatever the uplink delayed, both moved by the same and lips stay in sync (checklist rule 22).
    """

    def __init__(self, rate: int, table: ClockTable | None = None, row: int = 0) -> None:
        self._rate = rate
        self._table = table if table is not None else ClockTable(row + 1)
        self._row = row
        self._table.known[row] = False
        self._table.last_out[row] = 0

    @property
    def known(self) -> bool:
        return bool(self._table.known[self._row])

    def _told(self) -> tuple[int, int, int]:
        """NTP, RTP and arrival of the latest report."""
        table, row = self._table, self._row
        return int(table.ntp[row]), int(table.rtp[row]), int(table.arrival_us[row])

    def update(self, ntp: int, rtp: int, arrival_us: int) -> None:
        """A sender report arrived.  One older than the last (reordered, or replayed) is ignored."""
        table, row = self._table, self._row
        if self.known and 0 < int(table.ntp[row]) - ntp < REORDERED_S * _SECOND:
            return
        table.ntp[row], table.rtp[row], table.arrival_us[row], table.known[row] = ntp, rtp, arrival_us, True

    def at(self, now_us: int) -> tuple[int, int] | None:
        """(NTP, RTP) at now_us, None before the first report.  NTP never goes back between two calls."""
        if not self.known:
            return None
        told, rtp, arrival_us = self._told()
        elapsed_us = max(0, now_us - arrival_us)
        ntp = told + ntp_interval(elapsed_us) & _ALL
        rtp += elapsed_us * self._rate // 1_000_000
        behind = int(self._table.last_out[self._row]) - ntp & _ALL
        if 0 < behind < _SECOND:  # the new report arrived quicker than the last one: hold, do not regress
            ntp = ntp + behind & _ALL
            rtp += behind * self._rate >> 32
        self._table.last_out[self._row] = ntp
        return ntp, rtp & 0xFFFFFFFF

    def ntp_middle_at(self, now_us: int) -> int | None:
        """What the middle bits of a report sent now would say, for round trips."""
        if not self.known:
            return None
        ntp, _, arrival_us = self._told()
        return middle(ntp + ntp_interval(max(0, now_us - arrival_us)))

    def last_report(self, now_us: int) -> tuple[int, int]:
        """(LSR, DLSR) for a receiver report to the publisher; zeros before its first report."""
        if not self.known:
            return 0, 0
        ntp, _, arrival_us = self._told()
        delay = (now_us - arrival_us) * _MIDDLE_SECOND // 1_000_000
        return middle(ntp), max(0, min(0xFFFFFFFF, delay))
