"""What we know of payments: rows and their states.

created → open → pending → paid → refunded_part, refunded, charged_back; canceled, expired and failed end it without
money, and yet `paid` may follow them.  After its creation a payment changes by apply() alone: by a status that was
fetched from the provider, under a lock on its row.  An answer that comes late, twice or out of order changes nothing:
money that was seen is never unseen.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from balie.booking.errors import NotFound
from balie.payments import ogm, refunds
from balie.payments.provider import Created, Status
from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import appointment, payment

Entropy = Callable[[int], bytes]

KEY_BYTES = 20
LEASE_S = 30  # for a call to the provider: who does not come back from it has died, and the worker goes on
SOONEST_S, LATEST_S = 5, 6 * 3600
"""How often an open payment is asked for: after a quarter of its age, within these."""
DAY_S = 86_400
REVERSIBLE_S = 180 * DAY_S  # so long a payer's bank may take money back
HEARS_S = 30 * DAY_S  # so long an open payment may still become something: a bank transfer takes days
ENDED_S = 2 * DAY_S  # so long after it ended a payment may still turn out to be paid
OGM_TRIES = 20

UNPAID = ("created", "open", "pending")
ENDED = ("canceled", "expired", "failed")
MONEY = ("paid", "refunded_part")
"""States in which the citizen's money is ours."""
MISMATCH = "amount_mismatch"
"""payment.error of one that was made for another amount than ours: a person looks at it, nothing else happens."""
FIRST_DUE_S = select(func.min(payment.c.ask_again_s)).where(payment.c.ask_again_s.is_not(None)).scalar_subquery()


@dataclass(frozen=True)
class Payment:
    """As balie.store.schema.payment has it, without the address to pay it at: that is the citizen's alone."""

    id: int
    appointment_id: int
    participant_id: int | None
    product_id: int
    reservation_id: int | None
    provider: str
    external_id: str | None
    key: str
    ogm: str
    amount_cents: int
    refunded_cents: int
    description: str
    method: str
    state: str
    error: str
    created_s: int
    changed_s: int
    expires_s: int | None
    paid_s: int | None

    @property
    def running(self) -> bool:
        """It may still be paid."""
        return self.state in UNPAID and self.error != MISMATCH

    @property
    def has_money(self) -> bool:
        return self.state in MONEY


@dataclass(frozen=True)
class Change:
    """What a fetched status changed.

    late         money came after the payment had ended
    mismatch     it is for another amount than ours
    charged_back the payer's bank took it back
    heard        what became of refunds
    """

    payment: Payment
    before: str
    late: bool = False
    mismatch: bool = False
    charged_back: bool = False
    heard: refunds.Heard = field(default_factory=refunds.Heard)

    @property
    def moved(self) -> bool:
        return self.payment.state != self.before


def get(tx: Tx, payment_id: int, *, lock: bool = False) -> Payment:
    """NotFound.  lock: for who is about to change it."""
    query = select(payment).where(payment.c.id == payment_id)
    row = tx.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("payment")
    return _read(row)


def of_appointment(tx: Tx, appointment_id: int) -> list[Payment]:
    """In the order in which they were begun."""
    query = select(payment).where(payment.c.appointment_id == appointment_id).order_by(payment.c.id)
    return [_read(row) for row in tx.execute(query)]


def by_external_id(tx: Tx, provider: str, external_id: str) -> Payment | None:
    row = tx.execute(
        select(payment).where(payment.c.provider == provider, payment.c.external_id == external_id)
    ).first()
    return _read(row) if row is not None else None


def checkout_url(tx: Tx, payment_id: int, participant_id: int) -> str:
    """Where this citizen pays; "" for everybody else, and when there is nothing to pay any more."""
    wanted = (payment.c.id == payment_id) & (payment.c.participant_id == participant_id)
    query = select(payment.c.checkout_url).where(wanted, payment.c.state.in_(UNPAID), payment.c.error == "")
    return tx.scalar(query) or ""


# -- a payment begins ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Purchase:
    """What is paid for, by whom."""

    appointment_id: int
    participant_id: int
    product_id: int
    reservation_id: int | None
    amount_cents: int
    vat_category: str
    vat_rate: int
    description: str


