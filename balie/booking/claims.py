"""What is taken.  A claim is a row whose key can be there once: overlap is not checked, it is impossible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import String, Table, bindparam, cast, delete, func, select, update

from balie.booking.catalogue import Product
from balie.store.engine import Tx
from balie.store.schema import CELL_S, appointment, day_claim, slot_claim, staff
from balie.store.upsert import insert_into

_OVER = (
    select(appointment.c.id)
    .where(appointment.c.status == "held", appointment.c.hold_until_s <= bindparam("now_s"))
    .order_by(appointment.c.id)
    .with_for_update()
)

# The cells of a person as one text: a hundred thousand rows cost five times as much to read as to find.
_TAKEN = (
    select(slot_claim.c.staff_id, func.aggregate_strings(cast(slot_claim.c.cell, String), ","))
    .where(
        slot_claim.c.staff_id.in_(bindparam("staff_ids", expanding=True)),
        slot_claim.c.cell.between(bindparam("first"), bindparam("last")),
    )
    .group_by(slot_claim.c.staff_id)
)
_TOUCH = update(staff).where(staff.c.id == bindparam("touched")).values(claims_version=staff.c.claims_version + 1)
_OF_APPOINTMENT = select(func.count()).where(slot_claim.c.appointment_id == bindparam("made"))
_TOUCH_IF_ALL = _TOUCH.where(_OF_APPOINTMENT.scalar_subquery() == bindparam("cells"))


def cells_of(start_s: int, end_s: int, before_min: int = 0, after_min: int = 0) -> range:
    """The cells of an appointment with its buffers."""
    return range((start_s - before_min * 60) // CELL_S, -(-(end_s + after_min * 60) // CELL_S))


def claim(tx: Tx, staff_id: int, cells: range, appointment_id: int) -> bool:
    """Take all cells of a person, or none: False when somebody else has one."""
    rows = [{"staff_id": staff_id, "cell": cell, "appointment_id": appointment_id} for cell in cells]
    tx.execute(_new(slot_claim, tx.dialect.name), rows)
    if tx.execute(_TOUCH_IF_ALL, {"touched": staff_id, "made": appointment_id, "cells": len(rows)}).rowcount:
        return True
    tx.execute(delete(slot_claim).where(slot_claim.c.appointment_id == appointment_id))
    return False


def extend(tx: Tx, staff_id: int, cells: range, appointment_id: int) -> bool:
    """Take more cells for an appointment that has some, or none of them: False when somebody else has one."""
    rows = [{"staff_id": staff_id, "cell": cell, "appointment_id": appointment_id} for cell in cells]
    if not rows:
        return True
    tx.execute(_new(slot_claim, tx.dialect.name), rows)
    mine = (
        (slot_claim.c.staff_id == staff_id)
        & (slot_claim.c.appointment_id == appointment_id)
        & slot_claim.c.cell.between(cells[0], cells[-1])
    )
    if (tx.scalar(select(func.count()).where(mine)) or 0) < len(rows):
        tx.execute(delete(slot_claim).where(mine))
        return False
    touch(tx, [staff_id])
    return True


def claim_day(tx: Tx, products: Iterable[Product], day: str, appointment_id: int) -> bool:
    """A seat of the day for each product that has a daily maximum; False when one has none left."""
    free = _new(day_claim, tx.dialect.name).returning(day_claim.c.seat)
    for each in products:
        if each.daily_max is None:
            continue
        taken = set(
            tx.scalars(select(day_claim.c.seat).where(day_claim.c.product_id == each.id, day_claim.c.day == day))
        )
        for seat in range(each.daily_max):
            row = {"product_id": each.id, "day": day, "seat": seat, "appointment_id": appointment_id}
            if seat not in taken and tx.execute(free, row).first() is not None:
                break
        else:
            return False
    return True


def release(tx: Tx, appointment_ids: Sequence[int]) -> None:
    """Everything that these appointments took is free again."""
    held = select(slot_claim.c.staff_id).where(slot_claim.c.appointment_id.in_(appointment_ids)).distinct()
    people = list(tx.scalars(held))
    tx.execute(delete(slot_claim).where(slot_claim.c.appointment_id.in_(appointment_ids)))
    tx.execute(delete(day_claim).where(day_claim.c.appointment_id.in_(appointment_ids)))
    touch(tx, people)


def hand_over(tx: Tx, appointment_id: int, cells: range, staff_id: int) -> bool:
    """The time of an appointment is another person's from now on; False when he has something else then.

    The one who had it is free either way: he is not there.
    """
    had = list(
        tx.scalars(select(slot_claim.c.staff_id).where(slot_claim.c.appointment_id == appointment_id).distinct())
    )
    tx.execute(delete(slot_claim).where(slot_claim.c.appointment_id == appointment_id))
    touch(tx, had)
    return claim(tx, staff_id, cells, appointment_id)


def expire_holds(tx: Tx, now_s: int) -> int:
    """Free what was held too long.  Returns how many holds that were."""
    ids = list(tx.scalars(_OVER, {"now_s": now_s}))
    if ids:
        tx.execute(update(appointment).where(appointment.c.id.in_(ids)).values(status="expired", changed_s=now_s))
        release(tx, ids)
    return len(ids)


def taken(tx: Tx, staff_ids: Sequence[int], first: int, last: int) -> dict[int, list[int]]:
    """The cells that are taken of each person's calendar, from the first one until the last, which is excluded.

    In no order; nothing for who has none.
    """
    found = tx.execute(_TAKEN, {"staff_ids": staff_ids, "first": first, "last": last - 1})
    return {staff_id: list(map(int, cells.split(","))) for staff_id, cells in found}


def full_days(tx: Tx, products: Iterable[Product], from_day: str, until_day: str) -> set[str]:
    """Local days on which one of the products has reached its daily maximum."""
    found: set[str] = set()
    for each in products:
        if each.daily_max is not None:
            query = select(day_claim.c.day).where(
                day_claim.c.product_id == each.id, day_claim.c.day.between(from_day, until_day)
            )
            found |= set(tx.scalars(query.group_by(day_claim.c.day).having(func.count() >= each.daily_max)))
    return found


def touch(tx: Tx, staff_ids: Iterable[int]) -> None:
    """Whoever caches these people's calendars reads them anew."""
    rows = [{"touched": each} for each in sorted(staff_ids)]
    if rows:
        tx.execute(_TOUCH, rows)


@cache
def _new(table: Table, dialect: str) -> Any:
    """Rows whose keys are not there yet."""
    return insert_into(table, dialect).on_conflict_do_nothing()
