"""The payment's part of the saga: may he pay this now, and what if the provider does not make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sqlalchemy import CompoundSelect, exists, false, or_, select, union

from balie.acts import keeping, reasons, saga
from balie.acts.errors import ActError
from balie.acts.rules import Rules
from balie.booking.errors import NotFound
from balie.i18n import pick, speaking
from balie.payments import ogm, refunds
from balie.payments import records as payments
from balie.payments.records import Payment, Purchase
from balie.reservations import records as reservations
from balie.store.engine import Tx
from balie.store.schema import appointment, invoice, participant, payment, refund, reservation

Entropy = Callable[[int], bytes]

GIVE_UP_S = 900  # without an answer to a creation: well within the hour in which providers know their keys
UNCLEAR_S = 86_400  # without a word on a payment: then a person looks at it


@dataclass(frozen=True)
class Order:
    """What the provider is asked to make.  locale: of who pays."""

    payment: Payment
    description: str
    locale: str


def begin(
    tx: Tx,
    now_s: int,
    entropy: Entropy,
    rules: Rules,
    provider: str,
    appointment_id: int,
    participant_id: int,
    *,
    reservation_id: int | None = None,
    product_id: int | None = None,
) -> int:
    """A payment for a reservation, or for a product that has none; the one that runs when there is one.

    ActError unknown, not_here, not_citizen, not_offered, not_held, reserved, identify_first, paid.
    """
    keeping.standing(tx, appointment_id)
    if citizen(tx, appointment_id) != participant_id:
        raise ActError("not_citizen")
    if reservation_id is not None:
        about = _kept(tx, now_s, appointment_id, reservation_id)
        product_id, amount_cents = about.product_id, about.price_cents
    elif product_id is None:
        raise ActError("unknown")
    row = keeping.of_it(tx, appointment_id, product_id)
    if reservation_id is None:
        if row.reservation_backend:
            raise ActError("not_held")  # its price is that of what is reserved
        amount_cents = row.price_cents
    if amount_cents <= 0:
        raise ActError("not_offered")
    if rules.needed(tx, appointment_id, product_id):
        raise ActError("identify_first")
    for each in payments.of_appointment(tx, appointment_id):
        if (each.reservation_id, each.product_id) == (reservation_id, product_id):
            if each.has_money:
                raise ActError("paid")
            if each.running:
                return each.id
    with speaking(_locale(tx, participant_id)):
        description = pick(row.names)
    vat = (row.vat_category, row.vat_rate)
    wanted = Purchase(appointment_id, participant_id, product_id, reservation_id, amount_cents, *vat, description)
    return payments.begin(tx, now_s, entropy, provider, wanted)


def citizen(tx: Tx, appointment_id: int) -> int | None:
    """The participant who may reserve, identify and pay."""
    which = (participant.c.appointment_id == appointment_id) & (participant.c.role == "citizen")
    return tx.scalar(select(participant.c.id).where(which, participant.c.removed_s.is_(None)).limit(1))


def _kept(tx: Tx, now_s: int, appointment_id: int, reservation_id: int) -> reservations.Reservation:
    try:
        about = reservations.get(tx, reservation_id, lock=True)
    except NotFound:
        raise ActError("unknown") from None
    if about.appointment_id != appointment_id:
        raise ActError("unknown")
    if about.state == "confirmed":
        raise ActError("reserved")
    if about.state != "held" or (about.hold_until_s or 0) <= now_s:
        raise ActError("not_held")
    return about


def _locale(tx: Tx, participant_id: int | None) -> str:
    return tx.scalar(select(participant.c.locale).where(participant.c.id == participant_id)) or "nl"


def order(tx: Tx, payment_id: int) -> Order | None:
    """What to ask the provider for; None when it was made before, or is not wanted any more."""
    about = payments.get(tx, payment_id)
    if about.state != "created":
        return None
    return Order(about, f"{about.description} {ogm.shown(about.ogm)}", _locale(tx, about.participant_id))


def running(tx: Tx, appointment_id: int, reservation_id: int | None, product_id: int | None) -> Payment | None:
    """One that may have ended without our knowing, which is to be looked at before another begins."""
    for each in payments.of_appointment(tx, appointment_id):
        same = each.reservation_id == reservation_id and (reservation_id is not None or each.product_id == product_id)
        if same and each.running and each.external_id is not None:
            return each
    return None


def not_made(tx: Tx, now_s: int, entropy: Entropy, payment_id: int, error: str, *, final: bool) -> bool:
    """The provider will not make it, or did not answer.  Whether the payment is over: it was never open."""
    about = payments.get(tx, payment_id)
    saga.lock(tx, about.appointment_id)
    if final or now_s - about.created_s >= GIVE_UP_S:
        return payments.refused(tx, now_s, entropy, payment_id, error)
    payments.unheard(tx, now_s, payment_id, error)
    return False


def unheard(tx: Tx, now_s: int, payment_id: int, error: str, *, refused: bool) -> None:
    """The provider said nothing of use.  refused: it says that it does not know the payment, which is worse."""
    about = payments.unheard(tx, now_s, payment_id, error)
    if about.running and (refused or now_s - about.changed_s >= UNCLEAR_S):
        reasons.ask(tx, now_s, "payment", payment_id, "payment_unclear", about.appointment_id)


def refund_refused(tx: Tx, now_s: int, refund_id: int, error: str) -> None:
    """A person has to find another way."""
    about = payments.get(tx, refunds.get(tx, refund_id).payment_id)
    saga.lock(tx, about.appointment_id)
    if refunds.refused(tx, now_s, refund_id, error):
        reasons.ask(tx, now_s, "payment", about.id, "refund_failed", about.appointment_id, again=True)


def unsettled(tx: Tx, *, documents: bool) -> list[int]:
    """Appointments of which something does not follow yet: after a crash, or when they were cancelled.

    documents  whether bookkeeping writes any; one that could not be written is tried again
    """
    return list(tx.scalars(_unsettled(documents)))


@cache
def _unsettled(documents: bool, limit: int = 50) -> CompoundSelect[tuple[int]]:
    """Asked again and again, and longer in the making than in the asking."""
    money = payment.c.state.in_(payments.MONEY) & (payment.c.error != payments.MISMATCH)
    paid = exists().where(payment.c.reservation_id == reservation.c.id, money)
    cancelled = appointment.c.status.like("cancelled%")
    open_ones = reservation.c.state == "held", reservation.c.wanted == ""
    held = select(reservation.c.appointment_id).where(*open_ones, or_(reservation.c.price_cents == 0, paid))
    live = reservation.c.state.in_((*reservations.LIVE, "confirmed"))
    gone = (
        select(reservation.c.appointment_id)
        .join(appointment, appointment.c.id == reservation.c.appointment_id)
        .where(cancelled, live, reservation.c.wanted != "confirm")
    )
    kept = exists().where(reservation.c.id == payment.c.reservation_id, reservation.c.state.in_(("selected", "held")))
    back = exists().where(refund.c.payment_id == payment.c.id, refund.c.state != "rejected")
    decided = exists().where(refund.c.payment_id == payment.c.id)
    written = exists().where(invoice.c.payment_id == payment.c.id, invoice.c.refund_id.is_(None))
    lost = exists().where(reservation.c.id == payment.c.reservation_id, reservation.c.state != "confirmed")
    loose = (
        select(payment.c.appointment_id)
        .join(appointment, appointment.c.id == payment.c.appointment_id)
        .where(money, ~kept, or_((lost | cancelled) & ~decided, ~back & ~written if documents else false()))
    )
    credited = exists().where(invoice.c.refund_id == refund.c.id)
    uncredited = select(payment.c.appointment_id).join(refund).where(refund.c.state == "done", ~credited)
    found = [held, gone, loose, *([uncredited] if documents else [])]
    return union(*found).limit(limit)
