"""What each of the three who look at the panel may know of it.

The citizen sees all of his own.  Who comes along sees what there is to do and how it stands, not who somebody is or
what he pays; what staff gives, where the citizen lets him have documents.  Staff sees how acts stand and the result of
an identification (name and level); what was typed on the way to it, and where one pays, is in no state at all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from balie.record import guided
from balie.record.guided import Guided, Kept, Paid, Paper, Proof, Step
from balie.store.engine import Tx

Reader = Literal["citizen", "third", "staff"]


def of(tx: Tx, appointment_id: int, reader: Reader, *, files: bool = False) -> Guided:
    """The panel of an appointment as one of them sees it: one statement.

    files  who comes along may have what staff gives
    """
    found = guided.read(tx, appointment_id)
    return found if reader != "third" else _for_third(found, files=files)


def _for_third(found: Guided, *, files: bool) -> Guided:
    return replace(
        found,
        items=tuple(replace(each, price_cents=0, required_acr="") for each in found.items),
        steps=tuple(_step(each) for each in found.steps),
        kept=tuple(_kept(each) for each in found.kept),
        paid=tuple(_paid(each) for each in found.paid),
        proofs=tuple(_proof(each) for each in found.proofs),
        papers=tuple(each if files and each.direction == "out" else _paper(each) for each in found.papers),
    )


def _step(step: Step) -> Step:
    return replace(
        step,
        kept=step.kept and _kept(step.kept),
        paid=step.paid and _paid(step.paid),
        proof=step.proof and _proof(step.proof),
        papers=tuple(_paper(each) for each in step.papers),
    )


def _kept(kept: Kept) -> Kept:
    return replace(kept, price_cents=0)


def _paid(paid: Paid) -> Paid:
    return replace(paid, amount_cents=0, refunded_cents=0)


def _proof(proof: Proof) -> Proof:
    return replace(proof, name="", acr="", required_acr="", matches=None, looked_by="", looked_s=None)


def _paper(paper: Paper) -> Paper:
    return replace(paper, name="", size=0)
