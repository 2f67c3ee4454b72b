"""SRTP on the arenas against pylibsrtp's own, copying, interface."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pylibsrtp
import pytest
from pylibsrtp import Policy, Session

from media import native
from media.core.drops import DropCounters
from media.core.packets import HEAD, Arena
from media.io.srtp import COLUMNS_CACHED, TAG_SIZES, SrtpContexts, sha1_address
from tests.support.packets import rtp

KEY_SIZES = {
    Policy.SRTP_PROFILE_AEAD_AES_128_GCM: 28,
    Policy.SRTP_PROFILE_AEAD_AES_256_GCM: 44,
    Policy.SRTP_PROFILE_AES128_CM_SHA1_80: 30,
}
PROFILES = list(KEY_SIZES)


@pytest.fixture(autouse=True, params=["arrays", "compiled"])
def each_way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything twice: libsrtp called from Python, and from the compiled loops."""
    if request.param == "compiled" and native.library() is None:
        pytest.skip("no C compiler was there at the installation")
    Pair.loops = native.library() if request.param == "compiled" else None
    yield
    Pair.loops = None


class Pair:
    """Contexts for transport 0 and the peer's sessions."""

    loops: ClassVar[Any | None] = None

    def __init__(self, profile: int = PROFILES[0]) -> None:
        size = KEY_SIZES[profile]
        theirs, ours = bytes(range(size)), bytes(range(100, 100 + size))
        self.receive, self.send, self.drops = Arena(16), Arena(16), DropCounters()
        self.contexts = SrtpContexts(2, self.receive, self.send, Pair.loops)
        self.contexts.add(0, profile, theirs, ours)
        self.peer_out = Session(Policy(theirs, Policy.SSRC_ANY_OUTBOUND, 0, profile))
        self.peer_in = Session(Policy(ours, Policy.SSRC_ANY_INBOUND, 0, profile))

    def arrive(self, row: int, packet: bytes) -> None:
        self.receive.bytes[row, HEAD : HEAD + len(packet)] = np.frombuffer(packet, np.uint8)
        self.receive.length[row] = len(packet)

    def dropped(self) -> dict[str, int]:
        return {name: count for name, count in self.drops.as_dict().items() if count}


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


@pytest.mark.parametrize("profile", PROFILES)
def test_decrypts_what_the_peer_encrypted(profile: int) -> None:
    pair = Pair(profile)
    plain = [rtp(sequence=number, payload=bytes([number]) * 50) for number in range(3)]
    for row, packet in enumerate(plain):
        pair.arrive(row + 4, pair.peer_out.protect(packet))
    assert pair.contexts.unprotect(rows(4, 5, 6), rows(0, 0, 0), pair.drops) is None
    assert [bytes(pair.receive.packet(row)) for row in (4, 5, 6)] == plain


@pytest.mark.parametrize("profile", PROFILES)
def test_the_peer_decrypts_what_was_encrypted_at_any_column(profile: int) -> None:
    pair = Pair(profile)
    starts = rows(HEAD, HEAD + 4, 36, HEAD)
    plain = [rtp(sequence=number, payload=b"p" * (20 + number)) for number in range(4)]
    for row, packet in enumerate(plain):
        start = int(starts[row])
        pair.send.bytes[row, start : start + len(packet)] = np.frombuffer(packet, np.uint8)
    sizes = np.array([len(packet) for packet in plain])
    out = pair.contexts.protect(starts, sizes.copy(), rows(0, 0, 0, 0), pair.drops)
    assert (out - sizes == TAG_SIZES[profile]).all()
    for row, packet in enumerate(plain):
        start = int(starts[row])
        assert pair.peer_in.unprotect(pair.send.bytes[row, start : start + int(out[row])].tobytes()) == packet


def test_forged_and_replayed_packets_are_dropped_by_name_and_the_others_pass() -> None:
    pair = Pair()
    good = [pair.peer_out.protect(rtp(sequence=number)) for number in (1, 2)]
    forged = bytearray(pair.peer_out.protect(rtp(sequence=3)))
    forged[-1] ^= 1
    for row, packet in enumerate([good[0], bytes(forged), good[0], good[1]]):
        pair.arrive(row, packet)
    genuine = pair.contexts.unprotect(rows(0, 1, 2, 3), rows(0, 0, 0, 0), pair.drops)
    assert genuine is not None and genuine.tolist() == [True, False, False, True]
    assert pair.dropped() == {"srtp_auth": 1, "srtp_replay": 1}


def test_a_number_is_never_encrypted_twice() -> None:
    """Two packets under one nonce would give the key stream away (RFC 7714 8.1); libsrtp refuses the second."""
    pair = Pair()
    for row in (0, 1):
        packet = rtp(sequence=9, payload=bytes([row]))
        pair.send.bytes[row, HEAD : HEAD + len(packet)] = np.frombuffer(packet, np.uint8)
    out = pair.contexts.protect(rows(HEAD, HEAD), rows(len(packet), len(packet)), rows(0, 0), pair.drops)
    assert out.tolist() == [len(packet) + 16, 0]
    assert pair.dropped() == {"srtp_protect": 1}


def test_rtcp_both_ways() -> None:
    pair = Pair()
    report = bytes.fromhex("81c90007") + bytes(28)
    pair.arrive(3, pair.peer_out.protect_rtcp(report))
    assert pair.contexts.unprotect_rtcp(rows(3), rows(0), pair.drops) is None
    assert bytes(pair.receive.packet(3)) == report
    pair.send.bytes[0, HEAD : HEAD + len(report)] = np.frombuffer(report, np.uint8)
    sizes = pair.contexts.protect(rows(HEAD), rows(len(report)), rows(0), pair.drops, rtcp=True)
    assert pair.peer_in.unprotect_rtcp(pair.send.bytes[0, HEAD : HEAD + int(sizes[0])].tobytes()) == report


def test_many_header_sizes_cost_time_and_not_memory() -> None:
    pair = Pair()
    packet = rtp(payload=b"x")
    for number in range(COLUMNS_CACHED + 5):
        start = 4 * number
        packet = rtp(sequence=number, payload=b"x")
        pair.send.bytes[0, start : start + len(packet)] = np.frombuffer(packet, np.uint8)
        size = int(pair.contexts.protect(rows(start), rows(len(packet)), rows(0), pair.drops)[0])
        assert pair.peer_in.unprotect(pair.send.bytes[0, start : start + size].tobytes()) == packet


def test_removed_keys_are_gone() -> None:
    pair = Pair()
    assert pair.contexts.has_keys(0) and not pair.contexts.has_keys(1)
    pair.contexts.remove(0)
    assert not pair.contexts.has_keys(0)


def test_the_private_names_that_the_adapter_leans_on_are_there() -> None:
    """Contract with pylibsrtp 1.x: the raw binding, and where a Session keeps its srtp_t."""
    from pylibsrtp import _binding

    for name in ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp"):
        assert callable(getattr(_binding.lib, name))
    assert "_srtp" in vars(Session())
    assert sha1_address(), "without it, connectivity checks are all read in Python"
    assert pylibsrtp.__version__.startswith("1.")
    assert "window_size" in dict(inspect.getmembers(Policy))
