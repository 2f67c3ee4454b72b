"""Who did what, and when: rows that are only ever added, and sealed by a chain of hashes.

A row is written in the transaction of what it tells of; sealing comes a moment later, one process at a time, so that
writers need not wait for each other's hash.  Who changes or removes a sealed row breaks the chain from there on.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, insert, select, update

from balie.store.engine import Tx
from balie.store.schema import audit, counter
from balie.store.upsert import insert_into

COUNTER = "audit"
FIRST = bytes(32)
"""What the first row follows."""
SEAL_MAX = 500  # rows in one transaction: others write too

_SEAL = (
    update(audit)
    .where(audit.c.id == bindparam("row"))
    .values(place=bindparam("at"), previous=bindparam("before"), hash=bindparam("made"))
)


def note(tx: Tx, now_s: int, actor: str, action: str, about: str, **detail: object) -> None:
    """about: such as appointment/ABC234.  detail: facts, never a name, an address or a secret."""
    row = {"at_s": now_s, "actor": actor, "action": action, "object": about, "detail": detail}
    tx.execute(insert(audit), row)


def staff_of(actor: str) -> int | None:
    """Who of the staff an actor is; None for another."""
    kind, _colon, number = actor.partition(":")
    return int(number) if kind == "staff" else None


def seal(tx: Tx) -> int:
    """Chain rows that are not yet.  Returns how many."""
    last = _sealed(tx)
    previous = tx.scalar(select(audit.c.hash).where(audit.c.place == last)) or FIRST
    rows = tx.execute(select(audit).where(audit.c.place.is_(None)).order_by(audit.c.id).limit(SEAL_MAX)).all()
    seals = []
    for place, row in enumerate(rows, last + 1):
        made = _hash(row, place, previous)
        seals.append({"row": row.id, "at": place, "before": previous, "made": made})
        previous = made
    if seals:
        tx.execute(_SEAL, seals)
        tx.execute(update(counter).where(counter.c.name == COUNTER).values(last=last + len(rows)))
    return len(rows)


def _sealed(tx: Tx) -> int:
    """The last place of the chain; others who would seal wait until this transaction is over."""
    tx.execute(insert_into(counter, tx.dialect.name).values(name=COUNTER, last=0).on_conflict_do_nothing())
    return tx.scalar(select(counter.c.last).where(counter.c.name == COUNTER).with_for_update()) or 0


def broken(tx: Tx) -> list[int]:
    """Places in the chain where a row was changed, or one before it is missing; none in a sound one.

    One more than the last place stands for rows that are missing at the end.
    """
    found, previous, expected = [], FIRST, 1
    for row in tx.execute(select(audit).where(audit.c.place.is_not(None)).order_by(audit.c.place)):
        if row.place != expected or row.previous != previous or row.hash != _hash(row, row.place, row.previous):
            found.append(row.place)
        previous, expected = row.hash, row.place + 1
    if expected <= (tx.scalar(select(counter.c.last).where(counter.c.name == COUNTER)) or 0):
        found.append(expected)
    return found


def _hash(row: Row[Any], place: int, previous: bytes) -> bytes:
    facts = [place, row.id, row.at_s, row.actor, row.action, row.object, row.detail]
    return hashlib.sha256(previous + msgspec.json.encode(facts, order="sorted")).digest()
