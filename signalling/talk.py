"""What people say to each other beside their voices: chat, real-time text, the pointer on a shared screen."""

from __future__ import annotations

import msgspec

from media.core.model import ParticipantId, RoomId
from media.core.rooms import Rooms
from signalling import messages
from signalling.audience import Audience
from signalling.conversation import Conversations
from signalling.errors import SignallingError, shown
from signalling.lobby import Lobbies
from signalling.session import Session


class Talk:
    """Sessions in, messages to sessions out."""

    def __init__(self, rooms: Rooms, lobbies: Lobbies, audience: Audience) -> None:
        self._rooms, self._lobbies, self._audience = rooms, lobbies, audience
        self._conversations = Conversations()

    def chat(self, session: Session, message: messages.Chat, unix_s: float) -> None:
        """Say it, and keep it for who comes later.  SignallingError: to whom it may not, or cannot, be said."""
        if not message.text.strip():
            raise SignallingError("bad_message", "a chat message of spaces only says nothing")
        hearing = self._hearing(session, message.to)
        join = session.join
        said = messages.Said(
            self._conversations.next_id(session.room),
            session.participant,
            join.name,
            join.role,
            message.text,
            int(unix_s * 1000),
            message.to,
            self._lobbies.waits(session.room, session.participant) is not None,
        )
        if session not in hearing:
            hearing.append(session)
        self._conversations.keep(session.room, said, [each.participant for each in hearing])
        for each in hearing:
            each.tell(lambda n: messages.Chatted(**msgspec.structs.asdict(said), n=n))

    def typing(self, session: Session, message: messages.Typing) -> None:
        """Pass a line on as it stands.  SignallingError: as chat()."""
        for each in self._hearing(session, message.to):
            if each is not session:
                each.mention(lambda n: messages.Typed(n, session.participant, message.text, message.to))

    def pointer(self, session: Session, message: messages.Pointer) -> None:
        """Pass it on to the others while a screen is shared; the last one may come after that ended."""
        if (message.x is None) is not (message.y is None):
            raise SignallingError("bad_message", "a pointer has x and y, or neither")
        if not self._is_shared(session.room):
            return
        for each in self._audience.inside(session.room):
            if each is not session:
                each.mention(lambda n: messages.Pointed(n, session.participant, message.x, message.y))

    def said(self, session: Session) -> list[messages.Said]:
        """What somebody who comes in may read of what was said before."""
        moderate = session.join.grants.moderate and self._lobbies.waits(session.room, session.participant) is None
        return self._conversations.readable(session.room, session.participant, moderate=moderate)

    def forget(self, room: RoomId) -> None:
        self._conversations.forget(room)

    def _is_shared(self, room: RoomId) -> bool:
        return any(track.source == "screen" for member in self._rooms.members(room) for track in member.tracks)

    def _hearing(self, session: Session, to: str | None) -> list[Session]:
        """Who hears what a session says to somebody."""
        room = session.room
        if self._lobbies.waits(room, session.participant) is not None:
            if to is not None:
                raise SignallingError("waiting", "who waits writes to the staff: leave `to` out")
            return self._audience.moderators(room)
        if to is None:
            return self._audience.inside(room)
        if not session.join.grants.moderate:
            raise SignallingError("forbidden", "writing to one person needs a join token that grants moderating")
        target = self._audience.of(room, ParticipantId(to))
        if target is None:
            raise SignallingError("not_found", f"nobody with the id '{shown(to)}' reads in this room")
        moderators = self._audience.moderators(room)
        return moderators if target in moderators else [*moderators, target]
