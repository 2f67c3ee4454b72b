"""What an operator may write in [bookkeeping], and the part of the program that comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balie import books
from balie.acts.rules import NoNumbers
from balie.bookkeeping.numbers import Numbers
from balie.config import OrganisationSection, Settings, load
from balie.errors import ConfigError
from balie.sections.bookkeeping import (
    AccountSection,
    BookkeepingSection,
    check_bookkeeping,
    digits,
    is_enterprise_number,
)

SELLER = BookkeepingSection(kbo="0999.999.922", vat="BE 0999 999 922", street="Dorpsplein 1", postcode="9", city="D")


def test_an_enterprise_number_checks_itself() -> None:
    # The bad ones have a digit changed, two changed places, one digit too few.
    good, bad = ("0316.380.841", "BE 0316 380 841"), ("0316.380.842", "0361.380.841", "316380841", "", "0316380841x")
    assert [is_enterprise_number(each) for each in (*good, *bad)] == [True] * 2 + [False] * 5


@given(st.integers(0, 19_999_999))
def test_one_number_of_a_hundred_is_right(first: int) -> None:
    right = [each for each in range(100) if is_enterprise_number(f"{first:08}{each:02}")]
    assert len(right) == 1


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ('kbo = "0316.380.842"', "kbo"),
        ('vat = "0316.380.841"', "vat"),
        ('vat = "NL0316380841"', "vat"),
        ('account = "=1+1"', "account"),
        ('accounts = [{ product = "x", account = "7;8" }]', "account"),
        ('kind = "bill"', "kind"),
        ('exemption = ""', "exemption"),
        ("every_s = 1", "every_s"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(tmp_path: Path, line: str, where: str) -> None:
    (tmp_path / "config.toml").write_text(f"[bookkeeping]\n{line}\n")
    with pytest.raises(ConfigError, match=where):
        load(tmp_path / "config.toml", {})


@pytest.mark.parametrize(
    ("section", "where"),
    [
        (replace(SELLER, street=""), "street"),
        (replace(SELLER, city=""), "city"),
        (BookkeepingSection(folder="boekhouding"), "kbo"),
        (replace(SELLER, accounts=(AccountSection("a", "1"), AccountSection("a", "2"))), "accounts"),
    ],
)
def test_what_does_not_go_together_is_refused(section: BookkeepingSection, where: str) -> None:
    with pytest.raises(ConfigError, match=where):
        check_bookkeeping(section, "config.toml")


def test_whole_and_empty_are_accepted() -> None:
    check_bookkeeping(SELLER, "config.toml")
    check_bookkeeping(BookkeepingSection(), "config.toml")


def test_the_seller_is_the_organisation() -> None:
    accounts = (AccountSection("badminton", "702100"),)
    section = replace(SELLER, kind="invoice", accounts=accounts)
    settings = replace(Settings(), organisation=OrganisationSection(name="Gemeente Dorp"), bookkeeping=section)
    made = books.numbers(settings)
    assert isinstance(made, Numbers)
    assert (made.seller.name, made.seller.kbo, made.seller.vat) == ("Gemeente Dorp", "0999999922", "BE0999999922")
    assert (made.kind, made.seller.vat[2:]) == ("invoice", digits("0999.999.922"))
    assert [made.accounts.of(each) for each in ("badminton", "attest")] == ["702100", "700000"]


def test_without_a_number_nothing_is_written_down() -> None:
    assert isinstance(books.numbers(Settings()), NoNumbers)
    assert books.folder(Settings()) is None


def test_the_folder_is_beside_the_configuration(tmp_path: Path) -> None:
    settings = replace(Settings(), folder=tmp_path, bookkeeping=replace(SELLER, folder="uit"))
    assert books.folder(settings) == tmp_path / "uit"
