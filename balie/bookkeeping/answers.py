"""Bookkeeping says that it has a document, and under which reference of its own.

Said again, it changes nothing.  What cannot be (a number that nobody wrote, another reference than before) is kept as
a mismatch, once, until somebody looked at it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from balie.booking.errors import NotFound
from balie.bookkeeping.numbers import parted
from balie.record import audit
from balie.store.engine import Tx
from balie.store.schema import appointment, invoice, invoice_mismatch, payment, service

REFERENCE_MAX, NUMBER_MAX = 128, 32
LINES_MAX = 100_000
UNREADABLE_MAX = 50  # of one file: who sends a picture need not be told of every line
HEADINGS = ("nummer", "number")

Outcome = Literal["taken", "again", "unknown", "other_reference", "unreadable"]


@dataclass(frozen=True)
class Told:
    """How many lines of a file said what."""

    taken: int = 0
    again: int = 0
    mismatches: int = 0


def acknowledge(
    tx: Tx, now_s: int, number: str, reference: str, actor: str, *, organisation_id: int | None = None
) -> Outcome:
    """Bookkeeping has it.  actor: as the audit names him.  organisation_id: whose it must be."""
    number, reference = number.strip(), reference.strip()
    if not reference or len(reference) > REFERENCE_MAX or not reference.isprintable():
        return _mismatch(tx, now_s, number, reference, "unreadable", actor)
    key = parted(number)
    query = (
        select(invoice.c.id, invoice.c.acknowledged_s, invoice.c.acknowledged_ref)
        .join(payment, payment.c.id == invoice.c.payment_id)
        .join(appointment, appointment.c.id == payment.c.appointment_id)
        .join(service, service.c.id == appointment.c.service_id)
        .with_for_update(of=invoice)
    )
    if organisation_id is not None:
        query = query.where(service.c.organisation_id == organisation_id)
    row = tx.execute(query.where(invoice.c.series == key[0], invoice.c.number == key[1])).first() if key else None
    if row is None:
        return _mismatch(tx, now_s, number, reference, "unknown", actor)
    if row.acknowledged_s is not None:
        if row.acknowledged_ref == reference:
            return "again"
        return _mismatch(tx, now_s, number, reference, "other_reference", actor)
    values = {"acknowledged_s": now_s, "acknowledged_ref": reference}
    tx.execute(update(invoice).where(invoice.c.id == row.id).values(**values))
    audit.note(tx, now_s, actor[:64], "invoice_acknowledged", f"invoice/{number}", reference=reference)
    return "taken"


def take(tx: Tx, now_s: int, source: str, content: bytes | None) -> Told:
    """A file of lines "number;reference".  content: None when it was no file that can be read."""
    if content is None:
        _mismatch(tx, now_s, "", source, "unreadable", source)
        return Told(mismatches=1)
    taken = again = mismatches = unreadable = 0
    for number, reference in _lines(content):
        if not reference:
            unreadable += 1
            if unreadable > UNREADABLE_MAX:
                break
        match acknowledge(tx, now_s, number, reference, source):
            case "taken":
                taken += 1
            case "again":
                again += 1
            case _:
                mismatches += 1
    return Told(taken, again, mismatches)


def close(tx: Tx, now_s: int, mismatch_id: int, staff_id: int, outcome: str) -> bool:
    """Somebody looked at it.  False: a colleague did before."""
    which = (invoice_mismatch.c.id == mismatch_id) & invoice_mismatch.c.closed_s.is_(None)
    values = {"closed_s": now_s, "staff_id": staff_id, "outcome": outcome}
    if not tx.execute(update(invoice_mismatch).where(which).values(**values)).rowcount:
        return False
    audit.note(tx, now_s, f"staff:{staff_id}", "invoice_mismatch_closed", f"invoice_mismatch/{mismatch_id}")
    return True


def acknowledged(tx: Tx, number: str) -> tuple[int, str]:
    """When, and under which reference.  NotFound: it was not."""
    key = parted(number)
    query = select(invoice.c.acknowledged_s, invoice.c.acknowledged_ref)
    row = tx.execute(query.where(invoice.c.series == key[0], invoice.c.number == key[1])).first() if key else None
    if row is None or row.acknowledged_s is None:
        raise NotFound("acknowledgement")
    return row.acknowledged_s, row.acknowledged_ref


def _mismatch(tx: Tx, now_s: int, number: str, reference: str, reason: Outcome, source: str) -> Outcome:
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    values = {
        "number": _shown(number, NUMBER_MAX),
        "reference": _shown(reference, REFERENCE_MAX),
        "reason": reason,
        "source": _shown(source, 200),
        "at_s": now_s,
        "outcome": "",
    }
    tx.execute(make(invoice_mismatch).values(**values).on_conflict_do_nothing())
    return reason


def _shown(text: str, most: int) -> str:
    """What fits, and can be stored and shown: files hold anything."""
    return "".join(each if each.isprintable() else "?" for each in text)[:most]


def _lines(content: bytes) -> Iterator[tuple[str, str]]:
    """Number and reference; no reference where a line has none.  A first line of names is skipped."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    lines = text.replace("\0", "?").splitlines()[:LINES_MAX]
    for at, line in enumerate(lines):
        cells = _cells(line)
        if not any(each.strip() for each in cells) or (at == 0 and cells[0].strip().lower() in HEADINGS):
            continue
        yield cells[0], cells[1].strip() if len(cells) > 1 else ""


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line), delimiter=";"), [""])
    except csv.Error:
        return [line[:NUMBER_MAX]]
