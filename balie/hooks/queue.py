"""Events on their way to targets, as rows: which may go, who carries them, what became of them.

    pending, retry -> sending -> done
                              -> retry, dead

Of one appointment a target hears in order: an event waits until it has those before.  That holds for a dead one too:
what comes after it waits until somebody replays or skips it, for a cancellation of what was never booked means nothing.

A worker claims by a conditional UPDATE and holds its claim by a lease.  A lease that ran out is sent again: a target
may get an event twice, under the same id, and never not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Update, and_, case, delete, exists, func, or_, select, update

from balie.store.engine import Tx
from balie.store.schema import hook_delivery, outbox

PAUSE_FIRST_S, PAUSE_FACTOR, PAUSE_MAX_S = 5, 2.5, 12 * 3600
"""Pauses between tries: seconds at first, for a restart; then longer.  Twelve tries take a day, about."""
JITTER = 0.2  # pauses are up to so much longer: what failed together does not come back together
ERROR_MAX = 200  # characters

WAITING = ("pending", "retry")
DONE_KEPT_S = 7 * 86_400
"""So long one can see that a target took an event.  The events themselves stay longer, for the feed."""
FORGET_MAX = 1000  # in one transaction


@dataclass(frozen=True)
class Undelivered:
    """A dead letter.  waiting: how many later events of the same appointment wait for it; tried_s: the last time."""

    id: int
    target: str
    subject: str
    type: str
    time_s: int
    attempts: int
    error: str
    waiting: int
    tried_s: int | None


@dataclass(frozen=True)
class Skipped:
    """A dead letter that was given up.  reason: why, in words."""

    id: int
    target: str
    subject: str
    type: str
    time_s: int
    skipped_s: int
    reason: str


def pause_s(event_id: str, attempts: int) -> int:
    """How long to wait after so many tries.  The chance in it comes from the id, so that it is the same every time."""
    digest = hashlib.sha256(f"{event_id}.{attempts}".encode()).digest()
    longer = 1 + JITTER * int.from_bytes(digest[:4]) / 2**32
    return round(min(PAUSE_FIRST_S * PAUSE_FACTOR ** (attempts - 1), PAUSE_MAX_S) * longer)


def next_s(tx: Tx, target: str, lease_s: int) -> int | None:
    """When there is something to do for a target, as far as is known now."""
    leased = hook_delivery.c.claimed_s + lease_s
    when = case((hook_delivery.c.state == "sending", leased), else_=hook_delivery.c.due_s)
    open_ = hook_delivery.c.state.in_((*WAITING, "sending"))
    earliest_s: int | None = tx.scalar(select(func.min(when)).where(hook_delivery.c.target == target, open_, _IS_FIRST))
    return earliest_s


def claim(tx: Tx, now_s: int, worker: str, target: str, lease_s: int, limit: int) -> list[Row[Any]]:
    """Take what may go now: rows of the outbox, each of another appointment, with delivery_id and attempts."""
    lease_over = and_(hook_delivery.c.state == "sending", hook_delivery.c.claimed_s <= now_s - lease_s)
    free = or_(hook_delivery.c.state.in_(WAITING), lease_over)
    due = (
        select(outbox, hook_delivery.c.id.label("delivery_id"), hook_delivery.c.attempts)
        .join(hook_delivery, hook_delivery.c.outbox_id == outbox.c.id)
        .where(hook_delivery.c.target == target, free, hook_delivery.c.due_s <= now_s, _IS_FIRST)
        .order_by(hook_delivery.c.due_s, hook_delivery.c.id)
        .limit(limit)
    )
    taken = []
    for row in tx.execute(due).all():
        take = update(hook_delivery).where(hook_delivery.c.id == row.delivery_id, free)
        if tx.execute(take.values(state="sending", claimed_by=worker, claimed_s=now_s)).rowcount:
            taken.append(row)
    return taken


def done(tx: Tx, now_s: int, worker: str, delivery_id: int) -> None:
    """The target has it."""
    tx.execute(_ours(worker, delivery_id).values(state="done", done_s=now_s, error=""))


def failed(tx: Tx, worker: str, delivery_id: int, error: str, retry_s: int | None) -> None:
    """It was not taken.  retry_s: when to try again, or None: never by itself."""
    fate = {"state": "dead"} if retry_s is None else {"state": "retry", "due_s": retry_s}
    attempts = hook_delivery.c.attempts + 1
    tx.execute(_ours(worker, delivery_id).values(**fate, attempts=attempts, error=error[:ERROR_MAX]))


def undelivered(
    tx: Tx, *, target: str | None = None, delivery_id: int | None = None, limit: int | None = None
) -> list[Undelivered]:
    """Dead letters, oldest first: all, those of one target, or a certain one if it is dead."""
    which = [hook_delivery.c.state == "dead"]
    which += [hook_delivery.c.target == target] if target is not None else []
    which += [hook_delivery.c.id == delivery_id] if delivery_id is not None else []
    after = hook_delivery.alias("after")
    waiting = (
        select(func.count())
        .where(
            after.c.target == hook_delivery.c.target,
            after.c.subject == hook_delivery.c.subject,
            after.c.id > hook_delivery.c.id,
            after.c.state != "done",
        )
        .correlate(hook_delivery)
        .scalar_subquery()
    )
    query = (
        select(hook_delivery, outbox.c.type, outbox.c.time_s, waiting.label("waiting"))
        .join(outbox)
        .where(*which)
        .order_by(hook_delivery.c.id)
        .limit(limit)
    )
    return [
        Undelivered(
            each.id,
            each.target,
            each.subject,
            each.type,
            each.time_s,
            each.attempts,
            each.error,
            each.waiting,
            each.claimed_s,
        )
        for each in tx.execute(query)
    ]


def undelivered_number(tx: Tx) -> dict[str, int]:
    """How many dead letters each target has, by its name; none for those without."""
    dead = select(hook_delivery.c.target, func.count()).where(hook_delivery.c.state == "dead")
    rows = tx.execute(dead.group_by(hook_delivery.c.target).order_by(hook_delivery.c.target))
    return {row[0]: row[1] for row in rows}


def skipped(tx: Tx, limit: int) -> list[Skipped]:
    """What was given up with a reason, the latest first, while it is kept."""
    given_up = (hook_delivery.c.state == "done") & (hook_delivery.c.error != "")
    query = select(hook_delivery, outbox.c.type, outbox.c.time_s).join(outbox).where(given_up)
    latest_first = query.order_by(hook_delivery.c.done_s.desc(), hook_delivery.c.id.desc()).limit(limit)
    return [
        Skipped(each.id, each.target, each.subject, each.type, each.time_s, each.done_s or 0, each.error)
        for each in tx.execute(latest_first)
    ]


def replay(tx: Tx, now_s: int, delivery_ids: Iterable[int]) -> int:
    """Try dead letters again, with all their tries before them; returns how many there were."""
    dead = hook_delivery.c.id.in_(list(delivery_ids)) & (hook_delivery.c.state == "dead")
    return tx.execute(update(hook_delivery).where(dead).values(state="pending", attempts=0, due_s=now_s)).rowcount


def replay_all(tx: Tx, now_s: int, target: str) -> int:
    """All dead letters of a target; returns how many there were."""
    dead = (hook_delivery.c.target == target) & (hook_delivery.c.state == "dead")
    return tx.execute(update(hook_delivery).where(dead).values(state="pending", attempts=0, due_s=now_s)).rowcount


def skip(tx: Tx, now_s: int, delivery_id: int, reason: str) -> bool:
    """Give a dead letter up, so that those behind it can go.  The feed still has it.

    reason: in words; from now on it stands where the error stood
    """
    dead = (hook_delivery.c.id == delivery_id) & (hook_delivery.c.state == "dead")
    given_up = update(hook_delivery).where(dead).values(state="done", done_s=now_s, error=reason[:ERROR_MAX])
    return tx.execute(given_up).rowcount == 1


def forget_done(tx: Tx, now_s: int) -> int:
    """Delete what was delivered long ago, at most FORGET_MAX of them; why something was skipped stays.  How many."""
    before_s = now_s - DONE_KEPT_S
    # due_s is never later than done_s, and has an index.
    old = (hook_delivery.c.state == "done") & (hook_delivery.c.due_s < before_s) & (hook_delivery.c.done_s < before_s)
    old &= hook_delivery.c.error == ""
    some = select(hook_delivery.c.id).where(old).limit(FORGET_MAX)
    return tx.execute(delete(hook_delivery).where(hook_delivery.c.id.in_(some))).rowcount


# -- rows -----------------------------------------------------------------------------------------------


def _is_first() -> ColumnElement[bool]:
    before = hook_delivery.alias("before")
    unfinished = exists().where(
        before.c.target == hook_delivery.c.target,
        before.c.subject == hook_delivery.c.subject,
        before.c.id < hook_delivery.c.id,
        before.c.state != "done",
    )
    return ~unfinished.correlate(hook_delivery)


_IS_FIRST = _is_first()
"""Of its appointment and target, among those that are not done."""


def _ours(worker: str, delivery_id: int) -> Update:
    """Only who still has the claim says what became of it: another may be sending it by now."""
    mine = (hook_delivery.c.claimed_by == worker) & (hook_delivery.c.state == "sending")
    return update(hook_delivery).where(hook_delivery.c.id == delivery_id, mine)
