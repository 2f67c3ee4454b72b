"""Exports that die at a line of the program, in processes of their own that start in no time.

The process that this file runs in has everything imported; for each order on its standard input it forks a worker,
which kills itself when it has come to so many lines of balie.bookkeeping and balie.store, in whatever thread; it says
how the worker ended: `ended 0` or `ended -9`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy.engine import URL

from balie.bookkeeping.accounts import Accounts
from balie.bookkeeping.export import FolderExport
from balie.store.engine import SQLITE, Store
from tests.support.tree import ROOT

OURS = tuple(str(ROOT / "balie" / name) for name in ("bookkeeping", "store"))
BATCH_MAX = 4


def _die_after(lines: int) -> None:
    """Kill this process, without any goodbye, when it comes to a line of the program for the nth time."""
    steps = itertools.count(1)

    def trace(frame: FrameType, event: str, _arg: object) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line" and next(steps) == lines:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)


async def _work(order: dict[str, Any]) -> None:
    store = Store(URL.create(SQLITE, database=order["database"]))
    await FolderExport(store, Path(order["folder"]), Accounts(), BATCH_MAX).step(order["now_s"])
    await store.close()


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what it logs is no word of ours
            if order["lines"]:
                _die_after(order["lines"])
            asyncio.run(_work(order))
            os._exit(0)
        _pid, status = os.waitpid(pid, 0)
        sys.stdout.write(f"ended {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


class Exporters:
    """The process that makes them."""

    def __init__(self, process: asyncio.subprocess.Process, database: str, folder: Path) -> None:
        self._process, self._database, self._folder = process, database, folder

    async def live(self, now_s: int, lines: int = 0) -> int:
        """A worker exports and reads all that there is.  lines: after so many it dies; 0: it does not.

        Returns 0, or -9 when it was killed.
        """
        order = {"database": self._database, "folder": str(self._folder), "now_s": now_s, "lines": lines}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        said = (await self._process.stdout.readline()).decode()
        assert said.startswith("ended "), f"the process said {said!r}"
        return int(said.split()[1])


@asynccontextmanager
async def exporters(database: str, folder: Path) -> AsyncIterator[Exporters]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.mortal_exporter",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Exporters(process, database, folder)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    main()
