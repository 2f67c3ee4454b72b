"""Two DTLS ends joined by a wire in memory, and the means to speak for the client with its own keys."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from media.io.dtls import Certificate, DtlsClient, DtlsServer, State

OURS, PEERS = Certificate.generate(), Certificate.generate()


class Pair:
    """Two ends that know each other, and the wire between them."""

    def __init__(self, certificate: Certificate = PEERS) -> None:
        self.server, self.client = DtlsServer(OURS), DtlsClient(certificate)
        self.server.expect([certificate.fingerprint])
        self.client.expect([OURS.fingerprint])
        self.wire: list[bytes] = []
        """Everything that either end sent, in order."""

    def states(self) -> tuple[State, State]:
        return self.server.state, self.client.state

    def run(self, *, lost: Sequence[int] = (), turns: int = 40) -> Pair:
        """Carry datagrams until nothing moves, then let the first timer fire.  lost: which of them vanish."""
        now_us = 0
        to_server, to_client = self._send(self.client.start(), lost), list[bytes]()
        for _ in range(turns):
            if self.states() == ("connected", "connected"):
                break
            if not to_server and not to_client:
                server_us, client_us = (end.next_timeout_us(now_us) for end in (self.server, self.client))
                now_us = min(due for due in (server_us, client_us) if due is not None)
                if server_us == now_us:
                    to_client = self._send(self.server.handle_timeout(), lost)
                if client_us == now_us:
                    to_server = self._send(self.client.handle_timeout(), lost)
            answers = [answer for datagram in to_server for answer in self.server.handle(datagram)]
            to_server = []
            to_client += self._send(answers, lost)
            answers = [answer for datagram in to_client for answer in self.client.handle(datagram)]
            to_client = []
            to_server += self._send(answers, lost)
        return self

    def _send(self, datagrams: list[bytes], lost: Sequence[int]) -> list[bytes]:
        first = len(self.wire)
        self.wire += datagrams
        return [datagram for at, datagram in enumerate(datagrams) if first + at not in lost]


def established() -> Pair:
    pair = Pair().run()
    assert pair.states() == ("connected", "connected")
    return pair


def flights() -> list[tuple[Pair, list[bytes]]]:
    """A pair before each datagram to the server, with what comes next: at ClientHello, at Finished, after it."""
    out = []
    for answered in range(3):
        pair = Pair()
        coming = pair.client.start()
        for _ in range(answered):
            coming = [again for d in coming for answer in pair.server.handle(d) for again in pair.client.handle(answer)]
        out.append((pair, coming))
    return out


def sealed(pair: Pair, kind: int, plain: bytes, number: int = 100) -> bytes:
    """A genuine record of the client, made from the master secret (RFC 5246 5, 6.3; RFC 5288 3; RFC 6347 4.1)."""
    connection = pair.client._connection
    assert connection is not None
    master, client, server = connection.master_key(), connection.client_random(), connection.server_random()
    assert master and client and server
    seed, block, a = b"key expansion" + server + client, b"", b"key expansion" + server + client
    while len(block) < 40:
        a = hmac.digest(master, a, "sha256")
        block += hmac.digest(master, a + seed, "sha256")
    sequence = b"\0\1" + number.to_bytes(6, "big")
    head = bytes([kind]) + b"\xfe\xfd"
    text = AESGCM(block[:16]).encrypt(block[32:36] + sequence, plain, sequence + head + len(plain).to_bytes(2, "big"))
    return head + sequence + (len(text) + 8).to_bytes(2, "big") + sequence + text
