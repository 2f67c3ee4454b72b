"""What a person must do: one row for each thing that waits, whoever cannot finish it by itself.

A task is of a kind, about one object of that kind (payment 12, message 3), for a reason, once.  Who raises it names
these and the appointment, and decides what somebody can do about it; how it stands is decided here.

    open -> done | skipped          skipped: somebody said that nothing need be done
    done | skipped -> open          when the same comes up again

How it ended is a word of who raised it, such as phoned or retried; it is empty when what it waited for came by itself.
A task is seen and ended by who works for the service of its appointment; one without an appointment, a reply that
nobody linked to one yet, by everybody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, or_, select, update

from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import appointment, participant, staff, task
from balie.store.upsert import insert_into

OUTCOME_MAX = 500  # characters
LISTED_MAX = 200
ACTS = ("payment", "reservation", "document")
"""Kinds that are of an appointment as a whole: they go along when it moves.  The others are of what was said before."""


class TaskError(Exception):
    """A task on which this cannot be done.

    code  unknown_task: there is none, or none that he may see, or this is not for its kind.  settled: a colleague was
          quicker.  outcome_missing, outcome_long: say how it ended, in at most OUTCOME_MAX characters.  Of messages
          (balie.post.undelivered) over, no_phone, gone; of payments (balie.acts) refund_open, nothing_left,
          second_person
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Task:
    """What a task of any kind has.  name: of the citizen, "" once it is wiped.  A reply may have no appointment."""

    id: int
    kind: str
    object_id: int
    reason: str
    state: str
    how: str
    outcome: str
    opened_s: int
    closed_s: int | None
    staff_name: str
    appointment_id: int | None
    ref: str
    start_s: int | None
    zone: str
    service_id: int | None
    name: str


# -- they come, and go by themselves --------------------------------------------------------------------


def ask(
    tx: Tx, now_s: int, kind: str, object_id: int, reason: str, appointment_id: int | None, *, again: bool = False
) -> bool:
    """A person has to do something; whether that is new.  again: open it anew when it had ended."""
    values = {"kind": kind, "object_id": object_id, "reason": reason}
    row = (
        insert_into(task, tx.dialect.name)
        .values(**values, appointment_id=appointment_id, opened_s=now_s)
        .on_conflict_do_nothing()
    )
    if tx.execute(row.returning(task.c.id)).first() is not None:
        return True
    ended = of(kind, [object_id], [reason]) & (task.c.state != "open")
    anew = {"state": "open", "how": "", "outcome": "", "staff_id": None, "opened_s": now_s, "closed_s": None}
    return again and bool(tx.execute(update(task).where(ended).values(**anew)).rowcount)


def of(kind: str, objects: Collection[int] | Select[Any], reasons: Collection[str] = ()) -> ColumnElement[bool]:
    """Tasks about some objects of a kind, of some reasons or of all."""
    which = (task.c.kind == kind) & task.c.object_id.in_(objects)
    return which & task.c.reason.in_(reasons) if reasons else which


def settle(
    tx: Tx,
    now_s: int,
    which: ColumnElement[bool],
    outcome: str,
    *,
    how: str = "",
    staff_id: int | None = None,
    skipped: bool = False,
) -> int:
    """What they waited for has come, or was decided elsewhere.  Returns how many were open.  which: as of() gives it;
    outcome: in words; staff_id: who decided."""
    values = {"state": "skipped" if skipped else "done", "how": how, "staff_id": staff_id, "closed_s": now_s}
    open_ones = update(task).where(which & (task.c.state == "open"))
    return tx.execute(open_ones.values(**values, outcome=outcome[:OUTCOME_MAX])).rowcount


def link(tx: Tx, kind: str, object_id: int, appointment_id: int) -> None:
    """The tasks of an object are about this appointment."""
    tx.execute(update(task).where(of(kind, [object_id])).values(appointment_id=appointment_id))


def follow(tx: Tx, old_id: int, new_id: int) -> None:
    """An appointment moved, and has another row."""
    along = (task.c.appointment_id == old_id) & task.c.kind.in_(ACTS)
    tx.execute(update(task).where(along).values(appointment_id=new_id))


# -- what a person does ---------------------------------------------------------------------------------


def end(
    tx: Tx,
    /,
    now_s: int,
    found: Task,
    actor: str,
    how: str,
    outcome: str = "",
    *,
    skipped: bool = False,
    **facts: object,
) -> None:
    """Somebody did what had to be done, or (skipped) says that nothing need be.  TaskError settled.

    actor: such as staff:12; facts: for the audit, no words of anybody
    """
    staff_id = audit.staff_of(actor)
    if not settle(tx, now_s, task.c.id == found.id, outcome, how=how, staff_id=staff_id, skipped=skipped):
        raise TaskError("settled")
    about = events.subject(found.ref) if found.ref else f"{found.kind}/{found.object_id}"
    audit.note(tx, now_s, actor, f"task.{how}", about, task=found.id, reason=found.reason, **facts)


