"""Bookkeeping says over the API that it has a document; on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from balie.bookkeeping import overview
from balie.store.schema import audit, organisation
from tests.support.api import Api
from tests.support.till import Till, only_appointment

ONE = "/api/v1/invoices/2026-000001/acknowledgement"


async def bought(api: Api) -> None:
    await api.book()
    await Till(api.store, api.office, await only_appointment(api.store)).bought(1)


async def mismatches(api: Api) -> list[tuple[str, str, str]]:
    found = await api.store.read(overview.mismatches)
    return [(each.number, each.reference, each.reason) for each in found]


async def test_said_once_or_often_it_is_the_same(both: Api) -> None:
    await bought(both)
    first = await both.post(ONE, {"reference": " BK-77 "})
    assert first.status == 200
    both.now_s += 3600
    again = await both.post(ONE, {"reference": "BK-77"})
    assert (
        again.json
        == first.json
        == {
            "number": "2026-000001",
            "reference": "BK-77",
            "acknowledged": "2026-12-07T06:00:00Z",
        }
    )
    assert await mismatches(both) == []
    noted = select(audit.c.actor).where(audit.c.action == "invoice_acknowledged")
    (actor,) = await both.store.read(lambda tx: list(tx.scalars(noted)))
    assert actor.startswith("api:")


async def test_another_reference_is_refused_and_shown(both: Api) -> None:
    await bought(both)
    await both.post(ONE, {"reference": "BK-77"})
    for _each in range(3):
        other = await both.post(ONE, {"reference": "BK-78"})
        assert (other.status, other.json["title"]) == (409, "acknowledged_otherwise")
    assert await mismatches(both) == [("2026-000001", "BK-78", "other_reference")]
    assert (await both.post(ONE, {"reference": "BK-77"})).status == 200


@pytest.mark.parametrize("number", ["2026-000002", "1", "%07", "x" * 900])
async def test_a_number_that_nobody_wrote(both: Api, number: str) -> None:
    await bought(both)
    reply = await both.post(f"/api/v1/invoices/{number}/acknowledgement", {"reference": "BK-1"})
    assert (reply.status, reply.json["title"]) == (404, "invoice_not_found")
    ((_number, reference, reason),) = await mismatches(both)
    assert (reference, reason) == ("BK-1", "unknown")


@pytest.mark.parametrize(
    "body", [{}, {"reference": ""}, {"reference": "  "}, {"reference": "x" * 129}, {"reference": "a\nb"}]
)
async def test_what_is_no_reference_is_refused(api: Api, body: object) -> None:
    await bought(api)
    assert (await api.post(ONE, body)).status == 422
    assert await mismatches(api) == []


async def test_documents_of_another_organisation_are_unknown(api: Api) -> None:
    await bought(api)
    other = await api.store.write(lambda tx: tx.execute(insert(organisation).values(name="Ander")).inserted_primary_key)
    assert other is not None
    secret = await api.key("invoices:acknowledge", organisation_id=int(other[0]))
    assert (await api.ask("POST", ONE, {"reference": "BK-1"}, secret=secret)).status == 404