def begin(tx: Tx, now_s: int, entropy: Entropy, provider: str, wanted: Purchase) -> int:
    """Somebody is about to pay; returns its id.  The provider is asked for it afterwards, with the row's key."""
    row = {
        "appointment_id": wanted.appointment_id,
        "participant_id": wanted.participant_id,
        "product_id": wanted.product_id,
        "reservation_id": wanted.reservation_id,
        "provider": provider,
        "idempotency_key": base64.urlsafe_b64encode(entropy(KEY_BYTES)).decode().rstrip("="),
        "ogm": _unused_ogm(tx, entropy),
        "amount_cents": wanted.amount_cents,
        "vat_category": wanted.vat_category,
        "vat_rate": wanted.vat_rate,
        "description": wanted.description[:200],
        "created_s": now_s,
        "changed_s": now_s,
        "ask_again_s": now_s + LEASE_S,
    }
    made = tx.execute(insert(payment).values(**row)).inserted_primary_key
    assert made is not None
    _note(tx, now_s, "citizen", "payment_begun", get(tx, int(made[0])))
    return int(made[0])


def _unused_ogm(tx: Tx, entropy: Entropy) -> str:
    for _ in range(OGM_TRIES):
        found = ogm.random(entropy)
        if tx.scalar(select(payment.c.id).where(payment.c.ogm == found)) is None:
            return found
    raise ValueError("entropy repeats itself")


def opened(tx: Tx, now_s: int, payment_id: int, created: Created) -> bool:
    """The provider made it.  False: it said so before, or it gave out a number that another payment has."""
    found = get(tx, payment_id, lock=True)
    if found.state != "created":
        return False
    other = by_external_id(tx, found.provider, created.external_id)
    if other is not None:
        _set(tx, payment_id, error="provider_nonsense", ask_again_s=now_s + _pause_s(now_s - found.created_s))
        return False
    values = {"external_id": created.external_id, "checkout_url": created.checkout_url, "expires_s": created.expires_s}
    _set(tx, payment_id, **values, state="open", error="", changed_s=now_s, ask_again_s=now_s + SOONEST_S)
    return True


def refused(tx: Tx, now_s: int, entropy: Entropy, payment_id: int, error: str) -> bool:
    """The provider will not make it, or did not answer for too long: nobody can have paid it."""
    found = get(tx, payment_id, lock=True)
    if found.state != "created":
        return False
    _set(tx, payment_id, state="failed", error=error, changed_s=now_s, ask_again_s=None)
    _tell(tx, now_s, entropy, get(tx, payment_id))
    return True


# -- what the provider says ----------------------------------------------------------------------------------


def apply(tx: Tx, now_s: int, entropy: Entropy, payment_id: int, status: Status) -> Change:
    """A fetched status.  Applied twice it changes nothing."""
    found = get(tx, payment_id, lock=True)
    if status.amount_cents != found.amount_cents:
        fresh = found.error != MISMATCH
        _set(tx, payment_id, error=MISMATCH, asked_s=now_s, ask_again_s=None)
        if fresh:
            _note(tx, now_s, _actor(found), "payment_mismatch", found)
        return Change(get(tx, payment_id), found.state, mismatch=fresh)
    heard = refunds.hear(tx, now_s, payment_id, status.refunds)
    refunded = min(max(found.refunded_cents, status.refunded_cents), found.amount_cents)
    state = _next_state(found, status, refunded)
    values: dict[str, Any] = {"state": state, "refunded_cents": refunded, "asked_s": now_s, "error": ""}
    if status.method:
        values["method"] = status.method
    if status.expires_s is not None:
        values["expires_s"] = status.expires_s
    if state not in UNPAID + ENDED and found.paid_s is None:
        values["paid_s"] = status.paid_s or now_s
    if state not in UNPAID:
        values["checkout_url"] = ""
    if state != found.state or refunded != found.refunded_cents:
        values["changed_s"] = now_s
    _set(tx, payment_id, **values, ask_again_s=_ask_again_s(tx, now_s, found, state))
    now = get(tx, payment_id)
    if now.state != found.state or now.refunded_cents != found.refunded_cents:
        _tell(tx, now_s, entropy, now)
    late = found.state in ENDED and now.state not in UNPAID + ENDED
    charged_back = now.state == "charged_back" and found.state != "charged_back"
    return Change(now, found.state, late=late, charged_back=charged_back, heard=heard)


