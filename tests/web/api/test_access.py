"""Who may ask what, how often, and what he hears when he may not."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from balie.hooks.keys import SCOPES, USED_EVERY_S, list_keys, revoke_key
from balie.store.schema import api_key
from tests.support.api import Api
from web.api.limit import BURST, PER_SECOND, Limit
from web.api.operation import Operation
from web.api.routes import OPERATIONS


def example(path: str) -> str:
    return path.replace("{ref}", "ABC2345").replace("{person}", "0" * 24).replace("{number}", "2026-000001")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
async def test_nothing_without_the_right_key(api: Api, operation: Operation) -> None:
    """Each operation asks for the scope that the table says, and for nothing less."""
    path = example(operation.path)
    none = await api.ask(operation.method, path, secret="")
    assert (none.status, none.json["title"]) == (401, "key_missing")
    assert none.headers["WWW-Authenticate"] == 'Bearer realm="balie"'
    unknown = await api.ask(operation.method, path, secret="balie_" + "A" * 32)
    assert (unknown.status, unknown.json["title"]) == (401, "key_unknown")
    assert 'error="invalid_token"' in unknown.headers["WWW-Authenticate"]
    others = await api.key(*(scope for scope in SCOPES if scope != operation.scope))
    wrong = await api.ask(operation.method, path, secret=others)
    assert (wrong.status, wrong.json["title"]) == (403, "scope_missing")
    assert f'scope="{operation.scope}"' in wrong.headers["WWW-Authenticate"]
    right = await api.ask(operation.method, path, secret=await api.key(operation.scope))
    assert right.status not in (401, 403, 500)


@pytest.mark.parametrize(
    "shown", ["Basic YTpi", "Bearer", "Bearer ", "balie_x", "Bearer \xff\xfe", "Bearer " + "x" * 7000, "Bearer a b"]
)
async def test_what_is_no_key(api: Api, shown: str) -> None:
    reply = await api.get("/api/v1/services", Authorization=shown)
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_key_is_kept_as_a_hash_and_opens_until_it_is_revoked(both: Api) -> None:
    [row] = await both.store.read(lambda tx: tx.execute(select(api_key)).all())
    assert both.secret.startswith("balie_") and len(both.secret) == 38
    assert both.secret.removeprefix("balie_") not in str(tuple(row))
    assert (await both.get("/api/v1/services")).status == 200
    assert await both.store.write(revoke_key, both.now_s, row.id)
    assert not await both.store.write(revoke_key, both.now_s, row.id)
    assert (await both.get("/api/v1/services")).status == 401
    [key] = await both.store.read(list_keys, both.office.organisation)
    assert (key.name, key.revoked_s) == ("Contactcenter", both.now_s)


async def test_when_a_key_was_used_is_known_to_the_hour(api: Api) -> None:
    used = select(api_key.c.used_s)
    assert await api.store.read(lambda tx: tx.scalar(used)) is None
    start_s = api.now_s
    for later_s, known_s in ((0, start_s), (USED_EVERY_S - 1, start_s), (USED_EVERY_S, start_s + USED_EVERY_S)):
        api.now_s = start_s + later_s
        await api.get("/api/v1/services")
        assert await api.store.read(lambda tx: tx.scalar(used)) == known_s


async def test_a_scope_that_there_is_not_is_a_mistake(api: Api) -> None:
    for scopes in (("slots:write",), ("slots:read", "admin")):
        with pytest.raises(ValueError, match=r"need some of slots:read"):
            await api.key(*scopes)


async def test_who_asks_too_much_waits_and_others_do_not(api: Api) -> None:
    for _ in range(BURST):
        assert (await api.get("/api/v1/openapi.json")).status == 200, "the document is not counted"
    other = await api.key()
    replies = [await api.get("/api/v1/events") for _ in range(BURST + 1)]
    assert [reply.status for reply in replies] == [200] * BURST + [429]
    assert (replies[-1].headers["Retry-After"], replies[-1].json["title"]) == ("1", "too_many")
    assert (await api.ask("GET", "/api/v1/events", secret=other)).status == 200
    api.now_s += 1
    again = [(await api.get("/api/v1/events")).status for _ in range(PER_SECOND + 1)]
    assert again == [200] * PER_SECOND + [429]


def test_a_clock_that_is_put_back_locks_nobody_out() -> None:
    limit = Limit(burst=2, per_second=1)
    assert [limit.wait_s(1, 1000) for _ in range(3)] == [0, 0, 1]
    assert limit.wait_s(1, 990) > 0
    assert limit.wait_s(1, 1002) == 0


async def test_errors_are_problems_whatever_happens(api: Api) -> None:
    nowhere = await api.get("/api/v1/nothing")
    wrong = await api.ask("PUT", "/api/v1/slots")
    large = await api.ask("POST", "/api/v1/appointments", b'"' + b"x" * (1 << 20), Content_Type="application/json")
    for reply, status in ((nowhere, 404), (wrong, 405), (large, 413)):
        assert reply.status == status
        assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert "GET" in wrong.headers["Allow"]


async def test_answers_are_for_nobody_elses_cache(api: Api) -> None:
    reply = await api.get("/api/v1/services")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in reply.headers, "a key has no business in a browser"


async def test_a_key_of_before_a_change_of_scopes_has_the_new_ones(api: Api) -> None:
    await api.store.write(lambda tx: tx.execute(update(api_key).values(scopes=["events:read"])).rowcount)
    assert (await api.get("/api/v1/services")).status == 403
    assert (await api.get("/api/v1/events")).status == 200
