"""Next steps: what was agreed, who does it, by when.  Staff writes them; the citizen sees them and gets them mailed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from balie.booking.errors import NotFound, Unfit
from balie.booking.people import check_text
from balie.i18n import local
from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import STEP_OWNERS, appointment, next_step

TEXT_MAX = 500
STEPS_MAX = 20
AHEAD_DAYS = 3 * 366


@dataclass(frozen=True)
class NextStep:
    """owner: citizen, office or other.  due_day: a local day such as 2026-12-08, or nothing."""

    id: int
    text: str
    owner: str
    due_day: str
    done_s: int | None


def of_appointment(tx: Tx, appointment_id: int) -> list[NextStep]:
    """In the order in which they were agreed."""
    query = select(next_step).where(next_step.c.appointment_id == appointment_id).order_by(next_step.c.id)
    return [NextStep(each.id, each.text, each.owner, each.due_day or "", each.done_s) for each in tx.execute(query)]


def add(
    tx: Tx, now_s: int, appointment_id: int, actor: str, text: str, owner: str = "office", due_day: str = ""
) -> int:
    """Returns its id.  NotFound; Unfit text, owner, due_day: what is wrong with it."""
    about = _appointment(tx, appointment_id)
    values = _checked(about, now_s, text, owner, due_day)
    here = select(func.count()).where(next_step.c.appointment_id == appointment_id)
    if (tx.scalar(here) or 0) >= STEPS_MAX:
        raise Unfit("text", "steps_too_many", f"{STEPS_MAX} steps are enough for one visit")
    row = {**values, "appointment_id": appointment_id, "created_by": actor, "created_s": now_s, "changed_s": now_s}
    made = tx.execute(insert(next_step).values(**row)).inserted_primary_key
    assert made is not None
    audit.note(tx, now_s, actor, "step_added", events.subject(about.ref), step=int(made[0]), owner=owner)
    return int(made[0])


def change(
    tx: Tx, now_s: int, appointment_id: int, step_id: int, actor: str, text: str, owner: str, due_day: str = ""
) -> None:
    """NotFound, Unfit as add()."""
    about = _appointment(tx, appointment_id)
    values = _checked(about, now_s, text, owner, due_day)
    _update(tx, appointment_id, step_id, {**values, "changed_s": now_s})
    audit.note(tx, now_s, actor, "step_changed", events.subject(about.ref), step=step_id, owner=owner)


def remove(tx: Tx, now_s: int, appointment_id: int, step_id: int, actor: str) -> None:
    """NotFound."""
    about = _appointment(tx, appointment_id)
    which = (next_step.c.id == step_id) & (next_step.c.appointment_id == appointment_id)
    if not tx.execute(next_step.delete().where(which)).rowcount:
        raise NotFound("step")
    # What is left is not what he was told any more.
    tx.execute(update(next_step).where(next_step.c.appointment_id == appointment_id).values(changed_s=now_s))
    audit.note(tx, now_s, actor, "step_removed", events.subject(about.ref), step=step_id)


def mark(tx: Tx, now_s: int, appointment_id: int, step_id: int, actor: str, *, done: bool) -> None:
    """It was done, or it was not after all.  NotFound."""
    about = _appointment(tx, appointment_id)
    _update(tx, appointment_id, step_id, {"done_s": now_s if done else None})
    audit.note(tx, now_s, actor, "step_done" if done else "step_open", events.subject(about.ref), step=step_id)


def changed_since(tx: Tx, appointment_id: int, at_s: int) -> bool:
    """Whether what was agreed is not what it was at that time."""
    later = (next_step.c.appointment_id == appointment_id) & (next_step.c.changed_s > at_s)
    return tx.execute(select(next_step.c.id).where(later).limit(1)).first() is not None


def _checked(about: Row[Any], now_s: int, text: str, owner: str, due_day: str) -> dict[str, str | None]:
    written = " ".join(check_text(text, "text", TEXT_MAX).split())
    if not written:
        raise Unfit("text", "text_missing", "a step says what will be done")
    if owner not in STEP_OWNERS:
        raise Unfit("owner", "owner_unknown", f"a step is for one of {', '.join(STEP_OWNERS)}")
    return {"text": written, "owner": owner, "due_day": _day(about, now_s, due_day) or None}


def _day(about: Row[Any], now_s: int, due_day: str) -> str:
    if not due_day:
        return ""
    try:
        day = date.fromisoformat(due_day)
    except ValueError:
        raise Unfit("due_day", "due_day_invalid", "a day is written as 2026-12-08") from None
    today = local(now_s, about.zone).date()
    if not 0 <= (day - today).days <= AHEAD_DAYS:
        raise Unfit("due_day", "due_day_out_of_range", "a day from today on, within three years")
    return day.isoformat()


def _update(tx: Tx, appointment_id: int, step_id: int, values: dict[str, Any]) -> None:
    which = (next_step.c.id == step_id) & (next_step.c.appointment_id == appointment_id)
    if not tx.execute(update(next_step).where(which).values(**values)).rowcount:
        raise NotFound("step")


def _appointment(tx: Tx, appointment_id: int) -> Row[Any]:
    """Locked: two who write at once would each find room for one more."""
    row = tx.execute(select(appointment).where(appointment.c.id == appointment_id).with_for_update()).first()
    if row is None:
        raise NotFound("appointment")
    return row
