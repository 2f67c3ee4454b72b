"""What the saga asks of its neighbours: who is identified, and what bookkeeping writes down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from balie.identity import records as identity
from balie.store.engine import Tx


class Holder(Protocol):
    """Who the citizen proved to be.  id: of the identification."""

    @property
    def id(self) -> int: ...

    @property
    def name(self) -> str: ...


class Numbers(Protocol):
    """Bookkeeping.  Both are asked again whenever somebody looks, and then return what they made before."""

    def issue(self, tx: Tx, now_s: int, payment_id: int) -> int:
        """The document of a payment; returns its id, 0 when it cannot be written now."""

    def credit(self, tx: Tx, now_s: int, refund_id: int) -> int:
        """The credit note of a refund; returns its id, 0 when it cannot be written now."""


class NoNumbers:
    """Where nothing is booked."""

    def issue(self, tx: Tx, now_s: int, payment_id: int) -> int:
        return 0

    def credit(self, tx: Tx, now_s: int, refund_id: int) -> int:
        return 0


@dataclass(frozen=True)
class Rules:
    """needed: whether a citizen still has to say who he is before a product of his appointment is his.
    again: whether staff asked that anew, and nothing more is to be kept for him until he did it.
    holder: who he proved to be, as surely as that product asks.
    alone_cents: so much may go back at the word of one person: see balie.acts.approval.
    """

    numbers: Numbers
    needed: Callable[[Tx, int, int], bool] = identity.needed
    again: Callable[[Tx, int, int], bool] = identity.asked_again
    holder: Callable[[Tx, int, int], Holder | None] = identity.verified
    alone_cents: int = 0

    @property
    def documents(self) -> bool:
        """Whether anything is written down."""
        return not isinstance(self.numbers, NoNumbers)
