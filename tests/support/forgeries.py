"""One hostile packet at a time, by protocol: what a parser or a crypto library could trip over.

Each function takes a seeded random.Random and returns bytes.  The functions for RTP and RTCP return plain packets,
for a peer that has keys and means harm; hostile.py mixes all of them, with random tags, for strangers.
"""

from __future__ import annotations

import hmac
import struct
import zlib
from random import Random

from media.core import rtcp, stun

DATAGRAM_MAX = 1500
CREDENTIALS = ("hostile0", "own-password-of-the-attacker")
CLIENT_HELLO = bytes.fromhex(
    "16feff0000000000000000009c010000900000000000000090fefde19f557480bf014c8589aeddf430a70fb870b5a997aede8cabcc9d170d"
    "d6daca00000008c02bcca9c009c00a0100005eff01000100000b00020100000a000c000a001d0017001e00180019000e00090006000700080"
    "001000016000000170000000d002a002804030506030408070808"
    + "0809080a080b080408050806040105010601030303010302040205020602"
)
"""A whole ClientHello of OpenSSL with use_srtp: what starts a handshake."""


def garbage(r: Random) -> bytes:
    """Any bytes, any length; a third begins as a protocol of the port does (RFC 7983)."""
    data = r.randbytes(r.randrange(DATAGRAM_MAX + 1))
    if data and r.random() < 1 / 3:
        low, high = r.choice([(0, 3), (20, 63), (64, 79), (128, 191)])
        data = bytes([r.randint(low, high)]) + data[1:]
    return data


