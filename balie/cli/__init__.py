"""The commands.  Those that run something are here, those that look after an installation in a module per group.

Only this package prints.  Nothing of the siblings is imported before check_siblings() has looked whose they are.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from balie.cli import keys, office, staff
from balie.errors import BalieError, ConfigError, StartError
from balie.version import VERSION

SIBLINGS = ("media", "signalling", "web")
INTERRUPTED = 130  # what a shell calls a program that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit status: 0 done, 1 it did not work, 2 wrong use."""
    options = _parser().parse_args(arguments)
    try:
        check_siblings()
        status: int = options.run(options)
    except BalieError as error:
        print(f"balie: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def check_siblings() -> None:
    """StartError when another distribution's package stands where one of ours should."""
    for name in SIBLINGS:
        try:
            owner = getattr(importlib.import_module(name), "DISTRIBUTION", None)
        except Exception as error:  # an alien package may fail in any way
            owner = type(error).__name__
        if owner != "balie":
            raise StartError(
                f"package {name!r} is not the one that comes with balie.\n"
                "Another distribution has overwritten it (web.py does): install balie in a virtual environment of "
                "its own."
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="balie", description="The digital counter: video calls with citizens.")
    parser.add_argument("--version", action="version", version=f"balie {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    command = commands.add_parser("serve", help="run the counter")
    command.add_argument("--config", metavar="FILE", type=Path, required=True, help="config.example.toml explains it")
    command.set_defaults(run=_serve)

    command = commands.add_parser("demo", help="run a demonstration on this machine and print its links")
    command.add_argument("--host", default="127.0.0.1", help="address of the pages (default %(default)s)")
    command.add_argument("--port", type=_port, default=8080, help="TCP port of the pages (default %(default)s)")
    command.add_argument(
        "--media-port", type=_port, default=7000, help="port of media, UDP and TCP (default %(default)s)"
    )
    command.set_defaults(run=_demo)

    command = commands.add_parser("token", help="print a join token")
    command.add_argument("--config", metavar="FILE", type=Path, required=True, help="where the keys are")
    command.add_argument("--room", required=True, help="the room it opens")
    command.add_argument("--name", required=True, help="the name that others see")
    command.add_argument("--role", required=True, choices=("citizen", "staff", "third"))
    command.add_argument("--id", default="", help="who this is: the same id is the same person (default: somebody new)")
    command.add_argument("--label", default="", help="what stands under the name, such as 'dochter'")
    command.add_argument("--ttl", type=int, metavar="SECONDS", help="time to connect with (default 120)")
    command.set_defaults(run=_token)

    command = commands.add_parser("doctor", help="check this machine and a configuration")
    command.add_argument("--config", metavar="FILE", type=Path, help="without it, the defaults are looked at")
    command.set_defaults(run=_doctor)

    office.add(commands)
    staff.add(commands)
    keys.add(commands)
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 1 to 65535")
    return int(text)


def leave_out_rich() -> None:
    """structlog reads it in where it is installed, as beside import-linter: 4 MB for colours that log.py turns off."""
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]


def _serve(options: argparse.Namespace) -> int:
    import os

    import uvloop

    from media.process import docstrings

    docstrings.leave_out()
    leave_out_rich()
    from balie import log
    from balie.app import build, serve
    from balie.booking.links import LinkKey
    from balie.config import check_for_serving, link_key, load, token_keys
    from balie.links import MemoryLinks
    from balie.store.engine import Store, database_url
    from signalling.tokens import Tokens

    settings = load(options.config)
    check_for_serving(settings, options.config.name)
    log.set_up(settings.log.level, settings.log.format)
    tokens = Tokens(
        settings.tokens.issuer,
        token_keys(settings, options.config.name),
        lifetime_max_s=settings.tokens.lifetime_max_s,
    )
    store = Store(database_url(settings.database.url, settings.folder))
    key = LinkKey(link_key(settings, options.config.name))
    uvloop.run(serve(build(settings, tokens, MemoryLinks(os.urandom), store, key)))
    return 0


def _demo(options: argparse.Namespace) -> int:
    import uvloop

    leave_out_rich()
    from balie import log
    from balie.app import serve
    from balie.demo import PASSWORD, build_demo, demo_settings
    from balie.demo_office import LOGIN

    log.set_up("warning", "console")
    balie, urls = build_demo(demo_settings(options.host, options.port, options.media_port))

    def announce() -> None:
        print("balie demo: open each link in a window of its own.  Ctrl-C stops.\n")
        for who, url in urls:
            print(f"{who}: {url}")
        site = balie.settings.server.public_url
        print(f"\nAfspraak maken: {site}/")
        print(f"Verzonden mail: {site}/demo/mail")
        print(f"Balie: {site}/balie, als {LOGIN} met wachtwoord {PASSWORD}")
        print("Meld u daar aan in een privévenster: waar een medewerker is aangemeld, kan de burger niets doen.")
        sys.stdout.flush()

    uvloop.run(serve(balie, announce))
    return 0


def _token(options: argparse.Namespace) -> int:
    import secrets

    from balie.config import load, token_keys
    from signalling.errors import TokenError
    from signalling.tokens import LIFETIME_MAX_S, Join, Tokens, default_grants

    settings = load(options.config)
    most = settings.tokens.lifetime_max_s
    lifetime_s = LIFETIME_MAX_S if options.ttl is None else options.ttl
    if not 1 <= lifetime_s <= most:
        raise ConfigError("--ttl", lifetime_s, f"1 to {most} seconds, see [tokens] lifetime_max_s")
    tokens = Tokens(settings.tokens.issuer, token_keys(settings, options.config.name), lifetime_max_s=most)
    person = options.id or f"{options.role}-{secrets.token_hex(6)}"
    join = Join(person, options.room, options.role, options.name, default_grants(options.role), options.label)
    now_s = int(time.time())
    try:
        made = tokens.mint(join, now_s, lifetime_s)
        tokens.verify(made, now_s, options.room)
    except TokenError as error:
        raise ConfigError("--room, --name, --id or --label", None, f"to make a valid token ({error.message})") from None
    except ValueError as error:
        raise ConfigError(f"{options.config.name} [tokens] keys[0]", None, f"a key that signs ({error})") from None
    print(made)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from balie.config import Settings, load
    from balie.doctor import examine

    settings = Settings() if options.config is None else load(options.config)
    worst = 0
    for finding in examine(settings):
        print(f"{finding.verdict:>5}  {finding.text}")
        worst = max(worst, int(finding.verdict == "wrong"))
    return worst
