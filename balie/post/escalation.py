"""A day before an appointment somebody should have heard of it: where nothing shows that he did, try another way.

First a text message, when he has a telephone and there is a gateway; where that brings nothing either within two hours,
or is impossible, a task for somebody to telephone.  That nothing is known is never shown as failure: most mail arrives
without a word.  Deciding again changes nothing: what was done is in the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, not_, or_, select

from balie.post import undelivered
from balie.post.matching import latest_sent
from balie.post.queue import LAST_HOURS_S, Quiet
from balie.record import schedule, tasks
from balie.store.engine import Tx
from balie.store.schema import appointment, message, participant, task

Entropy = Callable[[int], bytes]

BEFORE_S = 24 * 3600
PATIENCE_S = 2 * 3600  # for a first sign of life of what was sent


@dataclass(frozen=True)
class Rules:
    """sms: there is a gateway for text messages; quiet: hours in which none are sent."""

    sms: bool
    quiet: Quiet = field(default_factory=Quiet)
    before_s: int = BEFORE_S
    patience_s: int = PATIENCE_S


@dataclass(frozen=True)
class Escalated:
    """How many text messages and tasks were made."""

    sms: int = 0
    tasks: int = 0


def escalate(tx: Tx, now_s: int, entropy: Entropy, rules: Rules) -> Escalated:
    """Look at all appointments of the coming day of which nothing shows that the citizen knows."""
    made = {"sms": 0, "tasks": 0}
    for person in tx.execute(_unheard(now_s, rules)).all():
        texts_s = tx.scalar(
            select(func.max(func.coalesce(message.c.submitted_s, message.c.due_s))).where(
                message.c.participant_id == person.id, message.c.channel == "sms", message.c.status != "cancelled"
            )
        )
        last = latest_sent(tx, person.id)
        if last is None or (texts_s is not None and now_s < texts_s + rules.patience_s):
            continue
        if texts_s is None and rules.sms and person.phone:
            if not _is_quiet(person, now_s, rules):
                schedule.again(tx, now_s, entropy, last.id, recipient=person.phone, channel="sms")
                made["sms"] += 1
        elif not person.task_open:
            undelivered.ask(tx, now_s, last, "no_evidence")
            made["tasks"] += 1
    return Escalated(**made)


def _is_quiet(person: Row[Any], now_s: int, rules: Rules) -> bool:
    near = person.start_s - now_s <= LAST_HOURS_S
    return not near and rules.quiet.over_s(now_s, person.zone) is not None


def _unheard(now_s: int, rules: Rules) -> Any:
    """Citizens of whom nothing shows that they know of their appointment, and for whom nobody has decided yet."""
    of_person = message.c.participant_id == participant.c.id
    heard = exists().where(of_person, or_(message.c.status == "delivered", message.c.read_evidence != "none"))
    at_once = and_(  # who booked so late himself has only just done so
        appointment.c.created_by == "citizen", appointment.c.created_s > appointment.c.start_s - rules.before_s
    )
    return (
        select(
            participant.c.id,
            participant.c.phone,
            appointment.c.start_s,
            appointment.c.zone,
            _task(task.c.state == "open").label("task_open"),
        )
        .join(appointment, participant.c.appointment_id == appointment.c.id)
        .where(
            appointment.c.status == "booked",  # confirmed: he said so himself
            appointment.c.start_s > now_s,
            appointment.c.start_s <= now_s + rules.before_s,
            appointment.c.created_s <= now_s - rules.patience_s,
            not_(at_once),
            participant.c.role == "citizen",
            participant.c.removed_s.is_(None),
            not_(heard),
            # Somebody spoke to him, or decided that nothing more is done.  What closed by itself has no staff.
            not_(_task(task.c.staff_id.is_not(None), or_(task.c.state == "skipped", task.c.how == "phoned"))),
        )
        .order_by(appointment.c.start_s, participant.c.id)
    )


def _task(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """There is such a task about messages to him, or because he asked to be called."""
    to_him = select(message.c.id).where(message.c.participant_id == participant.c.id).correlate(participant)
    calls = and_(task.c.kind == "call", task.c.object_id == participant.c.id)
    return exists().where(or_(tasks.of(undelivered.KIND, to_him), calls), *which)
