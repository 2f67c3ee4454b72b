"""The waiting room over the wire: who waits hears nothing of the room, staff lets in and puts on hold."""

from __future__ import annotations

from typing import Any

import pytest

from media.core.rooms import Rooms
from signalling.lobby import WAITING_MAX
from signalling.media_plane import Limits
from signalling.messages import CLOSE_CODES
from tests.support.counter import Counter, Person, S, publishing, types


def admit(staff: Person, who: str) -> list[dict[str, Any]]:
    return staff.say({"type": "admit", "participant": who})


def hold(staff: Person, who: str) -> list[dict[str, Any]]:
    return staff.say({"type": "hold", "participant": who})


def lobby(heard: list[dict[str, Any]]) -> list[str]:
    """Who waits, by the latest that was told."""
    return [each["id"] for each in [message for message in heard if message["type"] == "lobby"][-1]["people"]]


def test_who_waits_sees_and_hears_nobody() -> None:
    counter = Counter()
    staff, bo = counter.enter("mia", "staff"), counter.enter("bo")
    bo.publishes("microphone", "camera")
    jan = counter.enter("jan", wait=True)
    assert (jan.welcome["waiting"], jan.welcome["participants"], jan.welcome["chat"]) == (True, [], [])
    assert jan.welcome["can"] == {"publish": [], "subscribe": False, "moderate": False}
    assert jan.welcome["you"]["name"] == "Jan"
    assert jan.hears() == [{"type": "waiting", "n": 2, "position": 1, "staff": ["Mia"], "held": False, "waited_s": 0}]
    assert bo.hears("joined") == [], "and nobody but the staff knows"
    empty, told = staff.hears("lobby")
    assert empty["people"] == []
    assert told["people"] == [
        {"id": "jan", "name": "Jan", "role": "citizen", "label": "", "waiting_s": 0, "held": False}
    ]
    bo.publishes("microphone", "camera", "screen")
    bo.say({"type": "mute", "source": "camera", "muted": True})
    bo.say({"type": "leave"})
    assert jan.hears() == []


@pytest.mark.parametrize(
    "message",
    [
        {"type": "publish", "id": 1, "sdp": "v=0\n", "tracks": []},
        {"type": "subscribed", "id": 1, "sdp": "v=0\n"},
        {"type": "restart", "connection": "subscribe"},
        {"type": "moderate", "action": "end"},
        {"type": "admit", "participant": "jan"},
        {"type": "hold", "participant": "mia"},
        {"type": "pointer", "x": 0.5, "y": 0.5},
    ],
    ids=lambda message: message["type"],
)
def test_who_waits_may_not_do_what_belongs_inside(message: dict[str, Any]) -> None:
    counter = Counter()
    staff = counter.enter("mia", "staff")
    jan = counter.enter("jan", wait=True, grants=publishing("audio", "video", moderate=True))
    staff.hears()
    jan.hears()
    (error,) = jan.say(message)
    assert (error["code"], error["fatal"], error["re"]) == ("waiting", False, message["type"])
    assert staff.hears() == []
    assert counter.rows()["transports"] == 0


def test_let_in_he_begins_as_after_a_welcome() -> None:
    counter = Counter()
    staff, bo = counter.enter("mia", "staff"), counter.enter("bo")
    bo.publishes("microphone")
    jan = counter.enter("jan", wait=True)
    jan.hears()
    jan.say({"type": "mute", "source": "camera", "muted": True})
    assert lobby(admit(staff, "jan")) == []
    admitted, offer = jan.hears()
    assert (admitted["type"], offer["type"]) == ("admitted", "subscribe")
    assert {each["id"] for each in admitted["participants"]} == {"mia", "bo"}
    assert admitted["can"] == bo.welcome["can"]
    assert bo.hears("joined")[0]["participant"]["id"] == "jan"
    assert jan.publishes("microphone", "camera")["refused"] == []
    assert {"source": "camera", "muted": True} in bo.hears("updated")[-1]["participant"]["sources"], (
        "as he asked before"
    )


