"""One track going to one subscriber: when it flows, how its numbers continue, and what it may ask again.

The numbers that the batch writer needs are columns of SubscriptionTable; this is the control path's side of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from media.core.drops import Drop, DropCounters
from media.core.egress import abs_send_time
from media.core.model import URI_VIDEO_ORIENTATION, SendSpec
from media.core.packets import Arena
from media.core.rtp import Header, parse_header
from media.core.strays import Track
from media.core.tables import HISTORY, SubscriptionTable, TrackTable

FIRST_SEQUENCE = range(1000, 32768)  # far from a wrap: checklist rule 11, RFC 3711 3.3.1
EPOCHS_MAX = 16  # renumberings that a NACK can still reach back over
RESENDS_MAX = 3  # LiveKit's limit: a third loss of the same packet is a broken path, not bad luck
RESEND_AGAIN_US = 100_000  # and not before the last one can have arrived (checklist rule 20)
RESEND_SHARE = 0.15  # of what was sent: str0m's cap, so that a lossy viewer does not drown himself
RESEND_FLOOR = 64  # packets a subscriber may always ask, before the share means anything
RESENDS_REMEMBERED = 256
_OPEN = 1 << 62  # no number is as high


@dataclass(slots=True)
class Subscription:
    """State of one subscription.

    epochs   (first and last outgoing extended number, offset), oldest first: how outgoing numbers map back to the
             source.  The last one is open while the subscription is live
    sdes     goes with each of its sender reports
    last_out highest outgoing extended number when it last stopped flowing
    """

    row: int
    transport: int
    track: Track
    spec: SendSpec
    ssrc: int
    rtx_ssrc: int
    rtx_sequence: int
    first_sequence: int
    sdes: bytes
    paused: bool = False
    live: bool = False
    last_out: int = -1
    epochs: list[tuple[int, int, int]] = field(default_factory=list)
    resends: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Outgoing extended number -> (times resent, when last)."""
    resent: int = 0
    time_shift: int = 0
    """How much of the track's time_shift is in the table's time_offset."""


