"""Appointments: hold, book, look up, confirm, move, change, cancel; who comes along."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from balie.booking import appointments, catalogue, changes, people, reading
from balie.booking import links as personal
from balie.booking.appointments import Booking
from balie.booking.errors import NotFound
from balie.booking.people import Person
from balie.booking.slots import Wish
from balie.i18n import local
from balie.store.engine import Tx
from balie.store.schema import participant
from web.api import idempotency, shapes, times, types
from web.api.operation import Answer, Call
from web.api.refusals import misfit
from web.keys import ENTROPY, LINK_KEY, SITE, STORE

PATH = "/api/v1/appointments"
_REF = re.compile(r"[A-Za-z0-9-]{1,32}")

AnyCall = Call[types.NoQuery, Any]


async def hold(call: Call[types.NoQuery, types.Hold]) -> Answer:
    def write(tx: Tx) -> types.Held:
        zone, wanted = _wish(tx, call, call.body)
        start_s = _start_s(call.body.start)
        held = appointments.hold(tx, call.now_s, call.request.app[ENTROPY], wanted, start_s)
        return types.Held(held.secret, local(held.until_s, zone))

    return Answer(await call.request.app[STORE].write(write))


async def book(call: Call[types.NoQuery, types.Book]) -> Answer:
    app, once = call.request.app, await idempotency.read(call.request, call.key)

    def act(tx: Tx) -> int:
        request = _booking(tx, call)
        return appointments.book(tx, call.now_s, app[ENTROPY], app[LINK_KEY], request).appointment_id

    def write(tx: Tx) -> types.Appointment:
        return shapes.an_appointment(tx, idempotency.do(tx, call.now_s, once, lambda: act(tx)), _links(tx, call))

    made = await app[STORE].write(write)
    return Answer(made, {"Location": f"{app[SITE].public_url}{PATH}/{made.ref}"})


async def look_up(call: AnyCall) -> Answer:
    def read(tx: Tx) -> types.Appointment:
        return shapes.an_appointment(tx, _found(tx, call).id)

    return Answer(await call.request.app[STORE].read(read))


async def confirm(call: AnyCall) -> Answer:
    def act(tx: Tx, appointment_id: int) -> int:
        changes.confirm(tx, call.now_s, call.request.app[ENTROPY], appointment_id, call.key.actor)
        return appointment_id

    return await _change(call, act)


async def move(call: Call[types.NoQuery, types.Move]) -> Answer:
    def act(tx: Tx, appointment_id: int) -> int:
        app, start_s = call.request.app, _start_s(call.body.start)
        return changes.move(
            tx,
            call.now_s,
            app[ENTROPY],
            app[LINK_KEY],
            appointment_id,
            start_s,
            call.key.actor,
            staff_id=call.body.staff,
        ).appointment_id

    return await _change(call, act, with_links=True)


async def change_modality(call: Call[types.NoQuery, types.ChangeModality]) -> Answer:
    def act(tx: Tx, appointment_id: int) -> int:
        entropy = call.request.app[ENTROPY]
        changes.change_modality(tx, call.now_s, entropy, appointment_id, call.body.modality, call.key.actor)
        return appointment_id

    return await _change(call, act)


async def cancel(call: Call[types.NoQuery, types.Cancel]) -> Answer:
    def act(tx: Tx, appointment_id: int) -> int:
        entropy, asked = call.request.app[ENTROPY], call.body
        changes.cancel(tx, call.now_s, entropy, appointment_id, call.key.actor, by=asked.by, reason=asked.reason)
        return appointment_id

    return await _change(call, act)


async def add_person(call: Call[types.NoQuery, types.Helper]) -> Answer:
    app, once = call.request.app, await idempotency.read(call.request, call.key)

    def act(tx: Tx) -> int:
        found, helper = _found(tx, call), _person(call.body)
        return people.add_helper(tx, call.now_s, app[ENTROPY], app[LINK_KEY], found.id, helper, call.key.actor)

    def write(tx: Tx) -> types.Person:
        made = idempotency.do(tx, call.now_s, once, lambda: act(tx))
        appointment_id = tx.scalars(select(participant.c.appointment_id).where(participant.c.id == made)).one()
        found = next((each for each in reading.by_id(tx, appointment_id).people if each.id == made), None)
        if found is None:
            raise NotFound("person")  # added under this key, and removed since
        return shapes.a_person(found, _links(tx, call))

    return Answer(await app[STORE].write(write))


async def remove_person(call: AnyCall) -> Answer:
    def write(tx: Tx) -> None:
        found = _found(tx, call)
        which = next((each for each in found.helpers if each.person == call.request.match_info["person"]), None)
        if which is None:
            raise NotFound("person")
        people.remove_helper(tx, call.now_s, call.request.app[ENTROPY], found.id, which.id, call.key.actor)

    await call.request.app[STORE].write(write)
    return Answer(None)


async def _change(call: AnyCall, act: Callable[[Tx, int], int], *, with_links: bool = False) -> Answer:
    """Do something with an appointment.  act: returns the id of what it is now."""
    once = await idempotency.read(call.request, call.key)

    def write(tx: Tx) -> types.Appointment:
        made = idempotency.do(tx, call.now_s, once, lambda: act(tx, _found(tx, call).id))
        return shapes.an_appointment(tx, made, _links(tx, call) if with_links else None)

    return Answer(await call.request.app[STORE].write(write))


def _found(tx: Tx, call: AnyCall) -> reading.Appointment:
    return _by_ref(tx, call, call.request.match_info["ref"])


def _by_ref(tx: Tx, call: AnyCall, ref: str) -> reading.Appointment:
    """Of the key's organisation.  NotFound."""
    if not _REF.fullmatch(ref.strip()):
        raise NotFound("appointment")
    found = reading.by_ref(tx, ref)
    ours = catalogue.service_of(tx, found.service_id).organisation_id == call.key.organisation_id
    if not ours or found.status in types.HIDDEN:
        raise NotFound("appointment")
    return found


