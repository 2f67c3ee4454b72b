"""The columns that the data path reads: one row per track, per subscription.

Data only, with the few mutations that keep columns consistent with each other (bind, fan-out compile).  Policy
lives in engine.py, the batch functions in ingress.py and egress.py.  Row numbers are TrackId and
SubscriptionId; the last row of each table is never handed out: it is what index -1 reads.
"""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.core.errors import LimitError
from media.core.ntp import ClockTable
from media.core.packets import aligned_rows
from media.core.rtp import ONE_BYTE_PROFILE, Header
from media.native.index import Index

JUMP_MAX = 3000  # RFC 3550 A.1 MAX_DROPOUT: further away is another stream until proven
HISTORY = 512  # sequence numbers per track that can be resent: 2 s of 2.5 Mbit/s video
EXTENSION_BYTES = 24  # extension bytes that the batch reader can check; browsers send 8 to 20
LAYOUT_BYTES = 16 + EXTENSION_BYTES  # with the fixed header and the extension header before them
LAYOUT_QUADS = LAYOUT_BYTES // 8

HEADER_OUT = 28  # 12 fixed + 4 extension header + 12 extension bytes, the same for every subscriber
HEADER_WORDS = HEADER_OUT // 4

Ints = NDArray[np.int64]

UNKNOWN = -1


_INTS = (
    "header_size", "cc_column", "level_column", "high", "gap", "gap_edge", "received", "octets", "arrival_us",
    "transit", "rate", "fan_start", "fan_count", "base", "transport", "ssrc", "reported_expected", "reported_received",
)  # fmt: skip
_SUBSCRIPTION_INTS = ("transport", "offset", "time_offset", "first", "packets", "octets", "source", "lost")
TRACK = np.dtype(
    [
        ("layout_mask", np.uint64, LAYOUT_QUADS),
        ("layout_want", np.uint64, LAYOUT_QUADS),
        *[(name, np.int64) for name in _INTS],
        ("jitter", np.float64),
        ("kept", np.bool_),
        ("unused", np.int64, 2),
    ],
    align=True,
)
"""A row of TrackTable, four cache lines: struct balie_track in media/native/batches.h."""
SUBSCRIPTION = np.dtype(
    [
        ("header", np.uint32, HEADER_WORDS),
        ("time_mask", np.uint32),
        ("level_mask", np.uint32),
        *[(name, np.int64) for name in _SUBSCRIPTION_INTS],
        ("unused", np.int64, 3),
    ],
    align=True,
)
"""A row of SubscriptionTable, two cache lines: struct balie_subscription."""


def distinct(rows: NDArray[Any]) -> NDArray[Any]:
    """Each once, ascending.  Asked for no more, np.unique reads masked arrays in: 11 ms and 1.5 MB, amid a call."""
    return np.unique(rows, return_index=True)[0]


class Rows:
    """Hands out row numbers, lowest first, and takes them back."""

    def __init__(self, count: int, what: str) -> None:
        self._begun = 0
        """Rows from here on were never in use: a list of all would take 0.3 MB."""
        self._returned: list[int] = []
        self._count = count
        self._what = what

    def take(self) -> int:
        if self._returned:
            return self._returned.pop()
        if self._begun == self._count:
            raise LimitError(f"{self._what}: all {self._count} are in use")
        self._begun += 1
        return self._begun - 1

    def give_back(self, row: int) -> None:
        self._returned.append(row)

    @property
    def used(self) -> int:
        return self._begun - len(self._returned)


