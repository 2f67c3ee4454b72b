"""Chat, real-time text and the pointer: who hears what, and what is kept of it."""

from __future__ import annotations

from typing import Any

import pytest

from media.core.model import ParticipantId
from signalling.conversation import KEPT_MAX, Conversations
from signalling.media_plane import Limits
from signalling.messages import CHAT_MAX, TYPING_MAX, Said
from tests.support import sdp
from tests.support.counter import ROOM, UNIX_S, Counter, Person, S, types


def chat(person: Person, text: str = "Dag", to: str | None = None) -> list[dict[str, Any]]:
    return person.say({"type": "chat", "text": text, "to": to})


def texts(heard: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in heard]


def crew(counter: Counter) -> dict[str, Person]:
    """Mia and Els of the staff, Bo and An inside, Jan and Cy outside."""
    people = {who: counter.enter(who, "staff") for who in ("mia", "els")}
    people |= {who: counter.enter(who) for who in ("bo", "an")}
    people |= {who: counter.enter(who, "third", wait=True) for who in ("jan", "cy")}
    for person in people.values():
        person.hears()
    return people


@pytest.mark.parametrize(
    ("sender", "to", "hearing"),
    [
        ("bo", None, {"mia", "els", "bo", "an"}),
        ("mia", None, {"mia", "els", "bo", "an"}),
        ("jan", None, {"mia", "els", "jan"}),
        ("mia", "jan", {"mia", "els", "jan"}),
        ("mia", "bo", {"mia", "els", "bo"}),
        ("mia", "els", {"mia", "els"}),
        ("mia", "mia", {"mia", "els"}),
    ],
)
def test_who_hears_what_is_said(sender: str, to: str | None, hearing: set[str]) -> None:
    counter = Counter()
    people = crew(counter)
    own = chat(people[sender], to=to)
    heard = {who: own if who == sender else person.hears() for who, person in people.items()}
    assert {who for who, told in heard.items() if told} == hearing
    said = heard[sender][0]
    assert {key: said[key] for key in ("type", "id", "from", "name", "text", "at", "to", "waiting")} == {
        "type": "chat",
        "id": 1,
        "from": sender,
        "name": sender.title(),
        "text": "Dag",
        "at": UNIX_S * 1000,
        "to": to,
        "waiting": sender == "jan",
    }
    people[sender].say({"type": "typing", "text": "Da", "to": to})
    typed = {who for who, person in people.items() if who != sender and person.hears("typing")}
    assert typed == hearing - {sender}


@pytest.mark.parametrize(
    ("sender", "to", "code"),
    [
        ("bo", "an", "forbidden"),
        ("bo", "mia", "forbidden"),
        ("jan", "mia", "waiting"),
        ("jan", "cy", "waiting"),
        ("mia", "nobody", "not_found"),
    ],
)
@pytest.mark.parametrize("kind", ["chat", "typing"])
def test_to_whom_one_may_not_write(kind: str, sender: str, to: str, code: str) -> None:
    counter = Counter()
    people = crew(counter)
    (error,) = people[sender].say({"type": kind, "text": "Dag", "to": to})
    assert (error["code"], error["fatal"], error["re"]) == (code, False, kind)
    assert [who for who, person in people.items() if person.hears()] == []


@pytest.mark.parametrize("text", ["", " \n\t", "x" * (CHAT_MAX + 1)])
def test_what_is_no_chat_message(text: str) -> None:
    an = Counter().enter("an")
    (error,) = chat(an, text)
    assert (error["code"], error["fatal"]) == ("bad_message", False)


@pytest.mark.parametrize("text", ["x" * CHAT_MAX, "twee\nregels", "<b>&amp;</b>", "שלום 👋🏽"])
def test_a_text_arrives_as_it_was_written(text: str) -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    chat(an, text)
    assert texts(bo.hears("chat")) == [text]


# -- what is kept ------------------------------------------------------------------------------------


def test_who_comes_later_or_again_is_given_what_he_may_read() -> None:
    counter = Counter()
    bo, jan = counter.enter("bo"), counter.enter("jan", wait=True)
    chat(bo, "is er iemand?")
    chat(jan, "ik wacht")
    mia = counter.enter("mia", "staff")
    assert texts(mia.welcome["chat"]) == ["is er iemand?", "ik wacht"], "written before anybody of the staff came"
    chat(mia, "een ogenblik", to="jan")
    chat(bo, "dank u")
    assert texts(counter.enter("els", "staff").welcome["chat"])[2:] == ["een ogenblik", "dank u"]
    assert texts(counter.enter("jan", wait=True).welcome["chat"]) == ["ik wacht", "een ogenblik"]
    assert texts(counter.enter("bo").welcome["chat"]) == ["is er iemand?", "dank u"]
    assert counter.enter("cy").welcome["chat"] == [], "what was said while he was outside is not for him"


def test_what_one_heard_inside_one_may_read_again_while_on_hold() -> None:
    counter = Counter()
    mia, bo = counter.enter("mia", "staff"), counter.enter("bo")
    chat(mia, "welkom")
    mia.say({"type": "hold", "participant": "bo"})
    chat(mia, "onder ons")
    assert texts(counter.enter("bo").welcome["chat"]) == ["welkom"]
    assert texts(bo.hears("chat")) == ["welkom"]


