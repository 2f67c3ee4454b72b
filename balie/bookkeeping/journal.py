"""The journal: a line for each document, as a spreadsheet in Belgium reads it.

Semicolons, a decimal comma, UTF-8 with a byte order mark: without that, Excel takes it for another alphabet.  What
people typed never begins a formula (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from balie.bookkeeping.accounts import Accounts
from balie.bookkeeping.content import Content

COLUMNS = (
    "nummer",
    "datum",
    "soort",
    "klant",
    "omschrijving",
    "netto",
    "btw_categorie",
    "btw_tarief",
    "btw",
    "afronding",
    "bruto",
    "betaalwijze",
    "referentie_betaaldienst",
    "gestructureerde_mededeling",
    "grootboekrekening",
    "verwijst_naar",
)
KINDS = {"receipt": "betaalbewijs", "invoice": "factuur", "credit": "creditnota"}
BYTE_ORDER_MARK = "\ufeff"
BEGINS_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
"""Also as wide characters, which Excel takes for the others."""


@dataclass(frozen=True)
class Entry:
    """A document, and the slug of what was paid for."""

    content: Content
    product: str


def write(entries: Iterable[Entry], accounts: Accounts) -> bytes:
    """The file, with a first line of names.  Amounts of credit notes are negative."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(list(_cells(each, accounts.of(each.product))) for each in entries)
    return (BYTE_ORDER_MARK + text.getvalue()).encode()


def amount(cents: int) -> str:
    """-12,50"""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100},{abs(cents) % 100:02}"


def harmless(words: str) -> str:
    """On one line, and no formula to any spreadsheet: an apostrophe says that what follows is text."""
    line = " ".join("".join(each if each.isprintable() else " " for each in words).split())
    return f"'{line}" if line[:1] and line[0] in BEGINS_FORMULA else line


def communication(ogm: str) -> str:
    """***010/8068/17183***: with plus signs, which are as good, it would be a formula."""
    return f"***{ogm[:3]}/{ogm[3:7]}/{ogm[7:]}***" if ogm else ""


def _cells(entry: Entry, account: str) -> Iterator[str]:
    content, made = entry.content, entry.content.sums
    sign = -1 if content.kind == "credit" else 1
    yield content.number
    yield content.day
    yield KINDS[content.kind]
    yield harmless(content.buyer)
    yield harmless(content.line.description)
    yield amount(sign * made.net)
    yield content.line.category
    yield amount(content.line.rate)
    yield amount(sign * made.vat)
    yield amount(sign * made.rounding)
    yield amount(sign * made.gross)
    yield harmless(content.paid.method)
    yield harmless(content.paid.reference)
    yield communication(content.paid.ogm)
    yield harmless(account)
    yield content.refers_to
