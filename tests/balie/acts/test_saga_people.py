"""What people do: pay twice or too late, identify or not, change their minds, press at the same time.

Afterwards the same holds as when systems fail (tests.support.acting_story).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import pytest

from balie.acts.errors import ActError
from balie.acts.service import HOLD_S
from balie.identity import records as identity
from balie.store.engine import Store
from balie.store.schema import identification, invoice, payment, refund, reservation
from tests.support.acting import CrashError, World, world
from tests.support.acting_story import STAFF, finish, through, tried
from web.demo_payment.cashier import EXPIRES_S

# -- more money than one expects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("hold_lasts", [True, False])
async def test_paid_after_it_expired(here: World, hold_lasts: bool) -> None:
    """Accepted, and told to a person; the slot is his when it is still kept, or else the money is to go back."""
    about = await here.reserve()
    await here.identify()
    await here.pay(about)
    await here.work(EXPIRES_S + 60 if hold_lasts else HOLD_S + 7200)
    (found,) = await here.rows(payment)
    assert found.state == "expired"
    here.paid_late()
    await here.report()
    await here.work()
    assert "late_paid" in await here.tasks()
    assert (await here.rows(reservation))[0].state == ("confirmed" if hold_lasts else "expired")
    await finish(here)


@pytest.mark.parametrize("first", ["geannuleerd", "mislukt", ""])
@pytest.mark.parametrize("order", ["late first", "late last", "late between"])
async def test_paid_twice(here: World, first: str, order: str) -> None:
    """The first payment ended, the second is paid, and then the first is, too."""
    about = await here.reserve()
    await here.identify()
    await here.pay(about)
    if first:
        here.desk.cashier.choose(here.at_desk(), first)  # type: ignore[arg-type]
    else:
        await here.work(EXPIRES_S + 10)
    await here.pay(about)
    assert len(here.desk.payments) == 2
    if order == "late first":
        here.paid_late(0)
        await here.report(0)
        await here.work()
    here.desk.cashier.choose(here.at_desk(1), "betaald")
    if order == "late between":
        here.paid_late(0)
        await here.report(0)
    await here.report(1)
    await here.work()
    if order == "late last":
        here.paid_late(0)
        await here.report(0)
        await here.work()
    assert "paid_twice" in await here.tasks()
    await finish(here)
    assert (await here.rows(reservation))[0].state == "confirmed"
    assert sorted(each.state for each in await here.rows(payment)) == ["paid", "refunded"]
    kinds = sorted(each.kind for each in await here.rows(invoice))
    assert kinds == ["credit", "receipt", "receipt"]


async def test_somebody_refunds_at_the_provider(here: World) -> None:
    await through(here)
    found = here.desk.payments[0]
    here.desk.cashier.refund("", found.id, 400, "uit de hand")
    await here.report()
    await here.work(60)
    assert await here.tasks() == ["refund_elsewhere"]
    assert [(each.state, each.refunded_cents) for each in await here.rows(payment)] == [("refunded_part", 400)]
    assert [each.kind for each in await here.rows(invoice)] == ["receipt", "credit"]
    await finish(here)


async def test_a_refund_that_fails_can_be_tried_again(here: World) -> None:
    here.hall.fail("confirm", "taken")
    await through(here)
    here.desk.fail("refund", "refused")
    (found,) = await here.rows(refund)
    assert await here.acts.refund(found.id, STAFF)
    assert [each.state for each in await here.rows(refund)] == ["failed"]
    assert "refund_failed" in await here.tasks()
    keys = {each for each in here.desk.keys if each}
    await finish(here)
    assert [each.state for each in await here.rows(refund)] == ["done"]
    assert {each for each in here.desk.keys if each} - keys, "under a new key"
    assert await here.tasks() == []


async def test_a_refund_that_is_rejected_leaves_a_document(here: World) -> None:
    here.hall.fail("confirm", "taken")
    await through(here)
    (found,) = await here.rows(refund)
    assert await here.acts.keep(found.id, STAFF, "Hij speelt op woensdag.")
    assert not await here.acts.keep(found.id, STAFF, "Toch niet.")
    assert not await here.acts.refund(found.id, STAFF)
    assert [each.kind for each in await here.rows(invoice)] == ["receipt"]
    assert await here.tasks() == []


async def test_two_of_the_staff_approve_at_once(here: World) -> None:
    here.hall.fail("confirm", "taken")
    await through(here)
    (found,) = await here.rows(refund)
    said = await asyncio.gather(*(here.acts.refund(found.id, each) for each in (1, 2)))
    assert sorted(said) == [False, True]
    assert [len(each.refunds) for each in here.desk.payments] == [1]
    await finish(here)


# -- who, and whether ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["missing", "failed", "aborted", "other name", "late"])
async def test_identity(here: World, who: str) -> None:
    """Nobody pays before he is known, nor under another name that nobody looked at: no money waits for a name."""
    about = await here.reserve()
    if who in ("failed", "aborted"):
        await here.identify(state=who)
    if who == "other name":
        await here.identify("Jan Janssens", matches=False)
    with pytest.raises(ActError, match="identify_first"):
        await here.pay(about)
    if who == "other name":
        (row,) = await here.rows(identification)
        assert await here.store.write(identity.accept, here.now_s, row.id, here.office.bart)
    if who == "late":
        await here.work(600)
        await here.identify()
    if who in ("late", "other name"):
        await here.pay(about)
        here.desk.cashier.choose(here.at_desk(), "betaald")
        await here.report()
        await here.work()
        name = "Jan Janssens" if who == "other name" else "An Peeters"
        assert [each.holder for each in here.hall.standing("confirmed")] == [name]
    await finish(here)


@pytest.mark.parametrize("comes", [True, False])
async def test_who_he_is_is_asked_only_after_he_paid(here: World, comes: bool) -> None:
    """The product was changed meanwhile.  The slot waits for the name as long as it is held."""
    here.needs = False
    about = await here.reserve()
    await here.pay(about)
    here.needs = True
    here.desk.cashier.choose(here.at_desk(), "betaald")
    await here.report()
    await here.work()
    assert (await here.rows(reservation))[0].state == "held"
    if comes:
        await here.identify()
    await finish(here)
    assert (await here.rows(reservation))[0].state == ("confirmed" if comes else "expired")


@pytest.mark.parametrize("fault", ["", "down", "lost", "taken", "refused"])
async def test_what_is_free_is_his_when_he_is_known(sqlite_store: Store, fault: str) -> None:
    async with world(sqlite_store, price_cents=0) as here:
        if fault:
            here.hall.fail("confirm", fault)
        await here.reserve()
        assert here.hall.standing("confirmed") == []
        await here.identify()
        await finish(here)
        lost = fault in ("taken", "refused")
        assert (await here.rows(reservation))[0].state == ("conflict" if lost else "confirmed")
        assert await here.tasks() == (["slot_lost"] if lost else [])
        assert await here.rows(payment) == []


# -- several at once ------------------------------------------------------------------------------------------------


async def test_two_press_confirm_at_once(here: World) -> None:
    about = await here.reserve()
    await here.identify()
    await here.pay(about)
    here.desk.cashier.choose(here.at_desk(), "betaald")
    (found,) = await here.rows(payment)
    await asyncio.gather(
        here.acts.look(found.id),
        *(here.acts.settle(here.appointment_id) for _each in range(4)),
        here.acts.look(found.id),
        here.work(),
    )
    await here.work()
    assert here.hall.calls.count("confirm") == 1
    assert (await here.rows(reservation))[0].state == "confirmed"
    assert [each.kind for each in await here.rows(invoice)] == ["receipt"]
    await finish(here)


@pytest.mark.parametrize("when", ["held", "paying", "paid", "cancelled after"])
async def test_letting_go_beside_paying(here: World, when: str) -> None:
    """He changes his mind, or cancels the appointment; what he paid nevertheless is proposed to go back."""
    about = await here.reserve()
    await here.identify()
    if when == "held":
        await here.acts.release(about)
        with pytest.raises(ActError, match="not_held"):
            await here.pay(about)
        return await finish(here)
    await here.pay(about)
    if when == "paying":
        await here.acts.release(about)
    here.desk.cashier.choose(here.at_desk(), "betaald")
    await here.report()
    if when == "cancelled after":
        await here.cancel()
    await here.work()
    if when == "paid":
        with pytest.raises(ActError, match="reserved"):
            await here.acts.release(about)
        await here.cancel()
        await here.work(60)
    assert ("slot_lost" if when == "paying" else "cancelled") in await here.tasks()
    await finish(here)
    assert [each.state for each in await here.rows(payment)] == ["refunded"]
    return None


async def test_letting_go_while_it_is_being_confirmed(here: World) -> None:
    here.hall.fail("confirm", "down")
    await through(here)
    with pytest.raises(ActError, match="paid|confirming"):
        await here.acts.release((await here.rows(reservation))[0].id)
    await finish(here)
    assert (await here.rows(reservation))[0].state == "confirmed"


async def test_another_choice_lets_go_of_the_first(here: World) -> None:
    await here.reserve()
    later = (await here.rows(reservation))[0].from_s + 3600
    await here.reserve(later)
    assert [each.state for each in await here.rows(reservation)] == ["released", "held"]
    assert [each.from_s for each in here.hall.standing("held")] == [later]
    await finish(here)


async def test_the_worker_is_started_anew_in_the_middle_of_everything(here: World) -> None:
    """Killed and started every time something is due."""
    for call in ("hold", "confirm"):
        here.hall.fail(call, "down", "lost")
    here.desk.fail("create", "lost")
    here.desk.fail("fetch", "down", "nonsense")
    await tried(here.reserve)
    await here.identify()
    for _each in range(30):
        here.restart()
        with contextlib.suppress(CrashError):
            await here.repair.step()
        here.clock.now_s += 20
        held = [one for one in await here.rows(reservation) if one.state == "held"]
        if held and not here.desk.payments:
            await tried(lambda held=held: here.pay(held[0].id))  # type: ignore[misc]
        if here.desk.payments:
            here.desk.cashier.choose(here.at_desk(), "betaald")
    await finish(here)
    assert (await here.rows(reservation))[-1].state == "confirmed"


# -- both databases ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """An accident, and what becomes of the reservation."""

    call: str
    fault: str
    ends: str


@pytest.mark.parametrize("story", [Story("", "", "confirmed"), Story("confirm", "taken", "conflict")], ids=str)
async def test_on_both_databases(store: Store, story: Story) -> None:
    async with world(store) as here:
        if story.call:
            here.hall.fail(story.call, story.fault)
        about = await here.reserve()
        await here.identify()
        await here.pay(about)
        here.desk.cashier.choose(here.at_desk(), "betaald")
        (found,) = await here.rows(payment)
        settled = (here.acts.settle(here.appointment_id) for _each in range(3))
        await asyncio.gather(*(here.acts.look(found.id) for _each in range(3)), *settled, here.report())
        await finish(here)
        assert (await here.rows(reservation))[0].state == story.ends
