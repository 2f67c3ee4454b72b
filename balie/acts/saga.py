"""What follows from what: hold, identify, pay, confirm, write down; and what undoes it when a step fails.

Plain functions of a transaction, so that a crash leaves either all of a decision or nothing of it.  follow() may be
called at any time, as often as anybody likes: it looks at what is there and does what is missing.  What is to be asked
of the reservation system it leaves as an intent (balie.acts.intents), and says of which reservations.

After it, money and reservations agree: what is paid is confirmed, or waits for its confirmation, or is proposed to go
back; what is confirmed is paid, or free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import select

from balie.acts import approval, intents, reasons
from balie.acts.rules import Rules
from balie.booking.errors import NotFound
from balie.i18n import gettext as _
from balie.payments import records as payments
from balie.payments import refunds
from balie.payments.provider import Status
from balie.payments.records import MISMATCH, Payment
from balie.record import audit, events, tasks
from balie.reservations import records as reservations
from balie.reservations.records import Reservation
from balie.store.engine import Tx
from balie.store.schema import appointment

Entropy = Callable[[int], bytes]

PATIENCE_S = 3600
"""So long a payment that runs may outlast the hold; a bank transfer takes days, and no court is kept so long."""


def lock(tx: Tx, appointment_id: int) -> str:
    """All decisions about an appointment wait for each other here.  Returns its status.  NotFound."""
    query = select(appointment.c.status).where(appointment.c.id == appointment_id).with_for_update()
    status: str | None = tx.scalar(query)
    if status is None:
        raise NotFound("appointment")
    return status


def follow(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, appointment_id: int) -> list[int]:
    """Do what is missing.  Returns the reservations about which the other system is to be asked now."""
    cancelled = lock(tx, appointment_id).startswith("cancelled")
    wanted = intents.wanted(tx, appointment_id)
    all_of_it = payments.of_appointment(tx, appointment_id)
    paid = [each for each in all_of_it if each.has_money and each.error != MISMATCH]
    paid.sort(key=lambda each: (each.paid_s or 0, each.id))
    asks: list[int] = []
    for about in reservations.of_appointment(tx, appointment_id):
        own = [each for each in paid if each.reservation_id == about.id]
        if cancelled:
            asks += _undo(tx, now_s, entropy, about, wanted[about.id])
        else:
            asks += _of_reservation(tx, now_s, entropy, rules, about, wanted[about.id], own)
            bought = any(each.reservation_id == about.id and each.paid_s for each in all_of_it)
            if about.state == "conflict" and not bought:
                reasons.ask(tx, now_s, "reservation", about.id, "slot_lost", appointment_id)
    _credit(tx, now_s, rules, all_of_it)
    if cancelled:
        _give_back(tx, now_s, entropy, paid, "cancelled")
        _write_down(tx, now_s, rules, [each for each in paid if _kept_on_purpose(tx, each)])
    else:
        _without_reservation(tx, now_s, entropy, rules, paid)
    return asks


def _of_reservation(
    tx: Tx, now_s: int, entropy: Entropy, rules: Rules, about: Reservation, wanted: str, paid: list[Payment]
) -> list[int]:
    """paid: for it, the first first."""
    asks = []
    match about.state:
        case "held":
            if not wanted and _may_be_his(tx, rules, about, paid):
                holder = rules.holder(tx, about.appointment_id, about.product_id)
                asks.append(intents.want(tx, now_s, about.id, "confirm", holder.id if holder else None))
            _give_back(tx, now_s, entropy, paid[1:], "paid_twice")
        case "confirmed":
            _write_down(tx, now_s, rules, paid[:1])
            _give_back(tx, now_s, entropy, paid[1:], "paid_twice")
        case "released" | "expired" | "conflict":
            _lost(tx, now_s, entropy, rules, paid)
    return asks


def _may_be_his(tx: Tx, rules: Rules, about: Reservation, paid: list[Payment]) -> bool:
    if about.price_cents and not paid:
        return False
    return not rules.needed(tx, about.appointment_id, about.product_id)


def _without_reservation(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, paid: list[Payment]) -> None:
    """What is paid for is done by that: once for each product."""
    seen = set()
    for each in paid:
        if each.reservation_id is None:
            if each.product_id in seen:
                _give_back(tx, now_s, entropy, [each], "paid_twice")
            else:
                _write_down(tx, now_s, rules, [each])
            seen.add(each.product_id)


def _lost(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, paid: list[Payment]) -> None:
    """What was to be his is not."""
    _give_back(tx, now_s, entropy, paid, "slot_lost")
    _write_down(tx, now_s, rules, [each for each in paid if _kept_on_purpose(tx, each)])


def _undo(tx: Tx, now_s: int, entropy: Entropy, about: Reservation, wanted: str) -> list[int]:
    """The appointment does not take place.  What is being confirmed is let go when that is over."""
    if wanted == "confirm" or not (about.live or about.state == "confirmed"):
        return []
    return let_go(tx, now_s, entropy, about, "released")


def _give_back(tx: Tx, now_s: int, entropy: Entropy, paid: Iterable[Payment], reason: str) -> None:
    for each in paid:
        if refunds.propose(tx, now_s, entropy, each.id, reason) is not None:
            reasons.ask(tx, now_s, "payment", each.id, reason, each.appointment_id)


def _write_down(tx: Tx, now_s: int, rules: Rules, paid: Iterable[Payment]) -> None:
    for each in paid:
        rules.numbers.issue(tx, now_s, each.id)


def _credit(tx: Tx, now_s: int, rules: Rules, bought: Iterable[Payment]) -> None:
    for refund in refunds.of_payments(tx, [each.id for each in bought if each.refunded_cents]):
        if refund.state == "done":
            rules.numbers.issue(tx, now_s, refund.payment_id)  # what goes back came in first
            rules.numbers.credit(tx, now_s, refund.id)


def _kept_on_purpose(tx: Tx, each: Payment) -> bool:
    """Somebody rejected its refund: the money stays here, and has its document."""
    known = refunds.of_payments(tx, [each.id])
    return bool(known) and all(refund.state == "rejected" for refund in known)


# -- reservations ----------------------------------------------------------------------------------------------


def let_go(tx: Tx, now_s: int, entropy: Entropy, about: Reservation, how: str, actor: str = "system") -> list[int]:
    """It is not his any more, from now on; the other system hears it afterwards.  how: released or expired."""
    if how == "expired":
        moved = reservations.expire(tx, now_s, about.id)
    else:
        moved = reservations.release(tx, now_s, about.id, actor)
    if not moved:
        return []
    tell(tx, now_s, entropy, about.id, "released")
    return [intents.want(tx, now_s, about.id, "release")]


def overdue(tx: Tx, now_s: int) -> list[int]:
    """Reservations that nobody finished in time."""
    return [each.id for each in reservations.overdue(tx, now_s) if _is_over(tx, now_s, each)]


def expire(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, reservation_id: int) -> list[int]:
    """Let it go if it still is overdue."""
    lock(tx, reservations.get(tx, reservation_id).appointment_id)
    about = reservations.get(tx, reservation_id, lock=True)
    if not about.live or about.hold_until_s is None or about.hold_until_s > now_s or not _is_over(tx, now_s, about):
        return []
    asks = let_go(tx, now_s, entropy, about, "expired")
    return asks + follow(tx, now_s, entropy, rules, about.appointment_id)


def _is_over(tx: Tx, now_s: int, about: Reservation) -> bool:
    """What is being confirmed, or paid right now, waits for its word."""
    if intents.wanted(tx, about.appointment_id)[about.id] == "confirm":
        return False
    own = [each for each in payments.of_appointment(tx, about.appointment_id) if each.reservation_id == about.id]
    return not any(each.running for each in own) or now_s >= (about.hold_until_s or 0) + PATIENCE_S


def tell(tx: Tx, now_s: int, entropy: Entropy, reservation_id: int, kind: str) -> None:
    """Announce what has become of a reservation."""
    about = reservations.get(tx, reservation_id)
    facts = {
        "backend": about.backend,
        "resource": about.resource,
        "start": events.moment(about.from_s, about.zone),
        "end": events.moment(about.until_s, about.zone),
        "price_cents": about.price_cents,
        "state": about.state,
        "ref": about.external_ref,
        "error": about.error,
    }
    events.emit(tx, now_s, entropy, about.appointment_id, events.RESERVATION + kind, {"reservation": facts})


# -- money -----------------------------------------------------------------------------------------------------


def heard(
    tx: Tx, now_s: int, entropy: Entropy, rules: Rules, payment_id: int, status: Status
) -> tuple[bool, list[int]]:
    """A status that was fetched: whether it was news, and the reservations to ask about."""
    about = payments.get(tx, payment_id)
    lock(tx, about.appointment_id)
    change = payments.apply(tx, now_s, entropy, payment_id, status)
    case = about.appointment_id
    for reason, happened in (
        ("amount_mismatch", change.mismatch),
        ("late_paid", change.late),
        ("charged_back", change.charged_back),
        ("refund_elsewhere", bool(change.heard.elsewhere)),
    ):
        if happened:
            reasons.ask(tx, now_s, "payment", payment_id, reason, case)
    if change.heard.failed:
        reasons.ask(tx, now_s, "payment", payment_id, "refund_failed", case, again=True)
    if change.payment.error == "":
        unclear = tasks.of("payment", [payment_id], ["payment_unclear"])
        tasks.settle(tx, now_s, unclear, _("De betaaldienst antwoordde weer."))
    asks = follow(tx, now_s, entropy, rules, case)
    of_refunds = change.heard.done or change.heard.failed or change.heard.elsewhere
    return bool(change.moved or change.mismatch or of_refunds), asks


def approve(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, refund_id: int, staff_id: int) -> bool:
    """Somebody wants money to go back.  False: a colleague decided first.

    TaskError nothing_left: it went back another way; second_person: it is not his to decide.
    """
    found = refunds.get(tx, refund_id)
    about = payments.get(tx, found.payment_id)
    lock(tx, about.appointment_id)
    approval.check(tx, found, about, staff_id, rules.alone_cents)
    if not refunds.fits(tx, refund_id):
        raise tasks.TaskError("nothing_left")
    if not refunds.approve(tx, now_s, entropy, refund_id, staff_id):
        return False
    _decided(tx, now_s, about, refund_id, staff_id, "refund_approved", _("De terugbetaling is goedgekeurd."))
    return True


def reject(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, refund_id: int, staff_id: int, outcome: str) -> bool:
    """Nothing goes back, and that is why.  False: a colleague decided first.

    TaskError outcome_missing, outcome_long: without a why; second_person: it is not his to decide.
    """
    words = tasks.check_outcome(outcome)
    found = refunds.get(tx, refund_id)
    about = payments.get(tx, found.payment_id)
    lock(tx, about.appointment_id)
    approval.check(tx, found, about, staff_id, rules.alone_cents)
    if not refunds.reject(tx, now_s, refund_id, staff_id):
        return False
    _decided(tx, now_s, about, refund_id, staff_id, "refund_rejected", words)
    follow(tx, now_s, entropy, rules, about.appointment_id)
    return True


def _decided(tx: Tx, now_s: int, about: Payment, refund_id: int, staff_id: int, action: str, words: str) -> None:
    reason = refunds.get(tx, refund_id).reason
    which, kept = tasks.of("payment", [about.id], (reason, "refund_failed")), action == "refund_rejected"
    tasks.settle(tx, now_s, which, words, how="kept" if kept else "refunded", staff_id=staff_id, skipped=kept)
    ref = tx.scalar(select(appointment.c.ref).where(appointment.c.id == about.appointment_id))
    facts = {"refund": refund_id, "payment": about.id, "reason": reason}
    audit.note(tx, now_s, f"staff:{staff_id}", action, events.subject(ref or ""), **facts)
