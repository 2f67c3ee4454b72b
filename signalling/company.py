"""Who is in a room together: how they come and go, and what the others are told and offered then.

A person is in once, however many connections he has: a WebSocket, WHIP and WHEP.  He has left when the last one ended.
"""

from __future__ import annotations

from typing import Protocol

from media.core.errors import LimitError
from media.core.model import ParticipantId, RoomId
from media.core.rooms import Member, Rooms
from signalling import messages, people
from signalling.audience import Audience
from signalling.lobby import Lobbies
from signalling.session import Session
from signalling.tokens import Join


class Elsewhere(Protocol):
    """Connections of participants that are no WebSocket sessions: WHIP and WHEP."""

    def end_of(self, room: RoomId, participant: ParticipantId | None, reason: messages.LeftReason, now_us: int) -> None:
        """End those of a participant, or (None) all of a room; each says leave_elsewhere()."""
        ...


class Company:
    """All rooms of a process.

    elsewhere  who holds the participants' other connections, if anybody does
    """

    def __init__(self, rooms: Rooms, lobbies: Lobbies, audience: Audience) -> None:
        self._rooms, self._lobbies, self._audience = rooms, lobbies, audience
        self.elsewhere: Elsewhere | None = None
        self._elsewhere: dict[tuple[RoomId, ParticipantId], int] = {}
        """How many WHIP and WHEP connections a participant has."""

    # -- coming --------------------------------------------------------------------------------

    def enter(self, join: Join, now_us: int) -> None:
        """Somebody is in by a WebSocket, unless he was already.  LimitError: room or process full."""
        if self._join(join):
            self._tell_joined(join, now_us)
        else:
            self._lobbies.enter(join, now_us)

    def enter_elsewhere(self, join: Join) -> bool:
        """Make a participant present by a WHIP or WHEP connection, without a word to anybody yet.

        Then either settle_elsewhere() or abandon_elsewhere(); leave_elsewhere() when the connection ends.
        Returns whether he was not in the room before.  LimitError: room or process full.
        """
        new = self._join(join)
        key = RoomId(join.room), ParticipantId(join.participant)
        self._elsewhere[key] = self._elsewhere.get(key, 0) + 1
        return new

    def settle_elsewhere(self, join: Join, *, new: bool, published: bool, now_us: int) -> None:
        """The connection is made: tell the room who came, or what he publishes now."""
        room, participant = RoomId(join.room), ParticipantId(join.participant)
        if new:
            self._tell_joined(join, now_us)
        elif published:
            self.announce(room, participant)
        self.changed(room, now_us)

    def _join(self, join: Join) -> bool:
        room, participant = RoomId(join.room), ParticipantId(join.participant)
        if self._rooms.find(room, participant) is not None:
            return False
        self._rooms.join(room, Member(participant, join.name, join.role, join.label))
        return True

    def _tell_joined(self, join: Join, now_us: int) -> None:
        room, participant = RoomId(join.room), ParticipantId(join.participant)
        self._lobbies.enter(join, now_us)
        member = self._rooms.find(room, participant)
        assert member is not None
        seen = people.participant(member)
        self._audience.tell_inside(room, lambda n: messages.Joined(n, seen), but=participant)

    # -- going ---------------------------------------------------------------------------------

    def session_over(self, session: Session, reason: messages.LeftReason, now_us: int) -> None:
        """A session that was closed and is no longer in the audience: he left, or he publishes less."""
        waited = self._lobbies.waits(session.room, session.participant) is not None
        self.drop(session, reason, now_us)
        if not waited:
            self._tell_of_leaving(session.room, session.participant, reason, now_us)

    def drop(self, session: Session, reason: messages.LeftReason | messages.ByeReason, now_us: int) -> None:
        """The same, without a word to the others."""
        key = session.room, session.participant
        if self._lobbies.waits(*key) is not None or key not in self._elsewhere:
            self._leave(*key, reason, now_us)

    def send_out(self, session: Session, now_us: int) -> None:
        """Somebody who is in is put on hold: his connections end, his session waits."""
        room, participant = session.room, session.participant
        session.close()
        session.subscribing.restart()
        self._lobbies.hold(room, participant, now_us, here=True)
        self._rooms.leave(room, participant)
        self._tell_of_leaving(room, participant, "held", now_us)

    def end_elsewhere(
        self, room: RoomId, participant: ParticipantId | None, reason: messages.LeftReason, now_us: int
    ) -> None:
        """End WHIP and WHEP of a participant, or (None) all of a room."""
        if self.elsewhere is not None:
            self.elsewhere.end_of(room, participant, reason, now_us)

    def abandon_elsewhere(self, join: Join) -> None:
        """The connection was not made: as if it had never been asked for."""
        key = room, participant = RoomId(join.room), ParticipantId(join.participant)
        if self._one_less_elsewhere(key) and self._audience.of(room, participant) is None:
            self._rooms.leave(room, participant)

    def leave_elsewhere(
        self, room: RoomId, participant: ParticipantId, reason: messages.LeftReason, now_us: int
    ) -> None:
        """A connection that was settled is over."""
        if self._one_less_elsewhere((room, participant)) and self._audience.of(room, participant) is None:
            self._leave(room, participant, reason, now_us)
        self._tell_of_leaving(room, participant, reason, now_us)

    def _leave(self, room: RoomId, participant: ParticipantId, reason: str, now_us: int) -> None:
        if self._rooms.find(room, participant) is not None:
            self._rooms.leave(room, participant)
        self._lobbies.leave(room, participant, reason, now_us)

    def _one_less_elsewhere(self, key: tuple[RoomId, ParticipantId]) -> bool:
        """Whether it was the last one."""
        self._elsewhere[key] -= 1
        if self._elsewhere[key]:
            return False
        del self._elsewhere[key]
        return True

    def _tell_of_leaving(
        self, room: RoomId, participant: ParticipantId, reason: messages.LeftReason, now_us: int
    ) -> None:
        """One connection of a participant is over: he left, or he publishes less."""
        if self._rooms.find(room, participant) is None:
            self._audience.tell_inside(room, lambda n: messages.Left(n, participant, reason), but=participant)
        else:
            self.announce(room, participant)
        self.changed(room, now_us)

    # -- what they see -------------------------------------------------------------------------

    def announce(self, room: RoomId, participant: ParticipantId) -> None:
        """Tell everybody what a participant publishes now."""
        member = self._rooms.find(room, participant)
        if member is not None:
            seen = people.participant(member)
            self._audience.tell_inside(room, lambda n: messages.Updated(n, seen))

    def changed(self, room: RoomId, now_us: int) -> None:
        """Tracks came or went: bring everybody's subscriptions in line."""
        for session in self._audience.inside(room):
            self.refresh(session, now_us)

    def refresh(self, session: Session, now_us: int) -> None:
        """Offer somebody who is in what he is to see now."""
        if not session.join.grants.subscribe:
            return
        wanted = self._rooms.others(session.room, session.participant, echo=session.join.role == "probe")
        session.subscribing.forget_ended(wanted)
        full = ""
        try:
            offered = session.subscribing.update(wanted, now_us)
        except LimitError as error:
            offered, full = None, str(error)
        if offered is not None:
            tracks = [messages.SubscribedTrack(mid, who, source) for mid, who, source in offered.tracks]
            session.tell(lambda n: messages.Subscribe(n, offered.id, offered.sdp, tracks))
            full = offered.left_out
        if full:
            session.tell(lambda n: messages.Error(n, "room_full", full, re="subscribe"))
