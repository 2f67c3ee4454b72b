"""`balie key`: keys of the API, for other systems."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from balie.cli.opened import ACTOR, command, moment, organisation_of, table, write
from balie.errors import ConfigError

if TYPE_CHECKING:
    from balie.hooks.keys import ApiKey
    from balie.store.engine import Tx

NAME_MAX = 200


def add(commands: Any) -> None:
    """The group and its commands."""
    group = commands.add_parser("key", help="make, list and revoke keys of the API")
    actions = group.add_subparsers(required=True, metavar="ACTION", dest="action")
    made = command(actions, "create", _create, "print a new key, this once")
    made.add_argument("--name", required=True, help="which system it is for")
    made.add_argument("--scopes", required=True, metavar="SCOPE", nargs="+", help="what it may, see docs/api.md")
    command(actions, "list", _list, "all keys there ever were, and when each was last used")
    revoke = command(actions, "revoke", _revoke, "a key opens nothing any more, from now on")
    revoke.add_argument("id", metavar="ID", help="as `balie key list` shows it")


def _create(options: argparse.Namespace) -> int:
    import os

    from balie.hooks.keys import SCOPES, create_key, find_key
    from balie.record import audit

    name = options.name.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise ConfigError("--name", options.name, f"one line of 1 to {NAME_MAX} characters")
    scopes = sorted({scope for given in options.scopes for scope in given.split(",") if scope})
    for scope in scopes:
        if scope not in SCOPES:
            raise ConfigError("--scopes", scope, f"some of {', '.join(SCOPES)}", "docs/api.md says what each allows.")
    if not scopes:
        raise ConfigError("--scopes", " ".join(options.scopes), f"some of {', '.join(SCOPES)}")

    def make(tx: Tx, now_s: int) -> tuple[int, str]:
        secret = create_key(tx, now_s, os.urandom, organisation_of(tx), name, scopes)
        key = find_key(tx, secret)
        assert key is not None, "made a line above"
        audit.note(tx, now_s, ACTOR, "key.created", f"key/{key.id}", scopes=scopes)
        return key.id, secret

    number, secret = write(options, make)
    print(f"Key {number} for {name}: {', '.join(scopes)}.  It is shown this once; only its hash is kept.")
    print(secret)
    return 0


def _list(options: argparse.Namespace) -> int:
    from balie.hooks.keys import list_keys

    found: list[ApiKey] = write(options, lambda tx, _now_s: list_keys(tx, organisation_of(tx)))
    rows: list[tuple[object, ...]] = [("ID", "NAME", "SCOPES", "MADE", "LAST USED", "REVOKED")]
    for each in found:
        times = (moment(each.created_s), moment(each.used_s), moment(each.revoked_s))
        rows.append((each.id, each.name, ",".join(sorted(each.scopes)), *times))
    table(rows)
    return 0


def _revoke(options: argparse.Namespace) -> int:
    from balie.hooks.keys import list_keys, revoke_key
    from balie.record import audit

    def end(tx: Tx, now_s: int) -> str:
        known = {str(each.id): each for each in list_keys(tx, organisation_of(tx))}
        key = known.get(options.id)
        if key is None or not revoke_key(tx, now_s, key.id):
            need = "the number of a key that is not revoked yet"
            raise ConfigError("ID", options.id, need, "`balie key list` shows them.")
        audit.note(tx, now_s, ACTOR, "key.revoked", f"key/{key.id}")
        return key.name

    print(f"Key {options.id}, {write(options, end)}, is revoked.")
    return 0
