"""Guided steps: staff opens one, the citizen does it, and nobody does it for him.

Nothing here writes what a citizen chooses to have, who he is or what he pays: that is for balie.acts, at his own word.
How a step stands follows from those acts (balie.record.guided).
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from sqlalchemy import func, insert, select, update

from balie.booking.errors import NotFound, NotNow, Unfit
from balie.booking.people import check_text
from balie.identity import records as identity
from balie.record import audit, events, guided
from balie.record.guided import Guided, Item, Step
from balie.samen.agenda import standing
from balie.store.engine import Tx
from balie.store.schema import STEP_KINDS, guide_step

TEXT_MAX = 500
STEPS_MAX = 40
FIELDS = {
    "reserve": ("dag", "uur", "terrein", "reserveer"),
    "identify": ("identificeer",),
    "pay": ("bedrag", "betaal"),
    "document": ("document",),
    "read": ("tekst", "gelezen"),
}
"""Of the citizen's form of each kind of step: what staff can point at."""
NAME_MAX = 200


def open_step(
    tx: Tx, now_s: int, appointment_id: int, actor: str, kind: str, product_id: int | None = None, text: str = ""
) -> int:
    """Ask the citizen to do something; returns its id.

    product_id  which of the products it is about; none: the first one that it fits
    text        what staff says to it; what is to be read, for that kind

    NotFound; NotNow; Unfit kind, product or text.
    """
    about = standing(tx, appointment_id)
    if kind not in STEP_KINDS:
        raise Unfit("kind", "kind_unknown", f"a step is one of {', '.join(STEP_KINDS)}")
    written = check_text(text, "text", TEXT_MAX)
    if kind == "read" and not written:
        raise Unfit("text", "text_missing", "a step to read has something to read")
    now = guided.read(tx, appointment_id)
    if len(now.steps) >= STEPS_MAX:
        raise Unfit("kind", "guide_too_long", f"{STEPS_MAX} steps are enough for one visit")
    product = _fitting(now, kind, product_id)
    if any(each.active and each.kind == kind and each.product_id == product for each in now.steps if kind != "read"):
        raise Unfit("kind", "step_open_already", "this step waits for the citizen already")
    row = {"appointment_id": appointment_id, "product_id": product, "kind": kind, "text": written}
    # Who proved his name before the day need not do so again; a court or a payment is another one each time.
    since = {"since_s": 0 if kind == "identify" else now_s, "position": len(now.steps)}
    times = {"opened_by": actor, "opened_s": now_s, "changed_s": now_s}
    made = tx.execute(insert(guide_step).values(**row, **since, **times)).inserted_primary_key
    assert made is not None
    audit.note(tx, now_s, actor, "guide_step_opened", events.subject(about.ref), step=int(made[0]), kind=kind)
    return int(made[0])


def possible(now: Guided) -> list[tuple[str, int | None, bool]]:
    """What fits: kinds, with the product that each is about, and whether staff may open it: it is not open already."""
    found: list[tuple[str, int | None, bool]] = []
    for kind in STEP_KINDS:
        about = [each.id for each in now.items if _fits(now, kind, each)] if kind in _OF_PRODUCTS else [None]
        open_already = {each.product_id for each in now.steps if each.kind == kind and each.active}
        found += [(kind, each, kind == "read" or each not in open_already) for each in about]
    return found


def withdraw(tx: Tx, now_s: int, appointment_id: int, step_id: int, actor: str) -> None:
    """It need not be done.  NotFound, NotNow."""
    _change(tx, now_s, appointment_id, step_id, actor, "guide_step_withdrawn", state="skipped", done_s=None)


def redo(tx: Tx, now_s: int, appointment_id: int, step_id: int, actor: str) -> None:
    """Once more: what answered it before does not any longer.  Reservation and payment stay what they are.

    Of who the citizen is nothing counts any more that he showed before.
    NotFound; NotNow: the appointment is over, or something stands in the name that he showed (in_its_name).
    """
    again = {"state": "open", "choice": "", "done_s": None, "since_s": now_s}
    _change(tx, now_s, appointment_id, step_id, actor, "guide_step_again", **again)
    if find(tx, appointment_id, step_id).kind == "identify":
        identity.ask_again(tx, now_s, appointment_id)


def accept(tx: Tx, now_s: int, appointment_id: int, step_id: int, staff_id: int) -> None:
    """The name that the citizen showed differs from the one that was booked, and he is the one.

    NotFound; NotNow: there is no such name in this step any more.
    """
    about = standing(tx, appointment_id)
    step = find(tx, appointment_id, step_id)
    if not step.doubtful or step.proof is None or not identity.accept(tx, now_s, step.proof.id, staff_id):
        raise NotNow("not_accepted", step.state)
    _set(tx, now_s, step_id)
    audit.note(tx, now_s, f"staff:{staff_id}", "guide_step_accepted", events.subject(about.ref), step=step_id)


