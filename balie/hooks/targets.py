"""Who hears of events: a row of [hooks] targets."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """A system that events are posted to.

    secret   signs what is posted
    types    prefixes of the event types that it hears; none: all
    contact  whether it gets names and addresses too
    """

    name: str
    url: str
    secret: bytes = field(repr=False)
    types: tuple[str, ...] = ()
    contact: bool = False

    def wants(self, type: str) -> bool:  # noqa: A002
        return not self.types or type.startswith(self.types)
