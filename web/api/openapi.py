"""The OpenAPI 3.1 document, made from the table of operations and the types of what they take and give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from balie.hooks.keys import SCOPES
from balie.record.events import TYPES
from balie.version import VERSION
from web.api import types
from web.api.idempotency import HEADER
from web.api.operation import Operation
from web.problems import PROBLEM_TYPE

REF = "#/components/schemas/{name}"
ALWAYS = (401, 403, 429)  # what any request may get

PATH_PARTS = {
    "ref": "The reference of an appointment, in capitals or not, with or without hyphens",
    "person": "The id of somebody who comes along",
    "number": "The number of a receipt, an invoice or a credit note",
}


@cache
def document(operations: tuple[Operation, ...]) -> bytes:
    """As JSON."""
    kinds: set[type[msgspec.Struct]] = {types.Problem, types.Event}
    kinds.update(kind for each in operations for kind in (each.answers, each.body) if kind is not None)
    _, schemas = msgspec.json.schema_components(sorted(kinds, key=str), ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "balie",
                "version": VERSION,
                "summary": "Appointments at the video counter",
                "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
            },
            "paths": paths,
            "webhooks": {name: _webhook(name, meaning) for name, meaning in TYPES.items()},
            "components": {
                "schemas": schemas,
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": _scopes()}},
            },
        }
    )


def _operation(each: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.summary,
        "security": [{"key": [each.scope]}],
        "parameters": [*_path(each.path), *_query(each.query)],
        "responses": _responses(each),
    }
    if each.once:
        made["parameters"].append(_idempotency_key())
    if each.body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(each.body)}}}
    return made


def _path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "description": PATH_PARTS[name], "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _query(kind: type[types.Asked]) -> list[dict[str, Any]]:
    schema = msgspec.json.schema(kind, ref_template=REF)["$defs"][kind.__name__]
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": each}
        for name, each in schema["properties"].items()
    ]


def _idempotency_key() -> dict[str, Any]:
    return {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "Asked again within a day under the same key, the answer is that to the first request",
        "schema": {"type": "string", "maxLength": 257},
    }


def _responses(each: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(each.status).phrase}
    if each.answers is not None:
        good["content"] = {"application/json": {"schema": _ref(each.answers)}}
    if each.name == "book":
        good["headers"] = {"Location": {"schema": {"type": "string", "format": "uri"}}}
    bad: dict[str, Any] = {
        "content": {PROBLEM_TYPE: {"schema": _ref(types.Problem)}},
    }
    statuses: Sequence[int] = sorted({*each.refusals, *ALWAYS})
    return {str(each.status): good, **{str(one): {"description": HTTPStatus(one).phrase, **bad} for one in statuses}}


def _webhook(name: str, meaning: str) -> dict[str, Any]:
    return {
        "post": {
            "operationId": name,
            "summary": meaning,
            "requestBody": {"content": {"application/cloudevents+json": {"schema": _ref(types.Event)}}},
            "responses": {"204": {"description": "Taken; any status from 200 to 299 will do"}},
        }
    }


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": REF.format(name=kind.__name__)}


def _scopes() -> str:
    return "A key with scopes. " + " ".join(f"{scope}: {meaning}." for scope, meaning in SCOPES.items())
