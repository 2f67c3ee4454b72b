"""What is to be talked about, by whom it was asked, and what was."""

from __future__ import annotations

import pytest

from balie.booking.errors import NotFound, NotNow, Unfit
from balie.samen import agenda
from balie.store.schema import appointment
from tests.balie.samen.conftest import BART, NOW_S, Visit
from tests.support import together


async def test_questions_of_both_and_marks_of_staff(visit: Visit) -> None:
    mine = await visit.store.write(agenda.ask, NOW_S, visit.id, "citizen", " Mag mijn\nzoon mee? ")
    his = await visit.store.write(agenda.ask, NOW_S, visit.id, BART, "Kent u de huisregels?")
    found = await visit.panel("citizen")
    assert [(each.id, each.text, each.by) for each in found.questions] == [
        (mine, "Mag mijn zoon mee?", "citizen"),
        (his, "Kent u de huisregels?", BART),
    ]
    await visit.store.write(agenda.mark_question, NOW_S + 9, visit.id, mine, BART, done=True)
    await visit.store.write(agenda.mark_product, NOW_S + 9, visit.id, visit.office.badminton, BART, done=True)
    found = await visit.panel("third")
    assert [each.done_s for each in found.questions] == [NOW_S + 9, None]
    assert found.items[0].done_s == NOW_S + 9
    await visit.store.write(agenda.mark_product, NOW_S + 9, visit.id, visit.office.badminton, BART, done=False)
    await visit.store.write(agenda.drop, NOW_S + 9, visit.id, mine, BART)
    found = await visit.panel()
    assert found.items[0].done_s is None and [each.id for each in found.questions] == [his]


@pytest.mark.parametrize("text", ["", " \n ", "x" * 501, "a\x00b"])
async def test_a_question_says_something(visit: Visit, text: str) -> None:
    with pytest.raises(Unfit):
        await visit.store.write(agenda.ask, NOW_S, visit.id, "citizen", text)


async def test_an_agenda_has_an_end(visit: Visit) -> None:
    for number in range(agenda.QUESTIONS_MAX):
        await visit.store.write(agenda.ask, NOW_S, visit.id, "citizen", f"Vraag {number}")
    with pytest.raises(Unfit, match="enough"):
        await visit.store.write(agenda.ask, NOW_S, visit.id, "citizen", "Nog een")


async def test_nothing_of_others_and_nothing_afterwards(visit: Visit) -> None:
    key = await visit.store.write(agenda.ask, NOW_S, visit.id, "citizen", "Een vraag")
    with pytest.raises(NotFound):
        await visit.store.write(agenda.mark_question, NOW_S, visit.id, key + 1, BART, done=True)
    with pytest.raises(NotFound):
        await visit.store.write(agenda.mark_product, NOW_S, visit.id, visit.office.permit, BART, done=True)
    with pytest.raises(NotFound):
        await visit.store.write(agenda.ask, NOW_S, visit.id + 1, "citizen", "Een vraag")
    await visit.store.write(together.change, appointment, visit.id, status="completed")
    with pytest.raises(NotNow):
        await visit.store.write(agenda.drop, NOW_S, visit.id, key, BART)
