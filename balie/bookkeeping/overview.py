"""What people see of documents: totals, batches, what bookkeeping has not taken yet, one by its number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, case, func, select

from balie.booking.errors import NotFound
from balie.bookkeeping.content import Content, read
from balie.bookkeeping.numbers import parted
from balie.bookkeeping.papers import WAITS
from balie.store.engine import Tx
from balie.store.schema import appointment, invoice, invoice_mismatch, payment, staff

Services = Collection[int]
"""Ids of those whose documents somebody may see."""

_IS_CREDIT = invoice.c.kind == "credit"
_RECEIVED = case((_IS_CREDIT, 0), else_=invoice.c.total_cents)
_CREDITED = case((_IS_CREDIT, invoice.c.total_cents), else_=0)
_SIGNED_VAT = case((_IS_CREDIT, -invoice.c.vat_cents), else_=invoice.c.vat_cents)


@dataclass(frozen=True)
class Month:
    """month: 2026-12.  received and credited are with VAT; vat is what is left of it."""

    month: str
    number: int
    received: int
    credited: int
    vat: int

    @property
    def total(self) -> int:
        return self.received - self.credited


@dataclass(frozen=True)
class Batch:
    """name: of the folder."""

    name: str
    exported_s: int
    number: int
    acknowledged: int


@dataclass(frozen=True)
class Paper:
    """A document.  ref: of the appointment; made: its UBL, only when one asks for one."""

    id: int
    content: Content
    issued_s: int
    exported_s: int | None
    exported_as: str
    acknowledged_s: int | None
    acknowledged_ref: str
    ref: str
    zone: str
    ubl: str = ""


@dataclass(frozen=True)
class Mismatch:
    id: int
    number: str
    reference: str
    reason: str
    source: str
    at_s: int
    closed_s: int | None
    staff_name: str
    outcome: str


def months(tx: Tx, services: Services, limit: int = 13) -> list[Month]:
    """The latest first, by the day that stands on the document."""
    month = func.substr(invoice.c.content["day"].as_string(), 1, 7)
    sums = (func.sum(each) for each in (_RECEIVED, _CREDITED, _SIGNED_VAT))
    query = _of(select(month, func.count(), *sums), services).group_by(month).order_by(month.desc()).limit(limit)
    return [Month(row[0], *(int(each) for each in row[1:])) for row in tx.execute(query)]


def batches(tx: Tx, services: Services, limit: int = 30) -> list[Batch]:
    """The latest first."""
    at = func.max(invoice.c.exported_s)
    chosen = select(invoice.c.exported_as, at, func.count(), func.count(invoice.c.acknowledged_s))
    query = _of(chosen, services).where(invoice.c.exported_s.is_not(None)).group_by(invoice.c.exported_as)
    rows = tx.execute(query.order_by(at.desc(), invoice.c.exported_as.desc()).limit(limit))
    return [Batch(row[0], int(row[1]), row[2], row[3]) for row in rows]


def waiting(tx: Tx, services: Services) -> tuple[int, int | None]:
    """How many are in no batch yet, and since when the oldest waits."""
    row = tx.execute(_of(select(func.count(), func.min(invoice.c.issued_s)), services).where(WAITS)).one()
    return row[0], row[1]


def unacknowledged(tx: Tx, services: Services, limit: int = 100) -> list[Paper]:
    """Exported, and not taken: the oldest first."""
    query = _papers(services).where(invoice.c.exported_s.is_not(None), invoice.c.acknowledged_s.is_(None))
    return [_paper(row) for row in tx.execute(query.order_by(invoice.c.id).limit(limit))]


def of_batch(tx: Tx, services: Services, batch: str) -> list[Paper]:
    query = _papers(services).where(invoice.c.exported_as == batch, invoice.c.exported_s.is_not(None))
    return [_paper(row) for row in tx.execute(query.order_by(invoice.c.id))]


def by_number(tx: Tx, services: Services, number: str) -> Paper:
    """NotFound."""
    key = parted(number)
    query = _papers(services).add_columns(invoice.c.ubl)
    row = tx.execute(query.where(invoice.c.series == key[0], invoice.c.number == key[1])).first() if key else None
    if row is None:
        raise NotFound("invoice")
    return _paper(row, row.ubl)


def mismatches(tx: Tx, *, closed: bool = False, limit: int = 100) -> list[Mismatch]:
    """Open ones, the oldest first; or closed ones, the latest first."""
    found = invoice_mismatch.c
    is_open = found.closed_s.is_(None)
    names = [name for name in Mismatch.__dataclass_fields__ if name != "staff_name"]
    query = select(*(found[name] for name in names), staff.c.name.label("staff_name"))
    query = query.outerjoin(staff, staff.c.id == found.staff_id).where(~is_open if closed else is_open)
    order = found.closed_s.desc() if closed else found.at_s
    rows = tx.execute(query.order_by(order, found.id).limit(limit))
    return [Mismatch(**{**row._mapping, "staff_name": row.staff_name or ""}) for row in rows]


def open_number(tx: Tx) -> int:
    """Of mismatches."""
    return tx.scalar(select(func.count()).where(invoice_mismatch.c.closed_s.is_(None))) or 0


def _of(query: Any, services: Services) -> Any:
    joined = invoice.join(payment, payment.c.id == invoice.c.payment_id)
    joined = joined.join(appointment, appointment.c.id == payment.c.appointment_id)
    return query.select_from(joined).where(appointment.c.service_id.in_(list(services)))


_OWN = ("id", "content", "issued_s", "exported_s", "exported_as", "acknowledged_s", "acknowledged_ref")


def _papers(services: Services) -> Any:
    return _of(select(*(invoice.c[name] for name in _OWN), appointment.c.ref, appointment.c.zone), services)


def _paper(row: Row[Any], ubl: str = "") -> Paper:
    values = {name: row._mapping[name] for name in (*_OWN, "ref", "zone")}
    return Paper(**{**values, "content": read(row.content)}, ubl=ubl)
