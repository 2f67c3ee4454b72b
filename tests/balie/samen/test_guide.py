"""Steps that staff opens and the citizen does: how they stand follows from what he did."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from balie.booking.errors import NotFound, NotNow, Unfit
from balie.samen import guide
from balie.store.schema import appointment, audit, guide_step, identification, payment, reservation
from tests.balie.samen.conftest import BART, NOW_S, Visit
from tests.support import together

DAY = "2026-12-10"


async def test_a_step_waits_until_the_citizen_does_it(visit: Visit) -> None:
    key = await visit.open("reserve", "Neem gerust uw tijd.")
    step = await visit.step(key)
    assert (step.state, step.product_id, step.text) == ("open", visit.office.badminton, "Neem gerust uw tijd.")
    await visit.put(together.reserved, visit.office.badminton, "selected")
    assert (await visit.step(key)).state == "doing"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("selected", "doing"),
        ("held", "done"),
        ("confirmed", "done"),
        ("released", "open"),
        ("expired", "failed"),
        ("conflict", "failed"),
    ],
)
async def test_a_reservation_answers_it(visit: Visit, state: str, expected: str) -> None:
    key = await visit.open("reserve")
    await visit.put(together.reserved, visit.office.badminton, state)
    assert (await visit.step(key)).state == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("created", "doing"),
        ("open", "doing"),
        ("pending", "doing"),
        ("paid", "done"),
        ("refunded_part", "done"),
        ("refunded", "done"),
        ("charged_back", "done"),
        ("canceled", "failed"),
        ("expired", "failed"),
        ("failed", "failed"),
    ],
)
async def test_a_payment_answers_it(visit: Visit, state: str, expected: str) -> None:
    await visit.put(together.reserved, visit.office.badminton)
    key = await visit.open("pay")
    await visit.put(together.paid, visit.office.badminton, state)
    assert (await visit.step(key)).state == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("requested", "open"),
        ("started", "doing"),
        ("verified", "done"),
        ("failed", "failed"),
        ("aborted", "failed"),
        ("expired", "failed"),
    ],
)
async def test_an_identification_answers_it(visit: Visit, state: str, expected: str) -> None:
    key = await visit.open("identify")
    await visit.put(together.proved, state)
    assert (await visit.step(key)).state == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [("uploading", "doing"), ("scanning", "doing"), ("available", "done"), ("rejected", "failed"), ("deleted", "open")],
)
async def test_a_document_answers_it(visit: Visit, state: str, expected: str) -> None:
    key = await visit.open("document")
    await visit.put(together.sent, key, state)
    assert (await visit.step(key)).state == expected


async def test_who_proved_his_name_before_need_not_do_so_again(visit: Visit) -> None:
    visit.now_s -= 86_400
    await visit.put(together.proved)
    visit.now_s = NOW_S
    assert (await visit.step(await visit.open("identify"))).state == "done"


async def test_what_was_paid_before_says_nothing_of_a_step_opened_later(visit: Visit) -> None:
    visit.now_s -= 60
    await visit.put(together.paid, visit.office.badminton)
    await visit.put(together.reserved, visit.office.badminton)
    visit.now_s = NOW_S
    assert (await visit.step(await visit.open("reserve"))).state == "open"
    assert (await visit.step(await visit.open("pay"))).state == "open"


async def test_once_more(visit: Visit) -> None:
    """The wrong person identified herself: what was proved before does not answer it any longer, and stays."""
    key = await visit.open("identify")
    wrong = await visit.put(together.proved, name="Lies Peeters", matches=False)
    assert (await visit.step(key)).state == "done"
    visit.now_s += 1
    await visit.store.write(guide.redo, visit.now_s, visit.id, key, BART)
    assert (await visit.step(key)).state == "open"
    assert (await visit.panel()).proofs[0].id == wrong
    await visit.put(together.proved)
    step = await visit.step(key)
    assert step.proof is not None and (step.state, step.proof.name) == ("done", "An Peeters")


async def test_withdrawn_is_withdrawn(visit: Visit) -> None:
    key = await visit.open("reserve")
    await visit.store.write(guide.point, NOW_S, visit.id, key, visit.office.bart, "dag")
    await visit.store.write(guide.withdraw, NOW_S, visit.id, key, BART)
    await visit.put(together.reserved, visit.office.badminton)
    step = await visit.step(key)
    assert (step.state, step.pointed_at, step.active) == ("skipped", "", False)
    with pytest.raises(NotNow):
        await visit.store.write(guide.choose, NOW_S, visit.id, key, {"day": DAY})
    with pytest.raises(NotNow):
        await visit.store.write(guide.point, NOW_S, visit.id, key, visit.office.bart, "dag")
    await visit.store.write(guide.redo, NOW_S + 1, visit.id, key, BART)
    assert (await visit.step(key)).state == "open"


async def test_a_text_is_read(visit: Visit) -> None:
    key = await visit.open("read", "Breng uw eigen racket mee.")
    await visit.store.write(guide.have_read, NOW_S + 5, visit.id, key)
    step = await visit.step(key)
    assert (step.state, step.done_s) == ("done", NOW_S + 5)
    with pytest.raises(NotNow):
        await visit.store.write(guide.have_read, NOW_S + 6, visit.id, key)
    with pytest.raises(NotNow):
        await visit.store.write(guide.have_read, NOW_S + 6, visit.id, await visit.open("reserve"))


async def test_staff_points_at_a_field_until_it_is_filled_in(visit: Visit) -> None:
    key = await visit.open("reserve")
    await visit.store.write(guide.point, NOW_S, visit.id, key, visit.office.bart, "dag")
    step = await visit.step(key)
    assert (step.pointed_at, step.pointer) == ("dag", "Bart Claes")
    await visit.store.write(guide.choose, NOW_S, visit.id, key, {"day": DAY})
    assert (await visit.step(key)).pointed_at == ""
    await visit.store.write(guide.point, NOW_S, visit.id, key, visit.office.bart, "reserveer")
    choice = {"day": DAY, "from_s": together.FROM_S, "until_s": together.UNTIL_S}
    await visit.store.write(guide.choose, NOW_S, visit.id, key, choice)
    assert (await visit.step(key)).pointed_at == "reserveer", "that was not what it pointed at"
    await visit.store.write(guide.point, NOW_S, visit.id, key, visit.office.bart, "")
    assert (await visit.step(key)).pointer == ""
    with pytest.raises(Unfit):
        await visit.store.write(guide.point, NOW_S, visit.id, key, visit.office.bart, "rijksregisternummer")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"day": DAY}, {"day": DAY}),
        ({"day": DAY, "from_s": 5, "until_s": 9}, {"day": DAY, "from_s": 5, "until_s": 9}),
        ({"day": DAY, "from_s": 5, "name": "Terrein 1"}, {"day": DAY}),
        (
            {"day": DAY, "from_s": 5, "until_s": 9, "name": " Terrein 1 ", "rijksregister": "85.07.30"},
            {"day": DAY, "from_s": 5, "until_s": 9, "name": "Terrein 1"},
        ),
        ({"day": DAY, "from_s": "5", "until_s": -9}, {"day": DAY}),
    ],
)
async def test_a_choice_keeps_what_is_to_be_seen_and_nothing_else(
    visit: Visit, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    key = await visit.open("reserve")
    await visit.store.write(guide.choose, NOW_S, visit.id, key, given)
    step = await visit.step(key)
    assert (step.state, step.choice) == ("doing", kept)


@pytest.mark.parametrize("given", [{}, {"day": "morgen"}, {"day": DAY, "from_s": 5, "until_s": 9, "name": "x" * 201}])
async def test_a_strange_choice_is_refused(visit: Visit, given: dict[str, Any]) -> None:
    key = await visit.open("reserve")
    with pytest.raises(Unfit):
        await visit.store.write(guide.choose, NOW_S, visit.id, key, given)
    assert (await visit.step(key)).state == "open"


async def test_steps_are_those_that_fit(visit: Visit) -> None:
    found = guide.possible(await visit.panel())
    badminton = visit.office.badminton
    assert found == [
        ("reserve", badminton, True),
        ("identify", badminton, True),
        ("pay", badminton, True),
        ("document", None, True),
        ("read", None, True),
    ]
    await visit.open("reserve")
    assert guide.possible(await visit.panel())[0] == ("reserve", badminton, False), "it waits already"
    with pytest.raises(Unfit, match="already"):
        await visit.open("reserve")
    await visit.store.write(together.offer, badminton, reservation_backend="", identification="none")
    for kind in ("reserve", "identify", "pay"):
        with pytest.raises(Unfit):
            await visit.open(kind)


@pytest.mark.parametrize(("kind", "text"), [("dansen", ""), ("read", " "), ("read", "x" * 501)])
async def test_what_is_no_step(visit: Visit, kind: str, text: str) -> None:
    with pytest.raises(Unfit):
        await visit.open(kind, text)


async def test_steps_have_an_end(visit: Visit) -> None:
    for number in range(guide.STEPS_MAX):
        await visit.open("read", f"Tekst {number}")
    with pytest.raises(Unfit, match="enough"):
        await visit.open("read", "Nog een")


async def test_nothing_of_a_step_of_somebody_else(visit: Visit) -> None:
    key = await visit.open("read", "Dit is van An.")
    other = visit.id + 1
    attempts: list[tuple[Any, tuple[Any, ...]]] = [
        (guide.have_read, ()),
        (guide.withdraw, (BART,)),
        (guide.redo, (BART,)),
        (guide.point, (visit.office.bart, "tekst")),
    ]
    for do, args in attempts:
        with pytest.raises(NotFound):
            await visit.store.write(do, NOW_S, other, key, *args)
    assert (await visit.step(key)).state == "open"


async def test_when_it_is_over_it_is_over(visit: Visit) -> None:
    key = await visit.open("read", "Dit is van An.")
    await visit.store.write(together.change, appointment, visit.id, status="completed")
    with pytest.raises(NotNow):
        await visit.open("read", "Te laat")
    with pytest.raises(NotNow):
        await visit.store.write(guide.withdraw, NOW_S, visit.id, key, BART)


async def test_what_staff_does_is_noted_and_touches_no_act(visit: Visit) -> None:
    """Everything that staff can do with a step leaves reservation, payment and identification as they were."""
    key = await visit.open("reserve")
    await visit.put(together.reserved, visit.office.badminton)
    await visit.put(together.paid, visit.office.badminton)
    await visit.put(together.proved)
    tables = (reservation, payment, identification)

    async def acts() -> list[Any]:
        return await visit.store.read(lambda tx: [tx.execute(select(table)).all() for table in tables])

    before = await acts()
    await visit.store.write(guide.redo, NOW_S + 1, visit.id, key, BART)
    await visit.store.write(guide.point, NOW_S + 1, visit.id, key, visit.office.bart, "uur")
    await visit.store.write(guide.withdraw, NOW_S + 1, visit.id, key, BART)
    assert await acts() == before
    query = select(audit.c.action).where(audit.c.actor == BART).order_by(audit.c.id)
    done = await visit.store.read(lambda tx: list(tx.scalars(query)))
    assert done == ["guide_step_opened", "guide_step_again", "guide_step_withdrawn"]
    rows = await visit.store.read(lambda tx: tx.execute(select(guide_step)).all())
    assert len(rows) == 1
