"""SQLite's statements without a detour: aiosqlite, less the thread for what does not wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Self

import aiosqlite

CHUNK = 64  # rows at a time for who iterates; SQLAlchemy does not
WAITING = ("BEGIN IMMEDIATE", "COMMIT")


class DirectConnection(aiosqlite.Connection):
    """A connection whose statements run where they are asked for.

    aiosqlite hands each step of a statement to a thread and waits for its answer, which takes several times as long
    as the step: a booking of 25 statements cost 10 ms of CPU, and costs 4 like this.  What may wait for another
    writer's lock or for the disk still goes to the thread.
    """

    @classmethod
    def to(cls, database: str, **options: Any) -> Self:
        """For `async_creator_fn` of SQLAlchemy's dialect: not connected yet.  options: of sqlite3.connect()."""
        made = cls(lambda: sqlite3.connect(database, **options), CHUNK)
        made._thread.daemon = True  # as SQLAlchemy has it
        return made

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._sent = self._done = 0  # to the thread; each is counted by one thread only

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        waits = fn == self._conn.commit or bool(args and args[0] in WAITING)
        # Who was cancelled does not wait for what he sent to the thread, but the connection is still in use there.
        if waits or self._sent != self._done:
            self._sent += 1
            return await super()._execute(self._in_thread, fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        if not self._running:
            raise ValueError("Connection closed")  # as aiosqlite says it, and SQLAlchemy reads it
        return fn(*args, **kwargs)

    def _in_thread(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        finally:
            self._done += 1
