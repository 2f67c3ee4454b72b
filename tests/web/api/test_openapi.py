"""The OpenAPI document: valid, and true of what is served."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from balie.hooks.keys import SCOPES
from balie.record.events import TYPES
from tests.support.api import AT, Api, booking
from tests.support.till import Till, only_appointment
from web.api import openapi
from web.api.operation import Operation
from web.api.routes import OPERATIONS, ROUTES


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(openapi.document(OPERATIONS))


def test_it_is_valid(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_it_and_nothing_else(document: Any) -> None:
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    served = {(route.method, route.path) for route in ROUTES}
    assert described == served - {("GET", "/api/v1/openapi.json")}
    assert set(document["webhooks"]) == set(TYPES)


def test_names_and_scopes_are_known(document: Any) -> None:
    names = [each.name for each in OPERATIONS]
    assert len(set(names)) == len(names)
    assert {each.scope for each in OPERATIONS} == set(SCOPES)
    description = document["components"]["securitySchemes"]["key"]["description"]
    assert all(f"{scope}: {meaning}" in description for scope, meaning in SCOPES.items())


def test_fields_that_are_not_named_are_refused(document: Any) -> None:
    """What the code does (test_bad_input) is what the document says."""
    for each in OPERATIONS:
        if each.body is not None:
            assert document["components"]["schemas"][each.body.__name__]["additionalProperties"] is False, each.name


async def test_it_is_served_to_anybody(api: Api, document: Any) -> None:
    reply = await api.ask("GET", "/api/v1/openapi.json", secret="")
    assert reply.status == 200
    assert reply.json == document


async def test_answers_are_of_the_type_in_the_document(api: Api) -> None:
    """Every operation once, as it should go: status and type are those of the table."""
    ref = (await api.book())["ref"]
    people = f"/api/v1/appointments/{ref}/people"
    person = (await api.post(people, {"name": "Marie", "role": "family", "mail": "m@post.example"})).json["id"]
    wish = {"service": "vrije-tijd", "products": ["badminton"], "start": AT}
    query = "?service=vrije-tijd&product=badminton"
    bodies: dict[str, object] = {
        "hold": wish,
        "book": booking(start="2026-12-10T10:00:00+01:00"),
        "move": {"start": "2026-12-11T10:00:00+01:00"},
        "change_modality": {"modality": "desk"},
        "add_person": {"name": "Tolk", "role": "interpreter", "phone": "0470 12 34 56"},
        "cancel": {},
        "acknowledge": {"reference": "BK-1"},
    }
    await Till(api.store, api.office, await only_appointment(api.store)).bought(1)
    last = ("remove_person", "cancel")
    for each in sorted(OPERATIONS, key=lambda one: last.index(one.name) if one.name in last else -1):
        path = each.path.replace("{ref}", ref).replace("{person}", person).replace("{number}", "2026-000001")
        path += query if each.name in ("days", "slots") else ""
        reply = await api.ask(each.method, path, bodies.get(each.name))
        assert reply.status == each.status, (each.name, reply.text)
        check(each, reply.json)


def check(operation: Operation, answer: object) -> None:
    if operation.answers is None:
        assert answer is None
        return
    value = msgspec.convert(answer, operation.answers)
    fields = {each.encode_name for each in msgspec.structs.fields(operation.answers)}
    assert isinstance(answer, dict)
    assert answer.keys() <= fields, operation.name
    assert msgspec.to_builtins(value) is not None
