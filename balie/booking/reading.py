"""Appointments as pages, letters and other systems look at them: one query for many, none for each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, select

from balie.booking.catalogue import PRODUCT, Product, product_of
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
    service_slug: str
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


# Columns in the order of the fields.
_OF_OTHERS = {
    "service_slug": service.c.slug.label("service_slug"),
    "service_names": service.c.names.label("service_names"),
    "service_phone": service.c.phone.label("service_phone"),
    "service_address": service.c.address.label("service_address"),
    "staff_name": staff.c.name.label("staff_name"),
}
_FIELDS = [name for name in Appointment.__dataclass_fields__ if name not in ("products", "people")]
_LIST: Select[Any] = (
    select(*(_OF_OTHERS[name] if name in _OF_OTHERS else appointment.c[name] for name in _FIELDS))
    .join(service, service.c.id == appointment.c.service_id)
    .join(staff, staff.c.id == appointment.c.staff_id)
)
_BY_ID = _LIST.where(appointment.c.id == bindparam("appointment_id"))
_PEOPLE = (
    select(participant.c.appointment_id, *(participant.c[name] for name in Participant.__dataclass_fields__))
    .where(participant.c.appointment_id.in_(bindparam("ids", expanding=True)), participant.c.removed_s.is_(None))
    .order_by(participant.c.id)
)
_PRODUCTS: Select[Any] = (
    select(*PRODUCT, appointment_product.c.appointment_id)
    .join(appointment_product)
    .where(appointment_product.c.appointment_id.in_(bindparam("ids", expanding=True)))
    .order_by(appointment_product.c.appointment_id, appointment_product.c.position)
)


def by_id(tx: Tx, appointment_id: int) -> Appointment:
    """NotFound."""
    return _one(_complete(tx, tx.execute(_BY_ID, {"appointment_id": appointment_id}).all()))


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
) -> list[Appointment]:
    """Those that begin in a time, in order.  statuses: none for all but holds."""
    which = [appointment.c.start_s >= from_s, appointment.c.start_s < until_s]
    if service_ids is not None:
        which.append(appointment.c.service_id.in_(list(service_ids)))
    if staff_id is not None:
        which.append(appointment.c.staff_id == staff_id)
    if channel:
        which.append(appointment.c.channel == channel)
    if statuses:
        which.append(appointment.c.status.in_(statuses))
    else:
        which.append(appointment.c.status.not_in(("held", "expired")))
    return _listed(tx, and_(*which))


def in_rooms(tx: Tx, rooms: Collection[str], service_ids: Iterable[int]) -> list[Appointment]:
    """Those whose calls are in these rooms and that still are to be, or are; of these services, in order."""
    if not rooms:
        return []
    here = (appointment.c.room.in_(list(rooms)), appointment.c.service_id.in_(list(service_ids)))
    return _listed(tx, and_(*here, appointment.c.status.in_(STANDING)))


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
    ordered = _LIST.where(which).order_by(appointment.c.start_s, appointment.c.id)
    return _complete(tx, tx.execute(ordered.limit(most)).all())


def _complete(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> list[Appointment]:
    """With their people and products.  rows: of _LIST."""
    ids = [row[0] for row in rows]
    people, products = _people(tx, ids), _products(tx, ids)
    return [
        Appointment(
            **dict(zip(_FIELDS, row, strict=True)),
            products=tuple(products.get(row[0], ())),
            people=tuple(people.get(row[0], ())),
        )
        for row in rows
    ]


def _people(tx: Tx, ids: Sequence[int]) -> dict[int, list[Participant]]:
    found: dict[int, list[Participant]] = {}
    for appointment_id, *values in tx.execute(_PEOPLE, {"ids": ids}):
        found.setdefault(appointment_id, []).append(Participant(*values))
    return found


def _products(tx: Tx, ids: Sequence[int]) -> dict[int, list[Product]]:
    found: dict[int, list[Product]] = {}
    for row in tx.execute(_PRODUCTS, {"ids": ids}):
        found.setdefault(row[-1], []).append(product_of(row))
    return found
