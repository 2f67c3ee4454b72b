"""Sessions: the order of things at the door, limits, resuming, leaving, and what is left of it all afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from media.core.model import ParticipantId, RoomId, SpeakersChanged
from media.core.rooms import Rooms
from signalling.media_plane import Limits
from signalling.messages import CLOSE_CODES, MESSAGE_MAX
from signalling.tokens import Join
from tests.support.counter import ROOM, UNIX_S, Counter, S, types

# -- the door ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"type": "ping", "at": 1}, "wrong_order"),
        ({"type": "leave"}, "wrong_order"),
        ({"type": "hello", "v": 2, "token": ""}, "unsupported"),
        ({"type": "hello", "v": 1, "token": ""}, "token_invalid"),
        ({"type": "hello", "v": 1, "token": "a.b.c"}, "token_invalid"),
        ("x" * (MESSAGE_MAX + 1), "too_large"),
    ],
)
def test_who_does_not_come_in_is_told_and_sent_away(first: object, code: str) -> None:
    counter = Counter()
    connection = counter.connect()
    (error,) = counter.say(connection, first)
    assert (error["type"], error["code"], error["fatal"], error["n"]) == ("error", code, True, 0)
    assert counter.closes[connection] == CLOSE_CODES[code]
    assert counter.say(connection, counter.hello()) == [], "what it sends after that is not read"
    assert set(counter.rows().values()) == {0}


@pytest.mark.parametrize("garbage", ["", "{", b"\xff", '{"type":"dance"}', "[]"])
def test_garbage_before_hello_may_be_followed_by_a_hello(garbage: str | bytes) -> None:
    counter = Counter()
    connection = counter.connect()
    (error,) = counter.say(connection, garbage)
    assert not error["fatal"]
    assert types(counter.say(connection, counter.hello())) == ["welcome"]


def test_a_token_that_has_expired() -> None:
    counter = Counter()
    connection, message = counter.connect(), json.dumps(counter.hello())
    counter.hub.receive(connection, message, counter.now_us, UNIX_S + 200)
    assert counter.take(connection)[0]["code"] == "token_expired"
    assert counter.closes[connection] == CLOSE_CODES["token_expired"]


def test_the_application_has_a_word_at_the_door() -> None:
    class Closed:
        def may_enter(self, join: Join) -> str | None:
            return "not open yet" if join.role == "citizen" else None

    counter = Counter(admission=Closed())
    connection = counter.connect()
    (error,) = counter.say(connection, counter.hello())
    assert (error["code"], error["message"]) == ("forbidden", "not open yet")
    assert types([counter.enter("mia", "staff").welcome]) == ["welcome"]
    assert counter.rows()["participants"] == 1


def test_a_silent_stranger_is_sent_away_in_time() -> None:
    counter = Counter(limits=Limits(hello_us=3 * S))
    connection = counter.connect()
    counter.later(3 * S)
    assert connection not in counter.closes
    counter.later(1)
    assert "no hello within 3 s" in counter.take(connection)[0]["message"]
    assert counter.closes[connection] == CLOSE_CODES["wrong_order"]
    assert counter.rows()["connections"] == 0


def test_a_second_hello_ends_the_session() -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    assert an.say(counter.hello())[-1]["code"] == "wrong_order"
    assert counter.closes[an.connection] == CLOSE_CODES["wrong_order"]
    assert bo.hears("left")[0]["reason"] == "left"
    assert counter.rows()["sessions"] == counter.rows()["connections"] == 1


@pytest.mark.parametrize(("rooms", "people"), [(Rooms(members_max=2), 2), (Rooms(rooms_max=1), 1)])
def test_no_place_left(rooms: Rooms, people: int) -> None:
    counter = Counter(rooms=rooms)
    first = [counter.enter(str(number)) for number in range(people)]
    first[0].hears()
    connection = counter.connect()
    other = counter.token("late", room=ROOM if people == 2 else "another")
    (error,) = counter.say(connection, {"type": "hello", "v": 1, "token": other})
    assert (error["code"], counter.closes[connection]) == ("room_full", CLOSE_CODES["room_full"])
    assert first[0].hears("joined") == first[0].hears("left") == []
    assert counter.rows()["participants"] == people
    first[0].say({"type": "leave"})
    assert types(counter.say(counter.connect(), {"type": "hello", "v": 1, "token": other}))[0] == "welcome"


def test_who_joins_anew_takes_his_own_place_in_a_full_room() -> None:
    counter = Counter(rooms=Rooms(members_max=2))
    an, bo = counter.enter("an"), counter.enter("bo")
    an.publishes("microphone")
    again = counter.enter("an")
    assert types(an.hears())[-1:] == ["bye"]
    assert (an.connection in counter.closes, again.connection in counter.closes) == (True, False)
    heard = bo.hears()
    assert [message["type"] for message in heard if message["type"] in ("left", "joined")] == ["left", "joined"]
    assert next(m for m in heard if m["type"] == "left")["reason"] == "replaced"
    assert counter.rows()["tracks"] == 0
    assert counter.rows()["sessions"] == 2


def test_the_same_id_in_another_room_is_somebody_else() -> None:
    counter = Counter()
    an, other = counter.enter("an"), counter.enter("an", room="loket-4")
    assert an.hears() == [] and other.welcome["participants"] == []


# -- limits ------------------------------------------------------------------------------------------


def test_too_many_messages_end_the_session_and_nobody_elses() -> None:
    limits = Limits(messages_burst=5, messages_per_s=2)
    counter = Counter(limits=limits)
    an, bo = counter.enter("an"), counter.enter("bo")
    an.hears()
    heard = [an.say({"type": "ping", "at": at}) for at in range(5)]
    assert [types(each) for each in heard[:4]] == [["pong"]] * 4, "the hello was the first of five"
    (error,) = (message for message in heard[4] if message["type"] == "error")
    assert (error["code"], error["fatal"]) == ("rate_limited", True)
    assert "at most 5 at once and 2 a second" in error["message"]
    assert counter.closes[an.connection] == CLOSE_CODES["rate_limited"]
    assert types(bo.say({"type": "ping", "at": 1}))[-1] == "pong"


def test_a_steady_pace_is_no_flood() -> None:
    counter = Counter(limits=Limits(messages_burst=5, messages_per_s=2))
    an = counter.enter("an")
    for at in range(100):
        counter.later(S // 2)
        assert types(an.say({"type": "ping", "at": at})) == ["pong"]


def test_garbage_counts_as_messages() -> None:
    counter = Counter()
    an = counter.enter("an")
    codes = [message["code"] for _ in range(Limits().messages_burst) for message in an.say("garbage")]
    assert set(codes[:-1]) == {"bad_message"} and codes[-1] == "rate_limited"


# -- staff -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["mute", "remove", "end"])
@pytest.mark.parametrize("role", ["citizen", "third", "probe"])
def test_only_staff_moderates(action: str, role: Any) -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo", role)
    an.publishes("microphone")
    bo.hears()
    (error,) = bo.say({"type": "moderate", "action": action, "participant": "an", "source": "microphone"})
    assert (error["code"], error["fatal"], error["re"]) == ("forbidden", False, "moderate")
    assert an.hears("bye") == [] and not [m for m in an.hears("updated") if m["participant"]["sources"][0]["muted"]]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"action": "mute", "participant": "an"}, "bad_message"),
        ({"action": "mute", "source": "camera"}, "bad_message"),
        ({"action": "remove"}, "bad_message"),
        ({"action": "remove", "participant": "nobody"}, "not_found"),
        ({"action": "mute", "participant": "elsewhere", "source": "camera"}, "not_found"),
    ],
)
def test_moderating_needs_somebody_of_this_room(message: dict[str, str], code: str) -> None:
    counter = Counter()
    staff = counter.enter("mia", "staff")
    elsewhere = counter.enter("elsewhere", room="loket-4")
    (error,) = staff.say({"type": "moderate", **message})
    assert (error["code"], error["fatal"]) == (code, False)
    assert elsewhere.hears() == []


def test_removing_somebody() -> None:
    counter = Counter()
    staff, an, bo = counter.enter("mia", "staff"), counter.enter("an"), counter.enter("bo")
    an.publishes("microphone")
    staff.say({"type": "moderate", "action": "remove", "participant": "an"})
    assert an.hears("bye")[0]["reason"] == "removed"
    assert counter.closes[an.connection] == 1000
    assert [(m["participant"], m["reason"]) for m in bo.hears("left")] == [("an", "removed")]
    assert counter.rows()["tracks"] == 0
    assert an.resume()[0]["code"] == "not_found"


def test_ending_the_call_for_everybody() -> None:
    counter = Counter()
    staff, an = counter.enter("mia", "staff"), counter.enter("an")
    elsewhere = counter.enter("bo", room="loket-4")
    an.publishes("microphone")
    staff.hears()
    an.lose()
    heard = staff.say({"type": "moderate", "action": "end"})
    assert types(heard) == ["bye"], "and not first that the others leave"
    assert an.resume()[0]["code"] == "not_found"
    assert elsewhere.hears() == []
    assert counter.rows()["participants"] == 1 and counter.rows()["tracks"] == 0


# -- speakers, stopping, mistakes --------------------------------------------------------------------


def test_speakers_are_told_to_their_room() -> None:
    counter = Counter()
    an, other = counter.enter("an"), counter.enter("bo", room="loket-4")
    counter.event(SpeakersChanged(ROOM, (ParticipantId("an"),)), SpeakersChanged(RoomId("none"), ()))
    assert an.hears("speakers")[0]["participants"] == ["an"]
    assert other.hears() == []


def test_who_comes_in_while_somebody_speaks_is_told_who() -> None:
    counter = Counter()
    an = counter.enter("an")
    an.publishes("microphone")
    counter.event(SpeakersChanged(ROOM, (ParticipantId("an"),)))
    bo = counter.enter("bo")
    bo.answer()
    assert not bo.hears("speakers"), "there is no tile yet that could be marked"
    counter.connected(bo.session().subscribing.transport)
    assert bo.hears("speakers")[0]["participants"] == ["an"]
    counter.event(SpeakersChanged(ROOM, ()))
    cy = counter.enter("cy")
    cy.answer()
    counter.connected(cy.session().subscribing.transport)
    assert not cy.hears("speakers")


def test_a_media_process_that_began_anew_says_itself_who_speaks() -> None:
    counter = Counter()
    an = counter.enter("an")
    an.publishes("microphone")
    counter.event(SpeakersChanged(ROOM, (ParticipantId("an"),)))
    counter.failed(an.session().publishing.transport, "media_restarted")
    an.publishes("microphone", peer=2)
    bo = counter.enter("bo")
    bo.answer()
    counter.connected(bo.session().subscribing.transport)
    assert not bo.hears("speakers")


def test_while_calls_end_nobody_new_comes_in_and_who_is_there_goes_on() -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    counter.hub.draining = True
    connection = counter.connect()
    (error,) = counter.say(connection, counter.hello("cy"))
    assert (error["code"], counter.closes[connection]) == ("draining", CLOSE_CODES["draining"])
    bo.lose()
    assert types(bo.resume()) == ["welcome"], "a tunnel during the last minutes does not end the call"
    an.publishes("microphone")
    assert bo.hears("subscribe")


def test_a_stop_tells_everybody_and_forgets_everything() -> None:
    counter = Counter()
    people = [counter.enter(name) for name in ("an", "bo", "cy")]
    for person in people:
        person.publishes("microphone", "camera")
    for person in people:
        person.hears()
    people[2].lose()
    stranger = counter.connect()
    counter.hub.drain()
    for person in people[:2]:
        assert [(m["type"], m["reason"]) for m in person.hears()] == [("bye", "draining")]
        assert counter.closes[person.connection] == 1000
    assert counter.closes[stranger] == 1001
    assert set(counter.rows().values()) == {0}
    for person in people:
        counter.hub.socket_lost(person.connection, counter.now_us)
    counter.later(60 * S)
    assert set(counter.rows().values()) == {0}


def test_a_mistake_of_ours_ends_one_session_and_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(an.session().publishing, "offer", broken)
    with pytest.raises(ZeroDivisionError):
        an.publishes("microphone")
    (error,) = an.hears("error")
    assert (error["code"], error["fatal"], "ZeroDivision" in error["message"]) == ("internal", True, False)
    assert counter.closes[an.connection] == CLOSE_CODES["internal"]
    assert bo.hears("left")
    assert counter.rows()["sessions"] == 1


def test_what_clients_are_told_holds_no_secret_of_others() -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    heard = json.dumps(bo.hears() + an.hears() + [bo.welcome])
    assert an.welcome["secret"] not in heard and an.welcome["session"] not in heard
