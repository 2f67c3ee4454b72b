"""Who was there, as the hub saw it: what an appointment becomes by it, and that nobody is wrongly said to be absent."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from balie.booking import links
from balie.record import audit
from balie.store.engine import Store, Tx
from balie.store.schema import outbox
from balie.visit import attendance, ending, presence, stays
from balie.visit.attendance import GONE_S, GRACE_S, LATE_S, LEFT_S
from balie.visit.stays import Stay, judge
from tests.support.arranged import LINK_KEY, arrange
from tests.support.post_office import messages
from tests.support.visits import AN, BART, CHANCE, ELS, END_S, LIES, START_S, Visit, visit

DECIDED_S = END_S + GRACE_S


async def decided(made: Visit, now_s: int = DECIDED_S) -> str:
    await made.store.write(attendance.decide, now_s, CHANCE)
    row = await made.row()
    return f"{row.status} {row.attendance}".strip()


def announced(tx: Tx) -> list[str]:
    return [kind.rpartition(".")[2] for kind in tx.scalars(select(outbox.c.type).order_by(outbox.c.id))]


async def test_a_visit_goes_from_the_door_to_the_end(store: Store) -> None:
    made = await visit(store)
    token = await store.read(links.current, LINK_KEY, made.people[AN])
    assert token is not None
    await made.see(AN, "waiting", START_S - 300)
    assert (await made.row()).status == "checked_in"
    await made.see(BART, "entered", START_S)
    assert (await made.row()).status == "checked_in"
    await made.see(AN, "entered", START_S + 10)
    assert (await made.row()).status == "in_call"
    await made.see(LIES, "entered", START_S + 20)
    await made.see(AN, "left", START_S + 900, "ended")
    await made.see(LIES, "left", START_S + 900, "ended")
    row = await made.row()
    assert (row.status, row.attendance, row.ended_s) == ("completed", "seen", START_S + 900)
    assert (await store.read(links.find, token, START_S)).state == "unknown", "links die"
    assert await store.read(announced) == ["checked_in", "in_call", "completed"]
    assert await store.write(audit.seal) == 3 and await store.read(audit.broken) == []


async def test_rooms_without_an_appointment_are_none_of_ours(store: Store) -> None:
    await store.write(presence.note, START_S, CHANCE, [])
    made = await visit(store)
    await store.write(
        lambda tx: presence.note(tx, START_S, CHANCE, [presence_of("a probe", "x")]),
    )
    assert (await made.row()).status == "booked"


def presence_of(room: str, who: str) -> presence.Seen:
    from signalling.lobby import Presence

    return Presence(room, who, "citizen", "entered", "", float(START_S))


async def test_nobody_at_the_door_is_a_citizen_who_did_not_come_and_he_is_told_how_to_come_back(store: Store) -> None:
    made = await visit(store)
    assert await decided(made, DECIDED_S - 1) == "booked"
    assert await decided(made) == "no_show_citizen no_show_citizen"
    assert await store.read(announced) == ["no_show"]
    (told,) = await store.read(messages)
    assert (told.kind, told.variant, told.participant_id) == ("goodbye", "missed", made.people[AN])


async def test_staff_alone_in_the_room_waited_for_nobody(store: Store) -> None:
    made = await visit(store)
    await made.see(BART, "entered", START_S)
    await made.see(BART, "left", START_S + 1200, "ended")
    assert (await made.row()).status == "booked", "an empty room that is closed is no conversation that is over"
    assert await decided(made) == "no_show_citizen no_show_citizen"


async def test_a_citizen_for_whom_nobody_came(store: Store) -> None:
    made = await visit(store)
    await made.see(AN, "waiting", START_S - 60)
    assert await decided(made) == "checked_in", "he still waits"
    await made.see(AN, "left", DECIDED_S, "left")
    assert await decided(made) == "checked_in", "he may come back"
    assert await decided(made, DECIDED_S + GONE_S) == "no_show_office no_show_office"


async def test_a_colleague_who_stepped_in_was_there(store: Store) -> None:
    made = await visit(store)
    await made.see(AN, "waiting", START_S)
    await made.see(ELS, "entered", START_S + 600)
    await made.see(AN, "entered", START_S + 610)
    await made.see(AN, "left", START_S + 900, "left")
    await made.see(ELS, "left", START_S + 905, "left")
    assert await decided(made, START_S + 905 + LEFT_S - 1) == "in_call"
    assert await decided(made, START_S + 905 + LEFT_S) == "completed seen"


async def test_a_helper_who_spoke_for_the_citizen_is_a_visit(store: Store) -> None:
    made = await visit(store)
    await made.see(BART, "entered", START_S)
    await made.see(LIES, "entered", START_S + 60)
    assert (await made.row()).status == "in_call"
    await made.see(BART, "left", START_S + 600, "ended")
    assert (await made.row()).status == "completed"


async def test_who_missed_each_other_are_for_a_person_to_judge(store: Store) -> None:
    made = await visit(store)
    await made.see(BART, "entered", START_S)
    await made.see(BART, "left", START_S + 600, "left")
    await made.see(AN, "waiting", START_S + 900)
    await made.see(AN, "left", END_S, "left")
    assert await decided(made) == "completed unclear"
    assert await store.write(ending.correct, END_S, CHANCE, made.id, "staff:1", "no_show_citizen")
    assert not await store.write(ending.correct, END_S, CHANCE, made.id, "staff:1", "no_show_citizen")
    row = await made.row()
    assert (row.status, row.attendance) == ("no_show_citizen", "no_show_citizen")


async def test_who_was_not_running_at_the_time_blames_nobody(store: Store) -> None:
    made = await visit(store)
    assert await decided(made, DECIDED_S + LATE_S) == "completed unclear"


async def test_a_restart_sends_nobody_away_and_nobody_back_to_wait(store: Store) -> None:
    made = await visit(store)
    await made.see(AN, "waiting", START_S)
    await made.see(BART, "entered", START_S + 5)
    await made.see(AN, "entered", START_S + 10)
    await store.write(presence.restarted, START_S + 700)
    assert await store.read(stays.present, made.id) == []
    row = await made.row()
    person = (await store.read(stays.stays, made.id))[0].person
    assert row.status == "in_call" and await store.read(stays.admitted, made.id, person)
    await made.see(AN, "entered", START_S + 710)
    await made.see(BART, "entered", START_S + 711)
    await made.see(AN, "held", START_S + 800)
    assert not await store.read(stays.admitted, made.id, person)
    await made.see(AN, "entered", START_S + 900)
    await made.see(AN, "left", START_S + 950, "removed")
    assert not await store.read(stays.admitted, made.id, person)
    await made.see(BART, "left", START_S + 960, "left")
    assert await decided(made, START_S + 960 + LEFT_S) == "completed seen"


async def in_call(store: Store) -> Visit:
    made = await visit(store)
    await made.see(AN, "waiting", START_S)
    await made.see(BART, "entered", START_S)
    await made.see(AN, "entered", START_S + 10)
    return made


async def test_the_citizen_leaves_first_and_then_staff_does(store: Store) -> None:
    made = await in_call(store)
    await made.see(AN, "left", START_S + 600, "left")
    assert await decided(made, START_S + 600 + GONE_S) == "in_call", "Bart is still there"
    await made.see(BART, "left", START_S + 1600, "left")
    assert await decided(made, START_S + 1600 + LEFT_S - 1) == "in_call"
    assert await decided(made, START_S + 1600 + LEFT_S) == "completed seen"
    assert (await made.row()).ended_s == START_S + 1600 + LEFT_S


async def test_staff_leaves_first_and_the_citizen_stays(store: Store) -> None:
    made = await in_call(store)
    await made.see(BART, "left", START_S + 600, "left")
    assert await decided(made, DECIDED_S + GONE_S) == "in_call", "he may wait for Bart to come back"
    await made.see(AN, "left", DECIDED_S + GONE_S, "left")
    assert await decided(made, DECIDED_S + GONE_S + LEFT_S) == "completed seen"


async def test_pages_that_are_loaded_anew_end_nothing(store: Store) -> None:
    made = await in_call(store)
    for who in (AN, BART):
        await made.see(who, "left", START_S + 600, "left")
    for who in (BART, AN):
        await made.see(who, "entered", START_S + 605)
    assert await decided(made, START_S + 600 + LEFT_S) == "in_call"


@pytest.mark.parametrize(("reason", "wait_s"), [("left", LEFT_S), ("lost", GONE_S)])
async def test_a_tab_that_is_closed_and_a_connection_that_is_lost(store: Store, reason: str, wait_s: int) -> None:
    """A browser that closes a tab still says so; a telephone that dies does not."""
    made = await in_call(store)
    await made.see(AN, "left", START_S + 600, reason)
    await made.see(BART, "left", START_S + 630, "left")
    assert await decided(made, START_S + 630 + wait_s - 1) == "in_call"
    assert await decided(made, START_S + 630 + wait_s) == "completed seen"


async def test_calls_that_go_on_do_not_keep_others_from_ending(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch has only those in which nobody is any more, however many others there are."""
    monkeypatch.setattr(attendance, "BATCH", 1)
    goes_on = await in_call(store)
    over = Visit(store, await store.write(lambda tx: arrange(tx, goes_on.office, START_S + 3600)), goes_on.office)
    for what, reason in (("entered", ""), ("left", "left")):
        for who in (BART, AN):
            await over.see(who, what, START_S + 3600, reason)
    await store.write(attendance.decide, START_S + 3600 + LEFT_S, CHANCE)
    assert [(await each.row()).status for each in (goes_on, over)] == ["in_call", "completed"]


async def test_by_telephone_and_at_the_desk_nobody_is_missed(store: Store) -> None:
    made = await visit(store, modality="phone")
    assert await decided(made) == "booked"


@pytest.mark.parametrize(
    ("found", "judged"),
    [
        ([], "no_show_citizen"),
        ([("staff", True, 0, 9)], "no_show_citizen"),
        ([("citizen", False, 0, 9)], "no_show_office"),
        ([("third", False, 0, 9)], "no_show_office"),
        ([("staff", True, 0, 9), ("citizen", False, 0, 9)], "unclear"),
        ([("staff", True, 0, 4), ("citizen", True, 5, 9)], "unclear"),
        ([("staff", True, 0, 5), ("citizen", True, 5, 9)], "seen"),
        ([("staff", True, 0, None), ("third", True, 5, None)], "seen"),
        ([("staff", True, 0, 1), ("staff", True, 5, 6), ("citizen", True, 5, None)], "seen"),
    ],
)
def test_what_stays_say(found: list[tuple[str, bool, int, int | None]], judged: str) -> None:
    assert judge([Stay(f"p{at}", *each) for at, each in enumerate(found)]) == judged
