"""Brings a database to the tables of today: the revisions of migrations/, by Alembic."""

from __future__ import annotations

import importlib
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from balie.errors import StartError
from balie.store.engine import Store, Tx


def configuration() -> Config:
    migrations = importlib.import_module("balie.migrations")  # the folder migrations/, by the distribution's mapping
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    return config


def upgrade(tx: Tx) -> None:
    """All revisions that are missing."""
    config = configuration()
    config.attributes["connection"] = tx
    command.upgrade(config, "head")


def revision(tx: Tx) -> str | None:
    """Of the database; None for an empty one."""
    return MigrationContext.configure(tx).get_current_revision()


def newest() -> str | None:
    return ScriptDirectory.from_config(configuration()).get_current_head()


async def bring_up_to_date(store: Store) -> None:
    """Upgrade an older database.  StartError: it was made by a newer balie."""
    known = {each.revision for each in ScriptDirectory.from_config(configuration()).walk_revisions()}
    found = await store.read(revision)
    if found is not None and found not in known:
        raise StartError(
            f"[database] url: the database has revision {found}, which this balie does not know.\n"
            "It was upgraded by a newer version: install that one, or restore a backup."
        )
    if found != newest():
        await store.write(upgrade)


def draft(message: str) -> None:
    """Write a revision that leads from the revisions so far to the schema of today; for who changes the schema."""
    engine = create_engine("sqlite://")
    with engine.begin() as tx:
        upgrade(tx)
        config = configuration()
        config.attributes["connection"] = tx
        command.revision(config, message=message, autogenerate=True, rev_id=f"{int(newest() or 0) + 1:04}")
