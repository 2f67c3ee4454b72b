"""Next steps, the wrap-up, and the letter that tells the citizen what was agreed."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from balie.booking.errors import NotFound, NotNow, Unfit
from balie.store.engine import Store
from balie.store.schema import appointment
from balie.visit import steps, wrap_up
from balie.visit.steps import NextStep
from tests.support.arranged import LINK_KEY, Somebody
from tests.support.mailserver import mail_server
from tests.support.post_office import drain, messages, worker
from tests.support.visits import AN, CHANCE, END_S, START_S, visit

BART = "staff:1"


async def test_steps_have_an_owner_and_perhaps_a_day(store: Store) -> None:
    made = await visit(store)
    pay = await store.write(steps.add, START_S, made.id, BART, " Factuur\nbetalen ", "citizen", "2026-12-15")
    keys = await store.write(steps.add, START_S, made.id, BART, "Sleutel klaarleggen")
    assert await store.read(steps.of_appointment, made.id) == [
        NextStep(pay, "Factuur betalen", "citizen", "2026-12-15", None),
        NextStep(keys, "Sleutel klaarleggen", "office", "", None),
    ]
    await store.write(steps.change, START_S, made.id, keys, BART, "Sleutel bezorgen", "other", "2026-12-08")
    await store.write(steps.mark, START_S + 9, made.id, pay, BART, done=True)
    assert await store.read(steps.of_appointment, made.id) == [
        NextStep(pay, "Factuur betalen", "citizen", "2026-12-15", START_S + 9),
        NextStep(keys, "Sleutel bezorgen", "other", "2026-12-08", None),
    ]
    await store.write(steps.remove, START_S, made.id, pay, BART)
    with pytest.raises(NotFound):
        await store.write(steps.remove, START_S, made.id, pay, BART)
    with pytest.raises(NotFound):
        await store.write(steps.mark, START_S, made.id + 1, keys, BART, done=True)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (("  ", "office", ""), "text"),
        (("x" * 501, "office", ""), "text"),
        (("Bellen", "mayor", ""), "owner"),
        (("Bellen", "office", "morgen"), "due_day"),
        (("Bellen", "office", "2026-12-06"), "due_day"),
        (("Bellen", "office", "2030-01-01"), "due_day"),
    ],
)
async def test_what_cannot_be_agreed_is_said_by_field(
    sqlite_store: Store, values: tuple[str, str, str], field: str
) -> None:
    made = await visit(sqlite_store)
    with pytest.raises(Unfit) as caught:
        await sqlite_store.write(steps.add, START_S, made.id, BART, *values)
    assert caught.value.field == field


async def test_twenty_steps_are_enough(sqlite_store: Store) -> None:
    made = await visit(sqlite_store)
    for number in range(steps.STEPS_MAX):
        await sqlite_store.write(steps.add, START_S, made.id, BART, f"Stap {number}")
    with pytest.raises(Unfit):
        await sqlite_store.write(steps.add, START_S, made.id, BART, "Nog een")


async def test_what_was_agreed_is_mailed_a_few_minutes_after_the_end(store: Store) -> None:
    made = await visit(store, (Somebody(),))
    await store.write(steps.add, START_S, made.id, BART, "De factuur betalen", "citizen", "2026-12-15")
    token = await made.goodbye()
    await made.talk()
    async with mail_server() as server:
        await drain(worker(store, server.port), END_S + 299)
        assert server.received == []
        await drain(worker(store, server.port), END_S + 300)
    (mail,) = server.received
    text = mail.mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail.mail["Subject"] == "Na uw gesprek op maandag 7 december 2026 om 10.00 uur"
    assert "De factuur betalen (voor dinsdag 15 december 2026)" in text and f"/b/{token}" in text
    assert "Geef uw mening" in text, "his tab closed before he was asked"
    (told, asked) = await store.read(messages)
    assert (told.kind, told.status, asked.kind, asked.status) == ("goodbye", "submitted", "survey", "cancelled")
    assert token not in told.body


async def test_steps_of_after_the_letter_are_told_when_the_visit_is_wrapped_up(store: Store) -> None:
    made = await visit(store, (Somebody(),))
    await made.goodbye()
    await made.talk()
    bart = made.office.bart
    async with mail_server() as server:
        await drain(worker(store, server.port), END_S + 300)
        await store.write(steps.add, END_S + 400, made.id, BART, "Sleutel klaarleggen")
        await store.write(wrap_up.finish, END_S + 500, CHANCE, LINK_KEY, made.id, bart, "continues")
        await drain(worker(store, server.port), END_S + 500)
        await store.write(wrap_up.finish, END_S + 600, CHANCE, LINK_KEY, made.id, bart, "done")
        await drain(worker(store, server.port), END_S + 600)
    subjects = [each.mail["Subject"][:12] for each in server.received]
    assert subjects == ["Hoe was uw g", "Na uw gespre"], "asked once, told once"
    assert "Geef uw mening" not in server.received[1].content.decode()


async def test_a_visit_of_which_all_is_done_takes_one_click(store: Store) -> None:
    made = await visit(store)
    assert await store.read(wrap_up.open_of, [made.office.service], START_S) == []
    await store.write(wrap_up.take_note, START_S, made.id, made.office.bart, "Wil liefst ’s avonds.")
    await made.talk()
    assert await store.read(wrap_up.open_of, [made.office.service], END_S) == [made.id]
    assert await store.read(wrap_up.open_of, [made.office.service + 1], END_S) == []
    assert await store.read(wrap_up.open_of, [made.office.service], END_S, staff_id=made.office.els) == []
    before = await store.read(wrap_up.of_appointment, made.id)
    assert (before.ready, before.proposed, before.note) == (True, "done", "Wil liefst ’s avonds.")
    await store.write(wrap_up.finish, END_S, CHANCE, LINK_KEY, made.id, made.office.bart, before.proposed)
    after = await store.read(wrap_up.of_appointment, made.id)
    assert (after.outcome, after.note, after.done_s, after.ready) == ("done", before.note, END_S, False)
    assert await store.read(wrap_up.open_of, [made.office.service], END_S) == []
    await store.write(wrap_up.reopen, END_S, made.id, made.office.bart)
    assert await store.read(wrap_up.open_of, [made.office.service], END_S) == [made.id]


async def test_work_of_ours_that_is_left_means_that_it_goes_on(store: Store) -> None:
    made = await visit(store)
    await made.talk()
    key = await store.write(steps.add, END_S, made.id, BART, "Sleutel klaarleggen")
    assert (await store.read(wrap_up.of_appointment, made.id)).proposed == "continues"
    await store.write(steps.mark, END_S, made.id, key, BART, done=True)
    assert (await store.read(wrap_up.of_appointment, made.id)).proposed == "done"


async def test_while_a_call_goes_on_there_is_nothing_to_wrap_up(store: Store) -> None:
    made = await visit(store)
    with pytest.raises(NotNow):
        await store.write(wrap_up.finish, START_S - 3600, CHANCE, LINK_KEY, made.id, made.office.bart, "done")
    await made.see(AN, "waiting", START_S)
    with pytest.raises(NotNow):
        await store.write(wrap_up.finish, START_S, CHANCE, LINK_KEY, made.id, made.office.bart, "not_held")
    await made.see(AN, "left", START_S + 60, "left")
    with pytest.raises(Unfit, match="only a person"):
        await store.write(wrap_up.finish, START_S + 60, CHANCE, LINK_KEY, made.id, made.office.bart, "done")
    with pytest.raises(Unfit):
        await store.write(wrap_up.finish, START_S, CHANCE, LINK_KEY, made.id, made.office.bart, "perhaps")
    with pytest.raises(NotFound):
        await store.read(wrap_up.of_appointment, made.id + 1)


async def test_only_a_person_can_say_who_was_there_when_nobody_knows(store: Store) -> None:
    made = await visit(store, status="completed", attendance="unclear", ended_s=END_S)
    assert not (await store.read(wrap_up.of_appointment, made.id)).ready
    with pytest.raises(Unfit, match="only a person"):
        await store.write(wrap_up.finish, END_S, CHANCE, LINK_KEY, made.id, made.office.bart, "done")
    finish = wrap_up.finish
    await store.write(finish, END_S, CHANCE, LINK_KEY, made.id, made.office.bart, "done", attendance="seen")
    assert (await made.row()).attendance == "seen"


@pytest.mark.parametrize(("outcome", "status"), [("done", "completed"), ("not_held", "no_show_citizen")])
async def test_a_conversation_by_telephone_is_over_when_staff_says_so(store: Store, outcome: str, status: str) -> None:
    made = await visit(store, modality="phone")
    assert await store.read(wrap_up.open_of, [made.office.service], END_S) == [made.id]
    await store.write(wrap_up.finish, END_S, CHANCE, LINK_KEY, made.id, made.office.bart, outcome)
    assert (await made.row()).status == status


async def test_a_follow_up_means_that_it_goes_on(sqlite_store: Store) -> None:
    made = await visit(sqlite_store)
    await made.talk()
    row = await made.row()
    values = {**row._mapping, "id": made.id + 1, "uid": "other", "ref": "OTHER", "room": "other", "status": "booked"}
    await sqlite_store.write(lambda tx: tx.execute(insert(appointment).values(**values)))
    follows = update(appointment).where(appointment.c.id == made.id + 1).values(follow_up_of=made.id)
    await sqlite_store.write(lambda tx: tx.execute(follows))
    assert (await sqlite_store.read(wrap_up.of_appointment, made.id)).proposed == "continues"
