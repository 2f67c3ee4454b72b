"""The agenda of a visit: its products, and what else somebody wants to talk about.  Staff marks what is done."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Table, func, insert, select, update

from balie.booking.errors import NotFound, NotNow, Unfit
from balie.booking.people import STANDING, check_text
from balie.record import audit, events
from balie.store.engine import Tx
from balie.store.schema import agenda_question, appointment, appointment_product

TEXT_MAX = 500
QUESTIONS_MAX = 20


def ask(tx: Tx, now_s: int, appointment_id: int, actor: str, text: str) -> int:
    """Something more to talk about; returns its id.  NotFound, NotNow; Unfit text."""
    about = standing(tx, appointment_id)
    written = " ".join(check_text(text, "text", TEXT_MAX).split())
    if not written:
        raise Unfit("text", "text_missing", "a question says what it is about")
    here = select(func.count()).where(agenda_question.c.appointment_id == appointment_id)
    count = tx.scalar(here) or 0
    if count >= QUESTIONS_MAX:
        raise Unfit("text", "questions_too_many", f"{QUESTIONS_MAX} questions are enough for one visit")
    row = {"appointment_id": appointment_id, "text": written, "created_by": actor, "created_s": now_s}
    made = tx.execute(insert(agenda_question).values(position=count, **row)).inserted_primary_key
    assert made is not None
    audit.note(tx, now_s, actor, "question_added", events.subject(about.ref), question=int(made[0]))
    return int(made[0])


def drop(tx: Tx, now_s: int, appointment_id: int, question_id: int, actor: str) -> None:
    """It is not on the agenda after all.  NotFound, NotNow."""
    about = standing(tx, appointment_id)
    which = (agenda_question.c.id == question_id) & (agenda_question.c.appointment_id == appointment_id)
    if not tx.execute(agenda_question.delete().where(which)).rowcount:
        raise NotFound("question")
    audit.note(tx, now_s, actor, "question_removed", events.subject(about.ref), question=question_id)


def mark_question(tx: Tx, now_s: int, appointment_id: int, question_id: int, actor: str, *, done: bool) -> None:
    """It was talked about, or not yet after all.  NotFound, NotNow."""
    which = (agenda_question.c.id == question_id) & (agenda_question.c.appointment_id == appointment_id)
    _mark(tx, now_s, appointment_id, actor, "question", question_id, (agenda_question, which), done)


def mark_product(tx: Tx, now_s: int, appointment_id: int, product_id: int, actor: str, *, done: bool) -> None:
    """The same of a product."""
    table = appointment_product
    which = (table.c.product_id == product_id) & (table.c.appointment_id == appointment_id)
    _mark(tx, now_s, appointment_id, actor, "product", product_id, (table, which), done)


def _mark(
    tx: Tx,
    now_s: int,
    appointment_id: int,
    actor: str,
    what: str,
    key: int,
    row: tuple[Table, ColumnElement[bool]],
    done: bool,
) -> None:
    about = standing(tx, appointment_id)
    table, which = row
    if not tx.execute(update(table).where(which).values(done_s=now_s if done else None)).rowcount:
        raise NotFound(what)
    action = f"{what}_{'done' if done else 'open'}"
    audit.note(tx, now_s, actor, action, events.subject(about.ref), **{what: key})


def standing(tx: Tx, appointment_id: int) -> Row[Any]:
    """The appointment, locked: two who write at once wait for each other.  NotFound; NotNow: it is over."""
    row = tx.execute(select(appointment).where(appointment.c.id == appointment_id).with_for_update()).first()
    if row is None:
        raise NotFound("appointment")
    if row.status not in STANDING:
        raise NotNow("not_changed", row.status)
    return row
