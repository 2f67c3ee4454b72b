"""Writes down what the hub saw: who came, was let in, was put on hold and left, as soon as it happened."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from balie.store.engine import Store
from balie.visit import presence
from signalling.hub import Hub
from signalling.lobby import Presence
from web.pump import Pump

_log = structlog.get_logger("balie")

AGAIN_S = 5.0  # after a write that failed; nothing is lost meanwhile
LAST_S = 5.0  # for the last words of a process that stops
KEPT_MAX = 10_000  # what is not written by then is a database that is gone
PASSING = (OperationalError, InterfaceError, OSError)
"""The database is away or busy: what is to be written may be written later."""


class Witness:
    """What the hub saw goes into the database in its order, each once."""

    def __init__(self, hub: Hub, pump: Pump, store: Store, clock: Callable[[], float]) -> None:
        self._hub, self._pump, self._store, self._clock = hub, pump, store, clock
        self._unwritten: deque[Presence] = deque(maxlen=KEPT_MAX)
        self._over = False

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """While the process lives; before that, what one before it did not write is put right."""
        await self._store.write(presence.restarted, int(self._clock()))
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._over = True
            self._pump.wake()
            await asyncio.wait([task], timeout=LAST_S)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        """The last look is after the last word: everybody has left by then."""
        while True:
            news, over, wait_s = self._pump.news, self._over, None
            try:
                await self._write()
            except PASSING:
                _log.exception("presence_waits", events=len(self._unwritten))
                wait_s = AGAIN_S
            if over:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):  # wait_for may lose a cancellation
                    await news.wait()

    async def _write(self) -> None:
        """One by one: what one of them does wrong is not the others' fault."""
        self._unwritten += self._hub.take_presence()
        while self._unwritten:
            first = self._unwritten[0]
            try:
                await self._store.write(presence.note, int(self._clock()), os.urandom, [first])
            except PASSING:
                raise
            except Exception:
                _log.exception("presence_not_written", what=first.what)
            self._unwritten.popleft()
