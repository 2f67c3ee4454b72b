"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): publish and watch over plain HTTP.  Requests in, decisions out.

The participant of such a connection is the same person in the same room as on a WebSocket: his tracks are announced to
everybody, and one `sub` may have a WebSocket, WHIP and WHEP together.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from media.core.errors import LimitError
from media.core.model import (
    URI_ABS_SEND_TIME,
    URI_AUDIO_LEVEL,
    URI_MID,
    URI_VIDEO_ORIENTATION,
    Event,
    Kind,
    LocalIce,
    Outgoing,
    ParticipantId,
    RoomId,
    SendSpec,
    Source,
    TransportConnected,
    TransportFailed,
    TransportId,
)
from media.core.rooms import PublishedTrack
from signalling.errors import SdpError, SignallingError
from signalling.hub import Hub
from signalling.media_plane import ours
from signalling.negotiation import accepted_extensions, choose, rejected_lines, sending_lines
from signalling.publishing import Publishing
from signalling.sdp import Description, Section, parse, peer_of, write
from signalling.tokens import Join

RESOURCES_MAX = 4  # connections of one kind by one participant: a reload overlaps, a hundred is a mistake
_VIEWER_EXTENSIONS: dict[Kind, tuple[str, ...]] = {
    "audio": (URI_MID, URI_ABS_SEND_TIME, URI_AUDIO_LEVEL),
    "video": (URI_MID, URI_ABS_SEND_TIME, URI_VIDEO_ORIENTATION),
}

STATUS = {
    "bad_sdp": 400,
    "bad_message": 400,
    "token_invalid": 401,
    "token_expired": 401,
    "forbidden": 403,
    "not_found": 404,
    "precondition_failed": 412,
    "too_large": 413,
    "unsupported": 422,
    "rate_limited": 429,
    "room_full": 503,
    "internal": 500,
}
"""HTTP status by error code."""


@dataclass(frozen=True)
class Created:
    """201: Location ends in resource; etag names the ICE session (RFC 9725 4.3.1)."""

    resource: str
    sdp: str
    etag: str


@dataclass(frozen=True)
class Patched:
    """204 without a body (trickle), or 200 with a fragment and a new etag (ICE restart)."""

    fragment: str = ""
    etag: str = ""


@dataclass
class _Viewer:
    """A WHEP connection: what it was given when it asked."""

    transport: TransportId
    ice: LocalIce
    tracks: list[tuple[PublishedTrack, Outgoing]] = field(default_factory=list)


@dataclass
class _Resource:
    kind: Literal["whip", "whep"]
    join: Join
    token_hash: bytes
    etag: str
    publishing: Publishing | None = None
    viewer: _Viewer | None = None

    @property
    def transport(self) -> TransportId | None:
        if self.publishing is not None:
            return self.publishing.transport
        return self.viewer.transport if self.viewer is not None else None


