"""What people think of their visit: asked once, never again, and nothing leads back to them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from balie.booking import parting
from balie.booking.errors import Unfit
from balie.hooks.cloudevents import Source, event
from balie.record.events import MESSAGE
from balie.store.engine import Store, Tx
from balie.store.schema import outbox, survey_invitation, survey_response
from balie.visit import survey
from tests.support.arranged import LINK_KEY, Somebody
from tests.support.mailserver import mail_server
from tests.support.post_office import drain, events_of, messages, worker
from tests.support.visits import AN, BART, CHANCE, END_S, LIES, START_S, visit

ANSWERS = {"satisfied": "5", "better": "Niets.", "easy": "9", "mayor": "1", "solved": "yes"}


def responses(tx: Tx) -> list[dict[str, object]]:
    return [dict(row._mapping) for row in tx.execute(select(survey_response))]


def states(tx: Tx) -> list[str]:
    return list(tx.scalars(select(survey_invitation.c.state).order_by(survey_invitation.c.id)))


async def test_an_answer_says_nothing_of_who_gave_it(store: Store) -> None:
    made = await visit(store)
    token = await made.goodbye()
    await made.talk()
    assert await store.write(survey.answer, END_S, CHANCE, token, ANSWERS, "phone", "nl")
    (row,) = await store.read(responses)
    assert len(str(row.pop("key"))) == 32
    assert row == {
        "product_id": made.office.badminton,
        "month": "2026-12",
        "device": "phone",
        "locale": "nl",
        "questionnaire": "default/1",
        "answers": {"satisfied": "5", "better": "Niets.", "solved": "yes"},
    }
    assert not await store.write(survey.answer, END_S, CHANCE, token, ANSWERS, "phone", "nl"), "once"
    assert len(await store.read(responses)) == 1 and await store.read(states) == ["submitted"]


async def test_two_clicks_at_once_count_once(store: Store) -> None:
    made = await visit(store)
    token = await made.goodbye()
    both = [store.write(survey.answer, END_S, CHANCE, token, ANSWERS, "phone", "nl") for _ in range(2)]
    assert sorted(await asyncio.gather(*both)) == [False, True]
    assert len(await store.read(responses)) == 1


async def test_every_question_may_be_left_open(store: Store) -> None:
    made = await visit(store)
    assert await store.write(survey.answer, END_S, CHANCE, await made.goodbye(), {}, "toaster", "nl")
    assert await store.read(responses) == [] and await store.read(states) == ["submitted"]


def test_the_four_themes_are_asked() -> None:
    assert {each.theme for each in survey.QUESTIONS} == {"use", "satisfaction", "low_threshold", "improvement"}


async def test_words_that_are_too_long_are_refused_and_nothing_is_lost(store: Store) -> None:
    made = await visit(store)
    token = await made.goodbye()
    with pytest.raises(Unfit) as caught:
        await store.write(survey.answer, END_S, CHANCE, token, {"better": "x" * 1001}, "phone", "nl")
    assert caught.value.field == "better" and await store.read(states) == ["offered"]


async def test_who_would_rather_not_is_never_asked_again(store: Store) -> None:
    made = await visit(store, (Somebody(),))
    token = await made.goodbye()
    await made.talk()
    assert await store.write(survey.decline, END_S, CHANCE, token) is not None
    assert not await store.write(survey.answer, END_S, CHANCE, token, ANSWERS, "phone", "nl")
    async with mail_server() as server:
        await drain(worker(store, server.port), END_S + 3600)
    assert server.received == []
    assert [each.status for each in await store.read(messages)] == ["cancelled", "cancelled"]


async def test_who_saw_the_question_is_not_mailed_it(store: Store) -> None:
    made = await visit(store, (Somebody(),))
    token = await made.goodbye()
    await made.talk()
    assert await store.write(survey.shown, END_S, token) is not None
    async with mail_server() as server:
        await drain(worker(store, server.port), END_S + 3600)
    assert server.received == []


async def test_whose_tab_closed_before_gets_one_mail(store: Store) -> None:
    made = await visit(store)
    token, hers = await made.goodbye(AN), await made.goodbye(LIES)
    await made.talk()
    async with mail_server() as server:
        for later_s in (300, 3600, 86_400):
            await drain(worker(store, server.port), END_S + later_s)
    assert [each.recipient for each in server.received] == ["an@burger.example", "lies@burger.example"]
    texts = [each.mail.get_body(("plain",)).get_content() for each in server.received]  # type: ignore[union-attr]
    assert f"/b/{token}" in texts[0] and f"/b/{hers}" in texts[1]
    assert await store.read(states) == ["mailed", "mailed"]
    assert await store.write(survey.answer, END_S + 7200, CHANCE, token, ANSWERS, "phone", "nl")


async def test_another_system_that_sends_our_mail_gets_the_link_of_the_goodbye(store: Store) -> None:
    made = await visit(store, (Somebody(),))
    token = await made.goodbye()
    await made.talk()
    await drain(worker(store, None), END_S + 300)
    (kept,) = await store.read(events_of, "due")
    assert token not in str(kept), "whoever has the database only reads nothing"

    def told(tx: Tx) -> dict[str, Any]:
        row = tx.execute(select(outbox).where(outbox.c.type == MESSAGE + "due")).one()
        placed: Any = SimpleNamespace(**{**row._mapping, "place": 1})
        return cast(dict[str, Any], event(tx, placed, Source("https://balie.example.be", LINK_KEY), contact=True))

    personal = (await store.read(told))["data"]["personal"]
    assert f"/b/{token}" in personal["text"] and f"/b/{token}" in personal["html"] and "goodbye_of" not in personal


async def test_who_was_never_there_is_not_asked(store: Store) -> None:
    made = await visit(store)
    await made.goodbye(AN)
    await made.talk()
    async with mail_server() as server:
        await drain(worker(store, server.port), END_S + 3600)
    assert [each.recipient for each in server.received] == ["an@burger.example"]


async def test_who_says_that_he_is_done_ends_the_conversation_that_he_had(store: Store) -> None:
    made = await visit(store)
    token = await made.goodbye()
    await made.see(BART, "entered", START_S)
    await made.see(AN, "entered", START_S)
    await store.write(survey.decline, START_S + 60, CHANCE, token)
    assert (await made.row()).status == "in_call", "his page is still there"
    await made.see(AN, "left", START_S + 90, "lost")
    row = await made.row()
    assert (row.status, row.ended_s) == ("completed", START_S + 90)


async def test_who_declines_after_he_left_ends_it_at_once(store: Store) -> None:
    made = await visit(store)
    token = await made.goodbye()
    await made.see(BART, "entered", START_S)
    await made.see(AN, "entered", START_S)
    await made.see(AN, "left", START_S + 90, "left")
    assert (await made.row()).status == "in_call", "he may come back"
    await store.write(survey.decline, START_S + 100, CHANCE, token)
    assert (await made.row()).status == "completed", "Bart is still in the room, and there is nobody to wait for"


async def test_who_came_back_after_he_declined_may_load_his_page_anew(store: Store) -> None:
    made = await visit(store)
    token, _hers = await made.goodbye(AN), await made.goodbye(LIES)
    for who in (BART, AN, LIES):
        await made.see(who, "entered", START_S)
    await made.see(AN, "left", START_S + 60, "left")
    await store.write(survey.decline, START_S + 70, CHANCE, token)
    await made.see(AN, "entered", START_S + 80)
    await made.see(LIES, "left", START_S + 90, "left")
    await made.see(AN, "left", START_S + 100, "left")
    assert (await made.row()).status == "in_call"


async def test_a_daughter_who_goes_on_keeps_the_conversation(store: Store) -> None:
    made = await visit(store)
    token = await made.goodbye()
    for who in (BART, AN, LIES):
        await made.see(who, "entered", START_S)
    await made.see(AN, "left", START_S + 90, "left")
    await store.write(survey.start, START_S + 100, CHANCE, token)
    assert (await made.row()).status == "in_call" and await store.read(states) == ["started"]


async def test_the_link_lives_two_weeks_and_leaves_nothing(store: Store) -> None:
    made = await visit(store)
    token = await made.goodbye()
    assert await made.goodbye() == token
    over_s = END_S + parting.AFTER_S
    found = await store.read(parting.find, token, over_s - 1)
    assert found is not None and found.participant_id == made.people[AN]
    assert await store.read(parting.find, token, over_s) is None
    for strange in ("", "x" * 65, "\ud800", "unknown"):
        assert await store.read(parting.find, strange, END_S) is None
        assert await store.write(survey.shown, END_S, strange) is None
        assert await store.write(survey.decline, END_S, CHANCE, strange) is None
    assert await store.write(parting.forget_over, over_s) == 1
    assert await store.read(parting.current, LINK_KEY, made.people[AN]) is None
