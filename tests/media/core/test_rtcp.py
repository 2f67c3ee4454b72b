"""RTCP both ways, against aiortc's classes where they are right, and against damage."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from aiortc import rtp as aiortc
from hypothesis import given
from hypothesis import strategies as st

from media.core import rtcp
from media.core.errors import PeerError

U32 = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.builds(rtcp.ReportBlock, U32, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), U32, U32, U32, U32)


def theirs(data: bytes) -> list[Any]:
    return list(aiortc.RtcpPacket.parse(data))


def their_blocks(reports: Any) -> list[tuple[int, ...]]:
    return [(r.ssrc, r.fraction_lost, r.packets_lost, r.highest_sequence, r.jitter, r.lsr, r.dlsr) for r in reports]


@given(U32, st.integers(0, 2**64 - 1), U32, U32, U32, st.lists(BLOCKS, max_size=31))
def test_sender_reports(
    ssrc: int, ntp: int, rtp: int, packets: int, octets: int, blocks: list[rtcp.ReportBlock]
) -> None:
    data = rtcp.sender_report(ssrc, ntp, rtp, packets, octets, blocks)
    assert rtcp.parse_compound(data) == [rtcp.SenderReport(ssrc, ntp, rtp, packets, octets, tuple(blocks))]
    (report,) = theirs(data)
    info = report.sender_info
    assert (report.ssrc, info.ntp_timestamp, info.rtp_timestamp) == (ssrc, ntp, rtp)
    assert (info.packet_count, info.octet_count) == (packets, octets)
    assert their_blocks(report.reports) == [tuple(block) for block in blocks]


@given(U32, st.lists(BLOCKS, max_size=31))
def test_receiver_reports(ssrc: int, blocks: list[rtcp.ReportBlock]) -> None:
    data = rtcp.receiver_report(ssrc, blocks)
    assert rtcp.parse_compound(data) == [rtcp.ReceiverReport(ssrc, tuple(blocks))]
    (report,) = theirs(data)
    assert their_blocks(report.reports) == [tuple(block) for block in blocks]


def test_more_blocks_than_five_bits_count_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="32 entries, at most 31"):
        rtcp.receiver_report(1, [rtcp.ReportBlock(1, 0, 0, 0, 0, 0, 0)] * 32)


@pytest.mark.parametrize("name", ["", "a", "ab", "abc", "p1f", "x" * 255])
def test_sdes_is_closed_whatever_the_length_of_the_name(name: str) -> None:
    (packet,) = theirs(rtcp.sdes(7, name))
    (chunk,) = packet.chunks
    assert (chunk.ssrc, chunk.items) == (7, [(1, name.encode())])


def test_pli_fir_bye() -> None:
    data = rtcp.pli(1, 2) + rtcp.fir(1, 3, 255) + rtcp.bye([4, 5])
    assert rtcp.parse_compound(data) == [rtcp.Pli(1, 2), rtcp.Fir(1, (3,)), rtcp.Bye((4, 5))]
    pli, fir, bye = theirs(data)
    assert (pli.fmt, pli.ssrc, pli.media_ssrc) == (1, 1, 2)
    assert (fir.fmt, fir.fci) == (4, struct.pack("!IBxxx", 3, 255))
    assert bye.sources == [4, 5]


def asked(data: bytes) -> list[int]:
    (packet,) = rtcp.parse_compound(data)
    assert isinstance(packet, rtcp.Nack)
    return packet.seqs


def test_nack_wraps_where_aiortc_does_not() -> None:
    data = rtcp.nack(1, 2, [65534, 65535, 0, 14])
    assert len(data) == 16  # one pair
    assert asked(data) == [65534, 65535, 0, 14]
    (packet,) = theirs(data)
    assert packet.lost == [65534, 65535, 65536, 65550]  # why we read it ourselves


@given(st.integers(0, 65535), st.sets(st.integers(0, 900), min_size=1, max_size=200))
def test_nack_carries_any_numbers_in_few_pairs(start: int, ahead: set[int]) -> None:
    numbers = [start + step & 0xFFFF for step in sorted(ahead)]
    data = rtcp.nack(1, 2, numbers)
    assert asked(data) == numbers
    assert (len(data) - 12) // 4 <= max(ahead) // 17 + 1
    (packet,) = theirs(data)
    assert [number & 0xFFFF for number in packet.lost] == numbers


def test_a_nack_of_a_whole_frame_is_cut() -> None:
    data = rtcp._packet(1, rtcp.RTPFB, struct.pack("!II", 1, 2) + struct.pack("!HH", 9, 0xFFFF) * 300)
    assert len(asked(data)) == rtcp.NACK_SEQS_MAX


@given(st.integers(0, (1 << 63) - 1), st.lists(U32, max_size=5))
def test_remb_is_rounded_down_to_its_mantissa(bps: int, ssrcs: list[int]) -> None:
    data = rtcp.remb(1, bps, ssrcs)
    (packet,) = rtcp.parse_compound(data)
    assert isinstance(packet, rtcp.Remb)
    assert packet.ssrcs == tuple(ssrcs)
    assert packet.bps <= bps <= packet.bps + (bps >> 17)
    (feedback,) = theirs(data)
    assert aiortc.unpack_remb_fci(feedback.fci) == (packet.bps, ssrcs)


def test_a_remb_of_more_than_64_bits_is_refused() -> None:
    body = struct.pack("!II4sI", 1, 0, b"REMB", 1 << 24 | 63 << 18 | 0x3FFFF) + bytes(4)
    with pytest.raises(PeerError, match="more than 64 bits"):
        rtcp.parse_compound(rtcp._packet(15, rtcp.PSFB, body))


@pytest.mark.parametrize("padding", [4, 8, 252])
def test_padding_is_taken_off(padding: int) -> None:
    plain = rtcp.nack(1, 2, [5])
    words = (len(plain) + padding) // 4 - 1
    data = b"\xa1" + plain[1:2] + words.to_bytes(2, "big") + plain[4:] + bytes(padding - 1) + bytes([padding])
    assert asked(data) == [5]


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "empty"),
        (b"\x80\xc9\0", "cut off"),
        (b"\x40\xc9\0\0", "type 201"),  # version
        (b"\x80\xc9\0\2\0\0\0\1", "type 201 of 12 bytes"),
        (b"\x81\xc9\0\1\0\0\0\1", "too short for its count"),
        (b"\x80\xc8\0\1\0\0\0\1", "too short for its count"),
        (b"\x81\xce\0\1\0\0\0\1", "too short for its count"),
        (b"\x9f\xcb\0\1\0\0\0\1", "too short for its count"),
        (b"\xa0\xc9\0\1\0\0\0\0", "padding longer"),
        (b"\xa0\xc9\0\1\0\0\0\x09", "padding longer"),
        (b"\x80\xc9\0\1\0\0\0\1" * (rtcp.PACKETS_MAX + 1), "too many packets"),
    ],
)
def test_refuses(data: bytes, detail: str) -> None:
    with pytest.raises(PeerError, match=detail) as caught:
        rtcp.parse_compound(data)
    assert caught.value.reason == "rtcp_malformed"


def test_what_we_have_no_use_for_is_read_over() -> None:
    app, xr = rtcp._packet(0, rtcp.APP, bytes(8)), rtcp._packet(0, 207, bytes(8))
    assert rtcp.parse_compound(app + xr + rtcp.sdes(1, "x")) == [rtcp.Other(204), rtcp.Other(207), rtcp.Other(202)]


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        packets = rtcp.parse_compound(data)
    except PeerError as error:
        assert error.reason == "rtcp_malformed"
    else:
        assert 1 <= len(packets) <= rtcp.PACKETS_MAX