class TrackTable:
    """What the batch reader knows of each published RTP stream.  All arrays are (tracks_max + 1,) unless said.

    Those named in TRACK are columns of one array, memory, with a row for each track: a packet is read with four cache
    lines of its track's, not with one for each column.

    layout_mask, layout_want  (tracks_max + 1, LAYOUT_QUADS) uint64, which of the first bytes must be what
                 in a plain packet; no packet fits a layout without one (see forget_layout)
    header_size  int64, bytes of the header in that layout
    cc_column, level_column  int64, column in the arena row of the transport-cc number, the audio level; 0 none
    high         int64, highest extended sequence number (RFC 3550 A.1), first seen is 65536 + sequence
    gap, gap_edge  int64, padding-only packets closed so far, and the extended number of the last one
    received, octets  int64, packets and payload bytes that arrived in their own stream (not by RTX)
    base         int64, extended number of the first packet
    jitter       float64 in clock units, transit int64 in clock units (RFC 3550 A.8)
    arrival_us   int64, when the last packet came
    rate         int64, RTP clock in Hz
    kept         bool, whether subscribers may ask packets again, so that their arena rows must last
    fan_start, fan_count  int64, the track's live subscriptions in fan
    transport, ssrc  int64, whose it is, and under which SSRC it comes by now
    reported_expected, reported_received  int64, packets at the last receiver report (RFC 3550 A.3)
    history      (tracks_max + 1, HISTORY) int64, extended number << 16 | arena row; 0 none
    """

    def __init__(self, tracks_max: int) -> None:
        n = tracks_max + 1
        self.rows = Rows(tracks_max, "tracks_max")
        self.memory = aligned_rows(n, TRACK)
        self.layout_mask: NDArray[np.uint64] = self.memory["layout_mask"]
        self.layout_want: NDArray[np.uint64] = self.memory["layout_want"]
        self.header_size: Ints = self.memory["header_size"]
        self.cc_column: Ints = self.memory["cc_column"]
        self.level_column: Ints = self.memory["level_column"]
        self.high: Ints = self.memory["high"]
        self.gap: Ints = self.memory["gap"]
        self.gap_edge: Ints = self.memory["gap_edge"]
        self.received: Ints = self.memory["received"]
        self.octets: Ints = self.memory["octets"]
        self.base: Ints = self.memory["base"]
        self.jitter: NDArray[np.float64] = self.memory["jitter"]
        self.transit: Ints = self.memory["transit"]
        self.arrival_us: Ints = self.memory["arrival_us"]
        self.rate: Ints = self.memory["rate"]
        self.kept: NDArray[np.bool_] = self.memory["kept"]
        self.fan_start: Ints = self.memory["fan_start"]
        self.fan_count: Ints = self.memory["fan_count"]
        self.transport: Ints = self.memory["transport"]
        self.ssrc: Ints = self.memory["ssrc"]
        self.reported_expected: Ints = self.memory["reported_expected"]
        self.reported_received: Ints = self.memory["reported_received"]
        self.history = np.zeros((n, HISTORY), np.int64)
        self.fan: Ints = np.zeros(0, np.int64)
        self.clocks = ClockTable(n)
        self.by_ssrc: Index[int] = Index(tracks_max)
        """transport << 32 | ssrc -> track, for primary streams only."""
        self.gaps: dict[int, list[int]] = {}
        """track -> ascending extended numbers of its padding-only packets, those within JUMP_MAX of the highest."""
        self.clear(tracks_max)

    def clear(self, track: int) -> None:
        """Make a row as new."""
        self.forget_layout(track)
        for column in (
            self.header_size,
            self.cc_column,
            self.level_column,
            self.high,
            self.gap,
            self.gap_edge,
            self.received,
            self.octets,
            self.base,
            self.jitter,
            self.transit,
            self.arrival_us,
            self.fan_start,
            self.fan_count,
            self.reported_expected,
            self.reported_received,
        ):
            column[track] = 0
        self.rate[track] = 1
        self.history[track] = 0
        self.gaps.pop(track, None)

    def close_gap(self, track: int, ext: int) -> None:
        """A padding-only packet took number ext and goes nowhere: later packets move up (checklist rule 6).

        Only for numbers above everything forwarded so far; a caller that sees one late leaves the gap open.
        """
        closed = self.gaps.setdefault(track, [])
        bisect.insort(closed, ext)
        del closed[: bisect.bisect_left(closed, int(self.high[track]) - JUMP_MAX)]
        self.gap[track] += 1
        self.gap_edge[track] = closed[-1]

    def closed_before(self, track: int, ext: int) -> int:
        """How many padding-only packets came before number ext.  Exact within JUMP_MAX of the highest."""
        closed = self.gaps.get(track, ())
        return int(self.gap[track]) - (len(closed) - bisect.bisect_left(closed, ext))

    def forget_layout(self, track: int) -> None:
        """Send the track's packets to the scalar reader, until it learns a layout again: nothing masked is one."""
        self.layout_mask[track] = 0
        self.layout_want[track] = 0
        self.layout_want[track, 0] = 1

    def learn_layout(self, track: int, packet: bytes | memoryview, header: Header, cc_id: int, level_id: int) -> None:
        """Expect the following packets of a track to be laid out as this one.

        A packet without the one-byte profile, with a CSRC list or with more than EXTENSION_BYTES of
        extensions leaves the layout as it was: such packets stay with the scalar reader.
        cc_id and level_id are the negotiated extension ids, 0 where there is none.
        """
        size = header.header_size
        if header.profile != ONE_BYTE_PROFILE or packet[0] & 0x0F or not 16 < size <= LAYOUT_BYTES:
            return
        mask, want = bytearray(LAYOUT_BYTES), bytearray(LAYOUT_BYTES)
        mask[0], mask[1] = 0xFF, 0x7F  # version, padding, extension, CSRC count; payload type without the marker
        mask[8:size] = b"\xff" * (size - 8)  # SSRC, profile, length, ids and sizes
        want[:size] = packet[:size]
        cc_column = level_column = 0
        for element in header.elements:
            mask[element.start : element.start + element.size] = bytes(element.size)
            if element.id == cc_id and element.size == 2:
                cc_column = element.start
            elif element.id == level_id and element.size == 1:
                level_column = element.start
        masked = np.frombuffer(bytes(mask), np.uint64)
        self.layout_mask[track] = masked
        self.layout_want[track] = np.frombuffer(bytes(want), np.uint64) & masked
        self.header_size[track] = header.header_size
        self.cc_column[track] = cc_column
        self.level_column[track] = level_column


