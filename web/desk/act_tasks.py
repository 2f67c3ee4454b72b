"""/balie/taken: formal acts that wait for a person, and the refunds that somebody decides on."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from balie.acts import tasks
from balie.acts.tasks import Task, TaskError
from balie.i18n import amount_words, moment_words
from balie.payments import records as payments
from balie.payments import refunds
from balie.payments.records import Payment
from balie.payments.refunds import Refund
from balie.store.engine import Tx
from web.desk import act_words
from web.desk.desk import Desk, go
from web.keys import ACTS

PLACE = "/balie/taken"
CLOSED_MAX = 100
DECIDABLE = ("proposed", "failed")
ACTS_OF = ("terugbetalen", "niet-terugbetalen", "sluit")


@dataclass(frozen=True)
class _Case:
    """A task with the money that it is about.  refund: that is to be decided on."""

    task: Task
    payment: Payment | None
    refunds: list[Refund]

    @property
    def refund(self) -> Refund | None:
        open_ones = [each for each in self.refunds if each.state in DECIDABLE and self._is_its(each)]
        return open_ones[0] if open_ones else None

    def _is_its(self, each: Refund) -> bool:
        return each.reason == self.task.reason or (self.task.reason == "refund_failed" and each.state == "failed")


def _case(tx: Tx, task: Task) -> _Case:
    if task.payment_id is None:
        return _Case(task, None, [])
    return _Case(task, payments.get(tx, task.payment_id), refunds.of_payments(tx, [task.payment_id]))


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/taken; ?toon=afgehandeld shows those that are closed."""
    return await _show(desk)


async def _show(desk: Desk, status: int = 200) -> web.Response:
    closed = desk.request.query.get("toon") == "afgehandeld"

    def look(tx: Tx) -> list[_Case]:
        state = "closed" if closed else "open"
        found = tasks.listed(tx, desk.member.services, state=state, limit=CLOSED_MAX)
        return [_case(tx, each) for each in found]

    found = await desk.read(look)
    return await desk.show("act_tasks.html", status=status, closed=closed, tasks=[_told(each) for each in found])


def _told(case: _Case) -> dict[str, object]:
    task, paid, refund = case.task, case.payment, case.refund
    happened, todo = act_words.reasons()[task.reason]
    if task.reason == "slot_lost" and paid is None:
        happened, todo = act_words.without_money()
    return {
        "id": task.id,
        "name": task.name,
        "ref": task.ref,
        "when": moment_words(task.start_s, task.zone),
        "since": moment_words(task.opened_s, task.zone),
        "happened": happened,
        "todo": todo,
        "amount": amount_words(paid.amount_cents) if paid else "",
        "what": paid.description if paid else "",
        "state": act_words.payment_states()[paid.state] if paid else "",
        "refunds": [(amount_words(each.amount_cents), act_words.refund_states()[each.state]) for each in case.refunds],
        "refund": amount_words(refund.amount_cents) if refund else "",
        "outcome": task.outcome,
        "staff": task.staff_name,
        "closed": moment_words(task.closed_s, task.zone) if task.closed_s is not None else "",
    }


async def act(desk: Desk) -> web.StreamResponse:
    """POST /balie/taken/{id}: doe is terugbetalen, niet-terugbetalen or sluit; the last two need words."""
    task_id = int(desk.request.match_info["id"])
    what = desk.form.choice("doe", ACTS_OF)
    field = f"{what}-{task_id}" if what in ("niet-terugbetalen", "sluit") else f"taak-{task_id}"
    said = desk.form.text(field, most=tasks.OUTCOME_MAX) if field in desk.form.values else ""
    if not desk.form.errors:
        try:
            await _do(desk, task_id, what, said)
        except TaskError as error:
            desk.form.fail(field, act_words.error_words(error.code))
    if desk.form.errors:
        return await _show(desk, 422)
    return go(PLACE, "terugbetaald" if what == "terugbetalen" else "act-taak")


async def _do(desk: Desk, task_id: int, what: str, said: str) -> None:
    case = await desk.read(_own, desk, task_id)
    refund, staff_id, acts = case.refund, desk.member.id, desk.request.app[ACTS]
    if what == "sluit":
        if refund is not None and refund.state == "proposed":
            raise TaskError("refund_open")
        await desk.write(tasks.close, desk.now_s, task_id, staff_id, said)
        return
    if refund is None or not what:
        raise TaskError("settled" if what else "unknown_task")
    if what == "terugbetalen":
        decided = await acts.refund(refund.id, staff_id)
    else:
        decided = await acts.keep(refund.id, staff_id, said)
    if not decided:
        raise TaskError("settled")


def _own(tx: Tx, desk: Desk, task_id: int) -> _Case:
    """TaskError unknown_task: none, or of another service."""
    task = tasks.get(tx, task_id)
    if task.service_id not in desk.member.services:
        raise TaskError("unknown_task")
    if task.state != "open":
        raise TaskError("settled")
    return _case(tx, task)
