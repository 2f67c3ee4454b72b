"""When messages come, and when they do not: days of a calendar in a moment, with a real mail server."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from balie.post.delivery import Delivery
from balie.record import schedule
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, message
from tests.support import office
from tests.support.arranged import arrange
from tests.support.mailserver import MailServer, mail_server
from tests.support.office import MONDAY_S, Office, unix_s
from tests.support.post_office import (
    CHANCE,
    START_S,
    book,
    drain,
    issues,
    messages,
    worker,
)


async def live(delivery: Delivery, server: MailServer, now_s: int) -> list[tuple[int, str]]:
    """From now until nothing is left: when each mail came, and its subject."""
    came: list[tuple[int, str]] = []
    while True:
        next_s = await drain(delivery, now_s)
        came += [(now_s, str(mail.mail["Subject"])) for mail in server.received[len(came) :]]
        if next_s is None:
            return came
        now_s = next_s


async def test_there_is_exactly_one_reminder_for_each_offset(store: Store) -> None:
    await store.write(book)
    async with mail_server() as server:
        came = await live(worker(store, server.port), server, MONDAY_S)
    when = "dinsdag 15 december 2026 om 14.30 uur"
    assert came == [
        (MONDAY_S, f"Uw afspraak op {when}"),
        (unix_s("2026-12-08T14:30"), f"Herinnering: afspraak op {when}"),
        (unix_s("2026-12-13T14:30"), f"Herinnering: afspraak op {when}"),
        (unix_s("2026-12-15T12:30"), f"Herinnering: afspraak op {when}"),
        (unix_s("2026-12-15T14:20"), "De deur is open: uw gesprek begint om 14.30 uur"),
    ]


async def test_who_cancelled_is_not_reminded(store: Store) -> None:
    made = await store.write(book)
    async with mail_server() as server:
        delivery = worker(store, server.port)
        await drain(delivery, unix_s("2026-12-08T14:30"))
        await store.write(schedule.cancelled, unix_s("2026-12-09T10:00"), CHANCE, made.id)
        came = await live(delivery, server, unix_s("2026-12-09T10:00"))
    assert len(server.received) == 3 and len(came) == 3
    assert came[-1][1].endswith("gaat niet door") and "METHOD:CANCEL" in server.received[-1].content.decode()


async def test_who_moved_is_reminded_of_the_new_time_only(store: Store) -> None:
    def move(tx: Tx, desk: Office, old_id: int) -> None:
        new = arrange(tx, desk, START_S + 86_400, supersedes=old_id, sequence=1)
        schedule.moved(tx, MONDAY_S + 3600, CHANCE, old_id, new.id)

    def begin(tx: Tx) -> tuple[Office, int]:
        desk = office.found(tx)
        old = arrange(tx, desk, START_S)
        schedule.booked(tx, MONDAY_S, CHANCE, old.id)
        return desk, old.id

    desk, old_id = await store.write(begin)
    async with mail_server() as server:
        delivery = worker(store, server.port)
        await drain(delivery, MONDAY_S)
        await store.write(move, desk, old_id)
        came = await live(delivery, server, MONDAY_S + 3600)
    assert [at for at, _ in came[1:]] == [
        MONDAY_S + 3600,
        *[unix_s(at) for at in ("2026-12-09T14:30", "2026-12-14T14:30", "2026-12-16T12:30", "2026-12-16T14:20")],
    ]
    assert all("16 december" in subject for _, subject in came[1:5])


@pytest.mark.parametrize(
    ("start", "minutes", "sent"),
    [
        ("2026-12-15T14:30", 16 * 60, "2026-12-15T08:00"),  # due at 22.30
        ("2026-12-15T14:30", 17 * 60 + 30, "2026-12-15T08:00"),  # due at 21.00
        ("2026-12-15T14:30", 17 * 60 + 31, "2026-12-14T20:59"),
        ("2026-12-15T14:30", 6 * 60 + 30, "2026-12-15T08:00"),
        ("2026-12-15T14:30", 6 * 60 + 31, "2026-12-15T08:00"),  # due at 7.59
        ("2026-12-15T09:00", 120, "2026-12-15T07:00"),  # the last two hours are for now
        ("2026-12-15T09:00", 10 * 60, "2026-12-15T07:00"),  # morning would be in the last two hours
        ("2027-03-28T14:30", 14 * 60, "2027-03-28T08:00"),  # in the night that has 23 hours
        ("2027-10-31T14:30", 14 * 60, "2027-10-31T08:00"),  # and in the one that has 25
    ],
)
async def test_nobody_is_reminded_at_night(sqlite_store: Store, start: str, minutes: int, sent: str) -> None:
    def plan(tx: Tx) -> None:
        book(tx, unix_s(start))
        tx.execute(update(message).values(status="cancelled"))
        reminder = (message.c.kind == "reminder") & (message.c.variant == "120")
        tx.execute(update(message).where(reminder).values(status="scheduled", due_s=unix_s(start) - minutes * 60))

    await sqlite_store.write(plan)
    async with mail_server() as server:
        came = await live(worker(sqlite_store, server.port), server, MONDAY_S)
    assert [at for at, _ in came] == [unix_s(sent)]


async def test_who_books_at_night_hears_it_at_night(sqlite_store: Store) -> None:
    def plan(tx: Tx) -> None:
        made = arrange(tx, office.found(tx), START_S)
        schedule.booked(tx, unix_s("2026-12-08T23:30"), CHANCE, made.id)

    await sqlite_store.write(plan)
    async with mail_server() as server:
        await drain(worker(sqlite_store, server.port), unix_s("2026-12-08T23:30"))
    assert len(server.received) == 1


async def test_after_a_standstill_only_the_latest_reminder_is_sent(store: Store) -> None:
    await store.write(book)
    now_s = unix_s("2026-12-13T15:00")  # a week and two days before are both past
    async with mail_server() as server:
        await drain(worker(store, server.port), now_s)
    subjects = [str(mail.mail["Subject"]).partition(" ")[0] for mail in server.received]
    assert subjects == ["Uw", "Herinnering:"]
    rows = {row.variant: row for row in await store.read(messages, kind="reminder")}
    assert (rows["10080"].status, rows["2880"].status) == ("cancelled", "submitted")
    assert await store.read(issues) == []


@pytest.mark.parametrize("status", ["checked_in", "in_call", "cancelled_office"])
async def test_who_is_there_already_is_not_reminded(store: Store, status: str) -> None:
    await store.write(book)
    await store.write(lambda tx: tx.execute(update(appointment).values(status=status)) and None)
    async with mail_server() as server:
        await drain(worker(store, server.port), unix_s("2026-12-15T14:25"))
    assert [row.status for row in await store.read(messages)][1:] == ["cancelled"] * 4
    assert len(server.received) == 1
