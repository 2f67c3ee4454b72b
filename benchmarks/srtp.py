"""What SRTP costs a packet: pylibsrtp's Session, which copies, and the same functions called in place on an arena.

`python -m benchmarks.srtp >> benchmarks/results/srtp.jsonl`; prints, never asserts.
"""

from __future__ import annotations

import os
import time

import numpy as np
from pylibsrtp import Policy

from benchmarks.keys import MASTER_BYTES, PROFILE, PROFILE_NAMES, WINDOW, InPlace, open_session, protect, unprotect
from benchmarks.timing import emit, measure, percentiles
from benchmarks.wire import aligned
from media.core.drops import DropCounters
from media.core.packets import HEAD, Arena
from media.io.srtp import SrtpContexts

PACKETS = 64
SIZES = (104, 1100)
ROUNDS = 500


def number(rows: np.ndarray[tuple[int, int], np.dtype[np.uint8]], first: int, column: int = 0) -> None:
    """Make every row an RTP packet with a number that was not used before: libsrtp refuses others."""
    sequence = (first + np.arange(len(rows))) & 0xFFFF
    rows[:, column] = 0x80
    rows[:, column + 2] = sequence >> 8
    rows[:, column + 3] = sequence & 0xFF


def session(profile: int, size: int) -> None:
    sender = open_session(os.urandom(MASTER_BYTES[profile]), Policy.SSRC_ANY_OUTBOUND, profile)
    rows = np.zeros((PACKETS, size), np.uint8)
    first = 0

    def once() -> None:
        nonlocal first
        number(rows, first)
        first += PACKETS
        for row in rows:
            sender.protect(row.tobytes())

    emit(
        "srtp",
        {"way": "Session.protect", "profile": PROFILE_NAMES[profile], "bytes": size},
        measure(once, PACKETS, ROUNDS),
    )


def in_place(profile: int, size: int, window: int) -> None:
    """protect, then unprotect what came out, each timed alone."""
    key = os.urandom(MASTER_BYTES[profile])
    sender = open_session(key, Policy.SSRC_ANY_OUTBOUND, profile, window)
    receiver = open_session(key, Policy.SSRC_ANY_INBOUND, profile, window)
    rows = aligned(PACKETS)
    here = InPlace(rows)
    took: dict[str, list[int]] = {"protect": [], "unprotect": []}
    for turn in range(ROUNDS):
        number(rows, turn * PACKETS)
        here.lengths[:] = size
        for way, function, end in (("protect", protect, sender), ("unprotect", unprotect, receiver)):
            contexts_of = [end._srtp[0]] * PACKETS
            start = time.perf_counter_ns()
            status = list(map(function, contexts_of, here.packets, here.pointers))
            took[way].append(time.perf_counter_ns() - start)
            assert not any(status)
    for way, values in took.items():
        case = {"way": f"{way} in place", "profile": PROFILE_NAMES[profile], "bytes": size, "window": window}
        emit("srtp", case, percentiles(values, PACKETS))


def contexts(size: int) -> None:
    """balie's own SrtpContexts.protect, all that the server calls per batch."""
    arena, send = Arena(PACKETS), Arena(PACKETS)
    ours = SrtpContexts(1, arena, send)
    ours.add(0, PROFILE, os.urandom(MASTER_BYTES[PROFILE]), os.urandom(MASTER_BYTES[PROFILE]))
    starts, sizes, transports = np.full(PACKETS, HEAD), np.full(PACKETS, size), np.zeros(PACKETS, np.int64)
    drops = DropCounters()
    first = 0

    def once() -> None:
        nonlocal first
        number(send.bytes, first, HEAD)
        first += PACKETS
        ours.protect(starts, sizes, transports, drops)

    case = {"way": "SrtpContexts.protect", "profile": PROFILE_NAMES[PROFILE], "bytes": size}
    emit("srtp", case, measure(once, PACKETS, ROUNDS))


def main() -> None:
    for size in SIZES:
        for profile in MASTER_BYTES:
            session(profile, size)
            in_place(profile, size, WINDOW)
        in_place(PROFILE, size, 128)
        contexts(size)


if __name__ == "__main__":
    main()
