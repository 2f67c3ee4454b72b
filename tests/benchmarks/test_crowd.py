"""The load is what it says: rates, rising numbers, bursts, and slots that meet once."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.crowd import CYCLE_NS, FRAME_PACKETS, VIDEO_PACKETS, Crowd, Plan


def test_the_load_of_the_promise() -> None:
    crowd = Crowd(40, 3)
    assert (crowd.packets_in_per_s, crowd.packets_out_per_s) == (24_000, 48_000)


@pytest.mark.parametrize("seed", range(5))
def test_numbers_of_a_stream_rise_by_one_through_the_cycles(seed: int) -> None:
    crowd = Crowd(2, 3, seed)
    plan = Plan.of(crowd)
    for stream in range(crowd.streams):
        mine = plan.stream == stream
        numbers = np.concatenate([plan.counter[mine] + cycle * plan.per[mine] for cycle in range(3)])
        assert (np.diff(numbers) == 1).all(), f"seed {seed}, stream {stream}: {numbers}"


def test_packets_are_due_in_order_and_frames_are_bursts() -> None:
    plan = Plan.of(Crowd(3, 3))
    assert (np.diff(plan.phase_ns) >= 0).all()
    assert plan.phase_ns[-1] < CYCLE_NS
    video = plan.phase_ns[plan.stream == 0]
    gaps = np.diff(video)
    assert len(video) == VIDEO_PACKETS
    assert (gaps > 1_000_000).sum() in (2, 3), f"3 frames of {FRAME_PACKETS}: {gaps}"


def test_frames_of_different_people_are_spread_over_time() -> None:
    plan = Plan.of(Crowd(40, 3))
    per_ms = np.bincount(plan.phase_ns // 1_000_000, minlength=100)
    assert per_ms.max() < 4 * per_ms.mean(), "the load comes in one lump"


def test_every_way_has_a_slot_of_its_own() -> None:
    crowd = Crowd(2, 4)
    streams, slots = crowd.wanted()
    assert len(slots) == len(set(slots.tolist())) == 2 * 4 * 3 * 2
    assert slots.max() < crowd.slots
    assert len(streams) == len(slots)


def test_nobody_is_sent_his_own_or_another_rooms_stream() -> None:
    crowd = Crowd(2, 3)
    receiver, stream = np.array([0, 0, 0, 4]), np.array([0, 2, 6, 7])
    assert (crowd.slot_of(receiver, stream) >= 0).tolist() == [False, True, False, True]
