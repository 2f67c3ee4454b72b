"""DTLS associations for SRTP keys (RFC 5764), sans-IO, on aiortc's certificate and pyOpenSSL.

aiortc's RTCDtlsTransport runs a task per connection and awaits each datagram; here a datagram is a function call.
From aiortc come the certificate, the SSL context with its ciphers and the SRTP profiles with their key slicing.
The only user of aiortc's private names for DTLS; tests/media/io/test_dtls.py pins them.  What may be shown to
OpenSSL at all is decided in records.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    SRTPProtectionProfile,
)
from OpenSSL import SSL

from media.io import records
from media.io.farewell import Farewell

State = Literal["new", "connecting", "connected", "failed", "closed"]
Reason = Literal["dtls", "fingerprint", "profile", "flood", "timeout"]

# 128 before 256: as strong as the P-256 handshake that protects it, and a third cheaper per packet.  OpenSSL's
# server takes the first of its own list that the client offers, so this order wins over the browser's.
PROFILES: tuple[SRTPProtectionProfile, ...] = (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
)
MTU = 1200  # bytes of a DTLS datagram: libwebrtc's choice, passes every tunnel
HANDSHAKE_MAX = 65_536  # bytes in before the handshake is done: fifty times what one takes
# OpenSSL keeps records of the next epoch until it has the keys, each in a buffer of 17 kB, up to a hundred of them.
# A genuine Finished is early only when it travels apart from its ChangeCipherSpec and overtakes it.
EARLY_MAX = 16
DTLS_1_2 = 0xFEFD  # RFC 6347 4.1; a later OpenSSL must not move to 1.3, whose records look different
EXPORTER = b"EXTRACTOR-dtls_srtp"  # RFC 5764 4.2
DIGESTS = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
# RFC 6347 4.2.4.1 starts at 1 s for a path of which nothing is known; this one has just answered a connectivity
# check, and libwebrtc starts at 50 ms.
RESEND_FIRST_US, RESEND_MAX_US = 250_000, 4_000_000
RESENDS_MAX = 10  # 28 s in all, about as long as a browser tries
REPEATS_MAX = 100  # plain records can be forged: no more than 70 kB in all, to an address that the peer proved
_READ_MAX = 4096


@dataclass(frozen=True)
class SrtpKeys:
    """Keys of one association.  profile: libsrtp's number; key_length: bytes without the salt.

    receive_key and send_key: master key and salt; never shown.
    """

    profile: int
    profile_name: str
    key_length: int
    receive_key: bytes = field(repr=False)
    send_key: bytes = field(repr=False)


class Certificate:
    """Our certificate, and one SSL context that all associations share (making one costs 170 us)."""

    def __init__(self, certificate: RTCCertificate, profiles: Sequence[SRTPProtectionProfile] = PROFILES) -> None:
        self.context: SSL.Context = certificate._create_ssl_context(list(profiles))
        self.context.set_min_proto_version(DTLS_1_2)
        self.context.set_max_proto_version(DTLS_1_2)
        self.context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION)
        self.context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # 10 of 84 kB per association
        self.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self.profiles = tuple(profiles)
        shown = next(f for f in certificate.getFingerprints() if f.algorithm == "sha-256")
        self.fingerprint: tuple[str, str] = (shown.algorithm, shown.value)

    @classmethod
    def generate(cls, profiles: Sequence[SRTPProtectionProfile] = PROFILES) -> Certificate:
        """A fresh self-signed P-256 certificate.  Its 30 days are no limit: peers go by the fingerprint alone."""
        return cls(RTCCertificate.generateCertificate(), profiles)


class _Association:
    """What client and server share.  Mutate with handle(), expect(), handle_timeout(); then read state.

    OpenSSL's own retransmission timer reads the real clock, so that flights are kept and resent here: by the
    caller's clock, and at once when the peer shows by repeating itself that an answer was lost (RFC 6347 4.2.4).
    A flight is repeated byte for byte: who has seen it drops it as a replay, who has not takes it.
    """

    def __init__(self, certificate: Certificate, *, server: bool) -> None:
        self._certificate = certificate
        self._server = server
        self._kinds = records.FROM_CLIENT if server else records.FROM_SERVER
        self._connection: SSL.Connection | None = SSL.Connection(certificate.context)
        """None once the association is established and a Farewell has taken its place."""
        self._farewell: Farewell | None = None
        self._connection.set_ciphertext_mtu(MTU)
        if server:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
        self._expected: tuple[tuple[str, bytes], ...] | None = None
        self._encrypted = False
        self._bytes_in = 0
        self._early = 0
        self._flight: list[bytes] = []
        self._answered: records.Step | None = None
        self._repeats = self._resends = 0
        self._resend_wait_us = RESEND_FIRST_US
        self._resend_due_us: int | None = None
        self._keys: SrtpKeys | None = None
        self.state: State = "new"
        self.reason: Reason | None = None
        self.ignored = 0
        """Datagrams (partly) dropped unseen: broken, out of place, or an alert that anybody can forge."""
        self.ignored_data = 0
        """Records of application data, genuine or not: nobody speaks SCTP here."""

    def expect(self, fingerprints: Sequence[tuple[str, str]]) -> None:
        """The certificate fingerprints that the peer's SDP names, as (algorithm, hex with colons).

        Before or after the handshake; one that matches is enough (RFC 8122 5).  After connected it changes
        nothing: the association stays with the certificate that was proved.
        """
        self._expected = tuple((name.lower(), value.upper().encode()) for name, value in fingerprints)
        self._authenticate()
        self._retire()

    def handle(self, datagram: bytes) -> list[bytes]:
        """A datagram from the peer.  Returns the datagrams to send back; never raises on its bytes."""
        if self.state in ("failed", "closed"):
            return []
        if self._encrypted:
            return self._handle_established(datagram)
        seen = records.sift(datagram, self._kinds, begun=self.state == "connecting", early_max=EARLY_MAX - self._early)
        self.ignored += not seen.whole
        if not seen.records:
            return []
        self._early += seen.early
        self._bytes_in += len(seen.records)
        if self._bytes_in > HANDSHAKE_MAX:
            self._fail("flood")
            return self._take()
        self.state = "connecting"
        self._write(seen.records)
        self._advance()
        answer = self._take()
        self._retire()
        if answer:
            self._start_flight(answer, seen.step)
        return answer or self._repeat(seen.step)

    def next_timeout_us(self, now_us: int) -> int | None:
        """When handle_timeout() should be called, on the clock of now_us; None when nothing waits for an answer."""
        if not self._flight or self._encrypted or self.state != "connecting":
            return None
        if self._resend_due_us is None:
            self._resend_due_us = now_us + self._resend_wait_us
        return self._resend_due_us

    def handle_timeout(self) -> list[bytes]:
        """The peer did not answer: the last flight again.  Fails the association after RESENDS_MAX."""
        if self._resend_due_us is None or self._encrypted or self.state != "connecting":
            return []
        if self._resends >= RESENDS_MAX:
            self._fail("timeout")
            return []
        self._resends += 1
        self._resend_wait_us = min(2 * self._resend_wait_us, RESEND_MAX_US)
        self._resend_due_us += self._resend_wait_us
        return list(self._flight)

    def srtp_keys(self) -> SrtpKeys:
        """The keys of a connected association.  RuntimeError before."""
        if self._keys is None or self.state != "connected":
            raise RuntimeError(f"no SRTP keys in state {self.state}")
        return self._keys

    def close(self) -> list[bytes]:
        """Say goodbye (close_notify) if there is somebody to say it to."""
        notice = self._farewell.notice if self._farewell is not None and self.state == "connected" else b""
        if self.state != "closed":
            self._say_goodbye()
        self.state = "closed"
        return [notice] if notice else self._take()

    def _handle_established(self, datagram: bytes) -> list[bytes]:
        """Only what is encrypted can come from the peer now; OpenSSL drops what fails to decrypt or is repeated."""
        seen = records.sift_established(datagram, self._kinds)
        self.ignored += not seen.whole
        if self._farewell is not None:
            return self._read_farewell(self._farewell, seen)
        if seen.records:
            self._write(seen.records)
            self._drain()
        return self._take() or self._repeat(seen.step)

    def _read_farewell(self, farewell: Farewell, seen: records.Sifted) -> list[bytes]:
        for record in records.split(seen.records):
            if farewell.is_goodbye(record):
                self.state = "closed"
                return [farewell.notice]
            if record[0] == records.APPLICATION_DATA:
                self.ignored_data += 1
            else:
                self.ignored += 1
        return self._repeat(seen.step)

    def _retire(self) -> None:
        """Once the keys are out and the last flight is kept, OpenSSL has done its work."""
        if not self._server or self.state != "connected" or self._connection is None:
            return
        connection = self._connection
        self._say_goodbye()
        self._farewell = Farewell.of(connection, b"".join(self._take()), server=self._server)
        if self._farewell is not None:
            self._connection = None

    def _write(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.bio_write(data)

    def _repeat(self, step: records.Step | None) -> list[bytes]:
        """Our last flight again, if the peer has just repeated what it answered."""
        if step is None or step != self._answered or self._repeats >= REPEATS_MAX:
            return []
        self._repeats += 1
        return list(self._flight)

    def _start_flight(self, flight: list[bytes], step: records.Step | None) -> None:
        self._flight, self._answered = flight, step
        self._resend_due_us, self._resend_wait_us = None, RESEND_FIRST_US

    def _advance(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error:
            self._fail("dtls")
            return
        self._encrypted = True
        self._authenticate()
        self._drain()

    def _authenticate(self) -> None:
        """Connected when the handshake is done and the certificate is the one the SDP named."""
        if not self._encrypted or self._expected is None or self.state != "connecting" or self._connection is None:
            return
        # OpenSSL's digest of the DER: parsing a stranger's certificate in full would only add ways to fail.
        certificate = self._connection.get_peer_certificate()
        known = [(DIGESTS[name], value) for name, value in self._expected if name in DIGESTS]
        if certificate is None or not any(
            hmac.compare_digest(certificate.digest(name), value) for name, value in known
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
        self._keys = SrtpKeys(profile.libsrtp_profile, chosen.decode(), profile.key_length, receive, send)
        self.state = "connected"

    def _drain(self) -> None:
        """Read what an established peer sends: application data, which nobody wants yet, or its goodbye.

        Ends, because each turn takes a record from what handle() wrote.
        """
        while self._connection is not None:
            try:
                self._connection.recv(_READ_MAX)
            except SSL.WantReadError:
                return
            except SSL.Error:  # ZeroReturnError (close_notify) among them
                # A genuine goodbye or fatal alert sets this flag; anything else is one bad record.
                if self._connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN and self.state != "failed":
                    self._say_goodbye()
                    self.state = "closed"
                return
            self.ignored_data += 1

    def _say_goodbye(self) -> None:
        if self._encrypted and self._connection is not None:
            with suppress(SSL.Error):  # a broken association has nothing to shut down
                self._connection.shutdown()

    def _take(self) -> list[bytes]:
        """What OpenSSL wrote, cut into datagrams at record boundaries."""
        written = b""
        with suppress(SSL.Error):  # WantReadError: no more
            while self._connection is not None:
                written += self._connection.bio_read(_READ_MAX)
        return records.datagrams(written, MTU)

    def _fail(self, reason: Reason) -> None:
        self.state, self.reason = "failed", reason
        self._flight = []
        self._say_goodbye()


class DtlsServer(_Association):
    """The passive side: what this server always is (a=setup:passive)."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate, server=True)


class DtlsClient(_Association):
    """The active side, for load generators and tests.

    A repeated flight has its old record numbers, so that a server that dropped a ChangeCipherSpec which overtook its
    certificate will not take it later: our certificates are short and travel in the same datagram.
    """

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate, server=False)

    def start(self) -> list[bytes]:
        """The ClientHello."""
        self.state = "connecting"
        self._advance()
        hello = self._take()
        self._start_flight(hello, None)
        return hello
