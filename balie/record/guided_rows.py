"""The one statement that reads a panel: rows of many tables, in the columns that they have in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, Select, String, bindparam, cast, func, literal, null, select, union_all

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


ALL = union_all(
    _row(
        "product",
        appointment_product,
        id=product.c.id,
        place=appointment_product.c.position,
        kind=product.c.slug,
        words=product.c.names,
        more=product.c.reservation_backend,
        detail=product.c.identification,
        name=product.c.required_acr,
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
        kind=func.coalesce(staff.c.name, ""),
        a_s=identification.c.accepted_s,
        b_s=identification.c.void_s,
    ).outerjoin(staff, staff.c.id == identification.c.accepted_by),
    _row(
        "document",
        document,
        kind=document.c.direction,
        state=document.c.state,
        words=document.c.name,
        more=document.c.reason,
        other_id=document.c.guide_step_id,
        n=document.c.size,
    ),
)
