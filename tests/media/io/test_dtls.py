"""DTLS between our own two ends, and with aiortc's as a stranger; no sockets and no clock."""

from __future__ import annotations

import asyncio
import datetime as dt
import random

import pytest
from aiortc import rtcdtlstransport as theirs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from media.io.dtls import (
    MTU,
    PROFILES,
    REPEATS_MAX,
    RESEND_FIRST_US,
    RESENDS_MAX,
    Certificate,
    DtlsClient,
    DtlsServer,
    State,
)
from tests.support.dtls import OURS, PEERS, Pair, established
from tests.support.packets import rtp

# -- the handshake -----------------------------------------------------------------------------------


def test_both_ends_get_the_same_keys_mirrored() -> None:
    pair = established()
    server, client = pair.server.srtp_keys(), pair.client.srtp_keys()
    assert (server.receive_key, server.send_key) == (client.send_key, client.receive_key)
    assert server.receive_key != server.send_key
    assert len(server.receive_key) == len(server.send_key) == 16 + 12
    assert server.key_length == 16


def test_a_handshake_is_four_datagrams_below_the_mtu() -> None:
    pair = established()
    assert len(pair.wire) == 4
    assert max(map(len, pair.wire)) <= MTU


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.openssl_profile.decode())
def test_each_profile_gives_keys_that_libsrtp_takes(profile: theirs.SRTPProtectionProfile) -> None:
    pair = Pair(Certificate.generate([profile])).run()
    ours, theirs_ = pair.server.srtp_keys(), pair.client.srtp_keys()
    assert (ours.profile, ours.profile_name) == (profile.libsrtp_profile, profile.openssl_profile.decode())
    assert len(ours.send_key) == profile.key_length + profile.salt_length
    assert ours.key_length == profile.key_length
    packet = rtp()
    protected = Session(Policy(ours.send_key, Policy.SSRC_ANY_OUTBOUND, 0, ours.profile)).protect(packet)
    receiver = Session(Policy(theirs_.receive_key, Policy.SSRC_ANY_INBOUND, 0, theirs_.profile))
    assert receiver.unprotect(protected) == packet


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (2, 0)])
def test_our_preference_wins_over_the_order_of_the_client(order: tuple[int, ...]) -> None:
    pair = Pair(Certificate.generate([PROFILES[at] for at in order])).run()
    assert pair.server.srtp_keys().profile_name == "SRTP_AEAD_AES_128_GCM"


def test_a_client_without_srtp_fails_by_name() -> None:
    plain = Certificate.generate()
    plain.context = SSL.Context(SSL.DTLS_METHOD)
    plain.context.use_certificate(theirs_certificate._cert)
    plain.context.use_privatekey(theirs_certificate._key)
    server, client = DtlsServer(OURS), DtlsClient(plain)
    server.expect([("sha-256", theirs_certificate.getFingerprints()[0].value)])
    coming = client.start()
    while coming:
        coming = [again for d in coming for answer in server.handle(d) for again in client.handle(answer)]
    assert (server.state, server.reason) == ("failed", "profile")


def test_dtls_1_0_is_refused_with_an_alert() -> None:
    hello = bytearray(Pair().client.start()[0])
    hello[25:27] = b"\xfe\xff"  # ClientHello.client_version
    server = DtlsServer(OURS)
    answer = server.handle(bytes(hello))
    assert (server.state, server.reason) == ("failed", "dtls")
    assert answer[0][0] == 21
    assert server.handle(bytes(hello)) == []


# -- who the peer is ---------------------------------------------------------------------------------

theirs_certificate = theirs.RTCCertificate.generateCertificate()
PRINTS = {f.algorithm: f.value for f in theirs_certificate.getFingerprints()}
RIGHT, WRONG = PRINTS["sha-256"], OURS.fingerprint[1]


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("fingerprints", "state"),
    [
        ([("sha-256", RIGHT)], "connected"),
        ([("SHA-256", RIGHT.lower())], "connected"),
        ([("sha-384", PRINTS["sha-384"])], "connected"),
        ([("sha-512", PRINTS["sha-512"])], "connected"),
        ([("sha-1", "00:11"), ("sha-256", RIGHT)], "connected"),
        ([("sha-256", WRONG), ("sha-256", RIGHT)], "connected"),
        ([("sha-256", WRONG)], "failed"),
        ([("sha-256", RIGHT[:-1])], "failed"),
        ([("sha-256", "")], "failed"),
        ([("sha-256", "é" * 95)], "failed"),
        ([("md5", RIGHT)], "failed"),
        ([], "failed"),
    ],
)
def test_the_certificate_must_be_the_one_that_was_announced(
    fingerprints: list[tuple[str, str]], state: State, early: bool
) -> None:
    server, client = DtlsServer(OURS), DtlsClient(Certificate(theirs_certificate))
    client.expect([OURS.fingerprint])
    if early:
        server.expect(fingerprints)
    coming = client.start()
    while coming:
        coming = [again for d in coming for answer in server.handle(d) for again in client.handle(answer)]
    if not early:
        assert server.state == "connecting"
        with pytest.raises(RuntimeError):
            server.srtp_keys()
        server.expect(fingerprints)
        client.handle(b"".join(server.close()) if state == "failed" else b"")
    if state == "connected":
        assert (server.state, server.reason) == ("connected", None)
        assert server.srtp_keys().send_key == client.srtp_keys().receive_key
    else:
        assert server.reason == "fingerprint"
        with pytest.raises(RuntimeError):
            server.srtp_keys()
        assert client.state == "closed", "the client is told, so that it does not wait"


