"""Tries to sign in: how many, how soon again, for whom, and in how much memory."""

from __future__ import annotations

import random

import pytest

from balie.staff.limiter import ACCOUNT, ADDRESS, Allowance, Limiter

NOW_S = 1_800_000_000


def test_five_tries_then_one_a_minute() -> None:
    limiter = Limiter()
    for _ in range(ACCOUNT.burst):
        assert limiter.attempt("bart", "192.0.2.1", NOW_S) == 0
    assert limiter.attempt("bart", "192.0.2.1", NOW_S) == ACCOUNT.every_s
    assert limiter.attempt("bart", "192.0.2.1", NOW_S + 59) == 1
    assert limiter.attempt("bart", "192.0.2.1", NOW_S + 60) == 0
    assert limiter.attempt("bart", "192.0.2.1", NOW_S + 60) == ACCOUNT.every_s
    assert limiter.attempt("els", "192.0.2.1", NOW_S) == 0, "somebody else is not held up"


def test_a_refused_try_does_not_make_the_wait_longer() -> None:
    limiter = Limiter()
    for second in range(300):
        limiter.attempt("bart", "192.0.2.1", NOW_S + second // 60)
    assert limiter.attempt("bart", "192.0.2.1", NOW_S + 60) == 0


def test_a_guesser_with_many_addresses_is_held_up_by_the_account() -> None:
    limiter = Limiter()
    tries = [limiter.attempt("bart", f"192.0.2.{each}", NOW_S) for each in range(200)]
    assert tries.count(0) == ACCOUNT.burst


def test_a_guesser_with_many_accounts_is_held_up_by_his_address() -> None:
    limiter = Limiter()
    tries = [limiter.attempt(f"somebody-{each}", "192.0.2.1", NOW_S) for each in range(200)]
    assert tries.count(0) == ADDRESS.burst


@pytest.mark.parametrize(
    ("addresses", "one"),
    [
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:DB8:1:2::1%eth0"], True),
        (["2001:db8:1:2::1", "2001:db8:1:3::1"], False),
        (["192.0.2.1", "::ffff:192.0.2.1"], True),
        (["192.0.2.1", "192.0.2.2"], False),
        (["", "no address"], False),
    ],
)
def test_what_counts_as_one_address(addresses: list[str], one: bool) -> None:
    limiter = Limiter(address=Allowance(1, 60))
    tries = [limiter.attempt(f"somebody-{at}", address, NOW_S) for at, address in enumerate(addresses)]
    assert (tries.count(0) == 1) == one


def test_the_right_password_makes_earlier_mistakes_good() -> None:
    limiter = Limiter()
    for _ in range(ACCOUNT.burst):
        limiter.attempt("bart", "192.0.2.1", NOW_S)
    limiter.succeeded("bart", "192.0.2.1")
    assert limiter.attempt("bart", "192.0.2.1", NOW_S) == 0


def test_a_stranger_does_not_keep_somebody_out() -> None:
    """Where Bart signed in before, he still can; from there five tries, no more, are his too."""
    limiter = Limiter()
    assert limiter.attempt("bart", "192.0.2.1", NOW_S) == 0
    limiter.succeeded("bart", "192.0.2.1")
    for _ in range(100):
        limiter.attempt("bart", "198.51.100.7", NOW_S)
    assert limiter.attempt("bart", "198.51.100.7", NOW_S) > 0
    tries = [limiter.attempt("bart", "192.0.2.1", NOW_S) for _ in range(100)]
    assert tries.count(0) == ACCOUNT.burst


def test_memory_is_bounded() -> None:
    limiter = Limiter(keys_max=100)
    chance = random.Random(7)
    for at in range(5_000):
        login = f"somebody-{chance.randrange(1000)}"
        limiter.attempt(login, f"192.0.{chance.randrange(256)}.{chance.randrange(256)}", NOW_S + at)
        limiter.succeeded(login, "192.0.2.1")
    assert limiter.size() <= 300


def test_a_clock_that_runs_back_neither_locks_nor_opens_for_long() -> None:
    limiter = Limiter()
    for _ in range(ACCOUNT.burst):
        limiter.attempt("bart", "192.0.2.1", NOW_S)
    assert limiter.attempt("bart", "192.0.2.1", NOW_S - 3600) > 0
    assert limiter.attempt("bart", "192.0.2.1", NOW_S + 60) == 0
