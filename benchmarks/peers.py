"""ICE and DTLS of every client connection: controlling agent, DTLS client, consent kept fresh.

Sans-IO: fed with datagrams and time, answers through the `send` it was given.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.keys import PROFILE, KeyPair, Keyring
from benchmarks.sdp import CANDIDATE_PRIORITY, Local, Remote
from benchmarks.wire import ip_number, ip_text
from media.core.errors import PeerError
from media.core.stun import binding_request, binding_success, parse_binding_request, parse_binding_success
from media.io.dtls import PROFILES, Certificate, DtlsClient

CHECK_EVERY_NS = 50_000_000  # RFC 8445 14.2
CONSENT_EVERY_NS = 2_500_000_000  # browsers: RFC 7675's 5 s, halved and randomised
SIZE_MAX = 1 << 15

Send = Callable[[int, bytes, tuple[str, int]], None]


@dataclass
class Peer:
    local: Local
    tie_breaker: int
    remote: Remote | None = None
    dtls: DtlsClient | None = None
    keys: KeyPair | None = None
    next_ns: int = 0
    checked: bool = False
    """Whether a check was answered: the path works."""
    transactions: set[bytes] = field(default_factory=set)
    hello: list[bytes] = field(default_factory=list)
    """The first DTLS flight, until something comes back."""


class Peers:
    """All connections of a crowd.  One certificate for all: what the contender pays does not depend on it."""

    def __init__(self, connections: int, base_address: int, port: int, keyring: Keyring, send: Send) -> None:
        # One profile only: AES-128-GCM, so that every contender pays for the same cipher.
        self._certificate = Certificate.generate(tuple(one for one in PROFILES if one.libsrtp_profile == PROFILE))
        self._base, self._port, self._keyring, self._send = base_address, port, keyring, send
        self._peers: list[Peer | None] = [None] * connections
        self._turn = 0
        self._turn_ns = 0

    @property
    def fingerprint(self) -> tuple[str, str]:
        return self._certificate.fingerprint

    def open(self, connection: int) -> Local:
        """A new connection's own side, for its SDP."""
        local = Local(
            ufrag=os.urandom(4).hex(),
            pwd=os.urandom(16).hex(),
            fingerprint=self._certificate.fingerprint,
            address=ip_text(self._base + connection),
            port=self._port,
        )
        self._peers[connection] = Peer(local, int.from_bytes(os.urandom(8), "big"))
        return local

    def connect(self, connection: int, remote: Remote, now_ns: int) -> None:
        peer = self._peer(connection)
        peer.remote = remote
        self._check(connection, peer, now_ns)

    def connected(self, connection: int) -> bool:
        return self._peer(connection).keys is not None

    def target(self, connection: int) -> tuple[str, int]:
        remote = self._peer(connection).remote
        assert remote is not None
        return remote.target

    def state(self, connection: int) -> str:
        """For the text of an error."""
        peer = self._peer(connection)
        dtls = f"{peer.dtls.state} {peer.dtls.reason or ''}" if peer.dtls else "not begun"
        return f"ICE {'answered' if peer.checked else 'not answered'}, DTLS {dtls}"

    def received(self, connection: int, data: bytes, source: tuple[str, int]) -> None:
        peer = self._peers[connection]
        if peer is None or peer.remote is None or not data:
            return
        if data[0] <= 3:
            self._stun(connection, peer, data, source)
        elif 20 <= data[0] <= 63 and peer.dtls is not None:
            peer.hello.clear()
            for answer in peer.dtls.handle(data):
                self._send(connection, answer, peer.remote.target)
            self._take_keys(connection, peer)

    def _stun(self, connection: int, peer: Peer, data: bytes, source: tuple[str, int]) -> None:
        assert peer.remote is not None
        if data[:2] == b"\x00\x01":
            self._answer_check(connection, peer, data, source)
            return
        transaction = parse_binding_success(data, peer.remote.pwd.encode())
        if transaction is None or transaction not in peer.transactions:
            return
        peer.transactions.clear()
        peer.checked = True
        if peer.dtls is None:
            peer.dtls = DtlsClient(self._certificate)
            peer.dtls.expect(peer.remote.fingerprints)
            peer.hello = peer.dtls.start()
            for flight in peer.hello:
                self._send(connection, flight, peer.remote.target)

    def _answer_check(self, connection: int, peer: Peer, data: bytes, source: tuple[str, int]) -> None:
        """A contender with full ICE checks us, too."""
        try:
            request = parse_binding_request(data)
        except PeerError:
            return
        ip = ip_number(source[0]).to_bytes(4, "big")
        answer = binding_success(request.transaction, ip, source[1], peer.local.pwd.encode())
        self._send(connection, answer, source)

    def _check(self, connection: int, peer: Peer, now_ns: int) -> None:
        assert peer.remote is not None
        transaction = os.urandom(12)
        peer.transactions.add(transaction)
        username = f"{peer.remote.ufrag}:{peer.local.ufrag}"
        key = peer.remote.pwd.encode()
        request = binding_request(transaction, username, key, CANDIDATE_PRIORITY, peer.tie_breaker, True)
        self._send(connection, request, peer.remote.target)
        peer.next_ns = now_ns + (CHECK_EVERY_NS if peer.keys is None else CONSENT_EVERY_NS)

    def _take_keys(self, connection: int, peer: Peer) -> None:
        if peer.keys is None and peer.dtls is not None and peer.dtls.state == "connected":
            keys = peer.dtls.srtp_keys()
            peer.keys = KeyPair(keys.send_key, keys.receive_key, keys.profile)
            self._keyring.install(connection, peer.keys)

    def nudge(self, connection: int, now_ns: int) -> None:
        """While connecting: check again, resend a flight, when it is time."""
        peer = self._peer(connection)
        if now_ns >= peer.next_ns and (peer.hello or not peer.checked):
            self._check(connection, peer, now_ns)
            # Full-ICE contenders drop a ClientHello that comes before they believe the path.  Browsers
            # start with 50 ms here (OpenSSL's timer with 1 s), so resend at the pace of the checks.
            for flight in peer.hello:
                self._send(connection, flight, self.target(connection))
        if peer.dtls is not None and peer.remote is not None:
            due_us = peer.dtls.next_timeout_us(now_ns // 1000)
            if due_us is not None and now_ns // 1000 >= due_us:
                for flight in peer.dtls.handle_timeout():
                    self._send(connection, flight, peer.remote.target)

    def keep_alive(self, now_ns: int) -> None:
        """Consent checks (RFC 7675): connections take turns, each every CONSENT_EVERY_NS."""
        if not self._turn_ns:
            self._turn_ns = now_ns
        while self._turn_ns <= now_ns:
            peer = self._peers[self._turn]
            if peer is not None and peer.keys is not None:
                self._check(self._turn, peer, now_ns)
            self._turn = (self._turn + 1) % len(self._peers)
            self._turn_ns += CONSENT_EVERY_NS // len(self._peers)

    def _peer(self, connection: int) -> Peer:
        peer = self._peers[connection]
        if peer is None:
            raise KeyError(f"connection {connection} was never opened")
        return peer
