"""What the database knows, in the types of the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import UNSET
from sqlalchemy import select

from balie.booking import catalogue, reading
from balie.booking.slots import Slot as FreeTime
from balie.i18n import SOURCE, language, local, pick
from balie.store.engine import Tx
from balie.store.schema import appointment, organisation, staff
from web.api import types

Links = Callable[[int], str | None]
"""Gives the personal link of a participant."""


def a_service(found: catalogue.Service) -> types.Service:
    return types.Service(
        slug=found.slug,
        name=pick(found.names),
        names=found.names,
        phone=found.phone,
        mail=found.mail,
        address=found.address,
        zone=found.zone,
    )


def a_product(found: catalogue.Product, service_slug: str) -> types.Product:
    return types.Product(
        slug=found.slug,
        service=service_slug,
        name=pick(found.names),
        names=found.names,
        summary=pick(found.summaries),
        checklist=found.checklists.get(language()) or found.checklists.get(SOURCE) or [],
        theme=found.theme,
        ipdc_id=found.ipdc_id,
        duration_min=found.duration_min,
        modalities=list(found.modalities),
        min_notice_min=found.min_notice_min,
        horizon_days=found.horizon_days,
        helpers_max=found.max_third_parties,
        price_cents=found.price_cents,
    )


def slots(tx: Tx, found: Sequence[FreeTime]) -> list[types.Slot]:
    """With the names of who is free, in the time of their office."""
    ids = {staff_id for each in found for staff_id in each.staff_ids}
    query = select(staff.c.id, staff.c.name, organisation.c.zone).join(organisation).where(staff.c.id.in_(ids))
    people, zone = {}, ""
    for row in tx.execute(query):
        people[row.id], zone = types.Colleague(row.id, row.name), row.zone
    return [
        types.Slot(
            local(each.start_s, zone), local(each.end_s, zone), [people[staff_id] for staff_id in each.staff_ids]
        )
        for each in found
    ]


def an_appointment(tx: Tx, appointment_id: int, links: Links | None = None) -> types.Appointment:
    """links: where the answer may let people in."""
    found = reading.by_id(tx, appointment_id)
    before = None
    if found.follow_up_of is not None:
        before = tx.scalar(select(appointment.c.ref).where(appointment.c.id == found.follow_up_of))
    return types.Appointment(
        ref=found.ref,
        uid=found.uid,
        sequence=found.sequence,
        status=found.status,
        channel=found.channel,
        modality=found.modality,
        start=local(found.start_s, found.zone),
        end=local(found.end_s, found.zone),
        zone=found.zone,
        service=found.service_slug,
        products=[types.ProductName(each.slug, pick(each.names)) for each in found.products],
        staff=types.Colleague(found.staff_id, found.staff_name),
        people=[a_person(each, links) for each in found.people],
        question=found.question,
        reason=found.reason,
        follow_up_of=before,
    )


def a_person(found: reading.Participant, links: Links | None = None) -> types.Person:
    return types.Person(
        id=found.person,
        role=found.role,
        name=found.name,
        mail=found.mail,
        phone=found.phone,
        locale=found.locale,
        label=found.label,
        link=(links(found.id) if links is not None else None) or UNSET,
    )
