"""All that stands on an invoice or a credit note, and the arithmetic of it.  Amounts are cents, rates hundredths of a
percent.

Prices are those that the citizen pays, VAT included.  EN 16931 reckons the other way, from the net amount, and rounds
the VAT of a whole category (BR-CO-17); a price that cannot be reached so has its last cent as a rounding (BT-114).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

import msgspec

Category = Literal["S", "Z", "E", "O"]
Kind = Literal["receipt", "invoice", "credit"]


@dataclass(frozen=True)
class Seller:
    """The municipality.  kbo: ten digits.  vat: BE and ten digits, "" when it has no VAT number for this."""

    name: str
    kbo: str
    vat: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "BE"
    exemption: str = ""
    """Why there is no VAT, where it is exempt or outside VAT: a sentence (BT-120)."""


@dataclass(frozen=True)
class Line:
    """One thing that was paid.  gross: what the citizen paid for it."""

    description: str
    gross: int
    category: Category
    rate: int = 0


@dataclass(frozen=True)
class Paid:
    """How.  ogm: the structured communication, twelve digits."""

    ogm: str
    method: str
    day: str
    reference: str = ""


@dataclass(frozen=True)
class Content:
    """number: such as 2026-000017.  refers_to: what a credit note takes back, and its day.  buyer: his name."""

    kind: Kind
    number: str
    day: str
    seller: Seller
    buyer: str
    line: Line
    paid: Paid
    refers_to: str = ""
    refers_day: str = ""

    @property
    def sums(self) -> Sums:
        return sums(self.line.gross, self.line.rate if self.line.category == "S" else 0)


@dataclass(frozen=True)
class Sums:
    """net + vat + rounding is what was paid; rounding is 0 or 1."""

    net: int
    vat: int
    rounding: int

    @property
    def gross(self) -> int:
        return self.net + self.vat + self.rounding


def sums(gross: int, rate: int) -> Sums:
    """Of a price with VAT.  ValueError: no price, or no rate."""
    if gross <= 0 or not 0 <= rate <= 10_000:
        raise ValueError(f"need a price above 0 and a rate of 0 to 10000, found {gross} and {rate}")
    net = gross * 10_000 // (10_000 + rate) + 1
    while net + _vat(net, rate) > gross:
        net -= 1
    vat = _vat(net, rate)
    return Sums(net, vat, gross - net - vat)


def kept(content: Content) -> dict[str, Any]:
    """As it goes into the database."""
    found: dict[str, Any] = msgspec.to_builtins(content)
    return found


def read(stored: dict[str, Any]) -> Content:
    return msgspec.convert(stored, Content)


def _vat(net: int, rate: int) -> int:
    return int((Decimal(net) * rate / 10_000).quantize(Decimal(1), ROUND_HALF_UP))
