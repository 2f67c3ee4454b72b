"""The document of a payment, as a letter tells it: what was bought, where and when it is, what it cost, who sold it.

The letter is the receipt, in the reader's language; what bookkeeping reads (UBL) goes along with an invoice only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from babel.numbers import format_percent
from sqlalchemy import Row, select

from balie.i18n import amount_words, day_words, language, local, time_words
from balie.i18n import gettext as _
from balie.store.engine import Tx
from balie.store.schema import invoice, payment, reservation


@dataclass(frozen=True)
class Receipt:
    """For a template: texts in the language of the context they were read in; "" where there is nothing to say.

    kind       receipt, invoice or credit
    where      what was reserved, when it is, and its reference in the reservation system
    reason     why there is no VAT
    seller     lines
    refers_to  of a credit note: what it takes back
    ubl        the file that goes along, none for a receipt
    """

    kind: str
    number: str
    day: str
    buyer: str
    what: str
    where: str
    when: str
    reference: str
    total: str
    vat: str
    rate: str
    reason: str
    method: str
    paid_on: str
    communication: str
    seller: tuple[str, ...]
    refers_to: str = ""
    ubl: bytes = field(default=b"", repr=False)

    @property
    def file_name(self) -> str:
        return f"{self.number}.xml"

    @property
    def title(self) -> str:
        match self.kind:
            case "credit":
                return _("Creditnota {number}").format(number=self.number)
            case "invoice":
                return _("Factuur {number}").format(number=self.number)
            case _:
                return _("Betaalbewijs {number}").format(number=self.number)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Label and value; without those that have none."""
        credit = self.kind == "credit"
        known = [
            (_("Op naam van"), self.buyer),
            (_("Waarvoor"), self.what),
            (_("Bedrag, btw inbegrepen"), self.total),
            (_("Waarvan btw ({rate})").format(rate=self.rate), self.vat if self.rate else ""),
            (_("Btw"), self.reason),
            (_("Datum"), self.day),
            (_("Hoort bij"), self.refers_to),
            (_("Betaald op"), "" if credit else self.paid_on),
            (_("Betaald met"), "" if credit else self.method),
            (_("Mededeling"), self.communication),
        ]
        return [(label, value) for label, value in known if value]


def of(tx: Tx, invoice_id: int) -> Receipt:
    """The document with this id, in words."""
    query = (
        select(invoice, payment.c.reservation_id)
        .join(payment, payment.c.id == invoice.c.payment_id)
        .where(invoice.c.id == invoice_id)
    )
    row = tx.execute(query).one()
    content = row.content
    line, paid, seller = content["line"], content["paid"], content["seller"]
    where, when, reference = _kept(tx, row.reservation_id)
    untaxed = line["category"] in ("E", "O")
    return Receipt(
        kind=row.kind,
        number=content["number"],
        day=day_words(date.fromisoformat(content["day"])),
        buyer=content["buyer"],
        what=line["description"],
        where=where,
        when=when,
        reference=reference,
        total=amount_words(row.total_cents),
        vat=amount_words(row.vat_cents),
        rate="" if untaxed else format_percent(line["rate"] / 10_000, "#,##0.##%", locale=language()),
        reason=seller["exemption"] if untaxed else "",
        method=method_words(paid["method"]),
        paid_on=day_words(date.fromisoformat(paid["day"])),
        communication=_communication(paid["ogm"]),
        seller=tuple(_seller(seller)),
        refers_to=content["refers_to"],
        ubl=row.ubl.encode() if "invoice" in (row.kind, _kind_of(tx, row)) else b"",
    )


def _kind_of(tx: Tx, row: Row[Any]) -> str | None:
    """Of the payment's own document: what a credit note takes back."""
    own = (invoice.c.payment_id == row.payment_id) & invoice.c.refund_id.is_(None)
    return tx.scalar(select(invoice.c.kind).where(own))


def _kept(tx: Tx, reservation_id: int | None) -> tuple[str, str, str]:
    """What was reserved; dinsdag 8 december 2026, 18.00 uur tot 19.00 uur; its reference."""
    row = tx.execute(select(reservation).where(reservation.c.id == reservation_id)).first()
    if row is None:
        return "", "", ""
    since, until = local(row.from_s, row.zone), local(row.until_s, row.zone)
    times = {"day": day_words(since.date()), "since": time_words(since), "until": time_words(until)}
    return row.resource_name, _("{day}, {since} tot {until}").format(**times), row.external_ref


def _seller(seller: dict[str, str]) -> list[str]:
    place = f"{seller['postcode']} {seller['city']}".strip()
    kbo, vat = _dotted(seller["kbo"]), _dotted(seller["vat"].removeprefix("BE"))
    lines = [seller["name"], seller["street"], place]
    lines.append(_("Ondernemingsnummer {number}").format(number=kbo) if kbo else "")
    lines.append(_("Btw-nummer BE {number}").format(number=vat) if vat else "")
    return [line for line in lines if line]


def _dotted(number: str) -> str:
    return f"{number[:4]}.{number[4:7]}.{number[7:]}" if number else ""


def method_words(method: str) -> str:
    """As people know it; others as the provider calls them."""
    known = {
        "bancontact": "Bancontact",
        "creditcard": _("kredietkaart"),
        "banktransfer": _("overschrijving"),
        "ideal": "iDEAL",
        "paypal": "PayPal",
        "applepay": "Apple Pay",
    }
    return known.get(method, method)


def _communication(ogm: str) -> str:
    return f"+++{ogm[:3]}/{ogm[3:7]}/{ogm[7:]}+++" if ogm else ""
