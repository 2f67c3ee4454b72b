"""The payments of the demo's provider, in memory: a life of its own, which balie knows by its contract only."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["betaald", "geannuleerd", "mislukt", "later"]

EXPIRES_S = 15 * 60  # as with Mollie, for most ways to pay
LATER_S = 10  # until what is to be paid later is
REFUND_S = 5  # until a refund has arrived
METHOD = "bancontact"
METHODS = {
    "bancontact": {"nl_BE": "Bancontact", "fr_BE": "Bancontact", "en_GB": "Bancontact", "de_DE": "Bancontact"},
    "banktransfer": {
        "nl_BE": "Overschrijving",
        "fr_BE": "Virement bancaire",
        "en_GB": "Bank transfer",
        "de_DE": "Banküberweisung",
    },
}
"""By locale, as the contract has them."""


class CashierError(Exception):
    """What the contract answers with a status of its own."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass
class Refund:
    id: str
    cents: int
    description: str
    created_s: float


@dataclass
class Payment:
    """One payment.  status: as the contract has it."""

    id: str
    cents: int
    description: str
    redirect_url: str
    webhook_url: str
    created_s: float
    status: str = "open"
    method: str = ""
    paid_s: float | None = None
    later_s: float | None = None
    refunds: list[Refund] = field(default_factory=list)

    @property
    def expires_s(self) -> float:
        return self.created_s + EXPIRES_S


class Cashier:
    """clock: Unix time in seconds."""

    def __init__(self, clock: Callable[[], float], key: str) -> None:
        self._clock, self.key = clock, key
        self._payments: dict[str, Payment] = {}
        self._answered: dict[tuple[str, str], str] = {}

    @property
    def now_s(self) -> float:
        return self._clock()

    def create(self, key: str, cents: int, description: str, redirect_url: str, webhook_url: str) -> Payment:
        """The same one for the same key."""
        known = self._answered.get(("payment", key)) if key else None
        if known is not None:
            return self.find(known)
        made = Payment(f"tr_{_token()}", cents, description, redirect_url, webhook_url, self.now_s)
        self._payments[made.id] = made
        if key:
            self._answered["payment", key] = made.id
        return made

    def find(self, payment_id: str) -> Payment:
        """As it stands now.  CashierError 404."""
        found = self._payments.get(payment_id)
        if found is None:
            raise CashierError(404, "No payment exists with this id.")
        if found.status == "open" and self.now_s >= found.expires_s:
            found.status = "expired"
        if found.status == "pending" and found.later_s is not None and self.now_s >= found.later_s:
            self._paid(found, "banktransfer")
        return found

    def choose(self, payment_id: str, outcome: Outcome) -> bool:
        """What its payer does.  False: it was over."""
        found = self.find(payment_id)
        if found.status != "open":
            return False
        match outcome:
            case "betaald":
                self._paid(found, METHOD)
            case "geannuleerd":
                found.status = "canceled"
            case "mislukt":
                found.status, found.method = "failed", METHOD
            case "later":
                found.status, found.method, found.later_s = "pending", "banktransfer", self.now_s + LATER_S
        return True

    def refund(self, key: str, payment_id: str, cents: int, description: str) -> Refund:
        """The same one for the same key.  CashierError 422: not so much is left."""
        found = self.find(payment_id)
        known = self._answered.get(("refund", key)) if key else None
        for each in found.refunds:
            if each.id == known:
                return each
        if found.status != "paid" or cents <= 0 or sum(each.cents for each in found.refunds) + cents > found.cents:
            raise CashierError(422, "The amount is higher than the remaining amount.")
        made = Refund(f"re_{_token()}", cents, description, self.now_s)
        found.refunds.append(made)
        if key:
            self._answered["refund", key] = made.id
        return made

    def arrived(self, refund: Refund) -> bool:
        return self.now_s >= refund.created_s + REFUND_S

    def _paid(self, found: Payment, method: str) -> None:
        found.status, found.method, found.paid_s = "paid", method, self.now_s


def _token() -> str:
    return base64.b32encode(secrets.token_bytes(10)).decode()
