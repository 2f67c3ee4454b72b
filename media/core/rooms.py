"""Who is in which room and what they publish: membership only, no media and no wire.

Commands in; the caller asks afterwards who is there.  The forwarding follows from it: signalling subscribes
everybody to what others() lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from media.core.errors import LimitError
from media.core.model import ParticipantId, RoomId, Source, TrackId, TransportId

MEMBERS_MAX = 10  # a counter call is two to four people; ten is what a phone can show
ROOMS_MAX = 500
TRACKS_MAX = 6  # microphone, camera, screen and its sound, and as much again while a reload overlaps


@dataclass(frozen=True)
class PublishedTrack:
    """One track of a member.

    muted   packets are not forwarded, by his own or a moderator's wish
    serial  tells two tracks apart that had the same row one after the other
    """

    track: TrackId
    transport: TransportId
    source: Source
    mid: str
    muted: bool = False
    serial: int = 0


@dataclass
class Member:
    """A participant in a room.  tracks in publish order."""

    id: ParticipantId
    name: str
    role: str
    label: str = ""
    tracks: list[PublishedTrack] = field(default_factory=list)


class Rooms:
    """All rooms of a process."""

    def __init__(self, rooms_max: int = ROOMS_MAX, members_max: int = MEMBERS_MAX) -> None:
        self._rooms: dict[RoomId, dict[ParticipantId, Member]] = {}
        self._rooms_max, self._members_max = rooms_max, members_max
        self._serial = 0

    def join(self, room: RoomId, member: Member) -> None:
        """LimitError: rooms_max or members_max.  ValueError: the id is in the room already."""
        members = self._rooms.get(room, {})
        if member.id in members:
            raise ValueError(f"{member.id!r} is in the room already")
        if not members and len(self._rooms) >= self._rooms_max:
            raise LimitError(f"rooms_max: {self._rooms_max} rooms are open")
        if len(members) >= self._members_max:
            raise LimitError(f"members_max: the room holds {self._members_max} people")
        self._rooms.setdefault(room, {})[member.id] = member

    def leave(self, room: RoomId, participant: ParticipantId) -> Member:
        """Forget a member; the last one closes the room.  KeyError: not there."""
        members = self._rooms[room]
        member = members.pop(participant)
        if not members:
            del self._rooms[room]
        return member

    def find(self, room: RoomId, participant: ParticipantId) -> Member | None:
        return self._rooms.get(room, {}).get(participant)

    def members(self, room: RoomId) -> list[Member]:
        """In order of arrival."""
        return list(self._rooms.get(room, {}).values())

    def publish(self, room: RoomId, participant: ParticipantId, track: PublishedTrack) -> None:
        """Add a track and number it.  LimitError: TRACKS_MAX.  KeyError: not in the room."""
        tracks = self._rooms[room][participant].tracks
        if len(tracks) >= TRACKS_MAX:
            raise LimitError(f"a participant publishes at most {TRACKS_MAX} tracks")
        self._serial += 1
        tracks.append(replace(track, serial=self._serial))

    def unpublish(self, room: RoomId, participant: ParticipantId, track: TrackId) -> None:
        member = self._rooms[room][participant]
        member.tracks = [known for known in member.tracks if known.track != track]

    def set_muted(self, room: RoomId, participant: ParticipantId, source: Source, muted: bool) -> list[TrackId]:
        """Mark a member's tracks of a source; returns those that changed."""
        member = self._rooms[room][participant]
        changed = [t.track for t in member.tracks if t.source == source and t.muted != muted]
        member.tracks = [replace(t, muted=muted) if t.source == source else t for t in member.tracks]
        return changed

    def others(
        self, room: RoomId, participant: ParticipantId, *, echo: bool = False
    ) -> list[tuple[Member, PublishedTrack]]:
        """What a participant is to see and hear: everybody else's tracks, in publish order per member.

        echo: his own too, for a test of his connection
        """
        seen = [member for member in self.members(room) if echo or member.id != participant]
        return [(member, track) for member in seen for track in member.tracks]

    def counts(self) -> dict[str, int]:
        return {"rooms": len(self._rooms), "participants": sum(len(members) for members in self._rooms.values())}
