"""Messages that did not arrive: each action of staff once, with its outcome, and written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from balie.booking.errors import Unfit
from balie.post import undelivered
from balie.post.suppression import is_suppressed, suppress
from balie.record import tasks
from balie.record.tasks import Task, TaskError
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, audit, message, participant
from tests.support.mails import (
    CHANCE,
    RECIPIENT,
    TUESDAY_S,
    Case,
    add_message,
    add_person,
    case,
    message_of,
    tasks_of,
)
from tests.support.office import MONDAY_S

NOW_S = MONDAY_S + 3600


def failed(tx: Tx, /, reason: str = "address_unknown", **columns: Any) -> tuple[Case, Task, str]:
    """A message that did not arrive, and its task; the last is how Bart signs."""
    made = case(tx, status="failed", **columns)
    row = tx.execute(select(message)).one()
    undelivered.ask(tx, MONDAY_S, row, reason)
    (task,) = tasks.of_appointment(tx, made.appointment)
    return made, task, f"staff:{made.office.bart}"


async def new_message(store: Store, made: int) -> Any:
    row = await message_of(store, made)
    assert (row.status, row.due_s) == ("scheduled", NOW_S)
    return row


async def notes(store: Store) -> list[tuple[str, str, str]]:
    rows = await store.read(lambda tx: tx.execute(select(audit).order_by(audit.c.id)).all())
    return [(row.actor, row.action, row.object) for row in rows]


async def test_what_a_person_needs_to_know_of_it(store: Store) -> None:
    made, task, _ = await store.write(failed)
    assert (task.kind, task.object_id, task.reason, task.ref) == ("message", made.message, "address_unknown", "ABC234")
    about = (await store.read(undelivered.look, [made.message]))[made.message]
    assert (about.name, about.role, about.phone, about.recipient) == (
        "An Peeters",
        "citizen",
        "+32470123456",
        RECIPIENT,
    )
    assert (about.kind, about.channel, about.status) == ("confirmation", "mail", "failed")


async def test_what_fails_again_is_a_task_again_when_it_should(store: Store) -> None:
    made, task, actor = await store.write(failed)

    def ask(tx: Tx, /, *, again: bool) -> None:
        undelivered.ask(tx, NOW_S, tx.execute(select(message)).one(), "address_unknown", again=again)

    await store.write(tasks.close, NOW_S, task, actor, "Komt aan het loket.")
    await store.write(ask, again=False)
    assert await tasks_of(store, made.message) == [("address_unknown", "closed")]
    await store.write(ask, again=True)
    assert await tasks_of(store, made.message) == [("address_unknown", "open")]


async def test_retry(store: Store) -> None:
    made, task, actor = await store.write(failed)
    await store.write(suppress, MONDAY_S, RECIPIENT, "address_unknown")
    again = await new_message(store, await store.write(undelivered.retry, NOW_S, CHANCE, task, actor))
    assert (again.recipient, again.channel, again.kind) == (RECIPIENT, "mail", "confirmation")
    assert again.variant != (await message_of(store, made.message)).variant
    assert not await store.read(is_suppressed, RECIPIENT)
    assert await tasks_of(store, made.message) == [("address_unknown", "retried")]
    assert await notes(store) == [(actor, "task.retried", "appointment/ABC234")]


async def test_another_address_holds_from_now_on(store: Store) -> None:
    made, task, actor = await store.write(failed)

    def more(tx: Tx) -> tuple[int, int]:
        at = made.appointment, made.citizen
        waits = add_message(tx, *at, status="scheduled", kind="reminder", envid="a" * 32, due_s=TUESDAY_S - 7200)
        bad = add_message(tx, *at, status="suppressed", kind="changed", envid="b" * 32)
        undelivered.ask(tx, MONDAY_S, tx.execute(select(message).where(message.c.id == bad)).one(), "suppressed")
        return waits, bad

    waits, bad = await store.write(more)
    address = "an.peeters@nieuw.example"
    again = await new_message(
        store, await store.write(undelivered.other_address, NOW_S, CHANCE, task, actor, f" {address} ")
    )
    assert again.recipient == address
    assert (await message_of(store, waits)).recipient == address
    assert (await message_of(store, made.message)).recipient == RECIPIENT  # that is where it went
    assert await store.read(lambda tx: tx.scalar(select(participant.c.mail))) == address
    assert await tasks_of(store, bad) == [("suppressed", "retried")]


@pytest.mark.parametrize("address", ["", "geen adres", "an@voorbeeld.example\nBcc: mallory@elders.example", "a" * 300])
async def test_what_is_no_address_changes_nothing(sqlite_store: Store, address: str) -> None:
    made, task, actor = await sqlite_store.write(failed)
    with pytest.raises(Unfit):
        await sqlite_store.write(undelivered.other_address, NOW_S, CHANCE, task, actor, address)
    assert await tasks_of(sqlite_store, made.message) == [("address_unknown", "open")]
    assert await sqlite_store.read(lambda tx: tx.scalar(select(participant.c.mail))) == RECIPIENT


async def test_a_text_message_instead(store: Store) -> None:
    made, task, actor = await store.write(failed)
    again = await new_message(store, await store.write(undelivered.by_sms, NOW_S, CHANCE, task, actor))
    assert (again.recipient, again.channel, again.kind) == ("+32470123456", "sms", "confirmation")
    assert await tasks_of(store, made.message) == [("address_unknown", "channel_switched")]


async def test_no_text_message_without_a_telephone(sqlite_store: Store) -> None:
    _, task, actor = await sqlite_store.write(failed)
    await sqlite_store.write(lambda tx: tx.execute(update(participant).values(phone="")))
    with pytest.raises(TaskError, match="no_phone"):
        await sqlite_store.write(undelivered.by_sms, NOW_S, CHANCE, task, actor)


@pytest.mark.parametrize(("act", "how"), [(undelivered.phoned, "phoned"), (tasks.close, "closed")])
async def test_an_end_needs_an_outcome(store: Store, act: Callable[..., None], how: str) -> None:
    made, task, actor = await store.write(failed)
    for outcome, code in ((" \n", "outcome_missing"), ("x" * 501, "outcome_long")):
        with pytest.raises(TaskError, match=code):
            await store.write(act, NOW_S, task, actor, outcome)
    assert await tasks_of(store, made.message) == [("address_unknown", "open")]
    await store.write(act, NOW_S, task, actor, " Ze komt. ")
    ended = await store.read(tasks.get, task.id)
    assert (ended.state, ended.how) == ("skipped" if how == "closed" else "done", how)
    assert (ended.outcome, ended.closed_s, ended.staff_name) == ("Ze komt.", NOW_S, "Bart Claes")
    assert await notes(store) == [(actor, f"task.{how}", "appointment/ABC234")]


ACTIONS: dict[str, Callable[[Tx, Task, str], object]] = {
    "retry": lambda tx, task, actor: undelivered.retry(tx, NOW_S, CHANCE, task, actor),
    "other": lambda tx, task, actor: undelivered.other_address(tx, NOW_S, CHANCE, task, actor, "b@nieuw.example"),
    "sms": lambda tx, task, actor: undelivered.by_sms(tx, NOW_S, CHANCE, task, actor),
    "phoned": lambda tx, task, actor: undelivered.phoned(tx, NOW_S, task, actor, "Ja."),
    "close": lambda tx, task, actor: tasks.close(tx, NOW_S, task, actor, "Ja."),
}


@pytest.mark.parametrize("action", ACTIONS)
async def test_the_second_of_two_hears_that_it_is_settled(sqlite_store: Store, action: str) -> None:
    _, task, actor = await sqlite_store.write(failed)
    await sqlite_store.write(tasks.close, NOW_S, task, actor, "Ja.")
    with pytest.raises(TaskError, match="settled"):
        await sqlite_store.write(ACTIONS[action], task, actor)
    assert len(await notes(sqlite_store)) == 1
    assert await sqlite_store.read(lambda tx: tx.scalar(select(participant.c.mail))) == RECIPIENT


@pytest.mark.parametrize("action", ["retry", "other", "sms"])
@pytest.mark.parametrize("status", ["rescheduled", "cancelled_citizen", "completed"])
async def test_nothing_is_sent_about_what_is_over(sqlite_store: Store, action: str, status: str) -> None:
    _, task, actor = await sqlite_store.write(failed)
    await sqlite_store.write(lambda tx: tx.execute(update(appointment).values(status=status)))
    with pytest.raises(TaskError, match="over"):
        await sqlite_store.write(ACTIONS[action], task, actor)
    await sqlite_store.write(lambda tx: tx.execute(update(appointment).values(status="booked", end_s=NOW_S, start_s=1)))
    with pytest.raises(TaskError, match="over"):
        await sqlite_store.write(ACTIONS[action], task, actor)


async def test_that_it_is_cancelled_may_be_said_again(store: Store) -> None:
    _, task, actor = await store.write(failed, of="cancelled_office")
    await store.write(lambda tx: tx.execute(update(message).values(kind="cancelled")))
    assert (
        await new_message(store, await store.write(undelivered.retry, NOW_S, CHANCE, task, actor))
    ).kind == "cancelled"


async def test_nothing_is_sent_to_who_no_longer_takes_part(sqlite_store: Store) -> None:
    _, task, actor = await sqlite_store.write(failed)
    await sqlite_store.write(lambda tx: tx.execute(update(participant).values(removed_s=NOW_S)))
    with pytest.raises(TaskError, match="gone"):
        await sqlite_store.write(undelivered.retry, NOW_S, CHANCE, task, actor)


async def test_another_person_keeps_his_tasks(store: Store) -> None:
    made, task, actor = await store.write(failed)

    def helper(tx: Tx) -> int:
        person = add_person(tx, made.appointment, person="jef", role="family", mail="jef@voorbeeld.example")
        sent = add_message(tx, made.appointment, person, status="failed", envid="c" * 32, kind="helper_added")
        undelivered.ask(tx, MONDAY_S, tx.execute(select(message).where(message.c.id == sent)).one(), "address_unknown")
        return sent

    sent = await store.write(helper)
    await store.write(undelivered.other_address, NOW_S, CHANCE, task, actor, "an@nieuw.example")
    assert await tasks_of(store, sent) == [("address_unknown", "open")]
