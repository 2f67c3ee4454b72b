"""The database of an installation, for a command that looks after it.  The counter may run meanwhile."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from balie.errors import StartError

if TYPE_CHECKING:
    from balie.store.engine import Tx

Result = TypeVar("Result")

ACTOR = "cli"
"""As the audit trail knows who has the command line."""
NO_OFFICE = "Found it first: write down what there is, as docs/operations.md shows, and run `balie office load FILE`."


def command(group: Any, name: str, run: Callable[[argparse.Namespace], int], said: str) -> argparse.ArgumentParser:
    """A command of a group; each needs to know the database."""
    made: argparse.ArgumentParser = group.add_parser(name, help=said)
    made.add_argument("--config", metavar="FILE", type=Path, required=True, help="where the database is")
    made.set_defaults(run=run)
    return made


def write(options: argparse.Namespace, function: Callable[[Tx, int], Result]) -> Result:
    """Run a function of a transaction and the time (Unix seconds), on a database that has the tables of today."""
    import asyncio

    from balie.config import load
    from balie.store.engine import Store, database_url
    from balie.store.migrate import bring_up_to_date

    settings = load(options.config)
    store_url = database_url(settings.database.url, settings.folder)

    async def run() -> Result:
        store = Store(store_url)
        try:
            await store.check()
            await bring_up_to_date(store)
            return await store.write(function, int(time.time()))
        finally:
            await store.close()

    return asyncio.run(run())


def organisation_of(tx: Tx) -> int:
    """The organisation of this installation.  StartError: there is none yet, or there are several."""
    from sqlalchemy import select

    from balie.store.schema import organisation

    found = list(tx.scalars(select(organisation.c.id).order_by(organisation.c.id)))
    if len(found) == 1:
        return int(found[0])
    raise StartError(f"[database] url: found {len(found) or 'no'} organisations, need one.\n{NO_OFFICE}")


def moment(unix_s: int | None) -> str:
    """2026-12-07 06:30Z, or a dash."""
    return "-" if unix_s is None else time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(unix_s))


def table(rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns, the first one as a heading."""
    texts = [[str(value) for value in row] for row in rows]
    widths = [max(len(row[at]) for row in texts) for at in range(len(texts[0]))]
    for row in texts:
        print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())
