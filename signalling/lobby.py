"""Who waits at which room, who is in, and who was let in before.  Pure: no sessions, no messages.

One person is one id in one room, however many connections he has.  Times in are monotonic; Clock says which Unix time
that was.  What layers above are to know of it is kept for them: Presence events, and Lobby, how it is now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from media.core.errors import LimitError
from media.core.model import ParticipantId, RoomId
from signalling.tokens import Join

WAITING_MAX = 20  # at one room: a family with its helpers is five
PRESENCE_MAX = 10_000  # events nobody took, of some thousand visits: an application that never asks costs no memory

What = Literal["waiting", "entered", "held", "left"]
AGAIN = "again"
"""Reason of waiting: he goes on with a wait that began before this process."""


@dataclass(frozen=True)
class Presence:
    """What became of a person at a room.

    participant  his id in the room: Join.participant
    what         waiting: came, and waits.  entered: is in.  held: waits again.  left: neither waits nor is in
    reason       of left: messages.LeftReason or "draining", when the process stops; of waiting: AGAIN; else ""
    at_s         Unix time
    """

    room: str
    participant: str
    role: str
    what: What
    reason: str
    at_s: float


@dataclass(frozen=True)
class Here:
    """Somebody who waits or is in.

    since_s   Unix time at which this began; a reload does not change it for who waits
    moderate  he may let others in
    held      he was in, and was put on hold
    """

    id: str
    name: str
    role: str
    label: str
    since_s: int
    moderate: bool = False
    held: bool = False


@dataclass(frozen=True)
class Lobby:
    """A room as its staff sees it, each in order of arrival."""

    waiting: tuple[Here, ...] = ()
    inside: tuple[Here, ...] = ()

    @property
    def state(self) -> Literal["open", "waiting", "live"]:
        """live: staff is in a call with somebody.  waiting: somebody waits.  open: else.

        Planned and ended are the appointment's to say.
        """
        if len({each.moderate for each in self.inside}) == 2:
            return "live"
        return "waiting" if self.waiting else "open"


@dataclass
class Clock:
    """What Unix time a monotonic time was, by the two that were read together last."""

    now_us: int = 0
    _ahead_s: float = 0.0

    def read(self, now_us: int, unix_s: float) -> None:
        self.now_us, self._ahead_s = now_us, unix_s - now_us / 1_000_000

    def unix_s(self, at_us: int) -> float:
        return self._ahead_s + at_us / 1_000_000

    def us(self, unix_s: float) -> int:
        """The other way round; less than 0 for what was before the machine began."""
        return round((unix_s - self._ahead_s) * 1_000_000)


@dataclass
class Place:
    """Where a person is, and since when."""

    join: Join
    since_us: int
    held: bool = False


@dataclass
class _Room:
    """waiting, inside: in order of arrival.  admitted, held: ids, whether or not they are here now."""

    waiting: dict[ParticipantId, Place] = field(default_factory=dict)
    inside: dict[ParticipantId, Place] = field(default_factory=dict)
    admitted: set[ParticipantId] = field(default_factory=set)
    held: set[ParticipantId] = field(default_factory=set)
    empty_us: int = 0


class Lobbies:
    """All of a process.

    changes  moves on whenever somebody comes, goes, waits or is let in anywhere
    """

    def __init__(self, clock: Clock) -> None:
        self.changes = 0
        self._clock = clock
        self._rooms: dict[RoomId, _Room] = {}
        self._events: list[Presence] = []
        self._changed: dict[RoomId, None] = {}

    # -- questions -----------------------------------------------------------------------------

    def must_wait(self, join: Join) -> bool:
        """Whether a person who comes now is to be let in by somebody."""
        known, participant = self._rooms.get(RoomId(join.room), _Room()), ParticipantId(join.participant)
        if participant in known.held:
            return True
        return join.wait and participant not in known.admitted and participant not in known.inside

    def waits(self, room: RoomId, participant: ParticipantId) -> Place | None:
        return self._rooms[room].waiting.get(participant) if room in self._rooms else None

    def inside(self, room: RoomId, participant: ParticipantId) -> Place | None:
        return self._rooms[room].inside.get(participant) if room in self._rooms else None

    def waiting(self, room: RoomId) -> list[tuple[ParticipantId, Place]]:
        """In order of arrival."""
        return list(self._rooms[room].waiting.items()) if room in self._rooms else []

    def moderators(self, room: RoomId) -> list[tuple[ParticipantId, Place]]:
        """Who is in and may let others in, in order of arrival."""
        if room not in self._rooms:
            return []
        return [(who, place) for who, place in self._rooms[room].inside.items() if place.join.grants.moderate]

    # -- what happens --------------------------------------------------------------------------

    def wait(self, join: Join, now_us: int) -> None:
        """Somebody came who is to be let in.  Who waits already keeps his place, and who waited before this process
        began gets his place back.  LimitError: WAITING_MAX."""
        room, participant = self._room(join.room), ParticipantId(join.participant)
        if participant in room.waiting:
            room.waiting[participant].join = join
            self.look_again(RoomId(join.room))  # it is news for him only
            return
        if len(room.waiting) >= WAITING_MAX:
            raise LimitError(f"{WAITING_MAX} people wait at this room")
        since_us = min(now_us, self._clock.us(join.since_s)) if join.since_s else now_us
        room.waiting[participant] = Place(join, since_us, participant in room.held)
        room.waiting = dict(sorted(room.waiting.items(), key=lambda item: item[1].since_us))
        self._note(join, "waiting", now_us, AGAIN if join.since_s else "")

    def enter(self, join: Join, now_us: int) -> None:
        """Somebody is in, by himself or because he was let in."""
        room, participant = self._room(join.room), ParticipantId(join.participant)
        waited = room.waiting.pop(participant, None)
        if waited is not None:
            room.admitted.add(participant)
            room.held.discard(participant)
        if participant in room.inside:
            room.inside[participant].join = join  # by one more connection, perhaps with other rights
            self.look_again(RoomId(join.room))
        else:
            room.inside[participant] = Place(join, now_us)
            self._note(join, "entered", now_us)

    def hold(self, room_id: RoomId, participant: ParticipantId, now_us: int, *, here: bool) -> None:
        """Somebody who is in is to wait again.  here: he does so now; else when he comes back."""
        room = self._room(room_id)
        room.admitted.discard(participant)
        room.held.add(participant)
        if here and (place := room.inside.pop(participant, None)) is not None:
            room.waiting[participant] = Place(place.join, now_us, held=True)
            self._note(place.join, "held", now_us)

    def leave(self, room_id: RoomId, participant: ParticipantId, reason: str, now_us: int) -> None:
        """Somebody neither waits nor is in any more.  Who was removed has to be let in again."""
        room = self._rooms.get(room_id, _Room())
        if reason == "removed":
            room.admitted.discard(participant)
        place = room.waiting.pop(participant, None) or room.inside.pop(participant, None)
        if place is not None:
            self._note(place.join, "left", now_us, reason)
            room.empty_us = now_us

    def end(self, room_id: RoomId) -> None:
        """The call is over: whoever comes again waits as if he had never been here."""
        room = self._rooms.get(room_id)
        if room is not None:
            room.admitted.clear()
            room.held.clear()

    def forget(self, before_us: int) -> list[RoomId]:
        """Rooms in which nobody has been since then are forgotten; returns them."""
        gone = [
            room_id
            for room_id, room in self._rooms.items()
            if not room.waiting and not room.inside and room.empty_us < before_us
        ]
        for room_id in gone:
            del self._rooms[room_id]
        return gone

    # -- for others ----------------------------------------------------------------------------

    def look_again(self, room_id: RoomId) -> None:
        """Somebody may know less of this room than he is to know."""
        self._changed[room_id] = None

    def take_changed(self) -> list[RoomId]:
        """Rooms in which something changed since the last time."""
        changed, self._changed = list(self._changed), {}
        return changed

    def take_presence(self) -> list[Presence]:
        taken, self._events = self._events, []
        return taken

    def snapshot(self) -> dict[str, Lobby]:
        """Every room in which somebody waits or is."""
        found = {
            str(room_id): Lobby(self._here(room.waiting.values()), self._here(room.inside.values()))
            for room_id, room in self._rooms.items()
        }
        return {room_id: lobby for room_id, lobby in found.items() if lobby.waiting or lobby.inside}

    def count(self) -> int:
        """How many people wait."""
        return sum(len(room.waiting) for room in self._rooms.values())

    # -- parts ---------------------------------------------------------------------------------

    def _room(self, room_id: str) -> _Room:
        return self._rooms.setdefault(RoomId(room_id), _Room())

    def _here(self, places: Iterable[Place]) -> tuple[Here, ...]:
        return tuple(
            Here(
                place.join.participant,
                place.join.name,
                place.join.role,
                place.join.label,
                int(self._clock.unix_s(place.since_us)),
                place.join.grants.moderate,
                place.held,
            )
            for place in places
            if place.join.role != "probe"
        )

    def _note(self, join: Join, what: What, now_us: int, reason: str = "") -> None:
        self.changes += 1
        self.look_again(RoomId(join.room))
        if join.role != "probe":  # a test of a device is nobody's visit
            at_s = self._clock.unix_s(now_us)
            self._events.append(Presence(join.room, join.participant, join.role, what, reason, at_s))
            del self._events[:-PRESENCE_MAX]
