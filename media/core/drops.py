"""Every reason not to forward a datagram, and its counter.

A packet that goes nowhere without a name is a bug: mediasoup compiles its reasons out, we count them
always, because a counter costs nothing next to the question "where did the picture go?".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np


class Drop(IntEnum):
    """Why a datagram or packet was not forwarded.  Names are the label values of balie_dropped_total."""

    JUNK = 0  # first byte of no protocol that we speak (RFC 7983)
    TOO_SHORT = auto()
    TOO_LONG = auto()  # longer than an arena row: no WebRTC peer sends that
    UNKNOWN_ADDRESS = auto()  # media or DTLS from an address that passed no connectivity check
    NO_KEYS = auto()  # SRTP before the DTLS handshake is done
    STUN_MALFORMED = auto()
    STUN_NOT_REQUEST = auto()
    STUN_UNKNOWN_USER = auto()
    STUN_BAD_INTEGRITY = auto()
    ICE_TOO_MANY_ADDRESSES = auto()
    DTLS_REJECTED = auto()
    SRTP_AUTH = auto()  # forged, corrupted or under other keys
    SRTP_REPLAY = auto()
    SRTP_OTHER = auto()
    SRTP_PROTECT = auto()
    RTP_MALFORMED = auto()
    UNKNOWN_SSRC = auto()
    UNKNOWN_PAYLOAD_TYPE = auto()
    MUTED = auto()
    PADDING_ONLY = auto()
    PROBE = auto()  # SSRC 0 padding of a bandwidth probe: counted for feedback, carries nothing
    RTX_EMPTY = auto()
    RTX_LATE = auto()  # a retransmission of what had arrived, or of what nobody waits for any more
    SEQUENCE_JUMP = auto()  # RFC 3550 A.1: one packet far away is not yet a restart
    BEFORE_KEYFRAME = auto()
    WAITING_KEYFRAME = auto()
    NO_SUBSCRIBER = auto()
    PAUSED = auto()
    RTCP_MALFORMED = auto()
    RTCP_UNKNOWN_SSRC = auto()
    NACK_UNKNOWN = auto()  # asked again for a packet that left the history
    NACK_TOO_SOON = auto()
    RESEND_LIMIT = auto()
    NO_ADDRESS = auto()  # a subscriber without a checked address yet
    SEND_WOULD_BLOCK = auto()
    SEND_ERROR = auto()
    SEND_FULL = auto()  # more in one turn than send_rows
    TCP_LAGGING = auto()  # a picture for a TCP peer whose connection does not keep up
    TCP_FULL = auto()  # anything for him, sound too: what waits for him is all that may


class DropCounters:
    """Counts by reason.  counts: (len(Drop),) int64."""

    def __init__(self) -> None:
        self.counts = np.zeros(len(Drop), np.int64)

    def add(self, reason: Drop, count: int = 1) -> None:
        self.counts[reason] += count

    def add_named(self, name: str) -> None:
        """Count a PeerError by its reason.  KeyError: a reason that Drop does not list, a bug of ours."""
        self.counts[Drop[name.upper()]] += 1

    def as_dict(self) -> dict[str, int]:
        return {reason.name.lower(): int(self.counts[reason]) for reason in Drop}


@dataclass
class TcpCounts:
    """Connections of peers over TCP: how many there are, and since the start how many

    accepted   came
    refused    over a limit, or closed to make room for a newer one
    strangers  began with anything but a genuine connectivity check, or with nothing
    stalled    took nothing any more
    """

    open: int = 0
    accepted: int = 0
    refused: int = 0
    strangers: int = 0
    stalled: int = 0

    def as_dict(self) -> dict[str, int]:
        return {
            "tcp_connections": self.open,
            "tcp_accepted": self.accepted,
            "tcp_refused": self.refused,
            "tcp_strangers": self.strangers,
            "tcp_stalled": self.stalled,
        }
