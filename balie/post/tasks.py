"""Work for people: a message that did not arrive, or may not have, or to which somebody said no; and somebody who asks
to be telephoned (balie.visit.call_request).

A task is a message and a reason, once.  It is open until somebody retries, switches to a text message, telephones, or
closes it; the last two need an outcome in words.  What is heard later can settle a doubt by itself.

    open -> retried | channel_switched | phoned | closed
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from balie.booking import people
from balie.i18n import gettext as _
from balie.post.suppression import lift
from balie.record import audit, schedule
from balie.store.engine import Tx
from balie.store.schema import appointment, message, message_issue, participant, staff

Entropy = Callable[[int], bytes]

OUTCOME_MAX = 500  # characters
DOUBTS = ("delivery_unknown", "no_evidence")
"""Reasons that are no failure: any sign of arrival settles them."""
_BAD_ADDRESS = ("address_unknown", "suppressed", "mailbox_closed")
_EXPECTED = ("booked", "confirmed")  # states of an appointment that people can still come to
_ALWAYS = ("cancelled", "reply")  # kinds of messages that are worth sending after that


class TaskError(Exception):
    """A task on which this cannot be done.

    code  unknown_task: there is none.  settled: somebody was quicker.  over: the appointment is past, moved or
          cancelled.  no_phone: nothing to send a text message to.  outcome_missing, outcome_long: say how it ended, in
          at most OUTCOME_MAX characters.  gone: the person no longer takes part
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Task:
    """All that a list of tasks shows."""

    id: int
    reason: str
    state: str
    outcome: str
    opened_s: int
    closed_s: int | None
    staff_name: str
    message_id: int
    kind: str
    channel: str
    recipient: str
    status: str
    read_evidence: str
    error: str
    appointment_id: int
    ref: str
    start_s: int
    zone: str
    service_id: int
    participant_id: int | None
    name: str
    role: str
    phone: str


def listed(
    tx: Tx,
    states: Sequence[str] = ("open",),
    service_ids: Collection[int] | None = None,
    limit: int = 200,
    *,
    reason: str = "",
) -> list[Task]:
    """Tasks, those of the nearest appointment first.  reason: of one only."""
    wanted = _tasks().where(message_issue.c.state.in_(states))
    if reason:
        wanted = wanted.where(message_issue.c.reason == reason)
    if service_ids is not None:
        wanted = wanted.where(appointment.c.service_id.in_(service_ids))
    rows = tx.execute(wanted.order_by(appointment.c.start_s, message_issue.c.id).limit(limit))
    return [_task(row) for row in rows]


def of_appointment(tx: Tx, appointment_id: int) -> list[Task]:
    """Tasks of an appointment, settled ones too, the oldest first."""
    of_it = _tasks().where(message_issue.c.appointment_id == appointment_id)
    return [_task(row) for row in tx.execute(of_it.order_by(message_issue.c.id))]


def get(tx: Tx, task_id: int) -> Task:
    """TaskError unknown_task."""
    row = tx.execute(_tasks().where(message_issue.c.id == task_id)).first()
    if row is None:
        raise TaskError("unknown_task")
    return _task(row)


def _tasks() -> Select[Any]:
    of_issue = ("id", "reason", "state", "outcome", "opened_s", "closed_s", "message_id", "appointment_id")
    of_message = ("kind", "channel", "recipient", "status", "read_evidence", "error", "participant_id")
    columns = [message_issue.c[name] for name in of_issue] + [message.c[name] for name in of_message]
    columns += [appointment.c[name] for name in ("ref", "start_s", "zone", "service_id")]
    people_columns = [participant.c.name, participant.c.role, participant.c.phone, staff.c.name.label("staff_name")]
    joined = (
        message_issue.join(message, message_issue.c.message_id == message.c.id)
        .join(appointment, message_issue.c.appointment_id == appointment.c.id)
        .outerjoin(participant, message.c.participant_id == participant.c.id)
        .outerjoin(staff, message_issue.c.staff_id == staff.c.id)
    )
    return select(*columns, *people_columns).select_from(joined)


def _task(row: Row[Any]) -> Task:
    values = {name: "" if value is None else value for name, value in row._mapping.items()}
    return Task(**{**values, "closed_s": row.closed_s, "participant_id": row.participant_id})


# -- tasks come, and go by themselves -------------------------------------------------------------------


def ask(tx: Tx, now_s: int, row: Row[Any], reason: str, *, again: bool = False) -> None:
    """Make a task of a message, once for a reason.  again: open it anew when it had been settled."""
    known = (message_issue.c.message_id == row.id) & (message_issue.c.reason == reason)
    if tx.execute(select(message_issue.c.id).where(known)).first() is None:
        values = {"message_id": row.id, "appointment_id": row.appointment_id, "reason": reason, "opened_s": now_s}
        tx.execute(insert(message_issue).values(**values))
    elif again:
        tx.execute(update(message_issue).where(known).values(state="open", opened_s=now_s, closed_s=None, outcome=""))


