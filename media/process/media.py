"""A media server as the application uses it: in this process (media.io.server) or in one of its own (remote)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from media.core.commands import Commands
from media.core.model import Event, TransportId
from media.io.candidates import Candidate


class Media(Protocol):
    """See media.io.server.MediaServer."""

    on_events: Callable[[list[Event]], None]

    @property
    def engine(self) -> Commands: ...
    @property
    def fingerprint(self) -> tuple[str, str]: ...
    @property
    def candidates(self) -> Sequence[Candidate]: ...
    @property
    def port(self) -> int: ...
    def now_us(self) -> int: ...
    def expect_fingerprints(self, transport: TransportId, fingerprints: Sequence[tuple[str, str]]) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
