"""An invoice or a credit note as UBL 2.1 by the rules of EN 16931-1:2017 (CEN/TS 16931-3-2 says which element is what).

The order of elements is the schema's.  BT-… and BR-… are the standard's own numbers of terms and rules.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from balie.bookkeeping.content import Content, Line, Seller, sums

INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CREDIT_NOTE = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
SPECIFICATION = "urn:cen.eu:en16931:2017"
PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
"""Billing: programs that import invoices look for it, also where nothing goes over Peppol."""
KBO_SCHEME = "0208"
"""Numéro d'entreprise / ondernemingsnummer (ISO 6523)."""
ONLINE_PAYMENT = "68"
"""UNCL4461: an online payment service."""
PIECE = "C62"
"""UN/ECE recommendation 20: one."""


def build(content: Content) -> bytes:
    """The file.  What is wrong with a content shows here: ValueError of Seller and Line, by the number of the rule."""
    check(content.seller, content.line)
    credit = content.kind == "credit"
    space = CREDIT_NOTE if credit else INVOICE
    ET.register_namespace("", space)  # the document's own is the default one, as people who read such files expect
    ET.register_namespace("cac", CAC)
    ET.register_namespace("cbc", CBC)
    root = ET.Element(f"{{{space}}}{'CreditNote' if credit else 'Invoice'}")
    _basic(root, "CustomizationID", SPECIFICATION)  # BT-24
    _basic(root, "ProfileID", PROCESS)  # BT-23
    _basic(root, "ID", content.number)  # BT-1
    _basic(root, "IssueDate", content.day)  # BT-2
    _basic(root, "CreditNoteTypeCode" if credit else "InvoiceTypeCode", "381" if credit else "380")  # BT-3
    _basic(root, "DocumentCurrencyCode", "EUR")  # BT-5
    if content.refers_to:
        reference = _part(_part(root, "BillingReference"), "InvoiceDocumentReference")  # BG-3
        _basic(reference, "ID", content.refers_to)
        if content.refers_day:
            _basic(reference, "IssueDate", content.refers_day)
    _seller(_part(_part(root, "AccountingSupplierParty"), "Party"), content.seller)  # BG-4
    _buyer(_part(_part(root, "AccountingCustomerParty"), "Party"), content.buyer)  # BG-7
    means = _part(root, "PaymentMeans")  # BG-16
    _basic(means, "PaymentMeansCode", ONLINE_PAYMENT)
    _basic(means, "PaymentID", content.paid.ogm)  # BT-83
    _tax(root, content)
    _totals(root, content)
    _line(root, content)
    text: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return text


