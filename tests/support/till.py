"""A till that citizens pay at: an appointment with payments, refunds and the documents of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table, insert, select

from balie.bookkeeping import answers, content, papers
from balie.bookkeeping.numbers import Numbers
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, invoice, participant, payment, refund
from tests.support import office as offices
from tests.support.booking import booked
from tests.support.desk import DeskSite
from tests.support.office import MONDAY_S, Office
from tests.support.paper import OFFICE

NUMBERS = Numbers(OFFICE)


def added(tx: Tx, table: Table, row: dict[str, object]) -> int:
    """Returns its id."""
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
        return await self.store.write(added, payment, row)

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
        return await self.store.write(added, refund, row)

    async def content(self, key: int) -> content.Content:
        one = select(invoice.c.content).where(invoice.c.id == key)
        return content.read(await self.store.read(lambda tx: tx.scalars(one).one()))

    async def documents(self) -> list[tuple[str, int, int]]:
        def look(tx: Tx) -> list[tuple[str, int, int]]:
            query = select(invoice.c.series, invoice.c.number, invoice.c.total_cents).order_by(invoice.c.id)
            return [tuple(row) for row in tx.execute(query)]

        return await self.store.read(look)

    async def bought(self, at: int, cents: int = 900, now_s: int = MONDAY_S, **values: object) -> int:
        """Paid, and written down: the id of the document."""
        return await self.store.write(NUMBERS.issue, now_s, await self.paid(at, cents, **values))

    async def citizen(self) -> int:
        who = select(participant.c.id).where(
            participant.c.appointment_id == self.appointment_id, participant.c.role == "citizen"
        )
        return await self.store.read(lambda tx: tx.scalars(who).one())


async def only_appointment(store: Store) -> int:
    """Of who booked by other means."""
    return await store.read(lambda tx: tx.scalars(select(appointment.c.id)).one())


async def fill_books(site: DeskSite) -> None:
    """Something in every list of the books: paid, given back, exported, booked, and what does not agree."""
    till = Till(site.store, site.office, (await site.book("2026-12-08T15:30")).appointment_id)
    for at in range(3):
        await till.bought(at, participant_id=await till.citizen())
    paid = await till.paid(9)
    await site.store.write(NUMBERS.credit, MONDAY_S, await till.given_back(paid, 300))

    def export(tx: Tx) -> None:
        papers.mark(tx, MONDAY_S, "2026-12-07_2026-000001", [1, 2, 3])
        answers.take(tx, MONDAY_S, "terug/2026-12-07_2026-000001.csv", b"2026-000001;BK-1\n2026-000077;BK-2\n")

    await site.store.write(export)


async def open_till(store: Store) -> Till:
    town = await store.write(offices.found)
    return Till(store, town, (await booked(store, town)).appointment_id)