def close(tx: Tx, now_s: int, found: Task, actor: str, outcome: str, *, skipped: bool = True) -> None:
    """Nothing more will be done, and that is why; or (not skipped) it was, and that is how it ended.  TaskError."""
    end(tx, now_s, found, actor, "closed", check_outcome(outcome), skipped=skipped)


def check_outcome(outcome: str) -> str:
    """TaskError outcome_missing, outcome_long."""
    words = outcome.strip()
    if not words:
        raise TaskError("outcome_missing")
    if len(words) > OUTCOME_MAX:
        raise TaskError("outcome_long")
    return words


# -- who sees which -------------------------------------------------------------------------------------


def get(tx: Tx, task_id: int) -> Task:
    """TaskError unknown_task."""
    return _one(tx, task.c.id == task_id)


def visible(tx: Tx, task_id: int, service_ids: Collection[int]) -> Task:
    """For who works for these services.  TaskError unknown_task: he does not learn that it exists."""
    return _one(tx, (task.c.id == task_id) & _of_services(service_ids))


def listed(
    tx: Tx, service_ids: Collection[int], *, kinds: Collection[str] = (), ended: bool = False, limit: int = LISTED_MAX
) -> list[Task]:
    """What waits for who works for these services; of some kinds, or of all.

    Who asks to be called comes first, the longest wait first; then whatever is about the earliest appointment.  Those
    that ended (ended): the latest first.
    """
    state = task.c.state != "open" if ended else task.c.state == "open"
    query = _tasks().where(state, _of_services(service_ids))
    if kinds:
        query = query.where(task.c.kind.in_(kinds))
    calls = task.c.kind == "call"
    by_time = case((calls, task.c.opened_s), else_=func.coalesce(appointment.c.start_s, task.c.opened_s))
    waits = case((calls, 0), else_=1), by_time, task.c.id
    latest = task.c.closed_s.desc(), task.c.id.desc()
    return [_task(row) for row in tx.execute(query.order_by(*(latest if ended else waits)).limit(limit))]


def of_appointment(tx: Tx, appointment_id: int) -> list[Task]:
    """Those that ended too, the oldest first."""
    query = _tasks().where(task.c.appointment_id == appointment_id)
    return [_task(row) for row in tx.execute(query.order_by(task.c.id))]


def open_numbers(tx: Tx, service_ids: Collection[int]) -> dict[str, int]:
    """How many wait for who works for these services, by kind; kinds without any are left out."""
    query = select(task.c.kind, func.count().label("number")).select_from(task.outerjoin(appointment))
    query = query.where(task.c.state == "open", _of_services(service_ids))
    return {row.kind: row.number for row in tx.execute(query.group_by(task.c.kind))}


def any_open(tx: Tx, appointment_id: int, kinds: Collection[str]) -> bool:
    which = (task.c.appointment_id == appointment_id) & task.c.kind.in_(kinds) & (task.c.state == "open")
    return tx.execute(select(task.c.id).where(which).limit(1)).first() is not None


def _of_services(service_ids: Collection[int]) -> ColumnElement[bool]:
    return or_(task.c.appointment_id.is_(None), appointment.c.service_id.in_(list(service_ids)))


def _one(tx: Tx, which: ColumnElement[bool]) -> Task:
    row = tx.execute(_tasks().where(which)).first()
    if row is None:
        raise TaskError("unknown_task")
    return _task(row)


_OWN = ("id", "kind", "object_id", "reason", "state", "how", "outcome", "opened_s", "closed_s", "appointment_id")


def _tasks() -> Select[Any]:
    citizen = (
        select(participant.c.name)
        .where(participant.c.appointment_id == appointment.c.id, participant.c.role == "citizen")
        .where(participant.c.removed_s.is_(None))
        .order_by(participant.c.id)
        .limit(1)
        .scalar_subquery()
    )
    joined = task.outerjoin(appointment, appointment.c.id == task.c.appointment_id)
    return select(
        *(task.c[name] for name in _OWN),
        *(appointment.c[name] for name in ("ref", "start_s", "zone", "service_id")),
        citizen.label("name"),
        staff.c.name.label("staff_name"),
    ).select_from(joined.outerjoin(staff, staff.c.id == task.c.staff_id))


def _task(row: Row[Any]) -> Task:
    values = dict(row._mapping)
    return Task(**values | {name: values[name] or "" for name in ("ref", "zone", "name", "staff_name")})
