"""Bookkeeping says that it has a document, and under which reference of its own.

Said again, it changes nothing.  What cannot be (a number that nobody wrote, another reference than before) is kept as
a mismatch, once, until somebody looked at it.  Who sends much that cannot be sent a wrong file: of that a few are kept,
and that it could not be read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select, update

from balie.booking.errors import NotFound
from balie.bookkeeping.numbers import parted
from balie.record import audit
from balie.store.engine import Tx
from balie.store.schema import appointment, invoice, invoice_mismatch, payment, service
from balie.store.upsert import insert_into

REFERENCE_MAX, NUMBER_MAX, SOURCE_MAX = 128, 32, 200
LINES_MAX = 100_000
PART_LINES = 500
"""Lines that are read in one transaction, which takes a fifth of a second: on SQLite, who books waits for it."""
UNREADABLE_MAX = 50  # of one part: who sends a picture need not be told of every line
KEPT_MAX = 200
"""Mismatches of one visit to the folder: what somebody can look through in a morning."""
OPEN_MAX = 1000
"""Mismatches that nobody looked at yet, whoever told of them; a thousand and one say no more than a thousand."""
FILES_OPEN_MAX = 200
"""More, for files that cannot be right: of these one still hears when there is room for nothing else."""
HEADINGS = ("nummer", "number")

Outcome = Literal["taken", "again", "unknown", "other_reference", "unreadable"]
FINE = ("taken", "again")


@dataclass(frozen=True)
class Told:
    """How many lines of a file, or of a part of one, said what.  gave_up: the rest need not be read."""

    taken: int = 0
    again: int = 0
    mismatches: int = 0
    gave_up: bool = False

    def __add__(self, other: Told) -> Told:
        sums = self.taken + other.taken, self.again + other.again, self.mismatches + other.mismatches
        return Told(*sums, self.gave_up or other.gave_up)


def acknowledge(
    tx: Tx, now_s: int, number: str, reference: str, actor: str, *, organisation_id: int | None = None
) -> Outcome:
    """Bookkeeping has it.  actor: as the audit names him.  organisation_id: whose it must be."""
    said = _hear(tx, now_s, number, reference, actor, organisation_id)
    if said not in FINE and _room(tx):
        _keep(tx, now_s, number, reference, said, actor)
    return said


def _hear(tx: Tx, now_s: int, number: str, reference: str, actor: str, organisation_id: int | None = None) -> Outcome:
    number, reference = number.strip(), reference.strip()
    if not reference or len(reference) > REFERENCE_MAX or not reference.isprintable():
        return "unreadable"
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
        return "unknown"
    if row.acknowledged_s is not None:
        return "again" if row.acknowledged_ref == reference else "other_reference"
    values = {"acknowledged_s": now_s, "acknowledged_ref": reference}
    tx.execute(update(invoice).where(invoice.c.id == row.id).values(**values))
    audit.note(tx, now_s, actor[:64], "invoice_acknowledged", f"invoice/{number}", reference=reference)
    return "taken"


def parts(content: bytes | None) -> Iterator[bytes | None]:
    """A file for take(), which may be said again: who dies in the middle begins anew."""
    if content is None:
        yield None
        return
    lines = content.splitlines(keepends=True)[:LINES_MAX]
    for at in range(0, len(lines), PART_LINES):
        yield b"".join(lines[at : at + PART_LINES])


def take(tx: Tx, now_s: int, source: str, content: bytes | None, room: int = KEPT_MAX) -> Told:
    """A file of lines "number;reference", or a part of it.  content: None when it was no file that can be read.

    room: so many mismatches are kept, the first ones, and one more that says that the file cannot be right
    """
    source = _shown(source, SOURCE_MAX)  # the name of a file is bytes, and need not be UTF-8
    if content is None:
        _keep(tx, now_s, "", source, "unreadable", source)
        return Told(mismatches=1)
    taken = again = mismatches = unreadable = 0
    gave_up = False
    room = min(room, _room(tx))
    for number, reference in _lines(content):
        if not reference:
            unreadable += 1
            if gave_up := unreadable > UNREADABLE_MAX:
                break
        said = _hear(tx, now_s, number, reference, source)
        taken += said == "taken"
        again += said == "again"
        if said not in FINE:
            mismatches += 1
            if mismatches <= room:
                _keep(tx, now_s, number, reference, said, source)
    if mismatches > room and _room(tx, OPEN_MAX + FILES_OPEN_MAX):
        _keep(tx, now_s, "", source, "unreadable", source)
    return Told(taken, again, mismatches, gave_up)


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


def _room(tx: Tx, most: int = OPEN_MAX) -> int:
    """So many mismatches more may wait for somebody."""
    waiting = tx.scalar(select(func.count()).where(invoice_mismatch.c.closed_s.is_(None))) or 0
    return max(0, most - waiting)


def _keep(tx: Tx, now_s: int, number: str, reference: str, reason: Outcome, source: str) -> None:
    """Once: also when somebody closed it."""
    values = {
        "number": _shown(number.strip(), NUMBER_MAX),
        "reference": _shown(reference.strip(), REFERENCE_MAX),
        "reason": reason,
        "source": _shown(source, SOURCE_MAX),
        "at_s": now_s,
        "outcome": "",
    }
    tx.execute(insert_into(invoice_mismatch, tx.dialect.name).values(**values).on_conflict_do_nothing())


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
