"""Invoices and credit notes against the UBL 2.1 schemas and the rules of EN 16931, by an independent implementation of
both and by the arithmetic itself.
"""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peppol import check_rules, validate_xsd  # type: ignore[import-untyped]

from balie.bookkeeping import content as contents
from balie.bookkeeping import ubl
from balie.bookkeeping.content import Content, Line, Paid, sums
from tests.support.en16931 import broken
from tests.support.paper import OFFICE

COURT = Content(
    "receipt",
    "2026-000017",
    "2026-12-08",
    OFFICE,
    "An Peeters",
    Line("Badminton, Sporthal De Pluim, terrein 1", 900, "S", 600),
    Paid("010806817183", "bancontact", "2026-12-08"),
)
CREDIT = replace(COURT, kind="credit", number="C2026-000001", refers_to="2026-000017", refers_day="2026-12-08")
NOT_OURS = ("PEPPOL-", "BR-BE-")
"""Rules of the Peppol network: a citizen's receipt is imported by bookkeeping, and is not sent over it."""


def found(made: bytes) -> list[str]:
    """What is wrong with a document, by the numbers of the rules."""
    valid, errors = validate_xsd(made)
    theirs = [each for each in check_rules(made) if not each.rule_id.startswith(NOT_OURS)]
    said = [f"{each.rule_id}: {each.message}" for each in theirs]
    return ([] if valid else [str(each) for each in errors]) + said + broken(made)


def texts(made: bytes, name: str) -> list[str | None]:
    return [each.text for each in ET.fromstring(made).iter(f"{{{ubl.CBC}}}{name}")]


EXEMPT = replace(COURT, line=replace(COURT.line, category="E", rate=0))
OUTSIDE = replace(COURT, seller=replace(OFFICE, vat=""), line=replace(COURT.line, category="O", rate=0))
ZERO = replace(COURT, line=replace(COURT.line, category="Z", rate=0))


@pytest.mark.parametrize(
    "content",
    [
        COURT,
        CREDIT,
        EXEMPT,
        OUTSIDE,
        ZERO,
        replace(CREDIT, seller=OUTSIDE.seller, line=OUTSIDE.line),
        replace(CREDIT, line=EXEMPT.line),
    ],
)
def test_documents_keep_schema_and_rules(content: Content) -> None:
    assert found(ubl.build(content)) == []


@given(st.integers(1, 2_000_000), st.sampled_from([600, 1200, 2100, 1, 9_999]), st.booleans())
def test_any_price_keeps_the_rules(gross: int, rate: int, credit: bool) -> None:
    line = Line("Iets", gross, "S", rate)
    assert found(ubl.build(replace(CREDIT if credit else COURT, line=line))) == []


@given(st.integers(1, 10_000_000), st.integers(0, 10_000))
def test_what_was_paid_is_what_stands_there(gross: int, rate: int) -> None:
    made = sums(gross, rate)
    assert made.gross == gross
    assert made.rounding in (0, 1)
    assert abs(made.vat - made.net * rate / 10_000) <= 0.5  # BR-CO-17
    assert made.net > 0 or gross == 1


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_name_makes_a_file_that_can_be_read(buyer: str, description: str) -> None:
    line = replace(COURT.line, description=description)
    made = ubl.build(replace(COURT, buyer=buyer, line=line))
    ET.fromstring(made)


WRONG = [
    (COURT, "BR-CO-10", ("LineExtensionAmount", 0, "8.48")),
    (COURT, "BR-CO-13", ("TaxExclusiveAmount", 0, "8.48")),
    (COURT, "BR-CO-14", ("TaxAmount", 0, "0.52")),
    (COURT, "BR-CO-15", ("TaxInclusiveAmount", 0, "9.01")),
    (COURT, "BR-CO-16", ("PayableAmount", 0, "9.00")),
    (COURT, "BR-CO-17", ("TaxAmount", 1, "0.52")),
    (COURT, "BR-S-08", ("TaxableAmount", 0, "8.50")),
    (COURT, "BR-S-05", ("Percent", 1, "0.00")),
    (COURT, "BR-02", ("ID", 0, "")),
    (COURT, "BR-03", ("IssueDate", 0, "8/12/2026")),
    (COURT, "BR-DEC", ("PayableAmount", 0, "0.001")),
    (CREDIT, "BR-55", ("ID", 1, "")),
    (EXEMPT, "BR-E-10", ("TaxExemptionReason", 0, "")),
    (EXEMPT, "BR-E-09", ("TaxAmount", 1, "0.01")),
    (ZERO, "BR-Z-05", ("Percent", 1, "6.00")),
    (OUTSIDE, "BR-O-09", ("TaxAmount", 1, "0.01")),
]


@pytest.mark.parametrize(("content", "rule", "change"), WRONG)
def test_the_checker_sees_what_is_wrong(content: Content, rule: str, change: tuple[str, int, str]) -> None:
    """Else the tests above say nothing."""
    name, at, text = change
    root = ET.fromstring(ubl.build(content))
    list(root.iter(f"{{{ubl.CBC}}}{name}"))[at].text = text
    assert rule in broken(ET.tostring(root))


def test_the_schemas_see_what_is_wrong() -> None:
    made = ubl.build(COURT).decode()
    assert found(made.replace("cbc:InvoiceTypeCode", "cbc:Nonsense").encode())


def test_amounts_names_and_numbers_stand_where_they_belong() -> None:
    made = ubl.build(COURT)
    assert texts(made, "ID")[0] == "2026-000017"
    assert texts(made, "TaxExclusiveAmount") == ["8.49"]
    assert texts(made, "TaxInclusiveAmount") == texts(made, "PrepaidAmount") == ["9.00"]
    assert texts(made, "PayableAmount") == ["0.00"]
    assert texts(made, "RegistrationName") == ["Gemeente Voorbeeldegem", "An Peeters"]
    assert texts(made, "PaymentID") == ["010806817183"]
    assert texts(made, "PayableRoundingAmount") == []


def test_a_credit_note_names_what_it_takes_back() -> None:
    made = ubl.build(CREDIT)
    assert ET.fromstring(made).tag == f"{{{ubl.CREDIT_NOTE}}}CreditNote"
    assert texts(made, "ID")[:2] == ["C2026-000001", "2026-000017"]


def test_outside_vat_there_is_no_vat_number() -> None:
    assert b"BE0207490187" not in ubl.build(OUTSIDE)
    assert texts(ubl.build(OUTSIDE), "Percent") == []


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (replace(COURT, line=replace(COURT.line, rate=0)), "BR-S-05"),
        (replace(EXEMPT, line=replace(EXEMPT.line, rate=600)), "BR-E-05"),
        (replace(COURT, seller=replace(OFFICE, vat="")), "BR-S-02"),
        (replace(EXEMPT, seller=replace(OFFICE, exemption="")), "BR-E-10"),
        (replace(OUTSIDE, seller=replace(OFFICE, vat="", exemption="")), "BR-O-10"),
        (replace(OUTSIDE, seller=replace(OFFICE, vat="", kbo="")), "BR-CO-26"),
    ],
)
def test_what_cannot_be_written_is_refused_by_its_rule(content: Content, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        ubl.build(content)


def test_a_content_comes_back_as_it_was_kept() -> None:
    assert contents.read(contents.kept(CREDIT)) == CREDIT
