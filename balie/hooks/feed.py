"""The feed: all events in one order that never changes, for who would rather ask than be told.

An event gets its place when it is already committed.  Numbers that rows get before that will not do: of two
transactions at once the one with the higher number may commit first, and a reader who saw it would never look for the
lower one again.  Within an appointment the places follow the order of its transactions (balie.record.events).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update

from balie.hooks.cloudevents import Source, event, sequence
from balie.hooks.targets import Target
from balie.store.engine import Tx
from balie.store.schema import counter, hook_delivery, outbox
from balie.store.upsert import insert_into

COUNTER = "feed"
SEAL_MAX = 200  # events in one transaction: some tens of milliseconds in which SQLite has no other writer
PAGE_MAX = 500
_NEW = select(outbox.c.id).where(outbox.c.place.is_(None)).limit(1)


class UnknownCursorError(Exception):
    """A cursor that no page ever gave."""


class EventsGoneError(Exception):
    """Events after this cursor were removed, for they were old: nothing tells what was in them.

    oldest  the cursor with which to go on, from the oldest event that is left
    """

    def __init__(self, oldest: str) -> None:
        super().__init__(oldest)
        self.oldest = oldest


@dataclass(frozen=True)
class Page:
    """cursor: of the last event, to ask for the next page with.  more: there is one already."""

    events: list[dict[str, object]]
    cursor: str
    more: bool


def has_new(tx: Tx) -> bool:
    """Whether there are events without a place."""
    return tx.execute(_NEW).first() is not None


def seal(tx: Tx, now_s: int, targets: Sequence[Target]) -> int:
    """Give new events their place, and each target that wants them its copy to come; returns how many there were."""
    last = _last(tx)
    new = select(outbox.c.id, outbox.c.type, outbox.c.subject).where(outbox.c.place.is_(None))
    rows = tx.execute(new.order_by(outbox.c.id).limit(SEAL_MAX)).all()
    if not rows:
        return 0
    tx.execute(
        update(outbox).where(outbox.c.id == bindparam("row")).values(place=bindparam("at")),
        [{"row": row.id, "at": place} for place, row in enumerate(rows, last + 1)],
    )
    copies = [
        {"outbox_id": row.id, "target": target.name, "subject": row.subject, "due_s": now_s}
        for row in rows
        for target in targets
        if target.wants(row.type)
    ]
    if copies:
        tx.execute(insert(hook_delivery), copies)
    tx.execute(update(counter).where(counter.c.name == COUNTER).values(last=last + len(rows)))
    return len(rows)


def page(tx: Tx, source: Source, after: str, limit: int, *, contact: bool = False) -> Page:
    """Events after a cursor, oldest first, at most limit; "" is before the oldest.

    UnknownCursorError, EventsGoneError.
    """
    limit = min(limit, PAGE_MAX)
    last = tx.scalar(select(counter.c.last).where(counter.c.name == COUNTER)) or 0
    if after and not (after.isascii() and after.isdecimal() and len(after) <= 18 and int(after) <= last):
        raise UnknownCursorError(after)
    begin = int(after or 0)
    following = select(outbox).where(outbox.c.place > begin).order_by(outbox.c.place).limit(limit + 1)
    rows = tx.execute(following).all()
    expected, found = begin + 1, rows[0].place if rows else last + 1
    if after and found != expected:
        raise EventsGoneError(sequence(found - 1))
    shown = rows[:limit]
    events = [event(tx, row, source, contact=contact) for row in shown]
    return Page(events, sequence(shown[-1].place) if shown else sequence(begin), len(rows) > limit)


def _last(tx: Tx) -> int:
    """The last place that was given; who else wants to give some waits until this transaction is over."""
    locked = select(counter.c.last).where(counter.c.name == COUNTER).with_for_update()
    last: int | None = tx.scalar(locked)
    if last is None:  # the first event ever: perhaps of two processes at once
        tx.execute(insert_into(counter, tx.dialect.name).values(name=COUNTER, last=0).on_conflict_do_nothing())
        last = tx.scalars(locked).one()
    return last
