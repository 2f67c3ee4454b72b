"""Transport-wide feedback to publishers, so that a browser's bandwidth estimation lets it send HD.

Format: draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1.  The log takes columns per batch; the packets are
built ten times a second for all transports at once.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

DELTA_US = 250
REFERENCE_US = 64_000
RUN_MAX = 0x1FFF  # 13 bits of run length
SMALL_MAX = 255  # one unsigned byte of 250 us: 63.75 ms
WINDOW_MAX = 2000  # sequence numbers in one feedback: keeps it below an Ethernet frame even when all have deltas
GAP_MAX = 0x4000  # a jump that no loss explains: begin anew there
_HEAD = struct.Struct("!BBHIIHH")
_RTPFB, _FMT = 205, 15


class FeedbackLog:
    """Arrivals since the last feedback, of all transports.

    capacity   packets between two calls of build(); past it the newest are dropped and counted in overflowed
    """

    def __init__(self, transports_max: int, capacity: int) -> None:
        self._transport = np.zeros(capacity, np.int64)
        self._seq = np.zeros(capacity, np.int64)
        self._arrival_us = np.zeros(capacity, np.int64)
        self._used = 0
        self._next: Ints = np.full(transports_max, -1, np.int64)
        """Unwrapped number after the last one reported, -1 before the first."""
        self._count = np.zeros(transports_max, np.int64)
        self.overflowed = 0

    def reset(self, transport: int) -> None:
        """The row serves another peer: what is logged for it is not his."""
        self._next[transport] = -1
        self._count[transport] = 0
        mine = self._transport[: self._used] == transport
        self._transport[: self._used][mine] = -1

    def add(self, transports: Ints, seqs: Ints, arrival_us: Ints) -> None:
        """transports, seqs (0..65535), arrival_us: (N,) int64."""
        end = self._used + len(transports)
        if end > len(self._transport):
            self.overflowed += len(transports)
            return
        self._transport[self._used : end] = transports
        self._seq[self._used : end] = seqs
        self._arrival_us[self._used : end] = arrival_us
        self._used = end

    def build(self, sender_ssrc: Ints, media_ssrc: Ints) -> list[tuple[int, bytes]]:
        """The feedback packets that are due, as (transport, RTCP packet), and an empty log.

        sender_ssrc, media_ssrc  (transports_max,) by transport row
        """
        used, self._used = self._used, 0
        if not used:
            return []
        transport, seq = self._transport[:used], self._seq[:used]
        known = np.maximum(self._next[transport], 0)
        first_seen = self._next[transport] < 0
        ext = known + ((seq - known + 0x8000 & 0xFFFF) - 0x8000)
        ext[first_seen] = seq[first_seen] + 0x10000
        order = np.lexsort((ext, transport))
        transport, ext, arrival = transport[order], ext[order], self._arrival_us[:used][order]
        ticks = arrival // DELTA_US
        starts = np.flatnonzero(np.diff(transport, prepend=-2))
        ends = np.append(starts[1:], used)
        even = np.diff(ext, prepend=0) == 1
        delta = np.diff(ticks, prepend=0)
        plain = even & (delta >= 0) & (delta <= SMALL_MAX)
        plain[starts] = True
        whole = np.logical_and.reduceat(plain, starts)
        reference = arrival[starts] // REFERENCE_US
        delta[starts] = ticks[starts] - reference * (REFERENCE_US // DELTA_US)
        small = np.clip(delta, 0, SMALL_MAX).astype(np.uint8).tobytes()
        out: list[tuple[int, bytes]] = []
        for at, (row, start, end) in enumerate(
            zip(transport[starts].tolist(), starts.tolist(), ends.tolist(), strict=True)
        ):
            if row < 0:
                continue
            ssrcs = int(sender_ssrc[row]), int(media_ssrc[row])
            expected = int(self._next[row])
            base = int(ext[start])
            if whole[at] and end - start <= WINDOW_MAX and (expected < 0 or base <= expected):
                chunk = 1 << 13 | end - start  # run length, symbol 1: received, small delta
                body = struct.pack("!H", chunk) + small[start:end]
                out.append((row, self._packet(row, ssrcs, base, end - start, int(reference[at]), body)))
            else:
                first = base if expected < 0 or base < expected or base - expected > GAP_MAX else expected
                out.extend(self._general(row, ssrcs, first, ext[start:end], ticks[start:end]))
            self._next[row] = max(expected, int(ext[end - 1]) + 1)
        return out

    def _packet(self, row: int, ssrcs: tuple[int, int], base: int, status: int, reference: int, body: bytes) -> bytes:
        count = int(self._count[row])
        self._count[row] = count + 1 & 0xFF
        size = 20 + len(body)
        words = (size + 3) // 4
        padding = 4 * words - size
        head = _HEAD.pack(0x80 | (0x20 if padding else 0) | _FMT, _RTPFB, words - 1, *ssrcs, base & 0xFFFF, status)
        tail = bytes(padding - 1) + bytes([padding]) if padding else b""
        return head + struct.pack("!I", (reference & 0xFFFFFF) << 8 | count) + body + tail

    def _general(self, row: int, ssrcs: tuple[int, int], first: int, ext: Ints, ticks: Ints) -> list[tuple[int, bytes]]:
        """Feedback with losses, reordering or long pauses: split where a frame or a delta would overflow."""
        arrived = dict(zip(ext.tolist(), ticks.tolist(), strict=True))  # a duplicate counts once, its last arrival
        numbers = sorted(arrived)
        out: list[tuple[int, bytes]] = []
        while numbers:
            if numbers[0] - first > WINDOW_MAX:  # nothing arrived for long: those are simply not reported
                first = numbers[0]
            reference = arrived[numbers[0]] * DELTA_US // REFERENCE_US
            tick = reference * (REFERENCE_US // DELTA_US)
            symbols: list[int] = []
            deltas = b""
            taken = 0
            for number in numbers:
                step = arrived[number] - tick
                if number - first >= WINDOW_MAX or not -0x8000 <= step <= 0x7FFF or len(deltas) > 900:
                    break
                symbols.extend([0] * (number - first - len(symbols)))
                if 0 <= step <= SMALL_MAX:
                    symbols.append(1)
                    deltas += bytes([step])
                else:
                    symbols.append(2)
                    deltas += struct.pack("!h", step)
                tick = arrived[number]
                taken += 1
            body = _chunks(symbols) + deltas
            out.append((row, self._packet(row, ssrcs, first, len(symbols), reference, body)))
            first = numbers[taken - 1] + 1
            numbers = numbers[taken:]
        return out


def _chunks(symbols: list[int]) -> bytes:
    """Run-length chunks for runs of 8 or more, else status vectors of seven two-bit symbols (draft 3.1.3, 3.1.4)."""
    out = b""
    at = 0
    while at < len(symbols):
        run = at
        while run < len(symbols) and symbols[run] == symbols[at] and run - at < RUN_MAX:
            run += 1
        if run - at >= 8 or run == len(symbols):
            out += struct.pack("!H", symbols[at] << 13 | run - at)
            at = run
            continue
        seven = (symbols[at : at + 7] + [0] * 7)[:7]
        word = 0xC000
        for place, symbol in enumerate(seven):
            word |= symbol << 12 - 2 * place
        out += struct.pack("!H", word)
        at += 7
    return out
