"""Formal acts as rows, for tests of what follows from them: what other parts write, put there without them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, insert, update

from balie.booking import reading
from balie.store.engine import Tx
from balie.store.schema import document, identification, payment, product, reservation
from tests.support.office import unix_s

COURT = "Sporthal De Pluim, terrein 2"
FROM_S, UNTIL_S = unix_s("2026-12-10T14:00"), unix_s("2026-12-10T15:00")
CENTS = 900


def put(tx: Tx, /, table: Table, **values: Any) -> int:
    key = tx.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def change(tx: Tx, /, table: Table, key: int, **values: Any) -> None:
    tx.execute(update(table).where(table.c.id == key).values(**values))


def offer(tx: Tx, /, product_id: int, **values: Any) -> None:
    """A product of which something can be reserved, by who proved his name."""
    usual = {"reservation_backend": "sporthal", "reservation_kind": "badminton", "identification": "oidc"}
    change(tx, product, product_id, **{**usual, **values})


def reserved(tx: Tx, /, now_s: int, appointment_id: int, product_id: int, state: str = "held", **more: Any) -> int:
    row = {
        "appointment_id": appointment_id,
        "product_id": product_id,
        "backend": "sporthal",
        "resource": "2",
        "resource_name": COURT,
        "from_s": FROM_S,
        "until_s": UNTIL_S,
        "price_cents": CENTS,
        "state": state,
        "hold_until_s": now_s + 900 if state == "held" else None,
        "idempotency_key": f"r-{appointment_id}-{product_id}-{now_s}",
        "created_s": now_s,
        "changed_s": now_s,
    }
    return put(tx, reservation, **{**row, **more})


def paid(tx: Tx, /, now_s: int, appointment_id: int, product_id: int, state: str = "paid", **more: Any) -> int:
    row = {
        "appointment_id": appointment_id,
        "participant_id": _citizen(tx, appointment_id),
        "product_id": product_id,
        "provider": "demo",
        "external_id": f"tr_{appointment_id}_{now_s}",
        "checkout_url": f"https://pay.example/tr_{appointment_id}_{now_s}",
        "idempotency_key": f"p-{appointment_id}-{now_s}",
        "ogm": f"{appointment_id:04}{now_s % 10**8:08}",
        "amount_cents": CENTS,
        "state": state,
        "paid_s": now_s if state == "paid" else None,
        "created_s": now_s,
        "changed_s": now_s,
    }
    return put(tx, payment, **{**row, **more})


def proved(tx: Tx, /, now_s: int, appointment_id: int, state: str = "verified", **more: Any) -> int:
    row = {
        "appointment_id": appointment_id,
        "participant_id": _citizen(tx, appointment_id),
        "provider": "acm",
        "required_acr": "hoog",
        "state": state,
        "acr": "urn:be:vlaanderen:authmech:itsme" if state == "verified" else "",
        "name": "An Peeters" if state == "verified" else "",
        "matches": True if state == "verified" else None,
        "created_s": now_s,
        "expires_s": now_s + 900,
        "done_s": now_s if state == "verified" else None,
    }
    return put(tx, identification, **{**row, **more})


def sent(tx: Tx, /, now_s: int, appointment_id: int, step_id: int, state: str = "available", **more: Any) -> int:
    row = {
        "appointment_id": appointment_id,
        "participant_id": _citizen(tx, appointment_id),
        "guide_step_id": step_id,
        "direction": "in",
        "name": "attest.pdf",
        "mime": "application/pdf",
        "file": f"d-{appointment_id}-{step_id}-{now_s}",
        "state": state,
        "created_s": now_s,
        "changed_s": now_s,
        "delete_s": now_s + 10**6,
    }
    return put(tx, document, **{**row, **more})


def _citizen(tx: Tx, appointment_id: int) -> int:
    found = reading.by_id(tx, appointment_id).citizen
    assert found is not None
    return found.id
