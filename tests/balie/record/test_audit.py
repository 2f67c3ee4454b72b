"""The audit: a chain that shows what was changed, removed or slipped in, whoever seals it and however often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, select, update

from balie.record.audit import SEAL_MAX, broken, note, seal
from balie.store.engine import Store, Tx
from balie.store.schema import audit
from tests.support.office import MONDAY_S

ROWS = 5


def write_down(tx: Tx, rows: int = ROWS) -> None:
    for number in range(rows):
        note(tx, MONDAY_S + number, "staff:1", "booked", f"appointment/R{number}", number=number, text="é\U0001f600")


async def test_a_sound_chain_has_every_row_once(store: Store) -> None:
    await store.write(write_down)
    assert await store.write(seal) == ROWS
    await store.write(write_down)
    assert await store.write(seal) == ROWS
    assert await store.write(seal) == 0
    places = await store.read(lambda tx: list(tx.scalars(select(audit.c.place).order_by(audit.c.id))))
    assert places == list(range(1, 2 * ROWS + 1))
    assert await store.read(broken) == []


@pytest.mark.parametrize(
    ("tamper", "shows"),
    [
        (lambda tx: tx.execute(update(audit).where(audit.c.place == 2).values(actor="staff:2")), [2]),
        (lambda tx: tx.execute(update(audit).where(audit.c.place == 2).values(at_s=1)), [2]),
        (lambda tx: tx.execute(update(audit).where(audit.c.place == 2).values(detail={"number": 7})), [2]),
        (lambda tx: tx.execute(update(audit).where(audit.c.place == 2).values(hash=b"x" * 32)), [2, 3]),
        (lambda tx: tx.execute(delete(audit).where(audit.c.place == 2)), [3]),
        (lambda tx: tx.execute(delete(audit).where(audit.c.place == 1)), [2]),
        (lambda tx: tx.execute(delete(audit).where(audit.c.place >= ROWS)), [ROWS]),
        (lambda tx: tx.execute(delete(audit)), [1]),
    ],
    ids=["actor", "time", "detail", "hash", "middle", "first", "last", "all"],
)
async def test_tampering_shows(store: Store, tamper: Callable[[Tx], object], shows: list[int]) -> None:
    await store.write(write_down)
    await store.write(seal)
    await store.write(tamper)
    assert await store.read(broken) == shows


async def test_a_row_slipped_in_with_a_hash_of_its_own_shows(store: Store) -> None:
    await store.write(write_down)
    await store.write(seal)
    row = {"at_s": 1, "actor": "staff:9", "action": "booked", "object": "x", "place": ROWS + 1, "detail": {}}
    await store.write(lambda tx: tx.execute(insert(audit), {**row, "previous": bytes(32), "hash": bytes(32)}))
    assert await store.read(broken) == [ROWS + 1]


async def test_rows_are_sealed_in_portions(sqlite_store: Store) -> None:
    await sqlite_store.write(write_down, SEAL_MAX + 1)
    assert [await sqlite_store.write(seal) for _ in range(3)] == [SEAL_MAX, 1, 0]
    assert await sqlite_store.read(broken) == []


async def test_two_who_seal_at_once_do_not_seal_twice(store: Store) -> None:
    await store.write(write_down, 50)
    writing = asyncio.gather(*(store.write(write_down) for _ in range(4)))
    sealed_at_once = await asyncio.gather(*(store.write(seal) for _ in range(6)))
    await writing
    assert sum(sealed_at_once) + await store.write(seal) == 50 + 4 * ROWS
    assert await store.read(broken) == []