def _wish(tx: Tx, call: AnyCall, asked: types.Hold | types.Book) -> tuple[str, Wish]:
    return times.wish(tx, call.key.organisation_id, asked.service, asked.products, asked.modality, asked.staff)


def _booking(tx: Tx, call: Call[types.NoQuery, types.Book]) -> Booking:
    asked = call.body
    before = _follow_up(tx, call, asked.follow_up_of)
    wanted, start_s = None, 0
    if not asked.hold:
        if asked.start is None:
            raise misfit("start", "missing", "need a hold, or a start with service and products")
        _, wanted = _wish(tx, call, asked)
        start_s = _start_s(asked.start)
    return Booking(
        citizen=_person(asked.citizen),
        channel=asked.channel,
        actor=call.key.actor,
        held=asked.hold,
        wish=wanted,
        start_s=start_s,
        helpers=tuple(_person(each) for each in asked.helpers),
        question=asked.question,
        follow_up_of=before,
    )


def _start_s(start: datetime) -> int:
    """Beyond 2100 some zones have no more days to count."""
    if not 1970 < start.year < 2100:
        raise misfit("start", "start_out_of_range", "this time is past, too soon or too far away")
    return int(start.timestamp())


def _follow_up(tx: Tx, call: AnyCall, ref: str) -> int | None:
    try:
        return _by_ref(tx, call, ref).id if ref else None
    except NotFound:
        raise misfit("follow_up_of", "appointment_not_found", f"no such appointment: {ref[:64]}") from None


def _person(asked: types.Citizen) -> Person:
    if isinstance(asked, types.Helper):
        return Person(asked.name, asked.role, asked.mail, asked.phone, asked.locale, asked.label)
    return Person(asked.name, mail=asked.mail, phone=asked.phone, locale=asked.locale)


def _links(tx: Tx, call: AnyCall) -> shapes.Links:
    app = call.request.app

    def link(participant_id: int) -> str | None:
        token = personal.current(tx, app[LINK_KEY], participant_id)
        return f"{app[SITE].public_url}/a/{token}" if token is not None else None

    return link
