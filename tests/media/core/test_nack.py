"""What is asked again, when, how often, and what is given up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.core.nack import AGE_MAX_US, LIST_MAX, REORDER_US, RETRY_MIN_US, TRIES_MAX, MissingPackets

RTT_US = 100_000


def test_reordering_is_waited_for() -> None:
    missing = MissingPackets()
    missing.lost(5, 6, 0)
    assert missing.due(REORDER_US - 1, RTT_US) == []
    assert missing.arrived(5)
    assert not missing.arrived(5)
    assert missing.due(REORDER_US, RTT_US) == [6]


def test_not_again_before_a_round_trip() -> None:
    missing = MissingPackets()
    missing.lost(5, 5, 0)
    assert missing.due(20_000, RTT_US) == [5]
    assert missing.due(20_000 + RTT_US - 1, RTT_US) == []
    assert missing.due(20_000 + RTT_US, RTT_US) == [5]


def test_a_near_publisher_is_not_flooded() -> None:
    missing = MissingPackets()
    missing.lost(5, 5, 0)
    assert missing.due(20_000, 100) == [5]
    assert missing.due(20_000 + RETRY_MIN_US - 1, 100) == []


def test_after_so_many_tries_a_key_frame_is_the_cure() -> None:
    missing = MissingPackets()
    missing.lost(5, 5, 0)
    asked = sum(len(missing.due(now_us, RTT_US)) for now_us in range(0, 1_200_000, 10_000))
    assert asked == TRIES_MAX
    assert missing.needs_keyframe
    assert not missing.empty
    missing.needs_keyframe = False
    assert missing.empty


def test_what_is_too_old_is_given_up_even_when_far_away() -> None:
    missing = MissingPackets()
    missing.lost(5, 5, 0)
    assert missing.due(20_000, 800_000) == [5]
    assert missing.due(AGE_MAX_US + 1, 800_000) == []
    assert missing.needs_keyframe


def test_an_outage_is_not_asked_for_number_by_number() -> None:
    """Neither told as one gap nor told one by one."""
    whole, told = MissingPackets(), MissingPackets()
    whole.lost(1, LIST_MAX + 1, 0)
    for number in range(1, 2 * LIST_MAX):
        told.lost(number, number, 0)
    for missing in (whole, told):
        assert missing.needs_keyframe
        assert missing.due(REORDER_US, RTT_US) == []


def test_a_key_frame_ends_the_wish_for_what_was_before() -> None:
    missing = MissingPackets()
    missing.lost(5, 9, 0)
    missing.give_up_before(8)
    assert missing.due(REORDER_US, RTT_US) == [8, 9]


def test_the_round_trip_is_measured_only_where_it_is_known() -> None:
    """Karn's rule: asked twice, an answer may be to either."""
    missing = MissingPackets()
    missing.lost(5, 6, 0)
    assert missing.answered(9, 30_000) is None
    missing.due(20_000, RTT_US)
    assert missing.answered(5, 70_000) == 50_000
    missing.due(20_000 + RTT_US, RTT_US)
    assert missing.answered(6, 150_000) is None
    missing.lost(7, 7, 200_000)
    assert missing.answered(7, 201_000) is None  # never asked for: a probe of the sender's
    assert missing.empty


@given(
    st.lists(st.tuples(st.sampled_from("lad"), st.integers(0, 600), st.integers(0, 400_000)), max_size=60),
    st.integers(1, 3_000_000),
)
def test_any_history_stays_bounded_and_ascending(steps: list[tuple[str, int, int]], rtt_us: int) -> None:
    missing = MissingPackets()
    now_us = 0
    for kind, number, after_us in steps:
        now_us += after_us
        if kind == "l":
            missing.lost(number, number + number % 7, now_us)
        elif kind == "a":
            missing.arrived(number)
        due = missing.due(now_us, rtt_us)
        assert due == sorted(set(due))
        assert len(due) <= LIST_MAX


@pytest.mark.parametrize("count", [1, LIST_MAX])
def test_up_to_the_limit_all_are_asked(count: int) -> None:
    missing = MissingPackets()
    missing.lost(1, count, 0)
    assert missing.due(REORDER_US, RTT_US) == list(range(1, count + 1))
