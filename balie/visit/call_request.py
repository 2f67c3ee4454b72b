"""Somebody in the waiting room would rather be telephoned: a task for the desk, until somebody called him.

It is a task (balie.post.tasks) with REASON, one of a person however often he asks.  Tasks hang on messages: this one on
the first that was written to him; to who had no address none was, and he gets a row that is never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update

from balie.booking import people
from balie.booking.errors import NotFound, Unfit
from balie.booking.people import STANDING, standing
from balie.i18n import gettext as _
from balie.post import tasks
from balie.post.tasks import Task, TaskError
from balie.record import audit, events
from balie.record.schedule import ENVID_BYTES
from balie.store.engine import Tx
from balie.store.schema import appointment, message, message_issue, participant, staff
from balie.visit.stays import judge, stays

Entropy = Callable[[int], bytes]

REASON = "call_me"
"""Of the task."""


@dataclass(frozen=True)
class Waiting:
    """An open request, and whose appointment it is."""

    task: Task
    staff_id: int
    staff_name: str


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
    anchor = _anchor(tx, now_s, entropy, person)
    open_ = (message_issue.c.message_id == anchor.id) & (message_issue.c.reason == REASON)
    if tx.scalar(select(message_issue.c.state).where(open_)) != "open":
        tasks.ask(tx, now_s, anchor, REASON, again=True)
        audit.note(tx, now_s, "citizen", "call_asked", events.subject(visit.ref), participant=participant_id)
    return str(person.phone)


def waiting(tx: Tx, service_ids: Collection[int], appointment_id: int | None = None) -> list[Waiting]:
    """Who waits for a call, of these services, the longest first; appointment_id: of one only."""
    found = tasks.listed(tx, ("open",), service_ids, reason=REASON)
    ids = {each.appointment_id for each in found if appointment_id in (None, each.appointment_id)}
    if not ids:
        return []
    query = select(appointment.c.id, staff.c.id.label("staff_id"), staff.c.name).join(
        staff, staff.c.id == appointment.c.staff_id
    )
    whose = {row.id: row for row in tx.execute(query.where(appointment.c.id.in_(ids)))}
    of_these = sorted((each for each in found if each.appointment_id in whose), key=lambda each: each.opened_s)
    return [Waiting(each, whose[each.appointment_id].staff_id, whose[each.appointment_id].name) for each in of_these]


def asked(tx: Tx, appointment_id: int) -> bool:
    """Whether anybody of an appointment ever did: then an empty conversation says little of who was there."""
    of_it = (message_issue.c.appointment_id == appointment_id) & (message_issue.c.reason == REASON)
    return tx.execute(select(message_issue.c.id).where(of_it).limit(1)).first() is not None


def called(tx: Tx, now_s: int, entropy: Entropy, task_id: int, actor: str, *, reached: bool, words: str = "") -> None:
    """Somebody telephoned.  reached: they spoke, so that a visit that did not take place by video was by telephone.

    TaskError.
    """
    task = tasks.get(tx, task_id)
    if task.reason != REASON:
        raise TaskError("unknown_task")
    said = _("Gesproken aan de telefoon.") if reached else _("Gebeld, maar niet bereikt.")
    tasks.phoned(tx, now_s, task_id, actor, f"{said} {words}", reached=reached)
    if reached:
        _by_phone(tx, now_s, entropy, task.appointment_id, actor)


def overtaken(tx: Tx, now_s: int, appointment_id: int, person: str) -> None:
    """Somebody is in the conversation after all: he need not be called.  person: as in participant."""
    his = select(message.c.id).join(participant).where(participant.c.appointment_id == appointment_id)
    which = message_issue.c.message_id.in_(his.where(participant.c.person == person))
    open_ = which & (message_issue.c.reason == REASON) & (message_issue.c.state == "open")
    outcome = _("Het videogesprek begon toch.")
    tx.execute(update(message_issue).where(open_).values(state="closed", closed_s=now_s, outcome=outcome))


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


def _anchor(tx: Tx, now_s: int, entropy: Entropy, person: Row[Any]) -> Row[Any]:
    """The message that the task of a person hangs on."""
    first = select(message).where(message.c.participant_id == person.id).order_by(message.c.id).limit(1)
    row = tx.execute(first).first()
    if row is not None:
        return row
    never_sent = {
        "appointment_id": person.appointment_id,
        "participant_id": person.id,
        "kind": "reply",
        "variant": REASON,
        "channel": "sms",
        "recipient": person.phone,
        "locale": person.locale,
        "status": "cancelled",
        "due_s": now_s,
        "envid": entropy(ENVID_BYTES).hex(),
        "created_s": now_s,
    }
    tx.execute(insert(message).values(**never_sent))
    return tx.execute(first).one()
