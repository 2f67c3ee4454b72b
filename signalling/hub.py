"""Everybody who is signalling: WebSocket sessions, and how what one does reaches the others.  Sans-IO.

Bytes, media events and time in; take_outgoing() out.  No sockets: web pumps.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from media.core.errors import LimitError
from media.core.model import (
    Event,
    ParticipantId,
    RoomId,
    SpeakersChanged,
    TransportConnected,
    TransportFailed,
    TransportId,
)
from media.core.rooms import Member, Rooms
from signalling import messages
from signalling.errors import SignallingError, TokenError
from signalling.media_plane import Admission, AdmitAll, Limits, MediaPlane
from signalling.messages import CLOSE_CODES, CLOSE_NORMAL, SDP_MAX, VERSION
from signalling.negotiation import VIDEO_PREFERENCE
from signalling.publishing import SOURCE_GRANT, Publishing
from signalling.session import Session, TokenBucket
from signalling.subscribing import Subscribing
from signalling.tokens import Join, Tokens

LeftReason = Literal["left", "replaced", "removed", "lost", "ended"]
ByeReason = Literal["left", "replaced", "removed", "ended", "draining"]


@dataclass(frozen=True)
class Outgoing:
    """For the WebSocket `connection`: data to send, or (close is not None) to close it."""

    connection: int
    data: bytes
    close: int | None = None


@dataclass
class _Connection:
    opened_us: int
    bucket: TokenBucket
    session: Session | None = None


class Hub:
    """All sessions of a process.

    entropy   returns that many random bytes
    unix_s    Unix time, for token lifetimes; an argument like all time
    others    called when a room changed, for participants that are not WebSocket sessions
    """

    def __init__(
        self,
        plane: MediaPlane,
        tokens: Tokens,
        entropy: Callable[[int], bytes],
        *,
        rooms: Rooms | None = None,
        limits: Limits | None = None,
        admission: Admission | None = None,
        video_preference: tuple[str, ...] = VIDEO_PREFERENCE,
    ) -> None:
        self.plane, self.tokens = plane, tokens
        self.rooms = rooms if rooms is not None else Rooms()
        self.video_preference = video_preference
        self.admission: Admission = admission if admission is not None else AdmitAll()
        self.draining = False
        self._entropy = entropy
        self._limits = limits if limits is not None else Limits()
        self._connections: dict[int, _Connection] = {}
        self._sessions: dict[str, Session] = {}
        self._by_participant: dict[tuple[RoomId, ParticipantId], Session] = {}
        self._outgoing: list[Outgoing] = []
        self._next_connection = 0
        self._speaking: dict[RoomId, tuple[ParticipantId, ...]] = {}
        self._elsewhere: dict[tuple[RoomId, ParticipantId], int] = {}
        """How many WHIP and WHEP connections a participant has."""

    # -- connections ---------------------------------------------------------------------------

    def connect(self, now_us: int) -> int:
        """A WebSocket opened; returns its number."""
        self._next_connection += 1
        bucket = TokenBucket(self._limits.messages_burst, self._limits.messages_per_s, now_us)
        self._connections[self._next_connection] = _Connection(now_us, bucket)
        return self._next_connection

    def socket_lost(self, number: int, now_us: int) -> None:
        """A WebSocket closed.  Its session waits for a resume; the media goes on."""
        connection = self._connections.pop(number, None)
        if connection is not None and connection.session is not None:
            connection.session.connection = None
            connection.session.lost_us = now_us

    def receive(self, number: int, data: str | bytes, now_us: int, unix_s: float) -> None:
        """A message came.  Whatever is wrong with it becomes an `error` message."""
        connection = self._connections.get(number)
        if connection is None:
            return  # closed by us a moment ago
        try:
            if not connection.bucket.take(now_us):
                raise SignallingError("rate_limited", "too many messages: at most 20 a second", fatal=True)
            message = messages.decode(data)
        except SignallingError as error:
            self._refuse(number, connection, error, "")
            return
        try:
            self._act(number, connection, message, now_us, unix_s)
        except SignallingError as error:
            self._refuse(number, connection, error, type(message).__name__.lower())
        except LimitError as error:
            self._refuse(number, connection, SignallingError("room_full", str(error)), type(message).__name__.lower())

    def poll(self, now_us: int) -> None:
        """Call about once a second: silent strangers and lost sessions end."""
        for number, connection in list(self._connections.items()):
            if connection.session is None and now_us - connection.opened_us > self._limits.hello_us:
                late = SignallingError("wrong_order", "no hello within 5 s", fatal=True)
                self._refuse(number, connection, late, "")
        for session in list(self._sessions.values()):
            if session.connection is None and now_us - session.lost_us > self._limits.resume_us:
                self._end(session, "lost")

    def take_outgoing(self) -> list[Outgoing]:
        taken, self._outgoing = self._outgoing, []
        return taken

    def drain(self) -> None:
        """The process is about to stop: say so to everybody, admit nobody."""
        self.draining = True
        for session in list(self._sessions.values()):
            self._bye(session, "draining")

    def counts(self) -> dict[str, int]:
        return {
            **self.rooms.counts(),
            "sessions": len(self._sessions),
            "connections": len(self._connections),
        }

    # -- what happens in the media -----------------------------------------------------------------

    def media_events(self, events: list[Event], now_us: int) -> None:
        """What the media server noticed."""
        for event in events:
            match event:
                case TransportConnected(transport):
                    self._connection_changed(transport, "connected", "")
                case TransportFailed(transport, reason):
                    self._connection_changed(transport, "failed", reason)
                case SpeakersChanged(room, participants):
                    self._speaking[room] = participants
                    if not participants:
                        del self._speaking[room]
                    for session in self._in_room(room):
                        session.tell(lambda n: messages.Speakers(n, list(participants)))
                case _:
                    pass

    def _connection_changed(self, transport: TransportId, state: Literal["connected", "failed"], reason: str) -> None:
        for session in self._sessions.values():
            connection: messages.Connection
            if session.publishing.transport == transport:
                connection = "publish"
            elif session.subscribing.transport == transport:
                connection = "subscribe"
                if state == "connected":
                    session.subscribing.start()
            else:
                continue
            session.tell(lambda n, c=connection: messages.ConnectionState(n, c, state, reason))  # type: ignore[misc]

    # -- messages ------------------------------------------------------------------------------

    def _act(
        self, number: int, connection: _Connection, message: messages.FromClient, now_us: int, unix_s: float
    ) -> None:
        if isinstance(message, messages.Hello):
            if connection.session is not None:
                raise SignallingError("wrong_order", "a second hello on one connection", fatal=True)
            self._hello(number, connection, message, now_us, unix_s)
            return
        session = connection.session
        if session is None:
            raise SignallingError("wrong_order", "the first message must be hello", fatal=True)
        match message:
            case messages.Publish():
                self._publish(session, message, now_us)
            case messages.Subscribed():
                session.subscribing.answer(message.id, message.sdp)
                self._refresh(session, now_us)
            case messages.Mute():
                self._mute(session.room, session.participant, message.source, message.muted)
            case messages.Restart():
                if message.connection == "subscribe":
                    session.subscribing.want_restart()
                    self._refresh(session, now_us)
            case messages.Moderate():
                self._moderate(session, message)
            case messages.Ping():
                session.tell(lambda n: messages.Pong(n, message.at))
            case messages.Leave():
                self._bye(session, "left")

    def _hello(self, number: int, connection: _Connection, hello: messages.Hello, now_us: int, unix_s: float) -> None:
        if hello.v != VERSION:
            raise SignallingError("unsupported", f"protocol version {hello.v}; this server speaks 1", fatal=True)
        if self.draining:
            raise SignallingError("not_found", "the server is stopping: try again in a minute", fatal=True)
        if hello.resume is not None:
            self._resume(number, connection, hello.resume)
            return
        join = self.tokens.verify(hello.token, unix_s)
        self.check_admission(join)
        room, participant = RoomId(join.room), ParticipantId(join.participant)
        older = self._by_participant.get((room, participant))
        if older is not None:
            self._bye(older, "replaced")
        try:
            self.enter(join)
        except LimitError as error:
            raise SignallingError("room_full", str(error), fatal=True) from None
        secret = self._random_text(32)
        publishing = Publishing(self.plane, self.rooms, room, participant, join.grants, self.video_preference)
        session = Session(
            self._random_text(12), secret, join, publishing, Subscribing(self.plane), self._limits, self._send
        )
        self._sessions[session.id] = session
        self._by_participant[room, participant] = session
        connection.session, session.connection = session, number
        session.tell(lambda n: self._welcome(session, secret, n, resumed=False))
        self._refresh(session, now_us)

    def _resume(self, number: int, connection: _Connection, resume: messages.Resume) -> None:
        session = self._sessions.get(resume.session)
        if session is None or not session.secret_fits(resume.secret):
            raise SignallingError("not_found", "this session is over: join anew", fatal=True)
        if session.connection is not None:
            before = session.connection
            self._connections.pop(before, None)
            self._outgoing.append(Outgoing(before, b"", CLOSE_NORMAL))
        session.resume(number, resume.seen, lambda n: self._welcome(session, resume.secret, n, resumed=True))
        connection.session = session

    def _welcome(self, session: Session, secret: str, n: int, *, resumed: bool) -> messages.Welcome:
        me = self.rooms.find(session.room, session.participant)
        assert me is not None
        return messages.Welcome(
            v=VERSION,
            n=n,
            session=session.id,
            secret=secret,
            resumed=resumed,
            room=session.room,
            you=_participant(me),
            participants=[_participant(m) for m in self.rooms.members(session.room) if m.id != session.participant],
            limits={"message_bytes": messages.MESSAGE_MAX, "sdp_characters": SDP_MAX, "resume_s": 30},
            can=messages.Rights(
                publish=[source for source, grant in SOURCE_GRANT.items() if grant in session.join.grants.publish],
                subscribe=session.join.grants.subscribe,
                moderate=session.join.grants.moderate,
            ),
        )

    def _publish(self, session: Session, message: messages.Publish, now_us: int) -> None:
        sources = {track.mid: track.source for track in message.tracks}
        try:
            answered = session.publishing.offer(message.sdp, sources, now_us)
        finally:
            self.room_changed(session.room, now_us)
        refused = [messages.Refused(mid, reason) for mid, reason in answered.refused]
        session.tell(lambda n: messages.Published(n, message.id, answered.sdp, refused))
        self._announce(session.room, session.participant)

    def _mute(self, room: RoomId, participant: ParticipantId, source: messages.SourceName, muted: bool) -> None:
        changed = self.rooms.set_muted(room, participant, source, muted)
        for track in changed:
            self.plane.engine.set_track_muted(track, muted)
        if changed:
            self._announce(room, participant)

    def _moderate(self, session: Session, message: messages.Moderate) -> None:
        if not session.join.grants.moderate:
            raise SignallingError("forbidden", "only staff may do this")
        if message.action == "end":
            for each in self._in_room(session.room):
                self._bye(each, "ended")
            return
        target = ParticipantId(message.participant or "")
        if self.rooms.find(session.room, target) is None:
            raise SignallingError("not_found", "nobody of that id is in the room")
        if message.action == "remove":
            other = self._by_participant.get((session.room, target))
            if other is not None:
                self._bye(other, "removed")
        elif message.source is None:
            raise SignallingError("bad_message", "mute needs a source")
        else:
            self._mute(session.room, target, message.source, True)

    # -- the room ------------------------------------------------------------------------------

    def check_admission(self, join: Join) -> None:
        """TokenError forbidden, with the application's words, when this person may not enter now."""
        reason = self.admission.may_enter(join)
        if reason is not None:
            raise TokenError("forbidden", reason)

    def enter(self, join: Join) -> None:
        """Make a participant present, once however many connections he has.  LimitError: room or process full."""
        room, participant = RoomId(join.room), ParticipantId(join.participant)
        if self.rooms.find(room, participant) is None:
            member = Member(participant, join.name, join.role, join.label)
            self.rooms.join(room, member)
            self._tell_others(room, participant, lambda n: messages.Joined(n, _participant(member)))

    def enter_elsewhere(self, join: Join) -> None:
        """enter() for a WHIP or WHEP connection; leave_elsewhere() undoes it."""
        self.enter(join)
        key = RoomId(join.room), ParticipantId(join.participant)
        self._elsewhere[key] = self._elsewhere.get(key, 0) + 1

    def leave_elsewhere(self, room: RoomId, participant: ParticipantId, now_us: int) -> None:
        key = room, participant
        left = self._elsewhere.get(key, 0) - 1
        if left > 0:
            self._elsewhere[key] = left
            self.room_changed(room, now_us)
            self._announce(room, participant)
            return
        self._elsewhere.pop(key, None)
        if key in self._by_participant:
            self.room_changed(room, now_us)
            self._announce(room, participant)
        else:
            self._leave(room, participant, "left")

    def room_changed(self, room: RoomId, now_us: int) -> None:
        """Tracks came or went: bring everybody's subscriptions in line."""
        for session in self._in_room(room):
            self._refresh(session, now_us)

    def _refresh(self, session: Session, now_us: int) -> None:
        if not session.join.grants.subscribe:
            return
        wanted = self.rooms.others(session.room, session.participant)
        session.subscribing.forget_ended(wanted)
        try:
            offered = session.subscribing.update(wanted, now_us)
        except LimitError as error:
            full = str(error)
            session.tell(lambda n: messages.Error(n, "room_full", full, re="subscribe"))
            return
        if offered is not None:
            tracks = [messages.SubscribedTrack(mid, who, source) for mid, who, source in offered.tracks]
            session.tell(lambda n: messages.Subscribe(n, offered.id, offered.sdp, tracks))

    def announce(self, room: RoomId, participant: ParticipantId) -> None:
        """Tell everybody what a participant publishes now."""
        self._announce(room, participant)

    def _announce(self, room: RoomId, participant: ParticipantId) -> None:
        member = self.rooms.find(room, participant)
        if member is not None:
            seen = _participant(member)
            for session in self._in_room(room):
                session.tell(lambda n: messages.Updated(n, seen))

    def _in_room(self, room: RoomId) -> list[Session]:
        return [s for s in self._sessions.values() if s.room == room]

    def _tell_others(
        self, room: RoomId, participant: ParticipantId, make: Callable[[int], messages.FromServer]
    ) -> None:
        for session in self._in_room(room):
            if session.participant != participant:
                session.tell(make)

    # -- endings -------------------------------------------------------------------------------

    def _bye(self, session: Session, reason: ByeReason) -> None:
        session.tell(lambda n: messages.Bye(n, reason))
        if session.connection is not None:
            self._connections.pop(session.connection, None)
            self._outgoing.append(Outgoing(session.connection, b"", CLOSE_NORMAL))
            session.connection = None
        self._end(session, "left" if reason == "draining" else reason)

    def _end(self, session: Session, reason: LeftReason) -> None:
        session.close()
        self._sessions.pop(session.id, None)
        key = session.room, session.participant
        if self._by_participant.get(key) is session:
            del self._by_participant[key]
        if key not in self._elsewhere:
            self._leave(session.room, session.participant, reason)
        else:
            self._after_leaving(session.room)

    def _leave(self, room: RoomId, participant: ParticipantId, reason: LeftReason) -> None:
        self.rooms.leave(room, participant)
        self._tell_others(room, participant, lambda n: messages.Left(n, participant, reason))
        self._after_leaving(room)

    def _after_leaving(self, room: RoomId) -> None:
        for session in self._in_room(room):
            session.subscribing.forget_ended(self.rooms.others(room, session.participant))
            self._refresh(session, 0)

    def _refuse(self, number: int, connection: _Connection, error: SignallingError, about: str) -> None:
        """Tell a client what was wrong, and end the connection if it cannot go on."""
        session = connection.session

        def make(n: int) -> messages.Error:
            return messages.Error(n, error.code, error.message, error.fatal, about)

        if session is not None:
            session.tell(make)
        else:
            self._send(number, messages.encode(make(0)))
        if error.fatal:
            self._connections.pop(number, None)
            self._outgoing.append(Outgoing(number, b"", CLOSE_CODES[error.code]))
            if session is not None:
                self._end(session, "left")

    def _send(self, connection: int, data: bytes) -> None:
        self._outgoing.append(Outgoing(connection, data))

    def _random_text(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._entropy(size)).decode().rstrip("=")


def _participant(member: Member) -> messages.Participant:
    muted: dict[messages.SourceName, bool] = {}
    for track in member.tracks:
        muted[track.source] = track.muted
    states = [messages.SourceState(source, is_muted) for source, is_muted in muted.items()]
    return messages.Participant(member.id, member.name, member.role, member.label, states)
