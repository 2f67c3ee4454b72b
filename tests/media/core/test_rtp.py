"""The scalar header reader against packets written out by hand, and against anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.core.errors import PeerError
from media.core.rtp import Element, parse_header
from tests.support.packets import rtp


def test_plain_header() -> None:
    header = parse_header(rtp(ssrc=7, sequence=65535, timestamp=90000, payload_type=111, marker=True))
    assert (header.ssrc, header.sequence, header.timestamp) == (7, 65535, 90000)
    assert (header.payload_type, header.marker) == (111, True)
    assert (header.header_size, header.payload_size, header.elements) == (12, 7, ())


def test_one_byte_extensions() -> None:
    packet = rtp(extensions={3: b"\1\2", 10: b"\x55"}, payload=b"abc")
    header = parse_header(packet)
    assert header.elements == (Element(3, 17, 2), Element(10, 20, 1))
    assert packet[header.header_size :] == b"abc"


def test_two_byte_extensions() -> None:
    block = bytes([1, 2, 0xAA, 0xBB, 0, 200, 0, 0])  # id 1 of 2 bytes, padding, id 200 of none, padding
    packet = bytes([0x90]) + rtp()[1:12] + b"\x10\x00\x00\x02" + block + b"xy"
    header = parse_header(packet)
    assert header.elements == (Element(1, 18, 2), Element(200, 23, 0))
    assert header.payload_size == 2


def test_csrcs_and_padding_are_not_payload() -> None:
    header = parse_header(rtp(csrcs=(1, 2, 3), padding=9, payload=b"12345"))
    assert (header.header_size, header.payload_size) == (24, 5)


def test_padding_only() -> None:
    assert parse_header(rtp(payload=b"", padding=200)).payload_size == 0


@pytest.mark.parametrize(
    ("packet", "detail"),
    [
        (b"", "version 2"),
        (rtp()[:11], "version 2"),
        (b"\x40" + rtp()[1:], "version 2"),
        (b"\x8f" + rtp()[1:], "CSRC"),
        (b"\x90" + rtp()[1:12], "cut off"),
        (b"\x90" + rtp()[1:12] + b"\xbe\xde\xff\xff", "longer than the packet"),
        (b"\xa0" + rtp(payload=b"\xff")[1:], "padding"),
        (b"\xa0" + rtp(payload=b"\x00")[1:], "padding"),
        (b"\xa0" + rtp(payload=b"")[1:], "padding"),
    ],
)
def test_refuses(packet: bytes, detail: str) -> None:
    with pytest.raises(PeerError, match=detail) as caught:
        parse_header(packet)
    assert caught.value.reason == "rtp_malformed"


def test_an_element_past_the_block_ends_the_list_but_not_the_packet() -> None:
    packet = bytes([0x90]) + rtp()[1:12] + b"\xbe\xde\x00\x01" + b"\x10\x01\x2f\x00" + b"payload"
    header = parse_header(packet)
    assert header.elements == (Element(1, 17, 1),)
    assert header.payload_size == 7


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        header = parse_header(data)
    except PeerError:
        return
    assert 12 <= header.header_size <= len(data)
    assert 0 <= header.payload_size <= len(data) - header.header_size
    assert all(16 <= e.start <= e.start + e.size <= header.header_size for e in header.elements)
