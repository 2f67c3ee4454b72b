"""STUN binding requests and answers, the part of RFC 8489 that an ICE-lite server and a test client need."""

from __future__ import annotations

import hmac
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from media.core.errors import PeerError

COOKIE = 0x2112A442  # RFC 8489 5
BINDING_REQUEST, BINDING_SUCCESS, BINDING_ERROR = 0x0001, 0x0101, 0x0111
HEADER_SIZE = 20
USERNAME_MAX = 513  # bytes, RFC 8489 14.3: fewer than 509 characters, plus the colon
FINGERPRINT_XOR = 0x5354554E  # RFC 8489 14.7

_USERNAME, _INTEGRITY, _ERROR, _XOR_ADDRESS = 0x0006, 0x0008, 0x0009, 0x0020
_PRIORITY, _USE_CANDIDATE = 0x0024, 0x0025
_FINGERPRINT, _CONTROLLED, _CONTROLLING = 0x8028, 0x8029, 0x802A
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")


class Password:
    """A key of MESSAGE-INTEGRITY (RFC 8489 14.5), its HMAC begun: to set one up anew for each message costs more than
    the message, for a server that has other things in its caches."""

    __slots__ = ("_begun", "key")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._begun = hmac.new(key, digestmod="sha1")

    def sign(self, covered: bytes) -> bytes:
        """20 bytes."""
        mac = self._begun.copy()
        mac.update(covered)
        return mac.digest()


Key = bytes | Password


def _signed(key: Key, covered: bytes) -> bytes:
    return key.sign(covered) if isinstance(key, Password) else hmac.digest(key, covered, "sha1")


class BindingRequest(NamedTuple):
    """A connectivity check (RFC 8445 7.1).  integrity_at: where MESSAGE-INTEGRITY begins, -1 without one."""

    transaction: bytes
    username: bytes
    priority: int | None
    use_candidate: bool
    controlled: bool
    integrity_at: int


def parse_binding_request(data: bytes) -> BindingRequest:
    """Read a binding request.

    Raises PeerError: stun_malformed when it is no STUN message, or a broken one; stun_not_request when it
    is a sound message of another method or class.
    """
    if len(data) < HEADER_SIZE or len(data) % 4:
        raise PeerError("stun_malformed", "no header, or not a multiple of 4 bytes")
    kind, size, cookie, transaction = _HEADER.unpack_from(data)
    if cookie != COOKIE or size != len(data) - HEADER_SIZE:
        raise PeerError("stun_malformed", "cookie or length")
    if kind != BINDING_REQUEST:
        raise PeerError("stun_not_request", f"type {kind:#06x}")
    username = b""
    priority: int | None = None
    use_candidate = controlled = False
    integrity_at = -1
    at, end = HEADER_SIZE, len(data)
    while at < end:
        attribute, length = _ATTRIBUTE.unpack_from(data, at)
        value = at + 4
        if value + length > end:
            raise PeerError("stun_malformed", f"attribute {attribute:#06x} longer than the message")
        if attribute == _FINGERPRINT:
            if length != 4 or value + 4 != end or not _fingerprint_holds(data, at):
                raise PeerError("stun_malformed", "fingerprint")
        elif integrity_at >= 0:
            pass  # RFC 8489 14.5: what follows the integrity is not protected and is ignored
        elif attribute == _USERNAME:
            if length > USERNAME_MAX:
                raise PeerError("stun_malformed", "username too long")
            username = data[value : value + length]
        elif attribute == _INTEGRITY:
            if length != 20:
                raise PeerError("stun_malformed", "integrity")
            integrity_at = at
        elif attribute == _PRIORITY and length == 4:
            priority = int.from_bytes(data[value : value + 4], "big")
        elif attribute == _USE_CANDIDATE:
            use_candidate = True
        elif attribute == _CONTROLLED:
            controlled = True
        at = value + (length + 3 & ~3)
    return BindingRequest(transaction, username, priority, use_candidate, controlled, integrity_at)


