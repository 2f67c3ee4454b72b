"""The end of a visit: links die, reminders stop, a goodbye is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, select, update

from balie.booking import links
from balie.booking.people import STANDING
from balie.record import audit, events, schedule
from balie.store.engine import Tx
from balie.store.schema import appointment

Entropy = Callable[[int], bytes]


def end(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int, actor: str, attendance: str = "seen") -> bool:
    """The conversation took place and is over.  False when that was known, or there is none to end."""
    row = _locked(tx, appointment_id)
    if row is None or row.status not in STANDING:
        return False
    _close(tx, now_s, entropy, row, actor, "completed", attendance)
    schedule.ended(tx, now_s, entropy, appointment_id)
    return True


def miss(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int, actor: str, attendance: str) -> bool:
    """It did not come to a conversation.  attendance: no_show_citizen or no_show_office.  False as end()."""
    row = _locked(tx, appointment_id)
    if row is None or row.status not in STANDING:
        return False
    _close(tx, now_s, entropy, row, actor, attendance, attendance)
    schedule.missed(tx, now_s, entropy, appointment_id)
    return True


def correct(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int, actor: str, attendance: str) -> bool:
    """A person knows better who was there.  attendance: seen, no_show_citizen or no_show_office.

    False when it was that already.  Nobody gets another message: that is for who corrects to do.
    """
    row = _locked(tx, appointment_id)
    if row is None or row.status not in ("completed", "no_show_citizen", "no_show_office"):
        return False
    if row.attendance == attendance:
        return False
    status = "completed" if attendance == "seen" else attendance
    values = {"status": status, "attendance": attendance, "changed_s": now_s}
    tx.execute(update(appointment).where(appointment.c.id == appointment_id).values(**values))
    about = events.subject(row.ref)
    audit.note(tx, now_s, actor, "attendance_corrected", about, before=row.attendance, after=attendance)
    _announce(tx, now_s, entropy, appointment_id, status, corrected=True)
    return True


def _close(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], actor: str, status: str, attendance: str) -> None:
    values = {"status": status, "attendance": attendance, "ended_s": now_s, "changed_s": now_s}
    tx.execute(update(appointment).where(appointment.c.id == row.id).values(**values))
    links.revoke(tx, now_s, appointment_id=row.id)
    audit.note(tx, now_s, actor, status, events.subject(row.ref), attendance=attendance)
    _announce(tx, now_s, entropy, row.id, status)


def _announce(
    tx: Tx, now_s: int, entropy: Entropy, appointment_id: int, status: str, *, corrected: bool = False
) -> None:
    kind = "completed" if status == "completed" else "no_show"
    extra = {"corrected": True} if corrected else {}
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + kind, extra)


def _locked(tx: Tx, appointment_id: int) -> Row[Any] | None:
    return tx.execute(select(appointment).where(appointment.c.id == appointment_id).with_for_update()).first()
