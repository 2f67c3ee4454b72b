"""Who was there and who was not: what an appointment became when nobody said so (balie.visit.stays judges).

A conversation that took place is over at once when staff ends it for all (balie.visit.presence), or when the citizen
says at his goodbye that he is done and no other visitor goes on with it (balie.visit.survey).  Else it is here that it
ends: LEFT_S after the last one left, or GONE_S when somebody was lost and may look for a way back.  Who is still there
alone keeps it going.

Nothing is decided of the others before GRACE_S after the end.  Conversations by telephone and at the desk leave no
presence: their wrap-up says how they went.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import and_, exists, func, or_, select

from balie.store.engine import Tx
from balie.store.schema import appointment, presence
from balie.visit import call_request, ending
from balie.visit.stays import judge, parted, stays

Entropy = Callable[[int], bytes]

GRACE_S = 15 * 60
LEFT_S = 2 * 60
"""So long after the last one left a conversation is over if all went by themselves, whatever the clock says.  Not at
once: a page that is loaded anew leaves as well, and comes back some seconds later."""
GONE_S = 15 * 60
"""The same when somebody was lost: until then people come back."""
LATE_S = 30 * 60
"""Who looks only now was not there at the time: that nobody came, is not known."""
BATCH = 100


def decide(tx: Tx, now_s: int, entropy: Entropy) -> int:
    """End what nobody ended.  Returns how many."""
    decided = 0
    for appointment_id, end_s in _candidates(tx, now_s):
        found = stays(tx, appointment_id)
        if any(each.until_s is None for each in found):
            continue
        last_s = max((each.until_s for each in found if each.until_s is not None), default=0)
        judged = judge(found)
        if not found and now_s >= end_s + GRACE_S + LATE_S:
            judged = "unclear"
        if judged == "no_show_office" and call_request.asked(tx, appointment_id):
            judged = "unclear"  # he may have been telephoned: a person knows
        if judged == "seen" and now_s >= last_s + (LEFT_S if parted(found) else GONE_S):
            decided += ending.end(tx, now_s, entropy, appointment_id, "system")
        elif now_s < max(end_s + GRACE_S, last_s + GONE_S):
            continue
        elif judged == "unclear":
            decided += ending.end(tx, now_s, entropy, appointment_id, "system", judged)
        else:
            decided += ending.miss(tx, now_s, entropy, appointment_id, "system", judged)
    return decided


def _candidates(tx: Tx, now_s: int) -> list[tuple[int, int]]:
    """Visits by video that may be over: those that began, and those whose time is past; nobody is there any more."""
    standing = appointment.c.status.in_(("booked", "confirmed", "checked_in"))
    later = presence.alias()
    moved_on = exists().where(
        later.c.appointment_id == presence.c.appointment_id,
        later.c.person == presence.c.person,
        later.c.id > presence.c.id,
    )
    there = exists().where(presence.c.appointment_id == appointment.c.id, presence.c.what != "left", ~moved_on)
    last = select(func.max(presence.c.at_s)).where(presence.c.appointment_id == appointment.c.id).scalar_subquery()
    query = (
        select(appointment.c.id, appointment.c.end_s)
        .where(appointment.c.modality == "video", ~there)
        .where(
            or_(
                and_(standing, appointment.c.end_s <= now_s - GRACE_S),
                and_(appointment.c.status == "in_call", last <= now_s - LEFT_S),
            )
        )
        .order_by(appointment.c.end_s)
        .limit(BATCH)
    )
    return [(row.id, row.end_s) for row in tx.execute(query)]
