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

from media.core.commands import Commands
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
from signalling.fragments import parse_fragment, section_head, write_fragment
from signalling.hub import Hub
from signalling.media_plane import ours
from signalling.messages import LeftReason
from signalling.negotiation import Chosen, accepted_extensions, choose, rejected_lines, sending_lines
from signalling.publishing import SOURCE_GRANT, Publishing
from signalling.sdp import Description, Peer, Section, credentials_fit, parse, peer_of, write
from signalling.tokens import TOKEN_MAX, Join

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
    "waiting": 403,
    "not_found": 404,
    "precondition_failed": 412,
    "too_large": 413,
    "unsupported": 422,
    "precondition_required": 428,
    "rate_limited": 429,
    "room_full": 503,
    "draining": 503,
    "internal": 500,
}
"""HTTP status by error code."""


@dataclass(frozen=True)
class Created:
    """201: Location ends in resource; etag names the ICE session (RFC 9725 4.3.1); links are TURN servers (4.6)."""

    resource: str
    sdp: str
    etag: str
    links: tuple[str, ...] = ()


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
    remote_ufrag: str
    """Of the ICE session that etag names; another one in a PATCH is an ICE restart."""
    head: tuple[str, ...]
    """How fragments name the m-section of the transport."""
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
        hub.company.elsewhere = self

    # -- requests ------------------------------------------------------------------------------

    def publish(self, room: str, token: str, offer: str, now_us: int, unix_s: float) -> Created:
        """POST /whip/{room}.  Raises SignallingError; STATUS gives the response."""
        self._hub.clock.read(now_us, unix_s)
        join = self._admit(room, token, unix_s, "whip")
        description = parse(offer)
        peer = peer_of(description, ("actpass", "active"))
        sources = _sources(description, join)
        new = self._enter(join)
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
                reason = answered.refused[0][1]
                code = {"forbidden": "forbidden", "full": "room_full"}.get(reason, "unsupported")
                raise SignallingError(code, f"nothing of the offer can be published: {reason}")
        except (SignallingError, LimitError) as error:
            publishing.close()
            self._hub.company.abandon_elsewhere(join)
            raise _as_signalling(error) from None
        resource = self._resource("whip", join, token, peer, description)
        resource.publishing = publishing
        self._hub.company.settle_elsewhere(join, new=new, published=True, now_us=now_us)
        return self._created(resource, answered.sdp)

    def watch(self, room: str, token: str, offer: str, now_us: int, unix_s: float) -> Created:
        """POST /whep/{room}: the offer's sections are filled with the others' tracks in publish order."""
        self._hub.clock.read(now_us, unix_s)
        join = self._admit(room, token, unix_s, "whep")
        if not join.grants.subscribe:
            raise SignallingError("forbidden", "the join token does not grant watching")
        description = parse(offer)
        peer = peer_of(description, ("actpass", "active"))
        if all(choose(section, self._hub.video_preference) is None for section in description.live()):
            raise SdpError("unsupported", "no section of the offer has a codec that passes through here")
        new = self._enter(join)
        engine = self._hub.plane.engine
        transport: TransportId | None = None
        try:
            transport, ice = engine.open_transport(now_us)
            viewer = _Viewer(transport, ice)
            self._hub.plane.expect_fingerprints(transport, peer.fingerprints)
            sdp = self._fill(description, viewer, join)
        except LimitError as error:
            if transport is not None:
                engine.close_transport(transport)
            self._hub.company.abandon_elsewhere(join)
            raise _as_signalling(error) from None
        resource = self._resource("whep", join, token, peer, description)
        resource.viewer = viewer
        self._hub.company.settle_elsewhere(join, new=new, published=False, now_us=now_us)
        return self._created(resource, sdp)

    def patch(
        self, kind: str, room: str, identifier: str, token: str, fragment: str, if_match: str | None, unix_s: float
    ) -> Patched:
        """PATCH: trickled candidates are taken note of (ICE-lite needs none), an ICE restart is answered.

        Another ufrag is a restart, which If-Match: * asks for (RFC 9725 4.3.3); for the rest If-Match names the ETag.
        Raises SignallingError; precondition_required is 428, precondition_failed 412.
        """
        resource = self._find(kind, room, identifier, token, unix_s)
        if if_match is None:
            raise SignallingError("precondition_required", 'If-Match is missing: the ETag, or "*" for an ICE restart')
        read = parse_fragment(fragment)
        restart = read.ufrag is not None and read.ufrag != resource.remote_ufrag
        tags = {tag.strip().strip('"') for tag in if_match.split(",")}
        if not tags & ({"*"} if restart else {"*", resource.etag}):
            wanted = '"*" with a new a=ice-ufrag' if restart else "the latest ETag"
            raise SignallingError(
                "precondition_failed", f"this ICE session has another ETag: If-Match must be {wanted}"
            )
        if not restart:
            return Patched()
        if not credentials_fit(read.ufrag, read.password):
            raise SdpError("bad_sdp", "an ICE restart needs a=ice-ufrag of 4 and a=ice-pwd of 22 or more characters")
        assert resource.transport is not None and read.ufrag is not None
        plane = self._hub.plane
        mine = ours(plane, plane.engine.restart_ice(resource.transport), offering=False)
        resource.etag, resource.remote_ufrag = self._etag(), read.ufrag
        return Patched(write_fragment(resource.head, mine), resource.etag)

    def delete(self, kind: str, room: str, identifier: str, token: str, now_us: int, unix_s: float) -> None:
        """DELETE: end the connection."""
        self._find(kind, room, identifier, token, unix_s)
        self._end(identifier, "left", now_us)

    # -- what happens meanwhile ----------------------------------------------------------------

    def media_events(self, events: list[Event], now_us: int) -> None:
        """A connection that stands lets its tracks flow; one that failed ends."""
        by_transport = {resource.transport: identifier for identifier, resource in self._resources.items()}
        engine = self._hub.plane.engine
        for event in events:
            identifier = by_transport.get(getattr(event, "transport", None))
            resource = self._resources.get(identifier or "")
            if identifier is None or resource is None:
                continue
            viewer = resource.viewer
            if isinstance(event, TransportConnected) and viewer is not None:
                alive = {track.serial for track in self._others(resource.join)}
                for track, outgoing in viewer.tracks:
                    if track.serial in alive:
                        engine.set_subscription_paused(outgoing.subscription, False)
            elif isinstance(event, TransportFailed):
                self._end(identifier, "left" if event.reason == "closed_by_peer" else "lost", now_us)

    def end_of(self, room: RoomId, participant: ParticipantId | None, reason: LeftReason, now_us: int) -> None:
        """See company.Elsewhere."""
        for identifier, resource in list(self._resources.items()):
            if resource.join.room == room and participant in (None, resource.join.participant):
                self._end(identifier, reason, now_us)

    def close_all(self, now_us: int) -> None:
        for identifier in list(self._resources):
            self._end(identifier, "left", now_us)

    def count(self) -> int:
        return len(self._resources)

    # -- parts ---------------------------------------------------------------------------------

    def _admit(self, room: str, token: str, unix_s: float, kind: str) -> Join:
        if self._hub.draining:
            raise SignallingError("draining", "the server is stopping: try again in a minute")
        join = self._hub.tokens.verify(token, unix_s, room)
        self._hub.check_admission(join)
        self._hub.check_let_in(join)
        mine = [
            r
            for r in self._resources.values()
            if r.kind == kind and (r.join.room, r.join.participant) == (room, join.participant)
        ]
        if len(mine) >= RESOURCES_MAX:
            most = f"{RESOURCES_MAX} {kind.upper()} connections of one participant"
            raise SignallingError("rate_limited", f"at most {most}: DELETE one first")
        return join

    def _enter(self, join: Join) -> bool:
        try:
            return self._hub.company.enter_elsewhere(join)
        except LimitError as error:
            raise _as_signalling(error) from None

    def _resource(
        self, kind: Literal["whip", "whep"], join: Join, token: str, peer: Peer, offer: Description
    ) -> _Resource:
        return _Resource(kind, join, _hashed(token), self._etag(), peer.ufrag, section_head(offer))

    def _created(self, resource: _Resource, sdp: str) -> Created:
        identifier = self._random_text(16)
        self._resources[identifier] = resource
        clock = self._hub.clock
        links = self._hub.relays.links(resource.join, clock.unix_s(clock.now_us))
        return Created(identifier, sdp, resource.etag, links)

    def _find(self, kind: str, room: str, identifier: str, token: str, unix_s: float) -> _Resource:
        resource = self._resources.get(identifier)
        if resource is None or resource.kind != kind or resource.join.room != room:
            raise SignallingError("not_found", "this connection is over, or never was: POST for a new one")
        if not token.isascii() or len(token) > TOKEN_MAX:
            raise SignallingError("token_invalid", f"a join token is a JWT of 1 to {TOKEN_MAX} characters")
        if hmac.compare_digest(_hashed(token), resource.token_hash):
            return resource  # the token that opened it closes it, also after it expired
        join = self._hub.tokens.verify(token, unix_s, room)
        if join.participant != resource.join.participant:
            raise SignallingError("forbidden", "this connection is somebody else's")
        return resource

    def _others(self, join: Join) -> list[PublishedTrack]:
        """Everybody else's tracks, whoever they belong to in the order in which they were published."""
        others = self._hub.rooms.others(RoomId(join.room), ParticipantId(join.participant))
        return sorted((track for _, track in others), key=lambda track: track.serial)

    def _fill(self, offer: Description, viewer: _Viewer, join: Join) -> str:
        """The answer: each section gets the next track of its kind, what is left over rests."""
        engine = self._hub.plane.engine
        waiting = self._others(join)
        mine = ours(self._hub.plane, viewer.ice, offering=False)
        blocks: list[list[str]] = []
        bundled: list[str] = []
        live = {section.mid for section in offer.live()}
        for section in offer.sections:
            rests = choose(section, self._hub.video_preference) if section.mid in live else None
            if rests is None:
                blocks.append(rejected_lines(section))
                continue
            kind: Kind = "audio" if section.kind == "audio" else "video"
            found = _match(engine, section, waiting)
            if found is None:
                spec = SendSpec(section.mid, rests.payload_type, rests.rtx_payload_type)
                blocks.append(sending_lines(kind, rests.codec, spec, None, "-", mine, section.protocol))
            else:
                track, chosen = found
                waiting.remove(track)
                spec = _send_spec(section, kind, chosen)
                outgoing = engine.add_subscription(viewer.transport, track.track, spec, paused=True)
                viewer.tracks.append((track, outgoing))
                stream = f"{'screen' if track.source.startswith('screen') else 'person'}-{track.transport:x}"
                blocks.append(sending_lines(kind, chosen.codec, spec, outgoing, stream, mine, section.protocol))
            bundled.append(section.mid)
        return write(viewer.transport + 1, 1, bundled, blocks)

    def _end(self, identifier: str, reason: LeftReason, now_us: int) -> None:
        resource = self._resources.pop(identifier)
        if resource.publishing is not None:
            resource.publishing.close()
        if resource.viewer is not None:
            self._hub.plane.engine.close_transport(resource.viewer.transport)
        room, participant = RoomId(resource.join.room), ParticipantId(resource.join.participant)
        self._hub.company.leave_elsewhere(room, participant, reason, now_us)

    def _etag(self) -> str:
        return self._random_text(9)

    def _random_text(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._entropy(size)).decode().rstrip("=")


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _as_signalling(error: SignallingError | LimitError) -> SignallingError:
    return error if isinstance(error, SignallingError) else SignallingError("room_full", str(error))


