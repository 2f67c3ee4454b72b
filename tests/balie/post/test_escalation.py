"""A day before: who has shown nothing gets a text message, then a telephone call, and nobody gets either twice."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from balie.post import undelivered
from balie.post.escalation import Escalated, Rules, escalate
from balie.post.queue import Quiet
from balie.record import tasks
from balie.record.tasks import Task
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, message, participant
from tests.support.mails import CHANCE, TUESDAY_S, Case, add_message, add_person, case, tasks_of
from tests.support.office import MONDAY_S, unix_s

HOUR_S = 3600
DAY_BEFORE_S = TUESDAY_S - 24 * HOUR_S
WITH_SMS, WITHOUT_SMS = Rules(sms=True), Rules(sms=False)
NOTHING, SMS, TASK = Escalated(), Escalated(sms=1), Escalated(tasks=1)


async def texts(store: Store) -> list[Any]:
    return await store.read(lambda tx: list(tx.execute(select(message).where(message.c.channel == "sms"))))


async def test_a_text_message_then_a_task(store: Store) -> None:
    made = await store.write(case)
    assert await store.write(escalate, DAY_BEFORE_S - 1, CHANCE, WITH_SMS) == NOTHING
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == SMS
    (text,) = await texts(store)
    assert (text.recipient, text.due_s, text.status) == ("+32470123456", DAY_BEFORE_S, "scheduled")
    for now_s in (DAY_BEFORE_S, DAY_BEFORE_S + 2 * HOUR_S - 1):
        assert await store.write(escalate, now_s, CHANCE, WITH_SMS) == NOTHING
    assert await tasks_of(store, made.message) == []
    await store.write(lambda tx: tx.execute(update(message).values(status="submitted")))
    assert await store.write(escalate, DAY_BEFORE_S + 2 * HOUR_S, CHANCE, WITH_SMS) == TASK
    assert await tasks_of(store, text.id) == [("no_evidence", "open")]
    assert await store.write(escalate, DAY_BEFORE_S + 9 * HOUR_S, CHANCE, WITH_SMS) == NOTHING
    assert len(await texts(store)) == 1


async def test_without_a_gateway_or_a_telephone_it_is_a_task_at_once(store: Store) -> None:
    made = await store.write(case)
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITHOUT_SMS) == TASK
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITHOUT_SMS) == NOTHING
    assert await tasks_of(store, made.message) == [("no_evidence", "open")]


async def test_without_a_telephone_it_is_a_task_at_once(sqlite_store: Store) -> None:
    await sqlite_store.write(case)
    await sqlite_store.write(lambda tx: tx.execute(update(participant).values(phone="")))
    assert await sqlite_store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == TASK


@pytest.mark.parametrize(
    "columns",
    [{"status": "delivered"}, {"read_evidence": "mdn"}, {"read_evidence": "link_opened"}, {"read_evidence": "joined"}],
)
async def test_any_sign_is_enough(store: Store, columns: dict[str, str]) -> None:
    """Of any message, not only of the last."""

    def heard(tx: Tx) -> None:
        made = case(tx)
        tx.execute(update(message).values(**columns))
        add_message(tx, made.appointment, made.citizen, kind="reminder", envid="a" * 32, submitted_s=MONDAY_S + 9)

    await store.write(heard)
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == NOTHING


@pytest.mark.parametrize("status", ["confirmed", "cancelled_citizen", "rescheduled", "checked_in", "held"])
async def test_only_of_what_is_booked(sqlite_store: Store, status: str) -> None:
    await sqlite_store.write(case, of=status)
    assert await sqlite_store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == NOTHING


async def test_not_after_it_began(sqlite_store: Store) -> None:
    await sqlite_store.write(case)
    assert await sqlite_store.write(escalate, TUESDAY_S, CHANCE, WITH_SMS) == NOTHING


@pytest.mark.parametrize(
    ("created_by", "before_h", "made"),
    [("citizen", 20, NOTHING), ("citizen", 25, SMS), ("staff:1", 20, SMS)],
    ids=["himself, late", "himself, in time", "by staff, late"],
)
async def test_who_booked_himself_this_late_knows(
    sqlite_store: Store, created_by: str, before_h: int, made: Escalated
) -> None:
    await sqlite_store.write(case, created_by=created_by, created_s=TUESDAY_S - before_h * HOUR_S)
    assert await sqlite_store.write(escalate, TUESDAY_S - 6 * HOUR_S, CHANCE, WITH_SMS) == made


async def test_what_was_booked_just_now_gets_time(sqlite_store: Store) -> None:
    booked_s = TUESDAY_S - 6 * HOUR_S
    await sqlite_store.write(case, created_s=booked_s)
    assert await sqlite_store.write(escalate, booked_s + 2 * HOUR_S - 1, CHANCE, WITH_SMS) == NOTHING
    assert await sqlite_store.write(escalate, booked_s + 2 * HOUR_S, CHANCE, WITH_SMS) == SMS


@pytest.mark.parametrize("status", ["scheduled", "cancelled"])
async def test_of_who_was_not_to_be_written_to_yet_nothing_is_expected(sqlite_store: Store, status: str) -> None:
    await sqlite_store.write(case, status=status)
    assert await sqlite_store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == NOTHING


@pytest.mark.parametrize("status", ["failed", "suppressed"])
async def test_where_mail_cannot_arrive_a_text_message_goes_by_itself(store: Store, status: str) -> None:
    await store.write(case, status=status)
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == SMS


async def test_helpers_are_not_telephoned(store: Store) -> None:
    def with_helper(tx: Tx) -> None:
        made = case(tx)
        tx.execute(update(message).values(status="delivered"))
        helper = add_person(tx, made.appointment, person="jef", role="family")
        add_message(tx, made.appointment, helper, envid="a" * 32)

    await store.write(with_helper)
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == NOTHING


async def test_the_sign_of_one_says_nothing_of_another(store: Store) -> None:
    def with_helper(tx: Tx) -> None:
        made = case(tx)
        helper = add_person(tx, made.appointment, person="jef", role="family")
        add_message(tx, made.appointment, helper, envid="a" * 32, status="delivered", read_evidence="mdn")

    await store.write(with_helper)
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == SMS


def asked(tx: Tx, /, reason: str = "mailbox_full") -> tuple[Case, Task]:
    made = case(tx)
    undelivered.ask(tx, MONDAY_S, tx.execute(select(message)).one(), reason)
    (task,) = tasks.of_appointment(tx, made.appointment)
    return made, task


async def test_an_open_task_does_not_keep_the_text_message_back(store: Store) -> None:
    """Nobody looked at the task for days: the text message goes, and no second task is made."""
    made, _ = await store.write(asked)
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == SMS
    await store.write(lambda tx: tx.execute(update(message).values(status="submitted")))
    assert await store.write(escalate, DAY_BEFORE_S + 3 * HOUR_S, CHANCE, WITH_SMS) == NOTHING
    assert await tasks_of(store, made.message) == [("mailbox_full", "open")]


@pytest.mark.parametrize("act", [undelivered.phoned, tasks.close])
async def test_what_a_person_decided_stands(store: Store, act: Any) -> None:
    made, task = await store.write(asked)
    await store.write(act, MONDAY_S, task, f"staff:{made.office.bart}", "Weet ervan.")
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == NOTHING


async def test_what_was_settled_by_itself_decides_nothing(store: Store) -> None:
    _, _ = await store.write(asked, "delivery_unknown")
    await store.write(
        lambda tx: undelivered.settle(tx, MONDAY_S, tx.execute(select(message)).one(), ("delivery_unknown",))
    )
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == SMS


async def test_nobody_is_woken(store: Store) -> None:
    await store.write(case)
    night_s, morning_s = unix_s("2026-12-07T23:00"), unix_s("2026-12-08T08:00")
    assert await store.write(escalate, night_s, CHANCE, WITH_SMS) == NOTHING
    assert await store.write(escalate, morning_s, CHANCE, WITH_SMS) == SMS


async def test_the_last_hours_are_never_quiet(sqlite_store: Store) -> None:
    await sqlite_store.write(case, start_s=unix_s("2026-12-08T08:30"))
    night = Rules(sms=True, quiet=Quiet(0, 12 * 60))
    assert await sqlite_store.write(escalate, unix_s("2026-12-08T06:29"), CHANCE, night) == NOTHING
    assert await sqlite_store.write(escalate, unix_s("2026-12-08T06:30"), CHANCE, night) == SMS


async def test_who_only_has_a_telephone_is_called(store: Store) -> None:
    await store.write(case)
    await store.write(lambda tx: tx.execute(update(message).values(channel="sms", recipient="+32470123456")))
    assert await store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == TASK


async def test_a_move_begins_anew(sqlite_store: Store) -> None:
    """What showed that he knew of the old time shows nothing of the new one."""

    def moved(tx: Tx) -> None:
        made = case(tx, status="delivered", of="rescheduled")
        new = dict(tx.execute(select(appointment)).one()._mapping)
        new |= {"status": "booked", "sequence": 1, "supersedes": made.appointment}
        del new["id"]
        key = tx.execute(appointment.insert().values(**new)).inserted_primary_key
        assert key is not None
        add_message(tx, key[0], add_person(tx, key[0]), kind="moved", envid="a" * 32)

    await sqlite_store.write(moved)
    assert await sqlite_store.write(escalate, DAY_BEFORE_S, CHANCE, WITH_SMS) == SMS
