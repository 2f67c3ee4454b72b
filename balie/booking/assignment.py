"""Who gets an appointment: of those who work at that time and are free, the one with the least to do around it.

One query asks for all that, because rows that are read cost more than rows that the database passes over: of fifty
people with two hundred hours some ten are free at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, String, and_, bindparam, cast, exists, func, select

from balie.booking import office
from balie.booking.hours import day_of, minute_of
from balie.booking.people import STANDING
from balie.booking.slots import Plan, starts
from balie.store.engine import Tx
from balie.store.schema import CELL_S, appointment, availability, slot_claim, staff, staff_service

AROUND_S = 43_200  # half a day before and after is one's day, wherever midnight falls

# Hours that may hold the time.  Hours lie within a day, so that at any moment in them the clock is between their ends,
# on days of a clock change too; whether the appointment fits into them is for balie.booking.slots.
_WORKING: Select[Any] = (
    select(
        availability.c.staff_id,
        availability.c.weekday,
        availability.c.from_min,
        availability.c.until_min,
        availability.c.from_day,
        availability.c.until_day,
        availability.c.every_weeks,
    )
    .join(staff, staff.c.id == availability.c.staff_id)
    .join(
        staff_service,
        and_(
            staff_service.c.staff_id == availability.c.staff_id,
            staff_service.c.service_id == availability.c.service_id,
        ),
    )
    .where(
        staff.c.active,
        availability.c.service_id == bindparam("service_id"),
        availability.c.weekday == bindparam("weekday"),
        availability.c.from_min <= bindparam("minute"),
        availability.c.until_min > bindparam("minute"),
        availability.c.from_day <= bindparam("day"),
        func.coalesce(availability.c.until_day, bindparam("day")) >= bindparam("day"),
        cast(availability.c.modalities, String).contains(bindparam("modality")),
    )
)
_LOAD = select(func.count()).where(
    appointment.c.staff_id == availability.c.staff_id,
    appointment.c.start_s.between(bindparam("from_s"), bindparam("until_s")),
    appointment.c.status.in_(("held", *STANDING)),
)
_BUSY = exists().where(
    slot_claim.c.staff_id == availability.c.staff_id,
    slot_claim.c.cell.between(bindparam("first"), bindparam("last")),
)
_FREE = _WORKING.add_columns(_LOAD.scalar_subquery().label("load")).where(~_BUSY)


def working(tx: Tx, wanted: Plan, start_s: int) -> set[int]:
    """Who of those who are wanted works at this time, whatever is taken."""
    return _fitting(tx, wanted, start_s, tx.execute(_WORKING, _at(wanted, start_s)).all())


def free(tx: Tx, wanted: Plan, start_s: int, cells: range) -> list[int]:
    """Who works at this time and has none of these cells taken: in the order in which they are to be asked.

    The fewest appointments around come first, then who came to the office first.
    """
    values = {"first": cells[0], "last": cells[-1], "from_s": start_s - AROUND_S, "until_s": start_s + AROUND_S}
    rows = tx.execute(_FREE, {**_at(wanted, start_s), **values}).all()
    load = {row[0]: row[-1] for row in rows}
    return sorted(_fitting(tx, wanted, start_s, rows), key=lambda staff_id: (load[staff_id], staff_id))


def _at(wanted: Plan, start_s: int) -> dict[str, Any]:
    day = day_of(start_s, wanted.service.zone)
    return {
        "service_id": wanted.service.id,
        "weekday": day.weekday(),
        "minute": minute_of(start_s, wanted.service.zone),
        "day": day.isoformat(),
        "modality": f'"{wanted.modality}"',
    }


def _fitting(tx: Tx, wanted: Plan, start_s: int, rows: Iterable[Row[Any]]) -> set[int]:
    """Whose hours hold all of it, less closures."""
    day: date = day_of(start_s, wanted.service.zone)
    hours = office.hours_of((*tuple(row)[:7], (wanted.modality,)) for row in rows)
    if start_s % CELL_S or not hours:
        return set()
    shut = office.closures_of(office.closure_rows(tx, wanted.service, day, day))
    stretches = starts(wanted, hours, shut, day)
    found = {staff_id for those, cells in stretches if start_s // CELL_S in cells for staff_id in those}
    return found if wanted.staff_id is None else found & {wanted.staff_id}
