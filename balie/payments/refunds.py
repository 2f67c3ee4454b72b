"""Money that goes back.  A program proposes it; a person approves or rejects it, once.

proposed → requested → pending → done; proposed → rejected; failed may be approved once more, under a new key.  Like
payments, refunds change by what was fetched, except that a person's word makes requested of proposed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from balie.booking.errors import NotFound
from balie.payments.provider import RefundStatus
from balie.store.engine import Tx
from balie.store.schema import payment, refund

Entropy = Callable[[int], bytes]

KEY_BYTES = 20
LEASE_S = 30
SOONEST_S, LATEST_S = 10, 3600
ELSEWHERE = "elsewhere"
"""refund.reason of one that somebody made at the provider, not here."""
ACTIVE = ("proposed", "requested", "pending", "done")
"""Their money is not the citizen's and not ours to give back once more."""
FIRST_DUE_S = select(func.min(refund.c.again_s)).where(refund.c.again_s.is_not(None)).scalar_subquery()


@dataclass(frozen=True)
class Refund:
    id: int
    payment_id: int
    amount_cents: int
    reason: str
    state: str
    external_id: str | None
    key: str
    staff_id: int | None
    error: str
    created_s: int
    changed_s: int


@dataclass(frozen=True)
class Heard:
    """Refunds that became something by one status; elsewhere: made by somebody at the provider."""

    done: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    elsewhere: tuple[int, ...] = ()


def get(tx: Tx, refund_id: int, *, lock: bool = False) -> Refund:
    """NotFound.  lock: for who is about to change it."""
    query = select(refund).where(refund.c.id == refund_id)
    row = tx.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("refund")
    return _read(row)


def of_payments(tx: Tx, payment_ids: Collection[int]) -> list[Refund]:
    """Oldest first."""
    query = select(refund).where(refund.c.payment_id.in_(list(payment_ids))).order_by(refund.c.id)
    return [_read(row) for row in tx.execute(query)]


def propose(tx: Tx, now_s: int, entropy: Entropy, payment_id: int, reason: str) -> int | None:
    """All of a payment that is still ours goes back, if somebody says so.  None: it was proposed for this before, or
    nothing is left.
    """
    about = tx.execute(select(payment).where(payment.c.id == payment_id).with_for_update()).one()
    known = tx.scalar(select(refund.c.id).where(refund.c.payment_id == payment_id, refund.c.reason == reason))
    left = about.amount_cents - _active_cents(tx, payment_id)
    if known is not None or left <= 0:
        return None
    return _add(tx, now_s, entropy, payment_id, amount_cents=left, reason=reason, state="proposed")


def approve(tx: Tx, now_s: int, entropy: Entropy, refund_id: int, staff_id: int) -> bool:
    """Somebody wants it to go back.  False: a colleague decided first.

    What failed is tried under a new key: the provider said no to the old one, and would say so again.
    """
    which = (refund.c.id == refund_id) & refund.c.state.in_(("proposed", "failed"))
    values = {"state": "requested", "staff_id": staff_id, "error": "", "idempotency_key": _key(entropy)}
    values |= {"external_id": None, "changed_s": now_s, "again_s": now_s + LEASE_S}
    return bool(tx.execute(update(refund).where(which).values(**values)).rowcount)


def fits(tx: Tx, refund_id: int) -> bool:
    """Whether so much is still ours to give back: not when other refunds, or the payer's bank, took it meanwhile."""
    found = get(tx, refund_id)
    about = tx.execute(select(payment).where(payment.c.id == found.payment_id).with_for_update()).one()
    left = about.amount_cents - _active_cents(tx, about.id, but=refund_id)
    return bool(about.state != "charged_back" and found.amount_cents <= left)


def _active_cents(tx: Tx, payment_id: int, but: int = 0) -> int:
    active = (refund.c.payment_id == payment_id) & refund.c.state.in_(ACTIVE) & (refund.c.id != but)
    return tx.scalar(select(func.sum(refund.c.amount_cents)).where(active)) or 0


def reject(tx: Tx, now_s: int, refund_id: int, staff_id: int) -> bool:
    """Nothing goes back.  False: a colleague decided first."""
    which = (refund.c.id == refund_id) & refund.c.state.in_(("proposed", "failed"))
    values = {"state": "rejected", "staff_id": staff_id, "changed_s": now_s, "again_s": None}
    return bool(tx.execute(update(refund).where(which).values(**values)).rowcount)


def asked(tx: Tx, now_s: int, refund_id: int, status: RefundStatus) -> bool:
    """The provider took it on, or will not.  Whether money went back a fetched status says later."""
    which = (refund.c.id == refund_id) & (refund.c.state == "requested")
    values = {"external_id": status.external_id, "changed_s": now_s, "again_s": None}
    values |= {"state": "failed", "error": "provider_refused"} if status.state == "failed" else {"state": "pending"}
    return bool(tx.execute(update(refund).where(which).values(**values)).rowcount)


