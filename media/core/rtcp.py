"""RTCP packets, read and written with struct.

RFC 3550 6, RFC 4585 6, RFC 5104 4.3.1, draft-alvestrand-rmcat-remb.  aiortc's classes are convenient and cost
ten times as much, decode transport-wide feedback as a NACK list, and do not wrap sequence numbers in NACKs;
where they are right, the tests compare with them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from media.core.errors import PeerError

SR, RR, SDES, BYE, APP, RTPFB, PSFB = 200, 201, 202, 203, 204, 205, 206
FMT_NACK, FMT_TRANSPORT_CC = 1, 15
FMT_PLI, FMT_FIR, FMT_APPLICATION = 1, 4, 15
PACKETS_MAX = 64  # in one compound: an Ethernet frame holds no more that mean anything
COUNT_MAX = 31  # RFC 3550 6.4.1: five bits
NACK_SEQS_MAX = 512  # of one packet: tables.HISTORY holds no more that could be resent
BPS_MAX = (1 << 63) - 1  # a REMB can state 2**81; libwebrtc, too, refuses what 64 bits do not hold
_URGENT = {(RTPFB, FMT_NACK), (PSFB, FMT_PLI), (PSFB, FMT_FIR)}
_HEAD = struct.Struct("!BBH")
_BLOCK = struct.Struct("!IIIIII")
_SENDER = struct.Struct("!QIII")
_TWO = struct.Struct("!II")


class ReportBlock(NamedTuple):
    """RFC 3550 6.4.1.  lost is signed, 24 bits; highest includes the wraps; jitter in clock units."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


class SenderReport(NamedTuple):
    ssrc: int
    ntp: int
    rtp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...]


class ReceiverReport(NamedTuple):
    ssrc: int
    blocks: tuple[ReportBlock, ...]


class Nack(NamedTuple):
    """RFC 4585 6.2.1.  seqs: sequence numbers modulo 2**16, as asked, the first NACK_SEQS_MAX of them."""

    sender: int
    media: int
    seqs: list[int]


class Pli(NamedTuple):
    sender: int
    media: int


class Fir(NamedTuple):
    sender: int
    media: tuple[int, ...]


class Remb(NamedTuple):
    sender: int
    bps: int
    ssrcs: tuple[int, ...]


class TransportFeedback(NamedTuple):
    """Transport-wide feedback as it came, header and padding included; bandwidth estimation reads it."""

    sender: int
    media: int
    raw: bytes


class Bye(NamedTuple):
    ssrcs: tuple[int, ...]


class Other(NamedTuple):
    """A well-formed packet of a type that tells us nothing."""

    packet_type: int


Packet = SenderReport | ReceiverReport | Nack | Pli | Fir | Remb | TransportFeedback | Bye | Other


def is_urgent(data: bytes | memoryview) -> bool:
    """Whether a compound packet asks for something at once: lost packets, or a picture.  Any bytes give an answer."""
    at = 0
    while at + 4 <= len(data):
        kind = data[at + 1], data[at] & 0x1F
        if kind in _URGENT:
            return True
        at += 4 + 4 * (data[at + 2] << 8 | data[at + 3])
    return False


def parse_compound(data: bytes | memoryview) -> list[Packet]:
    """Read a compound or reduced-size packet (RFC 5506).

    Raises PeerError("rtcp_malformed") when a length does not fit; never anything else.
    """
    packets: list[Packet] = []
    at, end = 0, len(data)
    if not end:
        raise PeerError("rtcp_malformed", "empty")
    while at < end:
        if end - at < 4 or len(packets) == PACKETS_MAX:
            raise PeerError("rtcp_malformed", "cut off, or too many packets in one compound")
        first, packet_type, words = _HEAD.unpack_from(data, at)
        size = 4 * words + 4
        if first >> 6 != 2 or size > end - at:
            raise PeerError("rtcp_malformed", f"type {packet_type} of {size} bytes")
        body = bytes(data[at + 4 : at + size])
        if first & 0x20:
            padding = body[-1] if body else 0
            if not 1 <= padding <= len(body):
                raise PeerError("rtcp_malformed", "padding longer than the packet")
            body = body[: len(body) - padding]
        try:
            packets.append(_parse(first & 0x1F, packet_type, body, data[at : at + size]))
        except struct.error:
            raise PeerError("rtcp_malformed", f"type {packet_type} too short for its count") from None
        at += size
    return packets


def _parse(count: int, packet_type: int, body: bytes, whole: bytes | memoryview) -> Packet:
    if packet_type == SR:
        (ssrc,) = struct.unpack_from("!I", body)
        ntp, rtp, packets, octets = _SENDER.unpack_from(body, 4)
        return SenderReport(ssrc, ntp, rtp, packets, octets, _parse_blocks(body, 24, count))
    if packet_type == RR:
        (ssrc,) = struct.unpack_from("!I", body)
        return ReceiverReport(ssrc, _parse_blocks(body, 4, count))
    if packet_type == RTPFB:
        sender, media = _TWO.unpack_from(body)
        if count == FMT_NACK:
            return Nack(sender, media, _parse_nack(body))
        if count == FMT_TRANSPORT_CC:
            return TransportFeedback(sender, media, bytes(whole))
    elif packet_type == PSFB:
        sender, media = _TWO.unpack_from(body)
        if count == FMT_PLI:
            return Pli(sender, media)
        if count == FMT_FIR:
            entries = range(8, len(body) - 7, 8)
            return Fir(sender, tuple(struct.unpack_from("!I", body, at)[0] for at in entries))
        if count == FMT_APPLICATION and body[8:12] == b"REMB":
            return _parse_remb(sender, body)
    elif packet_type == BYE:
        return Bye(struct.unpack_from(f"!{count}I", body))
    return Other(packet_type)


