"""Taking documents in, looking for viruses, and letting go of what is over.

A row is written before the first byte, so a quota counts what is on its way; a file has a row from its first byte on,
so whatever a crash leaves is found by the worker and taken away.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from balie.documents import kinds, names, records
from balie.documents.errors import DocumentError
from balie.documents.records import Document, Rules, Sender
from balie.documents.scan import Scanner, ScannerDownError
from balie.documents.storage import Shelf
from balie.record import tasks
from balie.store.engine import Store, Tx

LOOK_S = 20.0  # so often the worker looks unasked; a commit of this process wakes it when something waits to be scanned
PAUSE_S = 0.2
AGAIN_S, AGAIN_MAX_S = 5.0, 300.0  # before a scanner that is down is asked once more
TIDY_S = 60
ABREAST, ABREAST_THERE = 16, 8  # uploads at once: of everybody, and of citizens on one network

INFECTED = "infected"
"""Reason of a task: it is gone, and whoever sent it does not know better."""

_log = structlog.get_logger("documents")


class Documents:
    """What pages and the worker use.

    ask      makes a task of a document with a virus
    changed  tells everybody in the call of an appointment to look again
    """

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        rules: Rules,
        scanner: Scanner | None,
        entropy: Callable[[int], bytes],
        clock: Callable[[], float],
        changed: Callable[[int], Awaitable[None]],
    ) -> None:
        self.store, self.shelf, self.rules = store, shelf, rules
        self.scanner_down = False
        self._scanner, self._entropy, self._clock = scanner, entropy, clock
        self._changed = changed
        self._uploads = 0
        self._from: Counter[str] = Counter()

    @property
    def now_s(self) -> int:
        return int(self._clock())

    async def receive(
        self,
        appointment_id: int,
        sender: Sender,
        given: str,
        chunks: AsyncIterator[bytes],
        *,
        step_id: int | None = None,
        network: str = "",
    ) -> int:
        """A document, as it comes; its id.  given: its name, as the browser says it.  network: whose, of a citizen.

        DocumentError: why it is not taken.  Then, and when who sends goes away, nothing of it stays.
        """
        # Anybody may book, and send as slowly as he likes: he does not keep everybody else from it.
        if self._uploads >= ABREAST or (network and self._from[network] >= ABREAST_THERE):
            raise DocumentError("busy")
        self._uploads += 1
        self._from[network] += 1
        try:
            return await self._receive(appointment_id, sender, names.clean(given), chunks, step_id)
        finally:
            self._uploads -= 1
            self._from[network] -= 1
            self._from += Counter()  # forgets those of whom none is left

    async def _receive(
        self, appointment_id: int, sender: Sender, name: str, chunks: AsyncIterator[bytes], step_id: int | None
    ) -> int:
        write, rules = self.store.write, self.rules
        about = appointment_id, sender, name
        document_id, file = await write(records.begin, self.now_s, self._entropy, rules, *about, step_id=step_id)
        kept = False
        try:
            await self._changed(appointment_id)
            stored = await self.shelf.write(file, chunks, rules.max_bytes)
            kind, name = await asyncio.to_thread(kinds.look, self.shelf.path(file), name)
            what = kind, name, stored
            await write(records.arrived, self.now_s, self._entropy, rules, document_id, sender, what)
            kept = True
        finally:
            if not kept:
                # Also when this task is cancelled in the middle: the worker would find it, but only later.
                await asyncio.shield(asyncio.ensure_future(self._drop(document_id, file)))
            await self._changed(appointment_id)
        return document_id

    async def _drop(self, document_id: int, file: str) -> None:
        if await self.store.write(records.failed, document_id):
            self.shelf.remove(file)

    async def remove(self, appointment_id: int, document_id: int, sender: Sender) -> None:
        """Take it away, file and all.  DocumentError unknown."""
        file = await self.store.write(records.remove, self.now_s, appointment_id, document_id, sender)
        self.shelf.remove(file)
        await self._changed(appointment_id)

    # -- the worker ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until it is cancelled."""
        tidy_s, again_s = 0, AGAIN_S
        while True:
            committed = self.store.committed
            if self.now_s >= tidy_s:
                await self.tidy()
                tidy_s = self.now_s + TIDY_S
            await self.scan()
            if self.scanner_down:
                await asyncio.sleep(again_s)
                again_s = min(2 * again_s, AGAIN_MAX_S)
                continue
            again_s = AGAIN_S
            await asyncio.sleep(PAUSE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):  # wait_for may lose a cancellation (Python 3.11)
                    await committed.wait()

    async def scan(self) -> int:
        """Have everything scanned that waits for it.  Returns how many the scanner spoke about."""
        waiting, done = await self.store.read(records.to_scan), 0
        for each in waiting:
            try:
                verdict = await self._look(each)
            except ScannerDownError as error:
                self._down(str(error))
                return done
            done += 1
            self._up()
            await self._settle(each, verdict)
        return done

    async def _look(self, each: Document) -> records.Outcome:
        path = self.shelf.path(each.file)
        if not path.exists():
            return "unscannable"
        # Without a scanner, as the settings are now, what waited for one is to be had, and shown as not scanned.
        return await self._scanner.scan(path) if self._scanner is not None else "skipped"

    async def _settle(self, each: Document, verdict: records.Outcome) -> None:
        def write(tx: Tx, now_s: int) -> Document | None:
            found = records.scanned(tx, now_s, self._entropy, each.id, verdict)
            if found is not None and verdict == "infected":
                tasks.ask(tx, now_s, "document", each.id, INFECTED, each.appointment_id)
            return found

        found = await self.store.write(write, self.now_s)
        if found is not None and not found.open:
            self.shelf.remove(found.file)
            _log.warning("document_rejected", document=each.id, reason=verdict)
        await self._changed(each.appointment_id)

    def _down(self, reason: str) -> None:
        if not self.scanner_down:
            _log.error("scanner_down", reason=reason)
        self.scanner_down = True

    def _up(self) -> None:
        if self.scanner_down:
            _log.info("scanner_back")
        self.scanner_down = False

    async def tidy(self) -> int:
        """Take away what is over, and what a crash left.  Returns how many files."""
        gone = await self.store.write(records.expire, self.now_s)
        for each in gone:
            self.shelf.remove(each)
        there = await asyncio.to_thread(self.shelf.names)
        known = await self.store.read(records.files)
        loose = await asyncio.to_thread(self.shelf.sweep, there, known)
        if gone or loose:
            _log.info("documents_deleted", over=len(gone), loose=loose)
        return len(gone) + loose
