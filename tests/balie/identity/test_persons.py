"""Names: what a provider sends, and whether it may be who was booked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balie.booking.links import LinkKey
from balie.identity.persons import NAME_MAX, TEXT_MAX, Person, name_of, plain, same


@pytest.mark.parametrize(
    ("booked", "verified"),
    [
        ("An Peeters", "An Peeters"),
        ("an peeters", "AN PEETERS"),
        ("Peeters An", "An Peeters"),
        ("An Peeters", "An Maria Josephine Peeters"),
        ("Zoë D'Hondt", "Zoe D’Hondt"),
        ("An-Maria Peeters De Smet", "An Maria Peeters-De Smet"),
        ("José Müller", "Jose Muller"),
        ("Fatima", "Fatima"),
    ],
)
def test_the_same(booked: str, verified: str) -> None:
    assert same(booked, verified) and same(verified, booked)


@pytest.mark.parametrize(
    ("booked", "verified"),
    [
        ("An Peeters", "Jan Peeters"),
        ("An Peeters", "An Claes"),
        ("Peeters", "An Peeters"),
        ("An", "An Peeters"),
        ("", "An Peeters"),
        ("", ""),
        ("...", "An Peeters"),
    ],
)
def test_another(booked: str, verified: str) -> None:
    assert not same(booked, verified) and not same(verified, booked)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"given_name": "An", "family_name": "Peeters"}, "An Peeters"),
        ({"given_name": "An", "family_name": "Peeters", "name": "Mevr. Peeters"}, "An Peeters"),
        ({"name": "An Peeters", "given_name": "An"}, "An Peeters"),
        ({"family_name": "Peeters"}, "Peeters"),
        ({"given_name": " An\n", "family_name": "\x00Pee\u202eters "}, "An Pee ters"),
        ({"given_name": ["An"], "family_name": 7, "name": None}, ""),
        ({"name": "x" * 500}, "x" * NAME_MAX),
        ({}, ""),
    ],
)
def test_name_of(claims: dict[str, Any], name: str) -> None:
    assert name_of(claims) == name


def test_of_a_text_without_end_the_beginning_is_looked_at() -> None:
    """Putting many accents in order takes the square of their number."""
    assert len(plain("x" * 100_000)) == len(plain("\u0300\u0316" * 50_000)) == TEXT_MAX


@given(st.dictionaries(st.sampled_from(["given_name", "family_name", "name"]), st.text() | st.none() | st.integers()))
def test_any_name_is_one_printable_line(claims: dict[str, Any]) -> None:
    found = name_of(claims)
    assert found.isprintable() and len(found) <= NAME_MAX


def test_subjects_are_apart_and_say_nothing() -> None:
    one, other = Person("https://a.example", "1985-an", "An"), Person("https://b.example", "1985-an", "An")
    assert one.subject != other.subject and len(one.subject) == 64
    assert one.subject_hash(LinkKey(b"k" * 32)) != one.subject_hash(LinkKey(b"l" * 32))
    assert "1985" not in repr(one) and "An" not in repr(one).replace("Any", "")
