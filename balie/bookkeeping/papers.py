"""Documents on their way to bookkeeping, as rows: what waits, what is in which batch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, update

from balie.bookkeeping.content import read
from balie.bookkeeping.journal import Entry
from balie.record import audit
from balie.store.engine import Tx
from balie.store.schema import invoice, payment, product


class TakenError(Exception):
    """Somebody else exported one of these meanwhile."""


@dataclass(frozen=True)
class Paper:
    """A document that goes into a batch."""

    id: int
    entry: Entry
    ubl: str

    @property
    def number(self) -> str:
        return self.entry.content.number


WAITS = invoice.c.exported_s.is_(None) & invoice.c.acknowledged_s.is_(None)
"""What bookkeeping acknowledged has come to it by another way."""


def waiting(tx: Tx, limit: int) -> list[Paper]:
    """The oldest first."""
    query = (
        select(invoice.c.id, invoice.c.content, invoice.c.ubl, product.c.slug)
        .join(payment, payment.c.id == invoice.c.payment_id)
        .join(product, product.c.id == payment.c.product_id)
        .where(WAITS)
        .order_by(invoice.c.id)
        .limit(limit)
    )
    return [Paper(row.id, Entry(read(row.content), row.slug), row.ubl) for row in tx.execute(query)]


def mark(tx: Tx, now_s: int, batch: str, papers: Collection[int]) -> None:
    """These are in this batch, from now on.  TakenError: one of them is in another."""
    ours = invoice.c.id.in_(list(papers)) & WAITS
    changed = tx.execute(update(invoice).where(ours).values(exported_s=now_s, exported_as=batch))
    if changed.rowcount != len(papers):
        raise TakenError
    audit.note(tx, now_s, "system", "invoices_exported", f"batch/{batch}"[:200], number=len(papers))


def is_marked(tx: Tx, batch: str) -> bool:
    """Whether what is in this batch counts as exported."""
    return tx.scalar(select(invoice.c.id).where(invoice.c.exported_as == batch).limit(1)) is not None
