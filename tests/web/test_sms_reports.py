"""Reports of the gateway for text messages: what is signed counts once; everything else changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select, update

from balie import signing
from balie.booking.people import Person
from balie.store.engine import Store, Tx
from balie.store.schema import idempotency, message, message_event, task
from tests.support import office
from tests.support.booking import booked, entropy
from tests.support.office import MONDAY_S
from tests.support.site import Client, build_site
from web import keys, sms_reports
from web.middlewares import errors

SECRET, OTHER = b"a secret that two machines share", b"a secret that somebody made up!!"
NOW_S = MONDAY_S + 60
Gateway = TestClient[Any, Any]


@pytest_asyncio.fixture
async def envid(store: Store) -> str:
    """Of a text message that is on its way."""
    here = await store.write(office.found)
    await booked(store, here, citizen=Person("An", phone="0470 12 34 56"))

    def leave(tx: Tx) -> str:
        first = select(message.c.id).where(message.c.kind == "confirmation").scalar_subquery()
        tx.execute(update(message).where(message.c.id == first).values(status="submitted", submitted_s=MONDAY_S))
        return str(tx.scalar(select(message.c.envid).where(message.c.id == first)))

    return await store.write(leave)


@pytest_asyncio.fixture
async def gateway(store: Store, aiohttp_client: AiohttpClient) -> Gateway:
    app = web.Application(middlewares=[errors])
    app[keys.STORE], app[keys.UNIX_TIME], app[keys.ENTROPY] = store, lambda: NOW_S, entropy(4).randbytes
    app[sms_reports.SECRET] = SECRET
    app.add_routes(sms_reports.ROUTES)
    return await aiohttp_client(app)


async def say(
    gateway: Gateway,
    found: Any,
    sent_id: str = "r1",
    at_s: int = NOW_S,
    secret: bytes = SECRET,
    more: Mapping[str, str] | None = None,
) -> ClientResponse:
    """A report as a gateway posts it.  more: headers that replace others."""
    body = found if isinstance(found, bytes) else json.dumps(found).encode()
    headers = {"content-type": "application/json", **signing.sign(secret, sent_id, at_s, body), **(more or {})}
    return await gateway.post("/sms/report", data=body, headers=headers)


async def known(store: Store, envid: str) -> tuple[str, str]:
    row = select(message.c.status, message.c.error).where(message.c.envid == envid)
    status, error = await store.read(lambda tx: tx.execute(row).one())
    return str(status), str(error)


async def events(store: Store) -> list[tuple[str, dict[str, Any]]]:
    query = select(message_event.c.kind, message_event.c.detail).where(message_event.c.source == "sms")
    return [(row.kind, row.detail) for row in await store.read(lambda tx: tx.execute(query).all())]


@pytest.mark.parametrize(("status", "state"), [("sent", "accepted"), ("delivered", "delivered"), ("failed", "failed")])
async def test_a_report_moves_its_message(store: Store, gateway: Gateway, envid: str, status: str, state: str) -> None:
    assert (await say(gateway, {"id": envid, "status": status})).status == 204
    assert (await known(store, envid))[0] == state


async def test_a_failure_is_a_task_with_the_gateways_words(store: Store, gateway: Gateway, envid: str) -> None:
    reason = "Absent subscriber\n(27)\x00" + "!" * 1000
    answer = await say(gateway, {"id": envid, "status": "failed", "reason": reason, "more": [1]})
    assert answer.status == 204
    said = "Absent subscriber (27) " + "!" * (300 - 23)
    assert await known(store, envid) == ("failed", said)
    assert await events(store) == [("failed", {"said": said})]
    tasks = select(task.c.reason)
    assert await store.read(lambda tx: tx.scalars(tasks).all()) == ["sms_failed"]


async def test_a_report_that_comes_again_counts_once(store: Store, gateway: Gateway, envid: str) -> None:
    """Of a gateway that did not hear our answer, or of somebody who kept a copy."""
    for later_s in (0, 0, 299):
        assert (await say(gateway, {"id": envid, "status": "sent"}, at_s=NOW_S - later_s)).status == 204
    assert len(await events(store)) == 1
    assert (await say(gateway, {"id": envid, "status": "failed"})).status == 422, "another report under the same id"
    assert (await say(gateway, {"id": envid, "status": "delivered"}, "r2")).status == 204
    assert await known(store, envid) == ("delivered", "")


@pytest.mark.parametrize("at_s", [NOW_S - 301, NOW_S + 301, 0, 10**12])
async def test_a_report_of_another_time_is_none(store: Store, gateway: Gateway, envid: str, at_s: int) -> None:
    assert (await say(gateway, {"id": envid, "status": "delivered"}, at_s=at_s)).status == 401
    assert (await known(store, envid))[0] == "submitted"


@pytest.mark.parametrize(
    "headers",
    [
        {signing.SIGNATURE: ""},
        {signing.SIGNATURE: "v1,AAAA"},
        {signing.ID: "r2"},
        {signing.TIMESTAMP: str(NOW_S - 1)},
        {signing.TIMESTAMP: ""},
    ],
)
async def test_what_was_tampered_with_is_refused(
    store: Store, gateway: Gateway, envid: str, headers: dict[str, str]
) -> None:
    answer = await say(gateway, {"id": envid, "status": "delivered"}, more=headers)
    assert answer.status == 401 and (await answer.json())["title"] == "signature_invalid"
    assert (await known(store, envid))[0] == "submitted"


async def test_another_secret_is_refused(store: Store, gateway: Gateway, envid: str) -> None:
    assert (await say(gateway, {"id": envid, "status": "delivered"}, secret=OTHER)).status == 401
    unsigned = await gateway.post("/sms/report", json={"id": envid, "status": "delivered"})
    assert unsigned.status == 401
    assert (await known(store, envid))[0] == "submitted"


async def test_our_own_post_turned_back_is_no_report(store: Store, gateway: Gateway, envid: str) -> None:
    """The same secret signs both ways."""
    ours = {"to": "+32470123456", "text": "Dag An", "id": envid}
    assert (await say(gateway, ours, envid)).status == 400
    assert (await known(store, envid))[0] == "submitted"


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 8000, 400),
        ({"id": "", "status": "sent"}, 400),
        ({"id": "x" * 65, "status": "sent"}, 400),
        ({"id": 7, "status": "sent"}, 400),
        ({"id": "e", "status": "read"}, 400),
        ({"id": "e", "status": "sent", "reason": 7}, 400),
        ({"id": "e" * 32, "status": "sent"}, 404),
        ({"id": "\ud800", "status": "sent"}, 400),
        ({"id": "e", "status": "sent", "reason": "x" * 20_000}, 413),
    ],
)
async def test_what_is_no_report_is_said_so(gateway: Gateway, found: Any, status: int) -> None:
    answer = await say(gateway, found)
    assert (answer.status, answer.content_type) == (status, "application/problem+json")


async def test_a_report_needs_an_id_and_a_type(gateway: Gateway, envid: str) -> None:
    found = {"id": envid, "status": "sent"}
    assert (await say(gateway, found, "")).status == 400
    assert (await say(gateway, found, "r" * 201)).status == 400
    assert (await say(gateway, found, more={"content-type": "text/plain"})).status == 415


async def test_mails_are_not_reported_on(store: Store, gateway: Gateway, envid: str) -> None:
    await store.write(lambda tx: tx.execute(update(message).values(channel="mail")) and None)
    assert (await say(gateway, {"id": envid, "status": "delivered"})).status == 404
    assert (await known(store, envid))[0] == "submitted"


async def test_what_is_kept_against_repetition_names_nobody(store: Store, gateway: Gateway, envid: str) -> None:
    await say(gateway, {"id": envid, "status": "failed", "reason": "An is weg"})
    rows = await store.read(lambda tx: tx.execute(select(idempotency)).all())
    assert len(rows) == 1 and "An" not in str(rows[0].body)


# -- the whole application ------------------------------------------------------------------------------


async def test_without_a_secret_there_is_no_route(client: Client) -> None:
    assert (await client.post("/sms/report", json={})).status == 404


async def test_with_a_secret_there_is_one(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    secret = tmp_path / "sms.key"
    secret.write_bytes(SECRET + b"\n")
    site = build_site(
        change=lambda found: replace(found, messages=replace(found.messages, sms_secret_file=str(secret)))
    )
    client = await aiohttp_client(site.balie.web)
    body = b'{"id": "e", "status": "sent"}'
    headers = {"content-type": "application/json", **signing.sign(SECRET, "r", int(site.clock()), body)}
    assert (await client.post("/sms/report", data=body, headers=headers)).status == 404, "no such message"
    assert (await client.post("/sms/report", data=body)).status == 401
    assert (await client.get("/sms/report")).status == 405
