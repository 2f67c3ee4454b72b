"""Rather by telephone: one request of a person, until somebody called; and what the visit becomes by it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from balie.booking.errors import NotFound, NotNow, Unfit
from balie.post import undelivered
from balie.record import audit, tasks
from balie.record.tasks import Task, TaskError
from balie.store.engine import Store, Tx
from balie.store.schema import audit as audit_rows
from balie.store.schema import message, participant
from balie.visit import attendance, call_request, ending
from balie.visit.attendance import GONE_S, GRACE_S
from tests.support.arranged import Somebody
from tests.support.post_office import messages
from tests.support.visits import AN, BART, CHANCE, END_S, LIES, START_S, Visit, visit

NUMBER, OTHER = "+32470123456", "+3225550130"
REACHABLE = Somebody(phone=NUMBER)


async def ask(made: Visit, phone: str = "", who: int = AN, at_s: int = START_S) -> str:
    return await made.store.write(call_request.ask, at_s, CHANCE, made.people[who], phone)


async def waiting(made: Visit) -> list[call_request.Waiting]:
    return await made.store.read(call_request.waiting, [made.office.service])


async def open_ones(made: Visit) -> list[Task]:
    return [each.task for each in await waiting(made)]


async def trail(store: Store) -> list[tuple[str, str, object]]:
    rows = await store.read(lambda tx: tx.execute(select(audit_rows).order_by(audit_rows.c.id)).all())
    return [(row.actor, row.action, row.detail) for row in rows]


async def called(made: Visit, *, reached: bool, words: str = "", at_s: int = START_S + 120) -> None:
    (task,) = await open_ones(made)
    actor = f"staff:{made.office.bart}"
    await made.store.write(call_request.called, at_s, CHANCE, task, actor, reached=reached, words=words)


async def test_who_asks_twice_is_called_once(store: Store) -> None:
    made = await visit(store, (REACHABLE,))
    both = await asyncio.gather(ask(made), ask(made))
    assert set(both) == {NUMBER}
    (one,) = await waiting(made)
    assert (one.who.name, one.who.phone, one.who.staff_id) == ("An Peeters", NUMBER, made.office.bart)
    assert (one.task.kind, one.task.object_id, one.task.opened_s) == ("call", made.people[AN], START_S)
    assert [(who, what) for who, what, _ in await trail(store)] == [("citizen", "call_asked")]


async def test_another_number_holds_from_now_on(store: Store) -> None:
    made = await visit(store, (REACHABLE,))
    assert await ask(made, " 02/555 01 30 ") == OTHER
    assert await store.read(lambda tx: tx.scalar(select(participant.c.phone))) == OTHER
    with pytest.raises(Unfit, match="telephone") as caught:
        await ask(made, "911 en een half")
    assert caught.value.code == "phone_invalid"
    assert [each.who.phone for each in await waiting(made)] == [OTHER]
    assert "555" not in str(await trail(store)), "numbers are nobody's business in five years"


async def test_who_gave_no_number_is_asked_for_one(store: Store) -> None:
    made = await visit(store)
    with pytest.raises(Unfit) as caught:
        await ask(made)
    assert caught.value.code == "phone_missing" and await open_ones(made) == []


async def test_who_was_never_written_to_may_ask_too(store: Store) -> None:
    made = await visit(store, (Somebody(mail=""),))
    for _ in range(2):
        assert await ask(made, NUMBER) == NUMBER
    (one,) = await waiting(made)
    assert one.who.phone == NUMBER and await store.read(messages) == []


async def test_each_person_has_his_own(store: Store) -> None:
    made = await visit(store)
    await ask(made, NUMBER)
    await ask(made, OTHER, LIES, START_S + 5)
    assert [(each.who.name, each.who.phone) for each in await waiting(made)] == [
        ("An Peeters", NUMBER),
        ("Lies Peeters", OTHER),
    ]
    assert await store.read(call_request.waiting, []) == []
    assert await store.read(call_request.waiting, [made.office.service], made.id + 1) == []


async def test_who_was_reached_had_his_visit_by_telephone(store: Store) -> None:
    made = await visit(store, (REACHABLE,))
    await made.see(AN, "waiting", START_S)
    await ask(made)
    await made.see(AN, "left", START_S + 60, "left")
    await called(made, reached=True, words="Hij komt langs.")
    (task,) = await store.read(tasks.of_appointment, made.id)
    assert (task.state, task.how, task.outcome) == ("done", "phoned", "Gesproken aan de telefoon. Hij komt langs.")
    assert (await made.row()).modality == "phone"
    await store.write(attendance.decide, END_S + GRACE_S + GONE_S, CHANCE)
    assert (await made.row()).status == "checked_in", "his wrap-up says how it went"
    done = [(who, what) for who, what, _ in await trail(store)]
    actor = f"staff:{made.office.bart}"
    assert done[-2:] == [(actor, "task.phoned"), (actor, "changed")]
    assert (await trail(store))[-2][2] == {"task": task.id, "reason": "call_me", "reached": True}
    assert await store.write(audit.seal) and await store.read(audit.broken) == []


async def test_who_was_not_reached_may_ask_again(store: Store) -> None:
    made = await visit(store, (REACHABLE,))
    await ask(made)
    await called(made, reached=False)
    (task,) = await store.read(tasks.of_appointment, made.id)
    assert (task.state, task.how, task.outcome) == ("done", "phoned", "Gebeld, maar niet bereikt.")
    assert (await made.row()).modality == "video" and await open_ones(made) == []
    with pytest.raises(TaskError, match="settled"):
        await store.write(call_request.called, END_S, CHANCE, task, "staff:1", reached=True)
    await ask(made, at_s=START_S + 300)
    (again,) = await open_ones(made)
    assert (again.id, again.opened_s, again.outcome) == (task.id, START_S + 300, "")


@pytest.mark.parametrize("answered", [True, False])
async def test_nobody_is_said_to_have_been_left_alone_who_may_have_been_called(store: Store, answered: bool) -> None:
    made = await visit(store, (REACHABLE,))
    await made.see(AN, "waiting", START_S)
    await ask(made)
    await made.see(AN, "left", START_S + 60, "left")
    if answered:
        await called(made, reached=False)
    await store.write(attendance.decide, END_S + GRACE_S, CHANCE)
    row = await made.row()
    assert (row.status, row.attendance) == ("completed", "unclear")


async def test_who_is_let_in_after_all_need_not_be_called(store: Store) -> None:
    made = await visit(store)
    await made.see(AN, "waiting", START_S)
    await ask(made, NUMBER)
    await ask(made, OTHER, LIES)
    await made.see(BART, "entered", START_S + 10)
    await made.see(AN, "entered", START_S + 20)
    assert [each.who.name for each in await waiting(made)] == ["Lies Peeters"]
    closed = (await store.read(tasks.of_appointment, made.id))[0]
    assert (closed.state, closed.how, closed.outcome) == ("done", "", "Het videogesprek begon toch.")


async def test_after_a_video_call_a_telephone_call_changes_nothing_of_it(store: Store) -> None:
    made = await visit(store, (REACHABLE,))
    await made.see(BART, "entered", START_S)
    await made.see(AN, "entered", START_S)
    await made.see(AN, "held", START_S + 60)
    await ask(made, at_s=START_S + 70)
    await called(made, reached=True)
    assert (await made.row()).modality == "video"


async def test_what_is_over_or_nobody_s_is_refused(store: Store) -> None:
    made = await visit(store, (REACHABLE,))
    with pytest.raises(NotFound):
        await store.write(call_request.ask, START_S, CHANCE, 9999)
    await made.talk()
    with pytest.raises(NotNow):
        await ask(made)
    assert not await store.write(ending.end, END_S, CHANCE, made.id, "system")
    task = await store.write(_other_task)
    with pytest.raises(TaskError, match="unknown_task"):
        await store.write(call_request.called, END_S, CHANCE, task, "staff:1", reached=True)


def _other_task(tx: Tx) -> Task:
    row = tx.execute(select(message).limit(1)).one()
    undelivered.ask(tx, END_S, row, "refused")
    return tasks.of_appointment(tx, row.appointment_id)[0]
