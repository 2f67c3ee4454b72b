"""Who hears what is said in a room: the sessions of those who are in, who wait, who moderate."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from media.core.model import ParticipantId, RoomId, TransportId
from media.core.rooms import Rooms
from signalling import messages
from signalling.lobby import Lobbies
from signalling.session import Session


class Audience:
    """All WebSocket sessions of a process.  Who is where is known by rooms and lobbies."""

    def __init__(self, rooms: Rooms, lobbies: Lobbies) -> None:
        self._rooms, self._lobbies = rooms, lobbies
        self._sessions: dict[str, Session] = {}
        self._by_participant: dict[tuple[RoomId, ParticipantId], Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        """A copy: sessions may end meanwhile."""
        return iter(list(self._sessions.values()))

    def add(self, session: Session) -> None:
        self._sessions[session.id] = session
        self._by_participant[session.room, session.participant] = session

    def discard(self, session: Session) -> None:
        self._sessions.pop(session.id, None)
        key = session.room, session.participant
        if self._by_participant.get(key) is session:
            del self._by_participant[key]

    def session(self, identifier: str) -> Session | None:
        return self._sessions.get(identifier)

    def of(self, room: RoomId, participant: ParticipantId) -> Session | None:
        return self._by_participant.get((room, participant))

    def whose(self, transport: TransportId) -> tuple[Session, messages.Connection] | None:
        """The session that a peer connection belongs to."""
        for session in self._sessions.values():
            if session.publishing.transport == transport:
                return session, "publish"
            if session.subscribing.transport == transport:
                return session, "subscribe"
        return None

    def inside(self, room: RoomId) -> list[Session]:
        found = (self.of(room, member.id) for member in self._rooms.members(room))
        return [session for session in found if session is not None]

    def waiting(self, room: RoomId) -> list[Session]:
        found = (self.of(room, participant) for participant, _ in self._lobbies.waiting(room))
        return [session for session in found if session is not None]

    def moderators(self, room: RoomId) -> list[Session]:
        """Who is in and may let others in."""
        return [session for session in self.inside(room) if session.join.grants.moderate]

    def everybody(self, room: RoomId) -> list[Session]:
        return [*self.inside(room), *self.waiting(room)]

    def tell_inside(
        self, room: RoomId, make: Callable[[int], messages.FromServer], *, but: ParticipantId | None = None
    ) -> None:
        for session in self.inside(room):
            if session.participant != but:
                session.tell(make)
