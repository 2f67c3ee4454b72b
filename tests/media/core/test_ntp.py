"""A publisher's clock as his reports tell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.core.ntp import SenderClock, middle, ntp_interval, rtt_from_report_block
from media.core.rtcp import ReportBlock

SECOND = 1 << 32


def block(lsr: int, dlsr: int) -> ReportBlock:
    return ReportBlock(1, 0, 0, 0, 0, lsr, dlsr)


def test_interval_and_middle() -> None:
    assert ntp_interval(1_500_000) == SECOND * 3 // 2
    assert middle(0x1234_5678_9ABC_DEF0) == 0x5678_9ABC


def test_nothing_before_the_first_report() -> None:
    clock = SenderClock(90_000)
    assert clock.at(5) is None
    assert clock.ntp_middle_at(5) is None
    assert clock.last_report(5) == (0, 0)


def test_both_clocks_advance_together() -> None:
    clock = SenderClock(48_000)
    clock.update(7 * SECOND, 1000, arrival_us=10_000_000)
    assert clock.at(10_500_000) == (7 * SECOND + SECOND // 2, 1000 + 24_000)
    assert clock.ntp_middle_at(11_000_000) == 8 << 16


def test_times_wrap() -> None:
    clock = SenderClock(90_000)
    clock.update((1 << 64) - 1, 0xFFFFFFFF, arrival_us=0)
    assert clock.at(1_000_000) == (SECOND - 1, 89_999)


def test_an_older_report_is_ignored_but_a_new_clock_is_believed() -> None:
    clock = SenderClock(90_000)
    clock.update(100 * SECOND, 900_000, 0)
    clock.update(99 * SECOND, 1, 1000)
    assert clock.at(0) == (100 * SECOND, 900_000)
    clock.update(5 * SECOND, 77, 2000)
    assert clock.at(2000) == (5 * SECOND, 77)


@given(st.lists(st.tuples(st.integers(100_000, 5_000_000), st.integers(0, 300_000)), min_size=1, max_size=20))
def test_reports_out_never_regress_and_stay_on_one_line(plan: list[tuple[int, int]]) -> None:
    """Whatever each report was delayed by, NTP grows, and NTP and RTP say the same time."""
    rate, start = 90_000, 1000 * SECOND
    clock = SenderClock(rate)
    sent_us, last = 0, 0
    for after_us, delay_us in plan:
        sent_us += after_us
        arrival_us = sent_us + delay_us
        clock.update(start + ntp_interval(sent_us), sent_us * rate // 1_000_000, arrival_us)
        times = clock.at(arrival_us)
        assert times is not None
        ntp, rtp = times
        assert ntp >= last
        last = ntp
        elapsed = (ntp - start) * rate >> 32
        assert abs((rtp - elapsed + 0x80000000 & 0xFFFFFFFF) - 0x80000000) <= 2


def test_lsr_and_dlsr() -> None:
    clock = SenderClock(90_000)
    clock.update(0x0001_0002_0003_0004, 0, 1_000_000)
    assert clock.last_report(1_500_000) == (0x0002_0003, 0x8000)
    assert clock.last_report(10**15) == (0x0002_0003, 0xFFFFFFFF)
    assert clock.last_report(0) == (0x0002_0003, 0)


@pytest.mark.parametrize(
    ("lsr", "dlsr", "now", "rtt_us"),
    [
        (100 << 16, 1 << 16, (101 << 16) + 0x4000, 250_000),
        (0xFFFF_0000, 0, 0x0000_8000, 1_500_000),  # the middle bits wrap
        (0, 0, 5 << 16, None),  # no report of ours had arrived
        (100 << 16, 0, None, None),
        (100 << 16, 9 << 16, 101 << 16, None),  # held it longer than it took: nonsense
    ],
)
def test_round_trip(lsr: int, dlsr: int, now: int | None, rtt_us: int | None) -> None:
    assert rtt_from_report_block(block(lsr, dlsr), now) == rtt_us
