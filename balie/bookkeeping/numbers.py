"""Documents get numbers without gaps, one for each payment and one for each refund.

A number is taken in the transaction that writes its document, under a lock on the counter of its year: what is rolled
back takes its number with it.  Asked again, the same document comes back.  In the same transaction other
systems are told, and the citizen gets it by mail.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Row, insert, select, update

from balie.booking.errors import NotFound
from balie.bookkeeping import ubl
from balie.bookkeeping.accounts import Accounts
from balie.bookkeeping.content import Content, Line, Paid, Seller, kept, read
from balie.i18n import local
from balie.record import audit, events, schedule
from balie.store.engine import Tx
from balie.store.schema import (
    appointment,
    counter,
    identification,
    invoice,
    participant,
    payment,
    product,
    refund,
    reservation,
)
from balie.store.upsert import insert_into

_log = structlog.get_logger("bookkeeping")

CREDIT_PREFIX = "C"
NUMBER_DIGITS = 6
_NUMBER = re.compile(rf"({CREDIT_PREFIX}?[0-9]{{4}})-([0-9]{{{NUMBER_DIGITS},9}})")
SOMEBODY = "Particulier"
"""Whose name is not known any more.  Documents are in Dutch (law on the use of languages in administrative matters)."""


@dataclass(frozen=True)
class _Reason:
    """Why a document is written.  reference: of the money at the provider; before: the document that it takes back."""

    kind: str
    paid: Row[Any]
    cents: int
    reference: str
    refund_id: int | None = None
    before: Content | None = None


@dataclass(frozen=True)
class Numbers:
    """Bookkeeping of one municipality.

    kind      what a citizen gets: a receipt, or an invoice
    accounts  of the journal: other systems hear them too
    """

    seller: Seller
    kind: str = "receipt"
    accounts: Accounts = field(default_factory=Accounts)
    entropy: Callable[[int], bytes] = field(default=os.urandom, repr=False)

    def issue(self, tx: Tx, now_s: int, payment_id: int) -> int:
        """The document of a payment; returns its id, 0 when none can be written as the settings are.  NotFound."""
        paid = _locked(tx, payment_id)
        known = tx.scalar(select(invoice.c.id).where(invoice.c.payment_id == payment_id, invoice.c.refund_id.is_(None)))
        if known is not None:
            return int(known)
        return self._write(tx, now_s, _Reason(self.kind, paid, paid.amount_cents, paid.external_id or ""))

    def credit(self, tx: Tx, now_s: int, refund_id: int) -> int:
        """The credit note of a refund; returns its id.  The payment's own document is written first where it lacks.

        0 when none can be written as the settings are.  NotFound.
        """
        back = tx.execute(select(refund).where(refund.c.id == refund_id)).first()
        if back is None:
            raise NotFound("refund")
        paid = _locked(tx, back.payment_id)
        known = tx.scalar(select(invoice.c.id).where(invoice.c.refund_id == refund_id))
        if known is not None:
            return int(known)
        before = tx.execute(select(invoice).where(invoice.c.id == self.issue(tx, now_s, back.payment_id))).first()
        if before is None:
            return 0
        why = _Reason("credit", paid, back.amount_cents, back.external_id or "", refund_id, read(before.content))
        return self._write(tx, now_s, why)

    def _write(self, tx: Tx, now_s: int, why: _Reason) -> int:
        paid = why.paid
        about = tx.execute(select(appointment).where(appointment.c.id == paid.appointment_id)).one()
        seller = self.seller if paid.vat_category != "O" else _without_vat(self.seller)
        line = Line(paid.description, why.cents, paid.vat_category, 0 if paid.vat_category in "EO" else paid.vat_rate)
        try:
            ubl.check(seller, line)
        except ValueError as error:
            # Money and reservation go on; the document follows when the settings are right, for its payment is looked
            # at again.
            _log.error("document_not_written", payment=paid.id, rule=str(error))
            return 0
        day = local(now_s, about.zone).date()
        series = f"{CREDIT_PREFIX if why.kind == 'credit' else ''}{day.year}"
        number = _next(tx, series)
        content = Content(
            kind=why.kind,  # type: ignore[arg-type]  # one of the database's own
            number=written(series, number),
            day=day.isoformat(),
            seller=seller,
            buyer=_buyer(tx, paid),
            line=line,
            paid=Paid(paid.ogm, paid.method, _day(paid.paid_s or now_s, about.zone), why.reference),
            refers_to=why.before.number if why.before is not None else "",
            refers_day=why.before.day if why.before is not None else "",
        )
        made = self._insert(tx, now_s, why, series, number, content)
        facts = {"number": content.number, "payment": paid.id}
        audit.note(tx, now_s, "system", "invoice_issued", events.subject(about.ref), **facts)
        if paid.participant_id is not None:
            schedule.receipt(tx, now_s, self.entropy, paid.participant_id, content.number, made)
        return made

    def _insert(self, tx: Tx, now_s: int, why: _Reason, series: str, number: int, content: Content) -> int:
        document = ubl.build(content).decode()
        row = {
            "payment_id": why.paid.id,
            "refund_id": why.refund_id,
            "kind": why.kind,
            "series": series,
            "number": number,
            "issued_s": now_s,
            "total_cents": content.sums.gross,
            "vat_cents": content.sums.vat,
            "content": kept(content),
            "ubl": document,
        }
        made = tx.execute(insert(invoice).values(**row)).inserted_primary_key
        assert made is not None
        self._tell(tx, now_s, why.paid, content, document)
        return int(made[0])

    def _tell(self, tx: Tx, now_s: int, paid: Row[Any], content: Content, document: str) -> None:
        slug = tx.scalar(select(product.c.slug).where(product.c.id == paid.product_id)) or ""
        facts = {
            "number": content.number,
            "kind": content.kind,
            "day": content.day,
            "total_cents": content.sums.gross,
            "vat_cents": content.sums.vat,
            "ogm": content.paid.ogm,
            "ledger_account": self.accounts.of(slug),
            "refers_to": content.refers_to,
        }
        personal = {"buyer": content.buyer, "ubl": document}
        kind = events.INVOICE + "issued"
        events.emit(tx, now_s, self.entropy, paid.appointment_id, kind, {"invoice": facts}, personal)


def written(series: str, number: int) -> str:
    """As it stands on the document: 2026-000017."""
    return f"{series}-{number:0{NUMBER_DIGITS}}"


def parted(number: str) -> tuple[str, int] | None:
    """Series and number of what written() wrote; None of anything else."""
    found = _NUMBER.fullmatch(number)
    return (found[1], int(found[2])) if found is not None else None


def _locked(tx: Tx, payment_id: int) -> Row[Any]:
    """The appointment first, as everybody locks who decides on money."""
    of_it = select(payment.c.appointment_id).where(payment.c.id == payment_id).scalar_subquery()
    tx.execute(select(appointment.c.id).where(appointment.c.id == of_it).with_for_update())
    row = tx.execute(select(payment).where(payment.c.id == payment_id).with_for_update()).first()
    if row is None:
        raise NotFound("payment")
    return row


def _next(tx: Tx, series: str) -> int:
    name = f"invoice {series}"
    tx.execute(insert_into(counter, tx.dialect.name).values(name=name, last=0).on_conflict_do_nothing())
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


def _day(unix_s: int, zone: str) -> str:
    return local(unix_s, zone).date().isoformat()


def _without_vat(seller: Seller) -> Seller:
    """Outside VAT nobody's VAT number stands on a document (BR-O-02)."""
    return Seller(
        seller.name, seller.kbo, "", seller.street, seller.postcode, seller.city, seller.country, seller.exemption
    )
