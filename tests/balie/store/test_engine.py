"""Transactions: all or nothing, writers in line, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from balie.errors import ConfigError, StartError
from balie.store.engine import Store, Tx, database_url
from balie.store.schema import organisation

PRAGMAS = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1}


def pragmas(tx: Tx) -> dict[str, object]:
    return {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in PRAGMAS}


def add(tx: Tx, name: str) -> int:
    key = tx.execute(insert(organisation).values(name=name)).inserted_primary_key
    assert key is not None
    return int(key[0])


def count(tx: Tx) -> int:
    return tx.execute(select(func.count()).select_from(organisation)).scalar_one()


def add_and_fail(tx: Tx) -> None:
    add(tx, "nobody")
    raise KeyError("a mistake after the first statement")


def grow(tx: Tx, key: int) -> None:
    name = tx.execute(select(organisation.c.name).where(organisation.c.id == key).with_for_update()).scalar_one()
    tx.execute(update(organisation).where(organisation.c.id == key).values(name=name + "x"))


async def test_what_was_written_is_there_and_what_failed_is_not(store: Store) -> None:
    committed = store.committed
    await store.write(add, "Voorbeeldegem")
    assert committed.is_set()
    assert not store.committed.is_set(), "the next one is still to come"
    with pytest.raises(KeyError):
        await store.write(add_and_fail)
    assert await store.read(count) == 1


async def test_what_was_confirmed_survives_a_power_cut(tmp_path: Path) -> None:
    """Stores of tests do not wait for the disk; one of a server does."""
    made = Store(database_url("sqlite:balie.sqlite", tmp_path))
    said = await made.read(pragmas)
    await made.close()
    assert said == PRAGMAS


async def test_writers_wait_for_each_other(store: Store) -> None:
    key = await store.write(add, "")
    await asyncio.gather(*(store.write(grow, key) for _ in range(40)))
    name = await store.read(lambda tx: tx.execute(select(organisation.c.name)).scalar_one())
    assert name == "x" * 40


async def test_a_constraint_says_no(store: Store) -> None:
    key = await store.write(add, "a")
    with pytest.raises(IntegrityError):
        await store.write(lambda tx: tx.execute(insert(organisation).values(id=key, name="b")))
    assert await store.read(count) == 1


async def test_readers_go_on_while_one_writes(sqlite_store: Store) -> None:
    def write_while_another_reads(tx: Tx) -> None:
        add(tx, "a")

    await asyncio.gather(sqlite_store.write(write_while_another_reads), *(sqlite_store.read(count) for _ in range(20)))
    assert await sqlite_store.read(count) == 1


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("mysql://u@h/d", "postgresql://USER@HOST/DATABASE"),
        ("sqlite:", "sqlite:FILE"),
        ("postgresql://h", "DATABASE"),
        ("nonsense", "sqlite:FILE"),
    ],
)
def test_a_setting_that_is_no_database(value: str, found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        database_url(value, Path())


def test_files_are_relative_to_the_configuration(tmp_path: Path) -> None:
    assert database_url("sqlite:var/balie.sqlite", tmp_path).database == str(tmp_path / "var/balie.sqlite")
    assert database_url("postgresql://balie@db/balie", tmp_path).drivername == "postgresql+asyncpg"


async def test_a_password_is_not_in_the_error() -> None:
    store = Store(database_url("postgresql://balie:hunter2@127.0.0.1:1/balie", Path()))
    with pytest.raises(StartError, match="cannot open") as error:
        await store.check()
    assert "hunter2" not in str(error.value)
    await store.close()


async def test_a_writer_that_is_cancelled_while_it_waits_leaves_a_sound_connection(sqlite_store: Store) -> None:
    """The lock is another's: BEGIN waits in a thread while the one who asked for it is gone."""
    other = sqlite3.connect(str(sqlite_store.url.database), isolation_level=None)
    for round_ in range(20):
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(sqlite_store.write(add, "cancelled"))
        for _ in range(round_):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        other.execute("ROLLBACK")
        await asyncio.gather(waiting, return_exceptions=True)
        await sqlite_store.write(add, "after it")
    other.close()
    names = await sqlite_store.read(lambda tx: list(tx.scalars(select(organisation.c.name))))
    assert names.count("after it") == 20


async def test_closing_waits_for_what_runs(sqlite_store: Store) -> None:
    """Nobody waits for the write any more, but it is in the file."""
    writing = asyncio.create_task(sqlite_store.write(add, "at the last moment"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    writing.cancel()
    await sqlite_store.close()
    with closing(sqlite3.connect(str(sqlite_store.url.database))) as file:
        assert file.execute("SELECT name FROM organisation").fetchall() == [("at the last moment",)]
