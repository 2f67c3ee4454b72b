"""`balie staff`: accounts of the people who work here, the first one of a new installation too."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from balie.cli.opened import ACTOR, NO_OFFICE, command, moment, organisation_of, table, write
from balie.errors import ConfigError, StartError

if TYPE_CHECKING:
    from balie.staff.directory import Account
    from balie.store.engine import Tx

ROLES = ("counter", "lead", "admin")
"""Those of balie.staff.accounts, which is not imported for an answer to --help; a test holds them together."""


def add(commands: Any) -> None:
    """The group and its commands."""
    group = commands.add_parser("staff", help="look after the accounts of the people who work here")
    actions = group.add_subparsers(required=True, metavar="ACTION", dest="action")
    made = command(
        actions, "add", _add, "a new account; asks for its password, or reads it as a line of standard input"
    )
    made.add_argument("--login", required=True, help="the name to sign in with")
    made.add_argument("--name", required=True, help="the name that citizens see")
    made.add_argument("--role", required=True, choices=ROLES, help="admin sees every service and makes accounts")
    made.add_argument(
        "--service", metavar="SLUG", action="append", default=[], help="of the office file; repeat for more"
    )
    made.add_argument("--mail", default="", help="his mail address")
    command(actions, "list", _list, "all accounts, closed ones too")
    for name, run, said in (
        ("deactivate", _deactivate, "close an account: signed out everywhere, appointments stay"),
        ("password", _password, "another password; all sessions end"),
    ):
        command(actions, name, run, said).add_argument("login", metavar="LOGIN")


def _add(options: argparse.Namespace) -> int:
    from balie.staff import accounts
    from balie.staff.accounts import AccountError

    kept = _ask(options, accounts.plain_login(options.login), _check_new)

    def make(tx: Tx, now_s: int) -> int:
        here = organisation_of(tx)
        try:
            return accounts.create(
                tx,
                now_s,
                here,
                login=options.login,
                name=options.name,
                mail=_mail(options.mail),
                roles=(options.role,),
                services=_services(tx, here, options),
                password=kept,
                actor=ACTOR,
            )
        except AccountError as error:
            raise _said(error, options) from None

    write(options, make)
    print(f"{accounts.plain_login(options.login)} can sign in at /balie/aanmelden.")
    if options.service:
        print("Opening hours: he adds his own at /balie/beschikbaarheid, or run `balie office load FILE` again.")
    return 0


def _mail(typed: str) -> str:
    from balie.booking.errors import Unfit
    from balie.booking.people import check_mail

    try:
        return check_mail(typed) if typed.strip() else ""
    except Unfit:
        raise ConfigError("--mail", typed, "a mail address, such as an.peeters@example.be") from None


def _check_new(tx: Tx, options: argparse.Namespace) -> None:
    """What is wrong is said before somebody has thought of a password."""
    from balie.staff import directory

    _services(tx, organisation_of(tx), options)
    if directory.by_login(tx, options.login) is not None:
        raise ConfigError("--login", options.login, "a name that nobody has yet", "`balie staff list` shows them.")


def _services(tx: Tx, organisation_id: int, options: argparse.Namespace) -> list[int]:
    from sqlalchemy import select

    from balie.store.schema import service

    query = select(service.c.slug, service.c.id).where(service.c.organisation_id == organisation_id, service.c.active)
    known = {row.slug: row.id for row in tx.execute(query.order_by(service.c.id))}
    if not known and options.role != "admin":
        raise StartError(f"[database] url: found no service yet, need one for --service.\n{NO_OFFICE}")
    if not options.service and options.role != "admin":
        raise ConfigError("--service", "", f"at least one of {', '.join(known)}", "Only an admin sees every service.")
    for slug in options.service:
        if slug not in known:
            raise ConfigError("--service", slug, f"one of {', '.join(known) or 'none yet'}", "" if known else NO_OFFICE)
    return [known[slug] for slug in options.service]


def _said(error: Any, options: argparse.Namespace) -> ConfigError:
    """What balie.staff.accounts refuses, in the words of this command."""
    login = options.login
    return {
        "login_taken": ConfigError("--login", login, "a name that nobody has yet", "`balie staff list` shows them."),
        "login_bad": ConfigError("--login", login, "1 to 254 characters without spaces"),
        "name_bad": ConfigError("--name", getattr(options, "name", None), "one line of 1 to 200 characters"),
        "last_admin": ConfigError(
            "LOGIN", login, "somebody who is not the last administrator", "Make another first: `balie staff add`."
        ),
    }.get(error.code) or ConfigError("LOGIN", login, f"an account that allows this ({error.code})")


def _list(options: argparse.Namespace) -> int:
    from balie.staff import directory

    found: list[Account] = write(options, lambda tx, now_s: directory.listed(tx, now_s, organisation_of(tx)))
    slugs = write(options, _slugs)
    rows: list[tuple[object, ...]] = [("LOGIN", "NAME", "ROLES", "SERVICES", "ACTIVE", "LAST SIGN-IN")]
    for each in found:
        services = ",".join(slugs[service_id] for service_id, _names in each.services) or "-"
        active = "yes" if each.active else "no"
        rows.append((each.login, each.name, ",".join(each.roles), services, active, moment(each.seen_s)))
    table(rows)
    return 0


def _slugs(tx: Tx, _now_s: int) -> dict[int, str]:
    from sqlalchemy import select

    from balie.store.schema import service

    return {row.id: row.slug for row in tx.execute(select(service.c.id, service.c.slug))}


def _deactivate(options: argparse.Namespace) -> int:
    from balie.staff import accounts
    from balie.staff.accounts import AccountError

    def close(tx: Tx, now_s: int) -> int:
        here, staff_id = organisation_of(tx), _known(tx, options)
        try:
            accounts.disable(tx, now_s, staff_id, ACTOR)
        except AccountError as error:
            raise _said(error, options) from None
        from balie.staff import directory

        found = directory.of(tx, now_s, here, staff_id)
        return found.to_come if found is not None else 0

    to_come = write(options, close)
    print(f"{options.login} is signed out everywhere and cannot sign in any more.")
    if to_come:
        print(f"Appointments still to come: {to_come}.  Move them at /balie/afspraken.")
    return 0


def _password(options: argparse.Namespace) -> int:
    from balie.staff import accounts

    kept = _ask(options, accounts.plain_login(options.login), _known)

    def change(tx: Tx, now_s: int) -> None:
        accounts.set_password(tx, now_s, _known(tx, options), kept, ACTOR)

    write(options, change)
    print(f"{options.login} has another password and is signed out everywhere.")
    return 0


def _known(tx: Tx, options: argparse.Namespace) -> int:
    from balie.staff import directory

    found = directory.by_login(tx, options.login)
    if found is None:
        raise ConfigError("LOGIN", options.login, "the login of an account", "`balie staff list` shows them.")
    return found


def _ask(options: argparse.Namespace, login: str, check: Any) -> str:
    """The hash of a password: typed twice on the terminal without echo, or a line of standard input.

    check: of the command's other arguments, before anybody is asked
    """
    import getpass
    import os

    from balie.staff.passwords import LENGTH_MAX, LENGTH_MIN, Passwords, WeakPasswordError, check_strength

    write(options, lambda tx, _now_s: check(tx, options))
    if sys.stdin.isatty():
        password = getpass.getpass(f"Password for {login}: ")
        if getpass.getpass("Once more: ") != password:
            raise ConfigError("password", None, "the same one twice")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        check_strength(password, login)
    except WeakPasswordError:
        need = f"{LENGTH_MIN} to {LENGTH_MAX} characters without the login in it"
        raise ConfigError("password", None, need, "A sentence of a few words is easy to remember.") from None
    return Passwords(os.urandom).hash(password)
