"""The hours of a service as the database has them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select

from balie.booking.catalogue import Service
from balie.booking.hours import Closure, Hours
from balie.store.engine import Tx
from balie.store.schema import availability, closure

Rows = tuple[tuple[Any, ...], ...]


def hours_rows(tx: Tx, service_id: int) -> Rows:
    """As they stand in the table: two that are equal give equal hours."""
    query = select(
        availability.c.staff_id,
        availability.c.weekday,
        availability.c.from_min,
        availability.c.until_min,
        availability.c.from_day,
        availability.c.until_day,
        availability.c.every_weeks,
        availability.c.modalities,
    )
    query = query.where(availability.c.service_id == service_id).order_by(availability.c.id)
    return tuple((*row[:7], tuple(row[7])) for row in tx.execute(query))


def hours_of(rows: Rows) -> list[Hours]:
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
    query = select(closure.c.staff_id, closure.c.from_local, closure.c.until_local)
    query = query.where(
        closure.c.organisation_id == service.organisation_id,
        or_(closure.c.service_id.is_(None), closure.c.service_id == service.id),
        closure.c.until_local > from_day.isoformat(),
        closure.c.from_local < f"{until_day.isoformat()}T24:00",
    )
    return tuple(tuple(row) for row in tx.execute(query.order_by(closure.c.id)))


def closures_of(rows: Rows) -> list[Closure]:
    return [Closure(row[0], datetime.fromisoformat(row[1]), datetime.fromisoformat(row[2])) for row in rows]
