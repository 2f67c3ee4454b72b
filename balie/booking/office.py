"""The hours of a service as the database has them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import String, bindparam, cast, func, or_, select

from balie.booking.catalogue import Service
from balie.booking.hours import Closure, Hours
from balie.store.engine import Tx
from balie.store.schema import availability, closure

Rows = tuple[tuple[Any, ...], ...]

_COLUMNS = (
    availability.c.staff_id,
    availability.c.weekday,
    availability.c.from_min,
    availability.c.until_min,
    availability.c.from_day,
    availability.c.until_day,
    availability.c.every_weeks,
    availability.c.modalities,
)
_OF_SERVICE = select(*_COLUMNS).where(availability.c.service_id == bindparam("service_id")).order_by(availability.c.id)

# All hours as one text: fifty people have five hundred rows, and reading them costs more than finding free times does.
_LINES = (
    select(reduce(add, (func.coalesce(cast(column, String), "") + " " for column in _COLUMNS)).label("line"))
    .where(availability.c.service_id == bindparam("service_id"))
    .order_by(availability.c.id)
    .subquery()
)
_MARK = select(func.aggregate_strings(_LINES.c.line, ";"))

_CLOSURES = (
    select(closure.c.staff_id, closure.c.from_local, closure.c.until_local)
    .where(
        closure.c.organisation_id == bindparam("organisation_id"),
        or_(closure.c.service_id.is_(None), closure.c.service_id == bindparam("service_id")),
        closure.c.until_local > bindparam("from_local"),
        closure.c.from_local < bindparam("until_local"),
    )
    .order_by(closure.c.id)
)


def hours_mark(tx: Tx, service_id: int) -> str:
    """Another text as soon as anything about the hours of a service is another."""
    return tx.scalar(_MARK, {"service_id": service_id}) or ""


def hours_rows(tx: Tx, service_id: int) -> Rows:
    """As they stand in the table."""
    return tuple((*row[:7], tuple(row[7])) for row in tx.execute(_OF_SERVICE, {"service_id": service_id}))


def hours_of(rows: Iterable[tuple[Any, ...]]) -> list[Hours]:
    return [
        Hours(
            row[0],
            row[1],
            row[2],
            row[3],
            date.fromisoformat(row[4]),
            date.fromisoformat(row[5]) if row[5] else None,
            row[6],
            row[7],
        )
        for row in rows
    ]


def closure_rows(tx: Tx, service: Service, from_day: date, until_day: date) -> Rows:
    """Closures that touch these days: of everybody, of this service, and absences of people."""
    values = {
        "organisation_id": service.organisation_id,
        "service_id": service.id,
        "from_local": from_day.isoformat(),
        "until_local": f"{until_day.isoformat()}T24:00",
    }
    return tuple(tuple(row) for row in tx.execute(_CLOSURES, values))


def closures_of(rows: Iterable[tuple[Any, ...]]) -> list[Closure]:
    return [Closure(row[0], datetime.fromisoformat(row[1]), datetime.fromisoformat(row[2])) for row in rows]
