"""One publishing peer connection: offers in, answers out, tracks in the engine and the room.

Used by WebSocket sessions and by WHIP alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from media.core.errors import LimitError
from media.core.model import Kind, LocalIce, ParticipantId, ReceiveSpec, RoomId, Source, TransportId
from media.core.rooms import PublishedTrack, Rooms
from signalling.errors import SdpError
from signalling.media_plane import MediaPlane, ours
from signalling.negotiation import VIDEO_PREFERENCE, answer, choose, receive_spec
from signalling.sdp import parse, peer_of
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
    """refused: (mid, reason) of sections that were not taken."""

    sdp: str
    refused: list[tuple[str, str]] = field(default_factory=list)


class Publishing:
    """State of one publish connection.  transport is None before the first offer."""

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
        self._version = 0
        self._by_mid: dict[str, PublishedTrack] = {}

    def offer(self, sdp: str, sources: Mapping[str, Source], now_us: int) -> Answered:
        """Answer an offer, the first or a renegotiation.

        sources: by mid, what each section carries.
        Raises SdpError (nothing changed) or LimitError.
        """
        offer = parse(sdp)
        peer = peer_of(offer, ("actpass", "active"))
        unknown = set(sources) - {section.mid for section in offer.sections}
        if unknown:
            raise SdpError("bad_sdp", f"tracks name the mid {sorted(unknown)[0]!r}, which the SDP does not have")
        engine = self._plane.engine
        if self.transport is None:
            self.transport, self._ice = engine.open_transport(now_us)
        elif peer.ufrag != self._remote_ufrag:
            self._ice = engine.restart_ice(self.transport)
        self._remote_ufrag = peer.ufrag
        self._plane.expect_fingerprints(self.transport, peer.fingerprints)
        answered = Answered("")
        specs = {}
        for section in offer.sections:
            source = sources.get(section.mid)
            wanted = not section.rejected and section.direction in ("sendonly", "sendrecv") and source is not None
            if not wanted:
                self._unpublish(section.mid)
                continue
            assert source is not None
            known = self._by_mid.get(section.mid)
            chosen = choose(section, self._preference)
            reason = self._refusal(section.kind, source)
            if reason is None and chosen is None:
                reason = "unsupported_codec"
            if reason is not None or chosen is None:
                self._unpublish(section.mid)
                answered.refused.append((section.mid, reason or ""))
                continue
            spec = receive_spec(section, source, chosen)
            if known is None:
                self._publish(self.transport, section.mid, source, spec)
            specs[section.mid] = spec
        for mid in set(self._by_mid) - set(specs):
            self._unpublish(mid)
        assert self._ice is not None
        self._version += 1
        mine = ours(self._plane, self._ice, offering=False)
        answered.sdp = answer(offer, specs, mine, self.transport + 1, self._version)
        return answered

    def _refusal(self, kind: str, source: Source) -> str | None:
        if SOURCE_GRANT[source] not in self._grants.publish:
            return "forbidden"
        if _KIND[source] != kind:
            return "wrong_kind"
        return None

    def _publish(self, transport: TransportId, mid: str, source: Source, spec: ReceiveSpec) -> None:
        engine = self._plane.engine
        track = engine.add_track(transport, self._room, self._participant, spec)
        published = PublishedTrack(track, transport, source, mid)
        try:
            self._rooms.publish(self._room, self._participant, published)
        except LimitError:
            engine.remove_track(track)
            raise
        self._by_mid[mid] = published

    def _unpublish(self, mid: str) -> None:
        published = self._by_mid.pop(mid, None)
        if published is not None:
            self._rooms.unpublish(self._room, self._participant, published.track)
            self._plane.engine.remove_track(published.track)

    def close(self) -> None:
        """End the connection and its tracks."""
        for mid in list(self._by_mid):
            self._unpublish(mid)
        if self.transport is not None:
            self._plane.engine.close_transport(self.transport)
            self.transport = None