class HttpSessions:
    """All WHIP and WHEP connections of a process."""

    def __init__(self, hub: Hub, entropy: Callable[[int], bytes]) -> None:
        self._hub = hub
        self._entropy = entropy
        self._resources: dict[str, _Resource] = {}

    # -- requests ------------------------------------------------------------------------------

    def publish(self, room: str, token: str, offer: str, now_us: int, unix_s: float) -> Created:
        """POST /whip/{room}.  Raises SignallingError; STATUS gives the response."""
        join = self._admit(room, token, unix_s, "whip")
        description = parse(offer)
        sources = _sources(description, join)
        if not sources:
            raise SignallingError("forbidden", "the token grants no publishing of what is offered")
        self._enter(join)
        publishing = Publishing(
            self._hub.plane,
            self._hub.rooms,
            RoomId(join.room),
            ParticipantId(join.participant),
            join.grants,
            self._hub.video_preference,
        )
        try:
            answered = publishing.offer(offer, sources, now_us)
            if len(answered.refused) == len(sources):
                raise SdpError("unsupported", f"nothing of the offer can be used: {answered.refused[0][1]}")
        except (SignallingError, LimitError) as error:
            publishing.close()
            self._leave(join, now_us)
            raise _as_signalling(error) from None
        resource = _Resource("whip", join, _hashed(token), self._etag(), publishing=publishing)
        self._hub.room_changed(RoomId(join.room), now_us)
        self._hub.announce(RoomId(join.room), ParticipantId(join.participant))
        return self._created(resource, answered.sdp)

    def watch(self, room: str, token: str, offer: str, now_us: int, unix_s: float) -> Created:
        """POST /whep/{room}: the offer's sections are filled with the others' tracks in publish order."""
        join = self._admit(room, token, unix_s, "whep")
        if not join.grants.subscribe:
            raise SignallingError("forbidden", "the token does not grant watching")
        description = parse(offer)
        peer = peer_of(description, ("actpass", "active"))
        self._enter(join)
        engine = self._hub.plane.engine
        transport: TransportId | None = None
        try:
            transport, ice = engine.open_transport(now_us)
            viewer = _Viewer(transport, ice)
            self._hub.plane.expect_fingerprints(transport, peer.fingerprints)
            sdp = self._fill(description, viewer, join)
        except (SignallingError, LimitError) as error:
            if transport is not None:
                engine.close_transport(transport)
            self._leave(join, now_us)
            raise _as_signalling(error) from None
        return self._created(_Resource("whep", join, _hashed(token), self._etag(), viewer=viewer), sdp)

    def patch(
        self, kind: str, room: str, identifier: str, token: str, fragment: str, if_match: str | None, unix_s: float
    ) -> Patched:
        """PATCH: trickled candidates are taken note of (ICE-lite needs none), an ICE restart is answered.

        Raises SignallingError; precondition_failed is 412.
        """
        resource = self._find(kind, room, identifier, token, unix_s)
        ufrag = next((line[12:] for line in fragment.splitlines() if line.startswith("a=ice-ufrag:")), None)
        restart = ufrag is not None and (if_match == "*" or if_match is None) and "a=candidate:" not in fragment
        if not restart:
            if if_match is not None and if_match.strip('"') not in ("*", resource.etag):
                raise SignallingError("precondition_failed", "the ICE session has another ETag by now")
            return Patched()
        transport = resource.transport
        if transport is None:
            raise SignallingError("not_found", "this connection is over")
        ice = self._hub.plane.engine.restart_ice(transport)
        resource.etag = self._etag()
        lines = [f"a=ice-ufrag:{ice.ufrag}", f"a=ice-pwd:{ice.pwd}", "a=ice-lite"]
        lines += [f"a=candidate:{candidate.sdp()}" for candidate in self._hub.plane.candidates]
        return Patched("\r\n".join([*lines, "a=end-of-candidates"]) + "\r\n", resource.etag)

    def delete(self, kind: str, room: str, identifier: str, token: str, now_us: int, unix_s: float) -> None:
        """DELETE: end the connection."""
        self._find(kind, room, identifier, token, unix_s)
        self._end(identifier, now_us)

    # -- what happens meanwhile ----------------------------------------------------------------

    def media_events(self, events: list[Event], now_us: int) -> None:
        """A connection that stands lets its tracks flow; one that failed ends."""
        by_transport = {resource.transport: identifier for identifier, resource in self._resources.items()}
        engine = self._hub.plane.engine
        for event in events:
            identifier = by_transport.get(getattr(event, "transport", None))
            if identifier is None:
                continue
            viewer = self._resources[identifier].viewer
            if isinstance(event, TransportConnected) and viewer is not None:
                alive = {t.serial for _, t in self._others(self._resources[identifier].join)}
                for track, outgoing in viewer.tracks:
                    if track.serial in alive:
                        engine.set_subscription_paused(outgoing.subscription, False)
            elif isinstance(event, TransportFailed):
                self._end(identifier, now_us)

    def close_all(self, now_us: int) -> None:
        for identifier in list(self._resources):
            self._end(identifier, now_us)

    def count(self) -> int:
        return len(self._resources)

    # -- parts ---------------------------------------------------------------------------------

    def _admit(self, room: str, token: str, unix_s: float, kind: str) -> Join:
        if self._hub.draining:
            raise SignallingError("room_full", "the server is stopping: try again in a minute")
        join = self._hub.tokens.verify(token, unix_s, room)
        self._hub.check_admission(join)
        mine = [
            r
            for r in self._resources.values()
            if r.kind == kind and (r.join.room, r.join.participant) == (room, join.participant)
        ]
        if len(mine) >= RESOURCES_MAX:
            raise SignallingError("rate_limited", f"at most {RESOURCES_MAX} connections of a kind per participant")
        return join

    def _enter(self, join: Join) -> None:
        try:
            self._hub.enter_elsewhere(join)
        except LimitError as error:
            raise SignallingError("room_full", str(error)) from None

    def _leave(self, join: Join, now_us: int) -> None:
        self._hub.leave_elsewhere(RoomId(join.room), ParticipantId(join.participant), now_us)

    def _created(self, resource: _Resource, sdp: str) -> Created:
        identifier = self._random_text(16)
        self._resources[identifier] = resource
        return Created(identifier, sdp, resource.etag)

    def _find(self, kind: str, room: str, identifier: str, token: str, unix_s: float) -> _Resource:
        resource = self._resources.get(identifier)
        if resource is None or resource.kind != kind or resource.join.room != room:
            raise SignallingError("not_found", "no such connection")
        if hmac.compare_digest(_hashed(token), resource.token_hash):
            return resource  # the token that opened it closes it, also after it expired
        join = self._hub.tokens.verify(token, unix_s, room)
        if join.participant != resource.join.participant:
            raise SignallingError("forbidden", "this connection is somebody else's")
        return resource

    def _others(self, join: Join) -> list[tuple[object, PublishedTrack]]:
        return list(self._hub.rooms.others(RoomId(join.room), ParticipantId(join.participant)))

    def _fill(self, offer: Description, viewer: _Viewer, join: Join) -> str:
        """The answer: each section gets the next track of its kind, what is left over rests."""
        engine = self._hub.plane.engine
        waiting = [track for _, track in self._others(join)]
        mine = ours(self._hub.plane, viewer.ice, offering=False)
        blocks: list[list[str]] = []
        bundled: list[str] = []
        for section in offer.sections:
            if section.rejected or section.kind not in ("audio", "video"):
                blocks.append(rejected_lines(section))
                continue
            kind: Kind = "audio" if section.kind == "audio" else "video"
            track, spec = self._match(section, kind, waiting)
            if spec is None:
                chosen = choose(section, self._hub.video_preference)
                if chosen is None:
                    blocks.append(rejected_lines(section))
                    continue
                spec = SendSpec(section.mid, chosen.payload_type, chosen.rtx_payload_type)
                blocks.append(sending_lines(kind, chosen.codec, spec, None, "-", mine, section.protocol))
            else:
                assert track is not None
                outgoing = engine.add_subscription(viewer.transport, track.track, spec)
                engine.set_subscription_paused(outgoing.subscription, True)
                viewer.tracks.append((track, outgoing))
                codec = engine.track_spec(track.track).codec
                stream = f"{'screen' if track.source.startswith('screen') else 'person'}-{track.transport:x}"
                blocks.append(sending_lines(kind, codec, spec, outgoing, stream, mine, section.protocol))
            bundled.append(section.mid)
        return write(viewer.transport + 1, 1, bundled, blocks)

    def _match(
        self, section: Section, kind: Kind, waiting: list[PublishedTrack]
    ) -> tuple[PublishedTrack | None, SendSpec | None]:
        """The first waiting track that this section can carry; it is taken from the list."""
        if section.direction not in ("recvonly", "sendrecv"):
            return None, None
        engine = self._hub.plane.engine
        for track in waiting:
            source = engine.track_spec(track.track)
            if source.kind != kind:
                continue
            chosen = choose(section, (source.codec.name,))
            if chosen is None:
                continue
            waiting.remove(track)
            nack = "nack" in section.feedback.get(chosen.payload_type, set()) and chosen.rtx_payload_type is not None
            ids = accepted_extensions(section, _VIEWER_EXTENSIONS[kind])
            return track, SendSpec(section.mid, chosen.payload_type, chosen.rtx_payload_type, ids, nack=nack)
        return None, None

    def _end(self, identifier: str, now_us: int) -> None:
        resource = self._resources.pop(identifier)
        if resource.publishing is not None:
            resource.publishing.close()
        if resource.viewer is not None:
            self._hub.plane.engine.close_transport(resource.viewer.transport)
        self._leave(resource.join, now_us)

    def _etag(self) -> str:
        return self._random_text(9)

    def _random_text(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._entropy(size)).decode().rstrip("=")


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _as_signalling(error: SignallingError | LimitError) -> SignallingError:
    return error if isinstance(error, SignallingError) else SignallingError("room_full", str(error))


def _sources(offer: Description, join: Join) -> dict[str, Source]:
    """What a WHIP offer's sections carry: it does not say, so the first video is the camera, the second the screen."""
    sources: dict[str, Source] = {}
    order: dict[str, list[Source]] = {"audio": ["microphone", "screen_audio"], "video": ["camera", "screen"]}
    if "video" not in join.grants.publish:
        order["video"] = ["screen"]
    for section in offer.sections:
        left = order.get(section.kind, [])
        if left and not section.rejected and section.direction in ("sendonly", "sendrecv"):
            sources[section.mid] = left.pop(0)
    return sources
