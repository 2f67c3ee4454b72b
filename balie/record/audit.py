"""Who did what, and when: rows that are only ever added, and sealed by a chain of hashes.

A row is written in the transaction of what it tells of; sealing comes a moment later, one process at a time, so that
writers need not wait for each other's hash.  Who changes or removes a sealed row breaks the chain from there on.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update

from balie.store.engine import Tx
from balie.store.schema import audit

FIRST = bytes(32)
"""What the first row follows."""
SEAL_MAX = 500  # rows in one transaction: others write too


def note(tx: Tx, now_s: int, actor: str, action: str, about: str, **detail: object) -> None:
    """about: such as appointment/ABC234.  detail: facts, never a name, an address or a secret."""
    tx.execute(insert(audit).values(at_s=now_s, actor=actor, action=action, object=about, detail=detail))


def seal(tx: Tx) -> int:
    """Chain rows that are not yet.  Returns how many."""
    last = tx.execute(
        select(audit.c.place, audit.c.hash).where(audit.c.place.is_not(None)).order_by(audit.c.place.desc()).limit(1)
    ).first()
    place, previous = (last.place, last.hash) if last is not None else (0, FIRST)
    rows = tx.execute(select(audit).where(audit.c.place.is_(None)).order_by(audit.c.id).limit(SEAL_MAX)).all()
    for row in rows:
        place += 1
        made = _hash(row, place, previous)
        tx.execute(update(audit).where(audit.c.id == row.id).values(place=place, previous=previous, hash=made))
        previous = made
    return len(rows)


def broken(tx: Tx) -> list[int]:
    """Places in the chain where a row was changed, or one before it is missing; none in a sound one."""
    found, previous, expected = [], FIRST, 1
    for row in tx.execute(select(audit).where(audit.c.place.is_not(None)).order_by(audit.c.place)):
        if row.place != expected or row.previous != previous or row.hash != _hash(row, row.place, row.previous):
            found.append(row.place)
        previous, expected = row.hash, row.place + 1
    return found


def _hash(row: Row[Any], place: int, previous: bytes) -> bytes:
    facts = [place, row.id, row.at_s, row.actor, row.action, row.object, row.detail]
    return hashlib.sha256(previous + msgspec.json.encode(facts, order="sorted")).digest()
