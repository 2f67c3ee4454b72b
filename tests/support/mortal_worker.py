"""Workers that send messages and can be killed, in processes of their own that start in no time.

The process that this file runs in has everything imported; for each line on its standard input it forks a worker, says
its number, and how it ended: `pid 123`, then `ended 0` or `ended -9`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from balie.record import schedule
from balie.store.engine import SQLITE
from tests.support import databases, office
from tests.support.arranged import arrange
from tests.support.mailserver import mail_server
from tests.support.office import MONDAY_S
from tests.support.post_office import drain, worker
from tests.support.tree import ROOT


async def _work(order: dict[str, Any]) -> None:
    """Send all that is due at a moment."""
    store = databases.opened(URL.create(SQLITE, database=order["database"]))
    await drain(worker(store, order["port"], name=order["name"]), order["now_s"])
    await store.close()


def main() -> None:
    asyncio.run(_rehearse())
    gc.collect()
    gc.freeze()  # each worker's collections leave alone what is there already
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            asyncio.run(_work(order))
            os._exit(0)
        _say(f"pid {pid}")
        _pid, status = os.waitpid(pid, 0)
        _say(f"ended {os.waitstatus_to_exitcode(status)}")


async def _rehearse() -> None:
    """A message is sent once here: templates and statements are then compiled in every worker."""
    with tempfile.TemporaryDirectory() as folder:
        url = databases.sqlite_url(Path(folder))
        shutil.copy(databases.sqlite_template(), str(url.database))
        store = databases.opened(url)
        desk = await store.write(office.found)
        made = await store.write(lambda tx: arrange(tx, desk, MONDAY_S + 14 * 86_400))
        await store.write(schedule.booked, MONDAY_S, random.Random(1).randbytes, made.id)
        async with mail_server() as server:
            await drain(worker(store, server.port), MONDAY_S)
            assert server.received
        await store.close()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Nursery:
    """The process that makes workers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def start(self, database: str, port: int, name: str, now_s: int) -> int:
        """A worker; returns its process number.  It sends all that is due at now_s, and ends."""
        order = {"database": database, "port": port, "name": name, "now_s": now_s}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await self._said("pid")

    async def ended(self) -> int:
        """Wait for the worker's end: 0, or -9 when it was killed."""
        return await self._said("ended")

    async def _said(self, what: str) -> int:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode()
        assert line.startswith(what + " "), f"expected {what}, the nursery said {line!r}"
        return int(line.split()[1])


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.mortal_worker",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Nursery(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    main()
