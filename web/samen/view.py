"""The panel for a template: items and steps with their words, the same for all who look, less what is not theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from balie.i18n import amount_words, ngettext, pick
from balie.i18n import gettext as _
from balie.record.guided import Guided, Item, Kept, Question, Step
from balie.samen import guide
from balie.samen.state import Reader
from web.samen import words
from web.samen.seat import Place


@dataclass(frozen=True)
class ItemView:
    """A line of the agenda.  key: product-3 or question-5; said: for who listens, when it changes."""

    key: str
    words: str
    done: bool
    said: str
    question: bool = False
    by_citizen: bool = False


@dataclass(frozen=True)
class StepView:
    """A step.

    current  the one that is to be done now
    about    the product, where there are several
    choice   what the citizen chose so far, in words
    pointed  in words, what staff points at; pointing: who does, for the mark at that field
    said     for who listens, when it changes
    """

    step: Step
    title: str
    about: str
    state: str
    current: bool
    details: tuple[str, ...]
    choice: str
    pointed: str
    pointing: str
    said: str
    pointed_said: str

    @property
    def key(self) -> str:
        return f"step-{self.step.id}"

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What staff can point at, with its words."""
        return [(name, words.fields()[name]) for name in guide.FIELDS[self.step.kind]]


def values(place: Place, found: Guided, reader: Reader) -> dict[str, Any]:
    """What every panel's template shows."""
    items = [_item(each) for each in found.items] + [_question(each) for each in found.questions]
    current = next((each.id for each in found.steps if each.active), None)
    steps = [_step(place, found, each, reader, each.id == current) for each in found.steps]
    done = sum(each.step.state == "done" for each in steps)
    return {
        "place": place,
        "host": place.host,
        "items": items,
        "steps": steps,
        "progress": _progress(done, sum(each.step.state != "skipped" for each in steps)),
        "reader": reader,
    }


def product_names(found: Guided) -> dict[int, str]:
    return {each.id: pick(each.names) for each in found.items}


def payable(found: Guided, step: Step) -> tuple[str, int, Kept | None]:
    """What a step to pay is for, in words, how many cents, and of which reservation; 0 for nothing to pay."""
    names = product_names(found)
    held = found.unpaid(step.product_id)
    if held:
        return held[-1].name, held[-1].price_cents, held[-1]
    key = step.product_id or 0
    return names.get(key, ""), found.owed_of(key), None


def _progress(done: int, count: int) -> str:
    if not count:
        return ""
    return ngettext("{done} van {n} stap klaar", "{done} van {n} stappen klaar", count).format(done=done, n=count)


def _item(item: Item) -> ItemView:
    name = pick(item.names)
    return ItemView(f"product-{item.id}", name, item.done_s is not None, _agenda_said(name, item.done_s is not None))


def _question(question: Question) -> ItemView:
    done, by_citizen = question.done_s is not None, question.by == "citizen"
    said = _agenda_said(question.text, done)
    return ItemView(f"question-{question.id}", question.text, done, said, question=True, by_citizen=by_citizen)


def _agenda_said(what: str, done: bool) -> str:
    template = _("Op de agenda, besproken: {what}.") if done else _("Op de agenda: {what}.")
    return template.format(what=what)


def _step(place: Place, found: Guided, step: Step, reader: Reader, current: bool) -> StepView:
    names = product_names(found)
    title, state = words.titles()[step.kind], words.states()[step.state]
    details = words.details(step, place.zone, reader)
    if step.kind == "pay" and step.paid is None and reader != "third" and step.active:
        what, cents, _kept = payable(found, step)
        details = [f"{what} · {amount_words(cents)}"] if cents else [_("Er is nog niets te betalen.")]
    chosen = words.choice_words(step, place.zone) if step.active and step.kept is None else ""
    pointed = words.fields().get(step.pointed_at, "")
    name = step.pointer.split()[0] if step.pointer else place.host
    facts = {"title": title, "state": state, "name": place.host}
    said = _("{name} vraagt u: {title}.") if step.state == "open" and reader == "citizen" else "{title}: {state}."
    if step.state == "doing" and reader == "citizen":
        said = ""  # he knows
    # What is being chosen changes with every press: who looks sees it, who listens would hear nothing else.
    closing = details if step.state in ("done", "failed") else []
    return StepView(
        step=step,
        title=title,
        about=names.get(step.product_id or 0, "") if len(found.items) > 1 else "",
        state=state,
        current=current,
        details=tuple(details),
        choice=chosen,
        pointed=pointed,
        pointing=_("{name} wijst dit aan").format(name=name) if pointed else "",
        said=" ".join([said.format(**facts), *closing]).strip(),
        pointed_said=_("{name} wijst iets aan: {field}.").format(name=name, field=pointed) if pointed else "",
    )