def test_keys_never_show() -> None:
    keys = established().server.srtp_keys()
    shown = f"{keys} {keys!r} {vars(established().server)}"
    for secret in (keys.receive_key, keys.send_key):
        assert repr(secret) not in shown and secret.hex() not in shown
    assert keys.profile_name in shown


# -- datagrams lost, cut, repeated, in another order -------------------------------------------------


@pytest.mark.parametrize("lost", [(at,) for at in range(4)] + [(0, 1), (1, 2), (2, 3), (1, 3), (0, 1, 2, 3, 4)])
def test_a_lost_flight_is_sent_again(lost: tuple[int, ...]) -> None:
    assert Pair().run(lost=lost).states() == ("connected", "connected")


def test_a_timer_runs_only_while_an_answer_is_missing() -> None:
    pair = Pair()
    assert pair.server.next_timeout_us(0) is None
    hello = pair.client.start()
    [flight] = pair.server.handle(hello[0])
    assert pair.server.next_timeout_us(1_000) == 1_000 + RESEND_FIRST_US
    assert pair.server.next_timeout_us(9_000) == 1_000 + RESEND_FIRST_US
    assert pair.server.handle_timeout() == [flight]
    assert pair.server.next_timeout_us(9_000) == 1_000 + 3 * RESEND_FIRST_US
    pair.server.handle(pair.client.handle(flight)[0])
    assert pair.server.state == "connected"
    assert pair.server.next_timeout_us(9_000) is None
    assert pair.server.handle_timeout() == []


def test_a_peer_that_vanishes_is_given_up_within_half_a_minute() -> None:
    pair = Pair()
    pair.server.handle(pair.client.start()[0])
    now_us, sent = 0, 0
    while (due_us := pair.server.next_timeout_us(now_us)) is not None:
        now_us = due_us
        sent += len(pair.server.handle_timeout())
    assert (pair.server.state, pair.server.reason) == ("failed", "timeout")
    assert sent == RESENDS_MAX
    assert 20_000_000 < now_us < 35_000_000


def test_a_repeated_hello_gets_the_answer_again_at_once() -> None:
    """libwebrtc repeats after 50 ms; waiting for our own timer would cost the call a quarter of a second."""
    pair = Pair()
    hello = pair.client.start()[0]
    answer = pair.server.handle(hello)
    again = hello[:5] + (7).to_bytes(6, "big") + hello[11:]  # the record has a new number, the message has not
    assert pair.server.handle(again) == answer
    for _ in range(2 * REPEATS_MAX):
        last = pair.server.handle(again)
    assert last == [], "who can forge a hello gets no endless stream of answers"
    assert pair.server.state == "connecting"


def test_a_repeated_finished_gets_the_last_flight_again() -> None:
    pair = Pair()
    hello = pair.client.start()[0]
    finished = pair.client.handle(pair.server.handle(hello)[0])[0]
    last = pair.server.handle(finished)
    assert pair.server.handle(finished) == last
    pair.client.handle(last[0])
    assert pair.states() == ("connected", "connected")


def fragments(datagram: bytes, size: int) -> list[bytes]:
    """The handshake message of a one-record datagram in records of `size` bytes (RFC 6347 4.2.3)."""
    head, kind_total_number, body = datagram[:13], datagram[13:19], datagram[25:]
    out = []
    for number, at in enumerate(range(0, len(body), size)):
        part = body[at : at + size]
        message = kind_total_number + at.to_bytes(3, "big") + len(part).to_bytes(3, "big") + part
        out.append(head[:5] + number.to_bytes(6, "big") + len(message).to_bytes(2, "big") + message)
    return out


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])
@pytest.mark.parametrize("size", [3, 50, 156])
def test_a_hello_in_fragments(size: int, order: int) -> None:
    """Chrome's hello with post-quantum key shares does not fit in one datagram."""
    pair = Pair()
    [hello] = pair.client.start()
    parts = fragments(hello, size)[::order]
    answers = [answer for part in parts for answer in pair.server.handle(part)]
    assert [part[13] for part in parts] == [1] * len(parts)
    assert len(answers) == 1, "one answer, to the last fragment"


