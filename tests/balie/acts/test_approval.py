"""Four eyes: who asks for money to go back, by cancelling what was paid, does not decide on it alone."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Literal

import pytest

from balie.booking import changes
from balie.payments.refunds import Refund
from balie.record.tasks import TaskError
from balie.staff import accounts
from balie.store.engine import Store, Tx
from balie.store.schema import audit, refund
from tests.support.acting import World, world

CENTS = 900


async def cancelled(here: World, actor: str, by: Literal["citizen", "office"]) -> Refund:
    """Paid and confirmed, and then cancelled by somebody: the refund that follows."""
    about = await here.reserve()
    await here.identify()
    await here.pay(about)
    here.desk.cashier.choose(here.at_desk(), "betaald")
    await here.report()
    await here.work()
    entropy = random.Random(4).randbytes
    await here.store.write(changes.cancel, here.now_s, entropy, here.appointment_id, actor, by=by, reason="Ziek.")
    await here.work(60)
    (found,) = await here.rows(refund)
    assert (found.state, found.reason, found.amount_cents) == ("proposed", "cancelled", CENTS)
    return found  # type: ignore[no-any-return]


async def give(here: World, staff_id: int, *roles: str) -> int:
    """He has these roles."""

    def write(tx: Tx) -> None:
        accounts.set_roles(tx, here.now_s, staff_id, roles, [here.office.service], "system")

    await here.store.write(write)
    return staff_id


async def third(here: World) -> int:
    """An administrator who belongs to no service."""
    values = {"login": "mia", "name": "Mia Janssens", "roles": ["admin"], "password": "kept"}
    return await here.store.write(accounts.create, here.now_s, here.office.organisation, **values)  # type: ignore[arg-type]


async def barred(here: World, refund_id: int, staff_id: int) -> None:
    """Neither way is his to decide, and nothing happens."""
    for decide in (here.acts.refund(refund_id, staff_id), here.acts.keep(refund_id, staff_id, "Afgesproken.")):
        with pytest.raises(TaskError, match="second_person"):
            await decide
    assert [each.state for each in await here.rows(refund)] == ["proposed"]
    assert here.desk.payments[0].refunds == []


async def test_who_cancelled_does_not_decide(store: Store) -> None:
    """Not as a lead either; a colleague of the counter does not; a lead does, and the audit knows both."""
    async with world(store) as here:
        bart, els = here.office.bart, here.office.els
        found = await cancelled(here, f"staff:{bart}", "office")
        await barred(here, found.id, bart)
        await barred(here, found.id, els)
        await give(here, bart, "lead")
        await barred(here, found.id, bart)
        await give(here, els, "counter", "lead")
        assert await here.acts.refund(found.id, els)
        await here.quiet()
        assert [each.cents for each in here.desk.payments[0].refunds] == [CENTS]
        rows = [(each.action, each.actor) for each in await here.rows(audit) if each.action.startswith(("canc", "ref"))]
        assert rows == [("cancelled", f"staff:{bart}"), ("refund_approved", f"staff:{els}")]


async def test_an_administrator_decides_for_all_but_himself(sqlite_store: Store) -> None:
    async with world(sqlite_store) as here:
        mia = await third(here)
        found = await cancelled(here, f"staff:{mia}", "office")
        await barred(here, found.id, mia)
        assert await here.acts.keep(found.id, await give(here, here.office.els, "lead"), "Te laat geannuleerd.")


async def test_at_the_word_of_the_citizen_it_is_still_a_member_of_staff(sqlite_store: Store) -> None:
    """Nobody else heard it: a form in which one says who cancelled is no second person."""
    async with world(sqlite_store) as here:
        found = await cancelled(here, f"staff:{here.office.bart}", "citizen")
        await barred(here, found.id, here.office.bart)
        assert await here.acts.refund(found.id, await third(here))


@pytest.mark.parametrize(("actor", "by"), [("citizen", "citizen"), ("api:1", "citizen")])
async def test_a_citizen_who_cancels_needs_one_person(
    sqlite_store: Store, actor: str, by: Literal["citizen", "office"]
) -> None:
    async with world(sqlite_store) as here:
        found = await cancelled(here, actor, by)
        assert await here.acts.refund(found.id, here.office.bart)


async def test_another_system_in_the_name_of_the_office_needs_a_lead(sqlite_store: Store) -> None:
    async with world(sqlite_store) as here:
        found = await cancelled(here, "api:1", "office")
        await barred(here, found.id, here.office.bart)
        assert await here.acts.refund(found.id, await give(here, here.office.bart, "lead"))


@pytest.mark.parametrize("alone_cents", [CENTS - 1, CENTS])
async def test_up_to_an_amount_one_person_is_enough(sqlite_store: Store, alone_cents: int) -> None:
    async with world(sqlite_store) as here:
        found = await cancelled(here, f"staff:{here.office.bart}", "office")
        here.acts.rules = replace(here.acts.rules, alone_cents=alone_cents)
        if alone_cents < CENTS:
            await barred(here, found.id, here.office.bart)
        else:
            assert await here.acts.refund(found.id, here.office.bart)


async def test_what_failed_is_tried_again_by_who_may(sqlite_store: Store) -> None:
    async with world(sqlite_store) as here:
        found = await cancelled(here, f"staff:{here.office.bart}", "office")
        lead = await give(here, here.office.els, "lead")
        here.desk.fail("refund", "refused")
        assert await here.acts.refund(found.id, lead)
        with pytest.raises(TaskError, match="second_person"):
            await here.acts.refund(found.id, here.office.bart)
        assert await here.acts.refund(found.id, lead)


async def test_an_account_that_was_closed_decides_nothing(sqlite_store: Store) -> None:
    async with world(sqlite_store) as here:
        found = await cancelled(here, f"staff:{here.office.bart}", "office")
        lead = await give(here, here.office.els, "lead")
        await here.store.write(accounts.disable, here.now_s, lead, "system")
        await barred(here, found.id, lead)
