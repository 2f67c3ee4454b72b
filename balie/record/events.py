"""Events for other systems: a row of the outbox for each transition, in the transaction that made it.

What is kept here are the facts of that moment, and nobody's name or address: who may know those asks for them
(balie.hooks), and gets what is true when it is sent.  Who is to hear of an event is not decided here either.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, insert, select

from balie.i18n import local
from balie.store.engine import Tx
from balie.store.schema import appointment, appointment_product, outbox, product, service, staff

APPOINTMENT, MESSAGE = "be.balie.appointment.", "be.balie.message."
RESERVATION, PAYMENT = "be.balie.reservation.", "be.balie.payment."
IDENTIFICATION, INVOICE = "be.balie.identification.", "be.balie.invoice."
TYPES = {
    APPOINTMENT + "booked": "made, by whatever channel",
    APPOINTMENT + "confirmed": "the citizen said that he comes",
    APPOINTMENT + "rescheduled": "moved: the data are those of the new time, and say which one it replaces",
    APPOINTMENT + "cancelled": "it does not take place; status says who cancelled",
    APPOINTMENT + "changed": "another way of talking or telephone number; one more product, by which it may end later",
    APPOINTMENT + "helper_added": "somebody comes along",
    APPOINTMENT + "helper_removed": "somebody no longer comes along",
    APPOINTMENT + "checked_in": "the citizen is in the waiting room",
    APPOINTMENT + "in_call": "the conversation began",
    APPOINTMENT + "completed": "the conversation is over",
    APPOINTMENT + "no_show": "somebody did not come; status says who",
    IDENTIFICATION + "verified": "the citizen showed who he is; only where a product says that this is logged",
    INVOICE + "issued": "a receipt, an invoice or a credit note was written, for bookkeeping",
    MESSAGE + "due": "to be sent by the system that hears this, where [messages] mode is crm",
    MESSAGE + "failed": "a message did not arrive: the office has a task",
    MESSAGE + "replied": "somebody answered a message",
    RESERVATION + "held": "something is kept for a while in the reservation system",
    RESERVATION + "confirmed": "it is the citizen's in the reservation system",
    RESERVATION + "released": "it was let go, or its time ran out",
    RESERVATION + "failed": "the reservation system gave it to somebody else, or would not keep it",
    PAYMENT + "paid": "money came in",
    PAYMENT + "failed": "it was canceled, expired or failed, or the payer's bank took it back; state says which",
    PAYMENT + "refunded": "all of it went back, or a part",
}
"""Everything that is announced, and what it means.  docs/hooks.md lists the same."""

PERSONAL = "personal"
"""Of an event's data: what only a target that asked for contact data gets."""

LINK_OF, GOODBYE_OF, TOKEN_HERE = "link_of", "goodbye_of", "\ue000link\ue000"
"""In what is kept of it: whose personal link its texts hold, and where; the token goes in at sending (D5)."""

_ANNOUNCED: Select[Any] = (
    select(
        *(appointment.c[name] for name in ("id", "ref", "uid", "sequence", "status", "channel", "modality")),
        *(appointment.c[name] for name in ("start_s", "end_s", "zone", "follow_up_of", "supersedes")),
        service.c.slug.label("service_slug"),
        staff.c.name.label("staff_name"),
    )
    .join(service, service.c.id == appointment.c.service_id)
    .join(staff, staff.c.id == appointment.c.staff_id)
    .where(appointment.c.id == bindparam("appointment_id"))
    .with_for_update(of=appointment)
)
_PRODUCTS = (
    select(product.c.slug, product.c.ipdc_id)
    .join(appointment_product)
    .where(appointment_product.c.appointment_id == bindparam("appointment_id"))
    .order_by(appointment_product.c.position, product.c.id)
)


def emit(
    tx: Tx,
    now_s: int,
    entropy: Callable[[int], bytes],
    appointment_id: int,
    type: str,  # noqa: A002, the attribute's own name
    extra: Mapping[str, object] | None = None,
    personal: Mapping[str, object] | None = None,
) -> None:
    """Announce what has just become of an appointment.

    extra     facts beside those of the appointment, none of them about a person
    personal  facts that name or address somebody

    Events of one appointment are announced in the order of their transactions: its row is locked here, before the
    event gets its number.
    """
    if type not in TYPES:
        raise ValueError(f"{type} is not an event type: add it to TYPES")
    row = _appointment(tx, appointment_id)
    data = {**_facts(tx, row), **(extra or {})}
    if personal:
        data[PERSONAL] = dict(personal)
    told = {
        "event_id": str(uuid.UUID(bytes=entropy(16), version=4)),
        "type": type,
        "subject": subject(row.ref),
        "appointment_id": appointment_id,
        "time_s": now_s,
        "data": data,
    }
    tx.execute(insert(outbox), told)


def subject(ref: str) -> str:
    """What events of an appointment are about; it stays the same when the appointment moves."""
    return f"appointment/{ref}"


def _appointment(tx: Tx, appointment_id: int) -> Row[Any]:
    return tx.execute(_ANNOUNCED, {"appointment_id": appointment_id}).one()


def _facts(tx: Tx, row: Row[Any]) -> dict[str, object]:
    products = tx.execute(_PRODUCTS, {"appointment_id": row.id})
    return {
        "ref": row.ref,
        "uid": row.uid,
        "sequence": row.sequence,
        "status": row.status,
        "channel": row.channel,
        "modality": row.modality,
        "start": moment(row.start_s, row.zone),
        "end": moment(row.end_s, row.zone),
        "zone": row.zone,
        "service": row.service_slug,
        "products": [{"slug": each.slug, "ipdc_id": each.ipdc_id} for each in products],
        "staff": row.staff_name,
        "follow_up_of": _ref(tx, row.follow_up_of),
        "supersedes": _superseded(tx, row.supersedes),
    }


def _ref(tx: Tx, appointment_id: int | None) -> str | None:
    return tx.scalar(select(appointment.c.ref).where(appointment.c.id == appointment_id)) if appointment_id else None


def _superseded(tx: Tx, appointment_id: int | None) -> dict[str, object] | None:
    """The same appointment before it moved: its ref is the same."""
    if appointment_id is None:
        return None
    old = tx.execute(select(appointment).where(appointment.c.id == appointment_id)).one()
    return {"sequence": old.sequence, "start": moment(old.start_s, old.zone), "end": moment(old.end_s, old.zone)}


def moment(unix_s: int, zone: str) -> str:
    at: datetime = local(unix_s, zone)
    return at.isoformat(timespec="seconds")