def test_a_resume_gives_messages_once() -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    chat(an, "een")
    bo.hears()
    bo.lose()
    chat(an, "twee")
    welcome, *missed = bo.resume()
    assert welcome["chat"] == []
    assert texts(missed) == ["twee"]


def test_the_last_ones_are_kept_and_the_numbers_go_on() -> None:
    counter = Counter()
    an = counter.enter("an")
    for number in range(KEPT_MAX + 5):
        counter.later(S)
        chat(an, f"bericht {number}")
    kept = counter.enter("an").welcome["chat"]
    assert [message["id"] for message in kept] == list(range(6, KEPT_MAX + 6))


@pytest.mark.parametrize("how", ["staff ends it", "the application ends it", "everybody is gone for long"])
def test_nothing_is_left_of_a_conversation_that_is_over(how: str) -> None:
    counter = Counter(limits=Limits(room_us=60 * S))
    mia, an = counter.enter("mia", "staff"), counter.enter("an")
    chat(an, "geheim")
    if how == "staff ends it":
        mia.say({"type": "moderate", "action": "end"})
    elif how == "the application ends it":
        counter.hub.end_room(ROOM)
    else:
        for person in (mia, an):
            person.say({"type": "leave"})
        counter.later(61 * S)
    assert counter.enter("mia", "staff").welcome["chat"] == []
    assert chat(counter.enter("an"), "opnieuw")[-1]["id"] == 1


def test_rooms_do_not_hear_each_other() -> None:
    counter = Counter()
    an, other = counter.enter("an"), counter.enter("mia", "staff", room="loket-4")
    chat(an, "geheim")
    assert other.hears("chat") == []
    assert counter.enter("els", "staff", room="loket-4").welcome["chat"] == []


def test_a_conversation_by_itself() -> None:
    kept = Conversations()
    assert kept.next_id(ROOM) == 1
    kept.keep(ROOM, Said(1, "an", "An", "citizen", "dag", 0), [ParticipantId("an")])
    assert kept.next_id(ROOM) == 2
    assert [said.id for said in kept.readable(ROOM, ParticipantId("mia"), moderate=True)] == [1]
    assert kept.readable(ROOM, ParticipantId("bo"), moderate=False) == []
    kept.forget(ROOM)
    kept.forget(ROOM)
    assert kept.readable(ROOM, ParticipantId("an"), moderate=False) == []


# -- what is over in a moment ------------------------------------------------------------------------


def test_a_line_that_is_being_typed_is_neither_numbered_nor_kept() -> None:
    counter = Counter(limits=Limits(buffered=3))
    an, bo = counter.enter("an"), counter.enter("bo")
    an.hears()
    seen = bo.seen
    for end in range(1, 8):
        an.say({"type": "typing", "text": "goedendag"[:end]})
    heard = bo.hears()
    assert {(message["type"], message["participant"], message["n"]) for message in heard} == {("typing", "an", seen)}
    assert heard[-1]["text"] == "goedend"
    bo.lose()
    an.say({"type": "typing", "text": "x" * TYPING_MAX})
    for _ in range(40):
        counter.later(S // 10)
        an.say({"type": "typing", "text": ""})
    assert types(bo.resume()) == ["welcome"], "a resume is not spent on them"
    assert an.say({"type": "typing", "text": "x" * (TYPING_MAX + 1)})[0]["code"] == "bad_message"


def test_a_fast_typist_who_points_is_no_flood() -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    an.publishes("screen")
    for number in range(600):
        counter.later(S // 30)
        an.say({"type": "pointer", "x": 0.5, "y": 0.5} if number % 2 else {"type": "typing", "text": str(number)})
    assert an.connection not in counter.closes
    assert len(bo.hears("pointer")) == 300


def test_the_pointer_shows_while_somebody_shares() -> None:
    counter = Counter()
    mia, an, jan = counter.enter("mia", "staff"), counter.enter("an"), counter.enter("jan", wait=True)
    jan.hears()
    point = {"type": "pointer", "x": 0, "y": 1}
    assert an.say(point) == [] and mia.hears("pointer") == []
    mia.publishes("screen")
    an.hears()
    assert an.say(point) == []
    (shown,) = mia.hears("pointer")
    assert (shown["participant"], shown["x"], shown["y"]) == ("an", 0, 1)
    assert [type(shown["x"]), jan.hears()] == [float, []]
    an.say({"type": "pointer", "x": None, "y": None})
    assert mia.hears("pointer")[0]["x"] is None
    mia.publish({}, sdp.chromium([sdp.screen()]))
    an.hears()
    an.say(point)
    assert mia.hears("pointer") == []


@pytest.mark.parametrize(("x", "y"), [(0.5, None), (None, 0.5), (-0.1, 0.5), (0.5, 1.1), ("0", 0)])
def test_what_is_no_point(x: object, y: object) -> None:
    counter = Counter()
    an = counter.enter("an")
    an.publishes("screen")
    an.hears()
    (error,) = an.say({"type": "pointer", "x": x, "y": y})
    assert (error["code"], error["fatal"]) == ("bad_message", False)
