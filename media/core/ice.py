"""ICE-lite on one port: who may send from which address (RFC 8445 2.5, 7.3; consent RFC 7675).

A peer is known by the ufrag that we gave it, then by the exact addresses that proved to know the password.  A
new address is believed only after an authenticated check from it, so a phone that changes network keeps its
call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from media.core import stun
from media.core.checks import CheckTable
from media.core.errors import PeerError
from media.native.index import ADDRESS_WORDS, Index

CONSENT_US = 30_000_000  # RFC 7675 5.1
SETUP_US = 30_000_000  # a browser that has not checked by then never got the answer
ADDRESSES_MAX = 8  # mediasoup's cap on tuples of one peer
RESTARTS_MAX = 4  # credentials kept of before restarts: answers may cross, but nobody needs a flood of them
ROLE_CONFLICT = 487  # RFC 8445 7.3.1.1: a lite agent is always controlled


class IceAnswer(NamedTuple):
    """reply to send to where the request came from; transport it belongs to."""

    reply: bytes
    transport: int


@dataclass(slots=True)
class _Peer:
    transport: int
    ufrag: bytes
    password: stun.Password
    selected: bytes | None = None
    addresses: dict[bytes, int] = field(default_factory=dict)
    """Checked address -> when last checked."""
    via: dict[bytes, int] = field(default_factory=dict)
    """Checked address -> what the caller reaches it through."""
    earlier: dict[bytes, stun.Password] = field(default_factory=dict)
    """ufrag -> password of before restarts that the peer has not followed yet, oldest first."""


class IceLite:
    """The table of one port.

    by_address  checked address (opaque, exact) -> transport; read by the data path, changed only here
    checks      what each peer said last; the data path answers who says it again as handle() would
    """

    def __init__(self, transports_max: int = 1024) -> None:
        self.by_address: Index[bytes] = Index(transports_max * ADDRESSES_MAX, ADDRESS_WORDS)
        self.checks = CheckTable(transports_max)
        self._by_ufrag: dict[bytes, _Peer] = {}
        self._peers: dict[int, _Peer] = {}

    def register(self, transport: int, ufrag: str, password: str, now_us: int) -> None:
        peer = _Peer(transport, ufrag.encode(), stun.Password(password.encode()))
        self._peers[transport] = self._by_ufrag[peer.ufrag] = peer
        self.checks.begin(transport, now_us)

    def restart(self, transport: int, ufrag: str, password: str) -> None:
        """New credentials; earlier ones work until the peer first uses the new (make before break)."""
        peer = self._peers[transport]
        peer.earlier[peer.ufrag] = peer.password
        if len(peer.earlier) > RESTARTS_MAX:
            _, never_used, *_ = peer.earlier  # the first is what the peer still uses
            del peer.earlier[never_used], self._by_ufrag[never_used]
        peer.ufrag, peer.password = ufrag.encode(), stun.Password(password.encode())
        self._by_ufrag[peer.ufrag] = peer
        self.checks.unlearn(transport)

    def forget(self, transport: int) -> None:
        peer = self._peers.pop(transport, None)
        if peer is None:
            return
        self.checks.clear(transport)
        self._by_ufrag.pop(peer.ufrag, None)
        self._forget_earlier(peer, peer.ufrag)
        for address in peer.addresses:
            self.by_address.pop(address, None)

    def selected_address(self, transport: int) -> bytes | None:
        """Where to send; None before the first check."""
        peer = self._peers.get(transport)
        return peer.selected if peer is not None else None

    def selected_path(self, transport: int) -> tuple[bytes, int] | None:
        """Where to send, and through what; None before the first check, or when its only connection closed."""
        peer = self._peers.get(transport)
        if peer is None or peer.selected is None:
            return None
        return peer.selected, peer.via[peer.selected]

    def lose(self, address: bytes) -> int | None:
        """A connection closed: nothing comes from this address any more, and nothing can be sent to it.

        Returns the transport that had it, None for none; selected_path() says how it is reached now.  Its keys, its
        consent and its other addresses stay: if this one was selected, the one that was checked last takes its place
        until the peer nominates another.
        """
        transport = self.by_address.pop(address, None)
        if transport is None:
            return None
        self._drop(self._peers[transport], address)
        return transport

    def handle(self, data: bytes, address: bytes, ip: bytes, port: int, now_us: int, via: int = 0) -> IceAnswer:
        """Answer a check that came from address.

        ip (4 or 16 bytes) and port are the same address for the answer; via comes back with selected_path().
        Raises PeerError stun_malformed, stun_not_request, stun_unknown_user or stun_bad_integrity: the
        caller drops and counts, and answers nothing, so that nobody can use us to learn ufrags or to
        reflect traffic.
        """
        request = stun.parse_binding_request(data)
        ufrag = request.username.partition(b":")[0]
        peer = self._by_ufrag.get(ufrag)
        if peer is None:
            raise PeerError("stun_unknown_user")
        password = peer.password if ufrag == peer.ufrag else peer.earlier[ufrag]
        if request.integrity_at < 0 or not stun.integrity_holds(data, request.integrity_at, password):
            raise PeerError("stun_bad_integrity")
        if address not in peer.addresses and self.checks.has_heard(peer.transport, request.transaction):
            # An overheard check, sent again from elsewhere, would take the media there until the next one.
            raise PeerError("stun_bad_integrity", "transaction of another address")
        if request.controlled:
            reply = stun.binding_error(request.transaction, ROLE_CONFLICT, "Role Conflict", password)
            return IceAnswer(reply, peer.transport)
        if peer.earlier:
            self._forget_earlier(peer, ufrag)
        self._believe(peer, request.transaction, address, now_us)
        peer.via[address] = via
        if request.use_candidate or peer.selected is None:
            peer.selected = address
        if peer.selected == address and ufrag == peer.ufrag:
            self.checks.learn(peer.transport, data, request.integrity_at, password.key)
        return IceAnswer(stun.binding_success(request.transaction, ip, port, password), peer.transport)

    def _forget_earlier(self, peer: _Peer, than: bytes) -> None:
        """The peer uses the ufrag `than`: it does not go back to earlier ones."""
        for ufrag in list(peer.earlier):
            if ufrag == than:
                break
            del peer.earlier[ufrag], self._by_ufrag[ufrag]

    def _believe(self, peer: _Peer, transaction: bytes, address: bytes, now_us: int) -> None:
        self.checks.hear(peer.transport, transaction, now_us)
        owner = self.by_address.get(address)
        if owner is not None and owner != peer.transport:
            # The client closed a connection and opened the next from the same port: the newer one counts.
            self._drop(self._peers[owner], address)
        if address not in peer.addresses and len(peer.addresses) >= ADDRESSES_MAX:
            oldest = min(
                (known for known in peer.addresses if known != peer.selected),
                key=lambda known: peer.addresses[known],
            )
            del peer.addresses[oldest], peer.via[oldest]
            self.by_address.pop(oldest, None)
        peer.addresses[address] = now_us
        self.by_address[address] = peer.transport

    def _drop(self, peer: _Peer, address: bytes) -> None:
        """This address is no longer the peer's: what he checked last of the others takes its place."""
        peer.addresses.pop(address, None)
        peer.via.pop(address, None)
        if peer.selected == address:
            self.checks.unlearn(peer.transport)
            peer.selected = max(peer.addresses, key=lambda known: peer.addresses[known], default=None)

    def expired(self, now_us: int) -> list[int]:
        """Transports whose peer withdrew or never gave its consent; they are reported until forgotten."""
        return self.checks.silent(now_us, SETUP_US, CONSENT_US)
