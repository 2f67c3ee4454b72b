"""Brings a database to the tables of today: the revisions of migrations/, by Alembic."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, inspect, text

from balie.errors import StartError
from balie.store.engine import Store, Tx

if TYPE_CHECKING:
    from alembic.config import Config


def folder() -> Path:
    """Of the revisions, as installed: migrations/ is balie.migrations by the distribution's mapping."""
    return Path(importlib.import_module("balie.migrations").__path__[0])


def revisions() -> list[str]:
    """Their numbers, in order; each is the beginning of its file's name."""
    return sorted(path.name.partition("_")[0] for path in (folder() / "versions").glob("[0-9]*_*.py"))


def upgrade(tx: Tx, to: str = "head") -> None:
    """All revisions that are missing, or those up to one."""
    # Alembic takes 11 MB, which a process does not need whose database is up to date.
    from alembic import command

    config = _configuration()
    config.attributes["connection"] = tx
    command.upgrade(config, to)


def revision(tx: Tx) -> str | None:
    """Of the database; None for an empty one."""
    if not inspect(tx).has_table("alembic_version"):
        return None
    found: str | None = tx.scalar(text("SELECT version_num FROM alembic_version"))
    return found


async def bring_up_to_date(store: Store) -> None:
    """Upgrade an older database.  StartError: it was made by a newer balie."""
    known = revisions()
    found = await store.read(revision)
    if found is not None and found not in known:
        raise StartError(
            f"[database] url: the database has revision {found}, which this balie does not know.\n"
            "It was upgraded by a newer version: install that one, or restore a backup."
        )
    if found != known[-1]:
        await store.write(upgrade)


def draft(message: str) -> None:
    """Write a revision that leads from the revisions so far to the schema of today; for who changes the schema."""
    from alembic import command

    engine = create_engine("sqlite://")
    with engine.begin() as tx:
        upgrade(tx)
        config = _configuration()
        config.attributes["connection"] = tx
        command.revision(config, message=message, autogenerate=True, rev_id=f"{int(revisions()[-1]) + 1:04}")


def _configuration() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder()))
    return config
