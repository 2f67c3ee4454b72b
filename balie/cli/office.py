"""`balie office`: what a municipality is and does, from a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from balie.cli.opened import ACTOR, command, table, write

if TYPE_CHECKING:
    from balie.store.engine import Tx


def add(commands: Any) -> None:
    """The group and its commands."""
    group = commands.add_parser("office", help="found the office, or bring it up to date")
    actions = group.add_subparsers(required=True, metavar="ACTION", dest="action")
    load = command(actions, "load", _load, "organisation, services, products and opening hours from a TOML file")
    load.add_argument("file", metavar="FILE", type=Path, help="docs/operations.md shows one")


def _load(options: argparse.Namespace) -> int:
    from balie import founding
    from balie.founding import Change

    wanted = founding.read(options.file)

    def apply(tx: Tx, now_s: int) -> list[Change]:
        return founding.apply(tx, now_s, wanted, ACTOR)

    table([("WHAT", "WHICH", "NOW"), *((each.what, each.which, each.done) for each in write(options, apply))])
    return 0