def _next_state(found: Payment, status: Status, refunded_cents: int) -> str:
    """What the payment is after this answer, which may be older than what we know."""
    had_money = found.state not in UNPAID + ENDED
    if status.state != "paid" and not had_money:
        # Of an ended payment nothing is open again: that is an old answer.
        return found.state if found.state in ENDED else status.state
    if found.state == "charged_back" or status.charged_back_cents:
        return "charged_back"
    if refunded_cents >= found.amount_cents:
        return "refunded"
    return "refunded_part" if refunded_cents else "paid"


def unheard(tx: Tx, now_s: int, payment_id: int, error: str) -> Payment:
    """The provider did not say anything of use; it is asked again."""
    found = get(tx, payment_id, lock=True)
    kept = found.error if found.error == MISMATCH else error
    _set(tx, payment_id, error=kept, ask_again_s=now_s + _pause_s(now_s - found.changed_s))
    return get(tx, payment_id)


def is_due(tx: Tx, now_s: int, payment_id: int) -> bool:
    """Whether the worker asks for it now: who says so once more makes us write nothing, and he may be anybody."""
    which = (payment.c.id == payment_id) & (payment.c.ask_again_s <= now_s)
    return tx.scalar(select(payment.c.id).where(which)) is not None


def ask_now(tx: Tx, now_s: int, payment_id: int) -> None:
    """Somebody says that there is news; the worker asks."""
    _set(tx, payment_id, ask_again_s=now_s)


def due(tx: Tx, now_s: int, limit: int = 20) -> list[Payment]:
    """Those to ask for now.  They are taken: nobody else asks for them while the call may last."""
    query = select(payment).where(payment.c.ask_again_s <= now_s).order_by(payment.c.ask_again_s).limit(limit)
    taken = []
    for row in tx.execute(query.with_for_update(skip_locked=True)).all():
        _set(tx, row.id, ask_again_s=now_s + LEASE_S)
        taken.append(_read(row))
    return taken


def _ask_again_s(tx: Tx, now_s: int, found: Payment, state: str) -> int | None:
    age_s = now_s - found.created_s
    if state in UNPAID:
        return now_s + _pause_s(age_s) if age_s < HEARS_S else None
    if state in ENDED:
        return now_s + max(3600, age_s // 2) if age_s < ENDED_S else None
    if refunds.under_way(tx, found.id):
        return now_s + _pause_s(now_s - found.changed_s)
    # What others give back, or banks take back, the webhook tells; and if it is lost, somebody looks now and then.
    return now_s + min(max(age_s // 2, DAY_S), 14 * DAY_S) if age_s < REVERSIBLE_S else None


def _pause_s(age_s: int) -> int:
    return min(max(age_s // 4, SOONEST_S), LATEST_S)


# -- rows --------------------------------------------------------------------------------------------------------


def _set(tx: Tx, payment_id: int, **values: object) -> None:
    tx.execute(update(payment).where(payment.c.id == payment_id).values(**values))


_EVENTS = {
    "paid": "paid",
    "refunded_part": "refunded",
    "refunded": "refunded",
    **dict.fromkeys((*ENDED, "charged_back"), "failed"),
}


def _tell(tx: Tx, now_s: int, entropy: Entropy, now: Payment) -> None:
    _note(tx, now_s, _actor(now), f"payment_{now.state}", now)
    kind = _EVENTS.get(now.state)
    if kind is None:
        return
    about = {
        "ogm": now.ogm,
        "amount_cents": now.amount_cents,
        "refunded_cents": now.refunded_cents,
        "state": now.state,
        "method": now.method,
    }
    events.emit(tx, now_s, entropy, now.appointment_id, events.PAYMENT + kind, {"payment": about})


def _actor(found: Payment) -> str:
    return f"provider:{found.provider}"[:64]


def _note(tx: Tx, now_s: int, actor: str, action: str, about: Payment) -> None:
    ref = tx.scalar(select(appointment.c.ref).where(appointment.c.id == about.appointment_id))
    facts = {"payment": about.id, "amount_cents": about.amount_cents}
    audit.note(tx, now_s, actor, action, events.subject(ref or ""), **facts)


def _read(row: Row[Any]) -> Payment:
    names = [name for name in Payment.__dataclass_fields__ if name != "key"]
    return Payment(key=row.idempotency_key, **{name: row._mapping[name] for name in names})
