"""One RTP packet at a time: the scalar reader for packets that do not look like their neighbours.

The batch reader in ingress.py expects a packet to be laid out as the last one of its track was.  What
differs (first packets, padding, other extensions, retransmissions, hostile bytes) is read here.
"""

from __future__ import annotations

from typing import NamedTuple

from media.core.errors import PeerError

FIXED_HEADER = 12  # RFC 3550 5.1
ONE_BYTE_PROFILE = 0xBEDE  # RFC 8285 4.2
TWO_BYTE_PROFILE = 0x1000  # RFC 8285 4.3, the low four bits are application bits


class Element(NamedTuple):
    """One header extension element: its data is packet[start : start + size]."""

    id: int
    start: int
    size: int


class Header(NamedTuple):
    """RFC 3550 5.1 and RFC 8285.  header_size and payload_size in bytes; padding is in neither."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    header_size: int
    payload_size: int
    profile: int
    elements: tuple[Element, ...]

    def find(self, number: int, size: int) -> int:
        """Where the data of the element with this id and size begins, 0 without one.  number 0 is not negotiated."""
        return next((e.start for e in self.elements if e.id == number and e.size == size), 0)


def parse_header(packet: bytes | memoryview) -> Header:
    """Read the header of a whole, decrypted RTP packet.

    Raises PeerError("rtp_malformed") for every packet that RFC 3550 A.1 would refuse; nothing else.
    """
    size = len(packet)
    if size < FIXED_HEADER or packet[0] >> 6 != 2:
        raise PeerError("rtp_malformed", "no RTP version 2 header")
    first = packet[0]
    header_size = FIXED_HEADER + 4 * (first & 0x0F)
    profile = 0
    elements: tuple[Element, ...] = ()
    if first & 0x10:
        if size < header_size + 4:
            raise PeerError("rtp_malformed", "extension header cut off")
        profile = int.from_bytes(packet[header_size : header_size + 2], "big")
        words = int.from_bytes(packet[header_size + 2 : header_size + 4], "big")
        start = header_size + 4
        header_size = start + 4 * words
        if size < header_size:
            raise PeerError("rtp_malformed", "extensions longer than the packet")
        elements = tuple(_elements(packet, profile, start, header_size))
    if size < header_size:
        raise PeerError("rtp_malformed", "CSRC list longer than the packet")
    payload_size = size - header_size
    if first & 0x20:
        padding = packet[size - 1] if payload_size else 0
        if not 1 <= padding <= payload_size:
            raise PeerError("rtp_malformed", "padding longer than the payload")
        payload_size -= padding
    return Header(
        payload_type=packet[1] & 0x7F,
        marker=packet[1] >= 0x80,
        sequence=int.from_bytes(packet[2:4], "big"),
        timestamp=int.from_bytes(packet[4:8], "big"),
        ssrc=int.from_bytes(packet[8:12], "big"),
        header_size=header_size,
        payload_size=payload_size,
        profile=profile,
        elements=elements,
    )


def _elements(packet: bytes | memoryview, profile: int, start: int, end: int) -> list[Element]:
    """RFC 8285 4.2 and 4.3.  An element that runs past the block ends the list: the payload is still good."""
    found: list[Element] = []
    if profile != ONE_BYTE_PROFILE and profile & 0xFFF0 != TWO_BYTE_PROFILE:
        return found  # some other profile of RFC 3550 5.3.1: skipped, as it asks
    at = start
    while at < end:
        lead = packet[at]
        if lead == 0:  # padding
            at += 1
            continue
        if profile == ONE_BYTE_PROFILE:
            number, size, data = lead >> 4, (lead & 0x0F) + 1, at + 1
            if number in (0, 15):  # RFC 8285 4.2: stop here; 0 with a length is nobody's id
                break
        elif at + 1 < end:
            number, size, data = lead, packet[at + 1], at + 2
        else:
            break
        if data + size > end:
            break
        found.append(Element(number, data, size))
        at = data + size
    return found
