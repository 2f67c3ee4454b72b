"""What we know of reservations: rows and their states.  Who may do what, and when, balie.acts decides.

selected → held → confirmed; released, expired, conflict end it.  Each function says whether it changed something: who
comes second with the same news changes nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from balie.booking.errors import NotFound
from balie.record import audit, events
from balie.reservations.backend import FreeTime, Held
from balie.store.engine import Tx
from balie.store.schema import appointment, reservation

KEY_BYTES = 20
LIVE = ("selected", "held")
"""Not decided yet."""
FIRST_OVER_S = select(func.min(reservation.c.hold_until_s)).where(reservation.c.state.in_(LIVE)).scalar_subquery()


@dataclass(frozen=True)
class Reservation:
    """As balie.store.schema.reservation has it."""

    id: int
    appointment_id: int
    product_id: int
    backend: str
    resource: str
    resource_name: str
    from_s: int
    until_s: int
    zone: str
    price_cents: int
    state: str
    external_ref: str
    key: str
    hold_until_s: int | None
    holder_id: int | None
    error: str

    @property
    def live(self) -> bool:
        return self.state in LIVE


def of_appointment(tx: Tx, appointment_id: int) -> list[Reservation]:
    """In the order in which they were chosen."""
    query = select(reservation).where(reservation.c.appointment_id == appointment_id).order_by(reservation.c.id)
    return [_read(row) for row in tx.execute(query)]


def get(tx: Tx, reservation_id: int, *, lock: bool = False) -> Reservation:
    """NotFound.  lock: for who is about to change it."""
    query = select(reservation).where(reservation.c.id == reservation_id)
    row = tx.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("reservation")
    return _read(row)


def overdue(tx: Tx, now_s: int, limit: int = 100) -> list[Reservation]:
    """Live ones whose time of waiting is over: chosen or held until then."""
    query = select(reservation).where(reservation.c.state.in_(LIVE), reservation.c.hold_until_s <= now_s)
    return [_read(row) for row in tx.execute(query.order_by(reservation.c.hold_until_s).limit(limit))]


def choose(
    tx: Tx,
    now_s: int,
    entropy: Callable[[int], bytes],
    appointment_id: int,
    product_id: int,
    backend: str,
    time: FreeTime,
    wait_s: int,
) -> int:
    """Somebody wants this; returns its id.  wait_s: how long its hold may take before it is given up."""
    row = {
        "appointment_id": appointment_id,
        "product_id": product_id,
        "backend": backend,
        "resource": time.resource,
        "resource_name": time.resource_name,
        "from_s": time.from_s,
        "until_s": time.until_s,
        "zone": tx.scalar(select(appointment.c.zone).where(appointment.c.id == appointment_id)),
        "price_cents": time.price_cents,
        "idempotency_key": base64.urlsafe_b64encode(entropy(KEY_BYTES)).decode().rstrip("="),
        "hold_until_s": now_s + wait_s,
        "created_s": now_s,
        "changed_s": now_s,
    }
    made = tx.execute(insert(reservation).values(**row)).inserted_primary_key
    assert made is not None
    _note(tx, now_s, "citizen", "reservation_chosen", appointment_id, int(made[0]))
    return int(made[0])


def hold(tx: Tx, now_s: int, reservation_id: int, held: Held) -> bool:
    """The other system keeps it, for this price."""
    values = {"external_ref": held.external_ref, "hold_until_s": held.hold_until_s, "price_cents": held.price_cents}
    return _move(tx, now_s, reservation_id, ("selected",), "held", values)


def confirm(tx: Tx, now_s: int, reservation_id: int, external_ref: str, holder_id: int | None) -> bool:
    """It is his.  holder_id: the identification whose name it stands in."""
    values = {"external_ref": external_ref, "holder_id": holder_id, "hold_until_s": None}
    return _move(tx, now_s, reservation_id, ("held",), "confirmed", values)


def release(tx: Tx, now_s: int, reservation_id: int, actor: str = "system") -> bool:
    """Let go: held, or confirmed before."""
    return _move(tx, now_s, reservation_id, (*LIVE, "confirmed"), "released", {"hold_until_s": None}, actor=actor)


def expire(tx: Tx, now_s: int, reservation_id: int) -> bool:
    """Nobody finished it in time."""
    return _move(tx, now_s, reservation_id, LIVE, "expired", {"hold_until_s": None})


def conflict(tx: Tx, now_s: int, reservation_id: int, error: str) -> bool:
    """The other system gave it away, or will not do it.  error: a code."""
    return _move(tx, now_s, reservation_id, LIVE, "conflict", {"hold_until_s": None, "error": error})


def trouble(tx: Tx, now_s: int, reservation_id: int, error: str) -> None:
    """Something did not work this time; the state stays.  error: a code, "" when it is over."""
    tx.execute(update(reservation).where(reservation.c.id == reservation_id).values(error=error, changed_s=now_s))


def _move(
    tx: Tx,
    now_s: int,
    reservation_id: int,
    before: tuple[str, ...],
    after: str,
    values: dict[str, Any],
    *,
    actor: str = "system",
) -> bool:
    which = (reservation.c.id == reservation_id) & reservation.c.state.in_(before)
    values = {"error": "", **values, "state": after, "changed_s": now_s}
    if not tx.execute(update(reservation).where(which).values(**values)).rowcount:
        return False
    appointment_id = tx.scalar(select(reservation.c.appointment_id).where(reservation.c.id == reservation_id))
    assert appointment_id is not None
    _note(tx, now_s, actor, f"reservation_{after}", appointment_id, reservation_id)
    return True


def _note(tx: Tx, now_s: int, actor: str, action: str, appointment_id: int, reservation_id: int) -> None:
    ref = tx.scalar(select(appointment.c.ref).where(appointment.c.id == appointment_id))
    audit.note(tx, now_s, actor, action, events.subject(ref or ""), reservation=reservation_id)


def _read(row: Row[Any]) -> Reservation:
    return Reservation(
        row.id,
        row.appointment_id,
        row.product_id,
        row.backend,
        row.resource,
        row.resource_name,
        row.from_s,
        row.until_s,
        row.zone,
        row.price_cents,
        row.state,
        row.external_ref,
        row.idempotency_key,
        row.hold_until_s,
        row.holder_id,
        row.error,
    )
