"""What was given around a visit goes along when its appointment moves (balie.documents knows what it is)."""

from __future__ import annotations

from sqlalchemy import select, update

from balie.store.engine import Tx
from balie.store.schema import appointment, document, guide_step, participant


def follow(tx: Tx, old_id: int, new_id: int) -> None:
    """Documents, and the steps that ask for some, are of the new row; their term moves as the end of the visit did."""
    ends = select(appointment.c.id, appointment.c.end_s).where(appointment.c.id.in_((old_id, new_id)))
    end_s = {row.id: row.end_s for row in tx.execute(ends)}
    tx.execute(
        update(guide_step)
        .where(guide_step.c.appointment_id == old_id, guide_step.c.kind == "document")
        .values(appointment_id=new_id)
    )
    of_old = document.c.appointment_id == old_id
    if tx.scalar(select(document.c.id).where(of_old).limit(1)) is None:
        return
    people = select(participant.c.id, participant.c.person, participant.c.appointment_id).where(
        participant.c.appointment_id.in_((old_id, new_id))
    )
    rows = tx.execute(people).all()
    now = {row.person: row.id for row in rows if row.appointment_id == new_id}
    for row in rows:
        if row.appointment_id == old_id and row.person in now:
            his = of_old & (document.c.participant_id == row.id)
            tx.execute(update(document).where(his).values(participant_id=now[row.person]))
    later_s = end_s[new_id] - end_s[old_id]
    tx.execute(update(document).where(of_old).values(appointment_id=new_id, delete_s=document.c.delete_s + later_s))
