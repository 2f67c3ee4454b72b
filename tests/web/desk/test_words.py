"""The desk has words for every code that it can be given: what balie.post and the tables know, and nothing beside."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from balie.post import undelivered
from balie.post.receiving import KINDS
from balie.store.schema import APPOINTMENT_STATES, MESSAGE_KINDS, MESSAGE_STATES, READ_EVIDENCE, TASK_KINDS
from tests.support.tree import python_files, text
from web.desk import task_words, words
from web.desk.tasks import KINDS as TASKS

UNKNOWN = "something new"
REASON_AT = {"Outcome": 1, "ask": 3, "_fail": 4}
"""Calls that name a reason, and which of their arguments it is."""
REASON_FUNCTIONS = ("reason_of", "_reason")
"""Functions that return one."""


def _trees(*folders: str) -> Iterator[ast.Module]:
    for folder in folders or ("balie/post/",):
        for name in python_files(folder.partition("/")[0]):
            if name.startswith(folder):
                yield ast.parse(text(name), name)


def _name(node: ast.Call) -> str:
    """Of the function that is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _texts(node: ast.expr | None) -> Iterator[str]:
    """What an expression may be, as far as its source says: a text, or the arms of a choice."""
    if isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _reasons() -> set[str]:
    """Every code in the source of balie.post that says why a message did not go, or may not have arrived."""
    found: set[str] = set()
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                at = REASON_AT.get(_name(node), len(node.args))
                for argument in node.args[at : at + 1]:
                    found |= set(_texts(argument))
            elif isinstance(node, ast.FunctionDef) and node.name in REASON_FUNCTIONS:
                for each in ast.walk(node):
                    found |= set(_texts(each.value)) if isinstance(each, ast.Return) else set()
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "reason":
                found |= set(_texts(node.value))
    return found - {""}


def test_every_reason_has_words_and_no_words_are_left_over() -> None:
    assert set(words.reasons()) == _reasons()


def test_reasons_are_told_apart() -> None:
    sentences = words.reasons().values()
    assert len(set(sentences)) == len(sentences)
    assert words.reason_words(UNKNOWN) not in sentences


def test_the_tasks_of_this_source_are_found() -> None:
    """The test above looks at source: these it must have seen."""
    assert _reasons() >= {*undelivered.DOUBTS, "address_unknown", "mailbox_full", "gave_up", "suppressed", "declined"}
    assert _reasons() >= {"address_unsupported", "no_gateway", "not_written", "sms_failed", "sender_refused"}


def _codes(error: str) -> set[str]:
    """Of an exception, wherever it is raised."""
    return {
        node.args[0].value
        for tree in _trees("balie/", "web/desk/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _name(node) == error
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


@pytest.mark.parametrize(
    ("error", "tell", "fallback"),
    [
        ("TaskError", task_words.error, "unknown_task"),
        ("InboxError", words.letter_error_words, "unknown_letter"),
    ],
)
def test_every_refusal_has_words(error: str, tell: object, fallback: str) -> None:
    assert callable(tell)
    codes = _codes(error)
    assert fallback in codes
    sentences = {tell(code) for code in codes}
    assert len(sentences) == len(codes), "only the fallback has the words for what is unknown"
    assert tell(UNKNOWN) == tell(fallback)


def test_every_kind_of_task_has_its_card_its_words_and_its_place_in_the_filter() -> None:
    assert set(TASKS) == set(task_words.kinds()) == set(task_words.marks()) == set(TASK_KINDS)
    assert len({each.slug for each in TASKS.values()}) == len(TASKS)
    assert set(words.letter_kinds()) == set(KINDS.values())


def _endings() -> set[str]:
    """Every word that a task ends with: the fifth argument of tasks.end(), and what settle() is told of how."""
    found = set[str]()
    for tree in _trees("balie/record/tasks", "balie/post/", "balie/acts/", "balie/visit/call_request", "web/desk/"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node) in ("end", "settle", "_end"):
                found |= {each for argument in node.args[4:5] for each in _texts(argument)}
                found |= {each for one in node.keywords if one.arg == "how" for each in _texts(one.value)}
    return found


def test_every_way_to_end_a_task_has_words() -> None:
    assert _endings() >= {"retried", "channel_switched", "phoned", "closed", "refunded", "kept"}
    assert _endings() - {"closed"} <= set(task_words.endings())


def test_every_state_has_words() -> None:
    assert set(words.statuses()) == set(APPOINTMENT_STATES)
    assert set(words.kinds()) == set(MESSAGE_KINDS)
    for status in MESSAGE_STATES:
        for read in READ_EVIDENCE:
            assert words.evidence_words(status, read)
    for status in ("delivered", "deferred"):
        assert "mailserver" not in words.evidence_words(status, "none", "sms")
