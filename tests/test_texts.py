"""Every text in every language: a text without translation fails here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from balie.i18n import CATALOGUES, LANGUAGES, SOURCE
from tests.support.tree import ROOT

OTHERS = sorted(set(LANGUAGES) - {SOURCE})
PLACEHOLDER = re.compile(r"\{\w*\}|%\(\w+\)[sd]")
Key = str | tuple[str, ...]


@cache
def source() -> frozenset[tuple[str | None, Key]]:
    """All texts of the code: (context, text or (one, many))."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [(each["pattern"], each["method"]) for each in mappings]
    options = {each["pattern"]: {"trimmed": "true"} for each in mappings if each["method"] == "jinja2"}
    keywords = {**DEFAULT_KEYWORDS, "pgettext": ((1, "c"), 2)}
    found = set()
    for folder in ("balie", "web"):
        rooted = [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods if folder in pattern]
        rooted_options = {pattern.removeprefix(f"{folder}/"): option for pattern, option in options.items()}
        for _, _, text, _, context in extract_from_dir(ROOT / folder, rooted, rooted_options, keywords):
            key = tuple(text) if isinstance(text, list | tuple) else text
            found.add((context, key))
    return frozenset(found)


@cache
def catalogue(language: str) -> Catalog:
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def forms(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        yield from value


def test_there_are_texts() -> None:
    assert len(source()) > 100
    assert (None, "Kom binnen") in source()


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    known = {(message.context, message.id): message.string for message in catalogue(language) if message.id}
    missing = [key for key in source() if not all(forms(known.get(key, ""))) or key not in known]
    assert not missing, f"{len(missing)} texts have no {language}: run `make texts` and fill in {missing[:5]}"
    assert set(known) == source(), f"{language} has texts that nobody says any more: run `make texts`"


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_half_translated(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        wanted = {match for form in forms(message.id) for match in PLACEHOLDER.findall(form)}
        for form in forms(message.string):
            found = set(PLACEHOLDER.findall(form))
            assert found == wanted or (len(list(forms(message.id))) > 1 and found <= wanted), (message.id, form)
