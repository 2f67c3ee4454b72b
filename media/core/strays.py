"""The scalar reader: packets that are not laid out as their track's last one.

First packets of a stream, retransmissions, padding and probes, packets with other extensions, sequence jumps, muted
tracks, and whatever a hostile or broken peer sends.  Fills the same columns as the batch reader in ingress.py or
names the reason why not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from media.core.drops import Drop, DropCounters
from media.core.errors import PeerError
from media.core.ingress import Packets
from media.core.model import (
    URI_AUDIO_LEVEL,
    URI_MID,
    URI_TRANSPORT_CC,
    URI_VIDEO_ORIENTATION,
    ParticipantId,
    ReceiveSpec,
    RoomId,
)
from media.core.nack import MissingPackets
from media.core.ntp import SenderClock
from media.core.packets import HEAD, WORD0, Arena
from media.core.rtp import Header, parse_header
from media.core.tables import HISTORY, JUMP_MAX, TrackTable

UNBOUND_MAX = 200  # streams of one transport that match nothing: past that it is an attack on our memory


@dataclass(slots=True)
class Track:
    """One published RTP stream: what the control path knows of it.  The counters are in TrackTable."""

    row: int
    transport: int
    room: RoomId
    participant: ParticipantId
    spec: ReceiveSpec
    clock: SenderClock
    missing: MissingPackets = field(default_factory=MissingPackets)
    ssrc: int | None = None
    rtx_ssrc: int | None = None
    started: bool = False
    muted: bool = False
    restart_at: int = -1
    """Sequence number that would prove a jump to be a restart (RFC 3550 A.1 bad_seq)."""
    subscriptions: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)
    """Subscriptions that are held until the next key frame."""
    rtt_us: int = 100_000
    """To the publisher, from request to retransmission; a guess until the first one."""
    asked_us: dict[int, int] = field(default_factory=dict)
    """Extended number -> when it was first asked again, to measure rtt_us."""


@dataclass(slots=True)
class Publisher:
    """What the scalar reader needs of one transport that publishes."""

    tracks: dict[str, Track] = field(default_factory=dict)
    """By mid."""
    by_rtx_ssrc: dict[int, Track] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    """URI -> id; one mapping for all m-sections of a bundle (RFC 8843 9)."""
    unbound: set[int] = field(default_factory=set)


class Strays:
    """Reads one packet at a time for ingress.read_batch.

    feedback  (transport, transport-cc number, arrival_us) of each packet read here, for the caller to take
    restarted tracks whose numbering began anew, with the highest extended number before, for the caller to take
    """

    def __init__(self, arena: Arena, tracks: TrackTable, drops: DropCounters) -> None:
        self.publishers: dict[int, Publisher] = {}
        self.tracks: dict[int, Track] = {}
        self.feedback: list[tuple[int, int, int]] = []
        self.restarted: list[tuple[Track, int]] = []
        self._arena = arena
        self._table = tracks
        self._drops = drops

    def read(self, at: int, packets: Packets, transport: int, arrival_us: int) -> bool:
        row = int(packets.row[at])
        data = self._arena.packet(row)
        publisher = self.publishers.get(transport)
        try:
            header = parse_header(data)
        except PeerError:
            return self._dropped(Drop.RTP_MALFORMED)
        if publisher is None:
            return self._dropped(Drop.UNKNOWN_SSRC)
        self._note_feedback(publisher, header, data, transport, arrival_us)
        if header.ssrc == 0:
            return self._dropped(Drop.PROBE)
        known = self._table.by_ssrc.get(transport << 32 | header.ssrc)
        track = self.tracks[known] if known is not None else None
        if track is None:
            resent = publisher.by_rtx_ssrc.get(header.ssrc)
            track = resent or self._bind(publisher, transport, header, data)
            if track is None:
                return self._dropped(Drop.UNKNOWN_SSRC)
            if header.ssrc == track.rtx_ssrc:
                return self._read_resent(at, packets, track, row, header, arrival_us)
        if header.payload_type != track.spec.payload_type:
            return self._dropped(Drop.UNKNOWN_PAYLOAD_TYPE)
        return self._read_own(at, packets, track, header, data)

    def _read_own(self, at: int, packets: Packets, track: Track, header: Header, data: memoryview) -> bool:
        """A packet of the track's own stream."""
        table, row = self._table, track.row
        if not track.started:
            self._start(track, header.sequence)
        high = int(table.high[row])
        ahead = (header.sequence - high + 0x8000 & 0xFFFF) - 0x8000
        if not -JUMP_MAX < ahead < JUMP_MAX:
            if header.sequence != track.restart_at:
                track.restart_at = header.sequence + 1 & 0xFFFF
                return self._dropped(Drop.SEQUENCE_JUMP)
            self.restarted.append((track, high))
            high = self._restart(track, high, header.sequence)
            ahead = 1
        track.restart_at = -1
        ext = high + ahead
        if track.muted:
            table.high[row] = max(high, ext)
            return self._dropped(Drop.MUTED)
        if header.payload_size == 0:
            table.received[row] += 1
            if ext > high:
                table.close_gap(row, ext)
            return self._dropped(Drop.PADDING_ONLY)
        orientation_id = track.spec.extensions.get(URI_VIDEO_ORIENTATION, 0)
        orientation = next((data[e.start] for e in header.elements if e.id == orientation_id), None)
        level_id = track.spec.extensions.get(URI_AUDIO_LEVEL, 0)
        if orientation is None and data[0] & 0x2F == 0:
            cc_id = track.spec.extensions.get(URI_TRANSPORT_CC, 0)
            table.learn_layout(row, data, header, cc_id, level_id)
        level = next((data[e.start] for e in header.elements if e.id == level_id), 127)
        self._fill(at, packets, track, header, ext, level, orientation)
        return True

    def _fill(
        self,
        at: int,
        packets: Packets,
        track: Track,
        header: Header,
        ext: int,
        level: int,
        orientation: int | None,
    ) -> None:
        packets.track[at] = track.row
        packets.ext[at] = ext
        packets.timestamp[at] = header.timestamp
        packets.marker[at] = header.marker
        packets.header_size[at] = header.header_size
        packets.payload_size[at] = header.payload_size
        packets.level[at] = level
        if orientation is not None:
            packets.orientation[int(packets.row[at])] = orientation

    def _read_resent(self, at: int, packets: Packets, track: Track, row: int, header: Header, arrival_us: int) -> bool:
        """A retransmission (RFC 4588): put the original packet together again, in its row."""
        if header.payload_type != track.spec.rtx_payload_type:
            return self._dropped(Drop.UNKNOWN_PAYLOAD_TYPE)
        if header.payload_size <= 2:
            return self._dropped(Drop.RTX_EMPTY)
        start = HEAD + header.header_size
        cells = self._arena.bytes[row]
        sequence = int(cells[start]) << 8 | int(cells[start + 1])
        high = int(self._table.high[track.row])
        ahead = (sequence - high + 0x8000 & 0xFFFF) - 0x8000
        ext = high + ahead
        seen = int(self._table.history[track.row, ext & (HISTORY - 1)]) >> 16 == ext
        if not track.started or track.muted or ahead > 0 or ahead <= -HISTORY or seen:
            return self._dropped(Drop.RTX_LATE)
        asked_us = track.asked_us.pop(ext, None)
        if asked_us is not None:
            track.rtt_us += (max(1_000, arrival_us - asked_us) - track.rtt_us) // 8
        track.missing.arrived(ext)
        payload = header.payload_size - 2
        cells[start : start + payload] = cells[start + 2 : start + 2 + payload].copy()
        self._arena.length[row] = header.header_size + payload
        words = self._arena.words[row]
        assert track.ssrc is not None
        words[WORD0] = (
            int(words[WORD0]) & 0x9F800000  # marker, extension bit, CSRC count: padding is gone
            | track.spec.payload_type << 16
            | sequence
        )
        words[WORD0 + 2] = track.ssrc
        self._table.received[track.row] -= 1  # account() adds it: a resent packet does not hide its loss
        self._fill(
            at, packets, track, header._replace(payload_size=payload), ext, 127, self._orientation(track, header, row)
        )
        return True

    def _orientation(self, track: Track, header: Header, row: int) -> int | None:
        number = track.spec.extensions.get(URI_VIDEO_ORIENTATION, 0)
        data = self._arena.bytes[row]
        return next((int(data[HEAD + e.start]) for e in header.elements if e.id == number), None)

    def _start(self, track: Track, sequence: int) -> None:
        """First packet of a stream.  65536 keeps extended numbers positive whatever comes late."""
        track.started = True
        first = 0x10000 + sequence
        self._table.high[track.row] = first - 1
        self._table.base[track.row] = first

    def _restart(self, track: Track, high: int, sequence: int) -> int:
        """The publisher began its numbering anew: forget what was missing.  Returns the new highest number."""
        fresh = (high & ~0xFFFF) + 0x20000 + sequence  # far from every number of before
        table = self._table
        table.high[track.row] = fresh - 1
        table.base[track.row] = fresh
        table.received[track.row] = 0
        table.gaps.pop(track.row, None)
        table.gap[track.row] = table.gap_edge[track.row] = 0
        table.history[track.row] = -1
        track.missing = MissingPackets()
        track.asked_us.clear()
        return fresh - 1

    def _bind(self, publisher: Publisher, transport: int, header: Header, data: memoryview) -> Track | None:
        """Find the track of an undeclared SSRC: by MID, else by its payload type if only one track has it."""
        mid_id = publisher.extensions.get(URI_MID, 0)
        mid = next((bytes(data[e.start : e.start + e.size]) for e in header.elements if e.id == mid_id), None)
        if mid is not None:
            track = publisher.tracks.get(mid.decode("ascii", "replace"))
            candidates = [track] if track is not None else []
        else:
            candidates = list(publisher.tracks.values())
        own = [t for t in candidates if t.spec.payload_type == header.payload_type]
        resent = [t for t in candidates if t.spec.rtx_payload_type == header.payload_type]
        if len(own) == 1 and not resent:
            self.bind(own[0], transport, header.ssrc)
            return own[0]
        if len(resent) == 1 and not own:
            publisher.by_rtx_ssrc.pop(resent[0].rtx_ssrc or 0, None)
            resent[0].rtx_ssrc = header.ssrc
            publisher.by_rtx_ssrc[header.ssrc] = resent[0]
            return resent[0]
        if len(publisher.unbound) <= UNBOUND_MAX:
            publisher.unbound.add(header.ssrc)
        return None

    def bind(self, track: Track, transport: int, ssrc: int) -> None:
        """Give a track its SSRC; a second one (a reloaded encoder) replaces the first."""
        if track.ssrc is not None:
            self._table.by_ssrc.pop(transport << 32 | track.ssrc, None)
            if track.started:
                self.restarted.append((track, int(self._table.high[track.row])))
                track.started = False
                self._restart(track, int(self._table.high[track.row]), 0)
            self._table.forget_layout(track.row)
        track.ssrc = ssrc
        self._table.by_ssrc[transport << 32 | ssrc] = track.row

    def _note_feedback(
        self, publisher: Publisher, header: Header, data: memoryview, transport: int, arrival_us: int
    ) -> None:
        number = publisher.extensions.get(URI_TRANSPORT_CC, 0)
        for element in header.elements:
            if element.id == number and element.size == 2:
                sequence = data[element.start] << 8 | data[element.start + 1]
                self.feedback.append((transport, sequence, arrival_us))

    def _dropped(self, reason: Drop) -> bool:
        self._drops.add(reason)
        return False
