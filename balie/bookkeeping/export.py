"""Documents go to bookkeeping once, whatever dies when, and its answers are read.

A batch is written out of sight; then its documents are marked in one transaction; only then is it seen.  Who dies
before the mark leaves a heap that is thrown away, and the documents go into the next batch; who dies after it leaves a
batch that is put in its place by the next one who looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from balie.bookkeeping import answers, journal, papers
from balie.bookkeeping.accounts import Accounts
from balie.bookkeeping.answers import Told
from balie.bookkeeping.folder import Folder, NotYetError
from balie.bookkeeping.papers import Paper, TakenError
from balie.store.engine import Store

JOURNAL = "journaal.csv"
BATCH_MAX = 200  # documents: what one reads through in the morning

_log = structlog.get_logger("bookkeeping")


class FolderExport:
    """The worker."""

    def __init__(self, store: Store, path: Path, accounts: Accounts, batch_max: int = BATCH_MAX) -> None:
        self._store, self._accounts, self._batch_max = store, accounts, batch_max
        self._folder = Folder(path)

    async def run(self, clock: Callable[[], float], every_s: float) -> None:
        """Until it is cancelled.  A failure is logged, and tried again."""
        while True:
            try:
                await self.step(clock())
            except Exception:
                _log.exception("export_failed")
            await asyncio.sleep(every_s)

    async def step(self, now_s: float) -> int:
        """Put everything that waits into batches, and read what came back.  Returns how many documents were exported.

        OSError: the folder cannot be written to.
        """
        with self._folder.mine() as mine:
            if not mine:
                return 0
            await self._finish()
            exported = 0
            while made := await self._batch(int(now_s)):
                exported += made
            await self._read(now_s)
            return exported

    async def _finish(self) -> None:
        """What somebody left who died over it."""
        for batch in await asyncio.to_thread(self._folder.begun):
            if not await self._store.read(papers.is_marked, batch):
                await asyncio.to_thread(self._folder.discard, batch)
            else:
                await self._place(batch)

    async def _batch(self, now_s: int) -> int:
        found = await self._store.read(papers.waiting, self._batch_max)
        if not found:
            return 0
        batch = f"{found[0].entry.content.day}_{found[0].number}"
        await asyncio.to_thread(self._folder.write, batch, _files(found, self._accounts))
        try:
            await self._store.write(papers.mark, now_s, batch, [each.id for each in found])
        except TakenError:
            await asyncio.to_thread(self._folder.discard, batch)
            return 0
        await self._place(batch)
        return len(found)

    async def _place(self, batch: str) -> None:
        try:
            await asyncio.to_thread(self._folder.place, batch)
        except OSError as error:
            # It stays where it is, and is tried again: an operator has to look what stands in its way.
            _log.error("batch_not_placed", batch=batch, error=error.strerror)

    async def _read(self, now_s: float) -> None:
        room = answers.KEPT_MAX
        for name in await asyncio.to_thread(self._folder.answers):
            try:
                content = await asyncio.to_thread(self._folder.answer, name, now_s)
            except NotYetError:
                continue
            told = Told()
            for part in answers.parts(content):
                left = max(0, room - told.mismatches)
                told += await self._store.write(answers.take, int(now_s), f"terug/{name}", part, left)
                if told.gave_up:
                    break
            room = max(0, room - told.mismatches)
            _log.info("answer_read", taken=told.taken, again=told.again, mismatches=told.mismatches)
            await asyncio.to_thread(self._folder.put_away, name, content)


def _files(found: list[Paper], accounts: Accounts) -> dict[str, bytes]:
    files = {f"{each.number}.xml": each.ubl.encode() for each in found}
    return {**files, JOURNAL: journal.write((each.entry for each in found), accounts)}
