"""An appointment goes over to a colleague, before or during the call: the citizen waits where he waits."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import select, update

from balie.booking import claims
from balie.booking.catalogue import staff_of
from balie.booking.errors import Unfit
from balie.booking.people import standing
from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import appointment, staff
from balie.store.schema import audit as audit_rows

ACTION = "transferred"


@dataclass(frozen=True)
class Handed:
    """The last time that an appointment went over.  to_staff and from_staff: ids; from_name: who gave it."""

    at_s: int
    from_staff: int
    to_staff: int
    from_name: str


def transfer(
    tx: Tx, now_s: int, entropy: Callable[[int], bytes], appointment_id: int, staff_id: int, actor: str
) -> bool:
    """It is this colleague's from now on.  False: it was his already.

    His calendar takes it in when he is free then; when he is not, he has two at once, which he and the one who asks
    him know.  NotFound, NotNow: the appointment.  Unfit staff: nobody of its service.
    """
    row = standing(tx, appointment_id)
    if staff_id == row.staff_id:
        return False
    if staff_id not in {each.id for each in staff_of(tx, row.service_id)}:
        raise Unfit("staff", "staff_unknown", "nobody of this service")
    cells = claims.cells_of(row.start_s, row.end_s, row.buffer_before_min, row.buffer_after_min)
    claims.hand_over(tx, appointment_id, cells, staff_id)
    which = appointment.c.id == appointment_id
    tx.execute(update(appointment).where(which).values(staff_id=staff_id, changed_s=now_s))
    about = events.subject(row.ref)
    audit.note(tx, now_s, actor, ACTION, about, from_staff=row.staff_id, to_staff=staff_id)
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + "changed")
    return True


def last(tx: Tx, refs: Collection[str]) -> dict[str, Handed]:
    """How these appointments last went over, by reference; those that never did are left out."""
    if not refs:
        return {}
    about = {events.subject(ref): ref for ref in refs}
    rows = tx.execute(
        select(audit_rows.c.object, audit_rows.c.at_s, audit_rows.c.detail)
        .where(audit_rows.c.object.in_(about), audit_rows.c.action == ACTION)
        .order_by(audit_rows.c.id)
    ).all()
    givers = {row.detail["from_staff"] for row in rows}
    names = {row.id: row.name for row in tx.execute(select(staff.c.id, staff.c.name).where(staff.c.id.in_(givers)))}
    return {
        about[row.object]: Handed(
            row.at_s, row.detail["from_staff"], row.detail["to_staff"], names.get(row.detail["from_staff"], "")
        )
        for row in rows
    }
