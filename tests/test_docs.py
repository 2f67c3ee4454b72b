"""Documents say what is: every setting, command, metric, URL and message is in them, and every link leads somewhere."""

from __future__ import annotations

import argparse
import dataclasses
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest
from aiohttp import web

from balie.cli import _parser
from balie.config import Settings, TokenKeySection, load
from balie.reading import variable
from balie.sections.identity import ProviderSection
from media.core.drops import Drop
from signalling import messages
from tests.support.tree import ROOT, files, text
from web import sms_reports
from web.health import COUNTERS, GAUGES
from web.routes import ROUTES

EXAMPLE = "config.example.toml"
OPERATIONS = "docs/operations.md"
DOCUMENTS = tuple(name for name in files() if name.endswith(".md"))


def keys() -> list[tuple[str, str]]:
    """Every setting: section and key."""
    return [
        (section, field.name)
        for section, kind in get_type_hints(Settings).items()
        if kind is not Path
        for field in dataclasses.fields(kind)
    ]


def test_the_example_is_the_defaults() -> None:
    assert load(ROOT / EXAMPLE, {}) == Settings()


def test_every_setting_is_explained_in_the_example() -> None:
    document = tomllib.loads(text(EXAMPLE))
    assert [(section, key) for section, table in document.items() for key in table] == keys(), "the same, in order"
    explained = ""
    for line in text(EXAMPLE).splitlines():
        if line.startswith("#"):
            explained += line
        elif re.match(r"\w+ =", line):
            # host and port, or the limits, may stand under one comment.
            assert explained, f"{line}: no comment above it"
        elif line.startswith("["):
            explained = ""
    for field in (*dataclasses.fields(TokenKeySection), *dataclasses.fields(ProviderSection)):
        assert re.search(rf"\b{field.name}\b", text(EXAMPLE)), field.name


def test_every_setting_can_be_overridden(tmp_path: Path) -> None:
    """By its variable, with the value it has: nothing may change, and nothing may be refused."""
    document = tomllib.loads(text(EXAMPLE))
    path = tmp_path / "config.toml"
    path.write_text("")
    environment = {}
    for section, key in keys():
        value = document[section][key]
        environment[variable(section, key)] = ",".join(value) if isinstance(value, list) else str(value)
    assert load(path, environment) == Settings()


def test_the_configuration_in_the_manual_is_accepted(tmp_path: Path) -> None:
    block = re.search(r"config\.toml <<'END'\n(.*?)\nEND\n", text(OPERATIONS), re.DOTALL)
    assert block is not None
    path = tmp_path / "config.toml"
    path.write_text(block[1])
    assert load(path, {}).server.public_url.startswith("https://")


def commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Everything that can be run: of a group, its actions."""
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not groups:
        yield name, parser
    for group in groups:
        for each, child in group.choices.items():
            yield from commands(child, f"{name} {each}".strip())


def test_every_command_is_in_the_manual() -> None:
    for name, parser in commands(_parser()):
        lines = [line for line in text(OPERATIONS).splitlines() if line.startswith(f"| `balie {name}")]
        assert len(lines) == 1, name
        options = [option for each in parser._actions for option in each.option_strings if option.startswith("--")]
        assert not [option for option in options if option != "--help" and option not in lines[0]], name


def test_every_metric_and_every_reason_is_in_the_manual() -> None:
    names = [f"balie_{name}" for name in GAUGES] + [f"balie_{name}_total" for name in (*COUNTERS, "dropped")]
    manual = text(OPERATIONS)
    assert not [name for name in names if f"| `{name}` |" not in manual]
    assert set(re.findall(r"`(balie_\w+)` \|", manual)) == set(names), "one that is no longer there"
    table = manual.partition("| reason |")[2]
    reasons = {reason for line in table.splitlines() for reason in re.findall(r"`(\w+)`", line.partition("| ")[2])}
    assert reasons == {reason.name.lower() for reason in Drop}


def test_every_url_is_in_the_manual() -> None:
    manual = text(OPERATIONS) + text("docs/urls.md")
    for route in (*ROUTES, *sms_reports.ROUTES):
        assert isinstance(route, web.RouteDef | web.StaticDef)
        path = route.path if isinstance(route, web.RouteDef) else f"{route.prefix}/…"
        if path.startswith("/api/"):
            continue  # tests/web/api holds docs/api.md to them
        for kind in ("whip", "whep") if "{kind" in path else ("",):
            assert f"{path.replace('{kind:whip|whep}', kind)}`" in manual, path


def test_every_message_is_in_the_protocol() -> None:
    protocol = text("signalling/PROTOCOL.md")
    for family in (messages.ClientMessage, messages.ServerMessage):
        for message in family.__subclasses__():
            assert re.search(rf'"type": ?"{message.__struct_config__.tag}"', protocol), message.__name__


PARTS = ("browsers", "collected", "compiler", "databases", "imports", "layout", "lint", "networks", "scripts", "types")
"""What other targets call."""


def test_every_make_target_is_in_the_manual() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)
    assert phony is not None
    for target in phony[1].split():
        if target not in PARTS:
            assert f"`make {target}`" in text("docs/development.md"), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text(name)):
        if "://" not in target:
            assert ((ROOT / name).parent / target).exists(), target


def test_the_changelog_keeps_its_form() -> None:
    """https://keepachangelog.com/en/1.1.0/: Unreleased first, kinds that are known."""
    headings = re.findall(r"^(##+) (.*)$", text("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == ("##", "[Unreleased]")
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {heading for level, heading in headings if level == "###"} <= kinds
