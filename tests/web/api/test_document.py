"""docs/api.md: every example is played, one after the other; every operation, scope and error is in it."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from balie.hooks.feed import seal
from balie.hooks.keys import SCOPES
from tests.support.api import Api
from tests.support.tree import text
from web.api.routes import OPERATIONS

DOCUMENT, HOOKS = "docs/api.md", "docs/hooks.md"
BLOCK = re.compile(r"^```http\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MORE = "…"
"""Ends a text of which the rest does not matter; alone in a list or an object, there may be more."""
MADE = ("ref", "uid", "hold", "id", "link")
"""What the server makes up: the document has one value, a test run another."""


class Replay:
    """actual: by the document's value, what the server made up instead."""

    def __init__(self) -> None:
        self.actual: dict[str, str] = {}

    def said(self, written: str) -> str:
        """A part of the document with the values of this run."""
        for old, new in self.actual.items():
            written = written.replace(old, new)
            if len(old) == 7:
                written = written.replace(f"{old[:3]}-{old[3:]}", f"{new[:3]}-{new[3:]}")
        return written

    def compare(self, expected: Any, found: Any, where: str) -> None:
        """Raises when what was found is not what is written."""
        if isinstance(expected, dict):
            assert isinstance(found, dict), where
            if MORE not in expected:
                assert found.keys() == expected.keys(), where
            for name, value in expected.items():
                if name != MORE:
                    self.compare(value, self.made(name, value, found[name]), f"{where}.{name}")
        elif isinstance(expected, list):
            whole = MORE not in expected
            assert len(found) == len(expected) if whole else len(found) >= len(expected), where
            for at, value in enumerate(each for each in expected if each != MORE):
                self.compare(value, found[at], f"{where}[{at}]")
        elif isinstance(expected, str) and expected.endswith(MORE):
            assert found.startswith(self.said(expected[:-1])), where
        else:
            assert found == (self.said(expected) if isinstance(expected, str) else expected), where

    def made(self, name: str, expected: object, found: Any) -> Any:
        """Remember what the server made up."""
        if name in MADE and isinstance(expected, str):
            if expected.endswith(MORE):
                return found if name == "link" else expected
            self.actual.setdefault(expected, found)
        return found


def parts(block: str) -> tuple[str, dict[str, str], str]:
    """First line, headers, body."""
    head, _, body = block.partition("\n\n")
    first, *lines = head.strip().splitlines()
    return first, dict(line.split(": ", 1) for line in lines), body.strip()


async def play(api: Api, document: str, replay: Replay) -> int:
    """All examples of a document, in order; returns how many there were."""
    blocks = BLOCK.findall(text(document))
    for request, expected in zip(blocks[::2], blocks[1::2], strict=True):
        first, headers, body = parts(request)
        method, path, version = first.split(" ")
        assert version == "HTTP/1.1"
        assert headers.pop("Authorization") == "Bearer balie_…"
        content = json.loads(replay.said(body)) if body else None
        reply = await api.ask(method, replay.said(path), content, **headers)
        status, expected_headers, expected_body = parts(expected)
        assert status == f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", f"{first}: {reply.text}"
        replay.compare(json.loads(expected_body) if expected_body else None, reply.json, first)
        for name, value in expected_headers.items():
            assert reply.headers[name] == replay.said(value), first
    return len(blocks) // 2


async def test_every_example_is_played(api: Api) -> None:
    replay = Replay()
    assert await play(api, DOCUMENT, replay) >= 10
    assert {"K7M4PQA"} <= replay.actual.keys(), "or nothing was compared"


async def test_the_events_of_the_other_document_are_what_comes(api: Api) -> None:
    ref = (await api.book())["ref"]
    await api.store.write(seal, api.now_s, ())
    block = re.search(r"^```json\n(.*?)^```$", text(HOOKS), re.DOTALL | re.MULTILINE)
    assert block is not None
    replay = Replay()
    replay.actual["K7M4PQA"] = ref
    [event] = (await api.get("/api/v1/events")).json["events"]
    replay.compare(json.loads(block[1]), event, "event")
    await api.post(f"/api/v1/appointments/{ref}/cancel", {})
    await api.store.write(seal, api.now_s, ())
    assert await play(api, HOOKS, replay) == 1


def test_every_operation_and_scope_is_in_it() -> None:
    document = text(DOCUMENT)
    both = document + text(HOOKS)
    for each in OPERATIONS:
        assert re.search(rf"{each.method} {re.escape(each.path)}(`|\?| HTTP)", both), each.name
    for scope, meaning in SCOPES.items():
        assert f"| `{scope}` | {meaning.replace('appointments:read', '`appointments:read`')} |" in document


def test_every_title_of_an_error_is_in_it() -> None:
    found = set()
    for name in ("operation", "asking", "appointments", "events", "idempotency", "invoices"):
        found |= set(re.findall(r'refused\(\s*\d+,\s*"(\w+)"', text(f"web/api/{name}.py")))
    found |= set(re.findall(r'"(not_\w+)"', text("balie/booking/changes.py") + text("balie/booking/people.py")))
    assert len(found) >= 10
    assert not [title for title in found if f"`{title}`" not in text(DOCUMENT)]
