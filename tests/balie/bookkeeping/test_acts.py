"""The whole act with real books: what was paid and confirmed has its document, and what goes back its credit note."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from balie.acts.rules import NoNumbers, Numbers
from balie.record import events
from balie.store.engine import Store
from balie.store.schema import invoice, message, outbox, payment, product, refund, reservation
from tests.support.acting import World, world
from tests.support.paper import OFFICE
from tests.support.till import NUMBERS

STAFF = 1


async def keeping(here: World, numbers: Numbers) -> None:
    """These write the documents; the court is taxed."""
    here.acts.rules = replace(here.acts.rules, numbers=numbers)
    changed = update(product).values(vat_category="S", vat_rate=600)
    await here.store.write(lambda tx: tx.execute(changed))


async def buy(here: World) -> None:
    about = await here.reserve()
    await here.identify("An Peeters-Janssens")
    await here.pay(about)
    here.desk.cashier.choose(here.at_desk(), "betaald")
    await here.report()
    await here.work()


async def papers(here: World) -> list[tuple[str, str]]:
    return [(each.kind, each.content["number"]) for each in await here.rows(invoice)]


async def receipts(here: World) -> list[str]:
    query = select(message.c.variant).where(message.c.kind == "receipt").order_by(message.c.id)
    return await here.store.read(lambda tx: list(tx.scalars(query)))


async def test_paid_confirmed_written_and_told(store: Store) -> None:
    async with world(store) as here:
        await keeping(here, NUMBERS)
        await buy(here)
        assert [each.state for each in await here.rows(reservation)] == ["confirmed"]
        (paper,) = await here.rows(invoice)
        assert (paper.total_cents, paper.vat_cents, paper.content["buyer"]) == (900, 51, "An Peeters-Janssens")
        (paid,) = await here.rows(payment)
        assert paper.content["paid"]["ogm"] == paid.ogm and paper.content["paid"]["reference"] == here.at_desk()
        assert await receipts(here) == ["2026-000001"]
        for _replay in range(3):
            await here.report()
            await here.acts.settle(here.appointment_id)
            await here.work(60)
        assert await papers(here) == [("receipt", "2026-000001")]
        told = select(outbox.c.id).where(outbox.c.type == events.INVOICE + "issued")
        assert len(await here.store.read(lambda tx: tx.execute(told).all())) == 1


async def test_what_goes_back_has_a_credit_note(store: Store) -> None:
    async with world(store) as here:
        await keeping(here, NUMBERS)
        here.hall.fail("confirm", "taken")
        await buy(here)
        assert await papers(here) == [], "nothing was sold"
        (back,) = await here.rows(refund)
        assert await here.acts.refund(back.id, STAFF)
        await here.quiet()
        assert await papers(here) == [("receipt", "2026-000001"), ("credit", "C2026-000001")]
        assert await receipts(here) == ["2026-000001", "C2026-000001"]


@pytest.mark.parametrize(
    "numbers", [NoNumbers(), replace(NUMBERS, seller=replace(OFFICE, vat=""))], ids=["nobody", "no VAT number"]
)
async def test_books_that_are_not_right_hold_nothing_up(sqlite_store: Store, numbers: Numbers) -> None:
    """And once they are, the document follows by itself."""
    async with world(sqlite_store) as here:
        await keeping(here, numbers)
        await buy(here)
        assert [each.state for each in await here.rows(reservation)] == ["confirmed"]
        assert [each.state for each in await here.rows(payment)] == ["paid"]
        assert await papers(here) == []
        await keeping(here, NUMBERS)
        await here.work(60)
        assert await papers(here) == [("receipt", "2026-000001")]
