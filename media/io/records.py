"""DTLS 1.2 records (RFC 6347 4.1), as far as one must read them without keys.

Which records of a datagram are worth showing to OpenSSL, and where its output may be cut.  RFC 6347 4.1.2.7 has
invalid records dropped in silence; OpenSSL gives up on some of them and buffers others, so they are dropped here.
"""

from __future__ import annotations

from typing import NamedTuple

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
PLAIN, ENCRYPTED = b"\0\0", b"\0\1"  # epochs
HEADER_SIZE = 13
HANDSHAKE_HEADER_SIZE = 12
CLIENT_HELLO = 1
# RFC 5246 7.4, what travels in the clear: Certificate 11, ClientKeyExchange 16 and CertificateVerify 15 one way;
# HelloVerifyRequest 3, ServerHello 2, Certificate 11, ServerKeyExchange 12, CertificateRequest 13, ServerHelloDone 14
# the other.  A message of our own side, reflected, would end the handshake.
FROM_CLIENT = frozenset((CLIENT_HELLO, 11, 15, 16))
HELLO = frozenset((CLIENT_HELLO,))
FROM_SERVER = frozenset((2, 3, 11, 12, 13, 14))
MESSAGE_MAX = 16_384  # bytes of a handshake message: OpenSSL sets aside what a fragment claims; browsers send < 2 kB
NUMBER_MAX = 16  # message_seq: a whole handshake counts from 0 to 7


class Step(NamedTuple):
    """Names the first handshake fragment of a datagram, whatever its record number."""

    kind: int
    number: int
    offset: int


class Sifted(NamedTuple):
    """records: those to keep, in order; early: how many of them need keys that are not there; whole: all were kept."""

    records: bytes
    early: int
    whole: bool
    step: Step | None


def sift(datagram: bytes, kinds: frozenset[int], *, begun: bool, early_max: int) -> Sifted:
    """The records that may take part in a handshake, up to the first that may not.

    kinds: the plain messages that the peer's side may send.  begun: a ClientHello was seen; before that nothing
    else is of use.  early_max: how many encrypted records to keep that no ChangeCipherSpec precedes here.
    """
    early = at = 0
    changed = False
    step: Step | None = None
    while size := _record_size(datagram, at):
        record = datagram[at : at + size]
        if record[3:5] == PLAIN:
            if not _is_useful_plain(record, kinds if begun else HELLO):
                break
            if step is None and record[0] == HANDSHAKE:
                step = _step(record)
            begun = True
            changed = changed or record[0] == CHANGE_CIPHER_SPEC
        elif not changed:
            if not begun or early == early_max:
                break
            early += 1
        at += size
    return Sifted(datagram[:at], early, at == len(datagram), step)


def sift_established(datagram: bytes, kinds: frozenset[int]) -> Sifted:
    """The records that an established association may get: those of epoch 1, there is no renegotiation.

    step: of a handshake flight that the peer repeats, because it misses the answer.
    """
    kept: list[bytes] = []
    at = 0
    step: Step | None = None
    while size := _record_size(datagram, at):
        record = datagram[at : at + size]
        at += size
        if record[3:5] == ENCRYPTED:
            kept.append(record)
        elif step is None and record[0] == HANDSHAKE and _is_useful_plain(record, kinds):
            step = _step(record)
    records = b"".join(kept)
    return Sifted(records, 0, len(records) == len(datagram), step)


def split(whole: bytes) -> list[bytes]:
    """Records one after the other, as sift() and sift_established() return them."""
    out: list[bytes] = []
    at = 0
    while size := _record_size(whole, at):
        out.append(whole[at : at + size])
        at += size
    return out


def datagrams(written: bytes, mtu: int) -> list[bytes]:
    """Cut a flight that we wrote into datagrams of at most mtu bytes, whole records each."""
    out: list[bytes] = []
    start = at = 0
    while at < len(written):
        size = HEADER_SIZE + int.from_bytes(written[at + 11 : at + 13], "big")
        if at > start and at + size - start > mtu:
            out.append(written[start:at])
            start = at
        at += size
    if start < len(written):
        out.append(written[start:])
    return out


def _record_size(data: bytes, at: int) -> int:
    """Size of the record at `at`, 0 when there is no whole DTLS 1.x record of a known type."""
    if len(data) - at <= HEADER_SIZE or not CHANGE_CIPHER_SPEC <= data[at] <= APPLICATION_DATA:
        return 0
    size = HEADER_SIZE + (data[at + 11] << 8 | data[at + 12])
    return size if data[at + 1] == 0xFE and at + size <= len(data) and size > HEADER_SIZE else 0


def _is_useful_plain(record: bytes, kinds: frozenset[int]) -> bool:
    """An unencrypted record that a handshake needs.  Alerts are not: anybody can forge one."""
    if record[0] == CHANGE_CIPHER_SPEC:
        return kinds is not HELLO and len(record) == HEADER_SIZE + 1
    if record[0] != HANDSHAKE:
        return False
    at = HEADER_SIZE
    while at < len(record):
        if len(record) - at < HANDSHAKE_HEADER_SIZE:
            return False
        kind, total = record[at], int.from_bytes(record[at + 1 : at + 4], "big")
        number = int.from_bytes(record[at + 4 : at + 6], "big")
        offset = int.from_bytes(record[at + 6 : at + 9], "big")
        size = int.from_bytes(record[at + 9 : at + 12], "big")
        if kind not in kinds or total > MESSAGE_MAX or offset + size > total or number > NUMBER_MAX:
            return False
        at += HANDSHAKE_HEADER_SIZE + size
    return at == len(record)


def _step(record: bytes) -> Step:
    head = record[HEADER_SIZE : HEADER_SIZE + HANDSHAKE_HEADER_SIZE]
    return Step(head[0], int.from_bytes(head[4:6], "big"), int.from_bytes(head[6:9], "big"))