def settle(tx: Tx, now_s: int, row: Row[Any], reasons: Sequence[str]) -> None:
    """A sign of arrival settles doubts about a message, and whether its recipient heard of the appointment at all."""
    to_him = select(message.c.id).where(message.c.participant_id == row.participant_id)
    about = (message_issue.c.message_id == row.id) | (
        (message_issue.c.reason == "no_evidence") & message_issue.c.message_id.in_(to_him)
    )
    doubtful = about & message_issue.c.reason.in_(reasons) & (message_issue.c.state == "open")
    outcome = _("We weten nu dat het bericht aankwam.")
    tx.execute(update(message_issue).where(doubtful).values(state="closed", closed_s=now_s, outcome=outcome))


# -- what a person does ---------------------------------------------------------------------------------


def retry(tx: Tx, now_s: int, entropy: Entropy, task_id: int, actor: str) -> int:
    """Send the message again to the same address.  Returns the new message's id.  TaskError."""
    task = _still_possible(tx, now_s, task_id)
    _end(tx, now_s, task, "retried", actor)
    lift(tx, task.recipient)  # somebody who knows says: try
    return _again(tx, now_s, entropy, task, recipient=task.recipient)


def other_address(tx: Tx, now_s: int, entropy: Entropy, task_id: int, actor: str, mail: str) -> int:
    """Write to another mail address, now and from now on.  Returns the new message's id.

    TaskError; balie.booking.errors.Unfit: that cannot be a mail address.
    """
    task = _still_possible(tx, now_s, task_id)
    if task.participant_id is None:
        raise TaskError("gone")
    mail = people.check_mail(mail)
    _end(tx, now_s, task, "retried", actor)
    tx.execute(update(participant).where(participant.c.id == task.participant_id).values(mail=mail))
    waiting = (message.c.participant_id == task.participant_id) & (message.c.channel == "mail")
    unsent = waiting & message.c.status.in_(("scheduled", "deferred")) & message.c.submitted_s.is_(None)
    tx.execute(update(message).where(unsent).values(recipient=mail))
    to_him = select(message.c.id).where(message.c.participant_id == task.participant_id)
    same = message_issue.c.message_id.in_(to_him) & message_issue.c.reason.in_(_BAD_ADDRESS)
    _settle_open(tx, now_s, same, "retried", _("Het e-mailadres is aangepast."), actor)
    return _again(tx, now_s, entropy, task, recipient=mail, channel="mail")


def by_sms(tx: Tx, now_s: int, entropy: Entropy, task_id: int, actor: str) -> int:
    """Say it in a text message.  Returns the new message's id.  TaskError."""
    task = _still_possible(tx, now_s, task_id)
    if not task.phone:
        raise TaskError("no_phone")
    _end(tx, now_s, task, "channel_switched", actor)
    return _again(tx, now_s, entropy, task, recipient=task.phone, channel="sms")


def phoned(tx: Tx, now_s: int, task_id: int, actor: str, outcome: str, **facts: object) -> None:
    """Somebody telephoned, and that is what was said.  facts: for the audit, no words of anybody.  TaskError."""
    _end(tx, now_s, get(tx, task_id), "phoned", actor, _words(outcome), **facts)


def close(tx: Tx, now_s: int, task_id: int, actor: str, outcome: str) -> None:
    """Nothing more will be done, and that is why.  TaskError."""
    _end(tx, now_s, get(tx, task_id), "closed", actor, _words(outcome))


def _words(outcome: str) -> str:
    outcome = outcome.strip()
    if not outcome:
        raise TaskError("outcome_missing")
    if len(outcome) > OUTCOME_MAX:
        raise TaskError("outcome_long")
    return outcome


def _still_possible(tx: Tx, now_s: int, task_id: int) -> Task:
    """A task whose message still makes sense: the appointment is to come, and the person takes part."""
    task = get(tx, task_id)
    of_it = select(appointment.c.status, appointment.c.end_s).where(appointment.c.id == task.appointment_id)
    status, end_s = tx.execute(of_it).one()
    if task.kind not in _ALWAYS and (status not in _EXPECTED or end_s <= now_s):
        raise TaskError("over")
    here = select(participant.c.id).where(participant.c.id == task.participant_id, participant.c.removed_s.is_(None))
    if task.participant_id is not None and task.kind not in _ALWAYS and tx.scalar(here) is None:
        raise TaskError("gone")
    return task


def _again(tx: Tx, now_s: int, entropy: Entropy, task: Task, *, recipient: str, channel: str = "") -> int:
    made = schedule.again(tx, now_s, entropy, task.message_id, recipient=recipient, channel=channel)
    assert made is not None, "the recipient is given"
    return made


def _end(tx: Tx, now_s: int, task: Task, state: str, actor: str, outcome: str = "", **facts: object) -> None:
    """TaskError settled: two people looked at one list."""
    if not _settle_open(tx, now_s, message_issue.c.id == task.id, state, outcome, actor):
        raise TaskError("settled")
    audit.note(tx, now_s, actor, f"task.{state}", f"appointment/{task.ref}", task=task.id, reason=task.reason, **facts)


def _settle_open(tx: Tx, now_s: int, which: Any, state: str, outcome: str, actor: str) -> int:
    kind, _colon, number = actor.partition(":")
    values = {"state": state, "outcome": outcome, "closed_s": now_s}
    values |= {"staff_id": int(number)} if kind == "staff" else {}
    open_ones = which & (message_issue.c.state == "open")
    return tx.execute(update(message_issue).where(open_ones).values(**values)).rowcount
