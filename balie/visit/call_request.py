"""Somebody in the waiting room would rather be telephoned: a task for the desk, until somebody called him.

It is a task of kind "call" (balie.record.tasks), one of a person however often he asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import select, update

from balie.booking import people
from balie.booking.errors import NotFound, Unfit
from balie.booking.people import STANDING, standing
from balie.i18n import gettext as _
from balie.record import audit, events, tasks
from balie.record.tasks import Task, TaskError
from balie.store.engine import Tx
from balie.store.schema import appointment, participant, staff
from balie.visit.stays import judge, stays

Entropy = Callable[[int], bytes]

KIND, REASON = "call", "call_me"
"""Of the task."""


@dataclass(frozen=True)
class Caller:
    """Who is to be called, and whose appointment it is."""

    name: str
    role: str
    phone: str
    staff_id: int
    staff_name: str


@dataclass(frozen=True)
class Waiting:
    """An open request."""

    task: Task
    who: Caller


def ask(tx: Tx, now_s: int, entropy: Entropy, participant_id: int, phone: str = "") -> str:
    """Somebody wants to be called, on this number from now on; without one, on the number that he gave.

    Returns the number, as E.164.  NotFound, NotNow: the person, the appointment.  Unfit phone: phone_missing,
    phone_invalid.
    """
    which = (participant.c.id == participant_id) & participant.c.removed_s.is_(None)
    appointment_id = tx.scalar(select(participant.c.appointment_id).where(which))
    if appointment_id is None:
        raise NotFound("person")
    visit = standing(tx, appointment_id)  # locked: who asks twice at once makes one task
    if phone.strip():
        people.change_phone(tx, now_s, entropy, appointment_id, participant_id, phone, "citizen")
    person = tx.execute(select(participant).where(which)).one()
    if not person.phone:
        raise Unfit("phone", "phone_missing", "a telephone number is needed")
    if tasks.ask(tx, now_s, KIND, participant_id, REASON, appointment_id, again=True):
        audit.note(tx, now_s, "citizen", "call_asked", events.subject(visit.ref), participant=participant_id)
    return str(person.phone)


def waiting(tx: Tx, service_ids: Collection[int], appointment_id: int | None = None) -> list[Waiting]:
    """Who waits for a call, of these services, the longest first; appointment_id: of one only."""
    found = tasks.listed(tx, service_ids, kinds=(KIND,))
    if appointment_id is not None:
        found = [each for each in found if each.appointment_id == appointment_id]
    who = look(tx, [each.object_id for each in found])
    return [Waiting(each, who[each.object_id]) for each in found if each.object_id in who]


def look(tx: Tx, participant_ids: Collection[int]) -> dict[int, Caller]:
    """Who asked, by the object of the task."""
    query = (
        select(participant.c.id, participant.c.name, participant.c.role, participant.c.phone)
        .add_columns(staff.c.id.label("staff_id"), staff.c.name.label("staff_name"))
        .join(appointment, appointment.c.id == participant.c.appointment_id)
        .join(staff, staff.c.id == appointment.c.staff_id)
        .where(participant.c.id.in_(participant_ids))
    )
    return {row.id: Caller(row.name, row.role, row.phone, row.staff_id, row.staff_name) for row in tx.execute(query)}


def asked(tx: Tx, appointment_id: int) -> bool:
    """Whether anybody of an appointment ever did: then an empty conversation says little of who was there."""
    return any(each.kind == KIND for each in tasks.of_appointment(tx, appointment_id))


def called(tx: Tx, now_s: int, entropy: Entropy, task: Task, actor: str, *, reached: bool, words: str = "") -> None:
    """Somebody telephoned.  reached: they spoke, so that a visit that did not take place by video was by telephone.

    TaskError.
    """
    if task.kind != KIND or task.appointment_id is None:
        raise TaskError("unknown_task")
    said = _("Gesproken aan de telefoon.") if reached else _("Gebeld, maar niet bereikt.")
    outcome = tasks.check_outcome(f"{said} {words}")
    tasks.end(tx, now_s, task, actor, "phoned", outcome, reached=reached)
    if reached:
        _by_phone(tx, now_s, entropy, task.appointment_id, actor)


def overtaken(tx: Tx, now_s: int, appointment_id: int, person: str) -> None:
    """Somebody is in the conversation after all: he need not be called.  person: as in participant."""
    his = (participant.c.appointment_id == appointment_id) & (participant.c.person == person)
    which = tasks.of(KIND, select(participant.c.id).where(his))
    tasks.settle(tx, now_s, which, _("Het videogesprek begon toch."))


def _by_phone(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int, actor: str) -> None:
    """From now on its wrap-up says how it went, and not who was seen in the room.  Nobody need be told: he was on the
    line."""
    row = tx.execute(select(appointment).where(appointment.c.id == appointment_id).with_for_update()).one()
    if row.modality != "video" or row.status not in STANDING or judge(stays(tx, appointment_id)) == "seen":
        return
    which = appointment.c.id == appointment_id
    tx.execute(update(appointment).where(which).values(modality="phone", changed_s=now_s))
    audit.note(tx, now_s, actor, "changed", events.subject(row.ref), modality="phone")
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + "changed")
