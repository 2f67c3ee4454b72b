"""Rules of the code base that no other tool checks.  A message says what to do instead."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.support.tree import ROOT, files, python_files, text

LINES_MAX, FUNCTION_LINES_MAX = 400, 70
LONG_FILES = {
    "balie/store/schema.py": "every table in one place, as a newcomer looks for it",
    "migrations/versions/0001_the_first_tables.py": "written by Alembic",
    "migrations/versions/0003_formal_acts.py": "written by Alembic",
    "media/core/engine.py": "the forwarder's face: commands and the data path share its tables; its parts are modules",
    "media/io/udp.py": "two sockets of one shape, batched and plain, are easier compared side by side",
}
LONG_FUNCTIONS = {
    "balie/demo_office.py _products": "a table of products",
    "migrations/versions/0001_the_first_tables.py upgrade": "written by Alembic",
    "migrations/versions/0002_the_visit.py upgrade": "written by Alembic",
    "migrations/versions/0003_formal_acts.py upgrade": "written by Alembic",
    "tests/support/office.py found": "one municipality, in the order in which it is founded",
    "web/texts.py call_texts": "a table of texts",
}

CLOCKLESS = ("media/core/", "signalling/", "balie/links.py")
"""Where time and chance are arguments: so that tests choose them."""
CLOCKS = ("time", "random", "datetime")

ADAPTERS = {
    "aiortc": {"media/io/dtls.py"},
    "aioice": set[str](),
    "av": set[str](),
    "OpenSSL": {"media/io/dtls.py", "media/io/farewell.py"},
    "pylibsrtp": {"media/io/srtp.py"},
    "cffi": {"media/io/udp.py", "media/native/__init__.py"},
}
"""Who may import libraries whose insides we lean on, in what is shipped."""

TRANSLATES = ("_", "gettext", "ngettext")
SHIPPED = ("balie", "media", "migrations", "signalling", "web")

# Written apart, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
MACHINE = re.compile(
    "|".join(
        (
            r"/wo" + r"rk/",
            r"/ro" + r"ot/",
            r"/ho" + r"me/\w",
            r"/o" + r"pt/\w",
            r"fil" + r"e:///",
            r"registry\.npm" + r"js",
            r"pypi" + r"\.org",
            r"pythonhost" + r"ed",
            r"--(?:extra-)?index" + r"-url[ =]",
            r"--find" + r"-links[ =]",
        )
    )
)
BINARY = (".png", ".jpg", ".ico", ".woff2", ".gz", ".bin")


@dataclass(frozen=True)
class Facts:
    """What the rules ask of a Python file.  Its tree is walked once for all of them and forgotten: all trees together
    are hundreds of megabytes.

    imports    top-level names of imported modules, with lines
    prints     lines
    sleeps     lines where something waits for a time
    functions  names, with the number of their lines
    hidden     lines of calls for a translation in an f-string
    """

    documented: bool
    imports: tuple[tuple[str, int], ...]
    prints: tuple[int, ...]
    sleeps: tuple[int, ...]
    functions: tuple[tuple[str, int], ...]
    hidden: tuple[int, ...]


def imported(node: ast.AST) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield (node.module or "").partition(".")[0], node.lineno


def sleeps(node: ast.Call) -> bool:
    """A sleep of zero is a turn of the loop."""
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr in ("sleep", "wait_for_timeout")
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    )


def called(node: ast.Call) -> str:
    """The name that is called, if it is no attribute."""
    return node.func.id if isinstance(node.func, ast.Name) else ""


@cache
def facts(name: str) -> Facts:
    tree = ast.parse(text(name), name)
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = [call for node in nodes if isinstance(node, ast.JoinedStr) for call in ast.walk(node)]
    return Facts(
        documented=bool(ast.get_docstring(tree)),
        imports=tuple(each for node in nodes for each in imported(node)),
        prints=tuple(call.lineno for call in calls if called(call) == "print"),
        sleeps=tuple(call.lineno for call in calls if sleeps(call)),
        functions=tuple((each.name, (each.end_lineno or 0) - each.lineno + 1) for each in functions),
        hidden=tuple(call.lineno for call in inside if isinstance(call, ast.Call) and called(call) in TRANSLATES),
    )


def lines_with(pattern: re.Pattern[str], content: str) -> Iterator[tuple[int, str]]:
    """Line numbers, and what is found there."""
    return ((content.count("\n", 0, match.start()) + 1, match[0]) for match in pattern.finditer(content))


def test_time_and_chance_are_arguments() -> None:
    found = [
        f"{name}:{line} imports {module}"
        for name in python_files("media", "signalling", "balie")
        if name.startswith(CLOCKLESS)
        for module, line in facts(name).imports
        if module in CLOCKS
    ]
    assert not found, "take now_us or now_s as an argument, and entropy as a callable"


def test_libraries_with_private_parts_stay_behind_adapters() -> None:
    found = [
        f"{name}:{line} imports {module}"
        for name in python_files(*SHIPPED)
        for module, line in facts(name).imports
        if module in ADAPTERS and name not in ADAPTERS[module]
    ]
    assert not found, "use the adapter in media.io"


def test_only_the_command_line_prints() -> None:
    shipped = [name for name in python_files(*SHIPPED) if not name.startswith("balie/cli/")]
    found = [f"{name}:{line}" for name in shipped for line in facts(name).prints]
    assert not found, "log with structlog"


def test_tests_do_not_sleep() -> None:
    """Waiting for a time is slow when it works and flaky when it does not: wait for the event."""
    found = [f"{name}:{line}" for name in python_files("tests") for line in facts(name).sleeps]
    assert not found


def test_every_file_says_what_it_is_for() -> None:
    missing = [name for name in python_files() if text(name).strip() and not facts(name).documented]
    assert not missing, "open the file with a docstring: what it is for and what may live in it"


def test_nothing_is_left_for_later_in_a_comment() -> None:
    found = [
        f"{name}:{number}"
        for name in files()
        if not name.endswith(BINARY) and name != "LICENSE"
        for number, _ in lines_with(UNFINISHED, text(name))
    ]
    assert not found, "do it, or open an issue"


def test_no_machine_and_no_registry_is_named() -> None:
    found = [
        f"{name}:{number} {what}"
        for name in files()
        if not name.endswith(BINARY)
        for number, what in lines_with(MACHINE, text(name))
    ]
    assert not found, "a checkout must work anywhere"


def test_file_names_say_something() -> None:
    vague = re.compile(r"(^|/)(helpers?|utils?|misc|common|stuff)(/|\.\w+$)")
    assert not [name for name in files() if vague.search(name)], "name a file after what is in it"


def test_long_files_have_a_reason() -> None:
    sizes = {name: text(name).count("\n") for name in files() if name.endswith((".py", ".js"))}
    long = {name for name, lines in sizes.items() if lines > LINES_MAX}
    assert not long - LONG_FILES.keys(), f"over {LINES_MAX} lines: is there a second idea in it?"
    assert not LONG_FILES.keys() - sizes.keys(), "gone: take it off the list"


def test_long_functions_have_a_reason() -> None:
    sizes = {f"{name} {function}": lines for name in python_files() for function, lines in facts(name).functions}
    long = {name for name, lines in sizes.items() if lines > FUNCTION_LINES_MAX}
    assert not long - LONG_FUNCTIONS.keys(), f"over {FUNCTION_LINES_MAX} lines: is there a second idea in it?"
    assert not LONG_FUNCTIONS.keys() - sizes.keys(), "gone: take it off the list"


def test_tests_are_no_package() -> None:
    """--import-mode=importlib: an __init__.py would make two tests of the same name collide."""
    assert not [name for name in files() if name.startswith("tests/") and name.endswith("__init__.py")]


@pytest.mark.parametrize("package", ["balie", "media", "signalling", "web"])
def test_each_sibling_says_whose_it_is(package: str) -> None:
    tree = ast.parse(text(f"{package}/__init__.py"))
    named = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)]
    assert named == ["balie"], "DISTRIBUTION: `balie` checks it before it starts"


def test_import_linter_knows_every_module_of_the_top_layers() -> None:
    """A new module or package of balie must be put in a layer, or nobody checks what it imports."""
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    known = {module.strip() for layer in layers for module in re.split(r"[|:]", layer)}
    modules = {
        ".".join(name.removesuffix(".py").split("/")[:2])
        for name in python_files("balie")
        if name != "balie/__init__.py"
    }
    assert modules == {module for module in known if module.startswith("balie")}


def test_the_lock_has_a_hash_for_everything_that_is_asked_for() -> None:
    lock = text("requirements.lock")
    entries = re.findall(r"^([a-z0-9-]+)==\S+ \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", lock, re.MULTILINE)
    locked = {name for name, _ in entries}
    assert locked == set(re.findall(r"^([A-Za-z0-9_.-]+)==", lock, re.MULTILINE)), "an entry without a hash"
    project = tomllib.loads(text("pyproject.toml"))["project"]
    asked = [*project["dependencies"], *(each for group in project["optional-dependencies"].values() for each in group)]
    names = {re.split(r"[\[<>=~!; ]", each)[0].lower().replace("_", "-") for each in asked}
    assert not names - locked, "run `make lock`"


def test_the_checkout_has_its_doors() -> None:
    for name in (".ci/run", ".ci/apt"):
        assert (ROOT / name).stat().st_mode & 0o111, f"{name} must be executable"
        assert text(name).startswith("#!/usr/bin/env bash\n")
        assert "set -euo pipefail" in text(name)
    assert text(".ci/run").rstrip().endswith("make test")


def test_no_text_hides_in_an_f_string() -> None:
    """Babel does not look into them before Python 3.12: such a text would never be translated."""
    hidden = [f"{name}:{line}" for name in python_files() for line in facts(name).hidden]
    assert not hidden
