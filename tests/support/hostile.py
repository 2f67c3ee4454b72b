"""A seeded stream of hostile datagrams for the one port: every protocol on it, broken in every way we thought of.

The slow part (forgeries.py) makes a pool; numpy then draws from it and damages copies by the thousand, so that a
million cost seconds.  Equal seed and samples give equal datagrams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray
from pylibsrtp import Policy, Session

from media.core import rtcp
from tests.support import forgeries as forge
from tests.support.packets import key_frame, rtp

POOL = 1024  # forgeries made one by one ...
DRAWS = 16  # ... and how often each is drawn, damaged anew each time, before the next pool
BATCH = 2048
DAMAGED_SHARE = 0.4


@dataclass(frozen=True)
class Samples:
    """Genuine datagrams of the call under attack, and what the attacker may know.

    A genuine STUN check is never sent unchanged: who can replay it from elsewhere stands on the path, and moves the
    call, as ICE means it to.  Everything else is also replayed as it is.

    ufrags      of the call, which are no secret
    credentials ufrag and password of the attacker's own peer connection, which answers to no one else
    """

    stun: list[bytes] = field(default_factory=list)
    dtls: list[bytes] = field(default_factory=list)
    srtp: list[bytes] = field(default_factory=list)
    srtcp: list[bytes] = field(default_factory=list)
    ufrags: list[str] = field(default_factory=lambda: ["known"])
    credentials: tuple[str, str] = forge.CREDENTIALS


def plausible(seed: int) -> Samples:
    """Samples of a call that never was, for a server that knows none of it."""
    r = Random(seed)
    session = Session(Policy(r.randbytes(28), Policy.SSRC_ANY_OUTBOUND, 0, Policy.SRTP_PROFILE_AEAD_AES_128_GCM))
    media = [rtp(ssrc=7, sequence=at, payload=key_frame(100 + 90 * at), extensions={1: b"\x80"}) for at in range(12)]
    reports = [rtcp.sender_report(7, r.getrandbits(64), at, at, at) + rtcp.sdes(7, "cname") for at in range(4)]
    finished = forge.record(20, 0, 4, b"\1") + forge.record(22, 1, 0, r.randbytes(48))
    return Samples(
        stun=[forge.stun_check(r, "known:peer", "secret of the call") for _ in range(4)],
        dtls=[
            forge.dtls_hello(r),
            forge.record(22, 0, 1, forge.fragment(11, 300, 1, 0, r.randbytes(300))) + finished,
            forge.record(21, 1, 1, r.randbytes(26)),
            forge.record(23, 1, 2, r.randbytes(100)),
        ],
        srtp=[session.protect(packet) for packet in media],
        srtcp=[session.protect_rtcp(packet) for packet in reports],
    )


def _sealed(r: Random, packet: bytes, trailer: int) -> bytes:
    """A plain packet as a stranger sends it: with bytes where the tag would be."""
    return (packet + r.randbytes(trailer))[: forge.DATAGRAM_MAX]


def _families(r: Random, samples: Samples) -> list[tuple[int, Callable[[], bytes]]]:
    """(weight, maker) of each kind of datagram."""

    def ufrag() -> str:
        return r.choice(samples.ufrags)

    families: list[tuple[int, Callable[[], bytes]]] = [
        (12, lambda: forge.garbage(r)),
        (4, lambda: forge.stun_wrong_password(r, ufrag())),
        (4, lambda: forge.stun_unknown_user(r)),
        (6, lambda: forge.stun_broken(r, ufrag())),
        (3, lambda: forge.stun_other_type(r, ufrag(), samples.credentials[1])),
        (2, lambda: forge.stun_check(r, f"{samples.credentials[0]}:x", samples.credentials[1])),
        (6, lambda: forge.dtls_hello(r)),
        (8, lambda: forge.dtls_fragment(r)),
        (4, lambda: forge.dtls_alert(r)),
        (6, lambda: forge.dtls_record(r)),
        (12, lambda: _sealed(r, forge.rtp_packet(r), r.choice([0, 10, 16]))),
        (8, lambda: _sealed(r, forge.rtcp_packet(r), r.choice([0, 14, 20]))),
    ]
    if samples.stun:
        families.append((5, lambda: forge.mutated(r, r.choice(samples.stun))))
    for kept, weight in ((samples.dtls, 6), (samples.srtp, 10), (samples.srtcp, 4)):
        if kept:
            families.append((weight, lambda kept=kept: r.choice(kept)))  # type: ignore[misc]
            families.append((weight, lambda kept=kept: forge.mutated(r, r.choice(kept))))  # type: ignore[misc]
    return families


def _is_stun(datagram: bytes) -> bool:
    return len(datagram) >= 20 and datagram[0] <= 3


def _pool(r: Random, samples: Samples) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    """Forgeries in rows: bytes (POOL, 1500), sizes (POOL,), and which must stay as they are (POOL,).

    STUN stays: undoing one flipped bit of a mutated check would make it genuine again.
    """
    families = _families(r, samples)
    makers = r.choices([maker for _, maker in families], [weight for weight, _ in families], k=POOL)
    cells = np.zeros((POOL, forge.DATAGRAM_MAX), np.uint8)
    sizes = np.zeros(POOL, np.int64)
    final = np.zeros(POOL, np.bool_)
    for row, maker in enumerate(makers):
        datagram = maker()
        while datagram in samples.stun:
            datagram = maker()
        cells[row, : len(datagram)] = np.frombuffer(datagram, np.uint8)
        sizes[row] = len(datagram)
        final[row] = _is_stun(datagram)
    return cells, sizes, final


def _damage(rng: np.random.Generator, cells: NDArray[np.uint8], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Flip up to four bits of each row (N, 1500) in place, and cut half of them; returns the new sizes (N,)."""
    rows = np.arange(len(sizes))
    for _ in range(4):
        where = (rng.random(len(sizes)) ** 2 * sizes).astype(np.int64)  # headers more than payload
        cells[rows, where] ^= np.left_shift(1, rng.integers(0, 8, len(sizes))).astype(np.uint8)
    cut = (rng.random(len(sizes)) * (sizes + 1)).astype(np.int64)
    return np.where(rng.random(len(sizes)) < 0.5, cut, sizes)


def datagrams(seed: int, count: int, samples: Samples | None = None) -> Iterator[bytes]:
    """`count` hostile datagrams of 0 to 1500 bytes."""
    r, rng = Random(seed), np.random.default_rng(seed)
    samples = samples or plausible(seed)
    left = count
    while left > 0:
        cells, sizes, final = _pool(r, samples)
        for _ in range(POOL * DRAWS // BATCH):
            drawn = rng.integers(0, POOL, BATCH)
            batch, size = cells[drawn], sizes[drawn]
            hurt = np.flatnonzero((rng.random(BATCH) < DAMAGED_SHARE) & ~final[drawn] & (size > 0))
            damaged = batch[hurt]
            size[hurt] = _damage(rng, damaged, size[hurt])
            batch[hurt] = damaged
            raw = batch.tobytes()
            at = 0
            for length in size[:left].tolist():
                yield raw[at : at + length]
                at += forge.DATAGRAM_MAX
            left -= BATCH
            if left <= 0:
                return
