"""What signalling asks of the media server below and of the application above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from media.core.engine import Engine
from media.core.model import LocalIce, TransportId
from signalling.sdp import Ours
from signalling.tokens import Join


class CandidateLine(Protocol):
    """A local ICE candidate."""

    def sdp(self) -> str: ...


class MediaPlane(Protocol):
    """media.io.server.MediaServer, as far as signalling needs it."""

    @property
    def engine(self) -> Engine: ...
    @property
    def fingerprint(self) -> tuple[str, str]: ...
    @property
    def candidates(self) -> Sequence[CandidateLine]: ...
    def expect_fingerprints(self, transport: TransportId, fingerprints: Sequence[tuple[str, str]]) -> None: ...


class Admission(Protocol):
    """The application's word on a person at the door, beyond what his token says."""

    def may_enter(self, join: Join) -> str | None:
        """None to admit; else the reason, in words for the person."""
        ...


class AdmitAll:
    """Whoever has a valid token may enter."""

    def may_enter(self, join: Join) -> str | None:
        return None


@dataclass(frozen=True)
class Limits:
    """What one client may send, and how long things wait.  Times in us."""

    messages_burst: int = 50  # a page that joins sends about ten at once
    messages_per_s: int = 20
    hello_us: int = 5_000_000
    resume_us: int = 30_000_000  # a lift, a tunnel, a change of network
    buffered: int = 200  # messages kept for a resume


def ours(plane: MediaPlane, ice: LocalIce, *, offering: bool) -> Ours:
    """Our side of a new transport, for the SDP."""
    return Ours(
        ufrag=ice.ufrag,
        password=ice.pwd,
        fingerprint=plane.fingerprint,
        candidates=tuple(candidate.sdp() for candidate in plane.candidates),
        setup="actpass" if offering else "passive",
    )
