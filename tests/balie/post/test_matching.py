"""Which message a mail is about, by the strongest proof that it brings, and that nothing less will do."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from balie.post.incoming import parse
from balie.post.matching import latest_sent, match
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, message
from tests.support.mails import (
    ENVID,
    TUESDAY_S,
    add_appointment,
    add_message,
    add_person,
    case,
    names,
    raw,
)
from tests.support.office import MONDAY_S

OTHER = "f" * 32


def by(tx: Tx, data: bytes, *envelope_to: str) -> tuple[str, int] | None:
    found = match(tx, parse(data), envelope_to)
    return (found.by, found.message.id) if found is not None else None


def without_token(data: bytes) -> bytes:
    return data.replace(f"balie+{ENVID}@".encode(), b"balie@")


async def test_an_address_with_our_token_is_the_strongest(store: Store) -> None:
    made = await store.write(case)
    with_token = [name for name in names() if name not in ("human_unmatched", "forged_failed")]
    for name in with_token:
        assert await store.read(by, raw(name)) == ("token", made.message), name


async def test_the_envelope_goes_before_the_head(store: Store) -> None:
    made = await store.write(case)
    second = await store.write(add_message, made.appointment, made.citizen, envid=OTHER, kind="reminder")
    assert await store.read(by, raw("human_gmail_nl"), f"Balie+{OTHER.upper()}@BALIE.example") == ("token", second)


@pytest.mark.parametrize(
    ("name", "proof"),
    [
        ("dsn_postfix_failed", "envid"),
        ("dsn_exchange_failed", "message_id"),
        ("dsn_gmail_failed", "message_id"),
        ("mdn_apple_displayed", "message_id"),
        ("human_gmail_nl", "message_id"),
        ("itip_outlook_accepted", "message_id"),
        ("itip_google_declined", "uid"),
        ("itip_apple_tentative", "uid"),
    ],
)
async def test_what_else_proves_it(store: Store, name: str, proof: str) -> None:
    made = await store.write(case)
    assert await store.read(by, without_token(raw(name))) == (proof, made.message)


@pytest.mark.parametrize(
    "data",
    [
        raw("human_unmatched"),
        raw("forged_failed"),
        raw("dsn_postfix_failed", envid=OTHER),
        raw("human_gmail_nl", envid=OTHER),
        raw("human_gmail_nl", envid=ENVID[:31]),
        raw("human_gmail_nl", envid=ENVID + "0"),
        raw("itip_google_declined", envid=OTHER, uid="ffff"),
        raw("itip_google_declined", envid=OTHER, recipient="mallory@elders.example"),
        b"",
    ],
    ids=["stranger", "forged", "dsn", "human", "short", "long", "uid", "attendee", "nothing"],
)
async def test_without_proof_there_is_no_match(sqlite_store: Store, data: bytes) -> None:
    await sqlite_store.write(case)
    assert await sqlite_store.read(by, data) is None


async def test_an_answer_to_an_old_invitation_is_about_the_old_time(store: Store) -> None:
    def moved(tx: Tx) -> tuple[int, int]:
        old = case(tx, of="rescheduled")
        new = add_appointment(tx, old.office, sequence=1, supersedes=old.appointment, start_s=TUESDAY_S + 86_400)
        person = add_person(tx, new)
        return old.message, add_message(tx, new, person, kind="moved", envid=OTHER)

    old, new = await store.write(moved)
    data = raw("itip_google_declined", envid="0" * 31)
    assert await store.read(by, data) == ("uid", old)
    assert await store.read(by, data.replace(b"SEQUENCE:0", b"SEQUENCE:1")) == ("uid", new)
    assert await store.read(by, data.replace(b"SEQUENCE:0", b"SEQUENCE:2")) is None


async def test_a_change_that_is_no_move_counts_on_in_the_same_row(store: Store) -> None:
    made = await store.write(case)
    await store.write(lambda tx: tx.execute(update(appointment).values(sequence=3)))
    assert await store.read(by, raw("itip_google_declined", envid="0" * 31)) == ("uid", made.message)


async def test_the_latest_message_is_one_that_may_have_reached_him(store: Store) -> None:
    def more(tx: Tx) -> tuple[int, int]:
        made = case(tx)
        at = made.appointment, made.citizen
        last = add_message(tx, *at, kind="reminder", variant="2880", envid="a" * 32, submitted_s=MONDAY_S + 60)
        add_message(tx, *at, kind="reminder", variant="120", envid="b" * 32, status="scheduled", due_s=TUESDAY_S)
        add_message(tx, *at, kind="reminder", variant="60", envid="c" * 32, status="failed", submitted_s=MONDAY_S + 90)
        waits = add_message(tx, *at, kind="changed", envid="d" * 32, status="deferred", due_s=TUESDAY_S)
        tx.execute(update(message).where(message.c.id == waits).values(submitted_s=None))
        return made.citizen, last

    citizen, last = await store.write(more)
    found = await store.read(latest_sent, citizen)
    assert found is not None and found.id == last
