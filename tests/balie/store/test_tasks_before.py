"""Tasks of before there was one list of them: all are in it, as they stood and as they ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from balie.record import tasks
from balie.store.engine import Store, Tx
from balie.store.migrate import bring_up_to_date, upgrade
from balie.store.schema import message, task
from tests.balie.store.test_schema import BEFORE, a_message, differences, put, row
from tests.support import databases

Values = dict[str, object]
BY_STAFF: Values = {"staff_id": 1}

OF_MESSAGES: tuple[tuple[int, str, Values], ...] = (
    (1, "address_unknown", {}),
    (1, "declined", BY_STAFF | {"state": "phoned", "outcome": "Ze komt."}),
    (1, "gave_up", BY_STAFF | {"state": "closed", "outcome": "Niet nodig."}),
    (1, "no_evidence", {"state": "closed", "outcome": "Aangekomen."}),
    (1, "refused", BY_STAFF | {"state": "retried"}),
    (1, "call_me", BY_STAFF | {"state": "phoned", "outcome": "Gesproken."}),
    (2, "call_me", {}),
)
"""Message, reason, and what it had when it had ended."""

OF_ACTS: tuple[tuple[str, str, Values], ...] = (
    ("payment/12", "slot_lost", {}),
    ("reservation/3", "confirm_waits", {"state": "closed", "outcome": "Er kwam antwoord."}),
    ("document/123456789012", "infected", BY_STAFF | {"state": "closed", "outcome": "Gebeld."}),
)

LETTERS: tuple[tuple[str, str, Values], ...] = (
    ("human", "new", {"appointment_id": 1}),
    ("human", "assigned", BY_STAFF),
    ("dsn", "answered", {"answered_s": 62}),
    ("human", "closed", {"closed_s": 63}),
    ("mdn", "applied", {"appointment_id": 1}),
)

NOW = {
    ("message", 1, "address_unknown"): ("open", "", "", None, 10, None),
    ("message", 1, "declined"): ("done", "phoned", "Ze komt.", 1, 11, 21),
    ("message", 1, "gave_up"): ("skipped", "closed", "Niet nodig.", 1, 12, 22),
    ("message", 1, "no_evidence"): ("done", "", "Aangekomen.", None, 13, 23),
    ("message", 1, "refused"): ("done", "retried", "", 1, 14, 24),
    ("call", 1, "call_me"): ("done", "phoned", "Gesproken.", 1, 15, 25),
    ("call", 2, "call_me"): ("open", "", "", None, 16, None),
    ("payment", 12, "slot_lost"): ("open", "", "", None, 30, None),
    ("reservation", 3, "confirm_waits"): ("done", "", "Er kwam antwoord.", None, 31, 41),
    ("document", 123456789012, "infected"): ("done", "", "Gebeld.", 1, 32, 42),
    ("reply", 1, "human"): ("open", "", "", None, 50, None),
    ("reply", 2, "human"): ("open", "", "", None, 51, None),
    ("reply", 3, "dsn"): ("done", "answered", "", None, 52, 62),
    ("reply", 4, "human"): ("skipped", "closed", "", None, 53, 63),
}


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def old(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A database of then, with tasks of both kinds and letters."""
    cluster: databases.Cluster | None = None
    url = databases.sqlite_url(tmp_path)
    if request.param == "postgresql":
        cluster = request.getfixturevalue("cluster")
        cluster.psql("CREATE DATABASE of_before")
        url = cluster.url("of_before")
    store = Store(url)
    await store.write(upgrade, "0003")
    await store.write(fill)
    yield store
    await store.close()
    if cluster is not None:
        cluster.drop(url)


def fill(tx: Tx) -> None:
    a_message(tx)
    for person in (1, 2):
        who: Values = {"id": person, "appointment_id": 1, "person": f"p{person}", "role": "citizen", "rights": {}}
        put(tx, "participant", row("name mail phone locale label", "created_s", **who))
    tx.execute(text("UPDATE message SET participant_id = 1"))
    never_sent: Values = {"id": 2, "participant_id": 2, "envid": "f"}
    put(tx, "message", BEFORE["message"] | never_sent | {"kind": "reply", "variant": "call_me", "status": "cancelled"})
    for at, (about, reason, values) in enumerate(OF_MESSAGES):
        closed: Values = {"closed_s": 20 + at} if values else {}
        had: Values = {"message_id": about, "appointment_id": 1, "reason": reason, "opened_s": 10 + at}
        put(tx, "message_issue", {"state": "open", "outcome": "", **had, **values, **closed})
    for at, (what, reason, values) in enumerate(OF_ACTS):
        closed = {"closed_s": 40 + at} if values else {}
        had = {"object": what, "appointment_id": 1, "reason": reason, "opened_s": 30 + at}
        put(tx, "act_task", {"state": "open", "outcome": "", **had, **values, **closed})
    for at, (kind, status, values) in enumerate(LETTERS):
        had = {"id": at + 1, "digest": bytes([at]) * 32, "received_s": 50 + at, "kind": kind, "status": status}
        put(tx, "inbound_message", {**row("mail_id sender subject text matched_by"), **had, **values})


async def test_all_are_in_one_list(old: Store) -> None:
    await bring_up_to_date(old)
    rows = await old.read(lambda tx: tx.execute(select(task).order_by(task.c.kind, task.c.object_id)).all())
    assert {
        (each.kind, each.object_id, each.reason): (
            *(each.state, each.how, each.outcome),
            *(each.staff_id, each.opened_s, each.closed_s),
        )
        for each in rows
    } == NOW
    assert {each.appointment_id for each in rows if each.kind != "reply"} == {1}
    assert [each.appointment_id for each in rows if each.kind == "reply"] == [1, None, None, None]
    assert await old.read(tasks.open_numbers, [1]) == {"message": 1, "call": 1, "payment": 1, "reply": 2}
    assert await old.read(differences) == []


async def test_what_was_only_there_for_a_task_to_hang_on_is_gone(old: Store) -> None:
    await bring_up_to_date(old)
    assert await old.read(lambda tx: tx.scalars(select(message.c.id)).all()) == [1]


async def test_a_task_that_cannot_be_moved_stops_it_and_nothing_has_changed(old: Store) -> None:
    stray: Values = {"object": "birthday/1", "appointment_id": 1, "reason": "x", "opened_s": 1, "state": "open"}
    await old.write(put, "act_task", {**stray, "outcome": ""})
    with pytest.raises(AssertionError, match="1 tasks would be lost"):
        await bring_up_to_date(old)
    assert len(await old.read(lambda tx: tx.execute(text("SELECT id FROM act_task")).all())) == len(OF_ACTS) + 1
