"""Personal links: an opaque token stands for one person in one room, for a while.

Of a token only its SHA-256 is kept, so who reads the store cannot enter.  Looking never changes anything: mail
scanners open links too.  Time is an argument.  In memory for now; a database fills the same LinkStore.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from signalling.tokens import Join

TOKEN_BYTES = 20  # 160 bits: more than the 128 that make guessing hopeless, 27 characters in a letter
TOKEN_MAX = 64  # characters that are worth hashing

LinkState = Literal["open", "early", "over", "unknown"]


@dataclass(frozen=True)
class Invitation:
    """Who may enter which room, and when.  opens_s and closes_s: Unix time in seconds, the end excluded."""

    join: Join
    opens_s: float
    closes_s: float

    def __post_init__(self) -> None:
        if not self.opens_s < self.closes_s:
            raise ValueError(f"an invitation must close after it opens, found {self.opens_s} to {self.closes_s}")


@dataclass(frozen=True)
class FoundLink:
    """What a token stands for at a moment.  join is None for an unknown token; opens_in_s > 0 only for early."""

    state: LinkState
    join: Join | None = None
    opens_in_s: int = 0


class LinkStore(Protocol):
    """Where invitations are kept."""

    def create(self, invitation: Invitation) -> str: ...
    def find(self, token: str, now_s: float) -> FoundLink: ...
    def revoke(self, token: str) -> bool: ...
    def forget_over(self, now_s: float) -> int: ...


class MemoryLinks:
    """A LinkStore that lasts as long as the process.

    entropy  returns that many random bytes
    """

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._by_hash: dict[bytes, Invitation] = {}

    def create(self, invitation: Invitation) -> str:
        """Keep an invitation; returns its token, which is never seen again."""
        token = base64.urlsafe_b64encode(self._entropy(TOKEN_BYTES)).decode().rstrip("=")
        self._by_hash[_hashed(token)] = invitation
        return token

    def find(self, token: str, now_s: float) -> FoundLink:
        """What the token opens now.  Any text may be asked for; a strange one is unknown."""
        invitation = self._by_hash.get(_hashed(token)) if 0 < len(token) <= TOKEN_MAX else None
        if invitation is None:
            return FoundLink("unknown")
        if now_s < invitation.opens_s:
            return FoundLink("early", invitation.join, max(1, round(invitation.opens_s - now_s)))
        if now_s >= invitation.closes_s:
            return FoundLink("over", invitation.join)
        return FoundLink("open", invitation.join)

    def revoke(self, token: str) -> bool:
        """Withdraw a link; False when there was none."""
        return self._by_hash.pop(_hashed(token), None) is not None

    def forget_over(self, now_s: float) -> int:
        """Erase invitations whose time is over, and with them the names in them.  Returns how many."""
        over = [key for key, invitation in self._by_hash.items() if now_s >= invitation.closes_s]
        for key in over:
            del self._by_hash[key]
        return len(over)


def _hashed(token: str) -> bytes:
    # A lookup by the hash of a 160-bit secret leaks nothing by its timing: no salt, no compare_digest needed.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
