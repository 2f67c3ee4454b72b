"""The worker: what is due goes out once, on both databases, whatever the mail server does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Row, select, update

from balie.booking import links
from balie.hooks.cloudevents import Source, event
from balie.post.compose import LINK_CUT
from balie.post.outcome import Outcome
from balie.post.queue import BACKOFF_S, LEASE_S
from balie.record.events import MESSAGE
from balie.store.engine import Store, Tx
from balie.store.schema import message, outbox
from tests.support.arranged import DAUGHTER, LINK_KEY, Somebody
from tests.support.mailserver import DROP, HANG, mail_server
from tests.support.office import MONDAY_S, unix_s
from tests.support.post_office import (
    START_S,
    book,
    book_several,
    drain,
    events_of,
    first,
    issues,
    messages,
    story,
    worker,
)

# -- what goes well -------------------------------------------------------------------------------------


async def test_what_is_due_is_sent_and_what_is_known_of_it_is_written_down(store: Store) -> None:
    made = await store.write(book)
    async with mail_server() as server:
        next_s = await drain(worker(store, server.port), MONDAY_S)
    assert next_s == unix_s("2026-12-08T14:30"), "a week before"
    (mail,) = server.received
    row = await first(store)
    token = await store.read(links.current, LINK_KEY, made.people[0])
    assert (row.status, row.submitted_s, row.template) == ("submitted", MONDAY_S, "confirmation/1")
    assert row.subject == mail.mail["Subject"] == "Uw afspraak op dinsdag 15 december 2026 om 14.30 uur"
    assert LINK_CUT in row.body and token is not None and token not in row.body
    assert token in mail.content.decode()
    assert mail.sender == f"balie+{row.envid}@voorbeeldegem.example" and mail.dsn["ENVID"] == row.envid
    assert await store.read(story, row.id) == ["submitted"]


async def test_everybody_gets_his_own_in_his_language(store: Store) -> None:
    await store.write(book, START_S, (Somebody(), DAUGHTER))
    async with mail_server() as server:
        await drain(worker(store, server.port), MONDAY_S)
    assert [mail.recipient for mail in server.received] == ["an@burger.example", "lies@burger.example"]
    assert "mardi 15 décembre 2026" in server.received[1].mail["Subject"]


async def test_one_connection_carries_many(store: Store) -> None:
    await store.write(book_several, 25)
    async with mail_server() as server:
        await drain(worker(store, server.port), MONDAY_S)
    assert len(server.received) == 25
    assert server.connections == 3, "one for each batch"


async def test_two_workers_share_the_work(store: Store) -> None:
    await store.write(book_several, 40)
    async with mail_server() as server:
        workers = [worker(store, server.port, name=f"w{n}") for n in range(4)]
        await asyncio.gather(*[drain(each, MONDAY_S) for each in workers])
    envids = [mail.envid for mail in server.received]
    assert len(envids) == len(set(envids)) == 40


# -- what goes wrong ------------------------------------------------------------------------------------


async def test_a_greylist_is_waited_out(store: Store) -> None:
    await store.write(book)
    async with mail_server() as server:
        server.answer("RCPT", "450 4.2.0 Greylisted", "450 4.2.0 Greylisted")
        delivery = worker(store, server.port)
        assert await drain(delivery, MONDAY_S) == MONDAY_S + BACKOFF_S[0]
        row = await first(store)
        assert (row.status, row.attempts, row.error_class) == ("deferred", 1, "try_later")
        assert await drain(delivery, MONDAY_S + 60) == MONDAY_S + 60 + BACKOFF_S[1]
        await drain(delivery, MONDAY_S + 360)
    row = await first(store)
    assert (row.status, row.attempts, row.error_class, row.error) == ("submitted", 2, "", "")
    assert await store.read(story, row.id) == ["deferred", "deferred", "submitted"]
    assert len(server.received) == 1 and await store.read(issues) == []


async def test_after_two_days_a_person_hears_of_it(store: Store) -> None:
    await store.write(book, unix_s("2027-01-12T14:30"))
    now_s, tries = MONDAY_S, 0
    async with mail_server() as server:
        delivery = worker(store, server.port)
        while tries < 100:
            server.answer("RCPT", "450 4.7.1 Never today")
            await delivery.step(now_s)
            tries += 1
            row = await first(store)
            if row.status != "deferred":
                break
            now_s = row.due_s
    assert (row.status, row.error_class, tries) == ("failed", "gave_up", len(BACKOFF_S) + 1)
    assert 47 * 3600 < now_s - MONDAY_S <= 48 * 3600
    assert await store.read(issues) == [(row.id, "gave_up")]
    assert (await store.read(events_of, "failed"))[0]["message"]["reason"] == "gave_up"


async def test_near_the_appointment_tries_come_closer_and_end_with_it(store: Store) -> None:
    start_s = MONDAY_S + 1200
    await store.write(book, start_s)
    now_s = MONDAY_S
    async with mail_server() as server:
        delivery = worker(store, server.port)
        for _ in range(100):
            server.answer("RCPT", *["450 4.7.1 Never today"] * 2)
            await delivery.step(now_s)
            row = await first(store)
            if row.status != "deferred":
                break
            assert now_s < row.due_s <= now_s + 900
            now_s = row.due_s
    assert (row.status, row.error_class) == ("failed", "gave_up")
    assert start_s < now_s < start_s + 2 * 1800
    assert server.received == []


async def test_what_comes_too_late_is_not_sent(store: Store) -> None:
    await store.write(book)
    async with mail_server() as server:
        await drain(worker(store, server.port), START_S + 2 * 3600)
    assert server.received == []
    rows = await store.read(messages)
    assert [(row.status, row.error_class) for row in rows] == [("failed", "gave_up")] + [("cancelled", "")] * 4
    assert await store.read(issues) == [(rows[0].id, "gave_up")]


async def test_an_address_that_does_not_exist_is_a_task_and_is_not_tried_again(store: Store) -> None:
    await store.write(book)
    async with mail_server() as server:
        server.answer("RCPT", "550 5.1.1 No such user")
        delivery = worker(store, server.port)
        await drain(delivery, MONDAY_S)
        await drain(delivery, unix_s("2026-12-08T14:30"))
    assert server.received == [] and server.connections == 1, "the reminder was not even tried"
    rows = {row.kind + row.variant: row for row in await store.read(messages)}
    failed, suppressed = rows["confirmation"], rows["reminder10080"]
    assert (failed.status, failed.error_class, failed.error) == ("failed", "address_unknown", "550 5.1.1 No such user")
    assert suppressed.status == "suppressed"
    assert await store.read(issues) == [(failed.id, "address_unknown"), (suppressed.id, "suppressed")]


async def test_a_refusal_is_a_task_with_its_reason(store: Store) -> None:
    await store.write(book)
    async with mail_server() as server:
        server.answer("DOT", "550 5.7.1 Looks like spam")
        await drain(worker(store, server.port), MONDAY_S)
    row = await first(store)
    assert (row.status, row.error_class) == ("failed", "refused_policy")
    assert await store.read(issues) == [(row.id, "refused_policy")]


@pytest.mark.parametrize("answer", [DROP, HANG])
async def test_a_mail_that_may_be_gone_is_never_sent_again_by_itself(store: Store, answer: str) -> None:
    await store.write(book)
    async with mail_server() as server:
        server.answer("DOT", answer)
        delivery = worker(store, server.port, timeout_s=0.2)
        await drain(delivery, MONDAY_S)
        await drain(worker(store, server.port, name="w2"), MONDAY_S + 10 * LEASE_S)
    row = await first(store)
    assert (row.status, row.error_class) == ("unresolved", "delivery_unknown")
    assert await store.read(issues) == [(row.id, "delivery_unknown")]
    assert len(server.received) == (1 if answer == DROP else 0)


async def test_while_the_mail_server_is_down_nothing_is_lost(store: Store) -> None:
    await store.write(book_several, 15)
    async with mail_server() as server:
        port = server.port
    await drain(worker(store, port), MONDAY_S)
    assert {row.status for row in await store.read(messages, kind="confirmation")} == {"deferred"}
    async with mail_server() as server:
        await drain(worker(store, server.port), MONDAY_S + BACKOFF_S[0])
    assert len(server.received) == 15 and await store.read(issues) == []


async def test_a_message_that_cannot_be_written_does_not_stop_the_others(store: Store) -> None:
    def spoil(tx: Tx) -> None:
        book_several(tx, 3)
        spoiled = messages(tx, kind="confirmation")[0]
        tx.execute(update(message).where(message.c.id == spoiled.id).values(kind="reply", data={}))

    await store.write(spoil)
    async with mail_server() as server:
        await drain(worker(store, server.port), MONDAY_S)
    assert len(server.received) == 2
    (row,) = await store.read(messages, kind="reply")
    assert (row.status, row.error_class) == ("failed", "not_written")
    assert await store.read(issues) == [(row.id, "not_written")]


# -- other ways out -------------------------------------------------------------------------------------


async def test_in_crm_mode_an_event_carries_the_message_and_no_mail_is_sent(store: Store) -> None:
    await store.write(book, START_S, (Somebody(), Somebody("Jan", "", "+32470111111", role="carer")))
    await drain(worker(store, None), MONDAY_S)
    mail, text = await store.read(events_of, "due")
    rows = await store.read(messages, status="submitted")
    assert [row.envid for row in rows] == [mail["message"]["id"], text["message"]["id"]]
    assert (mail["message"]["channel"], text["message"]["channel"]) == ("mail", "sms")
    assert mail["personal"]["to"] == "an@burger.example" and text["personal"]["to"] == "+32470111111"
    assert mail["personal"]["subject"] == "Uw afspraak op dinsdag 15 december 2026 om 14.30 uur"
    assert "Dag An Peeters" in mail["personal"]["text"] and "<h1" in mail["personal"]["html"]
    assert text["personal"]["text"].endswith("Bel +32 2 555 01 30")
    assert await store.read(story, rows[0].id) == ["submitted"]


async def test_a_link_for_the_other_system_is_not_kept(store: Store) -> None:
    """D5: whoever has the database only cannot enter; who hears the event can, as long as the link lives."""
    made = await store.write(book)
    await drain(worker(store, None), MONDAY_S)
    token = await store.read(links.current, LINK_KEY, made.people[0])
    assert token is not None
    source = Source("https://balie.example.be", LINK_KEY)

    def told(tx: Tx) -> dict[str, Any]:
        row = tx.execute(select(outbox).where(outbox.c.type == MESSAGE + "due")).one()
        assert token not in str(row.data)
        placed = cast(Row[Any], SimpleNamespace(**{**row._mapping, "place": 1}))
        return cast(dict[str, Any], event(tx, placed, source, contact=True))

    personal = (await store.read(told))["data"]["personal"]
    assert f"/a/{token}" in personal["text"] and f"/a/{token}" in personal["html"] and "link_of" not in personal
    await store.write(lambda tx: links.revoke(tx, MONDAY_S, appointment_id=made.id))
    assert token not in str(await store.read(told))


async def test_in_crm_mode_a_message_is_announced_once_or_not_at_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write(book)
    delivery = worker(store, None)
    with monkeypatch.context() as broken:
        broken.setattr("balie.post.queue.undelivered.settle", _fails)
        with pytest.raises(OSError, match="disk full"):
            await delivery.step(MONDAY_S)
    assert await store.read(events_of, "due") == [] and (await first(store)).status == "scheduled"
    await drain(delivery, MONDAY_S)
    await drain(delivery, MONDAY_S + LEASE_S)
    assert len(await store.read(events_of, "due")) == 1


def _fails(*_: object) -> None:
    raise OSError("disk full")


async def test_who_has_only_a_telephone_gets_a_text_message(store: Store) -> None:
    sent: list[tuple[str, str, str]] = []

    async def texts(to: str, text: str, id: str, now_s: int) -> Outcome:  # noqa: A002
        sent.append((to, text, id))
        return Outcome("submitted", said="202")

    made = await store.write(book, START_S, (Somebody("Jan", "", "+32470111111"),))
    async with mail_server() as server:
        await drain(worker(store, server.port, texts=texts), MONDAY_S)
        assert server.connections == 0
    row = await first(store)
    token = await store.read(links.current, LINK_KEY, made.people[0])
    assert token is not None
    assert sent == [(row.recipient, sent[0][1], row.envid)] and token in sent[0][1]
    assert row.status == "submitted" and token not in row.body and LINK_CUT in row.body


async def test_without_a_gateway_a_person_must_telephone(store: Store) -> None:
    await store.write(book, START_S, (Somebody("Jan", "", "+32470111111"),))
    async with mail_server() as server:
        await drain(worker(store, server.port), MONDAY_S)
    row = await first(store)
    assert (row.status, row.error_class) == ("failed", "no_gateway")
    assert await store.read(issues) == [(row.id, "no_gateway")]
