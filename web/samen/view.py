"""The panel for a template: items and steps with their words, the same for all who look, less what is not theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from balie.i18n import amount_words, ngettext, pick
from balie.i18n import gettext as _
from balie.record.guided import Guided, Item, Kept, Question, Step
from balie.samen import guide
from balie.samen.state import Reader
from web.documents.words import size_words
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

    who      does it, or did
    current  the one that is to be done now
    waits    for what else it waits, in words
    about    the product, where there are several
    choice   what the citizen chose so far, in words
    pointed  in words, what staff points at; pointing: who does, for the mark at that field
    said     for who listens, when it changes
    """

    step: Step
    title: str
    about: str
    who: str
    state: str
    waits: str
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
    def over(self) -> bool:
        """It asks nothing any more, and need not be read."""
        return not self.step.active and not self.step.doubtful

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What staff can point at, with its words."""
        return [(name, words.fields()[name]) for name in guide.FIELDS[self.step.kind]]


@dataclass(frozen=True)
class PaperView:
    """A document that staff gave.  about: its size; said: for who listens, when it comes."""

    key: str
    id: int
    name: str
    about: str
    said: str


def values(place: Place, found: Guided, reader: Reader) -> dict[str, Any]:
    """What every panel's template shows."""
    items = [_item(each) for each in found.items] + [_question(each) for each in found.questions]
    ordered = in_order(found.steps)
    # Whose name it is, is staff's to say: who proved his has done his part.
    doubtful = {each.id for each in ordered if each.doubtful and reader == "staff"}
    current = next(
        (each.id for each in ordered if each.id in doubtful or (each.active and not _waits(found, each))), None
    )
    steps = [_step(place, found, each, reader, each.id == current) for each in ordered]
    done = sum(each.step.state == "done" and each.step.id not in doubtful for each in steps)
    return {
        "place": place,
        "host": place.host,
        "items": items,
        "steps": steps,
        "progress": _progress(done, sum(each.step.state != "skipped" for each in steps)),
        "reader": reader,
    }


def in_order(steps: Sequence[Step]) -> list[Step]:
    """As they must be done: as staff opened them, but a payment after the choice and the name that it waits for."""
    ordered = list(steps)
    for pay in [each for each in steps if each.kind == "pay" and each.active]:
        at = ordered.index(pay)
        first = [n for n, each in enumerate(ordered) if n > at and each.active and _precedes(each, pay)]
        if first:
            ordered.insert(first[-1], ordered.pop(at))
    return ordered


def _waits(found: Guided, step: Step) -> bool:
    """What needs a name is paid once it is sure whose: balie.acts refuses it before."""
    return step.kind == "pay" and step.active and found.unproved(step.product_id)


def waits_words(found: Guided, step: Step, reader: Reader) -> str:
    """What is to be done before a step, "" for nothing."""
    if not _waits(found, step) or reader == "third":
        return ""
    if found.proof is not None and found.proof.doubtful:
        if reader == "citizen":
            return _("Eerst kijkt de medewerker uw naam na.")
        return _("Eerst: kijk de naam na bij ‘Identificeer u’.")
    return _("Eerst: identificeer u.") if reader == "citizen" else _("Eerst: de burger identificeert zich.")


def _precedes(step: Step, pay: Step) -> bool:
    return step.kind == "identify" or (step.kind == "reserve" and step.product_id == pay.product_id)


def given(place: Place, found: Guided) -> list[PaperView]:
    """What staff gave, as far as the reader may have it: nameless to who may not."""
    return [
        PaperView(
            key=f"paper-{each.id}",
            id=each.id,
            name=each.name,
            about=size_words(each.size),
            said=_("{name} gaf u een document: {what}, {size}.").format(
                name=place.host, what=each.name, size=size_words(each.size)
            ),
        )
        for each in found.papers
        if each.direction == "out" and each.state == "available" and each.name
    ]


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
    title, waits = words.titles()[step.kind], waits_words(found, step, reader)
    state = words.step_state(step, reader)
    details = words.details(step, place.zone, reader)
    if step.kind == "pay" and step.paid is None and reader != "third" and step.active:
        what, cents, kept = payable(found, step)
        details = [f"{what} · {amount_words(cents)}"] if cents else [_("Er is nog niets te betalen.")]
        details += [words.kept_state(kept, place.zone)] if kept else []
    details += [waits] if waits else []
    chosen = words.choice_words(step, place.zone) if step.active and step.kept is None else ""
    pointed = words.fields().get(step.pointed_at, "")
    name = step.pointer.split()[0] if step.pointer else place.host
    who = words.who(step, reader, place.citizen)
    said = _("{name} vraagt u: {title}.") if step.state == "open" and reader == "citizen" else "{title}: {state}."
    if reader == "third" and step.state == "open" and who:
        said = "{title}: {state}. {who}."
    if step.state == "doing" and reader == "citizen":
        said = ""  # he knows
    # What is being chosen changes with every press: who looks sees it, who listens would hear nothing else.
    closing = details if step.state in ("done", "failed") else []
    return StepView(
        step=step,
        title=title,
        about=names.get(step.product_id or 0, "") if len(found.items) > 1 else "",
        who=who,
        state=state,
        waits=waits,
        current=current,
        details=tuple(details),
        choice=chosen,
        pointed=pointed,
        pointing=_("{name} wijst dit aan").format(name=name) if pointed else "",
        said=words.sentences([said.format(title=title, state=state, name=place.host, who=who), *closing]),
        pointed_said=_("{name} wijst iets aan: {field}.").format(name=name, field=pointed) if pointed else "",
    )
