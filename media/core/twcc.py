"""Transport-wide feedback to publishers, so that a browser's bandwidth estimation lets it send HD.

Format: draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1.  The log takes columns per batch; the packets
are built four to ten times a second for all transports at once.  Only the log and the packet format live here: when,
and under which SSRCs, is the engine's to say.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Described = tuple[int, int, int, bytes]
"""Base number, status count, reference time, chunks and deltas of one feedback."""

DELTA_US = 250
REFERENCE_US = 64_000
TICKS_PER_REFERENCE = REFERENCE_US // DELTA_US
RUN_MAX = 0x1FFF  # 13 bits of run length
SMALL_MAX = 255  # one unsigned byte of 250 us: 63.75 ms
LARGE_MIN, LARGE_MAX = -0x8000, 0x7FFF  # two signed bytes: 8 s
SIZE_MAX = 1_100  # bytes: with SRTCP, UDP and IPv6 around it below the 1,200 that any path carries
GAP_MAX = 0x4000  # a jump that no loss explains: begin anew there
STATUS_MAX = 0x7FFF  # numbers in one feedback: half of their space, so that none can be taken for another
FEEDBACKS_MAX = 64  # to one transport at a time: more is a numbering that makes no sense, and is not answered in full
VECTOR_SIZE = 7  # two-bit symbols in one status vector
RUN_MIN = VECTOR_SIZE + 1  # from here on a run length is the shorter
HEAD_SIZE = 22  # with one chunk
FAST_MAX = SIZE_MAX - HEAD_SIZE  # packets that fit with one chunk and a byte each
_FIXED_SIZE = 20
_RTPFB, _FMT = 205, 15
_MISSING, _SMALL, _LARGE = 0, 1, 2  # packet status symbols, 3.1.1
_HEAD = struct.Struct("!BBHIIHHI")
_HEADS = np.dtype(
    [
        ("first", "u1"),
        ("packet_type", "u1"),
        ("words", ">u2"),
        ("sender", ">u4"),
        ("media", ">u4"),
        ("base", ">u2"),
        ("status", ">u2"),
        ("reference", ">u4"),
        ("chunk", ">u2"),
    ]
)
_PADDING = (b"", b"\x01", b"\x00\x02", b"\x00\x00\x03")  # RFC 3550 6.4.1: the last byte counts itself


class FeedbackLog:
    """Arrivals since the last feedback, of all transports.

    capacity   packets between two calls of build(); a batch that does not fit is left out whole, and counted
               in overflowed
    """

    def __init__(self, transports_max: int, capacity: int) -> None:
        self.transport = np.zeros(capacity, np.int64)
        self.seq = np.zeros(capacity, np.int64)
        self.arrival_us = np.zeros(capacity, np.int64)
        self.state = np.zeros(2, np.int64)
        """How many arrivals are logged, and how many did not fit.  Arrays never move: compiled loops hold them."""
        self.next: Ints = np.full(transports_max, -1, np.int64)
        """Unwrapped number after the last one reported, -1 before the first."""
        self.count = np.zeros(transports_max, np.int64)
        self.written = 0
        """How many packets the last build() wrote into the send arena instead: see CompiledFeedbackLog."""
        self.sender_ssrc = np.zeros(transports_max, np.int64)
        self.media_ssrc = np.zeros(transports_max, np.int64)
        """Who says it, and of which stream: libwebrtc takes feedback that names none of its own for somebody else's."""

    @property
    def used(self) -> int:
        return int(self.state[0])

    @property
    def overflowed(self) -> int:
        return int(self.state[1])

    def reset(self, transport: int) -> None:
        """The row serves another peer: what is logged for it is not his."""
        self.next[transport] = -1
        self.count[transport] = 0
        self.media_ssrc[transport] = 0
        mine = self.transport[: self.used] == transport
        self.transport[: self.used][mine] = -1

    def add(self, transports: Ints, seqs: Ints, arrival_us: Ints) -> None:
        """transports, seqs (0..65535), arrival_us: (N,) int64."""
        used = self.used
        end = used + len(transports)
        if end > len(self.transport):
            self.state[1] += len(transports)
            return
        self.transport[used:end] = transports
        self.seq[used:end] = seqs
        self.arrival_us[used:end] = arrival_us
        self.state[0] = end

    def build(self) -> list[tuple[int, bytes]]:
        """The feedback packets that are due, as (transport, RTCP packet), and an empty log."""
        used = self.used
        self.state[0] = 0
        if not used:
            return []
        transport = self.transport[:used]
        ext = self._unwrap(transport, self.seq[:used])
        order = np.lexsort((ext, transport))  # stable: a duplicate stays behind its first arrival
        order = order[np.count_nonzero(transport < 0) :]  # rows that were reset meanwhile sort first
        if not len(order):
            return []
        transport, ext, arrival = transport[order], ext[order], self.arrival_us[:used][order]
        ticks = arrival // DELTA_US
        starts = np.flatnonzero(np.diff(transport, prepend=-1))
        ends = np.append(starts[1:], len(transport))
        delta = np.diff(ticks, prepend=0)
        plain = (np.diff(ext, prepend=0) == 1) & (delta >= 0) & (delta <= SMALL_MAX)
        plain[starts] = True
        rows, base, reference = transport[starts], ext[starts], arrival[starts] // REFERENCE_US
        expected = self.next[rows]
        fast = np.logical_and.reduceat(plain, starts) & (ends - starts <= FAST_MAX)
        fast &= (expected < 0) | (base <= expected)
        self.next[rows] = np.maximum(expected, ext[ends - 1] + 1)
        delta[starts] = ticks[starts] - reference * TICKS_PER_REFERENCE
        small = np.clip(delta, 0, SMALL_MAX).astype(np.uint8).tobytes()
        senders, medias = self.sender_ssrc[rows], self.media_ssrc[rows]
        heads = self._heads(rows, base, ends - starts, reference)
        heads["sender"], heads["media"] = senders, medias
        plain_heads = heads.tobytes()
        self.count[rows[fast]] += 1
        out: list[tuple[int, bytes]] = []
        size = _HEADS.itemsize
        for at, (row, start, end, is_fast) in enumerate(
            zip(rows.tolist(), starts.tolist(), ends.tolist(), fast.tolist(), strict=True)
        ):
            if is_fast:
                head = plain_heads[at * size : at * size + size]
                out.append((row, head + small[start:end] + _PADDING[start - end - 2 & 3]))
            else:
                ssrcs = int(senders[at]), int(medias[at])
                bodies = _describe(int(expected[at]), ext[start:end].tolist(), ticks[start:end].tolist())
                out.extend((row, self._packet(row, ssrcs, described)) for described in bodies[-FEEDBACKS_MAX:])
        return out

    def _unwrap(self, transport: Ints, seq: Ints) -> Ints:
        """Numbers nearest to what is due next.  65536 keeps them positive whatever comes late."""
        known = self.next[transport]
        new = known < 0
        if new.any():
            rows, first = np.unique(transport, return_index=True)
            known = np.where(new, 0x10000 + seq[first[np.searchsorted(rows, transport)]], known)
        return known + ((seq - known + 0x8000 & 0xFFFF) - 0x8000)

    def _heads(self, rows: Ints, base: Ints, status: Ints, reference: Ints) -> NDArray[np.void]:
        """The first 22 bytes of a feedback of one chunk and small deltas, by row; SSRCs left out."""
        heads = np.zeros(len(rows), _HEADS)
        padding = -(status + 2) & 3
        heads["first"] = np.where(padding > 0, 0xA0 | _FMT, 0x80 | _FMT)
        heads["packet_type"] = _RTPFB
        heads["words"] = (HEAD_SIZE + status + padding) // 4 - 1
        heads["base"] = base & 0xFFFF
        heads["status"] = status & 0xFFFF  # at most FAST_MAX in the rows that are used
        heads["reference"] = (reference & 0xFFFFFF) << 8 | self.count[rows] & 0xFF
        heads["chunk"] = _SMALL << 13 | status & RUN_MAX
        return heads

    def _packet(self, row: int, ssrcs: tuple[int, int], described: Described) -> bytes:
        base, status, reference, body = described
        count = int(self.count[row]) & 0xFF
        self.count[row] += 1
        padding = -len(body) & 3
        first = (0xA0 if padding else 0x80) | _FMT
        words = (_FIXED_SIZE + len(body) + padding) // 4 - 1
        word = (reference & 0xFFFFFF) << 8 | count
        head = _HEAD.pack(first, _RTPFB, words, *ssrcs, base & 0xFFFF, status, word)
        return head + body + _PADDING[padding]


