"""Reads requests into their types, and says of what does not fit where it stands, what it is and what is allowed."""

from __future__ import annotations

import re
from functools import cache
from typing import TypeVar

import msgspec
from aiohttp import web
from msgspec import inspect

from balie.i18n import LANGUAGES, SOURCE
from web.api.refusals import RefusedError, misfit, refused
from web.api.types import Asked

Kind = TypeVar("Kind", bound=Asked)

_WHERE = re.compile(r"(?P<what>.*?)(?: - at `\$?\.?(?P<where>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")
SHOWN_MAX = 40  # characters of a name that somebody made up


def query(request: web.Request, kind: type[Kind]) -> Kind:
    """What stands behind the question mark.  A name stands there once, unless its type is a list."""
    lists = _lists(kind)
    found: dict[str, str | list[str]] = {}
    for name in request.query:
        values = request.query.getall(name)
        if len(values) > 1 and name not in lists:
            raise misfit(name[:SHOWN_MAX], "repeated", "found twice, need it once")
        found[name] = values if name in lists else values[0]
    try:
        return msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _misfit(error, kind) from None


async def body(request: web.Request, kind: type[Kind]) -> Kind:
    """A JSON body.  None at all is an empty object: it says what its fields' defaults say."""
    raw = await request.read()
    if raw and request.content_type != "application/json":
        raise refused(415, "not_json", f"found {request.content_type}, need application/json")
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise _misfit(error, kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refused(400, "not_json", f"the body is no JSON: {error}") from None


def language(request: web.Request) -> str:
    """The best of ours that Accept-Language names (RFC 9110 12.5.4); Dutch when it names none."""
    best, best_quality = SOURCE, 0.0
    for part in request.headers.get("Accept-Language", "").split(","):
        tag, _, parameter = part.partition(";")
        short = tag.strip().lower().partition("-")[0]
        quality = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameter)
        value = float(quality[1]) if quality else 0.0 if parameter else 1.0
        if short in LANGUAGES and value > best_quality:
            best, best_quality = short, value
    return best


def _misfit(error: msgspec.ValidationError, kind: type) -> RefusedError:
    found = _WHERE.fullmatch(str(error))
    assert found is not None, "the expression takes any text"
    what, where = found["what"], found["where"] or ""
    if (unknown := _UNKNOWN.fullmatch(what)) is not None:
        allowed = ", ".join(sorted(each.encode_name for each in _fields(_at(inspect.type_info(kind), where))))
        name = unknown["field"][:SHOWN_MAX]
        return misfit(_joined(where, name), "unknown_field", f"no such field; allowed: {allowed or 'none'}")
    if (missing := _MISSING.fullmatch(what)) is not None:
        return misfit(_joined(where, missing["field"]), "missing", "this field is needed")
    if isinstance(choice := _at(inspect.type_info(kind), where), inspect.LiteralType):
        what += f"; allowed: {', '.join(map(str, choice.values))}"
    return misfit(where or "body", "invalid", what)


def _joined(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _at(kind: inspect.Type, where: str) -> inspect.Type:
    """The type at a path such as helpers[0].mail."""
    for name in filter(None, re.split(r"\.|\[[^\]]*\]", where)):
        kind = next((_inner(each.type) for each in _fields(kind) if each.encode_name == name), kind)
    return kind


def _inner(kind: inspect.Type) -> inspect.Type:
    """Of a list, what is in it; of an annotation, what it is about."""
    if isinstance(kind, inspect.Metadata):
        return _inner(kind.type)
    if isinstance(kind, inspect.ListType):
        return _inner(kind.item_type)
    return kind


@cache
def _lists(kind: type) -> frozenset[str]:
    """Names that may stand there more than once."""
    return frozenset(each.encode_name for each in _fields(inspect.type_info(kind)) if _is_list(each.type))


def _is_list(kind: inspect.Type) -> bool:
    return isinstance(kind.type if isinstance(kind, inspect.Metadata) else kind, inspect.ListType)


def _fields(kind: inspect.Type) -> tuple[inspect.Field, ...]:
    return kind.fields if isinstance(kind, inspect.StructType) else ()
