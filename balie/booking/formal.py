"""What was reserved, paid and proved goes along when its appointment moves (balie.acts knows what it is)."""

from __future__ import annotations

from sqlalchemy import select, update

from balie.record import tasks
from balie.store.engine import Tx
from balie.store.schema import identification, participant, payment, reservation


def follow(tx: Tx, old_id: int, new_id: int) -> None:
    """Reservations, payments, tasks and identifications are of the new row, and of the same people in it."""
    people = select(participant.c.id, participant.c.person, participant.c.appointment_id)
    rows = tx.execute(people.where(participant.c.appointment_id.in_((old_id, new_id)))).all()
    now = {row.person: row.id for row in rows if row.appointment_id == new_id}
    for row in rows:
        if row.appointment_id == old_id and row.person in now:
            for table in (payment, identification):
                his = (table.c.appointment_id == old_id) & (table.c.participant_id == row.id)
                tx.execute(update(table).where(his).values(participant_id=now[row.person]))
    for table in (reservation, payment, identification):
        tx.execute(update(table).where(table.c.appointment_id == old_id).values(appointment_id=new_id))
    tasks.follow(tx, old_id, new_id)
