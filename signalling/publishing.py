"""One publishing peer connection: offers in, answers out, tracks in the engine and the room.

Used by WebSocket sessions and by WHIP alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from media.core.errors import LimitError
from media.core.model import Kind, LocalIce, ParticipantId, ReceiveSpec, RoomId, Source, TransportId
from media.core.rooms import PublishedTrack, Rooms
from signalling.errors import SdpError, shown
from signalling.media_plane import MediaPlane, ours
from signalling.messages import RefusedReason
from signalling.negotiation import VIDEO_PREFERENCE, answer, choose, receive_spec
from signalling.sdp import Description, Peer, Section, parse, peer_of
from signalling.tokens import Grants, Medium

SOURCE_GRANT: dict[Source, Medium] = {
    "microphone": "audio",
    "camera": "video",
    "screen": "screen",
    "screen_audio": "screen",
}
_KIND: dict[Source, Kind] = {"microphone": "audio", "camera": "video", "screen": "video", "screen_audio": "audio"}


@dataclass
class Answered:
    """refused: (mid, reason) of sections that were to carry a source and do not."""

    sdp: str
    refused: list[tuple[str, RefusedReason]] = field(default_factory=list)


class Publishing:
    """State of one publish connection.  transport is None before the first offer and after close()."""

    def __init__(
        self,
        plane: MediaPlane,
        rooms: Rooms,
        room: RoomId,
        participant: ParticipantId,
        grants: Grants,
        preference: tuple[str, ...] = VIDEO_PREFERENCE,
    ) -> None:
        self._plane, self._rooms = plane, rooms
        self._room, self._participant, self._grants = room, participant, grants
        self._preference = preference
        self.transport: TransportId | None = None
        self._ice: LocalIce | None = None
        self._remote_ufrag = ""
        self._fingerprints: tuple[tuple[str, str], ...] = ()
        self._version = 0
        self._by_mid: dict[str, PublishedTrack] = {}
        self._muted: set[Source] = set()

    def offer(self, sdp: str, sources: Mapping[str, Source], now_us: int) -> Answered:
        """Answer an offer, the first or a renegotiation.

        sources: by mid, what each section carries.
        Raises SdpError: nothing changed.  LimitError: no transport is left, and nothing is published.
        """
        offer = parse(sdp)
        peer = peer_of(offer, ("actpass", "active"))
        _check(offer, sources)
        self._connect(peer, now_us)
        assert self.transport is not None and self._ice is not None
        answered = Answered("")
        wanted = self._wanted(offer, sources, answered)
        # What goes, goes first: it may hold the SSRC or the last place that a new track needs.
        for mid, published in list(self._by_mid.items()):
            if mid not in wanted or self._is_another(published, *wanted[mid]):
                self._unpublish(mid)
        for mid, (source, spec) in wanted.items():
            if mid not in self._by_mid:
                try:
                    self._publish(self.transport, mid, source, spec)
                except LimitError:
                    answered.refused.append((mid, "full"))
        self._version += 1
        mine = ours(self._plane, self._ice, offering=False)
        answered.sdp = answer(offer, self._by_mid.keys(), self._preference, mine, self.transport + 1, self._version)
        return answered

    def mute(self, source: Source, muted: bool) -> None:
        """Remember a wish about a source, for tracks that are yet to come: it does not end with a track."""
        if muted:
            self._muted.add(source)
        else:
            self._muted.discard(source)

    def close(self) -> None:
        """End the connection and its tracks.  The next offer begins another one."""
        for mid in list(self._by_mid):
            self._unpublish(mid)
        if self.transport is not None:
            self._plane.engine.close_transport(self.transport)
            self.transport = self._ice = None

    # -- parts of an offer ---------------------------------------------------------------------

    def _connect(self, peer: Peer, now_us: int) -> None:
        """The transport for an offer: the one there is, after an ICE restart, or a new one.

        Another certificate is another RTCPeerConnection: what we share with the old one is of no use to it.
        """
        if self.transport is not None and peer.fingerprints != self._fingerprints:
            self.close()
        if self.transport is None:
            self.transport, self._ice = self._plane.engine.open_transport(now_us)
            self._plane.expect_fingerprints(self.transport, peer.fingerprints)
        elif peer.ufrag != self._remote_ufrag:
            self._ice = self._plane.engine.restart_ice(self.transport)
        self._remote_ufrag, self._fingerprints = peer.ufrag, peer.fingerprints

    def _wanted(
        self, offer: Description, sources: Mapping[str, Source], answered: Answered
    ) -> dict[str, tuple[Source, ReceiveSpec]]:
        """What is to be published after an offer, by mid; what is refused goes to answered."""
        wanted: dict[str, tuple[Source, ReceiveSpec]] = {}
        for section in offer.sections:
            source = sources.get(section.mid)
            if source is None:
                continue
            chosen = choose(section, self._preference)
            reason = self._refusal(section, source)
            if reason is None and source in (each for each, _ in wanted.values()):
                reason = "duplicate_source"
            if reason is not None or chosen is None:
                answered.refused.append((section.mid, reason or "unsupported_codec"))
            else:
                wanted[section.mid] = source, receive_spec(section, source, chosen)
        return wanted

    def _refusal(self, section: Section, source: Source) -> RefusedReason | None:
        if SOURCE_GRANT[source] not in self._grants.publish:
            return "forbidden"
        if _KIND[source] != section.kind:
            return "wrong_kind"
        if section.rejected or section.direction not in ("sendonly", "sendrecv"):
            return "not_sending"
        return None

    def _is_another(self, published: PublishedTrack, source: Source, spec: ReceiveSpec) -> bool:
        """Whether a section that was published carries something else now."""
        known = self._plane.engine.track_spec(published.track)
        return published.source != source or known != spec

    def _publish(self, transport: TransportId, mid: str, source: Source, spec: ReceiveSpec) -> None:
        engine = self._plane.engine
        track = engine.add_track(transport, self._room, self._participant, spec)
        muted = source in self._muted
        published = PublishedTrack(track, transport, source, mid, muted)
        try:
            self._rooms.publish(self._room, self._participant, published)
        except LimitError:
            engine.remove_track(track)
            raise
        if muted:
            engine.set_track_muted(track, True)
        self._by_mid[mid] = published

    def _unpublish(self, mid: str) -> None:
        published = self._by_mid.pop(mid)
        self._rooms.unpublish(self._room, self._participant, published.track)
        self._plane.engine.remove_track(published.track)


def _check(offer: Description, sources: Mapping[str, Source]) -> None:
    """SdpError: a source for a section that is not there, or two sections with one SSRC (RFC 8843 9.2)."""
    for mid in sources:
        if offer.section(mid) is None:
            raise SdpError("bad_sdp", f"tracks name the mid '{shown(mid)}', which the SDP does not have")
    owners: dict[int, str] = {}
    for section in offer.live():
        for ssrc in {*section.ssrcs, *section.retransmissions.values()}:
            if owners.setdefault(ssrc, section.mid) != section.mid:
                raise SdpError("bad_sdp", f"sections {owners[ssrc]} and {section.mid} have the same a=ssrc:{ssrc}")
