"""Who was where when, and what an appointment becomes by it: checked in, in a call, completed.

The call itself lives in memory (signalling.hub); here is what must outlast it.  Rows are only added, in the order in
which things happened; balie.visit.stays reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from sqlalchemy import Row, func, insert, select, update

from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import appointment, presence
from balie.visit import call_request, ending, survey
from balie.visit.stays import ENDED, RESTARTED, STAFF, VISITORS, judge, present, stays

Entropy = Callable[[int], bytes]

BEFORE = ("booked", "confirmed")
REASON_MAX = 24


class Seen(Protocol):
    """What the hub tells of a person.  what: waiting, entered, held or left; at_s: Unix time."""

    @property
    def room(self) -> str: ...
    @property
    def participant(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def at_s(self) -> float: ...


def note(tx: Tx, now_s: int, entropy: Entropy, seen: Iterable[Seen]) -> None:
    """Write down what the hub saw, and draw the conclusions.  Rooms without an appointment are none of ours."""
    for each in seen:
        row = _appointment(tx, each.room)
        if row is None:
            continue
        values = {
            "appointment_id": row.id,
            "person": each.participant[:64],
            "role": each.role,
            "what": each.what,
            "reason": (each.reason or "")[:REASON_MAX],
            "at_s": int(each.at_s),
        }
        tx.execute(insert(presence).values(**values))
        _conclude(tx, now_s, entropy, row, each)


def restarted(tx: Tx, now_s: int) -> None:
    """Nobody is in any room when a process begins: who was, left with the one before.  At its start, once."""
    latest = select(func.max(presence.c.id)).group_by(presence.c.appointment_id, presence.c.person)
    there = select(presence).where(presence.c.id.in_(latest), presence.c.what != "left")
    # Until when he was there, nobody wrote down; the last that was written of his appointment comes nearest.
    for row in tx.execute(there).all():
        of_visit = select(func.max(presence.c.at_s)).where(presence.c.appointment_id == row.appointment_id)
        values = {"appointment_id": row.appointment_id, "person": row.person, "role": row.role}
        at_s = max(tx.scalar(of_visit) or 0, row.at_s)
        tx.execute(insert(presence).values(**values, what="left", reason=RESTARTED, at_s=min(at_s, now_s)))


def _appointment(tx: Tx, room: str) -> Row[Any] | None:
    """The latest of a room, locked: what follows from two people who come together is decided once."""
    query = select(appointment).where(appointment.c.room == room).order_by(appointment.c.id.desc()).limit(1)
    return tx.execute(query.with_for_update()).first()


def _conclude(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], each: Seen) -> None:
    if each.what == "left" and each.reason == ENDED:
        # Staff that closes a room in which nobody came ends no conversation: the clock decides on that one.
        if judge(stays(tx, row.id)) == "seen":
            ending.end(tx, now_s, entropy, row.id, "system")
    elif each.what == "left":
        survey.left(tx, now_s, entropy, row.id, each.participant)
    elif each.what == "waiting" and each.role == "citizen" and row.status in BEFORE:
        _become(tx, now_s, entropy, row, "checked_in")
    elif each.what == "entered":
        _entered(tx, now_s, entropy, row, each)


def _entered(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], each: Seen) -> None:
    if each.role in VISITORS:
        call_request.overtaken(tx, now_s, row.id, each.participant)
    if row.status in (*BEFORE, "checked_in"):
        inside = {stay.role for stay in present(tx, row.id) if stay.inside}
        if STAFF in inside and inside & set(VISITORS):
            _become(tx, now_s, entropy, row, "in_call")
        elif each.role == "citizen" and row.status in BEFORE:
            _become(tx, now_s, entropy, row, "checked_in")


def _become(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], status: str) -> None:
    tx.execute(update(appointment).where(appointment.c.id == row.id).values(status=status, changed_s=now_s))
    audit.note(tx, now_s, "system", status, events.subject(row.ref))
    events.emit(tx, now_s, entropy, row.id, events.APPOINTMENT + status)
