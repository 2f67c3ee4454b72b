"""From a TOML file and environment variables to checked dataclasses.  Knows no setting by name.

A section is a frozen dataclass whose fields come from setting(); allowed types are str, int, float, bool, Literal
and tuples of these or of another section.  Whatever is wrong is a ConfigError that says where, what was found, what
is allowed and what to do.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from balie.errors import ConfigError

PREFIX = "BALIE_"
FILE_MAX = 1 << 20  # bytes: a configuration is a few kB, and a wrong path may be a disk

_TYPE_WORDS = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Rule:
    """What a field's value must also be.  check is called for each element of a tuple; it raises ConfigError."""

    least: float | None = None
    most: float | None = None
    nonempty: bool = False
    secret: bool = False
    check: Callable[[str, str], None] | None = None


def setting(
    default: Any,
    *,
    least: float | None = None,
    most: float | None = None,
    nonempty: bool = False,
    secret: bool = False,
    check: Callable[[str, str], None] | None = None,
) -> Any:
    """A field of a section.  secret: never shown, neither in messages nor in repr()."""
    rule = Rule(least, most, nonempty, secret, check)
    return dataclasses.field(default=default, repr=not secret, metadata={"rule": rule})


def read_settings(settings: type, path: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """The sections of a settings class, by name."""
    document, name = _parse(path), path.name
    kinds = _sections(settings)
    for key in document:
        if key not in kinds:
            raise ConfigError(name, key, f"one of the sections {_listed(kinds)}", _nearest(key, kinds))
    overrides = _overrides(kinds, environment)
    return {
        key: _section(kind, document.get(key, {}), f"{name} [{key}]", overrides[key]) for key, kind in kinds.items()
    }


def read_document(kind: type, path: Path, where: str) -> Any:
    """A whole file as one dataclass whose fields come from setting().  where: the argument that named the file."""
    return _section(kind, _parse(path, where, "Check the name, and that this user may read it."), path.name, {})


def variable(section: str, key: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{section}_{key}".upper()


def _parse(path: Path, where: str = "--config", hint: str = "Start from config.example.toml.") -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX + 1)
    except OSError as error:
        raise ConfigError(where, str(path), f"a file that can be read ({error.strerror})", hint) from None
    if len(data) > FILE_MAX:
        raise ConfigError(where, str(path), "a file of at most 1 MiB")
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise ConfigError(path.name, None, "UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        # The reason names a line and a column, and never quotes more than a character of a value.
        raise ConfigError(path.name, None, f"TOML: {error}") from None


def _sections(settings: type) -> dict[str, type]:
    hints = get_type_hints(settings).items()
    return {name: kind for name, kind in hints if isinstance(kind, type) and dataclasses.is_dataclass(kind)}


def _overrides(kinds: Mapping[str, type], environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Values from the environment, by section and key.

    Only names that begin with a section's are ours: Kubernetes sets BALIE_SERVICE_HOST and BALIE_PORT by itself for a
    service called balie.
    """
    found: dict[str, dict[str, str]] = {section: {} for section in kinds}
    for name, value in environment.items():
        for section, kind in kinds.items():
            if name.startswith(variable(section, "")):
                keys = {variable(section, field.name): field.name for field in dataclasses.fields(kind)}
                if name not in keys:
                    raise ConfigError("environment", name, f"one of {_listed(keys)}", _nearest(name, keys))
                found[section][keys[name]] = value
    return found


def _section(kind: type, table: object, where: str, overrides: Mapping[str, str]) -> Any:
    if not isinstance(table, dict):
        raise ConfigError(where, None, "a table with key = value lines")
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in table:
        if key not in fields:
            raise ConfigError(where, key, f"one of the keys {_listed(fields)}", _nearest(key, fields))
    values: dict[str, Any] = {}
    for name, field in fields.items():
        rule: Rule = field.metadata["rule"]
        at = f"{where} {name}"
        if name in overrides:
            at = variable(where.rpartition("[")[2].rstrip("]"), name)
            values[name] = _value(hints[name], _from_text(hints[name], overrides[name], at, rule), at, rule)
        elif name in table:
            values[name] = _value(hints[name], table[name], at, rule)
        elif rule.nonempty and field.default == "":
            raise ConfigError(at, None, "to be given")
    return kind(**values)


def _from_text(hint: Any, text: str, where: str, rule: Rule) -> object:
    """An environment variable's text as TOML would have given it.  Lists: TOML, or values with commas between."""
    if get_origin(hint) is tuple:
        if not text.lstrip().startswith("["):
            return [part.strip() for part in text.split(",") if part.strip()]
        try:
            return tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            raise ConfigError(where, None, "a list as in TOML, or values with commas between") from None
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError:
            raise ConfigError(where, None if rule.secret else text, _TYPE_WORDS[hint]) from None
    if hint is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    return text


def _value(hint: Any, value: object, where: str, rule: Rule) -> object:
    """A value of a field, of the right type and within its rule."""
    if get_origin(hint) is tuple:
        return _list(get_args(hint)[0], value, where, rule)
    if dataclasses.is_dataclass(hint):
        return _section(hint, value, where, {})  # type: ignore[arg-type]
    found = None if rule.secret else value
    if get_origin(hint) is Literal:
        allowed = get_args(hint)
        if value not in allowed:
            raise ConfigError(where, found, f"one of {_listed(allowed)}", _nearest(str(value), allowed))
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(where, found, _TYPE_WORDS[hint])
    if isinstance(value, int | float):
        _check_range(value, where, rule)
    elif isinstance(value, str):
        if rule.nonempty and not value:
            raise ConfigError(where, found, "a text that is not empty")
        if not value.isprintable():
            raise ConfigError(where, found, "one line without control characters")
        if rule.check is not None:
            rule.check(value, where)
    return value


def _list(element: Any, value: object, where: str, rule: Rule) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise ConfigError(where, None if rule.secret else value, 'a list, such as ["a", "b"]')
    if rule.nonempty and not value:
        raise ConfigError(where, value, "at least one value")
    inner = dataclasses.replace(rule, nonempty=False)
    read = tuple(_value(element, each, f"{where}[{at}]", inner) for at, each in enumerate(value))
    if len(set(read)) != len(read):
        raise ConfigError(where, None, "every value once")
    return read


def _check_range(value: float, where: str, rule: Rule) -> None:
    # Written so that nan, which TOML has, fails.
    low, high = rule.least, rule.most
    if (low is None or value >= low) and (high is None or value <= high):
        return
    raise ConfigError(where, value, f"a number from {low} to {high}")


def _listed(names: Mapping[str, object] | tuple[object, ...]) -> str:
    return ", ".join(str(name) for name in names)


def _nearest(name: str, allowed: Mapping[str, object] | tuple[object, ...]) -> str:
    near = difflib.get_close_matches(name, [str(each) for each in allowed], 1)
    return f"Did you mean {near[0]}?" if near else ""
