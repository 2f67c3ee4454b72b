"""What staff gave the citizen, as far as a letter must tell it: who is in the call sees a document come, later nobody
reminds him of it but the letter after the call."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, or_, select

from balie.store.engine import Tx
from balie.store.schema import document, message

LOST = ("cancelled", "failed", "suppressed")
"""States of a letter that told nobody anything."""


def count(tx: Tx, appointment_id: int) -> int:
    """Documents of staff that can be had."""
    return tx.scalar(select(func.count()).select_from(document).where(_given(appointment_id))) or 0


def untold(tx: Tx, appointment_id: int) -> bool:
    """Whether one of them came after every letter of its own: one that still waits tells of it too."""
    told = select(message.c.id).where(
        message.c.appointment_id == appointment_id,
        message.c.kind == "document",
        message.c.variant.startswith("sent"),
        message.c.status.not_in(LOST),
        or_(message.c.submitted_s.is_(None), message.c.submitted_s >= document.c.changed_s),
    )
    found = select(document.c.id).where(_given(appointment_id), ~told.exists())
    return tx.execute(found.limit(1)).first() is not None


def _given(appointment_id: int) -> ColumnElement[bool]:
    here = document.c.appointment_id == appointment_id
    return here & (document.c.direction == "out") & (document.c.state == "available")
