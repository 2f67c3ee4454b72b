"""Appointments as pages, letters and other systems look at them: one query for many, none for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from balie.booking.catalogue import Product, product_of_row
from balie.booking.errors import NotFound
from balie.booking.people import STANDING
from balie.store.engine import Tx
from balie.store.schema import (
    appointment,
    appointment_product,
    audit,
    inbound_message,
    message,
    message_event,
    participant,
    product,
    service,
    staff,
)

LIST_MAX = 500


@dataclass(frozen=True)
class Participant:
    """role: citizen, carer, family, interpreter or other; person: the same when the appointment moves."""

    id: int
    person: str
    role: str
    name: str
    mail: str
    phone: str
    locale: str
    label: str
    rights: dict[str, bool]


@dataclass(frozen=True)
class Appointment:
    """Times in Unix seconds.  citizen is None once the names are wiped."""

    id: int
    uid: str
    ref: str
    sequence: int
    status: str
    channel: str
    modality: str
    start_s: int
    end_s: int
    zone: str
    locale: str
    room: str
    question: str
    reason: str
    service_id: int
    service_names: dict[str, str]
    service_phone: str
    service_address: str
    staff_id: int
    staff_name: str
    follow_up_of: int | None
    supersedes: int | None
    created_by: str
    created_s: int
    products: tuple[Product, ...]
    people: tuple[Participant, ...]

    @property
    def citizen(self) -> Participant | None:
        return next((each for each in self.people if each.role == "citizen"), None)

    @property
    def helpers(self) -> tuple[Participant, ...]:
        return tuple(each for each in self.people if each.role != "citizen")

    @property
    def stands(self) -> bool:
        """Still to be, or is: it was not cancelled, moved or finished."""
        return self.status in STANDING


@dataclass(frozen=True)
class Step:
    """One line of a timeline.  source: audit, message or inbound; kind and detail: as its table has them."""

    at_s: int
    source: str
    kind: str
    actor: str
    detail: dict[str, Any]


def by_id(tx: Tx, appointment_id: int) -> Appointment:
    """NotFound."""
    return _one(_listed(tx, appointment.c.id == appointment_id))


def by_ref(tx: Tx, ref: str) -> Appointment:
    """The latest of a reference: one that moved keeps it.  NotFound."""
    found = _listed(tx, appointment.c.ref == ref.strip().upper().replace("-", ""))
    return _one(sorted(found, key=lambda each: -each.sequence))


def between(
    tx: Tx,
    from_s: int,
    until_s: int,
    *,
    service_ids: Iterable[int] | None = None,
    staff_id: int | None = None,
    statuses: Sequence[str] = (),
    channel: str = "",
    text: str = "",
) -> list[Appointment]:
    """Those that begin in a time, in order.  statuses: none for all but holds; text: of a reference or a name."""
    which = [appointment.c.start_s >= from_s, appointment.c.start_s < until_s]
    if service_ids is not None:
        which.append(appointment.c.service_id.in_(list(service_ids)))
    if staff_id is not None:
        which.append(appointment.c.staff_id == staff_id)
    if channel:
        which.append(appointment.c.channel == channel)
    if text:
        named = select(participant.c.appointment_id).where(participant.c.name.icontains(text, autoescape=True))
        which.append(or_(appointment.c.ref == text.strip().upper().replace("-", ""), appointment.c.id.in_(named)))
    if statuses:
        which.append(appointment.c.status.in_(statuses))
    else:
        which.append(appointment.c.status.not_in(("held", "expired")))
    return _listed(tx, and_(*which))


def next_of(tx: Tx, staff_id: int, now_s: int) -> Appointment | None:
    """The next appointment of a person, or the one that goes on."""
    found = _listed(
        tx,
        and_(appointment.c.staff_id == staff_id, appointment.c.end_s > now_s, appointment.c.status.in_(STANDING)),
        most=1,
    )
    return found[0] if found else None


def timeline(tx: Tx, found: Appointment) -> list[Step]:
    """All that is known of an appointment, under all its times: who did what, and what became of messages."""
    steps = [
        Step(row.at_s, "audit", row.action, row.actor, dict(row.detail))
        for row in tx.execute(select(audit).where(audit.c.object == f"appointment/{found.ref}"))
    ]
    ids = select(appointment.c.id).where(appointment.c.ref == found.ref)
    events: Select[Any] = (
        select(message_event, message.c.kind.label("of"), message.c.channel, message.c.participant_id)
        .join(message)
        .where(message.c.appointment_id.in_(ids))
    )
    for row in tx.execute(events):
        detail = {**row.detail, "of": row.of, "channel": row.channel, "participant_id": row.participant_id}
        steps.append(Step(row.at_s, "message", row.kind, row.source, detail))
    steps.extend(
        Step(row.received_s, "inbound", row.kind, "citizen", {"id": row.id, "subject": row.subject})
        for row in tx.execute(select(inbound_message).where(inbound_message.c.appointment_id.in_(ids)))
    )
    return sorted(steps, key=lambda each: each.at_s)


def _one(found: list[Appointment]) -> Appointment:
    if not found:
        raise NotFound("appointment")
    return found[0]


def _listed(tx: Tx, which: ColumnElement[bool], most: int = LIST_MAX) -> list[Appointment]:
    query: Select[Any] = (
        select(
            appointment,
            service.c.names.label("service_names"),
            service.c.phone.label("service_phone"),
            service.c.address.label("service_address"),
            staff.c.name.label("staff_name"),
        )
        .join(service, service.c.id == appointment.c.service_id)
        .join(staff, staff.c.id == appointment.c.staff_id)
        .where(which)
        .order_by(appointment.c.start_s, appointment.c.id)
        .limit(most)
    )
    rows = tx.execute(query).all()
    ids = [row.id for row in rows]
    people = _people(tx, ids)
    products = _products(tx, ids)
    fields = [name for name in Appointment.__dataclass_fields__ if name not in ("products", "people")]
    return [
        Appointment(
            **{name: getattr(row, name) for name in fields},
            products=tuple(products.get(row.id, ())),
            people=tuple(people.get(row.id, ())),
        )
        for row in rows
    ]


def _people(tx: Tx, ids: Sequence[int]) -> dict[int, list[Participant]]:
    query = select(participant).where(participant.c.appointment_id.in_(ids), participant.c.removed_s.is_(None))
    found: dict[int, list[Participant]] = {}
    fields = list(Participant.__dataclass_fields__)
    for row in tx.execute(query.order_by(participant.c.id)):
        each = Participant(**{name: getattr(row, name) for name in fields})
        found.setdefault(row.appointment_id, []).append(each)
    return found


def _products(tx: Tx, ids: Sequence[int]) -> dict[int, list[Product]]:
    query: Select[Any] = (
        select(product, appointment_product.c.appointment_id)
        .join(appointment_product)
        .where(appointment_product.c.appointment_id.in_(ids))
        .order_by(appointment_product.c.appointment_id, appointment_product.c.position)
    )
    found: dict[int, list[Product]] = {}
    for row in tx.execute(query):
        found.setdefault(row.appointment_id, []).append(product_of_row(row))
    return found