class SubscriptionTable:
    """What the batch writer knows of each outgoing stream.  All arrays are (subscriptions_max + 1,) unless said.

    Those named in SUBSCRIPTION are columns of one array, memory, with a row for each subscription: at each beat the
    writer reads all of many, and finds it in two cache lines of each.

    transport    int64, where it goes
    header       (subscriptions_max + 1, HEADER_WORDS) uint32, the header with all fixed fields filled in
    time_mask    uint32, 0x00FFFFFF where the abs-send-time element is negotiated, else 0
    level_mask   uint32, 0x00FF0000 where the audio-level element is negotiated, else 0
    offset       int64, added to the source's extended number (its gaps closed) gives the outgoing one
    time_offset  int64, added to the source's timestamp, modulo 2**32
    first        int64, source's extended number from which on packets are forwarded
    packets, octets  int64, sent (RFC 3550 6.4.1: payload bytes)
    source       int64, track
    lost, rtt_us int64, as the receiver last reported: packets, and UNKNOWN before it told
    """

    def __init__(self, subscriptions_max: int) -> None:
        n = subscriptions_max + 1
        self.rows = Rows(subscriptions_max, "subscriptions_max")
        self.memory = aligned_rows(n, SUBSCRIPTION)
        self.transport: Ints = self.memory["transport"]
        self.header: NDArray[np.uint32] = self.memory["header"]
        self.time_mask: NDArray[np.uint32] = self.memory["time_mask"]
        self.level_mask: NDArray[np.uint32] = self.memory["level_mask"]
        self.offset: Ints = self.memory["offset"]
        self.time_offset: Ints = self.memory["time_offset"]
        self.first: Ints = self.memory["first"]
        self.packets: Ints = self.memory["packets"]
        self.octets: Ints = self.memory["octets"]
        self.source: Ints = self.memory["source"]
        self.lost: Ints = self.memory["lost"]
        self.rtt_us = np.full(n, UNKNOWN, np.int64)
        self.by_ssrc: Index[int] = Index(2 * subscriptions_max)
        """transport << 32 | ssrc -> subscription, of streams and of their retransmissions."""

    def clear(self, row: int, transport: int, source: int) -> None:
        """A row begins: nothing was sent, and nothing reported."""
        self.transport[row], self.source[row] = transport, source
        self.packets[row] = self.octets[row] = self.first[row] = self.offset[row] = self.lost[row] = 0
        self.rtt_us[row] = UNKNOWN

    def write_header(
        self,
        row: int,
        *,
        payload_type: int,
        ssrc: int,
        mid: str,
        mid_id: int,
        time_id: int,
        level_id: int,
    ) -> None:
        """Fill in the fixed fields.  Ids are 1..14, or 0 for an element that is not negotiated.

        Twelve extension bytes, the same for everybody, so that one array operation writes them all:
        word 4 abs-send-time; word 5 audio level (2 bytes) then MID, which runs on in word 6.  What is not
        negotiated stays zero, which is padding (RFC 8285 4.2).  A MID of more than 5 characters does not fit and
        is left out: the SSRC in the SDP binds the stream as well.
        """
        name = mid.encode()
        block = bytearray(12)
        if time_id:
            block[0] = time_id << 4 | 2
        if level_id:
            block[4] = level_id << 4
        if mid_id and 1 <= len(name) <= 5:
            block[6] = mid_id << 4 | (len(name) - 1)
            block[7 : 7 + len(name)] = name
        words = np.frombuffer(bytes(block), ">u4")
        self.header[row] = (0x90 << 24 | payload_type << 16, 0, ssrc, ONE_BYTE_PROFILE << 16 | 3, *words)
        self.time_mask[row] = 0x00FFFFFF if time_id else 0
        self.level_mask[row] = 0x00FF0000 if level_id else 0


class TransportTable:
    """What reports leave behind of each peer connection.  All arrays are (transports_max,) int64.

    rtt_us    round trip of media, remb_bps the receiver's own estimate (REMB): UNKNOWN before it told
    """

    def __init__(self, transports_max: int) -> None:
        self.rtt_us = np.full(transports_max, UNKNOWN, np.int64)
        self.remb_bps = np.full(transports_max, UNKNOWN, np.int64)

    def clear(self, row: int) -> None:
        """Make a row as new."""
        self.rtt_us[row] = self.remb_bps[row] = UNKNOWN