class Flow:
    """Starts and stops subscriptions and finds what they ask again."""

    def __init__(self, arena: Arena, tracks: TrackTable, subscriptions: SubscriptionTable, drops: DropCounters) -> None:
        self._arena = arena
        self._tracks = tracks
        self._table = subscriptions
        self._drops = drops

    def start(self, subscription: Subscription, ext: int) -> None:
        """Let packets from extended number ext on flow (a key frame, for video)."""
        row, source, epochs = subscription.row, subscription.track.row, subscription.epochs
        number = ext - self._tracks.closed_before(source, ext)
        if subscription.last_out < 0:
            out = 0x10000 + subscription.first_sequence
        else:
            # A gap of one tells the decoder that the last frame it got may be incomplete (mediasoup issue 408).
            out = subscription.last_out + (1 if self._ended_frame(subscription) else 2)
        if epochs:
            epochs[-1] = (epochs[-1][0], subscription.last_out, epochs[-1][2])
        epochs.append((out, _OPEN, out - number))
        del epochs[:-EPOCHS_MAX]
        self._table.offset[row] = out - number
        self._table.first[row] = ext
        self._table.time_offset[row] += subscription.track.time_shift - subscription.time_shift
        subscription.time_shift = subscription.track.time_shift
        subscription.live = True

    def stop(self, subscription: Subscription) -> None:
        """Hold packets back from now on; numbers go on where they stopped."""
        if subscription.live:
            subscription.last_out = self._highest_out(subscription)
            subscription.live = False

    def _highest_out(self, subscription: Subscription) -> int:
        """The highest outgoing number so far: while it is held, what the source sends has none."""
        if not subscription.live:
            return subscription.last_out
        source = subscription.track.row
        high = int(self._tracks.high[source])
        out = high - self._tracks.closed_before(source, high) + int(self._table.offset[subscription.row])
        return max(out, subscription.last_out)

    def _ended_frame(self, subscription: Subscription) -> bool:
        """Whether the last packet sent had the marker bit; False when it is not known any more."""
        if subscription.track.spec.kind == "audio":
            return True
        data = self._find(subscription, subscription.last_out)
        return data is not None and bool(data[1] & 0x80)

    def _find(self, subscription: Subscription, out: int) -> memoryview | None:
        """The source packet that went out as number out, if it is still in its arena row."""
        offset = next((o for first, last, o in reversed(subscription.epochs) if first <= out <= last), None)
        if offset is None:
            return None
        source, track = out - offset, subscription.track
        ext = self._open_gaps(track.row, source)
        cell = int(self._tracks.history[track.row, ext & (HISTORY - 1)])
        if cell < 0 or cell >> 16 != ext:
            return None
        data = self._arena.packet(cell & 0xFFFF)
        # The row may hold a newer packet by now: it is ours only if it still says so itself.
        if len(data) < 12 or track.ssrc is None:
            return None
        own = data[2] << 8 | data[3] == ext & 0xFFFF and int.from_bytes(data[8:12], "big") == track.ssrc
        return data if own else None

    def _open_gaps(self, track: int, source: int) -> int:
        """Undo TrackTable.closed_before: the extended number whose closed-up number is source."""
        ext = source
        while (onward := source + self._tracks.closed_before(track, ext + 1)) != ext:
            ext = onward
        return ext

    def resend(self, subscription: Subscription, sequence: int, now_us: int) -> bytes | None:
        """The retransmission packet (RFC 4588 4) for outgoing sequence number `sequence`, or None, counted."""
        if subscription.spec.rtx_payload_type is None or not subscription.epochs:
            self._drops.add(Drop.NACK_UNKNOWN)
            return None
        high = self._highest_out(subscription)
        out = high + ((sequence - high + 0x8000 & 0xFFFF) - 0x8000)
        times, last_us = subscription.resends.get(out, (0, 0))
        rtt_us = int(self._table.rtt_us[subscription.row])
        wait_us = min(RESEND_AGAIN_US, 2 * rtt_us if rtt_us > 0 else RESEND_AGAIN_US)
        if times and now_us - last_us < wait_us:
            self._drops.add(Drop.NACK_TOO_SOON)
            return None
        sent = int(self._table.packets[subscription.row])
        if times >= RESENDS_MAX or subscription.resent > RESEND_FLOOR + sent * RESEND_SHARE:
            self._drops.add(Drop.RESEND_LIMIT)
            return None
        data = self._find(subscription, out) if out <= high else None
        if data is None:
            self._drops.add(Drop.NACK_UNKNOWN)
            return None
        if len(subscription.resends) >= RESENDS_REMEMBERED:
            subscription.resends.pop(next(iter(subscription.resends)))
        subscription.resends[out] = (times + 1, now_us)
        subscription.resent += 1
        return self._wrap(subscription, data, out, now_us)

    def _wrap(self, subscription: Subscription, data: memoryview, out: int, now_us: int) -> bytes:
        header = parse_header(data)
        row = subscription.row
        words = self._table.header[row].astype(">u4")
        assert subscription.spec.rtx_payload_type is not None
        number = subscription.rtx_sequence = subscription.rtx_sequence + 1 & 0xFFFF
        words[0] = 0x90 << 24 | header.marker << 23 | subscription.spec.rtx_payload_type << 16 | number
        words[1] = header.timestamp + int(self._table.time_offset[row]) & 0xFFFFFFFF
        words[2] = subscription.rtx_ssrc
        words[4] |= int(self._table.time_mask[row]) & abs_send_time(now_us)
        words[5] |= self._orientation(subscription, data, header)
        end = header.header_size + header.payload_size
        original = (out & 0xFFFF).to_bytes(2, "big")
        packet: bytes = words.tobytes() + original + bytes(data[header.header_size : end])
        return packet

    def _orientation(self, subscription: Subscription, data: memoryview, header: Header) -> int:
        """The video-orientation element as egress wrote it, in its place in header word 5."""
        theirs = subscription.track.spec.extensions.get(URI_VIDEO_ORIENTATION, 0)
        ours = subscription.spec.extensions.get(URI_VIDEO_ORIENTATION, 0)
        value = next((data[e.start] for e in header.elements if e.id == theirs), None)
        return ours << 28 | value << 16 if ours and value is not None else 0
