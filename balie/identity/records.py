"""Identifications of citizens: asked for, begun, and what became of them (requirements (f), Identification).

requested -> started -> verified | failed | aborted | expired.  One that failed stays as it is; who tries again gets
another.  Only the citizen of an appointment can be identified for it, nobody who comes along.  What was verified goes
with him when the appointment moves.

Under another name than the one that was booked it counts once staff says that it is right (accept).  Was it the wrong
person, staff asks anew (ask_again): what was before stays to be read, and counts no longer.

Whether it is logged is agreed for each product (S26): without identity_log of its product nothing of it stands in the
audit or goes to other systems.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update

from balie.booking.errors import NotFound, NotNow
from balie.booking.links import LinkKey
from balie.identity import assurance, persons
from balie.identity.errors import CODES, IdentityError
from balie.identity.persons import Person
from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import appointment, appointment_product, identification, participant, product, reservation

TTL_S = 1800
OPEN = ("requested", "started")
GONE = ("cancelled_citizen", "cancelled_office", "expired", "anonymised")
"""Of such appointments nobody needs to know any more who came; one that moved is not among them."""
VERIFIED = events.IDENTIFICATION + "verified"
ACTOR = "citizen"


@dataclass(frozen=True)
class Identified:
    """matches: whether the name is the one that was booked, as far as that can be seen."""

    id: int
    name: str = field(repr=False)
    acr: str
    at_s: int
    matches: bool
    provider: str


@dataclass(frozen=True)
class Asked:
    """What a product asks of the citizen, and how far that is.

    state     open (nothing yet, or over), started, verified, failed or aborted
    purposes  what for, by language; logged: it was agreed to log it
    error     a code of balie.identity.errors, when it failed
    """

    product_id: int
    required_acr: str
    purposes: dict[str, str]
    logged: bool
    state: str
    error: str = ""
    identified: Identified | None = None


def request(
    tx: Tx,
    now_s: int,
    appointment_id: int,
    participant_id: int,
    product_id: int | None,
    provider: str,
    required_acr: str,
    ttl_s: int = TTL_S,
) -> int:
    """Ask the citizen of an appointment who he is; the id of the request.  NotFound for anybody else.

    The same question, while it is open, is the same request.
    """
    who = (participant.c.id == participant_id) & (participant.c.appointment_id == appointment_id)
    here = select(participant.c.id).where(who, participant.c.role == "citizen", participant.c.removed_s.is_(None))
    if tx.scalar(here.with_for_update()) is None:
        raise NotFound("participant")
    asked = {
        "appointment_id": appointment_id,
        "participant_id": participant_id,
        "product_id": product_id,
        "provider": provider,
        "required_acr": required_acr,
    }
    same = [identification.c[name] == value for name, value in asked.items()]
    open_one = select(identification.c.id).where(*same, _open(now_s)).order_by(identification.c.id.desc()).limit(1)
    if (found := tx.scalar(open_one)) is not None:
        tx.execute(update(identification).where(identification.c.id == found).values(expires_s=now_s + ttl_s))
        return int(found)
    row = {**asked, "created_s": now_s, "expires_s": now_s + ttl_s}
    key = tx.execute(insert(identification).values(**row)).inserted_primary_key
    assert key is not None
    _note(tx, now_s, int(key[0]), "identification.requested")
    return int(key[0])


def start(tx: Tx, now_s: int, identification_id: int) -> str:
    """He goes to the provider; the acr that is required of him.  IdentityError request_over."""
    row = _locked(tx, now_s, identification_id)
    values = {"state": "started", "started_s": now_s, "expires_s": max(row.expires_s, now_s + TTL_S)}
    tx.execute(update(identification).where(identification.c.id == row.id).values(**values))
    return str(row.required_acr)


def verify(
    tx: Tx, now_s: int, entropy: Callable[[int], bytes], key: LinkKey, identification_id: int, person: Person
) -> Identified:
    """He is who the provider says he is, as surely as start() asked for.  IdentityError request_over."""
    row = _locked(tx, now_s, identification_id)
    booked = tx.scalar(select(participant.c.name).where(participant.c.id == row.participant_id)) or ""
    matches = persons.same(booked, person.name)
    values = {
        "state": "verified",
        "acr": person.acr,
        "subject_hash": person.subject_hash(key),
        "name": person.name,
        "matches": matches,
        "done_s": now_s,
        "start_hash": None,
    }
    tx.execute(update(identification).where(identification.c.id == row.id).values(**values))
    facts = {"provider": row.provider, "acr": person.acr, "matches": matches}
    if _note(tx, now_s, row.id, "identification.verified", **facts):
        events.emit(tx, now_s, entropy, row.appointment_id, VERIFIED, {"identification": facts})
    return Identified(row.id, person.name, person.acr, now_s, matches, row.provider)


def fail(tx: Tx, now_s: int, identification_id: int, code: str) -> None:
    """It came to nothing: he said no (aborted), or something was wrong.  Nothing when it is over already."""
    assert code in CODES, code
    state = "aborted" if code == "aborted" else "failed"
    here = (identification.c.id == identification_id) & identification.c.state.in_(OPEN)
    values = {"state": state, "error": code, "done_s": now_s, "start_hash": None}
    if tx.execute(update(identification).where(here).values(**values)).rowcount:
        _note(tx, now_s, identification_id, f"identification.{state}", code=code)


def expire(tx: Tx, now_s: int) -> list[int]:
    """End what was asked for too long ago.  Returns the appointments that this changes."""
    over = identification.c.state.in_(OPEN) & (identification.c.expires_s <= now_s)
    ended = update(identification).where(over).values(state="expired", done_s=now_s, start_hash=None)
    rows = tx.execute(ended.returning(identification.c.id, identification.c.appointment_id)).all()
    for row in rows:
        _note(tx, now_s, row.id, "identification.expired")
    return sorted({row.appointment_id for row in rows})


def verified(tx: Tx, appointment_id: int, product_id: int | None = None) -> Identified | None:
    """Who the citizen of an appointment proved to be, last; for a product: as surely as that asks, and sure by name."""
    rows = [each for each in _latest(tx, appointment_id) if each.state == "verified"]
    if product_id is None:
        row = next(iter(rows), None)
    else:
        row = _counting(rows, tx.execute(select(product).where(product.c.id == product_id)).one())
    return _identified(row) if row is not None else None


def needed(tx: Tx, appointment_id: int, product_id: int) -> bool:
    """Whether a product asks the citizen who he is, and he has not shown it as surely as it asks.

    Nor has he while nobody looked at a name that differs.
    """
    asks = tx.execute(select(product).where(product.c.id == product_id)).one()
    return asks.identification == "oidc" and _counting(_latest(tx, appointment_id), asks) is None


def asked_again(tx: Tx, appointment_id: int, product_id: int) -> bool:
    """Whether staff asked anew who the citizen is, and a product waits for that."""
    return needed(tx, appointment_id, product_id) and any(each.void_s for each in _all(tx, appointment_id))


def ask_again(tx: Tx, now_s: int, appointment_id: int) -> None:
    """Whatever was proved or begun does not count any longer.

    NotNow in_its_name: something was reserved in that name, or is right now; elsewhere it stays so.
    """
    ids = [each.id for each in _latest(tx, appointment_id)]
    settled = (reservation.c.state == "confirmed") | (reservation.c.wanted == "confirm")
    if tx.scalar(select(reservation.c.id).where(reservation.c.holder_id.in_(ids), settled).limit(1)) is not None:
        raise NotNow("in_its_name", "reserved")
    of_them = identification.c.id.in_(ids)
    ended = {"state": "expired", "done_s": now_s, "start_hash": None}
    tx.execute(update(identification).where(of_them, identification.c.state.in_(OPEN)).values(**ended))
    tx.execute(update(identification).where(of_them).values(void_s=now_s))


def accept(tx: Tx, now_s: int, identification_id: int, staff_id: int) -> bool:
    """The name differs, and staff says that it is right.  False: there is nothing to be said of it any more."""
    here = (identification.c.id == identification_id) & (identification.c.state == "verified")
    here &= identification.c.matches.is_(False) & identification.c.void_s.is_(None)
    here &= identification.c.accepted_s.is_(None)
    values = {"accepted_s": now_s, "accepted_by": staff_id}
    return bool(tx.execute(update(identification).where(here).values(**values)).rowcount)


def asked(tx: Tx, now_s: int, appointment_id: int) -> Asked | None:
    """What is asked of the citizen: by the first product that still does, or else by the first that did.

    None when no product of the appointment asks anything.
    """
    ask = (
        select(product)
        .join(appointment_product)
        .where(appointment_product.c.appointment_id == appointment_id, product.c.identification == "oidc")
        .order_by(appointment_product.c.position, product.c.id)
    )
    products, rows = tx.execute(ask).all(), _latest(tx, appointment_id)
    if not products:
        return None
    left = [each for each in products if not any(_enough(row, each) for row in rows)]
    which = (left or products)[0]
    state, error, found = "open", "", None
    if not left:
        state, found = "verified", _identified(next(row for row in rows if _enough(row, which)))
    elif rows:
        last = rows[0]
        state = last.state if last.state in ("failed", "aborted") else "open"
        state = "started" if last.state == "started" and last.expires_s > now_s else state
        error = last.error
    return Asked(which.id, which.required_acr, which.identity_purposes, which.identity_log, state, error, found)


def _latest(tx: Tx, appointment_id: int) -> list[Row[Any]]:
    """Those that were not asked anew, the last first."""
    return [each for each in _all(tx, appointment_id) if each.void_s is None]


def _all(tx: Tx, appointment_id: int) -> list[Row[Any]]:
    """Of the citizen of an appointment, the last first: by the person, who stays the same when it moves."""
    he = select(participant.c.person).where(
        participant.c.appointment_id == appointment_id,
        participant.c.role == "citizen",
        participant.c.removed_s.is_(None),
    )
    of_him = select(identification).join(participant).where(participant.c.person.in_(he))
    return list(tx.execute(of_him.order_by(identification.c.id.desc())).all())


def _counting(rows: list[Row[Any]], asks: Row[Any]) -> Row[Any] | None:
    """What a product goes by: the last that is sure enough, if its name is.  rows: the last first."""
    last = next((each for each in rows if _enough(each, asks)), None)
    doubtful = last is not None and last.matches is False and last.accepted_s is None
    return None if doubtful else last


def _enough(row: Row[Any], asks: Row[Any]) -> bool:
    # What was required then was checked with the provider's levels; here only values are known.
    if row.state != "verified":
        return False
    return row.required_acr == asks.required_acr or assurance.suffices(row.acr, asks.required_acr)


def _identified(row: Row[Any]) -> Identified:
    return Identified(row.id, row.name, row.acr, row.done_s, bool(row.matches), row.provider)


def _open(now_s: int) -> ColumnElement[bool]:
    return identification.c.state.in_(OPEN) & (identification.c.expires_s > now_s)


def _locked(tx: Tx, now_s: int, identification_id: int) -> Row[Any]:
    here = select(identification).where(identification.c.id == identification_id, _open(now_s))
    gone = select(appointment.c.id).where(appointment.c.status.in_(GONE))
    row = tx.execute(here.where(identification.c.appointment_id.not_in(gone)).with_for_update()).first()
    if row is None:
        raise IdentityError("request_over")
    return row


def _note(tx: Tx, now_s: int, identification_id: int, action: str, **facts: object) -> bool:
    """In the audit, if that was agreed for the product.  Returns whether it was."""
    row = tx.execute(
        select(appointment.c.ref, product.c.identity_log, product.c.slug)
        .select_from(identification)
        .join(appointment, appointment.c.id == identification.c.appointment_id)
        .outerjoin(product, product.c.id == identification.c.product_id)
        .where(identification.c.id == identification_id)
    ).one()
    if row.identity_log:
        audit.note(tx, now_s, ACTOR, action, f"appointment/{row.ref}", product=row.slug, **facts)
    return bool(row.identity_log)
