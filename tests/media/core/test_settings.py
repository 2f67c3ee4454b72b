"""Sizes that make no sense are refused by name, and counters know every reason."""

from __future__ import annotations

from typing import Any

import pytest

from media.core.drops import Drop, DropCounters
from media.core.errors import PeerError
from media.core.settings import Settings


@pytest.mark.parametrize("name", ["transports_max", "tracks_max", "subscriptions_max", "batch_max", "send_rows"])
def test_nothing_may_be_less_than_one(name: str) -> None:
    changes: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, found 0"):
        Settings(**changes)


@pytest.mark.parametrize("rows", [511, 65_537])
def test_the_history_holds_two_batches_and_its_rows_fit_sixteen_bits(rows: int) -> None:
    with pytest.raises(ValueError, match=f"between 2 \\* batch_max and 65536, found {rows}"):
        Settings(batch_max=256, history_rows=rows)
    assert Settings(batch_max=256, history_rows=512).history_rows == 512


def test_the_defaults_are_sound() -> None:
    assert Settings() == Settings(batch_max=256)


def test_every_reason_is_counted_by_its_name() -> None:
    counters = DropCounters()
    counters.add(Drop.PROBE, 3)
    counters.add_named(PeerError("stun_malformed", "why").reason)
    counts = counters.as_dict()
    assert list(counts) == [reason.name.lower() for reason in Drop]
    assert (counts["probe"], counts["stun_malformed"], sum(counts.values())) == (3, 1, 4)
    with pytest.raises(KeyError):
        counters.add_named("a reason that nobody listed")


def test_an_error_of_a_peer_says_what_and_why() -> None:
    assert str(PeerError("rtp_malformed", "no header")) == "rtp_malformed: no header"
    assert str(PeerError("rtp_malformed")) == "rtp_malformed"
