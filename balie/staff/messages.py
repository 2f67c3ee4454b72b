"""Messages of an appointment as staff sees them, and the link sent once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from balie.booking.errors import NotFound
from balie.booking.reading import Appointment
from balie.record import audit, events, schedule
from balie.staff.accounts import Member
from balie.store.engine import Tx
from balie.store.schema import appointment, message, participant

WITH_LINK = ("confirmation", "moved", "helper_added", "changed")
"""Kinds that carry a person's link and say when the appointment is."""


@dataclass(frozen=True)
class Sent:
    """A message, or one that is to be sent.  at_s: when it left, or is due."""

    kind: str
    channel: str
    recipient: str
    name: str
    status: str
    read_evidence: str
    at_s: int


def of_appointment(tx: Tx, ref: str) -> list[Sent]:
    """Under all its times, in order; those that are not needed any more are left out."""
    query = (
        select(message, participant.c.name)
        .join(appointment, appointment.c.id == message.c.appointment_id)
        .outerjoin(participant, participant.c.id == message.c.participant_id)
        .where(appointment.c.ref == ref, message.c.status != "cancelled")
    )
    found = [
        Sent(
            row.kind,
            row.channel,
            row.recipient,
            row.name or "",
            row.status,
            row.read_evidence,
            row.submitted_s or row.due_s,
        )
        for row in tx.execute(query.order_by(message.c.id))
    ]
    return sorted(found, key=lambda each: each.at_s)


def resend_link(
    tx: Tx, now_s: int, entropy: Callable[[int], bytes], member: Member, found: Appointment, participant_id: int
) -> None:
    """Send somebody of an appointment his link again, where he last got it.  NotFound: he got none."""
    mine = (message.c.appointment_id == found.id) & (message.c.participant_id == participant_id)
    with_link = select(message.c.id).where(mine, message.c.kind.in_(WITH_LINK)).order_by(message.c.id.desc()).limit(1)
    message_id = tx.scalar(with_link)
    if message_id is None or participant_id not in {each.id for each in found.people}:
        raise NotFound("person")
    schedule.again(tx, now_s, entropy, message_id)
    audit.note(tx, now_s, member.actor, "link_resent", events.subject(found.ref), participant=participant_id)