def test_a_reload_a_reconnection_and_a_resume_do_not_put_him_back() -> None:
    counter = Counter()
    staff, jan = counter.enter("mia", "staff"), counter.enter("jan", wait=True)
    admit(staff, "jan")
    jan.hears()
    jan.lose()
    assert jan.resume()[0]["waiting"] is False
    again = counter.enter("jan", wait=True)
    assert again.welcome["waiting"] is False
    again.lose()
    counter.later(31 * S)
    assert counter.enter("jan", wait=True).welcome["waiting"] is False


def test_let_in_while_his_connection_is_away() -> None:
    counter = Counter()
    staff, jan = counter.enter("mia", "staff"), counter.enter("jan", wait=True)
    jan.lose()
    assert lobby(staff.hears()) == ["jan"]
    admit(staff, "jan")
    welcome, *missed = jan.resume()
    assert (welcome["waiting"], welcome["participants"][0]["id"]) == (False, "mia")
    assert types(missed) == ["admitted"]


def test_a_reload_while_waiting_keeps_ones_place() -> None:
    counter = Counter()
    staff = counter.enter("mia", "staff")
    jan = counter.enter("jan", wait=True)
    counter.enter("bo", "third", wait=True)
    staff.hears()
    counter.later(40 * S)
    again = counter.enter("jan", wait=True)
    assert [(each["position"], each["waited_s"]) for each in again.hears("waiting")] == [(1, 40)]
    assert jan.hears("bye")[0]["reason"] == "replaced"
    assert staff.hears() == [], "nothing changed for the staff"
    assert counter.hub.counts()["waiting"] == 2
    late = counter.enter("els", "staff")
    assert [each["waiting_s"] for each in late.hears("lobby")[0]["people"]] == [40, 40]


def test_positions_and_staff_are_told_when_they_change() -> None:
    counter = Counter()
    jan, bo = counter.enter("jan", wait=True), counter.enter("bo", "third", wait=True)
    assert [(each["position"], each["staff"]) for each in bo.hears("waiting")] == [(2, [])]
    staff = counter.enter("mia", "staff")
    assert bo.hears("waiting")[0]["staff"] == ["Mia"]
    counter.enter("els", "staff")
    assert bo.hears("waiting")[0]["staff"] == ["Mia", "Els"]
    admit(staff, "jan")
    assert [(each["position"], each["staff"]) for each in bo.hears("waiting")] == [(1, ["Mia", "Els"])]
    staff.lose()
    counter.later(31 * S)
    assert bo.hears("waiting")[0]["staff"] == ["Els"], "a tab that crashed is nobody after a while"
    assert jan.hears("waiting")[-1]["staff"] == ["Mia", "Els"], "who is in hears nothing of it any more"


def test_staff_who_comes_later_is_told_who_waits() -> None:
    counter = Counter()
    counter.enter("jan", wait=True)
    assert lobby(counter.enter("mia", "staff").hears()) == ["jan"]
    assert lobby(counter.enter("els", "staff", room="loket-4").hears()) == []


def test_a_resume_is_told_anew_what_changes_by_itself() -> None:
    """A page that shows what it heard last would show somebody who is gone, or count from a time long ago."""
    counter = Counter()
    staff, jan = counter.enter("mia", "staff"), counter.enter("jan", wait=True)
    staff.hears()
    jan.hears()
    for person in (staff, jan):
        person.lose()
    counter.later(20 * S)
    welcome, told = jan.resume()
    assert (welcome["waiting"], welcome["can"]["publish"]) == (True, [])
    assert (told["type"], told["position"]) == ("waiting", 1)
    assert lobby(staff.resume()) == ["jan"]


