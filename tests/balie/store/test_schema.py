"""The revisions make the tables of the schema, and every table has an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, Table, func, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from balie.store.engine import Store, Tx
from balie.store.migrate import bring_up_to_date, revision, revisions, upgrade
from balie.store.schema import RETENTION, message, message_event, metadata
from tests.support import databases


def differences(tx: Tx) -> list[object]:
    context = MigrationContext.configure(tx, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_the_revisions_make_these_tables(store: Store) -> None:
    assert await store.read(differences) == []
    assert await store.read(revision) == revisions()[-1]
    await bring_up_to_date(store)


def conditions(tx: Tx) -> set[tuple[str, str]]:
    """Partial indexes of the database."""
    found = inspect(tx).get_multi_indexes().values()
    options = [(str(each["name"]), each.get("dialect_options", {})) for indexes in found for each in indexes]
    key = f"{tx.dialect.name}_where"
    return {(name, str(option[key]).strip("()")) for name, option in options if key in option}


async def test_indexes_cover_the_rows_that_the_schema_names(store: Store) -> None:
    indexes = [index for table in metadata.tables.values() for index in table.indexes]
    named = {(str(index.name), index.info["where"]) for index in indexes if index.info}
    assert named
    assert await store.read(conditions) == named


def test_every_table_names_its_retention_class() -> None:
    assert {table.info["retention"] for table in metadata.tables.values()} == set(RETENTION)


async def test_messages_of_before_the_visit_are_all_there_after_it(tmp_path: Path) -> None:
    """SQLite can change a check only by copying a table, and what hangs on the old one goes with it: not so here."""
    store = Store(databases.sqlite_url(tmp_path))
    await store.write(upgrade, "0001")
    await store.write(a_message)
    await bring_up_to_date(store)
    assert await store.read(lambda tx: tx.scalar(select(func.count()).select_from(message_event))) == 1
    await store.write(lambda tx: tx.execute(update(message).values(kind="goodbye")))
    with pytest.raises(IntegrityError):
        await store.write(lambda tx: tx.execute(update(message).values(kind="birthday")))
    assert await store.read(lambda tx: tx.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"
    await store.close()


def a_message(tx: Tx) -> None:
    """With what is known of it; only the columns that the first revision had."""
    for table, columns in BEFORE.items():
        put(tx, table, columns)


def put(tx: Tx, table: str, columns: dict[str, object]) -> None:
    """As the table is now, not as the schema of today has it."""
    tx.execute(insert(Table(table, MetaData(), autoload_with=tx, resolve_fks=False)).values(**columns))


def row(texts: str, zeros: str = "", **values: object) -> dict[str, object]:
    """Columns with their values: empty texts, zeros, and what is said."""
    return {**dict.fromkeys(texts.split(), ""), **dict.fromkeys(zeros.split(), 0), **values}


BEFORE = {
    "organisation": row("phone kbo ovo zone", id=1, name="Voorbeeldegem", languages=[]),
    "service": row("slug phone mail address", id=1, organisation_id=1, names={}, active=True),
    "staff": row("login name mail locale", "claims_version created_s", id=1, organisation_id=1, roles=[], active=True),
    "appointment": row(
        "zone locale created_by reason question attendance",
        "sequence buffer_before_min buffer_after_min created_s changed_s start_s",
        id=1,
        uid="u",
        ref="R",
        room="r",
        service_id=1,
        staff_id=1,
        end_s=1,
        channel="web",
        modality="video",
        status="booked",
    ),
    "message": row(
        "variant recipient template subject claimed_by error_class error",
        "due_s attempts created_s",
        id=1,
        appointment_id=1,
        kind="reminder",
        channel="mail",
        locale="nl",
        data={},
        envid="e",
        status="submitted",
        read_evidence="none",
    ),
    "message_event": row("", "at_s", id=1, message_id=1, kind="submitted", source="smtp", detail={}),
}
"""Of each table a row; columns of today that it lacks came later."""
