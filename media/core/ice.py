"""ICE-lite on one port: who may send from which address (RFC 8445 2.5, 7.3; consent RFC 7675).

A peer is known by the ufrag that we gave it, then by the exact addresses that proved to know the password.  A new
address is believed only after an authenticated check from it, so a phone that changes network keeps its call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from media.core import stun
from media.core.errors import PeerError

CONSENT_US = 30_000_000  # RFC 7675 5.1
SETUP_US = 30_000_000  # a browser that has not checked by then never got the answer
ADDRESSES_MAX = 8  # mediasoup's cap on tuples of one peer
ROLE_CONFLICT = 487  # RFC 8445 7.3.1.1: a lite agent is always controlled


class IceAnswer(NamedTuple):
    """reply to send to where the request came from; transport it belongs to."""

    reply: bytes
    transport: int


@dataclass(slots=True)
class _Peer:
    transport: int
    ufrag: bytes
    password: bytes
    registered_us: int
    old_ufrag: bytes | None = None
    old_password: bytes = b""
    heard_us: int | None = None
    selected: bytes | None = None
    addresses: dict[bytes, int] = field(default_factory=dict)
    """Checked address -> when last checked."""


class IceLite:
    """The table of one port.

    by_address  checked address (opaque, exact) -> transport; read by the data path, changed only here
    """

    def __init__(self) -> None:
        self.by_address: dict[bytes, int] = {}
        self._by_ufrag: dict[bytes, _Peer] = {}
        self._peers: dict[int, _Peer] = {}

    def register(self, transport: int, ufrag: str, password: str, now_us: int) -> None:
        peer = _Peer(transport, ufrag.encode(), password.encode(), now_us)
        self._peers[transport] = self._by_ufrag[peer.ufrag] = peer

    def restart(self, transport: int, ufrag: str, password: str) -> None:
        """New credentials; the old ones go on working until the peer first uses the new (make before break)."""
        peer = self._peers[transport]
        if peer.old_ufrag is not None:
            self._by_ufrag.pop(peer.old_ufrag, None)
        peer.old_ufrag, peer.old_password = peer.ufrag, peer.password
        peer.ufrag, peer.password = ufrag.encode(), password.encode()
        self._by_ufrag[peer.ufrag] = peer

    def forget(self, transport: int) -> None:
        peer = self._peers.pop(transport, None)
        if peer is None:
            return
        self._by_ufrag.pop(peer.ufrag, None)
        if peer.old_ufrag is not None:
            self._by_ufrag.pop(peer.old_ufrag, None)
        for address in peer.addresses:
            self.by_address.pop(address, None)

    def selected_address(self, transport: int) -> bytes | None:
        """Where to send; None before the first check."""
        peer = self._peers.get(transport)
        return peer.selected if peer is not None else None

    def handle(self, data: bytes, address: bytes, ip: bytes, port: int, now_us: int) -> IceAnswer:
        """Answer a check that came from address.

        ip (4 or 16 bytes) and port are the same address for the answer.
        Raises PeerError stun_malformed, stun_not_request, stun_unknown_user or stun_bad_integrity: the caller
        drops and counts, and answers nothing, so that nobody can use us to learn ufrags or to reflect traffic.
        """
        request = stun.parse_binding_request(data)
        ufrag = request.username.partition(b":")[0]
        peer = self._by_ufrag.get(ufrag)
        if peer is None:
            raise PeerError("stun_unknown_user")
        password = peer.password if ufrag == peer.ufrag else peer.old_password
        if request.integrity_at < 0 or not stun.integrity_holds(data, request.integrity_at, password):
            raise PeerError("stun_bad_integrity")
        if request.controlled:
            reply = stun.binding_error(request.transaction, ROLE_CONFLICT, "Role Conflict", password)
            return IceAnswer(reply, peer.transport)
        if ufrag == peer.ufrag and peer.old_ufrag is not None:
            self._by_ufrag.pop(peer.old_ufrag, None)
            peer.old_ufrag = None
        self._believe(peer, address, now_us)
        if request.use_candidate or peer.selected is None:
            peer.selected = address
        return IceAnswer(stun.binding_success(request.transaction, ip, port, password), peer.transport)

    def _believe(self, peer: _Peer, address: bytes, now_us: int) -> None:
        peer.heard_us = now_us
        owner = self.by_address.get(address)
        if owner is not None and owner != peer.transport:
            # The client closed a connection and opened the next from the same port: the newer one has proved itself.
            other = self._peers[owner]
            other.addresses.pop(address, None)
            if other.selected == address:
                other.selected = max(other.addresses, key=lambda known: other.addresses[known], default=None)
        if address not in peer.addresses and len(peer.addresses) >= ADDRESSES_MAX:
            oldest = min(
                (known for known in peer.addresses if known != peer.selected),
                key=lambda known: peer.addresses[known],
            )
            del peer.addresses[oldest]
            self.by_address.pop(oldest, None)
        peer.addresses[address] = now_us
        self.by_address[address] = peer.transport

    def expired(self, now_us: int) -> list[int]:
        """Transports whose peer withdrew or never gave its consent; they are reported until forgotten."""
        return [
            peer.transport
            for peer in self._peers.values()
            if now_us - (peer.heard_us if peer.heard_us is not None else peer.registered_us)
            > (CONSENT_US if peer.heard_us is not None else SETUP_US)
        ]
