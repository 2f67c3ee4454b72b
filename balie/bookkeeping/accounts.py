"""On which ledger account of the municipality something is booked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT = "700000"
"""Sales and services, in the Belgian minimum chart of accounts."""


@dataclass(frozen=True)
class Accounts:
    """by_product: of products that have one of their own, by slug."""

    default: str = DEFAULT
    by_product: Mapping[str, str] = field(default_factory=dict)

    def of(self, product: str) -> str:
        return self.by_product.get(product, self.default)
