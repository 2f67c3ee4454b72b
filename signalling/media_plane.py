"""What signalling asks of the media server below and of the application above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from media.core.commands import Commands
from media.core.model import LocalIce, TransportId
from signalling.sdp import Ours
from signalling.tokens import Join


class CandidateLine(Protocol):
    """A local ICE candidate."""

    def sdp(self) -> str: ...


class MediaPlane(Protocol):
    """A media server, as far as signalling needs it."""

    @property
    def engine(self) -> Commands: ...
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

    messages_burst: int = 60  # a page that joins sends about ten at once
    messages_per_s: int = 30  # somebody who types fast while he points
    hello_us: int = 5_000_000
    resume_us: int = 30_000_000  # a lift, a tunnel, a change of network
    buffered: int = 200  # messages kept for a resume
    room_us: int = 900_000_000  # what a room remembers when everybody has gone: all of them may have lost their network


def ours(plane: MediaPlane, ice: LocalIce, *, offering: bool) -> Ours:
    """Our side of a new transport, for the SDP."""
    return Ours(
        ufrag=ice.ufrag,
        password=ice.pwd,
        fingerprint=plane.fingerprint,
        candidates=tuple(candidate.sdp() for candidate in plane.candidates),
        setup="actpass" if offering else "passive",
    )
