"""Letters of people: who takes one, what is answered and to whom, and that two do not do the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from balie.post import inbox
from balie.record import tasks
from balie.store.engine import Store, Tx
from balie.store.schema import audit, message, participant, staff
from tests.support.mails import (
    CHANCE,
    RECIPIENT,
    Case,
    add_message,
    add_person,
    arrive,
    case,
    message_of,
)
from tests.support.office import MONDAY_S

NOW_S = MONDAY_S + 3600


async def delivered(store: Store, name: str = "human_gmail_nl") -> tuple[Case, int, str]:
    """A letter; the last is how Els signs."""
    made = await store.write(case)
    received = await arrive(store, name)
    return made, received.id, f"staff:{made.office.els}"


async def test_letters_stand_newest_first_and_by_service(store: Store) -> None:
    made, first, _ = await delivered(store)
    second = await arrive(store, "human_unmatched", MONDAY_S + 60)
    listed = await store.read(inbox.listed, [made.office.service])
    assert [letter.id for letter in listed] == [second.id, first]
    assert [letter.ref for letter in listed] == ["", "ABC234"]
    assert listed[1].text.startswith("Goeiemorgen")
    of_others = await store.read(inbox.listed, [])
    assert [letter.id for letter in of_others] == [second.id]  # nobody's yet: everybody sees it
    assert await store.read(inbox.look, [first, 99]) == {first: listed[1]}


async def waiting(made: Case, store: Store) -> list[tuple[str, int, str, str]]:
    """Letters that are a task: with their reason, and the appointment that they are about."""
    found = await store.read(tasks.listed, [made.office.service])
    return [(each.kind, each.object_id, each.reason, each.ref) for each in found]


async def test_a_letter_is_a_task_until_it_is_answered_or_closed(store: Store) -> None:
    made, first, actor = await delivered(store)
    second = (await arrive(store, "human_unmatched", MONDAY_S + 60)).id
    assert set(await waiting(made, store)) == {("reply", first, "human", "ABC234"), ("reply", second, "human", "")}
    await store.write(inbox.answer, NOW_S, CHANCE, first, "Ja.", actor)
    await store.write(inbox.link, NOW_S, second, "ABC234", actor)
    assert await waiting(made, store) == [("reply", second, "human", "ABC234")]
    await store.write(inbox.close, NOW_S + 1, second, actor)
    ended = await store.read(tasks.listed, [made.office.service], ended=True)
    assert [(each.object_id, each.state, each.how, each.staff_name) for each in ended] == [
        (second, "skipped", "closed", "Els Maes"),
        (first, "done", "answered", "Els Maes"),
    ]


async def test_what_counted_by_itself_does_not_wait(store: Store) -> None:
    made, _, _ = await delivered(store, "dsn_postfix_delivered")
    assert await waiting(made, store) == []
    assert [letter.kind for letter in await store.read(inbox.of_appointment, made.appointment)] == ["dsn"]


async def test_somebody_takes_a_letter(store: Store) -> None:
    made, letter_id, actor = await delivered(store)
    await store.write(inbox.assign, NOW_S, letter_id, made.office.els, actor)
    letter = await store.read(inbox.get, letter_id)
    assert (letter.status, letter.staff_name) == ("assigned", "Els Maes")
    await store.write(inbox.assign, NOW_S, letter_id, made.office.bart, actor)
    assert (await store.read(inbox.get, letter_id)).staff_name == "Bart Claes"


async def test_only_to_somebody_who_works_here(store: Store) -> None:
    made, letter_id, actor = await delivered(store)
    await store.write(lambda tx: tx.execute(update(staff).where(staff.c.id == made.office.bart).values(active=False)))
    for who in (made.office.bart, 99):
        with pytest.raises(inbox.InboxError, match="unknown_staff"):
            await store.write(inbox.assign, NOW_S, letter_id, who, actor)


async def test_an_answer_goes_out_as_a_message(store: Store) -> None:
    made, letter_id, actor = await delivered(store)
    sent = await message_of(store, await store.write(inbox.answer, NOW_S, CHANCE, letter_id, " Ja, dat mag. ", actor))
    assert (sent.kind, sent.channel, sent.recipient, sent.participant_id) == ("reply", "mail", RECIPIENT, made.citizen)
    assert sent.data["text"] == "Ja, dat mag."
    assert sent.data["in_reply_to"] == "<CAKx7Qn3v1@mail.gmail.com>"
    letter = await store.read(inbox.get, letter_id)
    assert letter.status == "answered"
    rows = await store.read(lambda tx: tx.execute(select(audit.c.actor, audit.c.action, audit.c.object)).all())
    assert [tuple(row) for row in rows] == [(actor, "letter.answered", "appointment/ABC234")]


async def test_an_answer_never_goes_to_what_a_stranger_wrote_in_from(store: Store) -> None:
    """Who has a mail that was passed on to him gets no answer with facts of the appointment: the citizen does."""
    made, letter_id, actor = await delivered(store)
    await store.write(lambda tx: tx.execute(update(participant).values(mail="echt@voorbeeld.example")))
    letter = await store.read(inbox.get, letter_id)
    assert (letter.sender, letter.to_mail, letter.to_name) == (RECIPIENT, "echt@voorbeeld.example", "An Peeters")
    sent = await message_of(store, await store.write(inbox.answer, NOW_S, CHANCE, letter_id, "Ja.", actor))
    assert (sent.recipient, sent.participant_id) == ("echt@voorbeeld.example", made.citizen)


async def test_who_came_along_and_wrote_gets_the_answer(store: Store) -> None:
    made = await store.write(case)

    def helper(tx: Tx) -> int:
        person = add_person(tx, made.appointment, person="jef", role="family", name="Jef", mail="jef@voorbeeld.example")
        add_message(
            tx, made.appointment, person, kind="helper_added", envid="c" * 32, recipient="jef@voorbeeld.example"
        )
        return person

    jef = await store.write(helper)
    by_message = await arrive(store, "human_gmail_nl", envid="c" * 32, recipient="elders@voorbeeld.example")
    assert (await store.read(inbox.get, by_message.id)).to_id == jef
    by_sender = await arrive(store, "human_outlook_fr", recipient="JEF@voorbeeld.example")
    assert (await store.read(inbox.get, by_sender.id)).to_id == jef


async def test_a_letter_that_nobody_could_match_is_linked_by_reference(store: Store) -> None:
    made, letter_id, actor = await delivered(store, "human_unmatched")
    with pytest.raises(inbox.InboxError, match="not_linked"):
        await store.write(inbox.answer, NOW_S, CHANCE, letter_id, "Ja.", actor)
    with pytest.raises(inbox.InboxError, match="unknown_appointment"):
        await store.write(inbox.link, NOW_S, letter_id, "XYZ999", actor)
    await store.write(inbox.link, NOW_S, letter_id, " abc234", actor)
    letter = await store.read(inbox.get, letter_id)
    assert (letter.appointment_id, letter.matched_by, letter.to_mail) == (made.appointment, "staff", RECIPIENT)
    await store.write(inbox.answer, NOW_S, CHANCE, letter_id, "Ja.", actor)


async def test_without_a_mail_address_there_is_no_answer(sqlite_store: Store) -> None:
    _, letter_id, actor = await delivered(sqlite_store)
    await sqlite_store.write(lambda tx: tx.execute(update(participant).values(mail="")))
    with pytest.raises(inbox.InboxError, match="no_mail"):
        await sqlite_store.write(inbox.answer, NOW_S, CHANCE, letter_id, "Ja.", actor)


@pytest.mark.parametrize(("text", "code"), [(" \n", "text_missing"), ("x" * 8001, "text_long")])
async def test_an_answer_has_a_length(sqlite_store: Store, text: str, code: str) -> None:
    _, letter_id, actor = await delivered(sqlite_store)
    with pytest.raises(inbox.InboxError, match=code):
        await sqlite_store.write(inbox.answer, NOW_S, CHANCE, letter_id, text, actor)
    assert (await sqlite_store.read(inbox.get, letter_id)).status == "new"


ACTIONS: dict[str, Callable[[Tx, int, str], object]] = {
    "assign": lambda tx, letter_id, actor: inbox.assign(tx, NOW_S, letter_id, 1, actor),
    "link": lambda tx, letter_id, actor: inbox.link(tx, NOW_S, letter_id, "ABC234", actor),
    "answer": lambda tx, letter_id, actor: inbox.answer(tx, NOW_S, CHANCE, letter_id, "Ja.", actor),
    "close": lambda tx, letter_id, actor: inbox.close(tx, NOW_S, letter_id, actor),
}


@pytest.mark.parametrize("action", ACTIONS)
async def test_the_second_of_two_hears_that_it_is_settled(sqlite_store: Store, action: str) -> None:
    _, letter_id, actor = await delivered(sqlite_store)
    await sqlite_store.write(inbox.close, NOW_S, letter_id, actor)
    with pytest.raises(inbox.InboxError, match="settled"):
        await sqlite_store.write(ACTIONS[action], letter_id, actor)
    with pytest.raises(inbox.InboxError, match="unknown_letter"):
        await sqlite_store.write(ACTIONS[action], letter_id + 1, actor)
    replies = await sqlite_store.read(
        lambda tx: list(tx.scalars(select(message.c.id).where(message.c.kind == "reply")))
    )
    assert replies == []