def integrity_holds(data: bytes, at: int, key: Key) -> bool:
    """Whether MESSAGE-INTEGRITY, which begins at `at`, is right under key (RFC 8489 14.5).  Constant time."""
    covered = data[:2] + (at + 24 - HEADER_SIZE).to_bytes(2, "big") + data[4:at]
    return hmac.compare_digest(_signed(key, covered), data[at + 4 : at + 24])


def _fingerprint_holds(data: bytes, at: int) -> bool:
    stated = int.from_bytes(data[at + 4 : at + 8], "big")
    return zlib.crc32(data[:at]) ^ FINGERPRINT_XOR == stated


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _message(kind: int, transaction: bytes, attributes: bytes, key: Key | None) -> bytes:
    """Put a message together, with integrity under key, if any, and fingerprint."""
    size = len(attributes) + (24 if key is not None else 0)
    body = attributes
    if key is not None:
        covered = _HEADER.pack(kind, size, COOKIE, transaction) + attributes
        body += _attribute(_INTEGRITY, _signed(key, covered))
    message = _HEADER.pack(kind, size + 8, COOKIE, transaction) + body
    return message + _attribute(_FINGERPRINT, struct.pack("!I", zlib.crc32(message) ^ FINGERPRINT_XOR))


def binding_success(transaction: bytes, ip: bytes, port: int, key: Key) -> bytes:
    """The answer: where the request came from.  ip: 4 or 16 bytes."""
    size = len(ip)
    mask = (struct.pack("!I", COOKIE) + transaction)[:size]
    hidden = int.from_bytes(ip, "big") ^ int.from_bytes(mask, "big")
    value = struct.pack("!BBH", 0, 1 if size == 4 else 2, port ^ COOKIE >> 16) + hidden.to_bytes(size, "big")
    return _message(BINDING_SUCCESS, transaction, _attribute(_XOR_ADDRESS, value), key)


def binding_error(transaction: bytes, code: int, reason: str, key: Key | None) -> bytes:
    """RFC 8489 14.8."""
    value = struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode()
    return _message(BINDING_ERROR, transaction, _attribute(_ERROR, value), key)


def binding_request(
    transaction: bytes, username: str, key: Key, priority: int, tie_breaker: int, use_candidate: bool
) -> bytes:
    """A check as the controlling agent sends it (RFC 8445 7.1): for load generators and tests."""
    attributes = _attribute(_USERNAME, username.encode())
    attributes += _attribute(_PRIORITY, struct.pack("!I", priority))
    attributes += _attribute(_CONTROLLING, struct.pack("!Q", tie_breaker))
    if use_candidate:
        attributes += _attribute(_USE_CANDIDATE, b"")
    return _message(BINDING_REQUEST, transaction, attributes, key)


def request(kind: int, transaction: bytes, attributes: Iterable[tuple[int, bytes]], key: Key | None) -> bytes:
    """A message of any method: for who asks a TURN server."""
    return _message(kind, transaction, b"".join(_attribute(number, value) for number, value in attributes), key)


def answers(data: bytes, request: bytes) -> bool:
    """Whether these bytes may answer a request: a header with its transaction.  Nothing is proved by that."""
    return len(data) >= HEADER_SIZE and data[4:HEADER_SIZE] == request[4:HEADER_SIZE]


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and values of a message, as far as they are whole; nothing is checked."""
    at = HEADER_SIZE
    while at + 4 <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, at)
        if at + 4 + length > len(data):
            return
        yield kind, data[at + 4 : at + 4 + length]
        at += 4 + (length + 3 & ~3)


def parse_binding_success(data: bytes, key: Key) -> bytes | None:
    """The transaction id of a genuine success answer, None for anything else: for load generators."""
    if len(data) < HEADER_SIZE or data[:2] != b"\x01\x01":
        return None
    at = HEADER_SIZE
    while at + 4 <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, at)
        if kind == _INTEGRITY and length == 20 and at + 24 <= len(data):
            return data[8:20] if integrity_holds(data, at, key) else None
        at += 4 + (length + 3 & ~3)
    return None
