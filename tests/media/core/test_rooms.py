"""Membership: who is where, what they publish, and how many at most."""

from __future__ import annotations

import pytest

from media.core.errors import LimitError
from media.core.model import ParticipantId, RoomId, Source, TrackId, TransportId
from media.core.rooms import TRACKS_MAX, Member, PublishedTrack, Rooms

ROOM = RoomId("room")
AN, BERT = ParticipantId("an"), ParticipantId("bert")


def person(name: str) -> Member:
    return Member(ParticipantId(name), name.title(), "citizen")


def track(number: int, source: Source = "camera") -> PublishedTrack:
    return PublishedTrack(TrackId(number), TransportId(number), source, str(number))


@pytest.fixture
def rooms() -> Rooms:
    rooms = Rooms(rooms_max=2, members_max=3)
    for name in ("an", "bert"):
        rooms.join(ROOM, person(name))
    return rooms


def test_everybody_sees_everybody_else_in_order(rooms: Rooms) -> None:
    rooms.publish(ROOM, AN, track(1, "microphone"))
    rooms.publish(ROOM, AN, track(2))
    rooms.publish(ROOM, BERT, track(3))
    assert [(m.name, t.track) for m, t in rooms.others(ROOM, BERT)] == [("An", 1), ("An", 2)]
    assert [(m.name, t.track) for m, t in rooms.others(ROOM, AN)] == [("Bert", 3)]
    assert len(rooms.others(ROOM, ParticipantId("a stranger"))) == 3
    assert rooms.others(RoomId("elsewhere"), AN) == []


def test_two_tracks_in_one_row_are_told_apart(rooms: Rooms) -> None:
    rooms.publish(ROOM, AN, track(1))
    first = rooms.others(ROOM, BERT)[0][1]
    rooms.unpublish(ROOM, AN, TrackId(1))
    assert rooms.others(ROOM, BERT) == []
    rooms.publish(ROOM, AN, track(1))
    assert rooms.others(ROOM, BERT)[0][1].serial != first.serial


def test_muting_says_what_changed(rooms: Rooms) -> None:
    rooms.publish(ROOM, AN, track(1, "microphone"))
    rooms.publish(ROOM, AN, track(2, "camera"))
    rooms.publish(ROOM, AN, track(3, "microphone"))
    assert rooms.set_muted(ROOM, AN, "microphone", True) == [1, 3]
    assert rooms.set_muted(ROOM, AN, "microphone", True) == []
    assert [t.muted for _, t in rooms.others(ROOM, BERT)] == [True, False, True]
    assert rooms.set_muted(ROOM, AN, "microphone", False) == [1, 3]


def test_the_last_one_out_closes_the_room(rooms: Rooms) -> None:
    assert rooms.counts() == {"rooms": 1, "participants": 2}
    assert rooms.leave(ROOM, AN).name == "An"
    assert rooms.find(ROOM, AN) is None
    assert [member.id for member in rooms.members(ROOM)] == [BERT]
    rooms.leave(ROOM, BERT)
    assert rooms.counts() == {"rooms": 0, "participants": 0}
    with pytest.raises(KeyError):
        rooms.leave(ROOM, BERT)


def test_limits_are_errors_that_name_them_and_change_nothing(rooms: Rooms) -> None:
    with pytest.raises(ValueError, match="in the room already"):
        rooms.join(ROOM, person("an"))
    rooms.join(ROOM, person("carol"))
    with pytest.raises(LimitError, match="members_max: the room holds 3 people"):
        rooms.join(ROOM, person("dirk"))
    rooms.join(RoomId("second"), person("an"))
    with pytest.raises(LimitError, match="rooms_max: 2 rooms are open"):
        rooms.join(RoomId("third"), person("an"))
    assert rooms.counts() == {"rooms": 2, "participants": 4}
    for number in range(TRACKS_MAX):
        rooms.publish(ROOM, AN, track(number))
    with pytest.raises(LimitError, match="at most 6 tracks"):
        rooms.publish(ROOM, AN, track(99))
    assert len(rooms.others(ROOM, BERT)) == TRACKS_MAX
