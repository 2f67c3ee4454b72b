"""Why a formal act waits for a person: reasons of its tasks (balie.record.tasks), by their kind."""

from __future__ import annotations

from balie.record import tasks
from balie.store.engine import Tx

PAYMENT = (
    "slot_lost",  # it was paid, and cannot be confirmed any more
    "paid_twice",
    "late_paid",  # money came after the payment had ended
    "amount_mismatch",  # the provider knows another amount
    "payment_unclear",  # the provider says nothing of use
    "charged_back",  # the payer's bank took it back
    "refund_elsewhere",  # somebody gave money back at the provider, not here
    "refund_failed",
    "cancelled",  # the appointment was cancelled, and there was money
)
RESERVATION = (
    "slot_lost",  # it was free, and is gone
    "confirm_waits",  # the reservation system does not answer, and somebody waits for its word
)


def ask(
    tx: Tx, now_s: int, kind: str, object_id: int, reason: str, appointment_id: int, *, again: bool = False
) -> None:
    """As tasks.ask(), of these only: the desk has words for each."""
    assert reason in {"payment": PAYMENT, "reservation": RESERVATION}[kind], reason
    tasks.ask(tx, now_s, kind, object_id, reason, appointment_id, again=again)
