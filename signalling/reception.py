"""The waiting room as people live it: letting in, putting on hold, and who is told what of it."""

from __future__ import annotations

from media.core.model import ParticipantId, RoomId
from media.core.rooms import Rooms
from signalling import messages, people
from signalling.audience import Audience
from signalling.company import Company
from signalling.errors import SignallingError, shown
from signalling.lobby import Clock, Lobbies, Place
from signalling.relays import Relays
from signalling.session import Session


class Reception:
    """Sessions in, messages to sessions out.  catch_up() before they are sent."""

    def __init__(
        self, rooms: Rooms, lobbies: Lobbies, audience: Audience, company: Company, clock: Clock, relays: Relays
    ) -> None:
        self._rooms, self._lobbies, self._audience = rooms, lobbies, audience
        self._company, self._clock, self._relays = company, clock, relays

    def admit(self, session: Session, wanted: str, now_us: int) -> None:
        """Let somebody in who waits.  SignallingError: not allowed, nobody.  LimitError: the room is full."""
        room, participant = self._target(session, wanted)
        if self._lobbies.inside(room, participant) is not None:
            return  # a colleague was faster
        guest = self._audience.of(room, participant)
        if guest is None or self._lobbies.waits(room, participant) is None:
            raise SignallingError("not_found", f"nobody with the id '{shown(wanted)}' waits to be let in")
        self._company.enter(guest.join, now_us)
        guest.told_waiting = None
        others = [people.participant(each) for each in self._rooms.members(room) if each.id != participant]
        servers = self._relays.servers(guest.join, self._clock.unix_s(now_us))
        guest.tell(lambda n: messages.Admitted(n, others, people.rights(guest.join), servers))
        self._company.refresh(guest, now_us)

    def hold(self, session: Session, wanted: str, now_us: int) -> None:
        """Send somebody back to wait.  SignallingError: not allowed, nobody, or one of the staff."""
        room, participant = self._target(session, wanted)
        if self._lobbies.waits(room, participant) is not None:
            return
        place = self._lobbies.inside(room, participant)
        if place is None:
            raise SignallingError("not_found", f"nobody with the id '{shown(wanted)}' is in the room")
        guest = self._audience.of(room, participant)
        if place.join.grants.moderate or (guest is not None and guest.join.grants.moderate):
            raise SignallingError("forbidden", "staff is not put on hold")
        self._lobbies.hold(room, participant, now_us, here=False)
        self._company.end_elsewhere(room, participant, "held", now_us)
        if guest is not None:
            self._company.send_out(guest, now_us)
            guest.tell(lambda n: messages.Held(n))

    def catch_up(self) -> None:
        """Tell what changed in lobbies since the last time, once."""
        for room in self._lobbies.take_changed():
            self._tell_staff(room)
            self._tell_waiting(room)

    def _target(self, session: Session, wanted: str) -> tuple[RoomId, ParticipantId]:
        if not session.join.grants.moderate:
            raise SignallingError("forbidden", "the join token does not grant moderating")
        return session.room, ParticipantId(wanted)

    def _tell_staff(self, room: RoomId) -> None:
        waiters = [
            messages.Waiter(
                who,
                place.join.name,
                place.join.role,
                place.join.label,
                self._waited_s(place),
                place.held,
            )
            for who, place in self._lobbies.waiting(room)
        ]
        outside = tuple((each.id, each.name, each.label, each.held) for each in waiters)
        for session in self._audience.moderators(room):
            if session.told_lobby != outside:
                session.told_lobby = outside
                session.tell(lambda n: messages.LobbyNow(n, waiters))

    def _tell_waiting(self, room: RoomId) -> None:
        staff = tuple(dict.fromkeys(place.join.name for _, place in self._lobbies.moderators(room)))
        for position, (who, place) in enumerate(self._lobbies.waiting(room), 1):
            session = self._audience.of(room, who)
            if session is not None:
                _tell_place(session, position, staff, place.held, self._waited_s(place))

    def _waited_s(self, place: Place) -> int:
        return max(0, self._clock.now_us - place.since_us) // 1_000_000


def _tell_place(session: Session, position: int, staff: tuple[str, ...], held: bool, waited_s: int) -> None:
    if session.told_waiting != (position, staff, held):
        session.told_waiting = position, staff, held
        session.tell(lambda n: messages.Waiting(n, position, list(staff), held, waited_s))
