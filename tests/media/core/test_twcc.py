"""Transport-wide feedback, read by a decoder written here from draft-holmer-rmcat-transport-wide-cc-extensions-01."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import native
from media.core.compiled_twcc import CompiledFeedbackLog
from media.core.compiled_writer import CompiledWriter
from media.core.packets import Arena
from media.core.twcc import FEEDBACKS_MAX, SIZE_MAX, FeedbackLog
from media.native import FFI, pointer
from tests.support.bench import read_copies

TICK_US = 250
OWN, MEDIA = 0xAAAA0000, 0xBBBB0000


@dataclass
class Feedback:
    """arrivals: number -> time in us, modulo what 24 bits of 64 ms hold; lost: numbers said not to have come."""

    sender: int
    media: int
    count: int
    arrivals: dict[int, int] = field(default_factory=dict)
    lost: list[int] = field(default_factory=list)


def decode(packet: bytes) -> Feedback:
    """Section 3.1.  Every byte must be accounted for."""
    first, packet_type, words, sender, media, base, status, word = struct.unpack_from("!BBHIIHHI", packet)
    assert (first & 0xDF, packet_type) == (0x8F, 205)
    assert len(packet) == 4 * words + 4
    assert status >= 1
    end = len(packet) - (packet[-1] if first & 0x20 else 0)
    assert len(packet) - end < 4
    out = Feedback(sender, media, word & 0xFF)
    symbols: list[int] = []
    at = 20
    while len(symbols) < status:
        (chunk,) = struct.unpack_from("!H", packet, at)
        at += 2
        if chunk < 0x8000:  # run length, 3.1.3
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk < 0xC000:  # one bit each, 3.1.4
            symbols += [chunk >> 13 - place & 1 for place in range(14)]
        else:  # two bits each
            symbols += [chunk >> 12 - 2 * place & 3 for place in range(7)]
    assert not any(symbols[status:]), "what follows the last status is not 'not received'"
    time_us = (word >> 8) * 64_000
    for number, symbol in enumerate(symbols[:status], base):
        assert symbol != 3
        if symbol == 0:
            out.lost.append(number & 0xFFFF)
            continue
        step = packet[at] if symbol == 1 else struct.unpack_from("!h", packet, at)[0]
        at += symbol
        time_us += step * TICK_US
        out.arrivals[number & 0xFFFF] = time_us
    assert at == end, "bytes that belong to nothing"
    return out


LIBRARY = native.library()


class Logs:
    """A log of four transports, and what it said.  Where the loops are compiled, theirs says the same."""

    def __init__(self) -> None:
        self.log = FeedbackLog(4, 4096)
        self.compiled: CompiledFeedbackLog | None = None
        if LIBRARY is not None:
            self.compiled = CompiledFeedbackLog(LIBRARY, 4, 4096)
            self._send = Arena(64)
            self._core: Any = FFI.new("struct balie_core *")
            self._core.out_bytes, self._core.out_rows = pointer(self._send.bytes), self._send.rows
            self.compiled.writer = CompiledWriter(LIBRARY, self._core, self._send, self.compiled.sender_ssrc)
        self.said: dict[int, list[Feedback]] = {}
        self.sizes: list[int] = []

    def add(self, arrivals: list[tuple[int, int]], transport: int = 1) -> None:
        """(number, time in us)."""
        numbers = np.array([number & 0xFFFF for number, _ in arrivals], np.int64)
        times = np.array([time_us for _, time_us in arrivals], np.int64)
        for log in (self.log, self.compiled):
            if log is not None:
                log.add(np.full(len(arrivals), transport, np.int64), numbers, times)

    def reset(self, transport: int) -> None:
        for log in (self.log, self.compiled):
            if log is not None:
                log.reset(transport)

    def _written(self) -> list[tuple[int, bytes]]:
        assert self.compiled is not None and self.compiled.writer is not None
        return read_copies(self._send, self.compiled.writer.take())

    def _name(self) -> None:
        for log in (self.log, self.compiled):
            if log is not None:
                log.sender_ssrc[:], log.media_ssrc[:] = OWN + np.arange(4), MEDIA + np.arange(4)

    def build(self) -> list[tuple[int, Feedback]]:
        self._name()
        packets = self.log.build()
        if self.compiled is not None:
            others = self.compiled.build()
            assert sorted([*self._written(), *others], key=itemgetter(0)) == packets
            assert self.compiled.used == 0
        out = [(transport, decode(packet)) for transport, packet in packets]
        self.sizes += [len(packet) for _, packet in packets]
        for transport, feedback in out:
            assert (feedback.sender, feedback.media) == (OWN + transport, MEDIA + transport)
            self.said.setdefault(transport, []).append(feedback)
        return out


def close(stated_us: int, arrived_us: int) -> bool:
    """To within one tick, on the clock of 24 bits of 64 ms."""
    wrap = 64_000 << 24
    return (arrived_us - stated_us + wrap // 2) % wrap - wrap // 2 in range(TICK_US)


def one(arrivals: list[tuple[int, int]], before: list[tuple[int, int]] | None = None) -> list[Feedback]:
    """What is said of arrivals, after others were reported."""
    logs = Logs()
    if before:
        logs.add(before)
        logs.build()
    logs.add(arrivals)
    return [feedback for _, feedback in logs.build()]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 14, 255, 256, 1000])
def test_packets_in_order(count: int) -> None:
    arrivals = [(100 + n, 5_000_000 + 1_000 * n) for n in range(count)]
    (feedback,) = one(arrivals)
    assert not feedback.lost
    assert list(feedback.arrivals) == [number for number, _ in arrivals]
    assert all(close(feedback.arrivals[number], time_us) for number, time_us in arrivals)


def test_losses_also_those_between_two_feedbacks() -> None:
    (feedback,) = one([(5, 200_000), (9, 210_000)], before=[(1, 100_000), (2, 101_000)])
    assert feedback.lost == [3, 4, 6, 7, 8]


def test_reordering_has_negative_steps() -> None:
    (feedback,) = one([(1, 100_000), (3, 101_000), (2, 150_000), (4, 151_000)])
    assert not feedback.lost
    assert feedback.arrivals[2] - feedback.arrivals[3] == 49_000


def test_a_late_arrival_moves_the_window_back_over_itself_alone() -> None:
    """To span what was reported before would call that lost."""
    late, on_time = one([(2, 190_000), (4, 200_000)], before=[(1, 100_000), (3, 101_000)])
    assert (list(late.arrivals), late.lost) == ([2], [])
    assert (list(on_time.arrivals), on_time.lost) == ([4], [])


def test_a_duplicate_is_reported_as_first_arrived() -> None:
    (feedback,) = one([(1, 100_000), (2, 101_000), (2, 150_000), (3, 151_000)])
    assert close(feedback.arrivals[2], 101_000)
    assert len(feedback.arrivals) == 3


def test_numbers_wrap() -> None:
    (feedback,) = one([(65534, 1_000), (65535, 2_000), (65537, 3_000)])
    assert list(feedback.arrivals) == [65534, 65535, 1]
    assert feedback.lost == [0]


def test_the_reference_time_wraps() -> None:
    """24 bits of 64 ms are twelve days."""
    day_us = 86_400_000_000
    (feedback,) = one([(1, 30 * day_us), (2, 30 * day_us + 500)])
    assert close(feedback.arrivals[1], 30 * day_us)
    assert close(feedback.arrivals[2], 30 * day_us + 500)


@pytest.mark.parametrize("pause_us", [63_750, 64_000, 8_191_000, 8_193_000, 9_000_000, 3_600_000_000])
def test_a_pause_of_any_length(pause_us: int) -> None:
    arrivals = [(1, 100_000), (2, 100_000 + pause_us), (3, 100_500 + pause_us)]
    said = {number: time_us for feedback in one(arrivals) for number, time_us in feedback.arrivals.items()}
    assert all(close(said[number], time_us) for number, time_us in arrivals)


@pytest.mark.parametrize("gap", [100, 8_191, 8_192, 16_384, 20_000, 30_000])
def test_a_gap_of_any_width(gap: int) -> None:
    """Seen as loss as far as loss can explain it, then begun anew."""
    feedbacks = one([(gap, 200_000), (gap + 1, 201_000)], before=[(0, 100_000)])
    assert {number for feedback in feedbacks for number in feedback.arrivals} == {gap, gap + 1}
    lost = sum(len(feedback.lost) for feedback in feedbacks)
    assert lost == (gap - 1 if gap - 1 <= 0x4000 else 0)


def test_feedback_counts_its_packets() -> None:
    logs = Logs()
    for turn in range(300):
        logs.add([(turn, 1000 * turn)])
        logs.build()
    assert [feedback.count for feedback in logs.said[1]] == [turn & 0xFF for turn in range(300)]


def test_transports_are_told_apart() -> None:
    logs = Logs()
    logs.add([(1, 1000), (2, 2000)], transport=3)
    logs.add([(9, 1500)], transport=0)
    logs.add([(3, 3000)], transport=3)
    assert [(transport, list(feedback.arrivals)) for transport, feedback in logs.build()] == [(0, [9]), (3, [1, 2, 3])]
    assert logs.build() == []


def test_a_row_that_serves_another_peer_begins_anew() -> None:
    logs = Logs()
    logs.add([(1, 1000)])
    logs.build()
    logs.add([(2, 2000)])
    logs.add([(7, 2000)], transport=2)
    logs.reset(1)
    assert [transport for transport, _ in logs.build()] == [2]
    logs.add([(500, 3000)])
    ((_, feedback),) = logs.build()
    assert (feedback.count, feedback.lost) == (0, [])


def test_what_does_not_fit_is_counted() -> None:
    logs = Logs()
    logs.add([(n, n) for n in range(4000)])
    logs.add([(n, n) for n in range(4000, 4200)])
    assert logs.log.overflowed == 200
    assert sum(len(feedback.arrivals) for _, feedback in logs.build()) == 4000


@pytest.mark.parametrize("kind", ["plain", "lossy", "slow"])
def test_no_feedback_is_larger_than_any_path_carries(kind: str) -> None:
    chance = random.Random(kind)
    arrivals, now_us = [], 0
    for number in range(3000):
        now_us += 100_000 if kind == "slow" and number % 2 else 300
        if kind == "plain" or chance.random() < 0.5:
            arrivals.append((number, now_us))
    logs = Logs()
    logs.add(arrivals)
    logs.build()
    assert max(logs.sizes) <= SIZE_MAX
    assert {number for feedback in logs.said[1] for number in feedback.arrivals} == {number for number, _ in arrivals}


def test_a_numbering_that_makes_no_sense_is_not_answered_packet_by_packet() -> None:
    logs = Logs()
    logs.add([(60_000 - 2 * n, 1000 + n) for n in range(2000)])
    logs.build()
    logs.add([(59_999 - 2 * n, 10_000 + n) for n in range(1000)])
    assert len(logs.build()) <= FEEDBACKS_MAX


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 0xFFFF),
    st.lists(
        st.tuples(
            st.sampled_from("pppppppploodb"), st.integers(0, 20_000), st.sampled_from([0, 0, 0, 70_000, 9_000_000])
        ),
        min_size=1,
        max_size=120,
    ),
)
def test_every_arrival_is_reported_exactly_once_and_rightly(first: int, plan: list[tuple[str, int, int]]) -> None:
    """p in order, l lost, o held back and late, d twice, b feedback: whatever the order, to within 250 us."""
    logs = Logs()
    arrived: dict[int, int] = {}
    held: list[int] = []
    number, now_us = first, 5_000_000

    def arrive(ext: int) -> None:
        logs.add([(ext, now_us)])
        arrived.setdefault(ext, now_us)

    for kind, step_us, pause_us in plan:
        now_us += step_us + pause_us
        if kind == "b":
            logs.build()
            continue
        if kind == "l":
            number += 1 + step_us % 40
            continue
        number += 1
        if kind == "o":
            held.append(number)
            continue
        arrive(number)
        if kind == "d":
            arrive(number)
        if held and step_us % 3 == 0:
            arrive(held.pop(0))
    logs.build()
    said = [(n, t) for feedback in logs.said.get(1, []) for n, t in feedback.arrivals.items()]
    assert sorted(n for n, _ in said) == sorted(ext & 0xFFFF for ext in arrived)
    times = dict(said)
    assert all(close(times[ext & 0xFFFF], time_us) for ext, time_us in arrived.items())
