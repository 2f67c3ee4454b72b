"""Who waits, who is in, who was let in before: the rules by themselves, and what layers above hear of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.core.errors import LimitError
from media.core.model import ParticipantId, RoomId
from signalling.lobby import AGAIN, PRESENCE_MAX, WAITING_MAX, Clock, Lobbies, Lobby
from signalling.tokens import Join, Role, default_grants

ROOM = RoomId("loket-3")
S = 1_000_000


def join(who: str, role: Role = "citizen", *, wait: bool = True, room: str = ROOM) -> Join:
    return Join(who, room, role, who.title(), default_grants(role), wait=wait)


def lobbies() -> Lobbies:
    clock = Clock()
    clock.read(100 * S, 1_800_000_000)
    return Lobbies(clock)


def ids(made: Lobbies, room: str = ROOM) -> tuple[list[str], list[str]]:
    lobby = made.snapshot().get(room, Lobby())
    return [each.id for each in lobby.waiting], [each.id for each in lobby.inside]


def test_the_clock_says_what_unix_time_it_was() -> None:
    clock = Clock()
    clock.read(5 * S, 1_000.5)
    assert clock.unix_s(7 * S) == 1_002.5
    assert clock.us(1_002.5) == 7 * S and clock.us(0) < 0
    clock.read(8 * S, 2_000.0)
    assert clock.unix_s(7 * S) == 1_999.0, "the machine's time was put right"


def test_a_visit_as_the_application_hears_it() -> None:
    made, jan = lobbies(), join("jan")
    assert made.must_wait(jan)
    made.wait(jan, 101 * S)
    made.enter(jan, 161 * S)
    made.hold(ROOM, ParticipantId("jan"), 200 * S, here=True)
    assert made.must_wait(jan)
    made.enter(jan, 201 * S)
    made.leave(ROOM, ParticipantId("jan"), "left", 300 * S)
    told = made.take_presence()
    assert [(each.what, each.reason, each.at_s - 1_800_000_000) for each in told] == [
        ("waiting", "", 1),
        ("entered", "", 61),
        ("held", "", 100),
        ("entered", "", 101),
        ("left", "left", 200),
    ]
    assert {(each.room, each.participant, each.role) for each in told} == {("loket-3", "jan", "citizen")}
    assert made.take_presence() == []
    assert made.snapshot() == {}


def test_who_was_let_in_need_not_wait_again() -> None:
    made, jan = lobbies(), join("jan")
    made.wait(jan, 0)
    made.enter(jan, 1)
    for reason in ("lost", "replaced", "left", "draining"):
        made.leave(ROOM, ParticipantId("jan"), reason, 2)
        assert not made.must_wait(jan), reason
        made.enter(jan, 3)
    assert made.must_wait(join("jan", room="loket-4")), "let in there is not let in here"


@pytest.mark.parametrize("sent", ["removed", "held", "ended"])
def test_who_was_sent_out_waits_again(sent: str) -> None:
    made, jan, participant = lobbies(), join("jan"), ParticipantId("jan")
    made.wait(jan, 0)
    made.enter(jan, 1)
    if sent == "held":
        made.hold(ROOM, participant, 2, here=True)
    made.leave(ROOM, participant, sent, 3)
    if sent == "ended":
        made.end(ROOM)
    assert made.must_wait(jan)
    assert made.must_wait(join("jan", wait=False)) is (sent == "held"), "who needs not wait may be put on hold"


def test_who_is_held_while_away_waits_when_he_comes() -> None:
    made, jan = lobbies(), join("jan", wait=False)
    made.enter(jan, 0)
    made.hold(ROOM, ParticipantId("jan"), 1, here=False)
    made.leave(ROOM, ParticipantId("jan"), "held", 1)
    assert made.must_wait(jan)
    made.wait(jan, 2)
    assert made.snapshot()[ROOM].waiting[0].held
    made.enter(jan, 3)
    assert not made.must_wait(jan)


def test_people_wait_in_the_order_in_which_they_came() -> None:
    made = lobbies()
    for at, who in enumerate(("jan", "bo", "an")):
        made.wait(join(who), at * S)
    made.wait(join("jan"), 9 * S)
    assert ids(made) == (["jan", "bo", "an"], []), "a reload does not send one to the end"
    assert made.snapshot()[ROOM].waiting[0].since_s == 1_799_999_900
    made.leave(ROOM, ParticipantId("jan"), "left", 10 * S)
    made.wait(join("jan"), 11 * S)
    assert ids(made)[0] == ["bo", "an", "jan"]


def test_who_waited_before_this_process_began_gets_his_place_back() -> None:
    made, now_s = lobbies(), 1_800_000_000
    made.wait(replace(join("bo"), since_s=now_s - 60), 101 * S)
    made.wait(join("cy"), 102 * S)
    made.wait(replace(join("an"), since_s=now_s - 600), 103 * S)
    made.wait(replace(join("di"), since_s=now_s + 99), 104 * S)
    assert ids(made) == (["an", "bo", "cy", "di"], [])
    since = [each.since_s - now_s for each in made.snapshot()[ROOM].waiting]
    assert since == [-600, -60, 2, 4], "nobody waits since tomorrow"
    made.wait(join("an"), 105 * S)
    assert made.snapshot()[ROOM].waiting[0].since_s == now_s - 600, "a reload"
    told = [(each.participant, each.reason, each.at_s - now_s) for each in made.take_presence()]
    assert told == [("bo", AGAIN, 1), ("cy", "", 2), ("an", AGAIN, 3), ("di", AGAIN, 4)]
    made.enter(join("an"), 106 * S)
    made.hold(ROOM, ParticipantId("an"), 107 * S, here=True)
    assert ids(made)[0] == ["bo", "cy", "di", "an"], "who is put on hold begins to wait then"


def test_a_room_has_so_many_places_to_wait() -> None:
    made = lobbies()
    for number in range(WAITING_MAX):
        made.wait(join(f"p{number}"), 0)
    with pytest.raises(LimitError):
        made.wait(join("late"), 1)
    made.wait(join("p3"), 2)
    made.wait(join("late", room="loket-4"), 2)
    assert made.count() == WAITING_MAX + 1


def test_the_state_of_a_room_follows_from_who_is_there() -> None:
    made = lobbies()
    steps: list[Callable[[], None]] = [
        lambda: made.enter(join("mia", "staff", wait=False), 0),
        lambda: made.wait(join("jan"), 1),
        lambda: made.enter(join("jan"), 2),
        lambda: made.leave(ROOM, ParticipantId("mia"), "lost", 3),
    ]
    states = []
    for step in steps:
        step()
        states.append(made.snapshot()[ROOM].state)
    assert states == ["open", "waiting", "live", "open"]


def test_changes_are_counted_and_named() -> None:
    made = lobbies()
    before = made.changes
    made.wait(join("jan"), 0)
    made.wait(join("bo", room="loket-4"), 0)
    made.enter(join("jan"), 1)
    assert made.changes == before + 3
    assert made.take_changed() == [ROOM, "loket-4"]
    assert made.take_changed() == []


def test_a_test_of_a_device_is_nobodys_visit() -> None:
    made = lobbies()
    made.enter(join("probe", "probe", wait=False), 0)
    made.leave(ROOM, ParticipantId("probe"), "left", 1)
    assert made.snapshot() == {} and made.take_presence() == []


def test_rooms_are_forgotten_when_everybody_has_been_gone_for_long() -> None:
    made, jan = lobbies(), join("jan")
    made.wait(jan, 0)
    made.enter(jan, 1)
    made.enter(join("bo", room="loket-4"), 1)
    made.leave(ROOM, ParticipantId("jan"), "lost", 10 * S)
    assert made.forget(10 * S) == []
    assert not made.must_wait(jan)
    assert made.forget(10 * S + 1) == [ROOM]
    assert made.must_wait(jan)


def test_events_that_nobody_takes_are_bounded() -> None:
    made = lobbies()
    for at in range(PRESENCE_MAX):
        made.enter(join("jan"), at)
        made.leave(ROOM, ParticipantId("jan"), "left", at)
    assert len(made.take_presence()) == PRESENCE_MAX


people = st.sampled_from(["an", "bo", "cy"])
moves = st.tuples(st.sampled_from(["come", "admit", "hold", "left", "removed", "end"]), people)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(moves, max_size=40))
def test_nobody_is_in_whom_nobody_let_in(played: list[tuple[str, str]]) -> None:
    """Invariant: one is nowhere, or waits, or is in; and who waits is never in without having been admitted."""
    made, let_in = lobbies(), set[str]()
    for at, (step, who) in enumerate(played):
        participant, token = ParticipantId(who), join(who)
        waits, inside = made.waits(ROOM, participant), made.inside(ROOM, participant)
        if step == "come" and inside is None:
            (made.wait if made.must_wait(token) else made.enter)(token, at)
        elif step == "admit" and waits is not None:
            made.enter(token, at)
            let_in.add(who)
        elif step == "hold" and inside is not None:
            made.hold(ROOM, participant, at, here=True)
            let_in.discard(who)
        elif step in ("left", "removed") and (waits or inside):
            made.leave(ROOM, participant, step, at)
            let_in -= {who} if step == "removed" else set()
        elif step == "end":
            for each in ("an", "bo", "cy"):
                made.leave(ROOM, ParticipantId(each), "ended", at)
            made.end(ROOM)
            let_in.clear()
        waiting, within = ids(made)
        assert not set(waiting) & set(within)
        assert set(within) <= let_in
