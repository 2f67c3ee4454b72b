"""DTLS associations for SRTP keys (RFC 5764), sans-IO, on aiortc's certificate and pyOpenSSL.

aiortc's RTCDtlsTransport runs a task per connection and awaits each datagram; here a datagram is a function call.
From aiortc come the certificate, the SSL context with its ciphers and the SRTP profiles with their key slicing.  The only
user of aiortc's private names for DTLS; tests/media/io/test_dtls.py pins them.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    SRTPProtectionProfile,
    certificate_digest,
)
from OpenSSL import SSL

State = Literal["new", "connecting", "connected", "failed", "closed"]

# 128 before 256: as strong as the P-256 handshake that protects it, and a third cheaper per packet.
PROFILES: tuple[SRTPProtectionProfile, ...] = (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
)
MTU = 1200  # bytes of a DTLS datagram: libwebrtc's choice, passes every tunnel
HANDSHAKE_MAX = 65_536  # bytes in before the handshake is done: ten times what one takes
EXPORTER = b"EXTRACTOR-dtls_srtp"  # RFC 5764 4.2
DIGESTS = ("sha-256", "sha-384", "sha-512")
_HANDSHAKE, _ALERT = 22, 21  # RFC 6347 4.1 content types
_RECORD_HEADER = 13
_READ_MAX = 16_384
# OpenSSL starts its timer at 1 s and doubles it (RFC 6347 4.2.4.1).
RESEND_FIRST_US, RESEND_MAX_US = 1_000_000, 8_000_000
RESENDS_MAX = 7


@dataclass(frozen=True)
class SrtpKeys:
    """Keys of one association.  receive_key and send_key: master key and salt; never shown."""

    profile: int
    profile_name: str
    receive_key: bytes = field(repr=False)
    send_key: bytes = field(repr=False)


class Certificate:
    """Our certificate, and one SSL context that all associations share (making one costs 170 us)."""

    def __init__(self, certificate: RTCCertificate, profiles: Sequence[SRTPProtectionProfile] = PROFILES) -> None:
        self.context: SSL.Context = certificate._create_ssl_context(list(profiles))
        self.context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION)
        self.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self.profiles = tuple(profiles)
        shown = next(f for f in certificate.getFingerprints() if f.algorithm == "sha-256")
        self.fingerprint: tuple[str, str] = (shown.algorithm, shown.value)

    @classmethod
    def generate(cls, profiles: Sequence[SRTPProtectionProfile] = PROFILES) -> Certificate:
        """A fresh self-signed P-256 certificate, valid for 30 days: a process restarts sooner than that."""
        return cls(RTCCertificate.generateCertificate(), profiles)


class _Association:
    """What client and server share.  Mutate with handle(), expect(), handle_timeout(); then read state."""

    def __init__(self, certificate: Certificate, *, server: bool) -> None:
        self._certificate = certificate
        self._server = server
        self._connection = SSL.Connection(certificate.context)
        self._connection.set_ciphertext_mtu(MTU)
        if server:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
        self._expected: tuple[tuple[str, str], ...] | None = None
        self._encrypted = False
        self._bytes_in = 0
        self._resends = 0
        self._resend_due_us: int | None = None
        self._flight = False
        self._keys: SrtpKeys | None = None
        self.state: State = "new"
        self.reason: str | None = None
        """Why it failed: dtls, fingerprint, profile or flood."""

    def expect(self, fingerprints: Sequence[tuple[str, str]]) -> None:
        """The certificate fingerprints that the peer's SDP names, as (algorithm, hex with colons)."""
        self._expected = tuple((name.lower(), value.upper()) for name, value in fingerprints)
        self._authenticate()

    def handle(self, datagram: bytes) -> list[bytes]:
        """A datagram from the peer.  Returns the datagrams to send back; never raises on its bytes."""
        if self.state in ("failed", "closed"):
            return []
        if not self._encrypted:
            self._bytes_in += len(datagram)
            if self._bytes_in > HANDSHAKE_MAX:
                return self._fail("flood")
            if not _is_handshake_record(datagram, self.state):
                return []
            if self.state == "new":
                self.state = "connecting"
        self._connection.bio_write(datagram)
        if not self._encrypted:
            self._advance()
        if self._encrypted:
            self._drain()
        out = self._take()
        if out:
            self._flight = True
        return out

    def next_timeout_us(self, now_us: int) -> int | None:
        """When handle_timeout() should be called, on the clock of now_us; None when nothing waits for an answer."""
        if self._encrypted or self.state != "connecting":
            return None
        if self._flight or self._resend_due_us is None:
            self._flight = False
            self._resends = 0
            self._resend_due_us = now_us + RESEND_FIRST_US
        return self._resend_due_us

    def handle_timeout(self) -> list[bytes]:
        """The peer did not answer: the last flight again.  Fails the association after RESENDS_MAX."""
        if self._encrypted or self.state != "connecting" or self._resend_due_us is None:
            return []
        if self._resends >= RESENDS_MAX:
            return self._fail("dtls")
        self._resend_due_us += min(RESEND_FIRST_US << self._resends + 1, RESEND_MAX_US)
        self._resends += 1
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:
            return self._fail("dtls")
        return self._take()

    def srtp_keys(self) -> SrtpKeys:
        """The keys of a connected association.  RuntimeError before."""
        if self._keys is None or self.state != "connected":
            raise RuntimeError(f"no SRTP keys in state {self.state}")
        return self._keys

    def close(self) -> list[bytes]:
        """Say goodbye (close_notify) if there is somebody to say it to."""
        out: list[bytes] = []
        if self._encrypted and self.state != "closed":
            try:
                self._connection.shutdown()
            except SSL.Error:
                pass  # a half-open association has nothing to shut down
            out = self._take()
        self.state = "closed"
        return out

    def _advance(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error:
            self._fail("dtls")
            return
        self._encrypted = True
        self._authenticate()

    def _authenticate(self) -> None:
        """Connected when the handshake is done and the certificate is the one the SDP named."""
        if not self._encrypted or self._expected is None or self.state != "connecting":
            return
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        known = [(name, value) for name, value in self._expected if name in DIGESTS]
        if certificate is None or not any(
            hmac.compare_digest(certificate_digest(certificate, name), value) for name, value in known
        ):
            self._fail("fingerprint")
            return
        chosen = self._connection.get_selected_srtp_profile()
        profile = next((p for p in self._certificate.profiles if p.openssl_profile == chosen), None)
        if profile is None:
            self._fail("profile")
            return
        size = 2 * (profile.key_length + profile.salt_length)
        view = self._connection.export_keying_material(EXPORTER, size)
        client, server = profile.get_key_and_salt(view, 0), profile.get_key_and_salt(view, 1)
        receive, send = (client, server) if self._server else (server, client)
        self._keys = SrtpKeys(profile.libsrtp_profile, chosen.decode(), receive, send)
        self.state = "connected"

    def _drain(self) -> None:
        """Read what an established peer sends: application data, which nobody wants yet, or its goodbye."""
        for _ in range(64):
            try:
                self._connection.recv(_READ_MAX)
            except SSL.WantReadError:
                return
            except SSL.ZeroReturnError:
                self.state = "closed"
                return
            except SSL.Error:
                return  # one bad record says nothing about the association (RFC 6347 4.1.2.7)

    def _take(self) -> list[bytes]:
        """What OpenSSL wrote, cut into datagrams at record boundaries."""
        out: list[bytes] = []
        while True:
            try:
                written = self._connection.bio_read(_READ_MAX)
            except SSL.WantReadError:
                return out
            except SSL.Error:
                return out
            out.extend(_datagrams(written))

    def _fail(self, reason: str) -> list[bytes]:
        self.state, self.reason = "failed", reason
        return self._take()


class DtlsServer(_Association):
    """The passive side: what this server always is (a=setup:passive)."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate, server=True)


class DtlsClient(_Association):
    """The active side, for load generators and tests."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate, server=False)

    def start(self) -> list[bytes]:
        """The ClientHello."""
        self.state = "connecting"
        self._advance()
        return self._take()


def _is_handshake_record(datagram: bytes, state: State) -> bool:
    """Whether OpenSSL should see this datagram before the handshake is done.

    RFC 6347 4.1.2.7 discards invalid records silently; OpenSSL gives up on some, and plain alerts could be
    forged, so that only well-formed handshake, change-cipher-spec and encrypted records pass.
    """
    at = 0
    while at < len(datagram):
        if len(datagram) - at < _RECORD_HEADER:
            return False
        kind, epoch = datagram[at], datagram[at + 3] << 8 | datagram[at + 4]
        if kind not in (20, _ALERT, _HANDSHAKE, 23) or datagram[at + 1] != 0xFE:
            return False
        if kind == _ALERT and epoch == 0:
            return False
        at += _RECORD_HEADER + (datagram[at + 11] << 8 | datagram[at + 12])
    if state == "new" and (len(datagram) <= _RECORD_HEADER or datagram[0] != _HANDSHAKE or datagram[13] != 1):
        return False  # the first thing a client says is ClientHello
    return at == len(datagram) and at > 0


def _datagrams(written: bytes) -> list[bytes]:
    """Cut a flight into datagrams of at most MTU bytes, whole records each."""
    out: list[bytes] = []
    start = at = 0
    while at < len(written):
        size = _RECORD_HEADER + (written[at + 11] << 8 | written[at + 12])
        if at > start and at + size - start > MTU:
            out.append(written[start:at])
            start = at
        at += size
    if start < len(written):
        out.append(written[start:])
    return out
