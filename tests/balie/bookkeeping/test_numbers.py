"""Numbers without gaps, one document for each payment and each refund, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import select

from balie.booking.errors import NotFound
from balie.bookkeeping import content
from balie.bookkeeping.numbers import parted, written
from balie.record import events
from balie.store.engine import Store, Tx
from balie.store.schema import identification, invoice, outbox, participant, reservation
from tests.support.office import MONDAY_S, unix_s
from tests.support.paper import OFFICE
from tests.support.till import NUMBERS, Till, added, open_till


@pytest_asyncio.fixture
async def till(store: Store) -> Till:
    return await open_till(store)


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
            "holder_id": added(tx, identification, proved),
            "created_s": MONDAY_S,
            "changed_s": MONDAY_S,
        }
        return who, added(tx, reservation, kept)

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


async def test_what_cannot_be_written_takes_no_number_and_stops_nothing(till: Till) -> None:
    """The settings are put right later; until then money and reservation go on."""
    key = await till.paid(1)
    back = await till.given_back(key, 900)
    without = replace(NUMBERS, seller=replace(OFFICE, vat=""))
    assert await till.store.write(without.issue, MONDAY_S, key) == 0
    assert await till.store.write(without.credit, MONDAY_S, back) == 0
    assert await till.documents() == []
    assert await till.store.write(NUMBERS.credit, MONDAY_S, back) > 0
    assert await till.documents() == [("2026", 1, 900), ("C2026", 1, 900)]


async def test_other_systems_hear_of_each_document_once(till: Till) -> None:
    key = await till.paid(1)
    back = await till.given_back(key, 300)
    for _each in range(3):
        await till.store.write(NUMBERS.issue, MONDAY_S, key)
        await till.store.write(NUMBERS.credit, MONDAY_S, back)
    told = select(outbox.c.data).where(outbox.c.type == events.INVOICE + "issued").order_by(outbox.c.id)
    receipt, credit = await till.store.read(lambda tx: list(tx.scalars(told)))
    personal = receipt.pop(events.PERSONAL)
    assert "Peeters" not in str(receipt), "who may know the name asks for it"
    assert personal["buyer"] == "Particulier" and "<cbc:ID>2026-000001</cbc:ID>" in personal["ubl"]
    assert receipt["invoice"] | {"ogm": ""} == {
        "number": "2026-000001",
        "kind": "receipt",
        "day": "2026-12-07",
        "total_cents": 900,
        "vat_cents": 51,
        "ogm": "",
        "ledger_account": "700000",
        "refers_to": "",
    }
    assert (credit["invoice"]["kind"], credit["invoice"]["refers_to"]) == ("credit", "2026-000001")


@pytest.mark.parametrize(
    "text", ["", "2026-1", "2026-00001", "X2026-000001", "C2026-0000001x", "2026-000001 ", "²026-000001"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert parted(text) is None


@pytest.mark.parametrize(("series", "number"), [("2026", 1), ("C2026", 17), ("2031", 1_234_567)])
def test_a_number_comes_back_as_it_was_written(series: str, number: int) -> None:
    assert parted(written(series, number)) == (series, number)