def flipped(r: Random, data: bytes) -> bytes:
    """A copy with one to eight bits changed; always different."""
    out = bytearray(data)
    for at in r.sample(range(8 * len(out)), min(r.randint(1, 8), 8 * len(out))):
        out[at // 8] ^= 1 << at % 8
    return bytes(out)


def mutated(r: Random, data: bytes) -> bytes:
    """A damaged copy: bits, bytes, length, a piece repeated or moved.  Differs from data."""
    out = flipped(r, data)
    at, size = r.randrange(len(out) + 1), r.randrange(1, 65)
    match r.randrange(6):
        case 0:
            return out[:at]
        case 1:
            return (out[:at] + r.randbytes(size) + out[at:])[:DATAGRAM_MAX]
        case 2:
            return out[:at] + out[at + size :]
        case 3:
            return (out[:at] + out[at : at + size] * 4 + out[at:])[:DATAGRAM_MAX]
        case 4:
            return out[:at] + bytes([r.choice([0, 0x7F, 0x80, 0xFF])]) * len(out[at : at + size]) + out[at + size :]
        case _:
            return out


# -- STUN (RFC 8489) ---------------------------------------------------------------------------------


def _attribute(kind: int, value: bytes, claimed: int | None = None) -> bytes:
    size = len(value) if claimed is None else claimed
    return struct.pack("!HH", kind, size) + value + bytes(-len(value) % 4)


def stun_message(kind: int, transaction: bytes, attributes: bytes, key: bytes | None) -> bytes:
    """A message whose integrity and fingerprint are right, whatever is in it."""
    if key is not None:
        head = struct.pack("!HHI", kind, len(attributes) + 24 & 0xFFFF, stun.COOKIE) + transaction
        attributes += _attribute(8, hmac.digest(key, head + attributes, "sha1"))
    message = struct.pack("!HHI", kind, len(attributes) + 8 & 0xFFFF, stun.COOKIE) + transaction + attributes
    return message + _attribute(0x8028, struct.pack("!I", zlib.crc32(message) ^ 0x5354554E))


def stun_check(r: Random, username: str, password: str) -> bytes:
    return stun.binding_request(
        r.randbytes(12), username, password.encode(), r.getrandbits(31), r.getrandbits(64), r.random() < 0.5
    )


def stun_wrong_password(r: Random, ufrag: str) -> bytes:
    return stun_check(r, f"{ufrag}:{r.getrandbits(32):08x}", f"{r.getrandbits(120):030x}")


def stun_unknown_user(r: Random) -> bytes:
    return stun_check(r, f"{r.getrandbits(24):06x}:{r.getrandbits(24):06x}", "x" * r.randrange(40))


def stun_broken(r: Random, ufrag: str) -> bytes:
    """Sound to the checksum, broken inside."""
    key, transaction = r.randbytes(r.randrange(1, 33)), r.randbytes(12)
    user = _attribute(6, f"{ufrag}:x".encode())
    match r.randrange(9):
        case 0:  # an attribute that ends outside the message
            body = user + _attribute(0x24, bytes(4), claimed=r.randrange(60, 0x10000))
        case 1:
            body = user + _attribute(8, r.randbytes(r.randrange(20)))  # half an integrity
        case 2:
            body = _attribute(6, r.randbytes(r.choice([0, 1, 512, 513, 514, 1300])))
        case 3:
            body = b"".join(_attribute(r.getrandbits(16), b"") for _ in range(r.randrange(300)))
        case 4:
            body = user * r.randrange(2, 60)
        case 5:
            body = _attribute(0x8028, r.randbytes(4)) + user  # the fingerprint is not last
        case 6:
            body = user + _attribute(8, bytes(20)) + _attribute(8, bytes(20)) + _attribute(6, b"other:x")
        case 7:
            body = user + _attribute(0x24, r.randbytes(r.randrange(9))) + _attribute(0x8029, r.randbytes(3))
        case _:
            body = _attribute(6, ufrag.encode() + b"\0:\xff\xfe") + _attribute(0x8022, r.randbytes(700))
    return stun_message(stun.BINDING_REQUEST, transaction, body, key)[:DATAGRAM_MAX]


def stun_other_type(r: Random, ufrag: str, password: str) -> bytes:
    """Responses, indications and other methods, with a genuine integrity."""
    kind = r.choice([0x0101, 0x0111, 0x0011, 0x0003, 0x0103, 0x0004, 0x0016, 0x0017, 0x3FFF, r.getrandbits(14)])
    body = _attribute(6, f"{ufrag}:x".encode()) + _attribute(0x20, r.randbytes(8))
    return stun_message(kind, r.randbytes(12), body, password.encode())


# -- DTLS (RFC 6347) ---------------------------------------------------------------------------------


def record(kind: int, epoch: int, number: int, body: bytes, version: int = 0xFEFD) -> bytes:
    return struct.pack("!BHH", kind, version, epoch) + number.to_bytes(6, "big") + struct.pack("!H", len(body)) + body


def fragment(kind: int, total: int, number: int, offset: int, body: bytes, claimed: int | None = None) -> bytes:
    size = len(body) if claimed is None else claimed
    return (
        bytes([kind])
        + total.to_bytes(3, "big")
        + number.to_bytes(2, "big")
        + offset.to_bytes(3, "big")
        + size.to_bytes(3, "big")
        + body
    )


def dtls_hello(r: Random) -> bytes:
    """A new ClientHello: what a flood consists of."""
    return CLIENT_HELLO[:11] + CLIENT_HELLO[11:27] + r.randbytes(32) + CLIENT_HELLO[59:]


def dtls_fragment(r: Random) -> bytes:
    """A piece of a hello, or of any message, that fits or does not."""
    if r.random() < 0.5:
        body = dtls_hello(r)[25:]
        at = r.randrange(len(body))
        part = body[at : at + r.randrange(1, 80)]
        return record(22, 0, r.getrandbits(16), fragment(1, len(body), 0, at, part))
    part = r.randbytes(r.randrange(1200))
    total = r.choice([len(part), 0, 1, 0xFFFFFF, 102_400, 16_384, r.getrandbits(24)])
    offset = r.choice([0, 1, 0xFFFFFF, r.getrandbits(12)])
    claimed = r.choice([None, 0, 0xFFFFFF, r.getrandbits(12)])
    kind = r.choice([0, 1, 2, 3, 4, 11, 12, 13, 14, 15, 16, 20, 24, 255])
    return record(
        22, r.choice([0, 0, 0, 1, 2]), r.getrandbits(10), fragment(kind, total, r.randrange(12), offset, part, claimed)
    )


def dtls_alert(r: Random) -> bytes:
    return record(21, r.choice([0, 0, 1]), r.getrandbits(16), bytes([r.choice([1, 2]), r.choice([0, 10, 40, 80, 100])]))


def dtls_record(r: Random) -> bytes:
    """One to five records of any type and epoch, the last one perhaps cut."""
    out = b""
    for _ in range(r.randint(1, 5)):
        kind = r.choice([20, 21, 22, 23, 24, 25, 26, 32, 63])
        version = r.choice([0xFEFD, 0xFEFD, 0xFEFF, 0xFEFC, 0x0303, 0x0100])
        number = r.choice([0, 1, 2**48 - 1, r.getrandbits(48)])
        out += record(kind, r.choice([0, 1, 1, 2, 0xFFFF]), number, r.randbytes(r.randrange(280)), version)
    return out[: r.choice([len(out), len(out), r.randrange(len(out) + 1)])][:DATAGRAM_MAX]


# -- RTP (RFC 3550, RFC 8285) ------------------------------------------------------------------------


def rtp_packet(r: Random, ssrc: int | None = None) -> bytes:
    """A plain RTP packet that is wrong in one of the ways that matter, or nearly right."""
    own = r.getrandbits(32) if ssrc is None or r.random() < 0.1 else ssrc
    payload_type = r.choice([96, 97, 98, 100, 111, 0, 127])
    fixed = struct.pack("!BHII", payload_type | r.choice([0, 0x80]), r.getrandbits(16), r.getrandbits(32), own)
    match r.randrange(10):
        case 0:  # more CSRCs than bytes
            return bytes([0x80 | r.randint(1, 15)]) + fixed + r.randbytes(r.randrange(20))
        case 1:  # extensions longer than the packet
            return (
                b"\x90" + fixed + struct.pack("!HH", 0xBEDE, r.choice([5, 300, 0xFFFF])) + r.randbytes(r.randrange(16))
            )
        case 2:  # no room for the extension header
            return b"\x90" + fixed + r.randbytes(r.randrange(4))
        case 3:  # padding longer than the payload
            return b"\xa0" + fixed + r.randbytes(r.randrange(10)) + bytes([r.choice([0, 11, 200, 255])])
        case 4:  # nothing but padding
            size = r.randint(1, 255)
            return b"\xa0" + fixed + bytes(size - 1) + bytes([size])
        case 5:  # wrong version
            return bytes([r.choice([0x00, 0x40, 0xC0])]) + fixed + r.randbytes(50)
        case 6:  # short
            return (b"\x80" + fixed)[: r.randrange(13)]
        case 7:
            return b"\x90" + fixed + extensions(r) + r.randbytes(r.randrange(1000))
        case 8:  # payload that lies about its codec
            head = r.choice(
                [b"\x90\x80", b"\x10\x00\x00\x00\x9d\x01\x2a", b"\x7c\x85", b"\x18\x00\xff", b"\x78\x00\x02"]
            )
            return b"\x80" + fixed + head + r.randbytes(r.randrange(40))
        case _:
            return bytes([r.choice([0x80, 0xB5, 0xBF])]) + fixed + r.randbytes(r.randrange(1200))


def extensions(r: Random) -> bytes:
    """A block whose outer length is right and whose elements are not."""
    profile = r.choice([0xBEDE, 0xBEDE, 0x1000, 0x100F, 0x0000, 0xBEDF])
    elements = b"".join(
        bytes([r.choice([r.getrandbits(8), 0x00, 0x0F, 0xF0, 0xFF, 0x10, 0x1F, 0x31])]) + r.randbytes(r.randrange(6))
        for _ in range(r.choice([0, 1, 3, 20, 60]))
    )
    elements += bytes(-len(elements) % 4)
    return struct.pack("!HH", profile, len(elements) // 4) + elements


# -- RTCP (RFC 3550 6, RFC 4585) ---------------------------------------------------------------------


def rtcp_packet(r: Random, ssrc: int | None = None) -> bytes:
    """A plain RTCP compound that is nonsense in one of its lengths or counts, or asks too much."""
    own = r.getrandbits(32) if ssrc is None or r.random() < 0.1 else ssrc
    number = r.getrandbits(32)
    kind = r.choice([192, 200, 201, 202, 203, 204, 205, 206, 207, 223, r.randrange(192, 224)])
    match r.randrange(8):
        case 0:  # a count that the body does not hold
            return struct.pack("!BBHI", 0x80 | r.randint(1, 31), kind, 1, own)
        case 1:  # longer than the datagram
            return struct.pack("!BBHI", 0x81, kind, r.choice([2, 100, 0xFFFF]), own)
        case 2:  # padding that eats the packet
            return struct.pack("!BBHII", 0xA1, kind, 2, own, r.choice([0, 9, 255, number]))
        case 3:  # many tiny ones
            return struct.pack("!BBH", 0x80, kind, 0) * r.randrange(1, 370)
        case 4:  # everything lost
            return rtcp.nack(number, own, [r.getrandbits(16) for _ in range(r.randrange(1, 250))])
        case 5:
            return b"".join(
                rtcp.pli(number, own) + rtcp.fir(number, own, r.getrandbits(8)) for _ in range(r.randrange(1, 30))
            )
        case 6:
            remb = rtcp.remb(number, r.getrandbits(r.choice([1, 20, 60])), [own])
            return remb[:16] + bytes([r.getrandbits(8)]) + remb[17:]
        case _:
            words = r.randrange(1, 300)
            return struct.pack("!BBHI", 0x80 | r.getrandbits(5), kind, words, own) + r.randbytes(4 * words - 4)
