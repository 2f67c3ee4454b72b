"""Messages that did not arrive, or may not have, or to which somebody said no: tasks of kind "message".

A reason is a task once.  Somebody retries, switches to a text message, telephones, or says that nothing need be done;
the last two need an outcome in words.  What is heard later can settle a doubt by itself.  How it ends:
retried, channel_switched, phoned, or closed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select, update

from balie.booking import people
from balie.i18n import gettext as _
from balie.post.suppression import lift
from balie.record import audit, schedule, tasks
from balie.record.tasks import Task, TaskError
from balie.store.engine import Tx
from balie.store.schema import appointment, message, participant

Entropy = Callable[[int], bytes]

KIND = "message"
DOUBTS = ("delivery_unknown", "no_evidence")
"""Reasons that are no failure: any sign of arrival settles them."""
_BAD_ADDRESS = ("address_unknown", "suppressed", "mailbox_closed")
_EXPECTED = ("booked", "confirmed")  # states of an appointment that people can still come to
_ALWAYS = ("cancelled", "reply")  # kinds of messages that are worth sending after that


@dataclass(frozen=True)
class Undelivered:
    """A message that a task is about, and whom it was for: empty and None when he is gone."""

    message_id: int
    kind: str
    channel: str
    recipient: str
    status: str
    read_evidence: str
    error: str
    participant_id: int | None
    name: str
    role: str
    phone: str


def look(tx: Tx, message_ids: Sequence[int]) -> dict[int, Undelivered]:
    """Those messages, by id."""
    of_message = ("kind", "channel", "recipient", "status", "read_evidence", "error", "participant_id")
    columns = [message.c.id.label("message_id"), *(message.c[name] for name in of_message)]
    columns += [participant.c.name, participant.c.role, participant.c.phone]
    joined = message.outerjoin(participant, participant.c.id == message.c.participant_id)
    found = tx.execute(select(*columns).select_from(joined).where(message.c.id.in_(message_ids)))
    return {row.message_id: _undelivered(row) for row in found}


def _undelivered(row: Row[Any]) -> Undelivered:
    values = dict(row._mapping)
    return Undelivered(**values | {name: values[name] or "" for name in ("name", "role", "phone")})


# -- tasks come, and go by themselves -------------------------------------------------------------------


def ask(tx: Tx, now_s: int, row: Row[Any], reason: str, *, again: bool = False) -> None:
    """Make a task of a message, once for a reason.  row: with id and appointment_id; again: also when it had ended."""
    tasks.ask(tx, now_s, KIND, row.id, reason, row.appointment_id, again=again)


def settle(tx: Tx, now_s: int, row: Row[Any], reasons: Sequence[str]) -> None:
    """A sign of arrival settles doubts about a message, and whether its recipient heard of the appointment at all."""
    about = tasks.of(KIND, [row.id], reasons)
    if "no_evidence" in reasons:
        about |= tasks.of(KIND, _to_him(row.participant_id), ("no_evidence",))
    tasks.settle(tx, now_s, about, _("We weten nu dat het bericht aankwam."))


def _to_him(participant_id: int | None) -> Select[Any]:
    return select(message.c.id).where(message.c.participant_id == participant_id)


# -- what a person does ---------------------------------------------------------------------------------


def retry(tx: Tx, now_s: int, entropy: Entropy, task: Task, actor: str) -> int:
    """Send the message again to the same address.  Returns the new message's id.  TaskError."""
    about = _still_possible(tx, now_s, task)
    tasks.end(tx, now_s, task, actor, "retried")
    lift(tx, about.recipient)  # somebody who knows says: try
    return _again(tx, now_s, entropy, about, recipient=about.recipient)


def other_address(tx: Tx, now_s: int, entropy: Entropy, task: Task, actor: str, mail: str) -> int:
    """Write to another mail address, now and from now on.  Returns the new message's id.

    TaskError; balie.booking.errors.Unfit: that cannot be a mail address.
    """
    about = _still_possible(tx, now_s, task)
    if about.participant_id is None:
        raise TaskError("gone")
    mail = people.check_mail(mail)
    tasks.end(tx, now_s, task, actor, "retried")
    tx.execute(update(participant).where(participant.c.id == about.participant_id).values(mail=mail))
    waiting = (message.c.participant_id == about.participant_id) & (message.c.channel == "mail")
    unsent = waiting & message.c.status.in_(("scheduled", "deferred")) & message.c.submitted_s.is_(None)
    tx.execute(update(message).where(unsent).values(recipient=mail))
    same, words = tasks.of(KIND, _to_him(about.participant_id), _BAD_ADDRESS), _("Het e-mailadres is aangepast.")
    tasks.settle(tx, now_s, same, words, how="retried", staff_id=audit.staff_of(actor))
    return _again(tx, now_s, entropy, about, recipient=mail, channel="mail")


def by_sms(tx: Tx, now_s: int, entropy: Entropy, task: Task, actor: str) -> int:
    """Say it in a text message.  Returns the new message's id.  TaskError."""
    about = _still_possible(tx, now_s, task)
    if not about.phone:
        raise TaskError("no_phone")
    tasks.end(tx, now_s, task, actor, "channel_switched")
    return _again(tx, now_s, entropy, about, recipient=about.phone, channel="sms")


def phoned(tx: Tx, now_s: int, task: Task, actor: str, outcome: str) -> None:
    """Somebody telephoned, and that is what was said.  TaskError."""
    tasks.end(tx, now_s, task, actor, "phoned", tasks.check_outcome(outcome))


def _still_possible(tx: Tx, now_s: int, task: Task) -> Undelivered:
    """A message that still makes sense: the appointment is to come, and the person takes part."""
    about = look(tx, [task.object_id]).get(task.object_id) if task.kind == KIND else None
    if about is None:  # of another kind, or its message was erased
        raise TaskError("unknown_task")
    of_it = select(appointment.c.status, appointment.c.end_s).where(appointment.c.id == task.appointment_id)
    status, end_s = tx.execute(of_it).one()
    if about.kind not in _ALWAYS and (status not in _EXPECTED or end_s <= now_s):
        raise TaskError("over")
    here = select(participant.c.id).where(participant.c.id == about.participant_id, participant.c.removed_s.is_(None))
    if about.participant_id is not None and about.kind not in _ALWAYS and tx.scalar(here) is None:
        raise TaskError("gone")
    return about


def _again(tx: Tx, now_s: int, entropy: Entropy, about: Undelivered, *, recipient: str, channel: str = "") -> int:
    made = schedule.again(tx, now_s, entropy, about.message_id, recipient=recipient, channel=channel)
    assert made is not None, "the recipient is given"
    return made
