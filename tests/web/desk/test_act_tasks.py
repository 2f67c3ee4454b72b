"""Formal acts on the list of tasks: what waits for a person, and money that goes back once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import select, update

from balie.acts import reasons
from balie.acts.rules import Rules
from balie.acts.service import Acts, Systems
from balie.booking.appointments import Booked
from balie.documents.service import INFECTED
from balie.payments import records, refunds
from balie.payments.provider import Status
from balie.payments.records import Purchase
from balie.record import tasks
from balie.store.engine import Store, Tx
from balie.store.schema import PAYMENT_STATES, REFUND_STATES, audit, participant, service, staff_service, task
from tests.support.acting import Ledger
from tests.support.cashdesk import NAME, CashDesk, cash_desk
from tests.support.desk import Clerk, DeskSite, build_desk
from tests.support.html import faults
from web import keys
from web.desk import act_words

PLACE = "/balie/taken"
TILL = web.AppKey("TILL", CashDesk)


@dataclass
class Lost:
    """An paid, and her slot was lost: a task that proposes to give 9 euros back."""

    desk: CashDesk
    task: int
    refund: int
    payment: int
    ref: str


@pytest_asyncio.fixture
async def desk(sqlite_store: Store) -> AsyncIterator[DeskSite]:
    """With a provider."""
    made = await build_desk(sqlite_store)
    async with cash_desk(made.clock) as (till, provider):
        systems = Systems({}, {NAME: provider}, NAME)
        acts = Acts(made.store, systems, Rules(Ledger()), made.entropy.randbytes, made.clock, "http://localhost")
        made.app[keys.ACTS], made.app[TILL] = acts, till
        yield made


async def buy(desk: DeskSite) -> tuple[Booked, int]:
    """An appointment of An that she paid for, and its payment."""
    booked, till = await desk.book(), desk.app[TILL]

    def pay(tx: Tx) -> int:
        who = tx.scalar(select(participant.c.id).where(participant.c.appointment_id == booked.appointment_id))
        assert who is not None
        wanted = Purchase(booked.appointment_id, who, desk.office.badminton, None, 900, "S", 600, "Badminton")
        return records.begin(tx, desk.now_s, desk.entropy.randbytes, NAME, wanted)

    payment_id = await desk.store.write(pay)
    await desk.app[keys.ACTS].create(payment_id)
    till.cashier.choose(till.payments[0].id, "betaald")
    said = Status("paid", "bancontact", 900, paid_s=desk.now_s)
    await desk.store.write(records.apply, desk.now_s, desk.entropy.randbytes, payment_id, said)
    return booked, payment_id


@pytest_asyncio.fixture
async def lost(desk: DeskSite) -> Lost:
    booked, payment_id = await buy(desk)

    def lose(tx: Tx) -> tuple[int, int]:
        refund_id = refunds.propose(tx, desk.now_s, desk.entropy.randbytes, payment_id, "slot_lost")
        assert refund_id is not None
        tasks.ask(tx, desk.now_s, "payment", payment_id, "slot_lost", booked.appointment_id)
        return tasks.of_appointment(tx, booked.appointment_id)[0].id, refund_id

    task_id, refund_id = await desk.store.write(lose)
    return Lost(desk.app[TILL], task_id, refund_id, payment_id, booked.ref)


async def state(desk: DeskSite, lost: Lost) -> tuple[str, str]:
    """Of the task and of the refund."""
    found = await desk.store.read(tasks.get, lost.task)
    return found.state, (await desk.store.read(refunds.get, lost.refund)).state


async def test_the_list_says_what_happened_and_what_to_do(desk: DeskSite, bart: Clerk, lost: Lost) -> None:
    page = await bart.get(PLACE)
    for words in (
        "Er is betaald, maar de reservatie kon niet bevestigd worden.",
        "Bel de burger.",
        "Badminton: €\xa09,00, betaald",
        "Terugbetaling van €\xa09,00: wacht op een beslissing",
        "An Peeters",
        lost.ref,
    ):
        assert words in page, words
    assert re.search(r"Taken <span class=\"count\">1<", page), "the menu says how many"


def test_everything_has_its_words() -> None:
    assert set(act_words.of_payments()) == set(reasons.PAYMENT)
    assert set(act_words.of_reservations()) == set(reasons.RESERVATION)
    assert set(act_words.of_documents()) == {INFECTED}
    assert set(act_words.payment_states()) == set(PAYMENT_STATES)
    assert set(act_words.refund_states()) == set(REFUND_STATES)


async def test_its_pages_are_valid(desk: DeskSite, bart: Clerk, lost: Lost, tmp_path: Path) -> None:
    pages = {"open": await bart.get(PLACE), "none": await bart.get(f"{PLACE}?toon=afgehandeld")}
    said = {f"niet_terugbetalen_{lost.task}": ""}
    pages["wrong"] = await bart.send(f"{PLACE}/{lost.task}", 422, doe="niet-terugbetalen", **said)
    pages["odd"] = await bart.send(f"{PLACE}/{lost.task}", 422, doe="iets")
    await bart.send(f"{PLACE}/{lost.task}", doe="terugbetalen")
    pages["closed"] = await bart.get(f"{PLACE}?toon=afgehandeld")
    assert not faults(pages, tmp_path)


async def test_money_goes_back(desk: DeskSite, bart: Clerk, lost: Lost) -> None:
    assert await bart.send(f"{PLACE}/{lost.task}", doe="terugbetalen") == f"{PLACE}?gedaan=terugbetaald"
    assert [each.cents for each in lost.desk.payments[0].refunds] == [900]
    assert await state(desk, lost) == ("done", "pending")
    found = await desk.store.read(refunds.get, lost.refund)
    assert found.staff_id == desk.office.bart
    kinds = await desk.store.read(
        lambda tx: list(tx.scalars(select(audit.c.action).where(audit.c.actor == f"staff:{desk.office.bart}")))
    )
    assert "refund_approved" in kinds
    page = await bart.get(f"{PLACE}?toon=afgehandeld")
    assert "De terugbetaling is goedgekeurd." in page and "Bart Claes" in page


async def test_two_press_at_once(desk: DeskSite, bart: Clerk, lost: Lost) -> None:
    """Whoever comes second hears so; money goes back once."""

    async def press() -> int:
        data = {"csrf": bart.token, "doe": "terugbetalen"}
        answer = await bart.client.post(f"{PLACE}/{lost.task}", data=data, allow_redirects=False)
        return answer.status

    assert sorted(await asyncio.gather(press(), press())) == [303, 422]
    assert [each.cents for each in lost.desk.payments[0].refunds] == [900]


@pytest.mark.parametrize("door", ["ons", "burger"])
async def test_who_cancelled_does_not_give_the_money_back(desk: DeskSite, bart: Clerk, door: str) -> None:
    """Nor does a colleague who may not, whoever is said to have cancelled; an administrator does."""
    booked, _payment = await buy(desk)
    await bart.send(f"/balie/afspraak/{booked.ref}/annuleren", reden="Bart is ziek.", door=door)
    await desk.app[keys.ACTS].settle(booked.appointment_id)
    (task,) = await desk.store.read(tasks.listed, {desk.office.service}, kinds=["payment"])
    said = "Een andere collega beslist over het geld: een teamhoofd of een beheerder."
    keeping = {"doe": "niet-terugbetalen", f"niet_terugbetalen_{task.id}": "Afgesproken."}
    for login in ("bart", "els"):
        await bart.sign_in(login)
        page = await bart.get(PLACE)
        assert said in page and 'value="terugbetalen"' not in page and 'value="sluit"' not in page
        assert said in await bart.send(f"{PLACE}/{task.id}", 422, doe="terugbetalen")
        assert said in await bart.send(f"{PLACE}/{task.id}", 422, **keeping)
    assert desk.app[TILL].payments[0].refunds == []
    await bart.sign_in("mia")
    page = await bart.get(PLACE)
    assert said not in page and 'value="terugbetalen"' in page
    await bart.send(f"{PLACE}/{task.id}", doe="terugbetalen")
    assert [each.cents for each in desk.app[TILL].payments[0].refunds] == [900]


async def test_money_stays_for_a_reason(desk: DeskSite, bart: Clerk, lost: Lost) -> None:
    page = await bart.send(
        f"{PLACE}/{lost.task}", 422, doe="niet-terugbetalen", **{f"niet_terugbetalen_{lost.task}": ""}
    )
    assert "Schrijf hoe het afliep." in page
    assert await state(desk, lost) == ("open", "proposed")
    said = {f"niet_terugbetalen_{lost.task}": "Zij speelt op woensdag."}
    await bart.send(f"{PLACE}/{lost.task}", doe="niet-terugbetalen", **said)
    assert await state(desk, lost) == ("skipped", "rejected")
    assert lost.desk.payments[0].refunds == []
    assert "Zij speelt op woensdag." in await bart.get(f"{PLACE}?toon=afgehandeld")


async def test_a_task_with_money_is_not_closed_before_that_is_decided(desk: DeskSite, bart: Clerk, lost: Lost) -> None:
    page = await bart.send(f"{PLACE}/{lost.task}", 422, doe="sluit", **{f"sluit_{lost.task}": "Klaar."})
    assert "Beslis eerst over de terugbetaling." in page
    assert await state(desk, lost) == ("open", "proposed")


async def test_closing_needs_words(desk: DeskSite, bart: Clerk, lost: Lost) -> None:
    await desk.store.write(lambda tx: tasks.ask(tx, desk.now_s, "payment", lost.payment, "charged_back", 1))
    key = (await desk.store.read(tasks.listed, {desk.office.service}))[-1].id
    page = await bart.send(f"{PLACE}/{key}", 422, doe="sluit", **{f"sluit_{key}": "  "})
    assert "Schrijf hoe het afliep." in page
    await bart.send(f"{PLACE}/{key}", doe="sluit", **{f"sluit_{key}": "Gebeld: was een vergissing."})
    again = await bart.send(f"{PLACE}/{key}", 422, doe="sluit", **{f"sluit_{key}": "Nog eens."})
    assert "Een collega was u voor" in again


async def test_a_refund_that_fails_stays_a_task(desk: DeskSite, bart: Clerk, lost: Lost) -> None:
    lost.desk.fail("refund", "refused")
    await bart.send(f"{PLACE}/{lost.task}", doe="terugbetalen")
    page = await bart.get(PLACE)
    assert "De terugbetaling lukte niet." in page
    key = (await desk.store.read(tasks.listed, {desk.office.service}))[-1].id
    await bart.send(f"{PLACE}/{key}", doe="terugbetalen")
    assert [each.cents for each in lost.desk.payments[0].refunds] == [900]


async def test_a_reservation_that_is_lost_without_money(desk: DeskSite, bart: Clerk, lost: Lost) -> None:
    await desk.store.write(lambda tx: tx.execute(update(task).values(kind="reservation", object_id=1)))
    page = await bart.get(PLACE)
    assert "Er is niets betaald." in page and 'value="terugbetalen"' not in page


async def test_only_of_one_s_own_services(desk: DeskSite, bart: Clerk, lost: Lost) -> None:
    def elsewhere(tx: Tx) -> None:
        made = tx.execute(service.insert().values(organisation_id=desk.office.organisation, slug="x", names={}))
        key = made.inserted_primary_key
        assert key is not None
        tx.execute(update(staff_service).where(staff_service.c.staff_id == desk.office.bart).values(service_id=key[0]))

    await desk.store.write(elsewhere)
    assert "Er staat niets open." in await bart.get(PLACE)
    assert "Deze taak bestaat niet meer." in await bart.send(f"{PLACE}/{lost.task}", 422, doe="terugbetalen")
    assert lost.desk.payments[0].refunds == []


async def test_nobody_without_a_session_or_its_token(desk: DeskSite, stranger: Clerk, lost: Lost) -> None:
    assert await stranger.send(f"{PLACE}/{lost.task}", doe="terugbetalen") == "/balie/aanmelden"
    await stranger.sign_in("bart")
    answer = await stranger.client.post(f"{PLACE}/{lost.task}", data={"csrf": "0" * 64, "doe": "terugbetalen"})
    assert answer.status == 403
    assert await state(desk, lost) == ("open", "proposed")
    assert (await stranger.client.get(f"{PLACE}/{lost.task}")).status in (404, 405), "no GET decides"
