"""The forwarder: commands, batches and time in; copies, control packets and events out.

Ties the parts of media.core together and holds no policy of its own.  Single-threaded and synchronous: one
mutation, then drain with take_control() and take_events().  Nothing here blocks, sleeps or reads a clock.

Data path   receive() per batch of decrypted RTP: ingress -> numbering -> fan-out into the send arena.
Control     handle_rtcp() per decrypted RTCP packet, poll() after patience_us, commands at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.core import rtcp
from media.core.codecs import is_keyframe
from media.core.compiled import CompiledLoops
from media.core.compiled_speakers import CompiledSpeakers
from media.core.compiled_twcc import CompiledFeedbackLog
from media.core.compiled_writer import CompiledWriter
from media.core.drops import Drop, DropCounters, TcpCounts
from media.core.egress import Copies
from media.core.errors import LimitError
from media.core.ice import IceLite
from media.core.ingress import Packets
from media.core.keyframes import KeyframeRequests
from media.core.loops import ArrayLoops, Loops
from media.core.model import (
    URI_ABS_SEND_TIME,
    URI_AUDIO_LEVEL,
    URI_MID,
    URI_VIDEO_ORIENTATION,
    Event,
    LocalIce,
    Outgoing,
    ParticipantId,
    ReceiveSpec,
    RoomId,
    SendSpec,
    SpeakersChanged,
    SubscriptionId,
    TrackId,
    TransportConnected,
    TransportFailed,
    TransportId,
)
from media.core.nack import MissingPackets
from media.core.ntp import SenderClock
from media.core.packets import HEAD, Arena
from media.core.reports import Reports, Transport, cname
from media.core.settings import Settings
from media.core.speakers import ActiveSpeakers
from media.core.strays import Publisher, Strays, Track
from media.core.subscriptions import FIRST_SEQUENCE, Flow, Subscription
from media.core.tables import Rows, SubscriptionTable, TrackTable, TransportTable
from media.core.twcc import FeedbackLog

POLL_US = 10_000
"""How often poll() wants to be called while something hurries: half the shortest wait before a NACK."""
CALM_US = 100_000
"""And otherwise: reports and feedback have this much time."""
FEEDBACK_US = 100_000  # transport-wide feedback: libwebrtc's default interval
FEEDBACK_MAX_US = 250_000  # and the longest that it lets itself take (remote_estimator_proxy.cc)
FEEDBACK_SPACING_US = 2_000  # with many publishers, so much for each: some 500 feedback packets a second cost 10 ms
JITTER_US = 20_000  # one audio packet's time
SPEAKERS_US = 200_000
EXPIRY_US = 1_000_000
NACK_NUMBERS = 250  # in one packet: at the worst, each in a pair of its own, it is 1,012 bytes
FEEDBACK_LOG = 1 << 16  # packets between two feedbacks: 260,000 a second

Ints = NDArray[np.int64]
ICE_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"  # RFC 8839 5.4 ice-char


class Engine:
    """One process's forwarder.

    entropy  returns that many random bytes; injected so that tests repeat
    native   media.native.library(), or None to work with arrays in Python
    arena    received packets live here, in the rows that the io layer chose for them
    send     copies to encrypt and send, valid until the next receive()
    """

    def __init__(self, settings: Settings, entropy: Callable[[int], bytes], native: Any | None = None) -> None:
        self.settings = settings
        self.arena = Arena(settings.history_rows)
        self.send = Arena(settings.send_rows)
        self.counters = DropCounters()
        self.tcp = TcpCounts()
        self.ice = IceLite(settings.transports_max)
        self.received = 0
        self.forwarded = 0
        self._entropy = entropy
        self._tracks = TrackTable(settings.tracks_max)
        self._subscriptions = SubscriptionTable(settings.subscriptions_max)
        self._transport_table = TransportTable(settings.transports_max)
        self._transport_rows = Rows(settings.transports_max, "transports_max")
        self._transports: dict[int, Transport] = {}
        self._strays = Strays(self.arena, self._tracks, self.counters)
        self._flow = Flow(self.arena, self._tracks, self._subscriptions, self.counters)
        self._by_row: dict[int, Subscription] = {}
        self._orientation_ids: dict[int, int] = {}
        self._fan_stale = False
        self._live_stale = False
        """Whether the fan was laid out anew since the writer knew whose subscriptions flow."""
        self._waiting: set[int] = set()
        self._lossy: set[int] = set()
        self._keyframes = KeyframeRequests(settings.tracks_max)
        tables = self.arena, self.send, self._tracks, self._subscriptions
        self._feedback: FeedbackLog
        self._speakers: ActiveSpeakers
        self._loops: Loops
        self._writer: CompiledWriter | None = None
        if native is None:
            self._speakers = ActiveSpeakers(settings.tracks_max)
            self._feedback = FeedbackLog(settings.transports_max, FEEDBACK_LOG)
            self._loops = ArrayLoops(*tables, self._feedback, self._speakers)
        else:
            self._speakers = CompiledSpeakers(native, settings.tracks_max)
            self._feedback = feedback = CompiledFeedbackLog(native, settings.transports_max, FEEDBACK_LOG)
            self._loops = loops = CompiledLoops(
                native, settings.batch_max, *tables, self._transport_table, feedback, self._speakers
            )
            self._writer = feedback.writer = CompiledWriter(native, loops.core, self.send, feedback.sender_ssrc)
        self._reports = Reports(
            self._tracks,
            self._subscriptions,
            self._transport_table,
            self._flow,
            self._strays,
            self._by_row,
            self.counters,
            self._writer,
        )
        self._jitter_due_us = 0
        self._feedback_due_us = 0
        self._speakers_due_us = 0
        self._expiry_due_us = 0
        self.kept: Ints = np.zeros(0, np.int64)
        """Arena rows of the last batch that may be asked again: do not receive into them until they are old."""
        self._closed: list[TransportId] = []
        self._control: list[tuple[TransportId, bytes, bool]] = []
        self._events: list[Event] = []

    # -- commands: transports ------------------------------------------------------------------

    def open_transport(self, now_us: int) -> tuple[TransportId, LocalIce]:
        """Make room for one peer connection.  LimitError when transports_max are open."""
        row = self._transport_rows.take()
        self._transports[row] = Transport(row=row, ssrc=self._random_ssrc(), opened_us=now_us)
        self._feedback.sender_ssrc[row] = self._transports[row].ssrc
        self._transport_table.clear(row)
        ice = self._new_ice()
        self.ice.register(row, ice.ufrag, ice.pwd, now_us)
        return TransportId(row), ice

    def restart_ice(self, transport: TransportId) -> LocalIce:
        """New ICE credentials; DTLS, SRTP and all numbering go on (RFC 8445 9, checklist rule 29)."""
        ice = self._new_ice()
        self.ice.restart(transport, ice.ufrag, ice.pwd)
        return ice

    def close_transport(self, transport: TransportId) -> None:
        """Forget a peer connection with everything it publishes and receives."""
        known = self._transports[transport]
        publisher = self._strays.publishers.get(transport)
        if publisher is not None:
            for track in list(publisher.tracks.values()):
                self.remove_track(TrackId(track.row))
            del self._strays.publishers[transport]
            self._strays.streams_changed = True
        for subscription in [self._by_row[row] for row in sorted(known.subscriptions)]:
            self.remove_subscription(SubscriptionId(subscription.row))
        self.ice.forget(transport)
        self._feedback.reset(transport)
        self._transport_table.clear(transport)
        self._reports.end(transport)
        del self._transports[transport]
        self._closed.append(transport)
        # The row may serve another peer before these are taken: what they say is not about him.
        self._control = [control for control in self._control if control[0] != transport]
        self._events = [event for event in self._events if getattr(event, "transport", None) != transport]
        self._transport_rows.give_back(transport)

    def is_connected(self, transport: TransportId) -> bool:
        return self._transports[transport].connected

    def connected(self, transport: TransportId) -> None:
        """The io layer finished DTLS: tell the upper layers, and the peer how the clocks stand."""
        self._transports[transport].connected = True
        self._reports.begin(transport)
        self._events.append(TransportConnected(transport))

    def failed(self, transport: TransportId, reason: str) -> None:
        """The io layer or the consent timer gave a transport up.  It stays open until the upper layer closes it."""
        known = self._transports.get(transport)
        if known is not None and not known.failed:
            known.connected, known.failed = False, True
            self._reports.end(transport)
            self._events.append(TransportFailed(transport, reason))

    # -- commands: tracks ----------------------------------------------------------------------

    def add_track(self, transport: TransportId, room: RoomId, participant: ParticipantId, spec: ReceiveSpec) -> TrackId:
        """A peer connection publishes another stream.  ValueError: its mid is taken.  LimitError: tracks_max."""
        known = self._strays.publishers.get(transport)
        if known is not None and spec.mid in known.tracks:
            raise ValueError(f"mid {spec.mid!r} is already published on transport {transport}")
        if transport not in self._transports:
            raise KeyError(transport)
        row = self._tracks.rows.take()
        publisher = self._strays.publishers.setdefault(transport, Publisher())
        self._tracks.clear(row)
        self._tracks.transport[row] = transport
        self._tracks.rate[row] = spec.codec.clock_rate
        self._tracks.kept[row] = spec.kind == "video"
        clock = SenderClock(spec.codec.clock_rate, self._tracks.clocks, row)
        track = Track(row, transport, room, participant, spec, clock)
        publisher.tracks[spec.mid] = track
        publisher.extensions.update(spec.extensions)
        self._strays.tracks[row] = track
        self._strays.streams_changed = True
        if spec.ssrc is not None:
            self._strays.bind(track, spec.ssrc)
        if spec.rtx_ssrc is not None:
            self._strays.bind_rtx(track, spec.rtx_ssrc)
        self._keyframes.reset(row)
        if spec.kind == "audio":
            self._speakers.assign(row, room, participant)
        return TrackId(row)

    def remove_track(self, track: TrackId) -> None:
        """A stream is no longer published: its subscriptions end with it."""
        known = self._strays.tracks[track]
        for row in sorted(known.subscriptions):
            self.remove_subscription(SubscriptionId(row))
        self._strays.forget(known)
        if known.spec.kind == "audio":
            self._speakers.release(track)
        self._waiting.discard(track)
        self._lossy.discard(track)
        self._tracks.clear(track)
        self._tracks.rows.give_back(track)
        self._fan_stale = True

    def track_spec(self, track: TrackId) -> ReceiveSpec:
        return self._strays.tracks[track].spec

    def set_track_muted(self, track: TrackId, muted: bool) -> None:
        """While muted, packets are dropped by name; after it, video waits for a key frame."""
        known = self._strays.tracks[track]
        if known.muted == muted:
            return
        known.muted = muted
        self._tracks.forget_layout(track)  # the scalar reader knows of mutes; it learns the layout again
        for row in known.subscriptions:
            subscription = self._by_row[row]
            if muted:
                self._hold(subscription)
            elif not subscription.paused:
                self._await_start(subscription)
        if muted:
            known.missing = MissingPackets()  # what comes of it would be dropped
            self._lossy.discard(track)

    # -- commands: subscriptions ---------------------------------------------------------------

    def add_subscription(
        self, transport: TransportId, track: TrackId, spec: SendSpec, paused: bool = False
    ) -> Outgoing:
        """Send a track to a transport, or once it is no longer paused.  LimitError: subscriptions_max."""
        to, source = self._transports[transport], self._strays.tracks[track]
        row, ssrc = self._subscriptions.rows.take(), self._random_ssrc()
        subscription = Subscription(
            row=row,
            transport=transport,
            track=source,
            spec=spec,
            ssrc=ssrc,
            rtx_ssrc=self._random_ssrc(),
            rtx_sequence=self._random(len(FIRST_SEQUENCE)) + FIRST_SEQUENCE.start,
            first_sequence=self._random(len(FIRST_SEQUENCE)) + FIRST_SEQUENCE.start,
            paused=paused,
            sdes=rtcp.sdes(ssrc, cname(source)),
        )
        table = self._subscriptions
        table.clear(row, transport, track)
        table.time_offset[row] = self._random(1 << 32)
        self._by_row[row] = subscription
        source.subscriptions.add(row)
        to.subscriptions.add(row)
        table.by_ssrc[transport << 32 | ssrc] = row
        table.by_ssrc[transport << 32 | subscription.rtx_ssrc] = row
        self._write_header(subscription)
        if not source.muted and not paused:
            self._await_start(subscription)
        rtx_ssrc = subscription.rtx_ssrc if spec.rtx_payload_type is not None else None
        return Outgoing(SubscriptionId(row), subscription.ssrc, rtx_ssrc, cname(source))

    def update_subscription(self, subscription: SubscriptionId, spec: SendSpec) -> None:
        """The answer settled other ids or payload types: use them from the next packet on."""
        known = self._by_row[subscription]
        known.spec = spec
        self._write_header(known)

    def set_subscription_paused(self, subscription: SubscriptionId, paused: bool) -> None:
        known = self._by_row[subscription]
        if known.paused == paused:
            return
        known.paused = paused
        if paused:
            self._hold(known)
        elif not known.track.muted:
            self._await_start(known)

    def remove_subscription(self, subscription: SubscriptionId) -> None:
        known = self._by_row.pop(subscription)
        known.track.subscriptions.discard(known.row)
        known.track.waiting.discard(known.row)
        to = self._transports[known.transport]
        if to.connected and (goodbye := self._reports.goodbye(known)):
            self._control.append((TransportId(known.transport), goodbye, True))
        to.subscriptions.discard(known.row)
        for ssrc in (known.ssrc, known.rtx_ssrc):
            self._subscriptions.by_ssrc.pop(known.transport << 32 | ssrc)
        self._orientation_ids.pop(known.row, None)
        self._subscriptions.rows.give_back(known.row)
        self._forget_wish(known.track)
        self._fan_stale = True

    # -- data path -----------------------------------------------------------------------------

    def receive(self, rows: Ints, transports: Ints, arrival_us: Ints, now_us: int) -> Copies | None:
        """Forward a batch of decrypted RTP packets.

        rows, transports, arrival_us  (N,) int64, N <= settings.batch_max: arena row, who sent it, and
                                      when the kernel received it, on the clock of now_us
        Returns the copies now in the send arena, or None when there is nothing to send.
        """
        self.received += len(rows)
        self._loops.read(rows, transports, arrival_us, self._strays)
        return self._forward(now_us)

    def _forward(self, now_us: int) -> Copies | None:
        """A batch that was read."""
        loops = self._loops
        if self._strays.feedback:
            self._drain_stray_feedback()
        if self._strays.restarted:
            self._restart_flows()
        if loops.account(now_us, jitter=self._wants_jitter(now_us)):
            return self._fan_out(now_us)
        self.kept = loops.kept
        return None

    def _fan_out(self, now_us: int) -> Copies | None:
        """A batch that was counted."""
        loops = self._loops
        if loops.odd:
            self._follow_gaps(loops.packets(), loops.odd, now_us)
        if self._waiting:
            self._start_waiting(loops.packets())
        self.kept = loops.kept
        if self._fan_stale:
            self._compile_fan()
        copies = loops.fan_out(self._orientation_ids, now_us)
        if loops.held or loops.left_out or loops.idle:
            self._count_unforwarded()
        self.forwarded += len(copies)
        return copies if len(copies) else None

    def _wants_jitter(self, now_us: int) -> bool:
        if now_us < self._jitter_due_us:
            return False
        self._jitter_due_us = now_us + JITTER_US
        return True

    # -- data path, when the compiled loops go ahead (media.io.fastpath) -------------------------

    @property
    def compiled(self) -> CompiledLoops | None:
        return self._loops if isinstance(self._loops, CompiledLoops) else None

    @property
    def looks_closer(self) -> bool:
        """Somebody waits for a picture to begin with: each batch is for receive() to look into."""
        return bool(self._waiting)

    def begin(self, loops: CompiledLoops, now_us: int) -> bool:
        """Before the loops take a batch all the way; returns whether they are to sample jitter."""
        if self._fan_stale:
            self._compile_fan()
        return self._wants_jitter(now_us)

    def sent(self, packets: int, copies: int) -> None:
        """They did: so many packets became so many copies."""
        self.received += packets
        self.forwarded += copies

    def held_back(self, loops: CompiledLoops) -> None:
        """They did, and perhaps not every packet went to everybody."""
        loops.was_fanned_out()
        self._count_unforwarded()

    def resume(self, loops: CompiledLoops, packets: int, strays: int, now_us: int) -> Copies | None:
        """They stopped: with so many packets for the scalar reader, or, at 0, after counting.  See receive()."""
        self.received += packets
        loops.was_read(packets, strays, self._strays)
        if strays:
            return self._forward(now_us)
        loops.was_accounted()
        return self._fan_out(now_us)

    def _follow_gaps(self, packets: Packets, odd: list[tuple[int, int]], now_us: int) -> None:
        """Tell the NACK lists which numbers are missing and which came late."""
        for row, high in odd:
            track = self._strays.tracks[row]
            if not track.spec.nack:
                continue
            closed = set(self._tracks.gaps.get(row, ()))
            mine = np.flatnonzero(packets.track == row)
            for at in mine.tolist():
                ext = int(packets.ext[at])
                if ext > high:
                    for number in range(high + 1, ext):
                        if number not in closed:
                            track.missing.lost(number, number, now_us)
                    high = ext
                else:
                    track.missing.arrived(ext)
            if not track.missing.empty:
                self._lossy.add(row)

    def _start_waiting(self, packets: Packets) -> None:
        """Let subscriptions begin whose track has a packet that a decoder can start with."""
        for row in sorted(self._waiting):
            track = self._strays.tracks[row]
            for at in np.flatnonzero(packets.track == row).tolist():
                start = HEAD + int(packets.header_size[at])
                payload = self.arena.bytes[int(packets.row[at]), start : start + int(packets.payload_size[at])]
                if not is_keyframe(track.spec.codec.name, payload.data):
                    continue
                ext = int(packets.ext[at])
                for waiting in sorted(track.waiting):
                    self._flow.start(self._by_row[waiting], ext)
                    self._reports.soon(self._by_row[waiting].transport)
                track.waiting.clear()
                self._keyframes.satisfied(row)
                track.missing.give_up_before(ext)
                self._waiting.discard(row)
                self._fan_stale = True
                break

    def _count_unforwarded(self) -> None:
        loops = self._loops
        self.counters.add(Drop.BEFORE_KEYFRAME, loops.held)
        self.counters.add(Drop.SEND_FULL, loops.left_out)
        for row, count in loops.idle:
            track = self._strays.tracks[row]
            reason = Drop.NO_SUBSCRIBER
            if track.waiting:
                reason = Drop.WAITING_KEYFRAME
            elif track.subscriptions:
                reason = Drop.PAUSED
            self.counters.add(reason, count)

    def _drain_stray_feedback(self) -> None:
        noted = np.array(self._strays.feedback, np.int64)
        self._strays.feedback.clear()
        self._feedback.add(noted[:, 0], noted[:, 1], noted[:, 2])

    def _restart_flows(self) -> None:
        """A publisher renumbered: outgoing numbers go on, and pictures wait for a key frame."""
        for track, high in self._strays.restarted:
            fresh = int(self._tracks.high[track.row])
            for row in track.subscriptions:
                subscription = self._by_row[row]
                if subscription.live:
                    offset = int(self._subscriptions.offset[row])
                    subscription.last_out = max(subscription.last_out, high + offset)
                    subscription.live = False
                    self._subscriptions.first[row] = fresh + 1
                    self._await_start(subscription)
        self._strays.restarted.clear()

    # -- control path --------------------------------------------------------------------------

    def handle_rtcp(self, transport: TransportId, data: bytes | memoryview, now_us: int) -> None:
        """Act on a decrypted RTCP packet.  Bad bytes are dropped and counted."""
        known = self._transports.get(transport)
        if known is None:
            return
        outcome = self._reports.handle(known, data, now_us)
        for packet in outcome.resends:
            self._control.append((transport, packet, False))
        if outcome.keyframes:
            self._waiting.update(outcome.keyframes)
            self._request_keyframes(outcome.keyframes, now_us)
        self._events.extend(outcome.events)

    def sends_picture(self, transport: int, ssrc: int) -> bool:
        """Whether what goes to this transport under this SSRC is video, or is sent again of one."""
        row = self._subscriptions.by_ssrc.get(transport << 32 | ssrc)
        return row is not None and self._by_row[row].track.spec.kind == "video"

    def refresh_pictures(self, transport: int) -> None:
        """More was left out on the way to this transport than is worth sending again: pictures start anew."""
        known = self._transports.get(transport)
        for row in known.subscriptions if known is not None else ():
            track = self._by_row[row].track
            if self._by_row[row].live and track.spec.kind == "video":
                self._waiting.add(track.row)  # poll() asks

    @property
    def idle(self) -> bool:
        """Whether there is no peer."""
        return not self._transports

    @property
    def patience_us(self) -> int:
        """How long after a poll() the next one may be: what was lost, who waits and first reports hurry."""
        return POLL_US if self._lossy or self._waiting or self._reports.hurry else CALM_US

    def poll(self, now_us: int) -> None:
        """Do what time asks for: NACK, key frames, feedback, reports, speakers, consent.  Call after patience_us."""
        for row in sorted(self._lossy):
            self._ask_again(self._strays.tracks[row], now_us)
        wanted = [row for row in self._waiting if self._strays.tracks[row].spec.kind == "video"]
        if wanted:
            self._request_keyframes(wanted, now_us)
        if self._strays.streams_changed:
            self._follow_streams()
        if self._fan_stale:
            self._compile_fan()
        if self._live_stale and self._writer is not None:
            self._live_stale = False
            self._writer.follow_live(self._live_to())
        if now_us >= self._speakers_due_us:
            self._speakers_due_us = now_us + SPEAKERS_US
            for room, participants in self._speakers.evaluate():
                self._events.append(SpeakersChanged(room, participants))
        if now_us >= self._feedback_due_us:
            packets = self._feedback.build()
            self._control += [(TransportId(transport), packet, True) for transport, packet in packets]
            spaced_us = min(FEEDBACK_SPACING_US * (len(packets) + self._feedback.written), FEEDBACK_MAX_US)
            self._feedback_due_us = now_us + max(FEEDBACK_US, spaced_us)
        for transport, packet in self._reports.due(self._transports, now_us):
            self._control.append((TransportId(transport), packet, True))
        if now_us >= self._expiry_due_us:
            self._expiry_due_us = now_us + EXPIRY_US
            for row in self.ice.expired(now_us):
                self.failed(TransportId(row), "consent" if self._transports[row].connected else "timeout")

    def open_transports(self) -> list[TransportId]:
        return [TransportId(row) for row in self._transports]

    def take_control(self) -> list[tuple[TransportId, bytes, bool]]:
        """Packets to encrypt and send one by one: (transport, bytes, True for RTCP, False for RTP)."""
        taken, self._control = self._control, []
        return taken

    def take_written(self) -> Copies | None:
        """RTCP in the send arena, to be encrypted and sent: what the compiled loops wrote in the last poll()."""
        return self._writer.take() if self._writer is not None else None

    def take_closed(self) -> list[TransportId]:
        """Transports closed since the last call; the io layer forgets their keys before a row is used again."""
        taken, self._closed = self._closed, []
        return taken

    def take_events(self) -> list[Event]:
        taken, self._events = self._events, []
        return taken

    def _ask_again(self, track: Track, now_us: int) -> None:
        missing = track.missing
        due = missing.due(now_us, track.rtt_us)
        if due and track.ssrc is not None:
            sender = self._transports[track.transport].ssrc
            for at in range(0, len(due), NACK_NUMBERS):
                numbers = [ext & 0xFFFF for ext in due[at : at + NACK_NUMBERS]]
                self._control.append((TransportId(track.transport), rtcp.nack(sender, track.ssrc, numbers), True))
        if missing.needs_keyframe:
            missing.needs_keyframe = False
            self._waiting.add(track.row)  # poll() asks
            self._forget_wish(track)
        if missing.empty:
            self._lossy.discard(track.row)

    def _request_keyframes(self, rows: list[int], now_us: int) -> None:
        """Ask for pictures that start a decoder, at a measured pace; who cannot be asked yet loses no turn."""
        askable = []
        for row in rows:
            track = self._strays.tracks[row]
            if track.ssrc is not None and track.spec.pli and not track.muted:
                self._keyframes.far(row, track.rtt_us)
                askable.append(row)
        for row in self._keyframes.want(np.array(askable, np.int32), now_us).tolist():
            track = self._strays.tracks[row]
            assert track.ssrc is not None
            sender = self._transports[track.transport].ssrc
            self._control.append((TransportId(track.transport), rtcp.pli(sender, track.ssrc), True))

    def _follow_streams(self) -> None:
        """Reports are about the streams that flow by now, and feedback names one of them."""
        self._strays.streams_changed = False
        flowing = {
            transport: [track for track in publisher.tracks.values() if track.started]
            for transport, publisher in self._strays.publishers.items()
        }
        for transport, tracks in flowing.items():
            if tracks:
                self._feedback.media_ssrc[transport] = tracks[0].ssrc or 0
        if self._writer is not None:
            self._writer.follow_sources({transport: [t.row for t in tracks] for transport, tracks in flowing.items()})

    # -- what the commands share ---------------------------------------------------------------

    def _await_start(self, subscription: Subscription) -> None:
        subscription.track.waiting.add(subscription.row)
        self._waiting.add(subscription.track.row)
        self._fan_stale = True

    def _hold(self, subscription: Subscription) -> None:
        self._flow.stop(subscription)
        subscription.track.waiting.discard(subscription.row)
        self._forget_wish(subscription.track)
        self._fan_stale = True

    def _forget_wish(self, track: Track) -> None:
        """Ask for no key frame that nobody would see."""
        if not any(row in track.waiting or self._by_row[row].live for row in track.subscriptions):
            self._waiting.discard(track.row)

    def _write_header(self, subscription: Subscription) -> None:
        ids, source = subscription.spec.extensions, subscription.track.spec
        video = source.kind == "video"
        self._subscriptions.write_header(
            subscription.row,
            payload_type=subscription.spec.payload_type,
            ssrc=subscription.ssrc,
            mid=subscription.spec.mid,
            mid_id=ids.get(URI_MID, 0),
            time_id=ids.get(URI_ABS_SEND_TIME, 0),
            level_id=0 if video or URI_AUDIO_LEVEL not in source.extensions else ids.get(URI_AUDIO_LEVEL, 0),
        )
        self._orientation_ids.pop(subscription.row, None)
        if video and URI_VIDEO_ORIENTATION in ids:
            self._orientation_ids[subscription.row] = ids[URI_VIDEO_ORIENTATION]

    def _compile_fan(self) -> None:
        """Lay the live subscriptions of all tracks out one after the other, for fan_out to index."""
        self._fan_stale = False
        fan: list[int] = []
        for row, track in self._strays.tracks.items():
            live = sorted(s for s in track.subscriptions if self._by_row[s].live)
            self._tracks.fan_start[row] = len(fan)
            self._tracks.fan_count[row] = len(live)
            fan.extend(live)
        self._tracks.fan = np.array(fan, np.int64)
        self._live_stale = True
        if (loops := self.compiled) is not None:
            loops.follow_fan()

    def _live_to(self) -> dict[int, list[int]]:
        """transport -> subscriptions of it that flow."""
        return {
            row: [each for each in sorted(transport.subscriptions) if self._by_row[each].live]
            for row, transport in self._transports.items()
        }

    def _new_ice(self) -> LocalIce:
        """RFC 8445 5.3: at least 24 bits of ufrag and 128 bits of password, from 64 characters."""
        raw = self._entropy(32)
        text = "".join(ICE_CHARS[byte & 63] for byte in raw)
        return LocalIce(text[:8], text[8:])

    def _random(self, below: int) -> int:
        return int.from_bytes(self._entropy(8), "big") % below

    def _random_ssrc(self) -> int:
        return self._random((1 << 32) - 1) + 1

    # -- what others may see -------------------------------------------------------------------

    def drops(self) -> dict[str, int]:
        return self.counters.as_dict()

    def totals(self) -> dict[str, int]:
        """Rows in use and packets so far, by name."""
        return {
            "transports": self._transport_rows.used,
            "tracks": self._tracks.rows.used,
            "subscriptions": self._subscriptions.rows.used,
            "packets_received": self.received,
            "packets_forwarded": self.forwarded,
            "keyframe_waits": sum(self._strays.tracks[row].spec.kind == "video" for row in self._waiting),
            **self.tcp.as_dict(),
        }

    def transport_stats(self, transport: TransportId) -> dict[str, int | float]:
        return self._reports.stats(self._transports[transport])


__all__ = ["POLL_US", "Engine", "LimitError"]
