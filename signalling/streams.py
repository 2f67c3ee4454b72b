"""What people send and get: their offers, what they mute, and what becomes of their peer connections."""

from __future__ import annotations

from media.core.model import Event, ParticipantId, RoomId, SpeakersChanged, TransportConnected, TransportFailed
from media.core.rooms import Rooms
from signalling import messages
from signalling.audience import Audience
from signalling.company import Company
from signalling.errors import SignallingError
from signalling.media_plane import MediaPlane
from signalling.session import Session


class Streams:
    """Sessions and media events in, messages to sessions out."""

    def __init__(self, plane: MediaPlane, rooms: Rooms, audience: Audience, company: Company) -> None:
        self._plane, self._rooms, self._audience, self._company = plane, rooms, audience, company
        self._speaking: dict[RoomId, list[str]] = {}
        """Only rooms where somebody does."""

    def publish(self, session: Session, message: messages.Publish, now_us: int) -> None:
        """Answer an offer, and tell the room.  SignallingError, LimitError: it changed nothing, or ended what was."""
        sources = {track.mid: track.source for track in message.tracks}
        if len(sources) < len(message.tracks):
            raise SignallingError("bad_message", "two of tracks name the same mid: a section carries one source")
        try:
            answered = session.publishing.offer(message.sdp, sources, now_us)
        finally:
            self._company.changed(session.room, now_us)
        refused = [messages.Refused(mid, reason) for mid, reason in answered.refused]
        session.tell(lambda n: messages.Published(n, message.id, answered.sdp, refused))
        self._company.announce(session.room, session.participant)

    def mute(self, room: RoomId, participant: ParticipantId, source: messages.SourceName, muted: bool) -> None:
        """Stop a source, or let it go on; of who waits, for later."""
        session = self._audience.of(room, participant)
        if session is not None:
            session.publishing.mute(source, muted)
        if self._rooms.find(room, participant) is None:
            return
        changed = self._rooms.set_muted(room, participant, source, muted)
        for track in changed:
            self._plane.engine.set_track_muted(track, muted)
        if changed:
            self._company.announce(room, participant)

    def noticed(self, event: Event, now_us: int) -> None:
        """What the media server noticed."""
        match event:
            case TransportConnected(transport):
                if (found := self._audience.whose(transport)) is not None:
                    self._connected(*found)
            case TransportFailed(transport, reason):
                if reason == "media_restarted":  # it will say anew who speaks
                    self._speaking.clear()
                if (found := self._audience.whose(transport)) is not None:
                    self._failed(*found, reason, now_us)
            case SpeakersChanged(room, participants):
                if participants:
                    self._speaking[room] = list(participants)
                else:
                    self._speaking.pop(room, None)
                self._audience.tell_inside(room, lambda n: messages.Speakers(n, list(participants)))
            case _:
                pass

    def _connected(self, session: Session, connection: messages.Connection) -> None:
        session.subscribing.start()
        session.tell(lambda n: messages.ConnectionState(n, connection, "connected"))
        speaking = self._speaking.get(session.room)
        if connection == "subscribe" and speaking:
            session.tell(lambda n: messages.Speakers(n, speaking))

    def _failed(self, session: Session, connection: messages.Connection, reason: str, now_us: int) -> None:
        """A peer connection is of no more use: what it carried ends, and its rows go to others."""
        session.tell(lambda n: messages.ConnectionState(n, connection, "failed", reason))
        if connection == "publish":
            session.publishing.close()
            self._company.changed(session.room, now_us)
            self._company.announce(session.room, session.participant)
        else:
            session.subscribing.fail()
