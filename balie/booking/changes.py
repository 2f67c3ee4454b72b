"""What becomes of an appointment: confirmed, moved, cancelled, done in another way.  Each is audited and announced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError

from balie.booking import appointments, claims, formal, links, papers
from balie.booking.appointments import Booked
from balie.booking.errors import NotNow, Unfit
from balie.booking.links import LinkKey
from balie.booking.people import Person, check_text, standing
from balie.booking.slots import Wish, plan
from balie.record import audit, events, schedule
from balie.store.engine import Tx
from balie.store.schema import appointment, appointment_product, participant

Entropy = Callable[[int], bytes]
REASON_MAX = 500
MODALITIES = ("video", "phone", "desk")


def confirm(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int, actor: str) -> bool:
    """The citizen says that he comes.  False when he had said so before.  NotFound, NotNow."""
    row = standing(tx, appointment_id)
    if row.status != "booked":
        return False
    _set(tx, now_s, appointment_id, status="confirmed")
    audit.note(tx, now_s, actor, "confirmed", events.subject(row.ref))
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + "confirmed")
    return True


def cancel(
    tx: Tx,
    now_s: int,
    entropy: Entropy,
    appointment_id: int,
    actor: str,
    *,
    by: Literal["citizen", "office"],
    reason: str = "",
) -> None:
    """It does not take place: the time is free again, all links die, everybody hears it.  NotFound, NotNow, Unfit."""
    row = _still_to_come(tx, now_s, appointment_id, "not_cancelled")
    _set(tx, now_s, appointment_id, status=f"cancelled_{by}", reason=check_text(reason, "reason", REASON_MAX))
    claims.release(tx, (appointment_id,))
    links.revoke(tx, now_s, appointment_id=appointment_id)
    audit.note(tx, now_s, actor, "cancelled", events.subject(row.ref), by=by)
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + "cancelled")
    schedule.cancelled(tx, now_s, entropy, appointment_id)


def move(
    tx: Tx,
    now_s: int,
    entropy: Entropy,
    key: LinkKey,
    appointment_id: int,
    start_s: int,
    actor: str,
    *,
    staff_id: int | None = None,
    urgent: bool = False,
) -> Booked:
    """To another time: a new row takes its place, with the same people, reference and place in their calendars.

    NotFound; NotNow: it is not to come any more, or was moved already; SlotTaken; Unfit start.
    """
    row = _still_to_come(tx, now_s, appointment_id, "not_moved")
    if start_s == row.start_s and staff_id in (None, row.staff_id):
        raise Unfit("start", "start_same", "this is the time that it has")
    products = tuple(
        tx.scalars(
            select(appointment_product.c.product_id)
            .where(appointment_product.c.appointment_id == appointment_id)
            .order_by(appointment_product.c.position)
        )
    )
    _set(tx, now_s, appointment_id, status="rescheduled")
    # Its own time is no obstacle: a quarter of an hour later is free, too.
    claims.release(tx, (appointment_id,))
    wanted = plan(tx, Wish(products, row.modality, staff_id, urgent))
    kept = {
        "uid": row.uid,
        "ref": row.ref,
        "sequence": row.sequence + 1,
        "supersedes": row.id,
        "status": "booked",
        "channel": row.channel,
        "locale": row.locale,
        "question": row.question,
        "follow_up_of": row.follow_up_of,
        "created_by": row.created_by,
    }
    try:
        new_id = appointments.place(tx, now_s, entropy, wanted, start_s, kept)
    except IntegrityError:  # somebody else moved it a moment ago: supersedes is there once
        raise NotNow("not_moved", "rescheduled") from None
    links.revoke(tx, now_s, appointment_id=appointment_id)
    query = select(participant).where(participant.c.appointment_id == appointment_id, participant.c.removed_s.is_(None))
    everybody = [(each.person, _person(each)) for each in tx.execute(query.order_by(participant.c.id)).all()]
    made = appointments.settle(tx, now_s, entropy, key, new_id, everybody, actor, "rescheduled")
    papers.follow(tx, appointment_id, new_id)
    formal.follow(tx, appointment_id, new_id)
    schedule.moved(tx, now_s, entropy, appointment_id, new_id)
    return made


def change_modality(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int, modality: str, actor: str) -> bool:
    """At the same time, in another way.  False when it is that way already.  NotFound, NotNow, Unfit."""
    row = _still_to_come(tx, now_s, appointment_id, "not_changed")
    if row.modality == modality:
        return False
    products = tx.scalars(
        select(appointment_product.c.product_id).where(appointment_product.c.appointment_id == appointment_id)
    )
    plan(tx, Wish(tuple(products), modality))
    _set(tx, now_s, appointment_id, modality=modality, sequence=row.sequence + 1)
    audit.note(tx, now_s, actor, "changed", events.subject(row.ref), modality=modality)
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + "changed")
    schedule.changed(tx, now_s, entropy, appointment_id)
    return True


def _still_to_come(tx: Tx, now_s: int, appointment_id: int, code: str) -> Row[Any]:
    row = standing(tx, appointment_id)
    if row.status not in ("booked", "confirmed"):
        raise NotNow(code, row.status)
    if now_s >= row.end_s:
        raise NotNow(code, "over")
    return row


def _set(tx: Tx, now_s: int, appointment_id: int, **values: object) -> None:
    tx.execute(update(appointment).where(appointment.c.id == appointment_id).values(changed_s=now_s, **values))


def _person(row: Row[Any]) -> Person:
    return Person(row.name, row.role, row.mail, row.phone, row.locale, row.label, row.rights)