@pytest.mark.parametrize("how", ["leave", "lost", "removed", "flood"])
def test_who_goes_while_he_waits_is_gone_for_the_staff_only(how: str) -> None:
    counter = Counter()
    staff, bo, jan = counter.enter("mia", "staff"), counter.enter("bo"), counter.enter("jan", wait=True)
    bo.hears()
    if how == "leave":
        assert types(jan.say({"type": "leave"}))[-1] == "bye"
    elif how == "lost":
        jan.lose()
        counter.later(31 * S)
    elif how == "removed":
        staff.say({"type": "moderate", "action": "remove", "participant": "jan"})
        assert jan.hears("bye")[0]["reason"] == "removed"
    else:
        jan.say(counter.hello())
        assert counter.closes[jan.connection] == CLOSE_CODES["wrong_order"]
    assert bo.hears() == [] and staff.hears("left") == []
    assert lobby(counter.enter("els", "staff").hears("lobby") or [{"type": "lobby", "people": []}]) == []
    assert counter.hub.counts()["waiting"] == 0
    assert counter.enter("jan", wait=True).welcome["waiting"] is True


def test_on_hold_his_media_end_and_come_back_anew() -> None:
    counter = Counter()
    staff, bo = counter.enter("mia", "staff"), counter.enter("bo")
    staff.publishes("camera")
    jan = counter.enter("jan", wait=True)
    admit(staff, "jan")
    jan.hears()
    jan.publishes("microphone", "camera")
    jan.answer()
    rows = counter.rows()
    bo.hears()
    assert lobby(hold(staff, "jan")) == ["jan"]
    assert types(jan.hears()) == ["held", "waiting"]
    assert bo.hears("left")[0]["reason"] == "held"
    now = counter.rows()
    assert (now["tracks"], now["transports"], now["participants"]) == (
        rows["tracks"] - 2,
        rows["transports"] - 2,
        rows["participants"] - 1,
    )
    bo.publishes("microphone")
    assert jan.hears() == [], "he hears nothing of what goes on"
    again = counter.enter("jan", wait=True)
    assert again.welcome["waiting"] is True, "a reload does not bring him back in"
    assert again.hears("waiting")[0]["held"] is True
    admit(staff, "jan")
    admitted, offer = again.hears()
    assert (admitted["type"], len(offer["tracks"])) == ("admitted", 2)
    assert again.publishes("microphone", "camera")["refused"] == []
    assert again.answer() == []


def test_the_same_page_makes_new_connections_after_a_hold() -> None:
    counter = Counter()
    staff, jan = counter.enter("mia", "staff"), counter.enter("jan", wait=True)
    staff.publishes("microphone")
    admit(staff, "jan")
    jan.publishes("microphone")
    jan.hears()
    counter.failed(jan.session().subscribing.transport)
    hold(staff, "jan")
    admit(staff, "jan")
    heard = jan.hears()
    assert types(heard) == ["connection", "held", "waiting", "admitted", "subscribe"]
    assert [each["source"] for each in heard[-1]["tracks"]] == ["microphone"]
    assert jan.publishes("microphone", peer=3)["refused"] == []
    jan.answer()
    counter.connected(jan.session().subscribing.transport)
    assert jan.hears("connection")[0]["state"] == "connected"


def test_who_needed_not_wait_may_be_put_on_hold() -> None:
    counter = Counter()
    staff, an = counter.enter("mia", "staff"), counter.enter("an")
    hold(staff, "an")
    assert types(an.hears())[-2:] == ["held", "waiting"]
    assert counter.enter("an").welcome["waiting"] is True


def test_doing_it_twice_changes_nothing() -> None:
    """Two colleagues press at once."""
    counter = Counter()
    staff, other = counter.enter("mia", "staff"), counter.enter("els", "staff")
    jan = counter.enter("jan", wait=True)
    for act in (admit, hold):
        act(staff, "jan")
        jan.hears()
        assert [m for m in act(other, "jan") if m["type"] == "error"] == []
        assert jan.hears() == []


