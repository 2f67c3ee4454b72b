"""Formal acts that wait for a person, on the list of tasks, and the refunds that somebody decides on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from balie.acts import approval
from balie.booking.errors import NotFound
from balie.i18n import amount_words
from balie.i18n import gettext as _
from balie.payments import records as payments
from balie.payments import refunds
from balie.payments.records import Payment
from balie.payments.refunds import Refund
from balie.record import tasks
from balie.record.tasks import Task, TaskError
from balie.store.engine import Tx
from web.desk import act_words
from web.desk.card import Card, Kind
from web.desk.desk import Desk
from web.keys import ACTS

DECIDABLE = ("proposed", "failed")


@dataclass(frozen=True)
class _Case:
    """The money that a task is about.  refund: that is to be decided on."""

    task: Task
    payment: Payment
    refunds: list[Refund]

    @property
    def refund(self) -> Refund | None:
        open_ones = [each for each in self.refunds if each.state in DECIDABLE and self._is_its(each)]
        return open_ones[0] if open_ones else None

    def _is_its(self, each: Refund) -> bool:
        return each.reason == self.task.reason or (self.task.reason == "refund_failed" and each.state == "failed")


def _case(tx: Tx, task: Task) -> _Case | None:
    """None when the payment was erased."""
    try:
        return _Case(task, payments.get(tx, task.object_id), refunds.of_payments(tx, [task.object_id]))
    except NotFound:
        return None


def _tell_payments(tx: Tx, desk: Desk, found: Sequence[Task]) -> dict[int, Card]:
    cases = {each.id: case for each in found if (case := _case(tx, each)) is not None}
    return {key: _of_payment(case, barred=_is_barred(tx, desk, case)) for key, case in cases.items()}


def _is_barred(tx: Tx, desk: Desk, case: _Case) -> bool:
    """Somebody else decides on its refund (balie.acts.approval)."""
    if case.refund is None or case.task.state != "open" or ACTS not in desk.request.app:
        return False
    alone_cents = desk.request.app[ACTS].rules.alone_cents
    return not approval.may(tx, case.refund, case.payment, desk.member.id, alone_cents)


def _of_payment(case: _Case, *, barred: bool) -> Card:
    happened, todo = act_words.of_payments()[case.task.reason]
    amount, state = amount_words(case.payment.amount_cents), act_words.payment_states()[case.payment.state]
    back = (
        _("Terugbetaling van {amount}: {state}").format(
            amount=amount_words(each.amount_cents), state=act_words.refund_states()[each.state]
        )
        for each in case.refunds
    )
    return Card(
        title=case.task.name,
        happened=happened,
        todo=act_words.second_person() if barred else todo,
        facts=(f"{case.payment.description}: {amount}, {state}", *back),
        refund=amount_words(case.refund.amount_cents) if case.refund is not None else "",
        barred=barred,
    )


async def _decide(desk: Desk, task: Task, what: str, said: str) -> str:
    case = await desk.read(_case, task)
    refund = case.refund if case is not None else None
    staff_id, acts = desk.member.id, desk.request.app[ACTS]
    if what == "sluit":
        if refund is not None and refund.state == "proposed":
            raise TaskError("refund_open")
        return await _close(desk, task, what, said)
    if refund is None:
        raise TaskError("settled")
    if what == "terugbetalen":
        decided = await acts.refund(refund.id, staff_id)
    else:
        decided = await acts.keep(refund.id, staff_id, said)
    if not decided:
        raise TaskError("settled")
    return "terugbetaald" if what == "terugbetalen" else "taak"


def _tell_reservations(_tx: Tx, _desk: Desk, found: Sequence[Task]) -> dict[int, Card]:
    return {each.id: Card(each.name, *act_words.of_reservations()[each.reason]) for each in found}


def _tell_documents(_tx: Tx, _desk: Desk, found: Sequence[Task]) -> dict[int, Card]:
    return {each.id: Card(each.name, *act_words.of_documents()[each.reason]) for each in found}


async def _close(desk: Desk, task: Task, _what: str, said: str) -> str:
    await desk.write(tasks.close, desk.now_s, task, desk.member.actor, said, skipped=False)
    return "taak"


PAYMENT = Kind(
    slug="betalingen",
    form="payment",
    fields={"terugbetalen": "", "niet-terugbetalen": "niet-terugbetalen", "sluit": "sluit"},
    tell=_tell_payments,
    act=_decide,
)
RESERVATION = Kind("reservaties", "close", {"sluit": "sluit"}, _tell_reservations, _close)
DOCUMENT = Kind("documenten", "close", {"sluit": "sluit"}, _tell_documents, _close)
