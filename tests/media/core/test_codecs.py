"""Key frames of each codec, with payloads written out from the payload formats, and any bytes at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.core.codecs import is_keyframe

VP8_KEY_HEADER, VP8_DELTA_HEADER = b"\x50\x00\x00\x9d\x01\x2a", b"\x51\x00\x00"


@pytest.mark.parametrize(
    ("descriptor", "starts"),
    [
        (b"\x10", True),  # S, partition 0, no extension (mediasoup 3.19.3 missed this one)
        (b"\x00", False),  # goes on
        (b"\x11", False),  # starts the second partition
        (b"\x90\x00", True),  # X without any field
        (b"\x90\x80\x05", True),  # 7-bit PictureID
        (b"\x90\x80\x85\x05", True),  # 15-bit PictureID
        (b"\x90\x40\x07", True),  # TL0PICIDX
        (b"\x90\x20\x40", True),  # TID
        (b"\x90\x10\x1f", True),  # KEYIDX: one byte with TID
        (b"\x90\xf0\x85\x05\x07\x5f", True),  # all of them
        (b"\xb0\x80\x05", True),  # N, not a reference: still a key frame
    ],
)
def test_vp8_starts_where_the_first_partition_of_a_key_frame_does(descriptor: bytes, starts: bool) -> None:
    assert is_keyframe("VP8", descriptor + VP8_KEY_HEADER) is starts
    assert not is_keyframe("VP8", descriptor + VP8_DELTA_HEADER)


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        (b"\x08\x00", True),
        (b"\x88\x05\x00", True),
        (b"\x88\x85\x05\x00", True),
        (b"\x48\x00", False),  # P: predicted from another picture
        (b"\x00\x00", False),  # not the beginning of a frame
        (b"\xa8\x85\x05\x00\x00", True),  # layer indices, lowest spatial layer
        (b"\xa8\x85\x05\x02\x00", False),  # spatial layer 1
        (b"\x08", False),
    ],
)
def test_vp9(payload: bytes, starts: bool) -> None:
    assert is_keyframe("VP9", payload) is starts


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        (b"\x67\x42", True),  # SPS
        (b"\x65\x88", True),  # IDR slice
        (b"\x68\xce", False),  # PPS
        (b"\x41\x9a", False),  # another slice
        (b"\x78\x00\x02\x67\x42\x00\x02\x68\xce", True),  # STAP-A of SPS, PPS
        (b"\x78\x00\x02\x09\xf0\x00\x02\x67\x42", True),  # after an access unit delimiter
        (b"\x78\x00\x02\x41\x9a\x00\x02\x41\x9a", False),
        (b"\x7c\x85\x88", True),  # FU-A, start of an IDR
        (b"\x7c\x05\x88", False),  # FU-A, middle
        (b"\x7c\x81\x88", False),  # FU-A, start of another slice
        (b"\x7c", False),
        (b"\x78\x00", False),
        (b"\x78\xff\xff\x41", False),
    ],
)
def test_h264(payload: bytes, starts: bool) -> None:
    assert is_keyframe("H264", payload) is starts


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        (b"\x08\x00", True),  # N
        (b"\x88\x00", False),  # goes on with a fragment, N or not
        (b"\x10\x0a\x0b", True),  # W = 1: no length before the sequence header
        (b"\x10\x30\x00", False),  # W = 1: a frame
        (b"\x20\x03\x0a\x0b\x00\x30", True),  # W = 2: the first element has a length
        (b"\x00\x83\x00\x0a", True),  # W = 0, length in two bytes
        (b"\x00\x83", False),
    ],
)
def test_av1(payload: bytes, starts: bool) -> None:
    assert is_keyframe("AV1", payload) is starts


def test_sound_starts_anywhere() -> None:
    assert is_keyframe("OPUS", b"")


@given(st.sampled_from(["VP8", "VP9", "H264", "AV1"]), st.binary(max_size=40))
def test_any_bytes_give_an_answer_and_a_view_the_same(codec: str, payload: bytes) -> None:
    answer = is_keyframe(codec, payload)
    assert type(answer) is bool
    assert is_keyframe(codec, memoryview(payload)) == answer


@pytest.mark.parametrize("codec", ["VP8", "VP9", "H264", "AV1"])
def test_nothing_is_no_key_frame(codec: str) -> None:
    assert not is_keyframe(codec, b"")
