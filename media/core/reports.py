"""RTCP both ways: sender and receiver reports and goodbyes that we write, and what peers tell us.

Feedback never passes through: what a subscriber reports is about our streams and ends here, what a publisher
hears is about his own (checklist rules 7, 20, 22 and 24).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from media.core import rtcp
from media.core.drops import Drop, DropCounters
from media.core.errors import PeerError
from media.core.model import BandwidthChanged, Event, TransportId
from media.core.ntp import rtt_from_report_block
from media.core.strays import Strays, Track
from media.core.subscriptions import Flow, Subscription
from media.core.tables import UNKNOWN, SubscriptionTable, TrackTable, TransportTable

REPORT_US = 1_000_000  # libwebrtc's interval for video; audio gains a quicker first lip sync by it
QUIET_US = 2_000_000  # a stream that sends nothing has no sender report (checklist rule 22)
BLOCKS_MAX = 31  # RFC 3550 6.4.1: the count has five bits
NACKS_MAX = 256  # sequence numbers of one compound packet that are looked at: more is a flood, not a loss
SIZE_MAX = 1_100  # bytes: with SRTCP, UDP and IPv6 around it below the 1,200 that any path carries
CNAME = "balie"
DUE_SPARE = 64  # entries of those who left that may wait until their time comes
FIRST = 0  # instead of a time: at once


@dataclass(slots=True)
class Transport:
    """What the control path keeps of one peer connection.

    ssrc  our identity in the RTCP that we send on it
    """

    row: int
    ssrc: int
    opened_us: int
    connected: bool = False
    failed: bool = False
    subscriptions: set[int] = field(default_factory=set)
    sdes: bytes = field(init=False)
    """What goes with our receiver reports."""

    def __post_init__(self) -> None:
        self.sdes = rtcp.sdes(self.ssrc, CNAME)


@dataclass(slots=True)
class Outcome:
    """What one compound packet leads to: retransmissions, tracks that need a key frame, news for above.

    asked  sequence numbers that were looked at so far
    """

    asked: int = 0
    resends: list[bytes] = field(default_factory=list)
    keyframes: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class Writer(Protocol):
    def reports(self, transports: Sequence[int], now_us: int) -> int:
        """Write the compound packets to these elsewhere; returns of how many of them that could be done."""


class Reports:
    def __init__(
        self,
        tracks: TrackTable,
        subscriptions: SubscriptionTable,
        transports: TransportTable,
        flow: Flow,
        strays: Strays,
        by_row: dict[int, Subscription],
        drops: DropCounters,
        writer: Writer | None = None,
    ) -> None:
        self._writer = writer
        self._tracks = tracks
        self._table = subscriptions
        self._transports = transports
        self._flow = flow
        self._strays = strays
        self._by_row = by_row
        self._drops = drops
        self._due: list[tuple[int, int]] = []
        """A heap of (when, transport row); entries that _due_us does not confirm mean nothing any more."""
        self._due_us: dict[int, int] = {}
        self._soon: set[int] = set()

    # -- incoming --------------------------------------------------------------------------------

    def handle(self, transport: Transport, data: bytes | memoryview, now_us: int) -> Outcome:
        """Read a compound packet from a peer.  Never raises on its bytes."""
        outcome = Outcome()
        try:
            packets = rtcp.parse_compound(data)
        except PeerError as error:
            self._drops.add_named(error.reason)
            return outcome
        for packet in packets:
            match packet:
                case rtcp.SenderReport():
                    self._read_sender_report(transport, packet, now_us)
                    self._read_blocks(transport, packet.blocks, now_us)
                case rtcp.ReceiverReport():
                    self._read_blocks(transport, packet.blocks, now_us)
                case rtcp.Nack():
                    self._read_nack(transport, packet, now_us, outcome)
                case rtcp.Pli():
                    self._read_picture_loss(transport, [packet.media], outcome)
                case rtcp.Fir():
                    self._read_picture_loss(transport, packet.media, outcome)
                case rtcp.Remb():
                    self._read_remb(transport, packet.bps, outcome)
                case _:
                    pass  # SDES, BYE, APP and XR tell nothing that the signalling does not say better
        return outcome

    def _read_sender_report(self, transport: Transport, report: rtcp.SenderReport, now_us: int) -> None:
        row = self._tracks.by_ssrc.get(transport.row << 32 | report.ssrc)
        if row is None:
            publisher = self._strays.publishers.get(transport.row)
            if publisher is None or report.ssrc not in publisher.by_rtx_ssrc:
                self._drops.add(Drop.RTCP_UNKNOWN_SSRC)
            return
        track = self._strays.tracks[row]
        first = not track.clock.known
        track.clock.update(report.ntp, report.rtp, now_us)
        if first:
            for subscription in track.subscriptions:
                self.soon(self._by_row[subscription].transport)

    def _read_blocks(self, transport: Transport, blocks: tuple[rtcp.ReportBlock, ...], now_us: int) -> None:
        for block in blocks:
            subscription = self._subscription(transport, block.ssrc)
            if subscription is None or block.ssrc != subscription.ssrc:
                continue  # a receiver goes on reporting on a stream for a while after it ended
            self._table.lost[subscription.row] = block.lost
            rtt_us = rtt_from_report_block(block, subscription.track.clock.ntp_middle_at(now_us))
            if rtt_us is not None:
                self._table.rtt_us[subscription.row] = self._transports.rtt_us[transport.row] = rtt_us

    def _subscription(self, transport: Transport, ssrc: int) -> Subscription | None:
        """Whose stream that is, or whose retransmissions."""
        row = self._table.by_ssrc.get(transport.row << 32 | ssrc)
        return self._by_row[row] if row is not None else None

    def _read_nack(self, transport: Transport, packet: rtcp.Nack, now_us: int, outcome: Outcome) -> None:
        subscription = self._subscription(transport, packet.media)
        if subscription is None or packet.media != subscription.ssrc:  # retransmissions are not asked for again
            self._drops.add(Drop.RTCP_UNKNOWN_SSRC)
            return
        seqs = packet.seqs[: NACKS_MAX - outcome.asked]
        outcome.asked += len(seqs)
        for sequence in seqs:
            resend = self._flow.resend(subscription, sequence, now_us)
            if resend is not None:
                outcome.resends.append(resend)

    def _read_picture_loss(self, transport: Transport, ssrcs: list[int] | tuple[int, ...], outcome: Outcome) -> None:
        for ssrc in ssrcs:
            subscription = self._subscription(transport, ssrc)
            if subscription is None:
                self._drops.add(Drop.RTCP_UNKNOWN_SSRC)
            elif (track := subscription.track).spec.kind == "video":
                outcome.keyframes.append(track.row)

    def _read_remb(self, transport: Transport, bps: int, outcome: Outcome) -> None:
        """The subscriber's own estimate.  An event when it moved by a tenth: it comes several times a second."""
        last = int(self._transports.remb_bps[transport.row])
        if last == UNKNOWN or abs(bps - last) * 10 > last:
            self._transports.remb_bps[transport.row] = bps
            outcome.events.append(BandwidthChanged(TransportId(transport.row), bps))

    # -- outgoing --------------------------------------------------------------------------------

    def begin(self, transport: int) -> None:
        """Somebody connected: he has a report at the next poll, and from then on one each REPORT_US."""
        self._schedule(transport, FIRST)
        self.soon(transport)

    def end(self, transport: int) -> None:
        """He has none any more."""
        self._due_us.pop(transport, None)
        self._soon.discard(transport)
        if len(self._due) > 2 * len(self._due_us) + DUE_SPARE:
            self._due = [(at_us, row) for row, at_us in self._due_us.items()]
            heapq.heapify(self._due)

    def _schedule(self, transport: int, at_us: int) -> None:
        self._due_us[transport] = at_us
        heapq.heappush(self._due, (at_us, transport))

    def soon(self, transport: int) -> None:
        """Report to this transport at the next poll: a stream began, and lip sync waits for its first SR."""
        self._soon.add(transport)

    @property
    def hurry(self) -> bool:
        """Whether somebody is to have a report at the next poll."""
        return bool(self._soon)

    def due(self, transports: dict[int, Transport], now_us: int) -> list[tuple[int, bytes]]:
        """The compound packets to send now, one per transport and REPORT_US, but those that the writer took."""
        rows, self._soon = self._soon & self._due_us.keys(), set()
        while self._due and self._due[0][0] <= now_us:
            due_us, row = heapq.heappop(self._due)
            if self._due_us.get(row) == due_us:
                # After the first they are spread, so that not all who came together are due in one turn.
                self._schedule(row, now_us + (REPORT_US * (row % 20 or 20) // 20 if due_us == FIRST else REPORT_US))
                rows.add(row)
        due = sorted(rows)
        if due and self._writer is not None:
            due = due[self._writer.reports(due, now_us) :]
        return [(row, packet) for row in due for packet in self._compounds(transports[row], now_us)]

    def _compounds(self, transport: Transport, now_us: int) -> list[bytes]:
        """All reports to one transport, in packets that any path carries; each begins with a report (RFC 3550 6.1)."""
        packets: list[bytes] = []
        packet = self._receiver_report(transport, now_us)
        for report in self._sender_reports(transport, now_us):
            if len(packet) + len(report) > SIZE_MAX:
                packets.append(packet)
                packet = b""
            packet += report
        return [*packets, packet] if packet else packets

    def _receiver_report(self, transport: Transport, now_us: int) -> bytes:
        publisher = self._strays.publishers.get(transport.row)
        if publisher is None:
            return b""
        blocks = [self._block(track, now_us) for track in publisher.tracks.values() if track.started]
        report = rtcp.receiver_report(transport.ssrc, blocks[:BLOCKS_MAX])
        return report + transport.sdes

    def _block(self, track: Track, now_us: int) -> rtcp.ReportBlock:
        """RFC 3550 A.3: expected from the highest extended number, so that wraps count."""
        row, table = track.row, self._tracks
        base, received = int(table.base[row]), int(table.received[row])
        high = max(int(table.high[row]), int(table.gap_edge[row]))  # padding, too, was received
        expected = high - base + 1
        interval = expected - int(table.reported_expected[row])
        missing = interval - (received - int(table.reported_received[row]))
        table.reported_expected[row], table.reported_received[row] = expected, received
        fraction = min(255, 256 * missing // interval) if interval > 0 and missing > 0 else 0
        lsr, dlsr = track.clock.last_report(now_us)
        return rtcp.ReportBlock(
            ssrc=track.ssrc or 0,
            fraction_lost=fraction,
            lost=max(-0x800000, min(0x7FFFFF, expected - received)),
            highest=high - (base & ~0xFFFF) & 0xFFFFFFFF,
            jitter=int(table.jitter[row]) & 0xFFFFFFFF,
            lsr=lsr,
            dlsr=dlsr,
        )

    def _sender_reports(self, transport: Transport, now_us: int) -> list[bytes]:
        """A sender report with its SDES for each stream that flows."""
        reports: list[bytes] = []
        for row in sorted(transport.subscriptions):
            subscription = self._by_row[row]
            track = subscription.track
            if not subscription.live or now_us - int(self._tracks.arrival_us[track.row]) > QUIET_US:
                continue
            times = track.clock.at(now_us)
            if times is None:
                continue
            ntp, rtp = times
            report = rtcp.sender_report(
                subscription.ssrc,
                ntp,
                rtp + int(self._table.time_offset[row]) & 0xFFFFFFFF,
                int(self._table.packets[row]) & 0xFFFFFFFF,
                int(self._table.octets[row]) & 0xFFFFFFFF,
            )
            reports.append(report + subscription.sdes)
        return reports

    def goodbye(self, subscription: Subscription) -> bytes:
        """The end of a stream, so that its receiver need not wait for silence (RFC 3550 6.6); a compound of its own,
        for a report comes first (6.1).  Empty when nothing of it was ever sent (6.3.7)."""
        if not int(self._table.packets[subscription.row]):
            return b""
        ssrcs = [subscription.ssrc, *([subscription.rtx_ssrc] if subscription.resent else [])]
        head = rtcp.receiver_report(subscription.ssrc, ()) + subscription.sdes
        return head + rtcp.bye(ssrcs)

    # -- for people ------------------------------------------------------------------------------

    def stats(self, transport: Transport) -> dict[str, int | float]:
        """Counters of one transport, by name; times in us, rates in bit/s."""
        publisher = self._strays.publishers.get(transport.row)
        rows = [track.row for track in publisher.tracks.values()] if publisher else []
        subscriptions = [self._by_row[row] for row in transport.subscriptions]
        return {
            "packets_received": int(sum(self._tracks.received[rows])),
            "octets_received": int(sum(self._tracks.octets[rows])),
            "packets_sent": int(sum(self._table.packets[s.row] for s in subscriptions)),
            "octets_sent": int(sum(self._table.octets[s.row] for s in subscriptions)),
            "packets_resent": sum(s.resent for s in subscriptions),
            "packets_lost": int(sum(max(0, self._table.lost[s.row]) for s in subscriptions)),
            "rtt_us": max(0, int(self._transports.rtt_us[transport.row])),
            "remb_bps": max(0, int(self._transports.remb_bps[transport.row])),
        }


def cname(track: Track) -> str:
    """One CNAME for all streams of a publishing peer connection: receivers sync what shares it (RFC 3550 6.5.1)."""
    return f"p{track.transport:x}"
