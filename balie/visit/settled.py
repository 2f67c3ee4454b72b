"""What a visit settled for its citizen: what is reserved, what was paid, and where its confirmation went.

Only for him: who comes along does not know what somebody pays, nor his address (balie.samen.state).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from balie.record import guided
from balie.record.guided import Kept, Paid
from balie.store.engine import Tx
from balie.store.schema import message, participant

LOST = ("failed", "suppressed", "unresolved")
"""States of a message of which nobody may say that it is on its way."""


@dataclass(frozen=True)
class Settled:
    """Each in its order.

    sent_to  the mail address or the telephone number to which the confirmation goes, "" for none
    lost     it did not get there
    """

    kept: tuple[Kept, ...] = ()
    paid: tuple[Paid, ...] = ()
    sent_to: str = ""
    lost: bool = False


def of_citizen(tx: Tx, appointment_id: int, participant_id: int) -> Settled:
    """Of the citizen of an appointment, and of nobody else."""
    found = guided.read(tx, appointment_id)
    sent_to, lost = _confirmation(tx, participant_id, found.paid)
    return Settled(found.kept, found.paid, sent_to, lost)


def _confirmation(tx: Tx, participant_id: int, paid: tuple[Paid, ...]) -> tuple[str, bool]:
    """Where the latest receipt went; while it is not written yet, or there is none, where messages to him go."""
    of_his = (message.c.participant_id == participant_id) & (message.c.kind == "receipt")
    receipts = select(message.c.recipient, message.c.status).where(of_his).order_by(message.c.id.desc())
    row = tx.execute(receipts.limit(1)).first()
    if row is not None:
        return row.recipient, row.status in LOST
    him = tx.execute(select(participant.c.mail, participant.c.phone).where(participant.c.id == participant_id)).one()
    # Without a payment it is the letter with what was done that confirms, which is too long for a text message.
    return him.mail or (him.phone if paid else ""), False
