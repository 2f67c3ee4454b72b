"""What was said in the rooms, as far as it is kept: for who comes later, or comes again.  Pure.

In memory only, and little of it: what is to be kept of a visit is written down elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from media.core.model import ParticipantId, RoomId
from signalling.messages import Said

KEPT_MAX = 50  # chat messages of a room


@dataclass
class _Conversation:
    """kept: each message with the ids of who said or heard it."""

    kept: deque[tuple[Said, frozenset[ParticipantId]]] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    number: int = 0


class Conversations:
    """All of a process."""

    def __init__(self) -> None:
        self._rooms: dict[RoomId, _Conversation] = {}

    def next_id(self, room: RoomId) -> int:
        """The number for what is said next."""
        return self._rooms[room].number + 1 if room in self._rooms else 1

    def keep(self, room: RoomId, said: Said, readers: Iterable[ParticipantId]) -> None:
        """readers: who said and who heard it; the staff may read everything anyway."""
        conversation = self._rooms.setdefault(room, _Conversation())
        conversation.number = said.id
        conversation.kept.append((said, frozenset(readers)))

    def readable(self, room: RoomId, participant: ParticipantId, *, moderate: bool) -> list[Said]:
        """What somebody may read: staff all, others what they said or heard.

        So a helper who is let in later does not read what was said while he was outside.
        """
        if room not in self._rooms:
            return []
        return [said for said, readers in self._rooms[room].kept if moderate or participant in readers]

    def forget(self, room: RoomId) -> None:
        self._rooms.pop(room, None)
