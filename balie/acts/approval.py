"""Four eyes on money that goes back because one of us said so.

A program proposes every refund, for reasons that nobody of the office makes: a slot that was lost, something paid
twice, a citizen who cancels.  On those one member of the service decides.  But who cancels an appointment that was paid
asks for its money to go back: then somebody else decides, a team lead or an administrator.  Up to `alone_cents` of the
settings one person is enough for that too.

Who cancelled is read in the audit, to which rows are only ever added, so that no page or form has a say in it.
"""

from __future__ import annotations

from sqlalchemy import select

from balie.payments.records import Payment
from balie.payments.refunds import Refund
from balie.record import events
from balie.record.tasks import TaskError
from balie.staff import accounts
from balie.store.engine import Tx
from balie.store.schema import appointment, audit

OFFICE = "office"
"""Who cancelled, when the audit does not say it."""


def asked_by(tx: Tx, found: Refund, about: Payment) -> str:
    """Who of the office made a refund necessary, as the audit names him; "" for none of them."""
    if found.reason != "cancelled":
        return ""
    which = appointment.c.id == about.appointment_id
    row = tx.execute(select(appointment.c.ref, appointment.c.status).where(which)).one()
    said = select(audit.c.actor).where(audit.c.object == events.subject(row.ref), audit.c.action == "cancelled")
    actor: str | None = tx.scalar(said.order_by(audit.c.id.desc()).limit(1))
    # Staff who cancels at the word of the citizen is still the only one who heard it; another system is not of us.
    if row.status == "cancelled_office" or (actor or "").startswith("staff:"):
        return actor or OFFICE
    return ""


def may(tx: Tx, found: Refund, about: Payment, staff_id: int, alone_cents: int) -> bool:
    """Whether a member of the service decides on a refund."""
    asked = asked_by(tx, found, about)
    if not asked or found.amount_cents <= alone_cents:
        return True
    member = accounts.member(tx, staff_id)
    return member is not None and member.may("lead") and member.actor != asked


def check(tx: Tx, found: Refund, about: Payment, staff_id: int, alone_cents: int) -> None:
    """TaskError second_person."""
    if not may(tx, found, about, staff_id, alone_cents):
        raise TaskError("second_person")
