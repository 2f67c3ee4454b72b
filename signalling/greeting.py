"""The first word to a session, new or resumed: who and what is here now, as far as it may know."""

from __future__ import annotations

from media.core.rooms import Rooms
from signalling import messages, people
from signalling.lobby import Clock, Lobbies
from signalling.media_plane import Limits
from signalling.messages import MESSAGE_MAX, VERSION
from signalling.relays import Relays
from signalling.sdp import SDP_MAX
from signalling.session import Session
from signalling.talk import Talk


class Greeting:
    """Says welcome."""

    def __init__(
        self, rooms: Rooms, lobbies: Lobbies, talk: Talk, limits: Limits, relays: Relays, clock: Clock
    ) -> None:
        self._rooms, self._lobbies, self._talk, self._limits = rooms, lobbies, talk, limits
        self._relays, self._clock = relays, clock

    def welcome(self, session: Session, secret: str, n: int, *, resumed: bool) -> messages.Welcome:
        room, participant = session.room, session.participant
        member, waits = self._rooms.find(room, participant), self._lobbies.waits(room, participant) is not None
        others = [] if waits else [each for each in self._rooms.members(room) if each.id != participant]
        return messages.Welcome(
            v=VERSION,
            n=n,
            session=session.id,
            secret=secret,
            resumed=resumed,
            room=room,
            you=people.outside(session.join) if member is None else people.participant(member),
            participants=[people.participant(each) for each in others],
            can=people.NOTHING if waits else people.rights(session.join),
            limits={
                "message_bytes": MESSAGE_MAX,
                "sdp_characters": SDP_MAX,
                "messages_burst": self._limits.messages_burst,
                "messages_per_s": self._limits.messages_per_s,
                "resume_s": self._limits.resume_us // 1_000_000,
            },
            waiting=waits,
            chat=[] if resumed else self._talk.said(session),
            ice_servers=[] if waits else self._relays.servers(session.join, self._clock.unix_s(self._clock.now_us)),
        )