def point(tx: Tx, now_s: int, appointment_id: int, step_id: int, staff_id: int, field: str) -> None:
    """Staff points at a field of the citizen's form; "" at none any more.

    NotFound; NotNow: there is nothing to do in this step; Unfit field.
    """
    standing(tx, appointment_id)
    step = find(tx, appointment_id, step_id)
    if field and field not in FIELDS[step.kind]:
        raise Unfit("field", "field_unknown", f"fields of this step are {', '.join(FIELDS[step.kind])}")
    if field and not step.active:
        raise NotNow("not_pointed", step.state)
    _set(tx, now_s, step_id, pointed_at=field, pointer_id=staff_id if field else None)


# -- what the citizen does of it --------------------------------------------------------------------------------


def choose(tx: Tx, now_s: int, appointment_id: int, step_id: int, choice: dict[str, Any]) -> None:
    """What he chose so far of a reservation, so that staff can look along; nothing is reserved by it.

    choice  day: 2026-12-08; from_s, until_s; name: of the court.  What is missing is not chosen yet.

    NotFound; NotNow; Unfit choice.
    """
    standing(tx, appointment_id)
    step = find(tx, appointment_id, step_id)
    if step.kind != "reserve" or not step.active:
        raise NotNow("not_chosen", step.state)
    kept = _checked(choice)
    # Who did what was pointed at need not be shown it any longer.
    field = {1: "dag", 3: "uur"}.get(len(kept), "terrein")
    done = {"pointed_at": "", "pointer_id": None} if step.pointed_at == field else {}
    _set(tx, now_s, step_id, state="doing", choice=json.dumps(kept), **done)


def have_read(tx: Tx, now_s: int, appointment_id: int, step_id: int) -> None:
    """He says that he read it.  NotFound; NotNow: it is no such step, or withdrawn."""
    about = standing(tx, appointment_id)
    step = find(tx, appointment_id, step_id)
    if step.kind != "read" or not step.active:
        raise NotNow("not_read", step.state)
    _set(tx, now_s, step_id, state="done", done_s=now_s, pointed_at="", pointer_id=None)
    audit.note(tx, now_s, "citizen", "guide_step_read", events.subject(about.ref), step=step_id)


def find(tx: Tx, appointment_id: int, step_id: int) -> Step:
    """NotFound: none of this appointment."""
    found = next((each for each in guided.read(tx, appointment_id).steps if each.id == step_id), None)
    if found is None:
        raise NotFound("step")
    return found


_OF_PRODUCTS = ("reserve", "identify", "pay")


def _fits(now: Guided, kind: str, product: Item) -> bool:
    match kind:
        case "reserve":
            return bool(product.backend)
        case "identify":
            return product.identification == "oidc"
        case _:
            return bool(product.backend or now.owed_of(product.id))


def _fitting(now: Guided, kind: str, product_id: int | None) -> int | None:
    """The product that a step is about.  Unfit product."""
    if kind not in _OF_PRODUCTS:
        return None
    fitting = [each.id for each in now.items if _fits(now, kind, each)]
    if product_id is None and fitting:
        return fitting[0]
    if product_id not in fitting:
        raise Unfit("product", "product_unfit", f"no product of this appointment has something to {kind}")
    return product_id


def _checked(choice: dict[str, Any]) -> dict[str, Any]:
    """Only what a choice has, in its order; what follows something missing is missing too."""
    try:
        kept: dict[str, Any] = {"day": date.fromisoformat(str(choice.get("day", ""))).isoformat()}
    except ValueError:
        raise Unfit("choice", "day_invalid", "a day is written as 2026-12-08") from None
    times = (choice.get("from_s"), choice.get("until_s"))
    if all(isinstance(each, int) and 0 < each < 1 << 36 for each in times):
        kept |= {"from_s": times[0], "until_s": times[1]}
        if name := check_text(str(choice.get("name", "")), "name", NAME_MAX):
            kept["name"] = name
    return kept


def _change(tx: Tx, now_s: int, appointment_id: int, step_id: int, actor: str, action: str, **values: object) -> None:
    about = standing(tx, appointment_id)
    which = (guide_step.c.id == step_id) & (guide_step.c.appointment_id == appointment_id)
    if not tx.scalar(select(func.count()).where(which)):
        raise NotFound("step")
    _set(tx, now_s, step_id, pointed_at="", pointer_id=None, **values)
    audit.note(tx, now_s, actor, action, events.subject(about.ref), step=step_id)


def _set(tx: Tx, now_s: int, step_id: int, **values: object) -> None:
    tx.execute(update(guide_step).where(guide_step.c.id == step_id).values(changed_s=now_s, **values))
