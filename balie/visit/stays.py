"""How long people were where, read from presence, and what that says of a visit.

- Somebody of the staff and a visitor were in the conversation together: it took place.  Which member of the staff does
  not matter, so a colleague who stepped in counts.
- No visitor came to the door: the citizen did not show up.  The desk sees its waiting room without going in, so staff
  need not have been in the room.
- A visitor came, and nobody of the staff ever went in: the office did not show up.
- Both were there and never together: nobody can tell from here, so a person says what it was when he wraps up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, select

from balie.store.engine import Tx
from balie.store.schema import presence

Attendance = Literal["seen", "no_show_citizen", "no_show_office", "unclear"]

STAFF = "staff"
VISITORS = ("citizen", "third")
ENDED = "ended"
"""Reason of leaving: somebody of the staff ended the conversation for all."""
RESTARTED, DRAINING = "restarted", "draining"
"""Reasons of leaving that are no doing of his: the process died, or stopped."""
AGAIN = "again"
"""Reason of waiting: as before such an end (signalling.lobby)."""
PARTED = ("left", ENDED, "removed")
"""Reasons of leaving for good, or to load the page anew.  Who was lost may look for a way back."""


@dataclass(frozen=True)
class Stay:
    """Somebody was somewhere.

    inside   in the conversation, and not in the waiting room
    until_s  none while he is
    reason   why he left; "" when he did not, but went in or out
    """

    person: str
    role: str
    inside: bool
    from_s: int
    until_s: int | None
    reason: str = ""


def stays(tx: Tx, appointment_id: int) -> list[Stay]:
    """In the order in which they began."""
    rows = select(presence).where(presence.c.appointment_id == appointment_id).order_by(presence.c.at_s, presence.c.id)
    found: list[Stay] = []
    open_: dict[str, Row[Any]] = {}
    for row in tx.execute(rows):
        before = open_.pop(row.person, None)
        if before is not None:
            found.append(_stay(before, row.at_s, row.reason))
        if row.what != "left":
            open_[row.person] = row
    found.extend(_stay(row, None) for row in open_.values())
    return sorted(found, key=lambda each: each.from_s)


def present(tx: Tx, appointment_id: int) -> list[Stay]:
    """Who is there now."""
    return [each for each in stays(tx, appointment_id) if each.until_s is None]


def admitted(tx: Tx, appointment_id: int, person: str) -> bool:
    """Somebody let him in, and nobody sent him out since: after a restart of the server he need not wait again."""
    his = (presence.c.appointment_id == appointment_id) & (presence.c.person == person)
    query = select(presence.c.what, presence.c.reason).where(his).order_by(presence.c.at_s.desc(), presence.c.id.desc())
    for row in tx.execute(query):
        if row.what == "entered":
            return True
        if row.what == "held" or (row.what == "left" and row.reason in ("removed", ENDED)):
            return False
    return False


def waits_since(tx: Tx, appointment_id: int, person: str) -> int:
    """Since when somebody waited, Unix time, when this process began; 0 when he did not wait then."""
    his = (presence.c.appointment_id == appointment_id) & (presence.c.person == person)
    query = select(presence).where(his).order_by(presence.c.at_s.desc(), presence.c.id.desc())
    since_s, sent_away = 0, False
    for row in tx.execute(query):
        if row.what == "left" and row.reason in (RESTARTED, DRAINING) and not sent_away:
            sent_away = True
        elif row.what in ("waiting", "held") and sent_away:
            since_s, sent_away = row.at_s, False
            if row.reason != AGAIN:
                break
        else:
            break
    return since_s


def judge(found: Sequence[Stay]) -> Attendance:
    """What the stays of one visit say."""
    staff = [each for each in found if each.role == STAFF and each.inside]
    visitors = [each for each in found if each.role in VISITORS]
    if any(_together(one, other) for one in staff for other in visitors if other.inside):
        return "seen"
    if not visitors:
        return "no_show_citizen"
    return "unclear" if staff else "no_show_office"


def parted(found: Sequence[Stay]) -> bool:
    """Whether everybody who was there went by himself, or was sent: nobody is looking for his connection."""
    last = {each.person: each for each in found}
    return all(each.until_s is not None and each.reason in PARTED for each in last.values())


def _stay(row: Row[Any], until_s: int | None, reason: str = "") -> Stay:
    return Stay(row.person, row.role, row.what == "entered", row.at_s, until_s, reason)


def _together(one: Stay, other: Stay) -> bool:
    ends = [each.until_s for each in (one, other) if each.until_s is not None]
    return max(one.from_s, other.from_s) <= min(ends, default=max(one.from_s, other.from_s))
