"""The commands that look after an installation, as an operator types them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from balie.cli import main, staff
from balie.hooks.keys import find_key
from balie.staff import accounts
from balie.staff.passwords import Passwords
from balie.store.schema import api_key, audit
from balie.store.schema import staff as people

OFFICE = """
[organisation]
name = "Gemeente Voorbeeld"
phone = "+32 2 555 01 23"
[[services]]
slug = "vrije-tijd"
names = { nl = "Vrije tijd" }
phone = "+32 2 555 01 30"
"""
PASSWORD = "vier natte paraplu's"
Run = Callable[..., tuple[int, str, str]]


class Terminal(io.StringIO):
    """A standard input that somebody types on."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """run("key", "list"): its exit status, and what it printed.  typed: standard input, which is no terminal."""
    config, office = tmp_path / "config.toml", tmp_path / "office.toml"
    config.write_text("")
    office.write_text(OFFICE)

    def command(*arguments: str, typed: str | io.StringIO = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed) if isinstance(typed, str) else typed)
        filled = [str(office) if each == "OFFICE" else each for each in arguments]
        status = main([*filled, "--config", str(config)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command


def rows(tmp_path: Path, query: Any) -> list[Any]:
    engine = create_engine(f"sqlite:///{tmp_path / 'balie.sqlite'}")
    with engine.begin() as tx:
        found = [tuple(row) for row in tx.execute(query)]
    engine.dispose()
    return found


def add(run: Run, login: str, role: str = "counter", *more: str, typed: Any = PASSWORD + "\n") -> tuple[int, str, str]:
    return run("staff", "add", "--login", login, "--name", login.title(), "--role", role, *more, typed=typed)


def test_an_installation_from_nothing_to_the_first_account(run: Run, tmp_path: Path) -> None:
    for arguments in (("key", "list"), ("staff", "list")):
        status, out, err = run(*arguments)
        assert (status, out) == (1, "")
        assert "found no organisations" in err and "balie office load FILE" in err
    status, _, err = add(run, "hilde", "admin")
    assert status == 1 and "balie office load FILE" in err
    status, out, _ = run("office", "load", "OFFICE")
    assert status == 0 and re.search(r"service +vrije-tijd +made", out)
    assert add(run, "Hilde", "admin")[0] == 0
    ((login, kept),) = rows(tmp_path, select(people.c.login, people.c.password))
    assert login == "hilde" and Passwords(bytes).check(PASSWORD, kept).right
    assert ("cli", "staff.created") in rows(tmp_path, select(audit.c.actor, audit.c.action))


def test_accounts(run: Run, tmp_path: Path) -> None:
    run("office", "load", "OFFICE")
    add(run, "hilde", "admin")
    status, out, _ = add(run, "bart", "counter", "--service", "vrije-tijd", "--mail", "bart@example.be")
    assert status == 0 and "office load" in out
    listed = run("staff", "list")[1]
    assert re.search(r"bart +Bart +counter +vrije-tijd +yes +-", listed) and re.search(
        r"hilde .* admin +- +yes", listed
    )
    assert run("staff", "password", "bart", typed="zes groene fietsen\n")[0] == 0
    status, out, _ = run("staff", "deactivate", "bart")
    assert status == 0 and "cannot sign in" in out
    assert re.search(r"bart .* no ", run("staff", "list")[1])
    status, _, err = run("staff", "deactivate", "hilde")
    assert status == 1 and "the last administrator" in err and "staff add" in err
    actions = [row[0] for row in rows(tmp_path, select(audit.c.action).where(audit.c.actor == "cli"))]
    assert actions[-2:] == ["staff.password_set", "staff.disabled"]


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("bart", "counter"), PASSWORD, "--service: found '', need at least one of vrije-tijd"),
        (("bart", "counter", "--service", "sport"), PASSWORD, "--service: found 'sport', need one of vrije-tijd"),
        (("an an", "admin"), PASSWORD, "--login: found 'an an', need 1 to 254 characters without spaces"),
        (("hilde", "admin"), PASSWORD, "--login: found 'hilde', need a name that nobody has yet"),
        (("bart", "admin"), "kort\n", "password: need 12 to 256 characters without the login in it"),
        (("bart", "admin"), "", "password: need 12"),
        (("bartholomeus", "admin"), "bartholomeus1\n", "password: need 12"),
        (("bart", "admin", "--mail", "niemand"), PASSWORD, "--mail: found 'niemand', need a mail address"),
    ],
)
def test_an_account_that_cannot_be(run: Run, tmp_path: Path, arguments: Any, typed: str, said: str) -> None:
    run("office", "load", "OFFICE")
    add(run, "hilde", "admin")
    status, out, err = add(run, *arguments, typed=typed)
    assert (status, out) == (1, "") and said in err
    assert PASSWORD not in err and len(rows(tmp_path, select(people.c.id))) == 1


def test_nobody_is_changed_by_an_unknown_login(run: Run) -> None:
    run("office", "load", "OFFICE")
    for command in ("deactivate", "password"):
        status, _, err = run("staff", command, "niemand", typed=PASSWORD)
        assert status == 1 and "LOGIN: found 'niemand'" in err and "staff list" in err


def test_on_a_terminal_a_password_is_typed_twice(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("office", "load", "OFFICE")
    asked: list[str] = []
    answers: list[str] = []

    def without_echo(prompt: str) -> str:
        asked.append(prompt)
        return answers.pop(0)

    monkeypatch.setattr("getpass.getpass", without_echo)
    answers += [PASSWORD, PASSWORD + "!"]
    status, _, err = add(run, "hilde", "admin", typed=Terminal())
    assert status == 1 and "password: need the same one twice" in err
    answers += [PASSWORD, PASSWORD]
    assert add(run, "hilde", "admin", typed=Terminal())[0] == 0
    assert asked[-2:] == ["Password for hilde: ", "Once more: "]
    assert len(rows(tmp_path, select(people.c.id))) == 1


def test_keys(run: Run, tmp_path: Path) -> None:
    run("office", "load", "OFFICE")
    status, out, err = run("key", "create", "--name", "Contactcentrum", "--scopes", "slots:read", "appointments:write")
    secret = out.splitlines()[-1]
    assert (status, err) == (0, "") and secret.startswith("balie_")
    engine = create_engine(f"sqlite:///{tmp_path / 'balie.sqlite'}")
    with engine.begin() as tx:
        key = find_key(tx, secret)
        assert key is not None and key.scopes == {"slots:read", "appointments:write"}
    engine.dispose()
    assert secret not in repr(rows(tmp_path, select(api_key)) + rows(tmp_path, select(audit)))
    assert re.search(r"1 +Contactcentrum +appointments:write,slots:read +\S+ \S+ +- +-", run("key", "list")[1])
    assert run("key", "revoke", "1")[0] == 0
    assert re.search(r"1 +Contactcentrum .* - +20\d\d-", run("key", "list")[1])
    actions = [row[0] for row in rows(tmp_path, select(audit.c.action).where(audit.c.object == "key/1"))]
    assert actions == ["key.created", "key.revoked"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--name", "CRM", "--scopes", "slots"), "--scopes: found 'slots', need some of slots:read"),
        (("create", "--name", "CRM", "--scopes", ","), "--scopes: found ',', need some of"),
        (("create", "--name", " ", "--scopes", "slots:read"), "--name: found ' ', need one line"),
        (("revoke", "7"), "ID: found '7', need the number of a key that is not revoked yet"),
        (("revoke", "een"), "ID: found 'een'"),
    ],
)
def test_a_key_that_cannot_be(run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    run("office", "load", "OFFICE")
    status, out, err = run("key", *arguments)
    assert (status, out) == (1, "") and said in err
    assert rows(tmp_path, select(api_key)) == []


def test_a_group_without_an_action_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    for group in ("key", "staff", "office"):
        with pytest.raises(SystemExit) as stopped:
            main([group])
        assert stopped.value.code == 2
        assert "ACTION" in capsys.readouterr().err


def test_roles_are_those_that_there_are() -> None:
    assert staff.ROLES == accounts.ROLES
