"""Frames of a stream: RFC 4571."""

from __future__ import annotations

import pytest

from media.core.errors import PeerError
from media.io.framing import Frames, framed


def test_a_frame_is_its_length_and_its_bytes() -> None:
    assert framed(b"abc") == b"\0\3abc"
    assert framed(b"") == b"\0\0"
    with pytest.raises(OverflowError):
        framed(bytes(65_536))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_a_stream_comes_in_any_pieces(size: int) -> None:
    packets = [b"one", b"", b"x" * 300, b"last"]
    stream = b"".join(map(framed, packets))
    frames, found = Frames(), []
    for at in range(0, len(stream), size):
        frames.feed(stream[at : at + size])
        while taken := frames.take(2):
            found += taken
    assert found == packets
    assert len(frames) == 0 and not frames.has_frame()


def test_no_more_are_taken_than_asked_for() -> None:
    frames = Frames()
    frames.feed(framed(b"a") + framed(b"b") + framed(b"c")[:2])
    assert frames.take(1) == [b"a"]
    assert frames.has_frame()
    assert frames.take(0) == []
    assert frames.take(9) == [b"b"]
    assert not frames.has_frame()
    frames.feed(b"c")
    assert frames.take(9) == [b"c"]


def test_what_is_too_long_raises_once_what_came_before_is_taken() -> None:
    frames = Frames(frame_max=10)
    frames.feed(framed(b"0123456789") + b"\0\x0b")
    assert frames.take(5) == [b"0123456789"]
    assert frames.has_frame()
    with pytest.raises(PeerError, match="too_long"):
        frames.take(5)
