"""A conversation that takes longer than was booked: only as long as its member of staff has nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from balie.booking import assignment, claims, links
from balie.booking.catalogue import Product
from balie.booking.errors import Unfit
from balie.booking.hours import day_of
from balie.booking.people import standing
from balie.booking.slots import Wish, plan
from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import CELL_S, appointment, appointment_product, join_link, participant, slot_claim

FAR_S = 12 * 3600
"""So far ahead somebody else's appointment matters."""


@dataclass(frozen=True)
class Room:
    """What is left after the end of an appointment.

    next_s  when its member of staff has something else; none: nothing today
    fits    a product of so many minutes more still fits: he is there, and free
    end_s   the end that it would have
    """

    next_s: int | None
    fits: bool
    end_s: int


def room(tx: Tx, appointment_id: int, product_id: int) -> Room:
    """Whether one more product fits.  NotFound, NotNow; Unfit product: not with the others, or in this way."""
    row = standing(tx, appointment_id)
    return _room(tx, row, _added(tx, row, product_id))


def add_product(
    tx: Tx,
    now_s: int,
    entropy: Callable[[int], bytes],
    appointment_id: int,
    product_id: int,
    actor: str,
    *,
    squeeze: bool = False,
) -> Room:
    """One more product, during the conversation; it takes longer by that, and its links live as much longer.

    squeeze  where there is no time for it, add it without any

    NotFound, NotNow; Unfit product: see room(), or product_does_not_fit.
    """
    row = standing(tx, appointment_id)
    added = _added(tx, row, product_id)
    found = _room(tx, row, added)
    if not found.fits and not squeeze:
        raise Unfit("product", "product_does_not_fit", "there is no time left for it")
    if not claims.claim_day(tx, (added,), day_of(row.start_s, row.zone).isoformat(), appointment_id):
        raise Unfit("product", "product_full", "it is done as often as it can be on this day")
    last = select(func.max(appointment_product.c.position)).where(
        appointment_product.c.appointment_id == appointment_id
    )
    place = {"appointment_id": appointment_id, "product_id": product_id, "position": (tx.scalar(last) or 0) + 1}
    tx.execute(insert(appointment_product).values(**place))
    longer = found.fits and claims.extend(tx, row.staff_id, _more(row, found.end_s, added), appointment_id)
    if found.fits and not longer and not squeeze:  # somebody booked it a moment ago
        raise Unfit("product", "product_does_not_fit", "there is no time left for it")
    if longer:
        _lengthen(tx, now_s, row, found.end_s)
    audit.note(tx, now_s, actor, "product_added", events.subject(row.ref), product=product_id, longer=longer)
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + "changed")
    return found if longer else Room(found.next_s, False, row.end_s)


def _added(tx: Tx, row: Row[Any], product_id: int) -> Product:
    """The product, if it can be added.  Raises as plan()."""
    there = _products(tx, row.id)
    if product_id in there:
        raise Unfit("product", "product_there_already", "this appointment is about it already")
    wanted = plan(tx, Wish((*there, product_id), row.modality))
    return next(each for each in wanted.products if each.id == product_id)


def _room(tx: Tx, row: Row[Any], added: Product) -> Room:
    end_s = row.end_s + added.duration_min * 60
    first = claims.cells_of(row.end_s, row.end_s, 0, row.buffer_after_min).stop
    later = select(func.min(slot_claim.c.cell)).where(
        slot_claim.c.staff_id == row.staff_id,
        slot_claim.c.cell.between(row.start_s // CELL_S, first + FAR_S // CELL_S),
        slot_claim.c.appointment_id != row.id,
    )

    next_cell = tx.scalar(later)
    wanted = plan(tx, Wish((*_products(tx, row.id), added.id), row.modality, row.staff_id, urgent=True))
    free = next_cell is None or next_cell >= _more(row, end_s, added).stop
    works = row.staff_id in assignment.working(tx, wanted, row.start_s)
    return Room(None if next_cell is None else next_cell * CELL_S, free and works, end_s)


def _more(row: Row[Any], end_s: int, added: Product) -> range:
    """The cells that it takes beyond those that it has."""
    had = claims.cells_of(row.start_s, row.end_s, row.buffer_before_min, row.buffer_after_min)
    after_min = max(row.buffer_after_min, added.buffer_after_min)
    return range(had.stop, max(had.stop, claims.cells_of(row.start_s, end_s, 0, after_min).stop))


def _lengthen(tx: Tx, now_s: int, row: Row[Any], end_s: int) -> None:
    values = {"end_s": end_s, "sequence": row.sequence + 1, "changed_s": now_s}
    tx.execute(update(appointment).where(appointment.c.id == row.id).values(**values))
    people = select(participant.c.id).where(participant.c.appointment_id == row.id)
    live = (join_link.c.participant_id.in_(people)) & (join_link.c.valid_until_s < end_s + links.AFTER_S)
    tx.execute(update(join_link).where(live).values(valid_until_s=end_s + links.AFTER_S))


def _products(tx: Tx, appointment_id: int) -> tuple[int, ...]:
    query = select(appointment_product.c.product_id).where(appointment_product.c.appointment_id == appointment_id)
    return tuple(tx.scalars(query.order_by(appointment_product.c.position)))
