"""What is known of a message climbs by proof, and by nothing else, and never falls."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from balie.post import evidence
from balie.post.incoming import parse
from balie.post.receiving import receive
from balie.post.suppression import is_suppressed
from balie.post.undelivered import ask
from balie.store.engine import Store, Tx
from balie.store.schema import MESSAGE_STATES, READ_EVIDENCE, message, outbox, participant
from tests.support.mails import (
    CHANCE,
    ENVID,
    RECIPIENT,
    TUESDAY_S,
    add_message,
    appointment_status,
    arrive,
    case,
    events_of,
    letters,
    message_of,
    raw,
    tasks_of,
)
from tests.support.mails import names as all_names
from tests.support.office import MONDAY_S

FORGERY = "f" * 32


@pytest.mark.parametrize(
    ("name", "before", "after", "event"),
    [
        ("dsn_postfix_relayed", "submitted", "accepted", "relayed"),
        ("dsn_postfix_delivered", "submitted", "delivered", "delivered"),
        ("dsn_postfix_delivered", "accepted", "delivered", "delivered"),
        ("dsn_postfix_delivered", "deferred", "delivered", "delivered"),
        ("dsn_postfix_delivered", "unresolved", "delivered", "delivered"),
        ("dsn_postfix_delivered", "handing_over", "delivered", "delivered"),  # it was quicker than our own commit
        ("dsn_postfix_delayed", "submitted", "deferred", "delayed"),
        ("dsn_postfix_delayed", "handing_over", "handing_over", "delayed"),  # deferred would be sent again
        ("dsn_postfix_delayed", "delivered", "delivered", "delayed"),
        ("dsn_postfix_relayed", "delivered", "delivered", "relayed"),
        ("dsn_postfix_failed", "submitted", "failed", "failed"),
        ("dsn_postfix_failed", "accepted", "failed", "failed"),
        ("dsn_postfix_failed", "delivered", "delivered", "failed"),
        ("dsn_postfix_delivered", "failed", "failed", "delivered"),
        ("dsn_postfix_delivered", "cancelled", "cancelled", "delivered"),
    ],
)
async def test_mail_servers(store: Store, name: str, before: str, after: str, event: str) -> None:
    made = await store.write(case, status=before)
    received = await arrive(store, name)
    row = await message_of(store, made.message)
    assert (received.status, row.status, row.read_evidence) == ("applied", after, "none")
    assert await events_of(store, made.message) == [event]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dsn_postfix_failed", "address_unknown"),
        ("dsn_exchange_failed", "address_unknown"),
        ("dsn_gmail_failed", "address_unknown"),
        ("dsn_mailbox_full", "mailbox_full"),
        ("dsn_exim_plain", "refused_policy"),
        ("dsn_expired", "delayed_too_long"),
    ],
)
async def test_a_permanent_failure_is_a_task(store: Store, name: str, reason: str) -> None:
    made = await store.write(case)
    await arrive(store, name)
    row = await message_of(store, made.message)
    assert (row.status, row.error_class) == ("failed", reason)
    assert await tasks_of(store, made.message) == [(reason, "open")]
    assert await store.read(is_suppressed, RECIPIENT) == (reason == "address_unknown")
    types = await store.read(lambda tx: list(tx.scalars(select(outbox.c.type))))
    assert types == ["be.balie.message.failed"]


async def test_a_failure_after_delivery_is_a_task_and_takes_nothing_back(store: Store) -> None:
    made = await store.write(case)
    await arrive(store, "dsn_postfix_delivered")
    await arrive(store, "mdn_outlook_displayed")
    await arrive(store, "dsn_mailbox_full")
    row = await message_of(store, made.message)
    assert (row.status, row.read_evidence, row.error) == ("delivered", "mdn", "")
    assert await tasks_of(store, made.message) == [("mailbox_full", "open")]


@pytest.mark.parametrize("name", ["mdn_outlook_displayed", "mdn_thunderbird_displayed", "mdn_apple_displayed"])
async def test_a_read_receipt(store: Store, name: str) -> None:
    made = await store.write(case)
    assert (await arrive(store, name, MONDAY_S + 5)).status == "applied"
    row = await message_of(store, made.message)
    assert (row.status, row.read_evidence, row.evidence_s) == ("submitted", "mdn", MONDAY_S + 5)
    assert await events_of(store, made.message) == ["displayed"]


async def test_a_mail_that_was_deleted_unread_was_not_read(store: Store) -> None:
    made = await store.write(case)
    assert (await arrive(store, "mdn_outlook_deleted")).status == "applied"
    assert (await message_of(store, made.message)).read_evidence == "none"
    assert await events_of(store, made.message) == ["not_displayed"]


async def test_accepted_in_the_calendar_confirms(store: Store) -> None:
    made = await store.write(case)
    assert (await arrive(store, "itip_outlook_accepted")).status == "applied"
    assert (await message_of(store, made.message)).read_evidence == "rsvp"
    assert await events_of(store, made.message) == ["rsvp_accepted"]
    assert await appointment_status(store, made.appointment) == "confirmed"


async def test_tentative_is_an_answer_and_no_confirmation(store: Store) -> None:
    made = await store.write(case)
    assert (await arrive(store, "itip_apple_tentative")).status == "applied"
    assert (await message_of(store, made.message)).read_evidence == "mdn"
    assert await appointment_status(store, made.appointment) == "booked"
    assert await tasks_of(store, made.message) == []


async def test_declined_in_the_calendar_is_a_task_and_cancels_nothing(store: Store) -> None:
    made = await store.write(case)
    assert (await arrive(store, "itip_google_declined")).status == "applied"
    assert (await message_of(store, made.message)).read_evidence == "mdn"
    assert await tasks_of(store, made.message) == [("declined", "open")]
    assert await appointment_status(store, made.appointment) == "booked"


async def test_what_somebody_adds_to_his_calendar_answer_is_read(store: Store) -> None:
    made = await store.write(case)
    assert (await arrive(store, "itip_google_comment")).status == "new"
    assert await appointment_status(store, made.appointment) == "confirmed"
    (letter,) = await letters(store)
    assert letter.text == "Ik kom vijf minuten later, de trein rijdt niet."


@pytest.mark.parametrize(
    ("of", "role", "start_s"),
    [("rescheduled", "citizen", TUESDAY_S), ("booked", "family", TUESDAY_S), ("booked", "citizen", MONDAY_S - 60)],
    ids=["moved", "helper", "past"],
)
async def test_not_every_acceptance_confirms(store: Store, of: str, role: str, start_s: int) -> None:
    made = await store.write(case, of=of, start_s=start_s)
    await store.write(lambda tx: tx.execute(update(participant).values(role=role)))
    assert (await arrive(store, "itip_outlook_accepted")).status == "applied"
    assert (await message_of(store, made.message)).read_evidence == "rsvp"
    assert await appointment_status(store, made.appointment) == of


@pytest.mark.parametrize("name", ["auto_exchange_nl", "auto_gmail_fr", "auto_vacation_en", "auto_gmx_de"])
async def test_an_automatic_answer_proves_nothing(store: Store, name: str) -> None:
    made = await store.write(case)
    received = await arrive(store, name)
    row = await message_of(store, made.message)
    assert (received.kind, received.status) == ("auto_reply", "applied")
    assert (row.status, row.read_evidence) == ("submitted", "none")
    assert await events_of(store, made.message) == ["auto_reply"]


async def test_an_answer_waits_for_staff_and_proves_that_it_was_read(store: Store) -> None:
    made = await store.write(case)
    received = await arrive(store, "human_gmail_nl")
    assert (received.kind, received.status) == ("human", "new")
    assert (await message_of(store, made.message)).read_evidence == "mdn"
    (letter,) = await letters(store)
    assert (letter.appointment_id, letter.message_id, letter.matched_by) == (made.appointment, made.message, "token")
    assert letter.sender == RECIPIENT and letter.mail_id == "CAKx7Qn3v1@mail.gmail.com"
    types = await store.read(lambda tx: list(tx.scalars(select(outbox.c.type))))
    assert types == ["be.balie.message.replied"]


async def test_an_answer_from_another_address_proves_nothing_of_his_reading(store: Store) -> None:
    made = await store.write(case)
    await store.write(lambda tx: tx.execute(update(message).values(recipient="andere@voorbeeld.example")))
    assert (await arrive(store, "human_gmail_nl")).status == "new"
    assert (await message_of(store, made.message)).read_evidence == "none"


async def test_files_in_an_answer_are_named(store: Store) -> None:
    await store.write(case)
    await arrive(store, "human_attachment")
    (letter,) = await letters(store)
    assert letter.text.endswith("[Bijlagen die balie niet bewaart: attest ziekenfonds.pdf, foto één.jpg]")


async def test_who_does_not_know_the_envelope_changes_nothing(store: Store) -> None:
    made = await store.write(case)
    for name in all_names():
        received = await arrive(store, name, envid=FORGERY, uid=FORGERY)
        row = await message_of(store, made.message)
        assert (received.status, row.status, row.read_evidence) == ("new", "submitted", "none"), name
    assert await events_of(store, made.message) == []
    assert await tasks_of(store, made.message) == []
    assert not await store.read(is_suppressed, RECIPIENT)


@pytest.mark.parametrize("name", ["dsn_other_recipient", "mdn_outlook_displayed", "itip_outlook_accepted"])
async def test_a_notice_about_another_address_is_not_applied(store: Store, name: str) -> None:
    made = await store.write(case)
    received = await arrive(store, name, recipient="mallory@elders.example")
    row = await message_of(store, made.message)
    assert (received.status, row.status, row.read_evidence) == ("new", "submitted", "none")
    assert await events_of(store, made.message) == ["odd_notice"]
    assert await tasks_of(store, made.message) == []
    assert await appointment_status(store, made.appointment) == "booked"


async def test_a_notice_of_a_forwarded_mail_names_our_recipient_as_the_original(store: Store) -> None:
    made = await store.write(case)
    data = raw("dsn_postfix_failed").replace(b"Final-Recipient: rfc822; an@", b"Final-Recipient: rfc822; an.thuis@")
    await store.write(_receive, data)
    assert (await message_of(store, made.message)).status == "failed"


async def test_a_plus_in_the_recipient_may_come_back_in_xtext(store: Store) -> None:
    """RFC 3461 4."""
    made = await store.write(case)
    await store.write(lambda tx: tx.execute(update(message).values(recipient="an+balie@voorbeeld.example")))
    await arrive(store, "dsn_postfix_delivered", recipient="an+2Bbalie@voorbeeld.example")
    assert (await message_of(store, made.message)).status == "delivered"


def _receive(tx: Tx, data: bytes) -> None:
    receive(tx, MONDAY_S, CHANCE, parse(data))


async def test_read_twice_it_counts_once(store: Store) -> None:
    made = await store.write(case)
    first = await arrive(store, "dsn_postfix_failed")
    again = await arrive(store, "dsn_postfix_failed", MONDAY_S + 60)
    assert (first.again, again.again, again.id) == (False, True, first.id)
    assert await events_of(store, made.message) == ["failed"]
    assert len(await letters(store)) == 1


async def test_a_sign_of_arrival_settles_doubts(store: Store) -> None:
    made = await store.write(case, status="unresolved")

    def doubt(tx: Tx) -> None:
        row = tx.execute(select(message)).one()
        for reason in ("delivery_unknown", "no_evidence", "mailbox_full"):
            ask(tx, MONDAY_S, row, reason)

    await store.write(doubt)
    await arrive(store, "dsn_postfix_relayed")
    assert dict(await tasks_of(store, made.message))["delivery_unknown"] == "done"
    assert dict(await tasks_of(store, made.message))["no_evidence"] == "open"  # relayed is not arrived
    await arrive(store, "mdn_apple_displayed")
    assert await tasks_of(store, made.message) == [
        ("delivery_unknown", "done"),
        ("no_evidence", "done"),
        ("mailbox_full", "open"),
    ]


# -- people ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "level"),
    [(evidence.link_opened, "link_opened"), (evidence.confirmed, "confirmed"), (evidence.joined, "joined")],
)
async def test_what_a_person_does(store: Store, act: Callable[[Tx, int, int], bool], level: str) -> None:
    made = await store.write(case)
    assert await store.write(act, MONDAY_S + 9, made.citizen) is True
    row = await message_of(store, made.message)
    assert (row.read_evidence, row.evidence_s) == (level, MONDAY_S + 9)
    assert await store.write(act, MONDAY_S + 10, made.citizen) is False  # nothing new
    assert await events_of(store, made.message) == [level]


async def test_who_was_never_written_to_leaves_no_evidence(store: Store) -> None:
    made = await store.write(case, status="scheduled")
    assert await store.write(evidence.link_opened, MONDAY_S, made.citizen) is False
    assert (await message_of(store, made.message)).read_evidence == "none"


@pytest.mark.parametrize(
    ("said", "status", "tasks"),
    [("sent", "accepted", []), ("delivered", "delivered", []), ("failed", "failed", [("sms_failed", "open")])],
)
async def test_reports_of_text_messages(store: Store, said: str, status: str, tasks: list[tuple[str, str]]) -> None:
    made = await store.write(case)
    await store.write(lambda tx: tx.execute(update(message).values(channel="sms", recipient="+32470123456")))
    assert await store.write(evidence.sms_report, MONDAY_S, CHANCE, ENVID, said) is True
    assert (await message_of(store, made.message)).status == status
    assert await tasks_of(store, made.message) == tasks
    assert not await store.read(is_suppressed, "+32470123456")


async def test_a_report_of_no_text_message_of_ours_changes_nothing(store: Store) -> None:
    made = await store.write(case)
    assert await store.write(evidence.sms_report, MONDAY_S, CHANCE, ENVID, "delivered") is False  # it is a mail
    assert await store.write(evidence.sms_report, MONDAY_S, CHANCE, FORGERY, "delivered") is False
    assert (await message_of(store, made.message)).status == "submitted"


# -- whatever comes, in whatever order ------------------------------------------------------------------

RANKS = {"submitted": 0, "deferred": 1, "accepted": 2, "delivered": 4, "failed": 4}
NOTICES = [name for name in all_names() if name.startswith(("dsn_", "mdn_", "itip_", "human_", "auto_"))]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(NOTICES), min_size=1, max_size=8))
async def test_nothing_ever_falls(sqlite_store: Store, names: list[str]) -> None:
    numbers = await sqlite_store.read(lambda tx: len(list(tx.scalars(select(message.c.id)))))
    envid = f"{numbers:032x}"

    def fresh(tx: Tx) -> int:
        if numbers == 0:
            case(tx)
        of = tx.execute(select(message)).first()
        assert of is not None
        return add_message(tx, of.appointment_id, of.participant_id, kind="reply", variant=str(numbers), envid=envid)

    made = await sqlite_store.write(fresh)
    ranks, levels = [0], [0]
    for name in names:
        await arrive(sqlite_store, name, envid=envid)
        row = await message_of(sqlite_store, made)
        ranks.append(RANKS[row.status])
        levels.append(READ_EVIDENCE.index(row.read_evidence))
    assert all(low <= high for low, high in itertools.pairwise(ranks)), (names, ranks)
    assert all(low <= high for low, high in itertools.pairwise(levels)), (names, levels)


def test_every_state_that_may_climb_is_one() -> None:
    assert {state for states in evidence.CLIMBS.values() for state in states} | evidence.CLIMBS.keys() <= set(
        MESSAGE_STATES
    )
