"""Everybody who is signalling: WebSocket sessions, and how what one does reaches the others.  Sans-IO.

Bytes, media events and time in; take_outgoing() out.  No sockets: web pumps.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

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
from signalling.errors import SignallingError, TokenError, shown
from signalling.media_plane import Admission, AdmitAll, Limits, MediaPlane
from signalling.messages import CLOSE_CODES, CLOSE_GOING_AWAY, CLOSE_NORMAL, MESSAGE_MAX, VERSION
from signalling.negotiation import VIDEO_PREFERENCE
from signalling.publishing import SOURCE_GRANT, Publishing
from signalling.sdp import SDP_MAX
from signalling.session import Session, TokenBucket
from signalling.subscribing import Subscribing
from signalling.tokens import Join, Tokens

OwnReason = Literal["left", "replaced", "removed"]
"""Why one session ends; the others end a room, or the process."""


@dataclass(frozen=True)
class Outgoing:
    """For the WebSocket `connection`: data to send, or (close is not None) to close it."""

    connection: int
    data: bytes
    close: int | None = None


class Elsewhere(Protocol):
    """Connections of participants that are no WebSocket sessions: WHIP and WHEP."""

    def end_of(self, room: RoomId, participant: ParticipantId | None, reason: messages.LeftReason, now_us: int) -> None:
        """End those of a participant, or (None) all of a room; each says leave_elsewhere()."""
        ...


@dataclass
class _Connection:
    opened_us: int
    bucket: TokenBucket
    session: Session | None = None


class Hub:
    """All sessions of a process.

    entropy    returns that many random bytes
    unix_s     Unix time, for token lifetimes; an argument like all time
    elsewhere  who holds the participants' other connections, if anybody does
    draining   nobody new comes in; who is there goes on, and may resume
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
        self.elsewhere: Elsewhere | None = None
        self.draining = False
        self._entropy = entropy
        self._limits = limits if limits is not None else Limits()
        self._connections: dict[int, _Connection] = {}
        self._sessions: dict[str, Session] = {}
        self._by_participant: dict[tuple[RoomId, ParticipantId], Session] = {}
        self._outgoing: list[Outgoing] = []
        self._next_connection = 0
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
        about = ""
        try:
            if not connection.bucket.take(now_us):
                most = f"at most {self._limits.messages_burst} at once and {self._limits.messages_per_s} a second"
                raise SignallingError("rate_limited", f"too many messages: {most}", fatal=True)
            message = messages.decode(data)
            about = type(message).__name__.lower()
            self._act(number, connection, message, now_us, unix_s)
        except SignallingError as error:
            self._refuse(number, connection, error, about, now_us)
        except LimitError as error:
            self._refuse(number, connection, SignallingError("room_full", str(error)), about, now_us)
        except Exception:
            # A mistake of ours may have left half of something: end the session, and let the mistake be seen.
            ours = SignallingError("internal", "something went wrong in the server: join anew", fatal=True)
            self._refuse(number, connection, ours, about, now_us)
            raise

    def poll(self, now_us: int) -> None:
        """Call about once a second: silent strangers and lost sessions end."""
        for number, connection in list(self._connections.items()):
            if connection.session is None and now_us - connection.opened_us > self._limits.hello_us:
                wait_s = self._limits.hello_us / 1_000_000
                late = SignallingError("wrong_order", f"no hello within {wait_s:g} s", fatal=True)
                self._refuse(number, connection, late, "", now_us)
        for session in list(self._sessions.values()):
            if session.connection is None and now_us - session.lost_us > self._limits.resume_us:
                self._end(session, "lost", now_us)

    def take_outgoing(self) -> list[Outgoing]:
        taken, self._outgoing = self._outgoing, []
        return taken

    def drain(self) -> None:
        """The process is about to stop: say so to everybody, admit nobody."""
        self.draining = True
        self._dismiss(list(self._sessions.values()), "draining")
        for number in self._connections:
            self._outgoing.append(Outgoing(number, b"", CLOSE_GOING_AWAY))
        self._connections.clear()

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
                    self._connected(transport)
                case TransportFailed(transport, reason):
                    self._failed(transport, reason, now_us)
                case SpeakersChanged(room, participants):
                    for session in self._in_room(room):
                        session.tell(lambda n: messages.Speakers(n, list(participants)))
                case _:
                    pass

    def _whose(self, transport: TransportId) -> tuple[Session, messages.Connection] | None:
        for session in self._sessions.values():
            if session.publishing.transport == transport:
                return session, "publish"
            if session.subscribing.transport == transport:
                return session, "subscribe"
        return None

    def _connected(self, transport: TransportId) -> None:
        if (found := self._whose(transport)) is not None:
            session, connection = found
            session.subscribing.start()
            session.tell(lambda n: messages.ConnectionState(n, connection, "connected"))

    def _failed(self, transport: TransportId, reason: str, now_us: int) -> None:
        """A peer connection is of no more use: what it carried ends, and its rows go to others."""
        if (found := self._whose(transport)) is None:
            return
        session, connection = found
        session.tell(lambda n: messages.ConnectionState(n, connection, "failed", reason))
        if connection == "publish":
            session.publishing.close()
            self.room_changed(session.room, now_us)
            self._announce(session.room, session.participant)
        else:
            session.subscribing.fail()

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
                session.subscribing.restart()
                self._refresh(session, now_us)
            case messages.Moderate():
                self._moderate(session, message, now_us)
            case messages.Ping():
                session.tell(lambda n: messages.Pong(n, message.at))
            case messages.Leave():
                self._bye(session, "left", now_us)

    def _hello(self, number: int, connection: _Connection, hello: messages.Hello, now_us: int, unix_s: float) -> None:
        if hello.v != VERSION:
            found = f"protocol version {hello.v}"
            raise SignallingError("unsupported", f"{found}; this server speaks {VERSION}", fatal=True)
        if hello.resume is not None:
            self._resume(number, connection, hello.resume)
            return
        if self.draining:
            raise SignallingError("draining", "the server is stopping: try again in a minute", fatal=True)
        join = self.tokens.verify(hello.token, unix_s)
        self.check_admission(join)
        room, participant = RoomId(join.room), ParticipantId(join.participant)
        older = self._by_participant.get((room, participant))
        if older is not None:
            self._bye(older, "replaced", now_us)
        try:
            self._enter(join)
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
        before = session.connection
        session.resume(number, resume.seen, lambda n: self._welcome(session, resume.secret, n, resumed=True))
        connection.session = session
        if before is not None:
            self._close(before, CLOSE_NORMAL)

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
            limits={
                "message_bytes": MESSAGE_MAX,
                "sdp_characters": SDP_MAX,
                "messages_burst": self._limits.messages_burst,
                "messages_per_s": self._limits.messages_per_s,
                "resume_s": self._limits.resume_us // 1_000_000,
            },
            can=messages.Rights(
                publish=[source for source, grant in SOURCE_GRANT.items() if grant in session.join.grants.publish],
                subscribe=session.join.grants.subscribe,
                moderate=session.join.grants.moderate,
            ),
        )

    def _publish(self, session: Session, message: messages.Publish, now_us: int) -> None:
        sources = {track.mid: track.source for track in message.tracks}
        if len(sources) < len(message.tracks):
            raise SignallingError("bad_message", "two of tracks name the same mid: a section carries one source")
        try:
            answered = session.publishing.offer(message.sdp, sources, now_us)
        finally:
            self.room_changed(session.room, now_us)
        refused = [messages.Refused(mid, reason) for mid, reason in answered.refused]
        session.tell(lambda n: messages.Published(n, message.id, answered.sdp, refused))
        self._announce(session.room, session.participant)

    def _mute(self, room: RoomId, participant: ParticipantId, source: messages.SourceName, muted: bool) -> None:
        session = self._by_participant.get((room, participant))
        if session is not None:
            session.publishing.mute(source, muted)
        changed = self.rooms.set_muted(room, participant, source, muted)
        for track in changed:
            self.plane.engine.set_track_muted(track, muted)
        if changed:
            self._announce(room, participant)

    def _moderate(self, session: Session, message: messages.Moderate, now_us: int) -> None:
        if not session.join.grants.moderate:
            raise SignallingError("forbidden", "the join token does not grant moderating")
        room = session.room
        if message.action == "end":
            self._dismiss(self._in_room(room), "ended")
            if self.elsewhere is not None:
                self.elsewhere.end_of(room, None, "ended", now_us)
            return
        if message.participant is None or (message.source is None and message.action == "mute"):
            needed = "a participant and a source" if message.action == "mute" else "a participant"
            raise SignallingError("bad_message", f"action {message.action} needs {needed}")
        target = ParticipantId(message.participant)
        if self.rooms.find(room, target) is None:
            raise SignallingError("not_found", f"nobody with the id '{shown(target)}' is in the room")
        if message.source is not None and message.action == "mute":
            self._mute(room, target, message.source, True)
            return
        other = self._by_participant.get((room, target))
        if other is not None:
            self._bye(other, "removed", now_us)
        if self.elsewhere is not None:
            self.elsewhere.end_of(room, target, "removed", now_us)

    # -- the room ------------------------------------------------------------------------------

    def check_admission(self, join: Join) -> None:
        """TokenError forbidden, with the application's words, when this person may not enter now."""
        reason = self.admission.may_enter(join)
        if reason is not None:
            raise TokenError("forbidden", reason)

    def _enter(self, join: Join) -> None:
        """Make a participant present, once however many connections he has.  LimitError: room or process full."""
        room, participant = RoomId(join.room), ParticipantId(join.participant)
        if self.rooms.find(room, participant) is None:
            self.rooms.join(room, Member(participant, join.name, join.role, join.label))
            self._tell_joined(room, participant)

    def enter_elsewhere(self, join: Join) -> bool:
        """Make a participant present by a WHIP or WHEP connection, without a word to anybody yet.

        Then either settle_elsewhere() or abandon_elsewhere(); leave_elsewhere() when the connection ends.
        Returns whether he was not in the room before.  LimitError: room or process full.
        """
        key = room, participant = RoomId(join.room), ParticipantId(join.participant)
        new = self.rooms.find(room, participant) is None
        if new:
            self.rooms.join(room, Member(participant, join.name, join.role, join.label))
        self._elsewhere[key] = self._elsewhere.get(key, 0) + 1
        return new

    def settle_elsewhere(self, join: Join, *, new: bool, published: bool, now_us: int) -> None:
        """The connection is made: tell the room who came, or what he publishes now."""
        room, participant = RoomId(join.room), ParticipantId(join.participant)
        if new:
            self._tell_joined(room, participant)
        elif published:
            self._announce(room, participant)
        self.room_changed(room, now_us)

    def abandon_elsewhere(self, join: Join) -> None:
        """The connection was not made: as if it had never been asked for."""
        key = room, participant = RoomId(join.room), ParticipantId(join.participant)
        if self._one_less_elsewhere(key) and key not in self._by_participant:
            self.rooms.leave(room, participant)

    def leave_elsewhere(
        self, room: RoomId, participant: ParticipantId, reason: messages.LeftReason, now_us: int
    ) -> None:
        """A connection that was settled is over."""
        key = room, participant
        if self._one_less_elsewhere(key) and key not in self._by_participant:
            self.rooms.leave(room, participant)
        self._tell_of_leaving(room, participant, reason, now_us)

    def _one_less_elsewhere(self, key: tuple[RoomId, ParticipantId]) -> bool:
        """Whether it was the last one."""
        self._elsewhere[key] -= 1
        if self._elsewhere[key]:
            return False
        del self._elsewhere[key]
        return True

    def room_changed(self, room: RoomId, now_us: int) -> None:
        """Tracks came or went: bring everybody's subscriptions in line."""
        for session in self._in_room(room):
            self._refresh(session, now_us)

    def _refresh(self, session: Session, now_us: int) -> None:
        if not session.join.grants.subscribe:
            return
        wanted = self.rooms.others(session.room, session.participant)
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

    def _announce(self, room: RoomId, participant: ParticipantId) -> None:
        """Tell everybody what a participant publishes now."""
        member = self.rooms.find(room, participant)
        if member is not None:
            seen = _participant(member)
            for session in self._in_room(room):
                session.tell(lambda n: messages.Updated(n, seen))

    def _tell_joined(self, room: RoomId, participant: ParticipantId) -> None:
        member = self.rooms.find(room, participant)
        assert member is not None
        seen = _participant(member)
        self._tell_others(room, participant, lambda n: messages.Joined(n, seen))

    def _in_room(self, room: RoomId) -> list[Session]:
        found = (self._by_participant.get((room, member.id)) for member in self.rooms.members(room))
        return [session for session in found if session is not None]

    def _tell_others(
        self, room: RoomId, participant: ParticipantId, make: Callable[[int], messages.FromServer]
    ) -> None:
        for session in self._in_room(room):
            if session.participant != participant:
                session.tell(make)

    # -- endings -------------------------------------------------------------------------------

    def _bye(self, session: Session, reason: OwnReason, now_us: int) -> None:
        self._say_bye(session, reason)
        self._end(session, reason, now_us)

    def _dismiss(self, sessions: list[Session], reason: Literal["ended", "draining"]) -> None:
        """End many at once: first everybody hears it, and nobody is told of the others' leaving."""
        for session in sessions:
            self._say_bye(session, reason)
        for session in sessions:
            self._forget(session)

    def _say_bye(self, session: Session, reason: messages.ByeReason) -> None:
        session.tell(lambda n: messages.Bye(n, reason))
        if session.connection is not None:
            self._close(session.connection, CLOSE_NORMAL)
            session.connection = None

    def _end(self, session: Session, reason: messages.LeftReason, now_us: int) -> None:
        self._forget(session)
        self._tell_of_leaving(session.room, session.participant, reason, now_us)

    def _forget(self, session: Session) -> None:
        """Close its media, and take it from all tables; from the room too, unless he is there by WHIP or WHEP."""
        session.close()
        self._sessions.pop(session.id, None)
        key = session.room, session.participant
        if self._by_participant.get(key) is session:
            del self._by_participant[key]
        if key not in self._elsewhere:
            self.rooms.leave(session.room, session.participant)

    def _tell_of_leaving(
        self, room: RoomId, participant: ParticipantId, reason: messages.LeftReason, now_us: int
    ) -> None:
        """One connection of a participant is over: he left, or he publishes less."""
        if self.rooms.find(room, participant) is None:
            self._tell_others(room, participant, lambda n: messages.Left(n, participant, reason))
        else:
            self._announce(room, participant)
        self.room_changed(room, now_us)

    def _refuse(self, number: int, connection: _Connection, error: SignallingError, about: str, now_us: int) -> None:
        """Tell a client what was wrong, and end the connection if it cannot go on."""
        session = connection.session

        def make(n: int) -> messages.Error:
            return messages.Error(n, error.code, error.message, error.fatal, about)

        if session is not None:
            session.tell(make)
        else:
            self._send(number, messages.encode(make(0)))
        if error.fatal:
            self._close(number, CLOSE_CODES[error.code])
            if session is not None and self._sessions.get(session.id) is session:
                session.connection = None
                self._end(session, "left", now_us)

    def _close(self, number: int, code: int) -> None:
        self._connections.pop(number, None)
        self._outgoing.append(Outgoing(number, b"", code))

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
