"""Passwords: right ones, wrong ones, none at all, and hashes of weaker days."""

from __future__ import annotations

import random
from unittest.mock import patch

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from balie.staff.passwords import LENGTH_MAX, LENGTH_MIN, Passwords, WeakPasswordError, check_strength

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
DEARER = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
PASSWORD = "vier natte paraplu's"


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(random.Random(1).randbytes, CHEAP)


def test_the_right_password_and_no_other(passwords: Passwords) -> None:
    kept = passwords.hash(PASSWORD)
    assert passwords.check(PASSWORD, kept).right
    for wrong in ("", PASSWORD[:-1], PASSWORD.upper(), f"{PASSWORD} ", "\0", "\ud800"):
        assert not passwords.check(wrong, kept).right, repr(wrong)


def test_the_same_password_is_kept_in_two_ways(passwords: Passwords) -> None:
    """Who reads the table does not see that two people chose the same."""
    kept = {passwords.hash(PASSWORD) for _ in range(3)}
    assert len(kept) == 3
    assert all(each.startswith("$argon2id$") and PASSWORD not in each for each in kept)


def test_letters_typed_as_one_sign_or_as_two_are_the_same(passwords: Passwords) -> None:
    assert passwords.check("cafe\u0301 met melk", passwords.hash("caf\u00e9 met melk")).right


@pytest.mark.parametrize("kept", [None, "", "x", "$argon2id$v=19$m=64,t=1,p=1$AAAA$", "$2b$12$abcdefghijklmnopqrstuv"])
def test_without_a_usable_hash_nothing_is_right(passwords: Passwords, kept: str | None) -> None:
    assert not passwords.check(PASSWORD, kept).right


@pytest.mark.parametrize("kept", [None, "", "known"])
def test_an_unknown_login_costs_as_much_as_a_wrong_password(passwords: Passwords, kept: str | None) -> None:
    """What takes time is the hash: it is computed once, with the same costs, whether there is somebody or not."""
    kept = passwords.hash(PASSWORD) if kept else kept
    costs = []

    def verify(hash_: str, password: bytes) -> bool:
        costs.append(hash_.split("$")[3])
        raise VerifyMismatchError

    with patch.object(PasswordHasher, "verify", side_effect=verify):
        assert not passwords.check("verkeerd wachtwoord", kept).right
    assert costs == ["m=64,t=1,p=1"]


def test_a_password_of_a_megabyte_is_no_work(passwords: Passwords) -> None:
    kept = passwords.hash(PASSWORD)
    with patch.object(PasswordHasher, "verify", side_effect=VerifyMismatchError) as verify:
        assert not passwords.check("x" * 1_000_000, kept).right
    verify.assert_called_once_with(kept, b"")


def test_a_hash_of_weaker_days_is_renewed(passwords: Passwords) -> None:
    kept = passwords.hash(PASSWORD)
    assert passwords.check(PASSWORD, kept).renewed == ""
    stronger = Passwords(random.Random(2).randbytes, DEARER)
    renewed = stronger.check(PASSWORD, kept).renewed
    assert renewed.startswith("$argon2id$v=19$m=64,t=2,")
    assert stronger.check(PASSWORD, renewed).right
    assert stronger.check("een verkeerd woord", kept).renewed == ""


def test_an_empty_hash_is_never_right_even_for_the_password_of_nobody() -> None:
    """The hash that stands in for an unknown login has a password too: it opens nothing."""
    passwords = Passwords(lambda size: bytes(size), CHEAP)
    assert not passwords.check(bytes(16).hex(), None).right
    assert not passwords.check(bytes(16).hex(), "").right


def test_the_default_costs_are_those_that_the_library_advises() -> None:
    kept = Passwords(random.Random(1).randbytes).hash(PASSWORD)
    assert not PasswordHasher().check_needs_rehash(kept)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "short"),
        ("x" * (LENGTH_MIN - 1), "short"),
        ("x" * (LENGTH_MAX + 1), "long"),
        ("bart.claes123", "login"),
        ("1234BART.CLAES", "login"),
    ],
)
def test_a_password_that_will_not_do(password: str, code: str) -> None:
    with pytest.raises(WeakPasswordError, match=code):
        check_strength(password, "bart.claes")


@pytest.mark.parametrize("password", ["x" * LENGTH_MIN, "x" * LENGTH_MAX, "🏸" * LENGTH_MIN, "bart.claes rijdt zondag"])
def test_a_password_that_will_do(password: str) -> None:
    check_strength(password, "bart.claes")
