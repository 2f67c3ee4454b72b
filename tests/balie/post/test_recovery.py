"""Workers that die, sleep, are overtaken or are stopped: each message goes out once, or is visibly unresolved."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import update

from balie.post.queue import LEASE_S
from balie.record import schedule
from balie.store.engine import Store, Tx
from balie.store.schema import message
from tests.support.mailserver import mail_server
from tests.support.office import MONDAY_S
from tests.support.post_office import (
    CHANCE,
    book,
    book_several,
    drain,
    first,
    issues,
    messages,
    story,
    worker,
)


def leave(tx: Tx, status: str) -> int:
    """As a worker leaves a message that dies: its confirmation is in some state."""
    book(tx)
    row = messages(tx, kind="confirmation")[0]
    held = {"status": status, "claimed_by": "dead", "claimed_s": MONDAY_S}
    tx.execute(update(message).where(message.c.id == row.id).values(**held))
    return int(row.id)


async def test_what_a_dead_worker_had_claimed_is_sent_by_another(store: Store) -> None:
    await store.write(leave, "claimed")
    async with mail_server() as server:
        delivery = worker(store, server.port)
        assert await drain(delivery, MONDAY_S + LEASE_S - 1) == MONDAY_S + LEASE_S, "it may live still"
        assert server.received == []
        await drain(delivery, MONDAY_S + LEASE_S)
    assert len(server.received) == 1 and await store.read(issues) == []


async def test_what_a_dead_worker_was_handing_over_is_for_a_person(store: Store) -> None:
    message_id = await store.write(leave, "handing_over")
    async with mail_server() as server:
        await drain(worker(store, server.port), MONDAY_S + LEASE_S)
    row = await first(store)
    assert (row.status, row.error_class) == ("unresolved", "delivery_unknown")
    assert await store.read(issues) == [(message_id, "delivery_unknown")]
    assert await store.read(story, message_id) == ["unresolved"] and server.received == []


async def test_a_worker_that_slept_too_long_does_not_send_what_is_no_longer_its_own(store: Store) -> None:
    await store.write(book)
    async with mail_server() as server:
        slow, other = worker(store, server.port, name="slow"), worker(store, server.port, name="other")

        async def overtake(stage: str) -> None:
            if stage == "RCPT":
                server.hook = None
                await drain(other, MONDAY_S + LEASE_S)

        server.hook = overtake
        await drain(slow, MONDAY_S)
    assert len(server.received) == 1
    row = await first(store)
    assert (row.status, row.claimed_by) == ("submitted", "other")


async def test_a_worker_that_was_thought_dead_settles_the_doubt(store: Store) -> None:
    await store.write(book)
    async with mail_server() as server:
        slow, other = worker(store, server.port, name="slow"), worker(store, server.port, name="other")
        doubts: list[object] = []

        async def overtake(stage: str) -> None:
            if stage == "DOT":
                await drain(other, MONDAY_S + LEASE_S)
                doubts.extend(await store.read(issues))

        server.hook = overtake
        await drain(slow, MONDAY_S)
    row = await first(store)
    assert doubts == [(row.id, "delivery_unknown")]
    assert row.status == "submitted" and row.error_class == ""
    assert await store.read(issues) == [] and len(await store.read(issues, "done")) == 1
    assert len(server.received) == 1


async def test_what_is_cancelled_at_the_last_moment_is_not_sent(store: Store) -> None:
    made = await store.write(book)
    async with mail_server() as server:

        async def cancel(stage: str) -> None:
            if stage == "DATA":
                server.hook = None
                await store.write(schedule.cancelled, MONDAY_S, CHANCE, made.id)

        server.hook = cancel
        await drain(worker(store, server.port), MONDAY_S)
    assert [str(mail.mail["Subject"]) for mail in server.received] == [
        "De afspraak op dinsdag 15 december 2026 om 14.30 uur gaat niet door"
    ]
    assert (await first(store)).status == "cancelled"


async def test_evidence_that_is_quicker_than_we_are_stays(store: Store) -> None:
    await store.write(book)
    async with mail_server() as server:

        async def notice(stage: str) -> None:
            if stage == "DOT":
                await store.write(lambda tx: tx.execute(update(message).values(status="delivered")) and None)

        server.hook = notice
        await worker(store, server.port).step(MONDAY_S)
    row = await first(store)
    assert (row.status, row.submitted_s) == ("delivered", MONDAY_S)
    assert await store.read(story, row.id) == ["submitted"]


async def test_a_notice_of_delay_sends_nothing_again(store: Store) -> None:
    await store.write(book)
    async with mail_server() as server:
        delivery = worker(store, server.port)
        await drain(delivery, MONDAY_S)
        delayed = update(message).where(message.c.kind == "confirmation").values(status="deferred")
        await store.write(lambda tx: tx.execute(delayed) and None)
        await drain(delivery, MONDAY_S + 86_400)
    assert len(server.received) == 1


# -- running --------------------------------------------------------------------------------------------


async def stop(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_it_wakes_up_when_something_is_written(sqlite_store: Store) -> None:
    async with mail_server() as server:
        taken = asyncio.Event()

        async def hear(stage: str) -> None:
            if stage == "TAKEN":
                taken.set()

        server.hook = hear
        running = asyncio.create_task(worker(sqlite_store, server.port).run(lambda: MONDAY_S))
        await sqlite_store.write(book)
        await taken.wait()
        await stop(running)
    assert len(server.received) == 1 and (await first(sqlite_store)).status == "submitted"


@pytest.mark.parametrize("stage", ["MAIL", "DATA", "DOT"])
async def test_who_stops_it_leaves_no_doubt(sqlite_store: Store, stage: str) -> None:
    """A restart of the server is an everyday thing: the message on its way arrives, the others wait for the next."""
    await sqlite_store.write(book_several, 5)
    async with mail_server() as server:
        reached, go_on = asyncio.Event(), asyncio.Event()

        async def halt(at: str) -> None:
            if at == stage:
                reached.set()
                await go_on.wait()

        server.hook = halt
        running = asyncio.create_task(worker(sqlite_store, server.port).run(lambda: MONDAY_S))
        await reached.wait()
        running.cancel()
        go_on.set()
        with suppress(asyncio.CancelledError):
            await running
        rows = await sqlite_store.read(messages, kind="confirmation")
        assert [row.status for row in rows] == ["submitted"] + ["scheduled"] * 4
        assert len(server.received) == 1 and await sqlite_store.read(issues) == []
        await drain(worker(sqlite_store, server.port, name="w2"), MONDAY_S)
    assert len(server.received) == 5


async def test_it_outlives_a_database_that_is_away(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await sqlite_store.write(book)
    taken = asyncio.Event()

    async def hear(stage: str) -> None:
        if stage == "TAKEN":
            taken.set()

    async with mail_server() as server:
        server.hook = hear
        delivery = worker(sqlite_store, server.port)
        monkeypatch.setattr("balie.post.delivery.LOOK_S", 0.01)
        away = iter([OSError("gone"), OSError("gone")])
        step = delivery.step

        async def flaky(now_s: int) -> int | None:
            if (error := next(away, None)) is not None:
                raise error
            return await step(now_s)

        monkeypatch.setattr(delivery, "step", flaky)
        running = asyncio.create_task(delivery.run(lambda: MONDAY_S))
        await taken.wait()
        await stop(running)
    assert len(server.received) == 1
