"""One subscribing peer connection of a WebSocket session: our offers, its answers, and what flows meanwhile.

At most one offer is outstanding; changes that come while it is are in the next.  A section whose track ended rests
and is used again for a track of the same kind, so that a long call does not grow its SDP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from media.core.model import Codec, Kind, LocalIce, Outgoing, SendSpec, Source, TransportId
from media.core.rooms import Member, PublishedTrack
from signalling.errors import SdpError
from signalling.media_plane import MediaPlane, ours
from signalling.negotiation import answered_spec, offered_spec, sending_lines
from signalling.sdp import PROTOCOLS, parse, peer_of, write


@dataclass
class Slot:
    """One m-section.  outgoing is None while it rests; answered: the viewer has agreed to this track."""

    kind: Kind
    codec: Codec
    spec: SendSpec
    track: PublishedTrack | None = None
    participant: str = ""
    outgoing: Outgoing | None = None
    answered: bool = False


@dataclass(frozen=True)
class Offered:
    id: int
    sdp: str
    tracks: list[tuple[str, str, Source]]
    """(mid, participant, source) of every live section."""


class Subscribing:
    """State of one subscribe connection.  transport is None before there was anything to see."""

    def __init__(self, plane: MediaPlane) -> None:
        self._plane = plane
        self.transport: TransportId | None = None
        self._ice: LocalIce | None = None
        self._slots: list[Slot] = []
        self._version = 0
        self._outstanding: int | None = None
        self._restart = False

    def want_restart(self) -> None:
        """The next offer has new ICE credentials."""
        self._restart = self.transport is not None

    def update(self, wanted: Sequence[tuple[Member, PublishedTrack]], now_us: int) -> Offered | None:
        """Bring the sections in line with what the viewer is to see; the offer to send, if one is needed and may be.

        Raises LimitError when the engine is full; what could be subscribed is.
        """
        if self._outstanding is not None:
            return None
        present = {slot.track.serial: slot for slot in self._slots if slot.track is not None}
        targets = {track.serial: (member, track) for member, track in wanted}
        gone = [slot for serial, slot in present.items() if serial not in targets]
        fresh = [(member, track) for key, (member, track) in targets.items() if key not in present]
        if not gone and not fresh and not self._restart:
            return None
        engine = self._plane.engine
        if self.transport is None:
            self.transport, self._ice = engine.open_transport(now_us)
        elif self._restart:
            self._ice = engine.restart_ice(self.transport)
        self._restart = False
        for slot in gone:
            self._rest(slot)
        for member, track in fresh:
            self._fill(member, track)
        return self._offer()

    def forget_ended(self, wanted: Sequence[tuple[Member, PublishedTrack]]) -> None:
        """Tracks that are not published any more ended in the engine, and our subscriptions with them.

        To be called at once when a room changes, whether or not an offer may go out now: rows are reused.
        """
        alive = {track.serial for _, track in wanted}
        for slot in self._slots:
            if slot.track is not None and slot.track.serial not in alive:
                slot.outgoing = None

    def _rest(self, slot: Slot) -> None:
        slot.track, slot.outgoing, slot.answered, slot.participant = None, None, False, ""

    def _fill(self, member: Member, track: PublishedTrack) -> None:
        engine = self._plane.engine
        source = engine.track_spec(track.track)
        assert self.transport is not None
        slot = next((s for s in self._slots if s.track is None and s.kind == source.kind), None)
        if slot is None:
            spec = offered_spec(source.kind, source.codec, str(len(self._slots)))
            slot = Slot(source.kind, source.codec, spec)
            self._slots.append(slot)
        else:
            slot.codec = source.codec
            slot.spec = offered_spec(source.kind, source.codec, slot.spec.mid)
        slot.outgoing = engine.add_subscription(self.transport, track.track, slot.spec)
        # Held until the viewer knows the stream: its first key frame would be lost on him.
        engine.set_subscription_paused(slot.outgoing.subscription, True)
        slot.track, slot.participant, slot.answered = track, member.id, False

    def _offer(self) -> Offered:
        assert self._ice is not None and self.transport is not None
        self._version += 1
        self._outstanding = self._version
        mine = ours(self._plane, self._ice, offering=True)
        blocks = [
            sending_lines(s.kind, s.codec, s.spec, s.outgoing, _stream(s), mine, PROTOCOLS[0]) for s in self._slots
        ]
        mids = [slot.spec.mid for slot in self._slots]
        sdp = write(self.transport + 1, self._version, mids, blocks)
        tracks = [(s.spec.mid, s.participant, s.track.source) for s in self._slots if s.track is not None]
        return Offered(self._version, sdp, tracks)

    def answer(self, number: int, sdp: str) -> None:
        """The viewer's answer to offer `number`.

        Raises SdpError; the offer then stays outstanding, and a second answer may come.
        """
        if number != self._outstanding or self.transport is None:
            raise SdpError("bad_sdp", f"no offer {number} is waiting for an answer")
        description = parse(sdp)
        peer = peer_of(description, ("active",))
        if len(description.sections) != len(self._slots):
            raise SdpError(
                "bad_sdp", f"the answer has {len(description.sections)} sections, the offer {len(self._slots)}"
            )
        self._outstanding = None
        self._plane.expect_fingerprints(self.transport, peer.fingerprints)
        for slot, section in zip(self._slots, description.sections, strict=True):
            if slot.outgoing is None or slot.answered:
                continue
            spec = answered_spec(slot.spec, section)
            if spec is None:
                continue  # this viewer cannot take it: it stays paused
            slot.spec, slot.answered = spec, True
            self._plane.engine.update_subscription(slot.outgoing.subscription, spec)
        self.start()

    def start(self) -> None:
        """Let flow what the viewer agreed to, once his connection stands."""
        engine = self._plane.engine
        if self.transport is None or not engine.is_connected(self.transport):
            return
        for slot in self._slots:
            if slot.outgoing is not None and slot.answered:
                engine.set_subscription_paused(slot.outgoing.subscription, False)

    def close(self) -> None:
        if self.transport is not None:
            self._plane.engine.close_transport(self.transport)
            self.transport = None
        self._slots.clear()
        self._outstanding = None


def _stream(slot: Slot) -> str:
    """One media stream per participant and use, so that a browser syncs what belongs together (RFC 8830)."""
    if slot.track is None:
        return "-"
    use = "screen" if slot.track.source.startswith("screen") else "person"
    return f"{use}-{slot.track.transport:x}"
