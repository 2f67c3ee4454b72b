"""Transactions on the database, for SQLite (embedded, the default) and PostgreSQL.

The counter's rules are plain functions of a transaction: `def book(tx, now_s, ...)`.  Store runs them, so that they
hold no await and no driver, and every one is all or nothing.  A write may run twice when the database asks for it:
functions change nothing but the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import AsyncAdaptedQueuePool

# What sqlalchemy.ext.asyncio is made of; that itself would read the ORM in, 7 MB that nobody here uses.
from sqlalchemy.util import greenlet_spawn

from balie.errors import ConfigError, StartError
from balie.store.direct import DirectConnection

P = ParamSpec("P")
Result = TypeVar("Result")

Tx = Connection
"""A transaction that is open."""

BUSY_MS = 5_000  # how long SQLite waits for another process's lock
TRIES = 8  # of a write that PostgreSQL asks to repeat (serialisation failure, deadlock)
REPEAT = ("40001", "40P01")
READERS = 4  # connections that read; WAL lets them read while one writes

SQLITE, POSTGRESQL = "sqlite+aiosqlite", "postgresql+asyncpg"


def database_url(value: str, folder: Path) -> URL:
    """A setting as SQLAlchemy's URL.  `sqlite:` is followed by a file name, relative to folder.  ConfigError."""
    need = "sqlite:FILE or postgresql://USER@HOST/DATABASE"
    if value.startswith("sqlite:"):
        name = value.removeprefix("sqlite:").removeprefix("//")
        if not name:
            raise ConfigError("[database] url", value, need)
        return URL.create(SQLITE, database=str((folder / name).resolve()))
    try:
        url = make_url(value)
    except ArgumentError:
        raise ConfigError("[database] url", None, need) from None
    if url.drivername not in ("postgresql", POSTGRESQL) or not url.database:
        raise ConfigError("[database] url", url.render_as_string(), need)
    return url.set(drivername=POSTGRESQL)


class Store:
    """The database.

    committed  set at the next write, and another event from then on: who waits for work takes it, looks, then waits
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.committed = asyncio.Event()
        self._sqlite = url.drivername == SQLITE
        self._engine = _engine(url)
        self._writing = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()

    async def read(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Run a function that only reads; it sees one moment."""
        return await self._to_its_end(self._read(function, *args, **kwargs))

    async def write(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Run a function that writes: what it did is committed when this returns, or nothing of it if it raised."""
        for attempt in range(1, TRIES + 1):
            try:
                result = await self._to_its_end(self._write(function, *args, **kwargs))
            except DBAPIError as error:
                if attempt == TRIES or getattr(error.orig, "sqlstate", None) not in REPEAT:
                    raise
            else:
                self.committed.set()
                self.committed = asyncio.Event()
                return result
        raise AssertionError("the last try returns or raises")

    async def _to_its_end(self, transaction: Coroutine[Any, Any, Result]) -> Result:
        """Also when nobody waits for it any more: a connection that is left in the middle is of no use to others."""
        task = asyncio.create_task(transaction)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _read(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        return await greenlet_spawn(partial(_read, self._engine, function, *args, **kwargs))

    async def _write(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        if not self._sqlite:
            return await greenlet_spawn(partial(_write, self._engine, function, *args, **kwargs))
        # One writer at a time: waiting in line here is fair and cheap, SQLite's own busy loop is neither.
        async with self._writing:
            return await greenlet_spawn(partial(_write, self._engine, function, *args, **kwargs))

    async def check(self) -> None:
        """StartError when the database cannot be used."""
        try:
            await greenlet_spawn(_read, self._engine, Connection.exec_driver_sql, "SELECT 1")
        except (OSError, DBAPIError) as error:
            where = self.url.render_as_string(hide_password=True)
            reason = getattr(error, "orig", None) or error
            raise StartError(
                f"[database] url: cannot open {where}: {reason}.\n"
                "Check that the server runs, the database exists and this user may write to it."
            ) from None

    async def close(self) -> None:
        """After what runs now."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await greenlet_spawn(self._engine.dispose)


# In a greenlet that waits where the driver does.


def _read(
    engine: Engine, function: Callable[Concatenate[Tx, P], Result], /, *args: P.args, **kwargs: P.kwargs
) -> Result:
    with engine.connect() as tx:
        return function(tx, *args, **kwargs)


def _write(
    engine: Engine, function: Callable[Concatenate[Tx, P], Result], /, *args: P.args, **kwargs: P.kwargs
) -> Result:
    with engine.connect() as tx:
        tx.execution_options(balie_write=True)
        with tx.begin():
            return function(tx, *args, **kwargs)


def _engine(url: URL) -> Engine:
    if url.drivername != SQLITE:
        return create_engine(url, hide_parameters=True, pool_size=READERS, max_overflow=READERS, pool_pre_ping=True)
    engine = create_engine(
        url,
        hide_parameters=True,  # an error's text goes to the log, and values are names and numbers of people
        poolclass=AsyncAdaptedQueuePool,
        pool_size=READERS + 1,
        max_overflow=0,
        connect_args={
            "isolation_level": None,
            "timeout": BUSY_MS / 1000,
            "check_same_thread": False,
            "async_creator_fn": DirectConnection.to,
        },
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # what was confirmed to a citizen survives a power cut
        "foreign_keys = ON",
        "secure_delete = ON",  # what is wiped is gone from the file
        f"busy_timeout = {BUSY_MS}",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: a reader that turns writer later may find that another was first.
    writes = connection.get_execution_options().get("balie_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
