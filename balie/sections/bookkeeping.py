"""[bookkeeping]: who writes the documents of payments, and where bookkeeping finds them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from balie.errors import ConfigError
from balie.reading import setting

NO_VAT = "Geen btw: handeling van een openbare instelling (artikel 6 Btw-Wetboek) of vrijgesteld (artikel 44)"
"""The reason on a document without VAT, where the municipality has no words of its own."""
EVERY_S = 300
MODULUS = 97


def digits(number: str) -> str:
    """Of an enterprise number, as people write it: 0999.999.922, BE 0999 999 922."""
    return re.sub(r"[\s.]", "", number).upper().removeprefix("BE")


def is_enterprise_number(number: str) -> bool:
    """Ten digits, of which the last two check the first eight: 97 less their remainder after division by 97 (KBO)."""
    found = digits(number)
    if not re.fullmatch(r"[01]\d{9}", found, re.ASCII):
        return False
    return MODULUS - int(found[:8]) % MODULUS == int(found[8:])


def check_kbo(value: str, where: str) -> None:
    if value and not is_enterprise_number(value):
        raise ConfigError(where, value, "an enterprise number, such as 0999.999.922; its last two digits check it")


def check_vat(value: str, where: str) -> None:
    if value and not (value.upper().startswith("BE") and is_enterprise_number(value)):
        raise ConfigError(where, value, "a Belgian VAT number, such as BE 0999.999.922")


def check_account(value: str, where: str) -> None:
    """It goes into a cell of its own."""
    if not re.fullmatch(r"[0-9A-Za-z]{1,20}", value):
        raise ConfigError(where, value, "a ledger account of digits and letters, such as 700000")


@dataclass(frozen=True)
class AccountSection:
    """The ledger account of what is paid for one product, by its slug."""

    product: str = setting("", nonempty=True)
    account: str = setting("", nonempty=True, check=check_account)


@dataclass(frozen=True)
class BookkeepingSection:
    """The seller, whose name is that of the organisation, and the way to its bookkeeping.

    kind       what a citizen gets for a payment
    kbo        the enterprise number; without it nothing is written down
    vat        the VAT number; none: it has none for this
    exemption  why there is no VAT, for products of VAT category E or O
    folder     where batches for bookkeeping are put; none: they wait
    """

    kind: Literal["receipt", "invoice"] = setting("receipt")
    kbo: str = setting("", check=check_kbo)
    vat: str = setting("", check=check_vat)
    street: str = setting("")
    postcode: str = setting("")
    city: str = setting("")
    exemption: str = setting(NO_VAT, nonempty=True)
    folder: str = setting("")
    every_s: int = setting(EVERY_S, least=5, most=86_400)
    account: str = setting("700000", nonempty=True, check=check_account)
    accounts: tuple[AccountSection, ...] = setting(())


def check_bookkeeping(section: BookkeepingSection, name: str) -> None:
    """ConfigError: a seller of whom a document cannot say where he is; a product with two accounts."""
    for key in ("street", "postcode", "city") if section.kbo else ():
        if not getattr(section, key):
            raise ConfigError(f"{name} [bookkeeping] {key}", "", "the address that stands on documents, beside kbo")
    if section.folder and not section.kbo:
        raise ConfigError(
            f"{name} [bookkeeping] kbo", "", "an enterprise number: without it there is nothing to export"
        )
    products = [each.product for each in section.accounts]
    for product in products:
        if products.count(product) > 1:
            raise ConfigError(f"{name} [bookkeeping] accounts", product, "every product once")
