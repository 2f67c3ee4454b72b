"""Requests that no good program sends: each is refused with the place and the reason, and nothing is written."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from balie.store.schema import appointment, outbox
from tests.support.api import AT, Api, booking

APPOINTMENTS = "/api/v1/appointments"
CITIZEN = {"name": "An Peeters", "mail": "an@post.example"}


async def written(api: Api) -> int:
    """How many rows a booking left behind."""
    first, second = (select(func.count()).select_from(table).scalar_subquery() for table in (appointment, outbox))
    return await api.store.read(lambda tx: tx.scalars(select(first + second)).one())


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"citizen": {"mail": "an@post.example"}}, "citizen.name", "missing"),
        ({"citizen": CITIZEN | {"mial": "x"}}, "citizen.mial", "unknown_field"),
        ({"citizen": CITIZEN | {"name": ""}}, "citizen.name", "name_missing"),
        ({"citizen": CITIZEN | {"name": "x" * 300}}, "citizen.name", "name_too_long"),
        ({"citizen": CITIZEN | {"name": "An\r\nBcc: all@example.be"}}, "citizen.name", "name_unprintable"),
        ({"citizen": CITIZEN | {"name": "An\x00"}}, "citizen.name", "name_unprintable"),
        ({"citizen": CITIZEN | {"name": 7}}, "citizen.name", "invalid"),
        ({"citizen": CITIZEN | {"mail": "nobody"}}, "citizen.mail", "mail_invalid"),
        ({"citizen": CITIZEN | {"mail": "a@b.example\x00"}}, "citizen.mail", "mail_invalid"),
        ({"citizen": CITIZEN | {"phone": "12"}}, "citizen.phone", "phone_invalid"),
        ({"citizen": {"name": "An"}}, "citizen.mail", "contact_missing"),
        ({"citizen": CITIZEN | {"locale": "tlh"}}, "citizen.locale", "invalid"),
        ({"helpers": [CITIZEN | {"role": "citizen"}]}, "helpers[0].role", "invalid"),
        ({"helpers": [CITIZEN]}, "helpers[0].role", "missing"),
        ({"helpers": [CITIZEN | {"role": "family", "mail": "x"}]}, "helpers[0].mail", "mail_invalid"),
        ({"helpers": [CITIZEN | {"role": "family"}] * 4}, "helpers", "helpers_too_many"),
        ({"helpers": [CITIZEN | {"role": "family"}] * 11}, "helpers", "invalid"),
        ({"question": "x" * 2001}, "question", "question_too_long"),
        ({"question": "x\x00"}, "question", "invalid"),
        ({"channel": "pigeon"}, "channel", "invalid"),
        ({"modality": "fax"}, "modality", "invalid"),
        ({"products": []}, "products", "products_missing"),
        ({"products": ["badminton", "squash"]}, "products[1]", "product_not_found"),
        ({"products": ["badminton", "badminton"]}, "products", "products_repeated"),
        ({"service": "bib"}, "service", "service_not_found"),
        ({"start": None}, "start", "missing"),
        ({"start": "2026-12-08T14:30:00"}, "start", "invalid"),
        ({"start": "morgen"}, "start", "invalid"),
        ({"start": "2026-12-08T14:32:00+01:00"}, "start", "start_outside_hours"),
        ({"start": "2026-12-08T20:00:00+01:00"}, "start", "start_outside_hours"),
        ({"start": "2026-12-06T14:30:00+01:00"}, "start", "start_out_of_range"),
        ({"start": "2029-12-06T14:30:00+01:00"}, "start", "start_out_of_range"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start", "start_out_of_range"),
        ({"start": "9999-12-31T23:59:59-14:00"}, "start", "start_out_of_range"),
        ({"staff": 999}, "start", "start_outside_hours"),
        ({"staff": 10**20}, "staff", "invalid"),
        ({"follow_up_of": "NOSUCH2"}, "follow_up_of", "appointment_not_found"),
        ({"follow_up_of": "\x00"}, "follow_up_of", "appointment_not_found"),
        ({"price": 0}, "price", "unknown_field"),
    ],
)
async def test_a_field_that_does_not_fit_is_named(api: Api, changed: dict[str, object], field: str, code: str) -> None:
    reply = await api.post(APPOINTMENTS, booking(**changed))
    assert reply.status == 422, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    [error] = reply.json["errors"]
    assert (error["field"], error["code"]) == (field, code), error
    assert reply.json["detail"].startswith(field)
    assert await written(api) == 0


async def test_a_zero_in_a_text_reaches_no_database(both: Api) -> None:
    """PostgreSQL takes none: each would be a mistake of ours there, and an appointment here."""
    zero = "x\x00"
    held = {"service": zero, "products": [zero], "start": AT}
    ref = (await both.book())["ref"]
    before = await written(both)
    asked: list[tuple[str, object]] = [
        (APPOINTMENTS, booking(**{name: zero})) for name in ("hold", "service", "question", "follow_up_of")
    ]
    asked += [(APPOINTMENTS, booking(citizen=CITIZEN | {name: zero})) for name in ("name", "mail", "phone")]
    asked += [(APPOINTMENTS, booking(helpers=[CITIZEN | {"role": "other", "label": zero}]))]
    asked += [("/api/v1/holds", held), (f"{APPOINTMENTS}/{ref}/cancel", {"reason": zero})]
    for path, body in asked:
        assert (await both.post(path, body)).status in (409, 422), (path, body)
    for path in (f"{APPOINTMENTS}/%00", "/api/v1/products?service=%00", "/api/v1/events?after=%00"):
        assert (await both.get(path)).status in (400, 404), path
    assert (await both.ask("DELETE", f"{APPOINTMENTS}/{ref}/people/%00")).status == 404
    assert await written(both) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"text"', 422),
        (b"\xff\xfe{}", 400),
        (b'{"citizen": {"name": "\xed\xa0\x80"}}', 400),
        (b'{"citizen": {"name": "\\ud800"}}', 400),
        (b"[" * 100_000, 422),
        (b'{"a":' * 100_000, 422),
        (b'{"citizen": {"name": "An"}, "start": 1e400}', 422),
        (b'{"citizen": {"name": "An"}} x', 400),
    ],
)
async def test_a_body_that_is_none(api: Api, body: bytes, status: int) -> None:
    reply = await api.ask("POST", APPOINTMENTS, body, Content_Type="application/json")
    assert reply.status == status, reply.text
    assert len(reply.text) < 1000
    assert await written(api) == 0


async def test_a_body_of_another_kind(api: Api) -> None:
    raw = json.dumps(booking()).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        reply = await api.ask("POST", APPOINTMENTS, raw, Content_Type=kind)
        assert (reply.status, reply.json["title"]) == (415, "not_json")
    assert (await api.ask("POST", APPOINTMENTS, raw, Content_Type="application/json; charset=utf-8")).status == 201


async def test_an_operation_without_a_body_takes_none(api: Api) -> None:
    one = f"{APPOINTMENTS}/{(await api.book())['ref']}"
    reply = await api.post(f"{one}/confirm", {"sure": True})
    assert reply.json["detail"] == "sure: no such field; allowed: none"
    assert (await api.get(one)).json["status"] == "booked"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SOMEBODY = st.fixed_dictionaries({"name": ANYTHING, "mail": ANYTHING})
FIELDS = st.sampled_from([*booking(), "helpers", "question", "hold", "staff", "modality", "follow_up_of", "zz"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changed=st.dictionaries(FIELDS, ANYTHING | st.fixed_dictionaries({"name": ANYTHING, "mail": ANYTHING}), max_size=3)
)
async def test_whatever_comes_is_answered(api: Api, changed: dict[str, object]) -> None:
    """Never a mistake of ours, and booked only when it could be."""
    api.now_s += 10  # so that no key asks too much
    reply = await api.post(APPOINTMENTS, booking(**changed))
    assert reply.status in (201, 400, 409, 422), (changed, reply.text)
    if reply.status == 201:
        assert reply.json["start"] == AT
        await api.post(f"{APPOINTMENTS}/{reply.json['ref']}/cancel", {})
