"""The revisions make the tables of the schema, and every table has an end."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from balie.store.engine import Store, Tx
from balie.store.migrate import bring_up_to_date, revision, revisions
from balie.store.schema import RETENTION, metadata


def differences(tx: Tx) -> list[object]:
    context = MigrationContext.configure(tx, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_the_revisions_make_these_tables(store: Store) -> None:
    assert await store.read(differences) == []
    assert await store.read(revision) == revisions()[-1]
    await bring_up_to_date(store)


def test_every_table_names_its_retention_class() -> None:
    assert {table.info["retention"] for table in metadata.tables.values()} == set(RETENTION)
