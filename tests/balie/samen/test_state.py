"""Who sees what: the citizen all of his own, staff how it stands, who comes along what there is to do."""

from __future__ import annotations

from dataclasses import astuple

from sqlalchemy import event

from balie.samen import state
from balie.store.engine import Tx
from tests.balie.samen.conftest import Visit
from tests.support import together


async def everything(visit: Visit) -> None:
    await visit.open("reserve")
    await visit.put(together.reserved, visit.office.badminton)
    await visit.open("identify")
    await visit.put(together.proved)
    await visit.open("pay")
    await visit.put(together.paid, visit.office.badminton, "open")
    key = await visit.open("document")
    await visit.put(together.sent, key)


async def test_staff_sees_results_and_nothing_of_the_way_to_them(visit: Visit) -> None:
    await everything(visit)
    found = await visit.panel("staff")
    assert [each.state for each in found.steps] == ["done", "done", "doing", "done"]
    assert found.proof is not None and (found.proof.name, found.proof.acr.rpartition(":")[2]) == ("An Peeters", "itsme")
    assert found.paid[0].amount_cents == 900
    said = repr(astuple(found))
    for secret in ("https://pay.example", "tr_", "mail", "+32", "rijksregister"):
        assert secret not in said


async def test_who_comes_along_sees_neither_names_nor_amounts(visit: Visit) -> None:
    await everything(visit)
    found = await visit.panel("third")
    assert [each.state for each in found.steps] == ["done", "done", "doing", "done"]
    said = repr(astuple(found))
    for private in ("An Peeters", "itsme", "900", "attest.pdf"):
        assert private not in said
    assert together.COURT in said


async def test_it_is_one_statement(visit: Visit) -> None:
    """It is read at every change, by everybody in the call."""
    await everything(visit)
    statements: list[str] = []

    def look(tx: Tx) -> None:
        event.listen(tx, "before_cursor_execute", lambda *args: statements.append(args[2]))
        state.of(tx, visit.id, "citizen")

    await visit.store.read(look)
    assert len([each for each in statements if each != "BEGIN"]) == 1