def _parse_blocks(body: bytes, at: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for start in range(at, at + 24 * count, 24):
        ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(body, start)
        lost = loss & 0xFFFFFF
        lost -= (lost & 0x800000) << 1
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, lsr, dlsr))
    return tuple(blocks)


def _parse_nack(body: bytes) -> list[int]:
    seqs: list[int] = []
    for at in range(8, len(body) - 3, 4):
        first, mask = struct.unpack_from("!HH", body, at)
        seqs.append(first)
        while mask:
            bit = mask & -mask
            seqs.append(first + bit.bit_length() & 0xFFFF)
            mask ^= bit
        if len(seqs) >= NACK_SEQS_MAX:
            break
    return seqs[:NACK_SEQS_MAX]


def _parse_remb(sender: int, body: bytes) -> Remb:
    (word,) = struct.unpack_from("!I", body, 12)
    ssrcs = struct.unpack_from(f"!{word >> 24}I", body, 16)
    bps = (word & 0x3FFFF) << (word >> 18 & 0x3F)
    if bps > BPS_MAX:
        raise PeerError("rtcp_malformed", "REMB of more than 64 bits")
    return Remb(sender, bps, ssrcs)


def _packet(count: int, packet_type: int, body: bytes) -> bytes:
    if count > COUNT_MAX:  # it would set the padding bit
        raise ValueError(f"RTCP type {packet_type}: {count} entries, at most {COUNT_MAX} fit")
    return _HEAD.pack(0x80 | count, packet_type, len(body) // 4) + body


def _blocks(blocks: Iterable[ReportBlock]) -> bytes:
    return b"".join(
        _BLOCK.pack(b.ssrc, b.fraction_lost << 24 | b.lost & 0xFFFFFF, b.highest, b.jitter, b.lsr, b.dlsr)
        for b in blocks
    )


def sender_report(
    ssrc: int, ntp: int, rtp: int, packets: int, octets: int, blocks: Sequence[ReportBlock] = ()
) -> bytes:
    """RFC 3550 6.4.1.  ntp 64 bits; the other numbers 32 bits."""
    body = struct.pack("!I", ssrc) + _SENDER.pack(ntp, rtp, packets, octets) + _blocks(blocks)
    return _packet(len(blocks), SR, body)


def receiver_report(ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    """RFC 3550 6.4.2.  ValueError: more than COUNT_MAX blocks."""
    return _packet(len(blocks), RR, struct.pack("!I", ssrc) + _blocks(blocks))


def sdes(ssrc: int, cname: str) -> bytes:
    """One chunk with a CNAME (RFC 3550 6.5.1), closed by one to four zero bytes."""
    name = cname.encode()
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name
    return _packet(1, SDES, chunk + bytes(4 - len(chunk) % 4))


def bye(ssrcs: Sequence[int]) -> bytes:
    return _packet(len(ssrcs), BYE, struct.pack(f"!{len(ssrcs)}I", *ssrcs))


def pli(sender: int, media: int) -> bytes:
    """Picture loss indication (RFC 4585 6.3.1)."""
    return _packet(FMT_PLI, PSFB, _TWO.pack(sender, media))


def fir(sender: int, media: int, number: int) -> bytes:
    """Full intra request (RFC 5104 4.3.1); number counts the requests to this source, modulo 256."""
    return _packet(FMT_FIR, PSFB, _TWO.pack(sender, 0) + struct.pack("!IBxxx", media, number))


def nack(sender: int, media: int, seqs: Iterable[int]) -> bytes:
    """Generic NACK (RFC 4585 6.2.1): pairs of a number and a mask of the 16 after it.

    seqs  0..65535 in the order of the stream (so they may wrap), else the packet is larger than it need be
    """
    pairs: list[list[int]] = []
    for seq in seqs:
        if pairs and 1 <= (ahead := seq - pairs[-1][0] & 0xFFFF) <= 16:
            pairs[-1][1] |= 1 << ahead - 1
        elif not pairs or pairs[-1][0] != seq:
            pairs.append([seq, 0])
    body = b"".join(struct.pack("!HH", first, mask) for first, mask in pairs)
    return _packet(FMT_NACK, RTPFB, _TWO.pack(sender, media) + body)


def remb(sender: int, bps: int, ssrcs: Sequence[int]) -> bytes:
    """Receiver estimated maximum bitrate, rounded down to 18 bits of mantissa."""
    exponent = max(0, bps.bit_length() - 18)
    word = len(ssrcs) << 24 | exponent << 18 | bps >> exponent
    body = _TWO.pack(sender, 0) + b"REMB" + struct.pack(f"!I{len(ssrcs)}I", word, *ssrcs)
    return _packet(FMT_APPLICATION, PSFB, body)
