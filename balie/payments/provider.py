"""The contract of a payment provider: a page of its own on which somebody pays, and the word on what became of it.

Amounts are whole cents, in euros.  balie sees no card and no account: the citizen types those on the provider's page.
What changes something carries a key: asked twice with the same one, a provider does it once and says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

PaymentState = Literal["open", "pending", "paid", "canceled", "expired", "failed"]
RefundState = Literal["pending", "done", "failed"]

ID_MAX, URL_MAX, METHOD_MAX, DESCRIPTION_MAX = 64, 2000, 32, 200


@dataclass(frozen=True)
class Created:
    """A payment that waits for its payer.  expires_s: Unix seconds, None when the provider does not say."""

    external_id: str
    checkout_url: str
    expires_s: int | None


@dataclass(frozen=True)
class RefundStatus:
    """One refund.  done: the money is on its way for good."""

    external_id: str
    state: RefundState
    amount_cents: int


@dataclass(frozen=True)
class Status:
    """What became of a payment.

    amount_cents        that the payment was made for; -1 when it is in another currency than ours
    refunded_cents      that went back for good
    charged_back_cents  that the payer's bank took back
    refunds             all of them, those on their way too
    """

    state: PaymentState
    method: str
    amount_cents: int
    refunded_cents: int = 0
    charged_back_cents: int = 0
    paid_s: int | None = None
    expires_s: int | None = None
    refunds: tuple[RefundStatus, ...] = ()


@dataclass(frozen=True)
class Method:
    """A way to pay, as the provider calls it in the language that was asked for."""

    id: str
    name: str


class Provider(Protocol):
    """Every method raises balie.payments.errors and nothing else."""

    @property
    def name(self) -> str:
        """As it stands in payment.provider, and in the address of its webhook."""

    async def create(
        self, key: str, amount_cents: int, description: str, return_url: str, webhook_url: str, locale: str
    ) -> Created:
        """A payment, and where to pay it.  locale: nl, fr, en or de."""

    async def fetch(self, external_id: str) -> Status:
        """What became of it: the only word that changes anything.  Refused: there is no such payment."""

    async def refund(self, key: str, external_id: str, amount_cents: int, description: str) -> RefundStatus:
        """Give money back.  Refused: it cannot be, or not so much."""

    async def methods(self, amount_cents: int, locale: str) -> list[Method]:
        """With what this amount can be paid now."""
