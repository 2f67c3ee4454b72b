"""What is on the agenda of a visit, which steps staff opened, and what the citizen did of them.

How a step stands follows from the acts that answer it: a court that is held, money that was paid, a name that was
proved.  They are not copied into the step, so the two cannot say different things.  One statement reads it all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Integer, Row, Select, String, bindparam, cast, func, literal, null, select, union_all

from balie.store.engine import Tx
from balie.store.schema import (
    agenda_question,
    appointment_product,
    document,
    guide_step,
    identification,
    payment,
    product,
    reservation,
    staff,
)

T = TypeVar("T")

OVER = ("done", "skipped")
"""States of a step that ask nothing of the citizen any more."""
PAID = ("paid", "refunded_part", "refunded", "charged_back")
"""States of a payment that was made, whatever became of it later."""


@dataclass(frozen=True)
class Item:
    """A product of the appointment.  names: by language; backend and price_cents: what can be done of it here."""

    id: int
    slug: str
    names: dict[str, str]
    backend: str
    identification: str
    price_cents: int
    done_s: int | None


@dataclass(frozen=True)
class Question:
    """Something else to be talked about.  by: citizen, or staff:<id>."""

    id: int
    text: str
    by: str
    done_s: int | None


@dataclass(frozen=True)
class Kept:
    """A reservation, without what is only between the systems."""

    id: int
    product_id: int
    name: str
    from_s: int
    until_s: int
    price_cents: int
    state: str
    hold_until_s: int | None
    error: str
    created_s: int


@dataclass(frozen=True)
class Paid:
    """A payment, without its addresses and numbers at the provider."""

    id: int
    product_id: int
    reservation_id: int | None
    amount_cents: int
    refunded_cents: int
    state: str
    paid_s: int | None
    created_s: int


@dataclass(frozen=True)
class Proof:
    """Somebody proves who he is.  matches: whether it is the name that was booked; none while nobody knows."""

    id: int
    state: str
    name: str
    acr: str
    required_acr: str
    matches: bool | None
    error: str
    created_s: int


@dataclass(frozen=True)
class Paper:
    """A document.  direction: in is from the citizen; step_id: the step that asked for it."""

    id: int
    step_id: int | None
    direction: str
    name: str
    state: str
    reason: str


@dataclass(frozen=True)
class Step:
    """Something that staff asked the citizen to do.

    state       open, doing, done, skipped (withdrawn) or failed, by its acts
    choice      what the citizen chose so far: day, from_s, until_s, name
    pointed_at  the field that staff points at, "" for none; pointer: who does
    kept, paid, proof, papers  what answers it
    """

    id: int
    kind: str
    product_id: int | None
    text: str
    state: str
    choice: dict[str, Any]
    pointed_at: str
    pointer: str
    opened_s: int
    since_s: int
    done_s: int | None
    kept: Kept | None = None
    paid: Paid | None = None
    proof: Proof | None = None
    papers: tuple[Paper, ...] = ()

    @property
    def active(self) -> bool:
        return self.state not in OVER


@dataclass(frozen=True)
class Guided:
    """Everything, each in its order."""

    items: tuple[Item, ...] = ()
    questions: tuple[Question, ...] = ()
    steps: tuple[Step, ...] = ()
    kept: tuple[Kept, ...] = ()
    paid: tuple[Paid, ...] = ()
    proofs: tuple[Proof, ...] = ()
    papers: tuple[Paper, ...] = ()

    @property
    def proof(self) -> Proof | None:
        """Who the citizen proved to be."""
        return next((each for each in reversed(self.proofs) if each.state == "verified"), None)

    def unpaid(self, product_id: int | None = None) -> list[Kept]:
        """What is held for the citizen, costs something, and was not paid.  product_id: of one product only."""
        settled = {each.reservation_id for each in self.paid if each.state in PAID}
        return [
            each
            for each in self.kept
            if each.state == "held"
            and each.price_cents
            and each.id not in settled
            and product_id in (None, each.product_id)
        ]

    def owed_of(self, product_id: int) -> int:
        """Cents of a product that costs something by itself and was not paid; 0 for nothing."""
        settled = {each.product_id for each in self.paid if each.reservation_id is None and each.state in PAID}
        price = next((each.price_cents for each in self.items if each.id == product_id and not each.backend), 0)
        return 0 if product_id in settled else price


def read(tx: Tx, appointment_id: int) -> Guided:
    """All of an appointment: one statement."""
    rows: dict[str, list[Row[Any]]] = {}
    for row in tx.execute(_ALL, {"appointment_id": appointment_id}):
        rows.setdefault(row.source, []).append(row)

    def of(source: str) -> list[Row[Any]]:
        return sorted(rows.get(source, ()), key=lambda row: (row.place, row.id))

    found = Guided(
        items=tuple(_item(row) for row in of("product")),
        questions=tuple(Question(row.id, row.words, row.kind, row.c_s) for row in of("question")),
        kept=tuple(_kept(row) for row in of("reservation")),
        paid=tuple(_paid(row) for row in of("payment")),
        proofs=tuple(_proof(row) for row in of("identification")),
        papers=tuple(_paper(row) for row in of("document")),
    )
    return replace(found, steps=tuple(_answered(_step(row), found) for row in of("step")))


# -- how a step stands ------------------------------------------------------------------------------------------

_KEPT = {"selected": "doing", "held": "done", "confirmed": "done", "expired": "failed", "conflict": "failed"}
_PAYING = {"created": "doing", "open": "doing", "pending": "doing", "canceled": "failed", "expired": "failed"}
_PROVING = {"started": "doing", "verified": "done", "failed": "failed", "aborted": "failed", "expired": "failed"}
_PAPERS = {"uploading": "doing", "scanning": "doing", "available": "done", "rejected": "failed"}


def _answered(step: Step, found: Guided) -> Step:
    """With the act that answers it, and the state that follows."""
    if step.state == "skipped":
        return replace(step, pointed_at="", pointer="")
    match step.kind:
        case "reserve":
            kept = _last(each for each in found.kept if _answers(step, each))
            step = replace(step, kept=kept, state=_KEPT.get(kept.state, step.state) if kept else step.state)
        case "pay":
            paid = _last(each for each in found.paid if _answers(step, each))
            state = "done" if paid and paid.state in PAID else _PAYING.get(paid.state, "failed") if paid else step.state
            step = replace(step, paid=paid, state=state)
        case "identify":
            proofs = [each for each in found.proofs if each.created_s >= step.since_s]
            proof = _last(each for each in proofs if each.state == "verified") or _last(proofs)
            step = replace(step, proof=proof, state=_PROVING.get(proof.state, step.state) if proof else step.state)
        case "document":
            papers = tuple(each for each in found.papers if each.step_id == step.id and each.state != "deleted")
            states = {_PAPERS[each.state] for each in papers}
            state = next((each for each in ("done", "doing", "failed") if each in states), step.state)
            step = replace(step, papers=papers, state=state)
    return step if step.active else replace(step, pointed_at="", pointer="")


def _answers(step: Step, act: Kept | Paid) -> bool:
    return act.created_s >= step.since_s and step.product_id in (None, act.product_id)


def _last(found: Iterable[T]) -> T | None:
    return next(reversed(list(found)), None)


# -- rows -------------------------------------------------------------------------------------------------------


def _row(source: str, table: Any, **columns: Any) -> Select[Any]:
    """One kind of row, in the columns that all kinds have in common."""
    texts, numbers = ("kind", "state", "words", "more", "detail", "name"), ("product_id", "other_id", "n", "made_s")
    times = ("a_s", "b_s", "c_s")
    chosen = [literal(source, String).label("source"), columns.pop("id", table.c.get("id")).label("id")]
    chosen.append(cast(columns.pop("place", literal(0)), Integer).label("place"))
    chosen += [cast(columns.pop(each, literal("")), String).label(each) for each in texts]
    chosen += [cast(columns.pop(each, null()), BigInteger).label(each) for each in (*numbers, *times)]
    assert not columns, columns
    return select(*chosen).where(table.c.appointment_id == bindparam("appointment_id"))


_ALL = union_all(
    _row(
        "product",
        appointment_product,
        id=product.c.id,
        place=appointment_product.c.position,
        kind=product.c.slug,
        words=product.c.names,
        more=product.c.reservation_backend,
        detail=product.c.identification,
        n=product.c.price_cents,
        c_s=appointment_product.c.done_s,
    ).join(product, product.c.id == appointment_product.c.product_id),
    _row(
        "question",
        agenda_question,
        place=agenda_question.c.position,
        kind=agenda_question.c.created_by,
        words=agenda_question.c.text,
        c_s=agenda_question.c.done_s,
    ),
    _row(
        "step",
        guide_step,
        place=guide_step.c.position,
        kind=guide_step.c.kind,
        state=guide_step.c.state,
        words=guide_step.c.text,
        more=guide_step.c.pointed_at,
        detail=guide_step.c.choice,
        name=func.coalesce(staff.c.name, ""),
        product_id=guide_step.c.product_id,
        made_s=guide_step.c.since_s,
        a_s=guide_step.c.opened_s,
        c_s=guide_step.c.done_s,
    ).outerjoin(staff, staff.c.id == guide_step.c.pointer_id),
    _row(
        "reservation",
        reservation,
        state=reservation.c.state,
        words=reservation.c.resource_name,
        more=reservation.c.error,
        product_id=reservation.c.product_id,
        n=reservation.c.price_cents,
        made_s=reservation.c.created_s,
        a_s=reservation.c.from_s,
        b_s=reservation.c.until_s,
        c_s=reservation.c.hold_until_s,
    ),
    _row(
        "payment",
        payment,
        state=payment.c.state,
        product_id=payment.c.product_id,
        other_id=payment.c.reservation_id,
        n=payment.c.amount_cents,
        made_s=payment.c.created_s,
        a_s=payment.c.refunded_cents,
        c_s=payment.c.paid_s,
    ),
    _row(
        "identification",
        identification,
        state=identification.c.state,
        words=identification.c.name,
        more=identification.c.error,
        detail=identification.c.acr,
        name=identification.c.required_acr,
        n=cast(identification.c.matches, Integer),
        made_s=identification.c.created_s,
    ),
    _row(
        "document",
        document,
        kind=document.c.direction,
        state=document.c.state,
        words=document.c.name,
        more=document.c.reason,
        other_id=document.c.guide_step_id,
    ),
)


def _item(row: Row[Any]) -> Item:
    return Item(row.id, row.kind, json.loads(row.words), row.more, row.detail, row.n, row.c_s)


def _kept(row: Row[Any]) -> Kept:
    return Kept(row.id, row.product_id, row.words, row.a_s, row.b_s, row.n, row.state, row.c_s, row.more, row.made_s)


def _paid(row: Row[Any]) -> Paid:
    return Paid(row.id, row.product_id, row.other_id, row.n, row.a_s, row.state, row.c_s, row.made_s)


def _proof(row: Row[Any]) -> Proof:
    matches = None if row.n is None else bool(row.n)
    return Proof(row.id, row.state, row.words, row.detail, row.name, matches, row.more, row.made_s)


def _paper(row: Row[Any]) -> Paper:
    return Paper(row.id, row.other_id, row.kind, row.words, row.state, row.more)


def _step(row: Row[Any]) -> Step:
    choice = json.loads(row.detail) if row.detail else {}
    return Step(
        row.id,
        row.kind,
        row.product_id,
        row.words,
        row.state,
        choice,
        row.more,
        row.name,
        row.a_s,
        row.made_s,
        row.c_s,
    )
