"""Who does not hear the answer asks again: it was done once, and he hears what came of it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from balie.store.schema import appointment, idempotency, outbox, participant
from tests.support.api import Api, booking
from web.api.idempotency import KEPT_S

APPOINTMENTS = "/api/v1/appointments"
KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


async def rows(api: Api, table: object) -> int:
    return await api.store.read(lambda tx: int(tx.scalar(select(func.count()).select_from(table)) or 0))  # type: ignore[arg-type]


async def test_asked_twice_is_booked_once(both: Api) -> None:
    first = await both.post(APPOINTMENTS, booking(), Idempotency_Key=KEY)
    again = await both.post(APPOINTMENTS, booking(), Idempotency_Key=KEY)
    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json, "with the same links"
    assert again.headers["Location"] == first.headers["Location"]
    assert await rows(both, appointment) == await rows(both, outbox) == 1
    without = await both.post(APPOINTMENTS, booking())
    assert without.json["ref"] != first.json["ref"], "no key: asked for another"


async def test_asked_twice_at_once_is_booked_once(both: Api) -> None:
    replies = await asyncio.gather(
        *(both.post(APPOINTMENTS, booking(), Idempotency_Key=KEY) for _ in range(10)),
    )
    assert [reply.status for reply in replies] == [201] * 10, [reply.text for reply in replies]
    assert len({reply.json["ref"] for reply in replies}) == 1
    assert await rows(both, appointment) == 1


async def test_another_request_under_the_same_key_is_refused(both: Api) -> None:
    await both.post(APPOINTMENTS, booking(), Idempotency_Key=KEY)
    other = await both.post(APPOINTMENTS, booking(channel="desk"), Idempotency_Key=KEY)
    assert (other.status, other.json["title"]) == (422, "idempotency_key_reused")
    assert await rows(both, appointment) == 1


async def test_others_may_choose_the_same_key(api: Api) -> None:
    await api.post(APPOINTMENTS, booking(), Idempotency_Key=KEY)
    other = await api.ask("POST", APPOINTMENTS, booking(), secret=await api.key(), Idempotency_Key=KEY)
    assert other.status == 201
    assert await rows(api, appointment) == 2


async def test_what_was_refused_may_be_tried_again_under_the_same_key(both: Api) -> None:
    taken = await both.book(staff=both.office.bart)
    asked = booking(staff=both.office.bart)
    assert (await both.post(APPOINTMENTS, asked, Idempotency_Key=KEY)).status == 409
    await both.post(f"{APPOINTMENTS}/{taken['ref']}/cancel", {})
    assert (await both.post(APPOINTMENTS, asked, Idempotency_Key=KEY)).status == 201


async def test_every_change_can_be_asked_for_twice(both: Api) -> None:
    """Moved twice would be moved to where it is, cancelled twice is too late: under a key both are answered."""
    one = f"{APPOINTMENTS}/{(await both.book())['ref']}"
    helper = {"name": "Marie", "role": "family", "mail": "m@post.example"}
    for number, (path, body) in enumerate(
        (
            ("confirm", None),
            ("modality", {"modality": "phone"}),
            ("people", helper),
            ("move", {"start": "2026-12-09T09:00:00+01:00"}),
            ("cancel", {}),
        )
    ):
        first = await both.post(f"{one}/{path}", body, Idempotency_Key=f"key-{number}")
        before = await rows(both, outbox)
        again = await both.post(f"{one}/{path}", body, Idempotency_Key=f"key-{number}")
        assert first.status in (200, 201), first.text
        assert (again.status, again.json) == (first.status, first.json)
        assert await rows(both, outbox) == before, path
    assert (await both.post(f"{one}/cancel", {})).status == 409


async def test_somebody_who_was_added_and_removed_is_not_added_again(api: Api) -> None:
    people = f"{APPOINTMENTS}/{(await api.book())['ref']}/people"
    helper = {"name": "Marie", "role": "family", "mail": "m@post.example"}
    added = await api.post(people, helper, Idempotency_Key=KEY)
    await api.ask("DELETE", f"{people}/{added.json['id']}")
    again = await api.post(people, helper, Idempotency_Key=KEY)
    assert (again.status, again.json["title"]) == (404, "person_not_found")
    assert await rows(api, participant) == 2


async def test_nothing_that_opens_a_door_is_kept(api: Api) -> None:
    made = await api.post(APPOINTMENTS, booking(), Idempotency_Key=KEY)
    kept = str(await api.store.read(lambda tx: tx.execute(select(idempotency)).all()))
    assert "Peeters" not in kept
    assert made.json["people"][0]["link"].rpartition("/")[2] not in kept


async def test_a_key_is_forgotten_after_a_day(api: Api) -> None:
    await api.post(APPOINTMENTS, booking(), Idempotency_Key=KEY)
    api.now_s += KEPT_S
    later = booking(start="2026-12-10T10:00:00+01:00")
    assert (await api.post(APPOINTMENTS, later, Idempotency_Key=KEY)).status == 201
    assert await rows(api, idempotency) == 1


@pytest.mark.parametrize("key", ["", '""', "a b", "é", "x" * 256, '"', "\t"])
async def test_what_is_no_key(api: Api, key: str) -> None:
    reply = await api.post(APPOINTMENTS, booking(), Idempotency_Key=key)
    assert (reply.status, reply.json["title"]) == (400, "idempotency_key_invalid")
    assert await rows(api, appointment) == 0
