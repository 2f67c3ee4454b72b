"""One subscribing peer connection of a WebSocket session: our offers, its answers, and what flows meanwhile.

At most one offer is outstanding; changes that come while it is are in the next.  A section whose track ended rests
and is used again for a track of the same kind, so that a long call does not grow its SDP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from media.core.errors import LimitError
from media.core.model import Kind, LocalIce, Outgoing, SendSpec, Source, TransportId
from media.core.rooms import Member, PublishedTrack
from signalling.errors import SdpError, SignallingError, shown
from signalling.media_plane import MediaPlane, ours
from signalling.negotiation import OFFERED, answered_spec, offered_spec, sending_lines
from signalling.sdp import PROTOCOLS, Description, parse, peer_of, write


@dataclass
class Slot:
    """One m-section.

    offered   what every offer says of it; payload types mean the same in all sections, whatever was answered
    spec      what the engine sends by, once answered
    outgoing  None while it rests
    answered  the viewer takes this track
    """

    kind: Kind
    codec: str
    offered: SendSpec
    spec: SendSpec
    track: PublishedTrack | None = None
    participant: str = ""
    outgoing: Outgoing | None = None
    answered: bool = False


@dataclass(frozen=True)
class Offered:
    """left_out: why not everything is in it, when the engine is full."""

    id: int
    sdp: str
    tracks: list[tuple[str, str, Source]]
    """(mid, participant, source) of every live section."""
    left_out: str = ""


class Subscribing:
    """State of one subscribe connection.  transport is None before there was anything to see and after a failure."""

    def __init__(self, plane: MediaPlane) -> None:
        self._plane = plane
        self.transport: TransportId | None = None
        self._ice: LocalIce | None = None
        self._fingerprints: tuple[tuple[str, str], ...] = ()
        self._slots: list[Slot] = []
        self._version = 0
        self._outstanding: int | None = None
        self._restart = False
        self._failed = False

    def restart(self) -> None:
        """The next offer has new ICE credentials, and does not wait for the answer to an earlier one.

        After a failure it is the first offer of another peer connection.
        """
        self._failed = False
        self._restart = self.transport is not None
        self._outstanding = None

    def update(self, wanted: Sequence[tuple[Member, PublishedTrack]], now_us: int) -> Offered | None:
        """Bring the sections in line with what the viewer is to see; the offer to send, if one is needed and may be.

        Raises LimitError when the engine is full and there is nothing to offer.
        """
        if self._outstanding is not None or self._failed:
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
        changed, self._restart = bool(gone) or self._restart, False
        for slot in gone:
            _rest(slot)
        left_out = ""
        for member, track in fresh:
            try:
                self._fill(self.transport, member, track)
                changed = True
            except LimitError as error:
                left_out = str(error)
                if not changed:
                    raise
                break
        return self._offer(left_out)

    def forget_ended(self, wanted: Sequence[tuple[Member, PublishedTrack]]) -> None:
        """Tracks that are not published any more ended in the engine, and our subscriptions with them.

        To be called at once when a room changes, whether or not an offer may go out now: rows are reused.
        """
        alive = {track.serial for _, track in wanted}
        for slot in self._slots:
            if slot.track is not None and slot.track.serial not in alive:
                slot.outgoing = None

    def _fill(self, transport: TransportId, member: Member, track: PublishedTrack) -> None:
        engine = self._plane.engine
        source = engine.track_spec(track.track)
        slot = next((s for s in self._slots if s.track is None and s.kind == source.kind), None)
        mid = slot.offered.mid if slot is not None else str(len(self._slots))
        spec = offered_spec(source.kind, source.codec.name, mid)
        # Held until the viewer knows the stream: its first key frame would be lost on him.
        outgoing = engine.add_subscription(transport, track.track, spec, paused=True)
        if slot is None:
            slot = Slot(source.kind, source.codec.name, spec, spec)
            self._slots.append(slot)
        slot.codec, slot.offered, slot.spec = source.codec.name, spec, spec
        slot.track, slot.participant, slot.outgoing, slot.answered = track, member.id, outgoing, False

    def _offer(self, left_out: str) -> Offered:
        assert self._ice is not None and self.transport is not None
        self._version += 1
        self._outstanding = self._version
        mine = ours(self._plane, self._ice, offering=True)
        blocks = [
            sending_lines(s.kind, OFFERED[s.codec].codec, s.offered, s.outgoing, _stream(s), mine, PROTOCOLS[0])
            for s in self._slots
        ]
        mids = [slot.offered.mid for slot in self._slots]
        sdp = write(self.transport + 1, self._version, mids, blocks)
        tracks = [(s.offered.mid, s.participant, s.track.source) for s in self._slots if s.track is not None]
        return Offered(self._version, sdp, tracks, left_out)

    def answer(self, number: int, sdp: str) -> None:
        """The viewer's answer to offer `number`.

        Raises SignallingError; the offer then stays outstanding, and a second answer may come.
        """
        if number != self._outstanding or self.transport is None:
            waiting = f"offer {self._outstanding} is" if self._outstanding is not None else "none is"
            raise SignallingError("wrong_order", f"an answer to offer {number}, but {waiting} waiting for one")
        description = parse(sdp)
        self._check(description)
        if description.live():  # else the viewer takes nothing, and has nothing to say of a transport
            peer = peer_of(description, ("active",))
            if self._fingerprints and peer.fingerprints != self._fingerprints:
                raise SdpError(
                    "unsupported", "the answer has another a=fingerprint than before: say hello anew instead"
                )
            self._fingerprints = peer.fingerprints
            self._plane.expect_fingerprints(self.transport, peer.fingerprints)
        self._outstanding = None
        engine = self._plane.engine
        for slot, section in zip(self._slots, description.sections, strict=True):
            if slot.outgoing is None:
                continue
            spec = answered_spec(slot.offered, section)
            slot.answered = spec is not None
            if spec is None:
                engine.set_subscription_paused(slot.outgoing.subscription, True)
            elif spec != slot.spec:
                slot.spec = spec
                engine.update_subscription(slot.outgoing.subscription, spec)
        self.start()

    def _check(self, answer: Description) -> None:
        """SdpError: an answer has the offer's sections in the offer's order (RFC 3264 6)."""
        if len(answer.sections) != len(self._slots):
            raise SdpError("bad_sdp", f"the answer has {len(answer.sections)} sections, the offer {len(self._slots)}")
        for at, (slot, section) in enumerate(zip(self._slots, answer.sections, strict=True), 1):
            same_mid = section.mid == slot.offered.mid or (section.rejected and not section.mid)
            if section.kind != slot.kind or not same_mid:
                found, offered = f"m={section.kind} mid '{section.mid}'", f"m={slot.kind} mid '{slot.offered.mid}'"
                raise SdpError("bad_sdp", f"section {at} of the answer is {shown(found)}, in the offer {offered}")

    def start(self) -> None:
        """Let flow what the viewer agreed to, once his connection stands."""
        engine = self._plane.engine
        if self.transport is None or not engine.is_connected(self.transport):
            return
        for slot in self._slots:
            if slot.outgoing is not None and slot.answered:
                engine.set_subscription_paused(slot.outgoing.subscription, False)

    def fail(self) -> None:
        """The connection is of no more use: no offers until the viewer asks for a restart."""
        self.close()
        self._failed = True

    def close(self) -> None:
        if self.transport is not None:
            self._plane.engine.close_transport(self.transport)
            self.transport = self._ice = None
        self._slots.clear()
        self._fingerprints = ()
        self._outstanding, self._restart = None, False


def _rest(slot: Slot) -> None:
    slot.track, slot.outgoing, slot.answered, slot.participant = None, None, False, ""


def _stream(slot: Slot) -> str:
    """One media stream per participant and use, so that a browser syncs what belongs together (RFC 8830)."""
    if slot.track is None:
        return "-"
    use = "screen" if slot.track.source.startswith("screen") else "person"
    return f"{use}-{slot.track.transport:x}"
