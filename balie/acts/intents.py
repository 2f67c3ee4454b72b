"""What the reservation system is being asked, and has not answered yet: reservation.wanted.

An intent is written before the call, in the transaction that decides it, and goes when an answer is written down.  Who
finds one whose time has come asks again with the same key.  An intent to confirm and one to release exclude each other:
so nothing is let go while it is being confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select, update

from balie.reservations import records
from balie.reservations.records import Reservation
from balie.store.engine import Tx
from balie.store.schema import identification, reservation

Wanted = Literal["hold", "confirm", "release"]

LEASE_S = 30  # for a call: who does not come back from it has died, and the worker goes on
SOONEST_S, LATEST_S = 3, 900
FIRST_DUE_S = (
    select(func.min(reservation.c.again_s))
    .where(reservation.c.again_s.is_not(None), reservation.c.wanted != "")
    .scalar_subquery()
)


@dataclass(frozen=True)
class Ask:
    """One thing to ask.  since_s: when it was first wanted.  holder_name: for a confirmation."""

    about: Reservation
    wanted: str
    since_s: int
    holder_name: str


def want(tx: Tx, now_s: int, reservation_id: int, what: Wanted, holder_id: int | None = None) -> int:
    """Returns the reservation's id.  holder_id: in whose name it is to be confirmed."""
    values: dict[str, object] = {"wanted": what, "again_s": now_s + LEASE_S, "changed_s": now_s}
    if what == "confirm":
        values["holder_id"] = holder_id
    tx.execute(update(reservation).where(reservation.c.id == reservation_id).values(**values))
    return reservation_id


def done(tx: Tx, reservation_id: int) -> None:
    tx.execute(update(reservation).where(reservation.c.id == reservation_id).values(wanted="", again_s=None))


def later(tx: Tx, now_s: int, ask: Ask, error: str) -> None:
    """No answer of use: ask again, with growing pauses."""
    pause_s = min(max((now_s - ask.since_s) // 4, SOONEST_S), LATEST_S)
    values = {"error": error, "again_s": now_s + pause_s}
    tx.execute(update(reservation).where(reservation.c.id == ask.about.id).values(**values))


def found_ref(tx: Tx, reservation_id: int, external_ref: str) -> None:
    """The name of something that the other system holds though nobody wants it any more."""
    which = (reservation.c.id == reservation_id) & (reservation.c.external_ref == "")
    tx.execute(update(reservation).where(which).values(external_ref=external_ref))


def get(tx: Tx, reservation_id: int, *, lock: bool = False) -> Ask | None:
    """None: nothing is asked about it."""
    about = records.get(tx, reservation_id, lock=lock)
    query = (
        select(reservation.c.wanted, reservation.c.changed_s, identification.c.name)
        .outerjoin(identification, identification.c.id == reservation.c.holder_id)
        .where(reservation.c.id == reservation_id)
    )
    row = tx.execute(query).one()
    return Ask(about, row.wanted, row.changed_s, row.name or "") if row.wanted else None


def wanted(tx: Tx, appointment_id: int) -> dict[int, str]:
    """Of the reservations of an appointment, by id; "" where nothing is asked."""
    query = select(reservation.c.id, reservation.c.wanted).where(reservation.c.appointment_id == appointment_id)
    return {row.id: row.wanted for row in tx.execute(query)}


def due(tx: Tx, now_s: int, limit: int = 20) -> list[int]:
    """Reservations to ask about now.  They are taken: nobody else asks while the call may last."""
    query = select(reservation.c.id).where(reservation.c.again_s <= now_s, reservation.c.wanted != "")
    ids = list(tx.scalars(query.order_by(reservation.c.again_s).limit(limit).with_for_update(skip_locked=True)))
    if ids:
        tx.execute(update(reservation).where(reservation.c.id.in_(ids)).values(again_s=now_s + LEASE_S))
    return ids