def money(cents: int) -> str:
    """12.50: what EN 16931 wants, two decimals and a point."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"


def check(seller: Seller, line: Line) -> None:
    """Whether they can stand on a document.  ValueError: which rule they break."""
    if not seller.name or not (seller.kbo or seller.vat):
        raise ValueError("BR-CO-26: a seller has a name and a number")
    if line.category == "S" and line.rate <= 0:
        raise ValueError("BR-S-05: the standard rate is above 0")
    if line.category != "S" and line.rate:
        raise ValueError(f"BR-{line.category}-05: there is a rate only in category S")
    if line.category in "SZE" and not seller.vat:
        raise ValueError(f"BR-{line.category}-02: the seller needs a VAT number for category {line.category}")
    if line.category in "EO" and not seller.exemption:
        raise ValueError(f"BR-{line.category}-10: a reason why there is no VAT")
    sums(line.gross, line.rate)


def _seller(party: ET.Element, seller: Seller) -> None:
    if seller.kbo:
        _basic(_part(party, "PartyIdentification"), "ID", seller.kbo, schemeID=KBO_SCHEME)  # BT-29
    _basic(_part(party, "PartyName"), "Name", seller.name)  # BT-28
    address = _part(party, "PostalAddress")  # BG-5
    for name, value in (("StreetName", seller.street), ("CityName", seller.city), ("PostalZone", seller.postcode)):
        if value:
            _basic(address, name, value)
    _basic(_part(address, "Country"), "IdentificationCode", seller.country)  # BT-40
    if seller.vat:
        scheme = _part(party, "PartyTaxScheme")
        _basic(scheme, "CompanyID", seller.vat)  # BT-31
        _basic(_part(scheme, "TaxScheme"), "ID", "VAT")
    legal = _part(party, "PartyLegalEntity")
    _basic(legal, "RegistrationName", seller.name)  # BT-27
    if seller.kbo:
        _basic(legal, "CompanyID", seller.kbo, schemeID=KBO_SCHEME)  # BT-30


def _buyer(party: ET.Element, name: str) -> None:
    # Where he lives is nobody's business here; EN 16931 wants the country (BR-11).
    _basic(_part(_part(party, "PostalAddress"), "Country"), "IdentificationCode", "BE")  # BT-55
    _basic(_part(party, "PartyLegalEntity"), "RegistrationName", name)  # BT-44


def _tax(root: ET.Element, content: Content) -> None:
    total = _part(root, "TaxTotal")
    _amount(total, "TaxAmount", content.sums.vat)  # BT-110
    subtotal = _part(total, "TaxSubtotal")  # BG-23
    _amount(subtotal, "TaxableAmount", content.sums.net)
    _amount(subtotal, "TaxAmount", content.sums.vat)
    _category(_part(subtotal, "TaxCategory"), content, reason=True)


def _category(category: ET.Element, content: Content, *, reason: bool) -> None:
    _basic(category, "ID", content.line.category)
    if content.line.category != "O":  # BR-O-05: no rate where VAT does not exist
        _basic(category, "Percent", money(content.line.rate))
    if reason and content.line.category in "EO":
        _basic(category, "TaxExemptionReason", content.seller.exemption)
    _basic(_part(category, "TaxScheme"), "ID", "VAT")


def _totals(root: ET.Element, content: Content) -> None:
    made = content.sums
    totals = _part(root, "LegalMonetaryTotal")  # BG-22
    _amount(totals, "LineExtensionAmount", made.net)  # BT-106
    _amount(totals, "TaxExclusiveAmount", made.net)  # BT-109
    _amount(totals, "TaxInclusiveAmount", made.net + made.vat)  # BT-112
    _amount(totals, "PrepaidAmount", made.gross)  # BT-113: it was paid, or given back, before this was written
    if made.rounding:
        _amount(totals, "PayableRoundingAmount", made.rounding)  # BT-114
    _amount(totals, "PayableAmount", 0)  # BT-115, by BR-CO-16


def _line(root: ET.Element, content: Content) -> None:
    credit = content.kind == "credit"
    line = _part(root, "CreditNoteLine" if credit else "InvoiceLine")  # BG-25
    _basic(line, "ID", "1")
    _basic(line, "CreditedQuantity" if credit else "InvoicedQuantity", "1", unitCode=PIECE)
    _amount(line, "LineExtensionAmount", content.sums.net)  # BT-131
    item = _part(line, "Item")
    _basic(item, "Name", content.line.description)  # BT-153
    _category(_part(item, "ClassifiedTaxCategory"), content, reason=False)
    _amount(_part(line, "Price"), "PriceAmount", content.sums.net)  # BT-146


def _part(parent: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{CAC}}}{name}")


def _basic(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, f"{{{CBC}}}{name}", attributes).text = _clean(text)


def _amount(parent: ET.Element, name: str, cents: int) -> None:
    _basic(parent, name, money(cents), currencyID="EUR")


def _clean(text: str) -> str:
    """Without what no XML may hold (XML 1.0, 2.2): a name can come from anywhere."""
    return "".join(
        each
        for each in text
        if each in "\t\n" or 0x20 <= ord(each) < 0xD800 or 0xE000 <= ord(each) < 0xFFFE or ord(each) > 0xFFFF
    )