def refused(tx: Tx, now_s: int, refund_id: int, error: str) -> bool:
    """It cannot be: a person has to find another way."""
    which = (refund.c.id == refund_id) & (refund.c.state == "requested")
    values = {"state": "failed", "error": error, "changed_s": now_s, "again_s": None}
    return bool(tx.execute(update(refund).where(which).values(**values)).rowcount)


def unheard(tx: Tx, now_s: int, refund_id: int, error: str) -> Refund:
    """The provider did not say anything of use; it is asked again, with the same key."""
    found = get(tx, refund_id, lock=True)
    if found.state == "requested":
        pause_s = min(max((now_s - found.changed_s) // 4, SOONEST_S), LATEST_S)
        values = {"error": error, "again_s": now_s + pause_s}
        tx.execute(update(refund).where(refund.c.id == refund_id).values(**values))
    return get(tx, refund_id)


def due(tx: Tx, now_s: int, limit: int = 20) -> list[Refund]:
    """Those to ask for now.  They are taken: nobody else asks for them while the call may last."""
    query = select(refund).where(refund.c.again_s <= now_s).order_by(refund.c.again_s).limit(limit)
    taken = []
    for row in tx.execute(query.with_for_update(skip_locked=True)).all():
        tx.execute(update(refund).where(refund.c.id == row.id).values(again_s=now_s + LEASE_S))
        taken.append(_read(row))
    return taken


def under_way(tx: Tx, payment_id: int) -> bool:
    """Whether a status of this payment will have news of a refund."""
    which = (refund.c.payment_id == payment_id) & refund.c.state.in_(("requested", "pending"))
    return tx.scalar(select(refund.c.id).where(which).limit(1)) is not None


def hear(tx: Tx, now_s: int, payment_id: int, found: Collection[RefundStatus]) -> Heard:
    """What a fetched status says of refunds; the payment's row is locked by who calls this."""
    done: list[int] = []
    failed: list[int] = []
    elsewhere: list[int] = []
    for status in found:
        row = _row_of(tx, now_s, payment_id, status)
        if row is None:
            if status.state == "failed":
                continue  # somebody tried at the provider, and nothing came of it
            row = _adopt(tx, now_s, payment_id, status)
            elsewhere.append(row.id)
        # A bank may send money back that had arrived: then a refund that was done has failed after all.
        under_way = row.state in ("requested", "pending")
        if (under_way and status.state != "pending") or (row.state == "done" and status.state == "failed"):
            error = "provider_refused" if status.state == "failed" else ""
            values = {"state": status.state, "error": error, "changed_s": now_s, "again_s": None}
            tx.execute(update(refund).where(refund.c.id == row.id).values(**values))
            (done if status.state == "done" else failed).append(row.id)
    return Heard(tuple(done), tuple(failed), tuple(elsewhere))


def _row_of(tx: Tx, now_s: int, payment_id: int, status: RefundStatus) -> Refund | None:
    """The row that a refund at the provider is, also when the answer to our request was lost."""
    ours = select(refund).where(refund.c.payment_id == payment_id)
    row = tx.execute(ours.where(refund.c.external_id == status.external_id)).first()
    if row is not None:
        return _read(row)
    if status.state == "failed":
        return None  # of an earlier try
    lost = (refund.c.state == "requested") & refund.c.external_id.is_(None)
    row = tx.execute(ours.where(lost, refund.c.amount_cents == status.amount_cents).limit(1)).first()
    if row is None:
        return None
    values = {"external_id": status.external_id, "state": "pending", "changed_s": now_s, "again_s": None}
    tx.execute(update(refund).where(refund.c.id == row.id).values(**values))
    return get(tx, row.id)


def _adopt(tx: Tx, now_s: int, payment_id: int, status: RefundStatus) -> Refund:
    """Made at the provider.  Its key is its number there: the same one is adopted once."""
    values: dict[str, Any] = {"amount_cents": status.amount_cents, "reason": ELSEWHERE, "state": "pending"}
    key = f"elsewhere-{payment_id}-{status.external_id}"[:64]
    added = _insert(tx, now_s, payment_id, key, external_id=status.external_id, **values)
    return get(tx, added)


def _add(tx: Tx, now_s: int, entropy: Entropy, payment_id: int, **values: object) -> int:
    return _insert(tx, now_s, payment_id, _key(entropy), **values)


def _insert(tx: Tx, now_s: int, payment_id: int, key: str, **values: object) -> int:
    row = {"payment_id": payment_id, "idempotency_key": key, "created_s": now_s, "changed_s": now_s, **values}
    made = tx.execute(insert(refund).values(**row)).inserted_primary_key
    assert made is not None
    return int(made[0])


def _key(entropy: Entropy) -> str:
    return base64.urlsafe_b64encode(entropy(KEY_BYTES)).decode().rstrip("=")


def _read(row: Row[Any]) -> Refund:
    names = [name for name in Refund.__dataclass_fields__ if name != "key"]
    return Refund(key=row.idempotency_key, **{name: row._mapping[name] for name in names})
