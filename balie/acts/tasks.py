"""Work for people: a formal act that no program can finish.

A task is an object, such as payment/12, and a reason, once.  It is open until somebody says how it ended; a refund that
somebody approves or rejects ends the task that proposed it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update

from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import act_task, appointment, participant, staff

OUTCOME_MAX = 500  # characters

REASONS = (
    "slot_lost",  # it was paid, and cannot be confirmed any more; or it was free, and is gone
    "confirm_waits",  # the reservation system does not answer, and somebody waits for its word
    "paid_twice",
    "late_paid",  # money came after the payment had ended
    "amount_mismatch",  # the provider knows another amount
    "payment_unclear",  # the provider says nothing of use
    "charged_back",  # the payer's bank took it back
    "refund_elsewhere",  # somebody gave money back at the provider, not here
    "refund_failed",
    "cancelled",  # the appointment was cancelled, and there was money or a reservation
    "infected",  # a virus in a document: it is gone, and whoever sent it does not know better
)


class TaskError(Exception):
    """code  unknown_task: there is none.  settled: a colleague was quicker.  outcome_missing, outcome_long: say how it
    ended, in at most OUTCOME_MAX characters.  refund_open: the money is to be decided on first.
    nothing_left: it went back another way
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Task:
    """All that a list of tasks shows.  name: of the citizen, "" once it is wiped."""

    id: int
    reason: str
    object: str
    state: str
    outcome: str
    opened_s: int
    closed_s: int | None
    staff_name: str
    appointment_id: int
    ref: str
    start_s: int
    zone: str
    service_id: int
    name: str

    @property
    def payment_id(self) -> int | None:
        kind, _slash, number = self.object.partition("/")
        return int(number) if kind == "payment" else None


def payment(payment_id: int) -> str:
    return f"payment/{payment_id}"


def reservation(reservation_id: int) -> str:
    return f"reservation/{reservation_id}"


def ask(tx: Tx, now_s: int, appointment_id: int, reason: str, about: str, *, again: bool = False) -> bool:
    """Make a task of something, once for a reason; whether it is new.  again: open it anew when it was closed."""
    assert reason in REASONS, reason
    known = (act_task.c.object == about) & (act_task.c.reason == reason)
    row = tx.execute(select(act_task.c.id, act_task.c.state).where(known)).first()
    if row is None:
        values = {"appointment_id": appointment_id, "reason": reason, "object": about, "opened_s": now_s}
        tx.execute(insert(act_task).values(**values))
    elif again and row.state == "closed":
        values = {"state": "open", "opened_s": now_s, "closed_s": None, "outcome": "", "staff_id": None}
        tx.execute(update(act_task).where(act_task.c.id == row.id).values(**values))
    else:
        return False
    return True


def settle(tx: Tx, now_s: int, about: str, reason: str, outcome: str, staff_id: int | None = None) -> bool:
    """What it waited for has come.  outcome: in words."""
    which = (act_task.c.object == about) & (act_task.c.reason == reason) & (act_task.c.state == "open")
    values = {"state": "closed", "closed_s": now_s, "outcome": outcome[:OUTCOME_MAX], "staff_id": staff_id}
    return bool(tx.execute(update(act_task).where(which).values(**values)).rowcount)


def close(tx: Tx, now_s: int, task_id: int, staff_id: int, outcome: str) -> None:
    """Somebody did what had to be done, and says how it ended.  TaskError."""
    words = check_outcome(outcome)
    found = get(tx, task_id)
    if not settle(tx, now_s, found.object, found.reason, words, staff_id):
        raise TaskError("settled")
    audit.note(tx, now_s, f"staff:{staff_id}", "act_task.closed", events.subject(found.ref), task=found.id)


def check_outcome(outcome: str) -> str:
    """TaskError outcome_missing, outcome_long."""
    words = outcome.strip()
    if not words:
        raise TaskError("outcome_missing")
    if len(words) > OUTCOME_MAX:
        raise TaskError("outcome_long")
    return words


def get(tx: Tx, task_id: int) -> Task:
    """TaskError unknown_task."""
    row = tx.execute(_tasks().where(act_task.c.id == task_id)).first()
    if row is None:
        raise TaskError("unknown_task")
    return _task(row)


def listed(tx: Tx, service_ids: Collection[int], *, state: str = "open", limit: int = 200) -> list[Task]:
    """Of these services: the oldest first, of closed ones the latest."""
    query = _tasks().where(act_task.c.state == state, appointment.c.service_id.in_(list(service_ids)))
    order = act_task.c.opened_s if state == "open" else act_task.c.closed_s.desc()
    return [_task(row) for row in tx.execute(query.order_by(order, act_task.c.id).limit(limit))]


def of_appointment(tx: Tx, appointment_id: int) -> list[Task]:
    """Closed ones too, the oldest first."""
    query = _tasks().where(act_task.c.appointment_id == appointment_id)
    return [_task(row) for row in tx.execute(query.order_by(act_task.c.id))]


def open_number(tx: Tx, service_ids: Collection[int]) -> int:
    """How many wait for anybody of these services."""
    query = select(func.count()).select_from(act_task).join(appointment)
    where = (act_task.c.state == "open") & appointment.c.service_id.in_(list(service_ids))
    return tx.scalar(query.where(where)) or 0


def _tasks() -> Select[Any]:
    citizen = (participant.c.appointment_id == appointment.c.id) & (participant.c.role == "citizen")
    own = ("id", "reason", "object", "state", "outcome", "opened_s", "closed_s", "appointment_id")
    joined = (
        act_task.join(appointment, appointment.c.id == act_task.c.appointment_id)
        .outerjoin(participant, citizen & participant.c.removed_s.is_(None))
        .outerjoin(staff, staff.c.id == act_task.c.staff_id)
    )
    return select(
        *(act_task.c[name] for name in own),
        *(appointment.c[name] for name in ("ref", "start_s", "zone", "service_id")),
        participant.c.name.label("name"),
        staff.c.name.label("staff_name"),
    ).select_from(joined)


def _task(row: Row[Any]) -> Task:
    values = {name: row._mapping[name] for name in Task.__dataclass_fields__}
    return Task(**{**values, "name": row.name or "", "staff_name": row.staff_name or ""})
