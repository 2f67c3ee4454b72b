"""STUN against aioice's own reader and writer, against RFC 5769's vectors, and against damage."""

from __future__ import annotations

import struct
import zlib

import pytest
from aioice import stun as aioice
from hypothesis import given
from hypothesis import strategies as st

from media.core import stun
from media.core.errors import PeerError

TRANSACTION = bytes(range(12))
PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
SAMPLE = bytes.fromhex(  # RFC 5769 2.1
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b1"
    "51263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)


def theirs(data: bytes) -> aioice.Message:
    """As aioice reads it; its integrity is right."""
    message = aioice.parse_message(data)
    message.check_message_integrity(PASSWORD)
    return message


def finish(attributes: bytes, kind: int = stun.BINDING_REQUEST) -> bytes:
    """A message with a right fingerprint, without integrity."""
    head = struct.pack("!HHI", kind, len(attributes) + 8, stun.COOKIE) + TRANSACTION
    return head + attributes + struct.pack("!HHI", 0x8028, 4, zlib.crc32(head + attributes) ^ 0x5354554E)


def test_the_sample_request_of_rfc_5769() -> None:
    request = stun.parse_binding_request(SAMPLE)
    assert request.username == b"evtj:h6vY"
    assert request.transaction.hex() == "b7e7a701bc34d686fa87dfae"
    assert (request.priority, request.controlled, request.use_candidate) == (0x6E0001FF, True, False)
    assert stun.integrity_holds(SAMPLE, request.integrity_at, PASSWORD)
    assert not stun.integrity_holds(SAMPLE, request.integrity_at, PASSWORD + b"x")


def test_our_check_is_read_by_aioice_and_by_us() -> None:
    data = stun.binding_request(TRANSACTION, "here:there", PASSWORD, 77, 1 << 63, True)
    message = theirs(data)
    assert message.attributes["USERNAME"] == "here:there"
    assert message.attributes["PRIORITY"] == 77
    assert message.attributes["ICE-CONTROLLING"] == 1 << 63
    assert "USE-CANDIDATE" in message.attributes
    request = stun.parse_binding_request(data)
    assert (request.username, request.use_candidate, request.controlled) == (b"here:there", True, False)
    assert stun.integrity_holds(data, request.integrity_at, PASSWORD)


@pytest.mark.parametrize(("ip", "text"), [(b"\xc0\0\2\1", "192.0.2.1"), (bytes(15) + b"\1", "::1")])
def test_our_answers_are_read_by_aioice(ip: bytes, text: str) -> None:
    data = stun.binding_success(TRANSACTION, ip, 50_000, PASSWORD)
    message = theirs(data)
    assert message.attributes["XOR-MAPPED-ADDRESS"] == (text, 50_000)
    assert stun.parse_binding_success(data, PASSWORD) == TRANSACTION
    assert stun.parse_binding_success(data, b"other") is None
    error = theirs(stun.binding_error(TRANSACTION, 487, "Role Conflict", PASSWORD))
    assert error.attributes["ERROR-CODE"] == (487, "Role Conflict")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "stun_malformed"),
        (SAMPLE[:19], "stun_malformed"),
        (SAMPLE + b"\0", "stun_malformed"),
        (SAMPLE[:4] + b"\0" + SAMPLE[5:], "stun_malformed"),  # cookie
        (SAMPLE[:-1] + b"\0", "stun_malformed"),  # fingerprint
        (finish(b"\0\6\0\x7f"), "stun_malformed"),  # an attribute longer than the message
        (finish(b"\0\x08\0\4abcd"), "stun_malformed"),  # integrity of 4 bytes
        (finish(struct.pack("!HH", 6, 514) + bytes(516)), "stun_malformed"),  # username too long
        (finish(b"", stun.BINDING_SUCCESS), "stun_not_request"),
        (finish(b"", 0x0011), "stun_not_request"),  # an indication
        (finish(b"", 0x0003), "stun_not_request"),  # TURN
    ],
)
def test_refuses(data: bytes, reason: str) -> None:
    with pytest.raises(PeerError) as caught:
        stun.parse_binding_request(data)
    assert caught.value.reason == reason


def test_what_follows_the_integrity_is_ignored() -> None:
    """RFC 8489 14.5: nobody vouches for it."""
    head = struct.pack("!HH", 6, 4) + b"me:x" + struct.pack("!HH", 8, 20) + bytes(20)
    late = struct.pack("!HH", 0x25, 0) + struct.pack("!HH", 6, 4) + b"you:"
    request = stun.parse_binding_request(finish(head + late))
    assert (request.username, request.use_candidate) == (b"me:x", False)


@given(st.integers(0, 8 * (len(SAMPLE) - 8) - 1))  # up to the end of the integrity
def test_any_flipped_bit_is_noticed(bit: int) -> None:
    damaged = bytearray(SAMPLE)
    damaged[bit // 8] ^= 1 << bit % 8
    data = bytes(damaged)
    try:
        request = stun.parse_binding_request(data)
    except PeerError:
        return
    assert request.integrity_at < 0 or not stun.integrity_holds(data, request.integrity_at, PASSWORD)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for message in (data, finish(data[: len(data) & ~3])):
        try:
            request = stun.parse_binding_request(message)
        except PeerError as error:
            assert error.reason in ("stun_malformed", "stun_not_request")
        else:
            assert request.integrity_at < 0 or request.integrity_at + 24 <= len(message)
    assert stun.parse_binding_success(b"\x01\x01" + data, b"key") is None
