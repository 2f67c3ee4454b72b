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

RTT_MIN_US = 1_000  # nearer is the same machine, and asking again at once helps nobody
SILENT_US = 2_000_000  # a stream without a packet for so long may have begun anew under another SSRC
TIME_SLACK_US = 200_000  # LiveKit's: a timestamp this near to where it is expected belongs to the same clock


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
    time_shift: int = 0
    """In clock units, how far the publisher's timestamps fell back when his streams began anew, all told."""


@dataclass(slots=True)
class Publisher:
    """What the scalar reader needs of one transport that publishes."""

    tracks: dict[str, Track] = field(default_factory=dict)
    """By mid."""
    by_rtx_ssrc: dict[int, Track] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    """URI -> id; one mapping for all m-sections of a bundle (RFC 8843 9)."""


class Strays:
    """Reads one packet at a time for ingress.read_batch.

    feedback  (transport, transport-cc number, arrival_us) of each packet read here, for the caller to take
    restarted tracks whose numbering began anew, with the highest extended number before, padding closed up, for
              the caller to take
    streams_changed  one began, ended, or has another SSRC by now: for the caller to set back
    """

    def __init__(self, arena: Arena, tracks: TrackTable, drops: DropCounters) -> None:
        self.publishers: dict[int, Publisher] = {}
        self.tracks: dict[int, Track] = {}
        self.feedback: list[tuple[int, int, int]] = []
        self.restarted: list[tuple[Track, int]] = []
        self.streams_changed = False
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
            track = resent or self._bind(publisher, header, data, arrival_us)
            if track is None:
                return self._dropped(Drop.UNKNOWN_SSRC)
            if header.ssrc == track.rtx_ssrc:
                return self._read_resent(at, packets, track, row, header, arrival_us)
        if header.payload_type != track.spec.payload_type:
            return self._dropped(Drop.UNKNOWN_PAYLOAD_TYPE)
        return self._read_own(at, packets, track, header, data, arrival_us)

    def _read_own(
        self, at: int, packets: Packets, track: Track, header: Header, data: memoryview, arrival_us: int
    ) -> bool:
        """A packet of the track's own stream."""
        table, row = self._table, track.row
        if not track.started:
            self._start(track, header, arrival_us)
        high = int(table.high[row])
        ahead = (header.sequence - high + 0x8000 & 0xFFFF) - 0x8000
        if not -JUMP_MAX < ahead < JUMP_MAX:
            if header.sequence != track.restart_at:
                track.restart_at = header.sequence + 1 & 0xFFFF
                return self._dropped(Drop.SEQUENCE_JUMP)
            self._forget_numbers(track)
            self._start(track, header, arrival_us)
            high = int(table.high[row])
            ahead = 1
        track.restart_at = -1
        ext = high + ahead
        if track.muted:
            table.high[row] = max(high, ext)
            table.received[row] += 1
            return self._dropped(Drop.MUTED)
        if header.payload_size == 0:
            table.received[row] += 1
            if ext > high:
                table.close_gap(row, ext)
            return self._dropped(Drop.PADDING_ONLY)
        turned_at = header.find(track.spec.extensions.get(URI_VIDEO_ORIENTATION, 0), 1)
        orientation = data[turned_at] if turned_at else None
        level_id = track.spec.extensions.get(URI_AUDIO_LEVEL, 0)
        if orientation is None and data[0] & 0x2F == 0:
            cc_id = track.spec.extensions.get(URI_TRANSPORT_CC, 0)
            table.learn_layout(row, data, header, cc_id, level_id)
        level_at = header.find(level_id, 1)
        level = data[level_at] if level_at else 127
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
        if track.muted:
            return self._dropped(Drop.MUTED)
        if not track.started or not -HISTORY < ahead < HISTORY or seen:
            return self._dropped(Drop.RTX_LATE)
        rtt_us = track.missing.answered(ext, arrival_us)
        if rtt_us is not None:
            track.rtt_us += (max(RTT_MIN_US, rtt_us) - track.rtt_us) // 8
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
        at = header.find(track.spec.extensions.get(URI_VIDEO_ORIENTATION, 0), 1)
        return int(self._arena.bytes[row, HEAD + at]) if at else None

    def _start(self, track: Track, header: Header, arrival_us: int) -> None:
        """First packet of a numbering, far from every number of before.

        65536 keeps extended numbers positive whatever comes late.
        """
        table, row = self._table, track.row
        high = int(table.high[row])
        first = (high & ~0xFFFF) + (0x20000 if high else 0x10000) + header.sequence
        table.high[row] = first - 1
        table.base[row] = first
        track.started = self.streams_changed = True
        if high:
            self._keep_time(track, header.timestamp, arrival_us)

    def _keep_time(self, track: Track, timestamp: int, arrival_us: int) -> None:
        """Timestamps began anew, too: viewers' go on from where they would be by now (checklist rule 16)."""
        table, row = self._table, track.row
        rate = int(table.rate[row])
        now = arrival_us * rate // 1_000_000
        behind = (now - int(table.transit[row]) - timestamp + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
        if not table.transit[row] or abs(behind) * 1_000_000 <= TIME_SLACK_US * rate:
            return
        track.time_shift += behind
        table.transit[row] = now - timestamp
        # What he reported was about the old timestamps.
        track.clock = SenderClock(track.spec.codec.clock_rate, table.clocks, row)

    def _forget_numbers(self, track: Track) -> None:
        """The publisher begins its numbering anew: what was missing is not to be had any more."""
        table, row = self._table, track.row
        high = int(table.high[row])
        self.restarted.append((track, high - table.closed_before(row, high)))
        table.received[row] = 0
        table.gaps.pop(row, None)
        table.gap[row] = table.gap_edge[row] = 0
        table.history[row] = 0
        track.missing = MissingPackets()
        table.reported_expected[row] = table.reported_received[row] = 0
        track.started = False

    def _bind(self, publisher: Publisher, header: Header, data: memoryview, arrival_us: int) -> Track | None:
        """Find the track of an undeclared SSRC: by MID, else by its payload type if only one track has it.

        By payload type alone no stream is taken from a track that has one: two that look the same would
        take it from each other with every packet.
        """
        mid_id = publisher.extensions.get(URI_MID, 0)
        mid = next((bytes(data[e.start : e.start + e.size]) for e in header.elements if e.id == mid_id), None)
        if mid is not None:
            track = publisher.tracks.get(mid.decode("ascii", "replace"))
            candidates = [track] if track is not None else []
        else:
            candidates = list(publisher.tracks.values())
        own = [t for t in candidates if t.spec.payload_type == header.payload_type]
        resent = [t for t in candidates if t.spec.rtx_payload_type == header.payload_type]
        if mid is None:
            silent_us = arrival_us - SILENT_US
            own = [t for t in own if not t.started or self._table.arrival_us[t.row] < silent_us]
            resent = [t for t in resent if t.rtx_ssrc is None or self._table.arrival_us[t.row] < silent_us]
        if len(own) == 1 and not resent:
            self.bind(own[0], header.ssrc)
            return own[0]
        if len(resent) == 1 and not own:
            self.bind_rtx(resent[0], header.ssrc)
            return resent[0]
        return None

    def bind(self, track: Track, ssrc: int) -> None:
        """Give a track its SSRC; a second one (a reloaded encoder) replaces the first."""
        self._unbind(track)
        if track.started:
            self._forget_numbers(track)
        self._table.forget_layout(track.row)
        track.ssrc = self._table.ssrc[track.row] = ssrc
        self.streams_changed = True
        self._table.by_ssrc[track.transport << 32 | ssrc] = track.row

    def bind_rtx(self, track: Track, ssrc: int) -> None:
        """Give a track the SSRC of its retransmissions."""
        self._unbind_rtx(track)
        track.rtx_ssrc = ssrc
        self.publishers[track.transport].by_rtx_ssrc[ssrc] = track

    def forget(self, track: Track) -> None:
        """A track ended.  Its row is the caller's to clear."""
        self._unbind(track)
        self._unbind_rtx(track)
        del self.publishers[track.transport].tracks[track.spec.mid]
        del self.tracks[track.row]
        self.streams_changed = True

    def _unbind(self, track: Track) -> None:
        """Free its SSRC, unless another track has it by now: an offer may declare one twice."""
        key = track.transport << 32 | (track.ssrc or 0)
        if self._table.by_ssrc.get(key) == track.row:
            del self._table.by_ssrc[key]

    def _unbind_rtx(self, track: Track) -> None:
        known = self.publishers[track.transport].by_rtx_ssrc
        if track.rtx_ssrc is not None and known.get(track.rtx_ssrc) is track:
            del known[track.rtx_ssrc]

    def _note_feedback(
        self, publisher: Publisher, header: Header, data: memoryview, transport: int, arrival_us: int
    ) -> None:
        at = header.find(publisher.extensions.get(URI_TRANSPORT_CC, 0), 2)
        if at:
            self.feedback.append((transport, data[at] << 8 | data[at + 1], arrival_us))

    def _dropped(self, reason: Drop) -> bool:
        self._drops.add(reason)
        return False
