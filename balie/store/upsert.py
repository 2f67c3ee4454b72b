"""INSERT with ON CONFLICT: the same words on both databases, but SQLAlchemy has a class for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert_into(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """dialect: a transaction's tx.dialect.name."""
    if dialect == "postgresql":
        # Read in already where that is the database; nobody else gives 2 MB for it.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)
