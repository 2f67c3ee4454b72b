"""The waiting room beside the WebSocket: WHIP and WHEP, and what the layers above see of it."""

from __future__ import annotations

from typing import Any

import pytest

from signalling.errors import SignallingError
from tests.support import sdp
from tests.support.counter import ROOM, UNIX_S, Counter, Person, S, types


def admit(staff: Person, who: str) -> list[dict[str, Any]]:
    return staff.say({"type": "admit", "participant": who})


def hold(staff: Person, who: str) -> list[dict[str, Any]]:
    return staff.say({"type": "hold", "participant": who})


# -- WHIP and WHEP -----------------------------------------------------------------------------------


def whip(counter: Counter, who: str, *, wait: bool = True) -> str:
    token = counter.token(who, wait=wait)
    offer = sdp.chromium([sdp.microphone()], peer=5)
    return counter.http.publish(ROOM, token, offer, counter.now_us, UNIX_S).resource


@pytest.mark.parametrize("wait", [True, False])
def test_whip_is_no_way_around_the_waiting_room(wait: bool) -> None:
    counter = Counter()
    counter.enter("jan", wait=True)
    with pytest.raises(SignallingError) as refused:
        whip(counter, "jan", wait=wait)
    assert refused.value.code == "waiting"
    with pytest.raises(SignallingError):
        whip(counter, "bo")
    assert counter.rows()["http"] == counter.rows()["participants"] == 0


def test_whip_of_who_was_let_in_ends_with_a_hold() -> None:
    counter = Counter()
    staff, jan = counter.enter("mia", "staff"), counter.enter("jan", wait=True)
    admit(staff, "jan")
    whip(counter, "jan")
    hold(staff, "jan")
    counter.pump()
    assert counter.rows()["http"] == counter.rows()["tracks"] == 0
    assert types(jan.hears())[-2:] == ["held", "waiting"]
    with pytest.raises(SignallingError):
        whip(counter, "jan")


def test_who_is_in_by_whip_only_may_be_put_on_hold() -> None:
    counter = Counter()
    staff = counter.enter("mia", "staff")
    whip(counter, "cam", wait=False)
    counter.pump()
    hold(staff, "cam")
    assert counter.rows()["http"] == 0 and counter.rows()["participants"] == 1
    events = [(each.participant, each.what, each.reason) for each in counter.hub.take_presence()]
    assert events == [("mia", "entered", ""), ("cam", "entered", ""), ("cam", "left", "held")]
    assert counter.enter("cam").hears("waiting")[0]["held"] is True


# -- for the layers above ----------------------------------------------------------------------------


def test_the_application_sees_who_waits_and_who_is_in() -> None:
    counter = Counter()
    assert counter.hub.lobbies() == {}
    before = counter.hub.changes
    staff = counter.enter("mia", "staff")
    counter.enter("jan", "third", wait=True)
    assert counter.hub.changes == before + 2
    seen = counter.hub.lobbies()["loket-3"]
    assert [(each.id, each.role, each.since_s, each.held) for each in seen.waiting] == [("jan", "third", UNIX_S, False)]
    assert [(each.id, each.moderate) for each in seen.inside] == [("mia", True)]
    admit(staff, "jan")
    assert counter.hub.lobbies()["loket-3"].state == "live"
    staff.say({"type": "moderate", "action": "end"})
    assert counter.hub.lobbies() == {}


def test_the_application_hears_who_was_there() -> None:
    counter = Counter()
    staff, jan = counter.enter("mia", "staff"), counter.enter("jan", wait=True)
    counter.later(30 * S)
    admit(staff, "jan")
    counter.later(300 * S)
    staff.say({"type": "moderate", "action": "end"})
    told = [(each.participant, each.what, each.reason, each.at_s - UNIX_S) for each in counter.hub.take_presence()]
    assert told[:3] == [("mia", "entered", "", 0), ("jan", "waiting", "", 0), ("jan", "entered", "", 0)]
    assert sorted(told[3:]) == [("jan", "left", "ended", 0), ("mia", "left", "ended", 0)]
    assert jan.hears("bye")


def test_times_between_messages_are_times_of_the_clock() -> None:
    counter = Counter()
    an = counter.enter("an")
    an.lose()
    counter.later(31 * S)
    assert [each.at_s - UNIX_S for each in counter.hub.take_presence()] == [0, 31]


def test_the_application_ends_a_room() -> None:
    counter = Counter()
    staff, jan, bo = counter.enter("mia", "staff"), counter.enter("jan", wait=True), counter.enter("bo")
    elsewhere = counter.enter("cy", room="loket-4")
    whip(counter, "cam", wait=False)
    counter.hub.end_room("loket-3")
    for person in (staff, jan, bo):
        assert person.hears("bye")[0]["reason"] == "ended"
        assert counter.closes[person.connection] == 1000
    assert elsewhere.hears() == []
    assert counter.rows()["participants"] == 1 and counter.rows()["http"] == 0
    counter.hub.end_room("nobody was ever here")


def test_news_goes_to_everybody_of_the_room() -> None:
    counter = Counter()
    people = [counter.enter("mia", "staff"), counter.enter("bo"), counter.enter("jan", wait=True)]
    elsewhere = counter.enter("cy", room="loket-4")
    counter.hub.tell("loket-3", "steps")
    assert [person.hears("news")[0]["about"] for person in people] == ["steps"] * 3
    assert elsewhere.hears() == []


def test_the_application_knows_whose_place_a_hello_would_take() -> None:
    counter = Counter()
    assert not counter.hub.connected("loket-3", "jan")
    jan = counter.enter("jan", wait=True)
    assert counter.hub.connected("loket-3", "jan")
    jan.lose()
    assert not counter.hub.connected("loket-3", "jan"), "a reload asks nothing"
