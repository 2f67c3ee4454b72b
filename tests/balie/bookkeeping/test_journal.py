"""The journal as a spreadsheet in Belgium reads it, whatever people are called."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balie.bookkeeping import journal
from balie.bookkeeping.accounts import Accounts
from balie.bookkeeping.content import Content, Line, Paid
from balie.bookkeeping.journal import COLUMNS, Entry
from tests.support.paper import OFFICE

COURT = Content(
    "receipt",
    "2026-000017",
    "2026-12-08",
    OFFICE,
    "An Peeters",
    Line("Badminton; terrein 1", 900, "S", 600),
    Paid("010806817183", "bancontact", "2026-12-08", "tr_7UhSN1zuXS"),
)
CREDIT = replace(COURT, kind="credit", number="C2026-000001", refers_to="2026-000017", refers_day="2026-12-08")
ACCOUNTS = Accounts("700000", {"badminton": "702100"})


def lines(*contents: Content, product: str = "badminton") -> list[dict[str, str]]:
    made = journal.write([Entry(each, product) for each in contents], ACCOUNTS)
    assert made.startswith(b"\xef\xbb\xbf"), "Excel asks for it"
    rows = list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [list(row) for row in rows] == [list(COLUMNS)] * len(contents)
    return rows


def test_everything_stands_in_its_column() -> None:
    (row,) = lines(COURT)
    assert row == {
        "nummer": "2026-000017",
        "datum": "2026-12-08",
        "soort": "betaalbewijs",
        "klant": "An Peeters",
        "omschrijving": "Badminton; terrein 1",
        "netto": "8,49",
        "btw_categorie": "S",
        "btw_tarief": "6,00",
        "btw": "0,51",
        "afronding": "0,00",
        "bruto": "9,00",
        "betaalwijze": "bancontact",
        "referentie_betaaldienst": "tr_7UhSN1zuXS",
        "gestructureerde_mededeling": "***010/8068/17183***",
        "grootboekrekening": "702100",
        "verwijst_naar": "",
    }


def test_a_credit_note_takes_back() -> None:
    there, back = lines(COURT, CREDIT)
    assert (back["soort"], back["verwijst_naar"]) == ("creditnota", "2026-000017")
    for column in ("netto", "btw", "afronding", "bruto"):
        assert cents(there[column]) + cents(back[column]) == 0


def test_a_product_without_an_account_of_its_own() -> None:
    assert lines(COURT, product="attest")[0]["grootboekrekening"] == "700000"


def cents(text: str) -> int:
    whole, _comma, part = text.partition(",")
    assert len(part) == 2 and "." not in text
    return int(whole + part)


@given(st.integers(1, 10_000_000), st.integers(0, 10_000))
def test_the_columns_add_up(gross: int, rate: int) -> None:
    (row,) = lines(replace(COURT, line=Line("x", gross, "S" if rate else "Z", rate)))
    assert cents(row["netto"]) + cents(row["btw"]) + cents(row["afronding"]) == cents(row["bruto"]) == gross


@pytest.mark.parametrize(
    "name",
    ["=1+1", '=HYPERLINK("http://x";"y")', "+32", "-1", "@SUM(A1)", "\t=1+1", " =1+1", "\r\n=1+1", "＝1+1", "＠x"],
)
def test_no_name_is_a_formula(name: str) -> None:
    (row,) = lines(replace(COURT, buyer=name, line=replace(COURT.line, description=name)))
    for column in ("klant", "omschrijving"):
        assert row[column].startswith("'")


@given(st.text(max_size=60))
def test_whatever_somebody_is_called_it_is_one_line_and_no_formula(name: str) -> None:
    (row,) = lines(replace(COURT, buyer=name))
    assert row["klant"][:1] not in ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
    assert "\n" not in row["klant"] and "\r" not in row["klant"]
    assert row["nummer"] == "2026-000017" and row["bruto"] == "9,00"
