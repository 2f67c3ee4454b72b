"""What is on the agenda of a visit, which steps staff opened, and what the citizen did of them.

How a step stands follows from the acts that answer it: a court that is held, money that was paid, a name that was
proved.  They are not copied into the step, so the two cannot say different things.  One statement reads it all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Row

from balie.record.guided_rows import ALL
from balie.store.engine import Tx

T = TypeVar("T")

OVER = ("done", "skipped")
"""States of a step that ask nothing of the citizen any more."""
PAID = ("paid", "refunded_part", "refunded", "charged_back")
"""States of a payment that was made, whatever became of it later."""


@dataclass(frozen=True)
class Item:
    """A product of the appointment.  names: by language; backend and price_cents: what can be done of it here.

    required_acr: how sure it has to be who the citizen is
    """

    id: int
    slug: str
    names: dict[str, str]
    backend: str
    identification: str
    price_cents: int
    done_s: int | None
    required_acr: str = ""


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
    """Somebody proves who he is.

    matches   whether it is the name that was booked; none while nobody knows
    looked_s  when staff found that it is right though it differs; looked_by: who did
    void      staff asked anew since: it says nothing any more
    """

    id: int
    state: str
    name: str
    acr: str
    required_acr: str
    matches: bool | None
    error: str
    created_s: int
    looked_by: str = ""
    looked_s: int | None = None
    void: bool = False

    @property
    def doubtful(self) -> bool:
        """Staff has to say whether he is the one."""
        return self.state == "verified" and self.matches is False and self.looked_s is None


@dataclass(frozen=True)
class Paper:
    """A document.  direction: in is from the citizen; step_id: the step that asked for it; size: in bytes."""

    id: int
    step_id: int | None
    direction: str
    name: str
    state: str
    reason: str
    size: int = 0


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

    @property
    def doubtful(self) -> bool:
        """The citizen did it, and staff has to look at it."""
        return self.proof is not None and self.state == "done" and self.proof.doubtful


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
        return _last(each for each in self.proofs if each.state == "verified" and not each.void)

    def unproved(self, product_id: int | None) -> bool:
        """Whether a product waits for who the citizen is: as balie.identity.records.needed() decides it."""
        asks = next((each for each in self.items if each.id == product_id and each.identification == "oidc"), None)
        if asks is None:
            return False
        proofs = [each for each in self.proofs if each.state == "verified" and not each.void]
        last = _last(each for each in proofs if _enough(each, asks.required_acr))
        return last is None or last.doubtful

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
    for row in tx.execute(ALL, {"appointment_id": appointment_id}):
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
            proofs = [each for each in found.proofs if each.created_s >= step.since_s and not each.void]
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


def _enough(proof: Proof, required_acr: str) -> bool:
    return required_acr in ("", proof.required_acr) or proof.acr in required_acr.split()


def _last(found: Iterable[T]) -> T | None:
    return next(reversed(list(found)), None)


# -- rows -------------------------------------------------------------------------------------------------------


def _item(row: Row[Any]) -> Item:
    return Item(row.id, row.kind, json.loads(row.words), row.more, row.detail, row.n, row.c_s, row.name)


def _kept(row: Row[Any]) -> Kept:
    return Kept(row.id, row.product_id, row.words, row.a_s, row.b_s, row.n, row.state, row.c_s, row.more, row.made_s)


def _paid(row: Row[Any]) -> Paid:
    return Paid(row.id, row.product_id, row.other_id, row.n, row.a_s, row.state, row.c_s, row.made_s)


def _proof(row: Row[Any]) -> Proof:
    matches = None if row.n is None else bool(row.n)
    looked = (row.kind, row.a_s, row.b_s is not None)
    return Proof(row.id, row.state, row.words, row.detail, row.name, matches, row.more, row.made_s, *looked)


def _paper(row: Row[Any]) -> Paper:
    return Paper(row.id, row.other_id, row.kind, row.words, row.state, row.more, row.n)


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
