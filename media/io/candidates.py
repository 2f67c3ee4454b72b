"""ICE host candidates of the one port number: UDP, and TCP for who cannot use it (RFC 8839 5.1, RFC 6544 4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HOST_PREFERENCE = 126  # RFC 8445 5.1.2.2
TCP_PREFERENCE = 90  # RFC 6544 4.2: below UDP; as libwebrtc has it, and above every relay
PASSIVE_PREFERENCE = 4  # RFC 6544 4.2, the direction's: three bits above the other preference
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
    tcptype: str = ""

    def sdp(self) -> str:
        line = (
            f"{self.foundation} {self.component} {self.protocol} {self.priority} {self.ip} {self.port} typ {self.type}"
        )
        return f"{line} tcptype {self.tcptype}" if self.tcptype else line


def host_candidates(addresses: Sequence[str], port: int, *, tcp: bool = False) -> tuple[Candidate, ...]:
    """One candidate per address, earlier ones preferred (RFC 8445 5.1.2.1); tcp: then one more for each."""
    over_udp = tuple(
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
    return (*over_udp, *_passive_candidates(addresses, port)) if tcp else over_udp


def _passive_candidates(addresses: Sequence[str], port: int) -> tuple[Candidate, ...]:
    """They wait to be connected to; foundations of their own, for each transport has its own (RFC 8445 5.1.1.3)."""
    return tuple(
        Candidate(
            foundation=str(len(addresses) + at + 1),
            component=COMPONENT_RTP,
            protocol="tcp",
            priority=TCP_PREFERENCE << 24 | (PASSIVE_PREFERENCE << 13 | 8191 - at) << 8 | 256 - COMPONENT_RTP,
            ip=address,
            port=port,
            tcptype="passive",
        )
        for at, address in enumerate(addresses)
    )
