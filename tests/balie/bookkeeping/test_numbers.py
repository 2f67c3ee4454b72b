"""Numbers without gaps, one document for each payment and each refund, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from sqlalchemy import Table, insert, select

from balie.booking.errors import NotFound
from balie.bookkeeping import content
from balie.bookkeeping.numbers import Numbers
from balie.store.engine import Store, Tx
from balie.store.schema import identification, invoice, participant, payment, refund, reservation
from tests.support import office as offices
from tests.support.booking import booked
from tests.support.office import MONDAY_S, Office, unix_s
from tests.support.paper import OFFICE

NUMBERS = Numbers(OFFICE)


def _added(tx: Tx, table: Table, row: dict[str, object]) -> int:
    made = tx.execute(insert(table).values(**row)).inserted_primary_key
    assert made is not None
    return int(made[0])


@dataclass
class Till:
    """An appointment that payments hang on."""

    store: Store
    office: Office
    appointment_id: int

    async def paid(self, at: int, cents: int = 900, **values: object) -> int:
        row = {
            "appointment_id": self.appointment_id,
            "product_id": self.office.badminton,
            "provider": "demo",
            "external_id": f"tr_{at}",
            "idempotency_key": f"k{at}",
            "ogm": f"{at:012}",
            "amount_cents": cents,
            "vat_category": "S",
            "vat_rate": 600,
            "description": "Badminton",
            "state": "paid",
            "paid_s": MONDAY_S,
            "created_s": MONDAY_S,
            "changed_s": MONDAY_S,
            **values,
        }
        return await self.store.write(_added, payment, row)

    async def given_back(self, payment_id: int, cents: int) -> int:
        row = {
            "payment_id": payment_id,
            "amount_cents": cents,
            "reason": "cancelled",
            "state": "done",
            "idempotency_key": f"r{payment_id}-{cents}",
            "created_s": MONDAY_S,
            "changed_s": MONDAY_S,
        }
        return await self.store.write(_added, refund, row)

    async def content(self, key: int) -> content.Content:
        one = select(invoice.c.content).where(invoice.c.id == key)
        return content.read(await self.store.read(lambda tx: tx.scalars(one).one()))

    async def documents(self) -> list[tuple[str, int, int]]:
        def look(tx: Tx) -> list[tuple[str, int, int]]:
            query = select(invoice.c.series, invoice.c.number, invoice.c.total_cents).order_by(invoice.c.id)
            return [tuple(row) for row in tx.execute(query)]

        return await self.store.read(look)


@pytest_asyncio.fixture
async def till(store: Store) -> Till:
    town = await store.write(offices.found)
    return Till(store, town, (await booked(store, town)).appointment_id)


async def test_asked_twice_it_is_one_document(till: Till) -> None:
    key = await till.paid(1)
    first = await till.store.write(NUMBERS.issue, MONDAY_S, key)
    assert await till.store.write(NUMBERS.issue, MONDAY_S + 99, key) == first
    assert await till.documents() == [("2026", 1, 900)]


async def test_many_at_once_get_every_number_once(till: Till) -> None:
    keys = [await till.paid(at) for at in range(12)]
    await asyncio.gather(*(till.store.write(NUMBERS.issue, MONDAY_S, key) for key in keys * 2))
    assert sorted(number for _, number, _ in await till.documents()) == list(range(1, 13))


async def test_what_is_rolled_back_takes_its_number_with_it(till: Till) -> None:
    keys = [await till.paid(at) for at in (1, 2)]

    def fail(tx: Tx) -> None:
        NUMBERS.issue(tx, MONDAY_S, keys[0])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await till.store.write(fail)
    await till.store.write(NUMBERS.issue, MONDAY_S, keys[1])
    assert await till.documents() == [("2026", 1, 900)]


async def test_a_year_begins_anew_by_the_clocks_of_the_office(till: Till) -> None:
    keys = [await till.paid(at) for at in (1, 2, 3)]
    for key, at in zip(keys, ("2026-12-31T23:59", "2027-01-01T00:00", "2027-06-01T00:00"), strict=True):
        await till.store.write(NUMBERS.issue, unix_s(at), key)
    assert [each[:2] for each in await till.documents()] == [("2026", 1), ("2027", 1), ("2027", 2)]


async def test_a_refund_has_a_credit_note_and_its_payment_a_document(till: Till) -> None:
    key = await till.paid(1)
    parts = [await till.given_back(key, cents) for cents in (300, 600)]
    for part in (*parts, parts[0]):
        await till.store.write(NUMBERS.credit, MONDAY_S, part)
    assert await till.documents() == [("2026", 1, 900), ("C2026", 1, 300), ("C2026", 2, 600)]

    def stored(tx: Tx) -> list[content.Content]:
        return [content.read(each) for each in tx.scalars(select(invoice.c.content).order_by(invoice.c.id))]

    receipt, credit, _ = await till.store.read(stored)
    assert (receipt.kind, receipt.refers_to) == ("receipt", "")
    assert (credit.kind, credit.refers_to, credit.refers_day) == ("credit", "2026-000001", receipt.day)


async def test_the_name_is_that_of_who_identified_or_else_of_who_paid(till: Till) -> None:
    def people(tx: Tx) -> tuple[int, int]:
        who = tx.scalars(select(participant.c.id).where(participant.c.role == "citizen")).one()
        proved = {
            "appointment_id": till.appointment_id,
            "participant_id": who,
            "provider": "demo",
            "state": "verified",
            "name": "An Peeters-Janssens",
            "created_s": MONDAY_S,
            "expires_s": MONDAY_S,
        }
        kept = {
            "appointment_id": till.appointment_id,
            "product_id": till.office.badminton,
            "backend": "sporthal",
            "resource": "pluim-1",
            "from_s": MONDAY_S,
            "until_s": MONDAY_S + 3600,
            "state": "confirmed",
            "idempotency_key": "x",
            "holder_id": _added(tx, identification, proved),
            "created_s": MONDAY_S,
            "changed_s": MONDAY_S,
        }
        return who, _added(tx, reservation, kept)

    who, kept = await till.store.write(people)
    names = []
    for at, values in enumerate(({"participant_id": who}, {"participant_id": who, "reservation_id": kept}, {})):
        key = await till.store.write(NUMBERS.issue, MONDAY_S, await till.paid(at, **values))
        names.append((await till.content(key)).buyer)
    assert names == ["An Peeters", "An Peeters-Janssens", "Particulier"]


async def test_outside_vat_no_vat_number_is_named(till: Till) -> None:
    key = await till.paid(1, vat_category="O", vat_rate=0)
    made = await till.store.write(replace(NUMBERS, kind="invoice").issue, MONDAY_S, key)
    one = select(invoice).where(invoice.c.id == made)
    row = await till.store.read(lambda tx: tx.execute(one).one())
    assert (row.kind, row.vat_cents) == ("invoice", 0)
    assert "BE0207490187" not in row.ubl


async def test_what_is_not_there_has_no_document(till: Till) -> None:
    for call in (NUMBERS.issue, NUMBERS.credit):
        with pytest.raises(NotFound):
            await till.store.write(call, MONDAY_S, 4711)
