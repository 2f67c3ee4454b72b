"""Who speaks: loud for long enough, and not by turns five times a second."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from media import native
from media.core.compiled_speakers import CompiledSpeakers
from media.core.model import ParticipantId, RoomId
from media.core.speakers import SPEAKING_DBOV, ActiveSpeakers

ROOM, OTHER = RoomId("room"), RoomId("other")
AN, BERT, CAROL = ParticipantId("an"), ParticipantId("bert"), ParticipantId("carol")
LOUD, LOUDER, ROOM_NOISE = SPEAKING_DBOV - 10, SPEAKING_DBOV - 30, SPEAKING_DBOV + 5

Said = list[tuple[RoomId, tuple[ParticipantId, ...]]]


LIBRARY = native.library()


class Meeting:
    """Tracks 0 An, 1 Bert, 2 Carol who is in another room, 3 the sound of An's screen."""

    compiled = False

    def __init__(self) -> None:
        self.speakers = CompiledSpeakers(LIBRARY, 8) if self.compiled else ActiveSpeakers(8)
        for track, (room, who) in enumerate([(ROOM, AN), (ROOM, BERT), (OTHER, CAROL), (ROOM, AN)]):
            self.speakers.assign(track, room, who)

    def hear(self, levels: dict[int, int], times: int = 1) -> Said:
        """So many evaluations, ten packets a track before each; what was news."""
        said: Said = []
        for _ in range(times):
            for track, level in levels.items():
                self.speakers.observe(np.full(10, track, np.int64), np.full(10, level, np.int64))
            said += self.speakers.evaluate()
        return said


@pytest.fixture(autouse=True, params=["arrays"] + (["compiled"] if LIBRARY is not None else []))
def compiled(request: pytest.FixtureRequest) -> Iterator[None]:
    Meeting.compiled = request.param == "compiled"
    yield
    Meeting.compiled = False


def test_a_cough_is_no_speech_and_a_pause_no_silence() -> None:
    meeting = Meeting()
    assert meeting.hear({0: LOUD}) + meeting.hear({0: 127}, 5) == []
    assert meeting.hear({0: LOUD}, 5) == [(ROOM, (AN,))]
    assert meeting.hear({0: 127}, 2) + meeting.hear({0: LOUD}, 2) == []
    assert meeting.hear({0: 127}, 10) == [(ROOM, ())]


def test_noise_of_a_room_is_not_speech() -> None:
    assert Meeting().hear({0: ROOM_NOISE}, 50) == []


def test_the_loudest_comes_first_and_order_alone_is_no_news() -> None:
    meeting = Meeting()
    assert meeting.hear({0: LOUD, 1: LOUDER}, 5) == [(ROOM, (BERT, AN))]
    assert meeting.hear({0: LOUDER, 1: LOUD}, 20) == []


def test_rooms_do_not_hear_each_other() -> None:
    meeting = Meeting()
    assert sorted(meeting.hear({0: LOUD, 2: LOUD}, 5)) == [(OTHER, (CAROL,)), (ROOM, (AN,))]


def test_a_person_with_two_sounds_is_named_once() -> None:
    assert Meeting().hear({0: LOUD, 3: LOUDER}, 5) == [(ROOM, (AN,))]


def test_who_stops_sending_stops_speaking() -> None:
    """Muted, or gone without a word (DTX)."""
    meeting = Meeting()
    meeting.hear({0: LOUD}, 5)
    assert meeting.hear({}, 10) == [(ROOM, ())]


def test_a_released_track_is_off_the_list_and_its_row_begins_silent() -> None:
    meeting = Meeting()
    meeting.hear({0: LOUD}, 20)
    meeting.speakers.release(0)
    assert meeting.hear({}) == [(ROOM, ())]
    meeting.speakers.assign(0, OTHER, BERT)
    assert meeting.hear({0: 127}) == []


@pytest.mark.skipif(LIBRARY is None, reason="no C compiler was there at the installation")
def test_both_languages_hear_the_same() -> None:
    chance = random.Random(20)
    meetings = []
    for Meeting.compiled in (False, True):
        meetings.append(Meeting())
    for _ in range(500):
        levels = {track: chance.choice([LOUD, LOUDER, ROOM_NOISE, 127]) for track in range(4) if chance.random() < 0.7}
        by_array, compiled = (meeting.hear(levels) for meeting in meetings)
        assert by_array == compiled
    rows, same = (meeting.speakers.memory for meeting in meetings)
    for name in ("packets", "loud", "level_sum", "share", "quietness", "speaking"):
        assert rows[name].tolist() == pytest.approx(same[name].tolist()), name
