"""The feed over HTTP."""

from __future__ import annotations

import pytest
from msgspec import convert
from sqlalchemy import delete

from balie.hooks.feed import seal
from balie.store.schema import outbox
from tests.support.api import PUBLIC_URL, Api
from web.api import types

EVENTS = "/api/v1/events"


async def happened(api: Api) -> str:
    """An appointment that was booked, confirmed and cancelled; its reference."""
    ref = str((await api.book())["ref"])
    await api.post(f"/api/v1/appointments/{ref}/confirm")
    await api.post(f"/api/v1/appointments/{ref}/cancel", {})
    await api.store.write(seal, api.now_s, ())
    return ref


async def test_page_by_page_to_the_end_and_on(both: Api) -> None:
    ref = await happened(both)
    first = (await both.get(f"{EVENTS}?limit=2")).json
    assert [each["type"].rpartition(".")[2] for each in first["events"]] == ["booked", "confirmed"]
    assert first["more"] is True
    second = (await both.get(f"{EVENTS}?limit=2&after={first['cursor']}")).json
    assert [each["data"]["status"] for each in second["events"]] == ["cancelled_citizen"]
    assert {each["subject"] for each in first["events"] + second["events"]} == {f"appointment/{ref}"}
    assert second["events"][0]["source"] == PUBLIC_URL
    nothing = (await both.get(f"{EVENTS}?after={second['cursor']}")).json
    assert nothing == {"events": [], "cursor": second["cursor"], "more": False}


async def test_events_are_of_the_type_in_the_document(api: Api) -> None:
    ref = await happened(api)
    await api.book(follow_up_of=ref)
    await api.store.write(seal, api.now_s, ())
    for query in ("", "?contact=true"):
        page = convert((await api.get(f"{EVENTS}{query}")).json, types.Events)
        assert len(page.events) == 4


async def test_names_need_the_right_to_see_them(api: Api) -> None:
    await happened(api)
    assert "Peeters" not in (await api.get(EVENTS)).text
    named = await api.get(f"{EVENTS}?contact=true")
    assert named.json["events"][0]["data"]["personal"]["people"][0]["name"] == "An Peeters"
    only_events = await api.key("events:read")
    refused = await api.ask("GET", f"{EVENTS}?contact=true", secret=only_events)
    assert (refused.status, refused.json["title"]) == (403, "scope_missing")
    assert (await api.ask("GET", EVENTS, secret=only_events)).status == 200


@pytest.mark.parametrize("query", ["after=x", "after=999", "limit=0", "limit=501", "limit=x", "contact=perhaps"])
async def test_what_cannot_be_asked(api: Api, query: str) -> None:
    reply = await api.get(f"{EVENTS}?{query}")
    assert reply.status == 422
    assert reply.json["errors"][0]["field"] == query.partition("=")[0]


async def test_who_was_away_too_long_hears_it(api: Api) -> None:
    await happened(api)
    await api.store.write(lambda tx: tx.execute(delete(outbox).where(outbox.c.place == 2)).rowcount)
    reply = await api.get(f"{EVENTS}?after=000000000001")
    assert (reply.status, reply.json["title"]) == (410, "events_gone")
    assert len((await api.get(f"{EVENTS}?after={reply.json['oldest']}")).json["events"]) == 1
