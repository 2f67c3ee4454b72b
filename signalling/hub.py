"""Everybody who is signalling: WebSocket sessions, and how what one does reaches the others.  Sans-IO.

Bytes, media events and time in; take_outgoing() out.  No sockets: web pumps.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from media.core.errors import LimitError
from media.core.model import Event, ParticipantId, RoomId
from media.core.rooms import Rooms
from signalling import messages
from signalling.audience import Audience
from signalling.company import Company
from signalling.errors import SignallingError, TokenError, shown
from signalling.greeting import Greeting
from signalling.lobby import Clock, Lobbies, Lobby, Presence
from signalling.media_plane import Admission, AdmitAll, Limits, MediaPlane
from signalling.messages import CLOSE_CODES, CLOSE_GOING_AWAY, CLOSE_NORMAL, VERSION
from signalling.negotiation import VIDEO_PREFERENCE
from signalling.publishing import Publishing
from signalling.reception import Reception
from signalling.relays import NO_RELAYS, Relays
from signalling.session import Session, TokenBucket
from signalling.streams import Streams
from signalling.subscribing import Subscribing
from signalling.talk import Talk
from signalling.tokens import Join, Tokens

OwnReason = Literal["left", "replaced", "removed"]
"""Why one session ends; the others end a room, or the process."""

WHILE_WAITING = (messages.Mute, messages.Chat, messages.Typing, messages.Ping, messages.Leave)
"""What somebody may say who waits to be let in."""


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
    company   the rooms, for who brings people in by other ways
    clock     which Unix time a monotonic time was; who learns of both reads it
    draining  nobody new comes in; who is there goes on, and may resume
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
        relays: Relays = NO_RELAYS,
    ) -> None:
        self.plane, self.tokens, self.video_preference, self.relays = plane, tokens, video_preference, relays
        self.rooms = rooms if rooms is not None else Rooms()
        self.admission: Admission = admission if admission is not None else AdmitAll()
        self.draining = False
        self._limits = limits if limits is not None else Limits()
        self.clock = Clock()
        self._lobbies = Lobbies(self.clock)
        self._audience = Audience(self.rooms, self._lobbies)
        self.company = Company(self.rooms, self._lobbies, self._audience)
        self._reception = Reception(self.rooms, self._lobbies, self._audience, self.company, self.clock, relays)
        self._streams = Streams(plane, self.rooms, self._audience, self.company)
        self._talk = Talk(self.rooms, self._lobbies, self._audience)
        self._greeting = Greeting(self.rooms, self._lobbies, self._talk, self._limits, relays, self.clock)
        self._entropy = entropy
        self._connections: dict[int, _Connection] = {}
        self._outgoing: list[Outgoing] = []
        self._next_connection = 0

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
        self.clock.read(now_us, unix_s)
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
        """Call about once a second: silent strangers and lost sessions end, rooms that are over are forgotten."""
        self.clock.now_us = now_us
        for number, connection in list(self._connections.items()):
            if connection.session is None and now_us - connection.opened_us > self._limits.hello_us:
                wait_s = self._limits.hello_us / 1_000_000
                late = SignallingError("wrong_order", f"no hello within {wait_s:g} s", fatal=True)
                self._refuse(number, connection, late, "", now_us)
        for session in self._audience:
            if session.connection is None and now_us - session.lost_us > self._limits.resume_us:
                self._end(session, "lost", now_us)
        for room in self._lobbies.forget(now_us - self._limits.room_us):
            self._talk.forget(room)

    def take_outgoing(self) -> list[Outgoing]:
        self._reception.catch_up()
        taken, self._outgoing = self._outgoing, []
        return taken

    def drain(self) -> None:
        """The process is about to stop: say so to everybody, admit nobody."""
        self.draining = True
        self._dismiss(list(self._audience), "draining")
        for number in self._connections:
            self._outgoing.append(Outgoing(number, b"", CLOSE_GOING_AWAY))
        self._connections.clear()

    def counts(self) -> dict[str, int]:
        return {
            **self.rooms.counts(),
            "sessions": len(self._audience),
            "connections": len(self._connections),
            "waiting": self._lobbies.count(),
        }

    # -- for the layers above ----------------------------------------------------------------------

    @property
    def changes(self) -> int:
        """Moves on whenever lobbies() did: somebody came, went, waits, or was let in or put on hold."""
        return self._lobbies.changes

    def lobbies(self) -> dict[str, Lobby]:
        """Every room in which somebody waits or is, by its id."""
        return self._lobbies.snapshot()

    def take_presence(self) -> list[Presence]:
        """Who came, was let in, was put on hold, left: since the last time, in order."""
        return self._lobbies.take_presence()

    def connected(self, room: str, participant: str) -> bool:
        """Whether somebody's WebSocket stands, in the room or in the waiting room: a hello would take its place."""
        session = self._audience.of(RoomId(room), ParticipantId(participant))
        return session is not None and session.connection is not None

    def tell(self, room: str, about: str) -> None:
        """Something of this appointment changed elsewhere: everybody in the room, or waiting, is to fetch it."""
        for session in self._audience.everybody(RoomId(room)):
            session.tell(lambda n: messages.News(n, about))

    def end_room(self, room: str) -> None:
        """The call is over, for everybody and for who waits; nobody counts as let in any more."""
        room_id, now_us = RoomId(room), self.clock.now_us
        self._dismiss(self._audience.everybody(room_id), "ended")
        self.company.end_elsewhere(room_id, None, "ended", now_us)
        self._lobbies.end(room_id)
        self._talk.forget(room_id)

    # -- what happens in the media -----------------------------------------------------------------

    def media_events(self, events: list[Event], now_us: int) -> None:
        """What the media server noticed."""
        for event in events:
            self._streams.noticed(event, now_us)

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
        if not isinstance(message, WHILE_WAITING) and self._waits(session):
            raise SignallingError("waiting", "not before somebody of the staff let you in")
        match message:
            case messages.Publish():
                self._streams.publish(session, message, now_us)
            case messages.Subscribed():
                session.subscribing.answer(message.id, message.sdp)
                self.company.refresh(session, now_us)
            case messages.Mute():
                self._streams.mute(session.room, session.participant, message.source, message.muted)
            case messages.Restart():
                session.subscribing.restart()
                self.company.refresh(session, now_us)
            case messages.Moderate():
                self._moderate(session, message, now_us)
            case messages.Admit():
                self._reception.admit(session, message.participant, now_us)
            case messages.Hold():
                self._reception.hold(session, message.participant, now_us)
            case messages.Chat():
                self._talk.chat(session, message, unix_s)
            case messages.Typing():
                self._talk.typing(session, message)
            case messages.Pointer():
                self._talk.pointer(session, message)
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
        waits = self._lobbies.must_wait(join)
        self._make_way(join, now_us, waits=waits)
        try:
            if waits:
                self._lobbies.wait(join, now_us)
            else:
                self.company.enter(join, now_us)
        except LimitError as error:
            raise SignallingError("room_full", str(error), fatal=True) from None
        room, participant = RoomId(join.room), ParticipantId(join.participant)
        secret = self._random_text(32)
        publishing = Publishing(self.plane, self.rooms, room, participant, join.grants, self.video_preference)
        session = Session(
            self._random_text(12), secret, join, publishing, Subscribing(self.plane), self._limits, self._send
        )
        self._audience.add(session)
        connection.session, session.connection = session, number
        session.tell(lambda n: self._greeting.welcome(session, secret, n, resumed=False))
        if not waits:
            self.company.refresh(session, now_us)

    def _make_way(self, join: Join, now_us: int, *, waits: bool) -> None:
        """One person, one session: the older one ends.  Who waits and comes anew, to wait, keeps his place."""
        older = self._audience.of(RoomId(join.room), ParticipantId(join.participant))
        if older is None:
            return
        if waits and self._waits(older):
            self._say_bye(older, "replaced")
            self._close_session(older)
        else:
            self._bye(older, "replaced", now_us)

    def _waits(self, session: Session) -> bool:
        return self._lobbies.waits(session.room, session.participant) is not None

    def _resume(self, number: int, connection: _Connection, resume: messages.Resume) -> None:
        session = self._audience.session(resume.session)
        if session is None or not session.secret_fits(resume.secret):
            raise SignallingError("not_found", "this session is over: join anew", fatal=True)
        before = session.connection
        session.resume(number, resume.seen, lambda n: self._greeting.welcome(session, resume.secret, n, resumed=True))
        connection.session = session
        self._lobbies.look_again(session.room)
        if before is not None:
            self._close(before, CLOSE_NORMAL)

    def _moderate(self, session: Session, message: messages.Moderate, now_us: int) -> None:
        if not session.join.grants.moderate:
            raise SignallingError("forbidden", "the join token does not grant moderating")
        room = session.room
        if message.action == "end":
            self.end_room(room)
            return
        if message.participant is None or (message.source is None and message.action == "mute"):
            needed = "a participant and a source" if message.action == "mute" else "a participant"
            raise SignallingError("bad_message", f"action {message.action} needs {needed}")
        target = ParticipantId(message.participant)
        waits = message.action == "remove" and self._lobbies.waits(room, target) is not None
        if self.rooms.find(room, target) is None and not waits:
            raise SignallingError("not_found", f"nobody with the id '{shown(target)}' is in the room")
        if message.source is not None and message.action == "mute":
            self._streams.mute(room, target, message.source, True)
            return
        other = self._audience.of(room, target)
        if other is not None:
            self._bye(other, "removed", now_us)
        self.company.end_elsewhere(room, target, "removed", now_us)

    def check_admission(self, join: Join) -> None:
        """TokenError forbidden, with the application's words, when this person may not enter now."""
        reason = self.admission.may_enter(join)
        if reason is not None:
            raise TokenError("forbidden", reason)

    def check_let_in(self, join: Join) -> None:
        """SignallingError waiting, for ways to come in that have no waiting room."""
        waits = self._lobbies.waits(RoomId(join.room), ParticipantId(join.participant)) is not None
        if waits or self._lobbies.must_wait(join):
            raise SignallingError("waiting", "somebody of the staff lets you in first: wait on a WebSocket")

    # -- endings -------------------------------------------------------------------------------

    def _bye(self, session: Session, reason: OwnReason, now_us: int) -> None:
        self._say_bye(session, reason)
        self._end(session, reason, now_us)

    def _dismiss(self, sessions: list[Session], reason: Literal["ended", "draining"]) -> None:
        """End many at once: first everybody hears it, and nobody is told of the others' leaving."""
        for session in sessions:
            self._say_bye(session, reason)
        for session in sessions:
            self._close_session(session)
            self.company.drop(session, reason, self.clock.now_us)

    def _say_bye(self, session: Session, reason: messages.ByeReason) -> None:
        session.tell(lambda n: messages.Bye(n, reason))
        if session.connection is not None:
            self._close(session.connection, CLOSE_NORMAL)
            session.connection = None

    def _end(self, session: Session, reason: messages.LeftReason, now_us: int) -> None:
        self._close_session(session)
        self.company.session_over(session, reason, now_us)

    def _close_session(self, session: Session) -> None:
        """Close its media, and say no more to it."""
        session.close()
        self._audience.discard(session)

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
            if session is not None and self._audience.session(session.id) is session:
                session.connection = None
                self._end(session, "left", now_us)

    def _close(self, number: int, code: int) -> None:
        self._connections.pop(number, None)
        self._outgoing.append(Outgoing(number, b"", code))

    def _send(self, connection: int, data: bytes) -> None:
        self._outgoing.append(Outgoing(connection, data))

    def _random_text(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._entropy(size)).decode().rstrip("=")