def _match(engine: Commands, section: Section, waiting: list[PublishedTrack]) -> tuple[PublishedTrack, Chosen] | None:
    """The first waiting track that a section can carry, and how."""
    if section.direction not in ("recvonly", "sendrecv"):
        return None
    for track in waiting:
        source = engine.track_spec(track.track)
        chosen = choose(section, (source.codec.name,)) if source.kind == section.kind else None
        if chosen is not None:
            return track, chosen
    return None


def _send_spec(section: Section, kind: Kind, chosen: Chosen) -> SendSpec:
    nack = "nack" in section.feedback.get(chosen.payload_type, set()) and chosen.rtx_payload_type is not None
    ids = accepted_extensions(section, _VIEWER_EXTENSIONS[kind])
    return SendSpec(section.mid, chosen.payload_type, chosen.rtx_payload_type, ids, nack=nack)


def _sources(offer: Description, join: Join) -> dict[str, Source]:
    """What a WHIP offer's sections carry: it does not say, so the first video is the camera, the second the screen.

    A token without the camera, or without the microphone, makes it the screen, or its sound, at once.
    Raises SignallingError: nothing is sent, or nothing that the token grants.
    """
    order: dict[str, list[Source]] = {"audio": ["microphone", "screen_audio"], "video": ["camera", "screen"]}
    for granted in order.values():
        granted[:] = [source for source in granted if SOURCE_GRANT[source] in join.grants.publish]
    sending = [section for section in offer.live() if section.direction in ("sendonly", "sendrecv")]
    if not sending:
        raise SdpError("unsupported", "the offer sends nothing: WHIP needs a sendonly section")
    sources = {section.mid: order[section.kind].pop(0) for section in sending if order[section.kind]}
    if not sources:
        raise SignallingError("forbidden", "the join token grants no publishing of what is offered")
    return sources