def _describe(expected: int, numbers: list[int], ticks: list[int]) -> list[Described]:
    """Feedback with losses, reordering or long pauses.

    expected  number after the last one reported, -1 before the first
    numbers   ascending, a duplicate behind its first arrival; ticks: arrivals in units of DELTA_US

    A late arrival moves the window back, and only over itself: to span what was reported before would call
    that lost, since it is not remembered here.
    """
    out: list[Described] = []
    at, end = 0, len(numbers)
    due = expected if expected >= 0 else numbers[0]
    while at < end:
        number = numbers[at]
        if at and number == numbers[at - 1]:
            at += 1
            continue
        late = number < due
        base = number if late or number - due > GAP_MAX else due
        stop = end
        if late:
            stop = at + 1
            while stop < end and numbers[stop] - numbers[stop - 1] <= 1 and numbers[stop] < due:
                stop += 1
        described, at = _body(base, numbers, ticks, at, stop)
        out.append(described)
        if not late:
            due = base + described[1]
    return out


def _body(base: int, numbers: list[int], ticks: list[int], at: int, stop: int) -> tuple[Described, int]:
    """What of numbers[at:stop] one feedback can hold, and where to go on.

    Takes one number at least: the first has a small delta.
    """
    reference = ticks[at] // TICKS_PER_REFERENCE
    tick = reference * TICKS_PER_REFERENCE
    runs: list[list[int]] = []  # symbol, count
    deltas = bytearray()
    expected = base
    while at < stop:
        number, step = numbers[at], ticks[at] - tick
        missing = number - expected
        if missing < 0:  # a duplicate
            at += 1
            continue
        symbol = _SMALL if 0 <= step <= SMALL_MAX else _LARGE
        # A run costs one chunk at most.  This number adds up to four, three of them of missing ones, and a delta.
        full = _FIXED_SIZE + 2 * len(runs) + len(deltas) + 10 > SIZE_MAX
        odd = not LARGE_MIN <= step <= LARGE_MAX or missing > GAP_MAX
        if deltas and (full or odd or number - base >= STATUS_MAX):
            break
        if missing:
            while missing > RUN_MAX:
                runs.append([_MISSING, RUN_MAX])
                missing -= RUN_MAX
            runs.append([_MISSING, missing])
        if runs and runs[-1][0] == symbol and runs[-1][1] < RUN_MAX:
            runs[-1][1] += 1
        else:
            runs.append([symbol, 1])
        if symbol == _SMALL:
            deltas.append(step)
        else:
            deltas += struct.pack("!h", step)
        tick = ticks[at]
        expected = number + 1
        at += 1
    return (base, expected - base, reference, _chunks(runs) + bytes(deltas)), at


def _chunks(runs: list[list[int]]) -> bytes:
    """Run-length chunks for long runs, else status vectors of seven two-bit symbols (draft 3.1.3, 3.1.4)."""
    words: list[int] = []
    vector: list[int] = []
    for symbol, count in runs:
        left = count
        while left:
            if not vector and left >= RUN_MIN:
                words.append(symbol << 13 | left)
                break
            take = min(left, VECTOR_SIZE - len(vector))
            vector += [symbol] * take
            left -= take
            if len(vector) == VECTOR_SIZE:
                words.append(_vector(vector))
                vector.clear()
    if vector:
        words.append(_vector(vector))
    return struct.pack(f"!{len(words)}H", *words)


def _vector(symbols: list[int]) -> int:
    word = 0xC000
    for place, symbol in enumerate(symbols):
        word |= symbol << 12 - 2 * place
    return word
