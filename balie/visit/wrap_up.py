"""What staff does of a visit after it: its outcome, a note, and that everything is done.

Notes begin during the conversation; a wrap-up is open from the end of a visit until somebody finishes it.  What can be
known is filled in already, so that a visit of which everything is done takes one click.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from balie.booking import parting
from balie.booking.errors import NotFound, NotNow, Unfit
from balie.booking.links import BEFORE_S, LinkKey
from balie.booking.people import STANDING, check_text
from balie.record import audit, events, guided, schedule, tasks
from balie.record.guided import Step
from balie.store.engine import Tx
from balie.store.schema import OUTCOMES, appointment, message, next_step, participant, wrap_up
from balie.store.upsert import insert_into
from balie.visit import ending, steps
from balie.visit.stays import judge, stays

Entropy = Callable[[int], bytes]

NOTE_MAX = 4000
LISTED_S = 30 * 86_400
"""So far back open wrap-ups are shown: what nobody finished by then, nobody will."""
LISTED_MAX = 200
ENDED = ("completed", "no_show_citizen", "no_show_office")


@dataclass(frozen=True)
class WrapUp:
    """proposed: the outcome as far as it can be known, until somebody chose one.  done_s: none while it is open.

    left        steps that were opened together and not finished; doubtful: nobody looked at a name that differs
    attendance  seen, no_show_citizen, no_show_office; unclear: a person must say it; empty: not over yet
    """

    appointment_id: int
    outcome: str
    proposed: str
    note: str
    attendance: str
    done_s: int | None
    left: tuple[Step, ...] = ()
    doubtful: bool = False

    @property
    def ready(self) -> bool:
        """Everything is known, and nothing is left to be looked at: one click finishes it."""
        open_ = self.done_s is None and not (self.left or self.doubtful)
        return open_ and bool(self.outcome or self.proposed) and self.attendance not in ("", "unclear")


def of_appointment(tx: Tx, appointment_id: int) -> WrapUp:
    """NotFound."""
    row = _appointment(tx, appointment_id)
    written = tx.execute(select(wrap_up).where(wrap_up.c.appointment_id == appointment_id)).first()
    outcome, note, done_s = (written.outcome, written.note, written.done_s) if written is not None else ("", "", None)
    left, doubtful = _left(tx, row)
    proposed = _proposed(tx, row, together=bool(left or doubtful))
    return WrapUp(appointment_id, outcome, proposed, note, row.attendance, done_s, left, doubtful)


def take_note(tx: Tx, now_s: int, appointment_id: int, staff_id: int, note: str) -> None:
    """Notes during the conversation or after it; only staff reads them.  NotFound, Unfit note."""
    _appointment(tx, appointment_id)
    _put(tx, now_s, appointment_id, staff_id, note=check_text(note, "note", NOTE_MAX))


def finish(
    tx: Tx,
    now_s: int,
    entropy: Entropy,
    key: LinkKey,
    appointment_id: int,
    staff_id: int,
    outcome: str,
    *,
    note: str | None = None,
    attendance: str = "",
) -> None:
    """Everything is done, or said.

    A conversation by telephone or at the desk is over by this, and one by video that everybody left.

    note        none keeps what was written
    attendance  what a person says it was, nothing to leave it

    What was agreed since the citizen was told goes to him again.
    NotFound; NotNow: a conversation by video goes on; Unfit outcome, attendance, note.
    """
    row = _appointment(tx, appointment_id)
    actor = f"staff:{staff_id}"
    if outcome not in OUTCOMES:
        raise Unfit("outcome", "outcome_unknown", f"an outcome is one of {', '.join(OUTCOMES)}")
    _settle_attendance(tx, now_s, entropy, key, row, actor, outcome, attendance)
    written = {} if note is None else {"note": check_text(note, "note", NOTE_MAX)}
    _put(tx, now_s, appointment_id, staff_id, outcome=outcome, done_s=now_s, **written)
    audit.note(tx, now_s, actor, "wrapped_up", events.subject(row.ref), outcome=outcome)
    told_s = _told_s(tx, appointment_id)
    if told_s is not None and steps.changed_since(tx, appointment_id, told_s):
        schedule.agreed_again(tx, now_s, entropy, appointment_id)


def reopen(tx: Tx, now_s: int, appointment_id: int, staff_id: int) -> None:
    """It is not done after all.  NotFound."""
    row = _appointment(tx, appointment_id)
    _put(tx, now_s, appointment_id, staff_id, done_s=None)
    audit.note(tx, now_s, f"staff:{staff_id}", "wrap_up_reopened", events.subject(row.ref))


def open_of(tx: Tx, services: Collection[int], now_s: int, *, staff_id: int | None = None) -> list[int]:
    """Ids of visits that wait to be wrapped up, the longest first; staff_id: of one person only.

    Those by telephone and at the desk wait from their end by the clock on.
    """
    over = appointment.c.status.in_(ENDED)
    by_clock = appointment.c.status.in_(STANDING) & (appointment.c.modality != "video") & (appointment.c.end_s <= now_s)
    query = (
        select(appointment.c.id)
        .outerjoin(wrap_up, wrap_up.c.appointment_id == appointment.c.id)
        .where(appointment.c.service_id.in_(list(services)), over | by_clock, wrap_up.c.done_s.is_(None))
        .where(appointment.c.end_s > now_s - LISTED_S)
        .order_by(appointment.c.end_s, appointment.c.id)
        .limit(LISTED_MAX)
    )
    if staff_id is not None:
        query = query.where(appointment.c.staff_id == staff_id)
    return list(tx.scalars(query))


def following(tx: Tx, appointment_id: int) -> list[int]:
    """Ids of appointments that were made because of this one and still stand, the first first."""
    which = (appointment.c.follow_up_of == appointment_id) & appointment.c.status.in_(STANDING)
    return list(tx.scalars(select(appointment.c.id).where(which).order_by(appointment.c.start_s)))


def _left(tx: Tx, row: Row[Any]) -> tuple[tuple[Step, ...], bool]:
    """What was begun together and not finished, and whether a name is to be looked at; of who did not come, nothing."""
    if row.attendance.startswith("no_show"):
        return (), False
    found = guided.read(tx, row.id)
    left = tuple(each for each in found.steps if each.active or each.doubtful)
    return left, found.proof is not None and found.proof.doubtful


def _proposed(tx: Tx, row: Row[Any], *, together: bool) -> str:
    """What became of it, as far as anybody can know: work of ours that is left means that it goes on.

    So does a payment or a reservation that a person has to look at, and (together) what was begun with the citizen.
    """
    if row.attendance.startswith("no_show"):
        return "not_held"
    open_ = (next_step.c.appointment_id == row.id) & next_step.c.done_s.is_(None) & (next_step.c.owner != "citizen")
    left = tx.execute(select(next_step.c.id).where(open_).limit(1)).first() is not None
    left = left or tasks.any_open(tx, row.id, tasks.ACTS)
    return "continues" if left or together or following(tx, row.id) else "done"


def _settle_attendance(
    tx: Tx,
    now_s: int,
    entropy: Entropy,
    key: LinkKey,
    row: Row[Any],
    actor: str,
    outcome: str,
    attendance: str,
) -> None:
    if attendance not in ("", "seen", "no_show_citizen", "no_show_office"):
        raise Unfit("attendance", "attendance_unknown", "who was there is seen, no_show_citizen or no_show_office")
    if row.status in ENDED:
        if attendance:
            ending.correct(tx, now_s, entropy, row.id, actor, attendance)
        elif row.attendance == "unclear":
            raise Unfit("attendance", "attendance_missing", "only a person can say who was there")
        return
    if row.status not in STANDING or now_s < row.start_s - BEFORE_S:
        raise NotNow("not_wrapped_up", row.status)
    if row.modality == "video":
        attendance = attendance or _judged(tx, row, outcome)
    attendance = attendance or ("no_show_citizen" if outcome == "not_held" else "seen")
    if attendance != "seen":
        ending.miss(tx, now_s, entropy, row.id, actor, attendance)
        return
    here = (participant.c.appointment_id == row.id) & participant.c.removed_s.is_(None)
    for participant_id in tx.scalars(select(participant.c.id).where(here, participant.c.role == "citizen")).all():
        parting.offer(tx, now_s, entropy, key, participant_id)
    ending.end(tx, now_s, entropy, row.id, actor)


def _judged(tx: Tx, row: Row[Any], outcome: str) -> str:
    """Nobody ended the call, and everybody is gone: what presence says, as far as it fits what the person says."""
    found = stays(tx, row.id)
    if any(each.until_s is None for each in found):
        raise NotNow("not_wrapped_up", row.status)
    judged = judge(found)
    if judged == "unclear" or (judged != "seen") != (outcome == "not_held"):
        raise Unfit("attendance", "attendance_missing", "only a person can say who was there")
    return judged


def _told_s(tx: Tx, appointment_id: int) -> int | None:
    """When the citizen was told last what was agreed, or should have been and there was nothing to tell."""
    settled = (message.c.appointment_id == appointment_id) & (message.c.kind == "goodbye")
    settled &= message.c.status.not_in(("scheduled", "claimed"))
    times = [row.submitted_s or row.due_s for row in tx.execute(select(message).where(settled))]
    return max(times, default=None)


def _put(tx: Tx, now_s: int, appointment_id: int, staff_id: int, **values: object) -> None:
    new = {"appointment_id": appointment_id, "outcome": "", "note": "", "done_s": None, **values}
    changed = {**values, "staff_id": staff_id, "changed_s": now_s}
    statement = insert_into(wrap_up, tx.dialect.name).values(**{**new, **changed})
    tx.execute(statement.on_conflict_do_update(index_elements=["appointment_id"], set_=changed))


def _appointment(tx: Tx, appointment_id: int) -> Row[Any]:
    row = tx.execute(select(appointment).where(appointment.c.id == appointment_id).with_for_update()).first()
    if row is None:
        raise NotFound("appointment")
    return row