def test_records_of_a_flight_in_any_order() -> None:
    for seed in range(30):
        pair = Pair()
        [flight] = pair.server.handle(pair.client.start()[0])
        [finished] = pair.client.handle(flight)
        records = split(finished)
        assert len(records) == 5
        random.Random(seed).shuffle(records)
        again = [r[:5] + (100 + at).to_bytes(6, "big") + r[11:] for at, r in enumerate(split(finished)[:4])]
        for record in [*records, *again, split(finished)[4]]:  # the order may cost a repetition, not more
            for answer in pair.server.handle(record):
                pair.client.handle(answer)
        assert pair.states() == ("connected", "connected"), f"seed {seed}"


def split(datagram: bytes) -> list[bytes]:
    out, at = [], 0
    while at < len(datagram):
        size = 13 + int.from_bytes(datagram[at + 11 : at + 13], "big")
        out.append(datagram[at : at + size])
        at += size
    return out


def test_a_long_certificate_travels_in_several_datagrams() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "x" * 64) for _ in range(30)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    long = Certificate(theirs.RTCCertificate(key, builder.sign(key, hashes.SHA256())))
    pair = Pair(long).run()
    assert pair.states() == ("connected", "connected")
    assert max(map(len, pair.wire)) <= MTU
    assert sum(map(len, pair.wire)) > 5_000


# -- aiortc ------------------------------------------------------------------------------------------


class Pipe:
    """What RTCDtlsTransport wants of an ICE transport, with our server at the other end."""

    role = "controlling"

    def __init__(self, server: DtlsServer) -> None:
        self.server = server
        self.media: list[bytes] = []
        self._to_client: asyncio.Queue[bytes] = asyncio.Queue()

    async def _send(self, data: bytes) -> None:
        if data[0] >= 128:
            self.media.append(data)
            return
        for answer in self.server.handle(data):
            await self._to_client.put(answer)

    async def _recv(self) -> bytes:
        return await self._to_client.get()


async def aiortc_client(server: DtlsServer) -> tuple[theirs.RTCDtlsTransport, Pipe]:
    pipe = Pipe(server)
    client = theirs.RTCDtlsTransport(pipe, [theirs_certificate])  # type: ignore[arg-type]
    client._set_role("client")
    print_ = theirs.RTCDtlsFingerprint(*OURS.fingerprint)
    await client.start(theirs.RTCDtlsParameters(fingerprints=[print_]))
    return client, pipe


async def test_aiortc_connects_sends_media_and_says_goodbye() -> None:
    server = DtlsServer(OURS)
    server.expect([("sha-256", RIGHT)])
    client, pipe = await aiortc_client(server)
    assert client.state == "connected"
    keys = server.srtp_keys()
    assert keys.profile_name == "SRTP_AEAD_AES_128_GCM", "aiortc offers 256 first"
    packet = rtp(payload=b"from aiortc")
    await client._send_rtp(packet)
    receiver = Session(Policy(keys.receive_key, Policy.SSRC_ANY_INBOUND, 0, keys.profile))
    assert receiver.unprotect(pipe.media[0]) == packet
    sender = Session(Policy(keys.send_key, Policy.SSRC_ANY_OUTBOUND, 0, keys.profile))
    assert client._rx_srtp.unprotect(sender.protect(packet)) == packet
    await client.stop()
    assert server.state == "closed"


async def test_aiortc_is_told_when_we_close() -> None:
    server = DtlsServer(OURS)
    server.expect([("sha-256", RIGHT)])
    client, pipe = await aiortc_client(server)
    closed = asyncio.Event()
    client.on("statechange", closed.set)
    for datagram in server.close():
        await pipe._to_client.put(datagram)
    await closed.wait()
    assert client.state == "closed"


async def test_an_aiortc_client_with_another_certificate_is_refused() -> None:
    server = DtlsServer(OURS)
    server.expect([PEERS.fingerprint])
    await aiortc_client(server)
    assert (server.state, server.reason) == ("failed", "fingerprint")


def test_the_names_of_aiortc_that_we_lean_on() -> None:
    """Fails first when a new aiortc renames what media.io.dtls uses."""
    context = theirs.RTCCertificate.generateCertificate()._create_ssl_context(list(PROFILES))
    assert isinstance(context, SSL.Context)
    assert {f.algorithm for f in theirs_certificate.getFingerprints()} == {"sha-256", "sha-384", "sha-512"}
    view = bytes(range(2 * (16 + 12)))
    client, server = (theirs.SRTP_AEAD_AES_128_GCM.get_key_and_salt(view, side) for side in (0, 1))
    assert client == view[:16] + view[32:44], "RFC 5764 4.2: client key, server key, client salt, server salt"
    assert server == view[16:32] + view[44:56]
    assert [(p.openssl_profile, p.key_length, p.salt_length) for p in PROFILES] == [
        (b"SRTP_AEAD_AES_128_GCM", 16, 12),
        (b"SRTP_AEAD_AES_256_GCM", 32, 12),
        (b"SRTP_AES128_CM_SHA1_80", 16, 14),
    ]
