"""Documents get numbers without gaps, one for each payment and one for each refund.

A number is taken in the transaction that writes its document, under a lock on the counter of its year: what is rolled
back takes its number with it.  Asked again, the same document comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from balie.booking.errors import NotFound
from balie.bookkeeping import ubl
from balie.bookkeeping.content import Content, Line, Paid, Seller, kept, read
from balie.i18n import local
from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import appointment, counter, identification, invoice, participant, payment, refund, reservation

CREDIT_PREFIX = "C"
NUMBER_DIGITS = 6
SOMEBODY = "Particulier"
"""Whose name is not known any more.  Documents are in Dutch (law on the use of languages in administrative matters)."""


@dataclass(frozen=True)
class Numbers:
    """Bookkeeping of one municipality.

    kind  what a citizen gets: a receipt, or an invoice
    """

    seller: Seller
    kind: str = "receipt"

    def issue(self, tx: Tx, now_s: int, payment_id: int) -> int:
        """The document of a payment; returns its id.  NotFound."""
        paid = _locked(tx, payment_id)
        known = tx.scalar(select(invoice.c.id).where(invoice.c.payment_id == payment_id, invoice.c.refund_id.is_(None)))
        if known is not None:
            return int(known)
        return self._write(tx, now_s, paid, paid.amount_cents, self.kind)

    def credit(self, tx: Tx, now_s: int, refund_id: int) -> int:
        """The credit note of a refund; returns its id.  The payment's own document is written first where it lacks.

        NotFound.
        """
        back = tx.execute(select(refund).where(refund.c.id == refund_id)).first()
        if back is None:
            raise NotFound("refund")
        paid = _locked(tx, back.payment_id)
        known = tx.scalar(select(invoice.c.id).where(invoice.c.refund_id == refund_id))
        if known is not None:
            return int(known)
        before = tx.execute(select(invoice).where(invoice.c.id == self.issue(tx, now_s, back.payment_id))).one()
        return self._write(tx, now_s, paid, back.amount_cents, "credit", refund_id, before)

    def _write(
        self,
        tx: Tx,
        now_s: int,
        paid: Row[Any],
        cents: int,
        kind: str,
        refund_id: int | None = None,
        before: Row[Any] | None = None,
    ) -> int:
        about = tx.execute(select(appointment).where(appointment.c.id == paid.appointment_id)).one()
        day = local(now_s, about.zone).date()
        series = f"{CREDIT_PREFIX if kind == 'credit' else ''}{day.year}"
        number = _next(tx, series)
        exempt = paid.vat_category in ("E", "O")
        seller = self.seller if paid.vat_category != "O" else _without_vat(self.seller)
        content = Content(
            kind=kind,  # type: ignore[arg-type]  # one of the database's own
            number=written(series, number),
            day=day.isoformat(),
            seller=seller,
            buyer=_buyer(tx, paid),
            line=Line(paid.description, cents, paid.vat_category, 0 if exempt else paid.vat_rate),
            paid=Paid(paid.ogm, paid.method, local(paid.paid_s or now_s, about.zone).date().isoformat()),
            refers_to=written(before.series, before.number) if before is not None else "",
            refers_day=read(before.content).day if before is not None else "",
        )
        row = {
            "payment_id": paid.id,
            "refund_id": refund_id,
            "kind": kind,
            "series": series,
            "number": number,
            "issued_s": now_s,
            "total_cents": content.sums.gross,
            "vat_cents": content.sums.vat,
            "content": kept(content),
            "ubl": ubl.build(content).decode(),
        }
        made = tx.execute(insert(invoice).values(**row)).inserted_primary_key
        assert made is not None
        subject = events.subject(about.ref)
        audit.note(tx, now_s, "system", "invoice_issued", subject, number=content.number, payment=paid.id)
        return int(made[0])


def written(series: str, number: int) -> str:
    """As it stands on the document: 2026-000017."""
    return f"{series}-{number:0{NUMBER_DIGITS}}"


def _locked(tx: Tx, payment_id: int) -> Row[Any]:
    row = tx.execute(select(payment).where(payment.c.id == payment_id).with_for_update()).first()
    if row is None:
        raise NotFound("payment")
    return row


def _next(tx: Tx, series: str) -> int:
    name = f"invoice {series}"
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    tx.execute(make(counter).values(name=name, last=0).on_conflict_do_nothing())
    tx.execute(update(counter).where(counter.c.name == name).values(last=counter.c.last + 1))
    return int(tx.scalars(select(counter.c.last).where(counter.c.name == name)).one())


def _buyer(tx: Tx, paid: Row[Any]) -> str:
    """Who the reservation stands for, or else who paid; a document names somebody (BR-07)."""
    holder = (
        select(identification.c.name)
        .join(reservation, reservation.c.holder_id == identification.c.id)
        .where(reservation.c.id == paid.reservation_id)
    )
    booked = select(participant.c.name).where(participant.c.id == paid.participant_id)
    return tx.scalar(holder) or tx.scalar(booked) or SOMEBODY


def _without_vat(seller: Seller) -> Seller:
    """Outside VAT nobody's VAT number stands on a document (BR-O-02)."""
    return Seller(
        seller.name, seller.kbo, "", seller.street, seller.postcode, seller.city, seller.country, seller.exemption
    )
