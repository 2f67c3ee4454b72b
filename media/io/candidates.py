"""ICE host candidates of the one UDP port (RFC 8839 5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HOST_PREFERENCE = 126  # RFC 8445 5.1.2.2
COMPONENT_RTP = 1  # RTCP is multiplexed (RFC 5761)


@dataclass(frozen=True)
class Candidate:
    """One line of a=candidate."""

    foundation: str
    component: int
    protocol: str
    priority: int
    ip: str
    port: int
    type: str = "host"

    def sdp(self) -> str:
        return (
            f"{self.foundation} {self.component} {self.protocol} {self.priority} {self.ip} {self.port} typ {self.type}"
        )


def host_candidates(addresses: Sequence[str], port: int) -> tuple[Candidate, ...]:
    """One candidate per address, earlier ones preferred (RFC 8445 5.1.2.1)."""
    return tuple(
        Candidate(
            foundation=str(at + 1),
            component=COMPONENT_RTP,
            protocol="udp",
            priority=HOST_PREFERENCE << 24 | (65_535 - at) << 8 | 256 - COMPONENT_RTP,
            ip=address,
            port=port,
        )
        for at, address in enumerate(addresses)
    )