@pytest.mark.parametrize(
    ("who", "message", "code"),
    [
        ("bo", {"type": "admit", "participant": "jan"}, "forbidden"),
        ("bo", {"type": "hold", "participant": "mia"}, "forbidden"),
        ("mia", {"type": "admit", "participant": "nobody"}, "not_found"),
        ("mia", {"type": "admit", "participant": "elsewhere"}, "not_found"),
        ("mia", {"type": "hold", "participant": "nobody"}, "not_found"),
        ("mia", {"type": "hold", "participant": "els"}, "forbidden"),
        ("mia", {"type": "hold", "participant": "mia"}, "forbidden"),
        ("mia", {"type": "moderate", "action": "mute", "participant": "jan", "source": "camera"}, "not_found"),
    ],
)
def test_what_may_not_be_done(who: str, message: dict[str, Any], code: str) -> None:
    counter = Counter()
    people = {"mia": counter.enter("mia", "staff"), "bo": counter.enter("bo"), "els": counter.enter("els", "staff")}
    counter.enter("elsewhere", room="loket-4", wait=True)
    jan = counter.enter("jan", wait=True)
    people[who].hears()
    jan.hears()
    (error,) = people[who].say(message)
    assert (error["code"], error["fatal"]) == (code, False)
    assert jan.hears() == []


def test_a_room_that_is_full_lets_nobody_in_and_he_waits_on() -> None:
    counter = Counter(rooms=Rooms(members_max=2))
    staff, bo, jan = counter.enter("mia", "staff"), counter.enter("bo"), counter.enter("jan", wait=True)
    (error,) = [m for m in admit(staff, "jan") if m["type"] == "error"]
    assert (error["code"], error["fatal"], error["re"]) == ("room_full", False, "admit")
    assert jan.hears("admitted") == []
    bo.say({"type": "leave"})
    admit(staff, "jan")
    assert jan.hears("admitted")


def test_there_is_no_more_place_to_wait() -> None:
    counter = Counter()
    for number in range(WAITING_MAX):
        counter.enter(f"p{number}", wait=True)
    connection = counter.connect()
    (error,) = counter.say(connection, {"type": "hello", "v": 1, "token": counter.token("late", wait=True)})
    assert (error["code"], counter.closes[connection]) == ("room_full", CLOSE_CODES["room_full"])


def test_ending_the_call_ends_the_waiting() -> None:
    counter = Counter()
    staff, bo, jan = counter.enter("mia", "staff"), counter.enter("bo", wait=True), counter.enter("jan", wait=True)
    admit(staff, "bo")
    staff.say({"type": "moderate", "action": "end"})
    assert [person.hears("bye")[0]["reason"] for person in (bo, jan)] == ["ended", "ended"]
    assert counter.rows()["sessions"] == counter.rows()["waiting"] == 0
    assert counter.enter("bo", wait=True).welcome["waiting"] is True, "let in once is not let in for ever"


def test_a_server_that_stops_tells_who_waits() -> None:
    counter = Counter()
    jan = counter.enter("jan", wait=True)
    counter.hub.drain()
    assert jan.hears("bye")[0]["reason"] == "draining"
    assert [(each.what, each.reason) for each in counter.hub.take_presence()] == [("waiting", ""), ("left", "draining")]


def test_everybody_lost_his_network_and_comes_back() -> None:
    counter = Counter(limits=Limits(room_us=600 * S))
    staff, jan = counter.enter("mia", "staff"), counter.enter("jan", wait=True)
    admit(staff, "jan")
    for person in (staff, jan):
        person.lose()
    counter.later(500 * S)
    assert counter.rows()["sessions"] == 0
    again = counter.enter("jan", wait=True)
    assert again.welcome["waiting"] is False
    again.say({"type": "leave"})
    counter.later(601 * S)
    assert counter.enter("jan", wait=True).welcome["waiting"] is True
