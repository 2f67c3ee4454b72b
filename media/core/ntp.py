"""NTP timestamps and a publisher's clock as its sender reports tell it (RFC 3550 4, 6.4.1)."""

from __future__ import annotations

from media.core.rtcp import ReportBlock

_SECOND = 1 << 32
_MIDDLE_SECOND = 1 << 16
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


class SenderClock:
    """Where a publisher's NTP and RTP clocks stand, from its latest sender report.

    Reports to subscribers carry the publisher's own clock advanced by the time since, for audio and video
    alike: whatever the uplink delayed, both moved by the same and lips stay in sync (checklist rule 22).
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._ntp = 0
        self._rtp = 0
        self._arrival_us = 0
        self._last_out = 0
        self.known = False

    def update(self, ntp: int, rtp: int, arrival_us: int) -> None:
        """A sender report arrived.  One older than the last (reordered, or replayed) is ignored."""
        if self.known and ntp < self._ntp and self._ntp - ntp < 10 * _SECOND:
            return
        self._ntp, self._rtp, self._arrival_us, self.known = ntp, rtp, arrival_us, True

    def at(self, now_us: int) -> tuple[int, int] | None:
        """(NTP, RTP) at now_us, None before the first report.  NTP never goes back between two calls."""
        if not self.known:
            return None
        elapsed_us = max(0, now_us - self._arrival_us)
        ntp = self._ntp + ntp_interval(elapsed_us)
        rtp = self._rtp + elapsed_us * self._rate // 1_000_000
        behind = self._last_out - ntp
        if 0 < behind < _SECOND:  # the new report arrived quicker than the last one: hold, do not regress
            ntp += behind
            rtp += behind * self._rate >> 32
        self._last_out = ntp
        return ntp & 0xFFFFFFFFFFFFFFFF, rtp & 0xFFFFFFFF

    def ntp_middle_at(self, now_us: int) -> int | None:
        """What the middle bits of a report sent now would say, for round trips."""
        if not self.known:
            return None
        return middle(self._ntp + ntp_interval(max(0, now_us - self._arrival_us)))

    def last_report(self, now_us: int) -> tuple[int, int]:
        """(LSR, DLSR) for a receiver report to the publisher; zeros before its first report."""
        if not self.known:
            return 0, 0
        delay = (now_us - self._arrival_us) * _MIDDLE_SECOND // 1_000_000
        return middle(self._ntp), max(0, min(0xFFFFFFFF, delay))
