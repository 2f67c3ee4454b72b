"""The contract of a reservation system: sports halls, rooms, anything with resources and hours.

Five questions and no more, so that a vendor can answer them in an afternoon (docs/reservations.md).  Those that change
something carry a key: asked twice with the same one, a system does it once and says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

State = Literal["held", "confirmed", "released", "expired"]

KEY_MAX, ID_MAX, NAME_MAX = 64, 64, 200
HOLD_S = 15 * 60
"""What we ask for: as long as somebody needs to identify and to pay."""


@dataclass(frozen=True)
class Resource:
    """Something that one person has at a time.  kind: what it is for, such as badminton."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True)
class FreeTime:
    """A resource that can be had.  Times are Unix seconds, the end excluded."""

    resource: str
    resource_name: str
    from_s: int
    until_s: int
    price_cents: int


@dataclass(frozen=True)
class Held:
    """Kept until hold_until_s, for this price."""

    external_ref: str
    hold_until_s: int
    price_cents: int


@dataclass(frozen=True)
class Confirmed:
    """external_ref: what the citizen may say at the hall's desk."""

    external_ref: str


@dataclass(frozen=True)
class Details:
    external_ref: str
    state: State
    resource: str
    from_s: int
    until_s: int
    holder_name: str = ""


class Backend(Protocol):
    """Every method raises balie.reservations.errors and nothing else."""

    @property
    def name(self) -> str:
        """As the configuration has it; products name it."""

    async def resources(self, kind: str) -> list[Resource]:
        """All of a kind, "" for all."""

    async def free(self, kind: str, from_s: int, until_s: int) -> list[FreeTime]:
        """What begins between these moments, earliest first."""

    async def hold(self, key: str, resource: str, from_s: int, until_s: int, ttl_s: int) -> Held:
        """Keep it for a while.  Taken: somebody was first."""

    async def confirm(self, key: str, external_ref: str, holder_name: str) -> Confirmed:
        """It is his, in this name ("" when nobody had to say who he is).  Taken: the hold is over."""

    async def release(self, key: str, external_ref: str) -> None:
        """Let it go, held or confirmed.  What is not there any more is let go too."""

    async def details(self, external_ref: str) -> Details:
        """What became of it.  Refused: it does not know it."""
