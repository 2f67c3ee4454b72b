"""One list of what a person must do: each thing once, for who may see it, with what comes first on top."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from balie.booking import formal
from balie.record import tasks
from balie.record.tasks import Task, TaskError
from balie.store.engine import Store, Tx
from balie.store.schema import TASK_KINDS, appointment, audit, service, task
from tests.support.mails import TUESDAY_S, add_appointment, add_person
from tests.support.office import MONDAY_S, found

NOW_S = MONDAY_S + 3600


@dataclass
class Desk:
    """Two services; An has an appointment with each, on Tuesday with ours and an hour before with the other one."""

    store: Store
    bart: int
    ours: int
    others: int
    here: int
    there: int

    async def ask(self, kind: str, number: int = 1, about: int | None = 0, at_s: int = NOW_S, **more: Any) -> bool:
        """About the appointment of ours, unless it says another, or none."""
        case = self.here if about == 0 else about
        return await self.store.write(tasks.ask, at_s, kind, number, "because", case, **more)

    async def listed(self, *services: int, **more: Any) -> list[tuple[str, int]]:
        found = await self.store.read(tasks.listed, services or (self.ours,), **more)
        return [(each.kind, each.object_id) for each in found]

    async def one(self) -> Task:
        (found,) = await self.store.read(tasks.listed, (self.ours,))
        return found

    async def end(self, found: Task, how: str = "phoned", **more: Any) -> None:
        await self.store.write(tasks.end, NOW_S + 60, found, f"staff:{self.bart}", how, "Ja.", **more)


@pytest.fixture
async def desk(store: Store) -> Desk:
    def make(tx: Tx) -> Desk:
        office = found(tx)
        made = tx.execute(insert(service).values(organisation_id=office.organisation, slug="x", names={}))
        assert made.inserted_primary_key is not None
        others = int(made.inserted_primary_key[0])
        here = add_appointment(tx, office)
        add_person(tx, here)
        there = add_appointment(tx, office, ref="XYZ234", uid="x", service_id=others, start_s=TUESDAY_S - 3600)
        add_person(tx, there, person="els", name="Els")
        return Desk(store, office.bart, office.service, others, here, there)

    return await store.write(make)


async def test_a_thing_is_a_task_once_for_a_reason(desk: Desk) -> None:
    assert await desk.ask("payment", 12)
    assert not await desk.ask("payment", 12) and not await desk.ask("payment", 12, again=True)
    assert await desk.ask("payment", 13) and await desk.ask("reservation", 12)
    assert await desk.store.write(tasks.ask, NOW_S, "payment", 12, "another", desk.here)
    assert len(await desk.listed()) == 4


async def test_two_who_ask_at_once_make_one(desk: Desk) -> None:
    made = await asyncio.gather(*(desk.ask("payment", 12) for _ in range(4)))
    assert sorted(made) == [False, False, False, True]


async def test_it_shows_whose_it_is_and_how_it_ended(desk: Desk) -> None:
    await desk.ask("payment", 12)
    one = await desk.one()
    assert (one.name, one.ref, one.start_s, one.service_id) == ("An Peeters", "ABC234", TUESDAY_S, desk.ours)
    assert (one.state, one.how, one.staff_name, one.opened_s, one.closed_s) == ("open", "", "", NOW_S, None)
    await desk.end(one, reached=True)
    assert await desk.listed() == [] and await desk.listed(ended=True) == [("payment", 12)]
    ended = await desk.store.read(tasks.get, one.id)
    assert (ended.state, ended.how, ended.outcome) == ("done", "phoned", "Ja.")
    assert (ended.closed_s, ended.staff_name) == (NOW_S + 60, "Bart Claes")
    (note,) = await desk.store.read(lambda tx: tx.execute(select(audit)).all())
    assert (note.actor, note.action, note.object) == (f"staff:{desk.bart}", "task.phoned", "appointment/ABC234")
    assert note.detail == {"task": one.id, "reason": "because", "reached": True}


async def test_the_second_of_two_hears_that_it_has_ended(desk: Desk) -> None:
    await desk.ask("payment")
    one = await desk.one()
    await desk.end(one, "closed", skipped=True)
    with pytest.raises(TaskError, match="settled"):
        await desk.end(one)
    assert (await desk.store.read(tasks.get, one.id)).state == "skipped"
    assert len(await desk.store.read(lambda tx: tx.execute(select(audit)).all())) == 1


async def test_what_comes_again_is_open_anew_only_when_it_should(desk: Desk) -> None:
    await desk.ask("payment")
    one = await desk.one()
    await desk.end(one)
    assert not await desk.ask("payment", at_s=NOW_S + 90) and await desk.listed() == []
    assert await desk.ask("payment", at_s=NOW_S + 90, again=True)
    anew = await desk.one()
    assert (anew.id, anew.opened_s) == (one.id, NOW_S + 90)
    assert (anew.how, anew.outcome, anew.staff_name, anew.closed_s) == ("", "", "", None)


async def test_what_it_waited_for_came(desk: Desk) -> None:
    await desk.ask("payment", 1)
    await desk.ask("payment", 2)
    await desk.ask("reservation", 1)
    which = tasks.of("payment", [1], ["because"])
    assert await desk.store.write(tasks.settle, NOW_S, which, "Betaald.") == 1
    assert await desk.store.write(tasks.settle, NOW_S, which, "Nog eens.") == 0
    assert await desk.store.write(tasks.settle, NOW_S, tasks.of("payment", [2], ["else"]), "") == 0
    assert sorted(await desk.listed()) == [("payment", 2), ("reservation", 1)]
    (ended,) = await desk.store.read(tasks.listed, (desk.ours,), ended=True)
    assert (ended.state, ended.how, ended.outcome, ended.staff_name) == ("done", "", "Betaald.", "")


@pytest.mark.parametrize(("words", "code"), [(" \n", "outcome_missing"), ("x" * 501, "outcome_long")])
def test_how_it_ended_is_said_in_some_words(words: str, code: str) -> None:
    with pytest.raises(TaskError, match=code):
        tasks.check_outcome(words)
    assert tasks.check_outcome(f" {'x' * 500} ") == "x" * 500


async def test_it_is_seen_by_its_service_only_and_what_has_none_by_all(desk: Desk) -> None:
    await desk.ask("payment")
    await desk.ask("message", about=desk.there)
    await desk.ask("reply", about=None)
    assert await desk.listed() == [("reply", 1), ("payment", 1)]
    assert await desk.listed(desk.others) == [("reply", 1), ("message", 1)]
    assert await desk.listed(desk.ours, desk.others) == [("reply", 1), ("message", 1), ("payment", 1)]
    assert await desk.store.read(tasks.listed, ()) == await desk.store.read(tasks.listed, (), kinds=["reply"])
    assert await desk.store.read(tasks.open_numbers, [desk.ours]) == {"payment": 1, "reply": 1}
    assert await desk.store.read(tasks.open_numbers, []) == {"reply": 1}
    (mine,) = await desk.store.read(tasks.listed, (desk.ours,), kinds=["payment"])
    assert await desk.store.read(tasks.visible, mine.id, [desk.ours]) == mine
    for services in ([desk.others], []):
        with pytest.raises(TaskError, match="unknown_task"):
            await desk.store.read(tasks.visible, mine.id, services)


async def test_a_letter_that_is_linked_is_of_that_service_from_then_on(desk: Desk) -> None:
    await desk.ask("reply", 7, about=None)
    await desk.store.write(tasks.link, "reply", 7, desk.there)
    assert await desk.listed() == [] and await desk.listed(desk.others) == [("reply", 7)]


async def test_who_waits_for_a_call_comes_first_and_then_the_nearest_appointment(desk: Desk) -> None:
    both = desk.ours, desk.others
    await desk.ask("payment", 1)
    await desk.ask("message", 2, about=desk.there)
    await desk.ask("reply", 3, about=None, at_s=MONDAY_S)
    await desk.ask("call", 4, at_s=NOW_S + 20)
    await desk.ask("call", 5, about=desk.there, at_s=NOW_S + 10)
    assert await desk.listed(*both) == [("call", 5), ("call", 4), ("reply", 3), ("message", 2), ("payment", 1)]
    assert await desk.listed(*both, kinds=["message", "payment"]) == [("message", 2), ("payment", 1)]
    assert await desk.listed(*both, limit=2) == [("call", 5), ("call", 4)]


async def test_money_moves_with_its_appointment_and_what_was_said_does_not(desk: Desk) -> None:
    for kind in TASK_KINDS:
        await desk.ask(kind)
    await desk.store.write(formal.follow, desk.here, desk.there)
    moved = await desk.store.read(tasks.of_appointment, desk.there)
    assert sorted(each.kind for each in moved) == sorted(tasks.ACTS)
    assert await desk.store.read(tasks.any_open, desk.there, tasks.ACTS)
    assert not await desk.store.read(tasks.any_open, desk.here, tasks.ACTS)


async def test_only_a_letter_may_be_about_no_appointment_and_an_end_has_its_time(desk: Desk) -> None:
    for kind in set(TASK_KINDS) - {"reply"}:
        with pytest.raises(IntegrityError):
            await desk.ask(kind, about=None)
    await desk.ask("reply", about=None)
    for wrong in ({"state": "done"}, {"closed_s": NOW_S}, {"kind": "birthday"}, {"state": "gone", "closed_s": NOW_S}):
        with pytest.raises(IntegrityError):
            await desk.store.write(_spoil, wrong)


def _spoil(tx: Tx, values: dict[str, Any]) -> None:
    tx.execute(update(task).values(**values))


async def test_it_goes_with_its_appointment(desk: Desk) -> None:
    await desk.ask("payment")
    await desk.store.write(lambda tx: tx.execute(appointment.delete().where(appointment.c.id == desk.here)))
    assert await desk.store.read(lambda tx: tx.execute(select(task)).all()) == []
