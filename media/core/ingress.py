"""From decrypted datagrams to packets that know their track: the batch reader.

Free functions of arrays (habit 4).  A packet that looks as its track's last one did is read here, together with all
others of the turn; any other goes through the scalar reader in strays.py, which returns the same columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from media.core.packets import HEAD, QUAD0, STRIDE, WORD0, Arena
from media.core.tables import HISTORY, JUMP_MAX, LAYOUT_QUADS, TrackTable, distinct

Ints = NDArray[np.int64]


@dataclass(slots=True)
class Packets:
    """Packets to forward, sorted by track and within a track by arrival.  All (N,) int64.

    row          arena row
    track        TrackTable row
    ext          extended sequence number
    timestamp    0..2**32-1, the publisher's
    marker       0 or 1
    header_size  bytes before the payload
    payload_size bytes of payload, without padding
    level        audio level byte as received (RFC 6464: voice bit and 0..127), 127 where there is none
    """

    row: Ints
    track: Ints
    ext: Ints
    timestamp: Ints
    marker: Ints
    header_size: Ints
    payload_size: Ints
    level: Ints
    orientation: dict[int, int]
    """Arena row -> video-orientation byte, for the few packets that carry one."""

    def __len__(self) -> int:
        return len(self.row)

    def select(self, keep: NDArray[np.bool_] | Ints) -> Packets:
        return Packets(
            self.row[keep],
            self.track[keep],
            self.ext[keep],
            self.timestamp[keep],
            self.marker[keep],
            self.header_size[keep],
            self.payload_size[keep],
            self.level[keep],
            self.orientation,
        )


class StrayReader(Protocol):
    """The scalar reader for packets that differ from what their track's layout says."""

    def read(self, at: int, packets: Packets, transport: int, arrival_us: int) -> bool:
        """Fill column entries `at` of packets; False when the packet is not to be forwarded (and was counted)."""


def read_batch(
    arena: Arena,
    tracks: TrackTable,
    rows: Ints,
    transports: Ints,
    arrival_us: Ints,
    strays: StrayReader,
) -> tuple[Packets, Ints]:
    """Read a batch of decrypted RTP packets.

    rows, transports, arrival_us  (N,) int64: arena row, transport it came from, kernel's receive time
    Returns the packets that may be forwarded, and (N,) int64 the transport-cc number of each packet
    read here, or -1; strays note theirs themselves.
    """
    words = arena.words[rows, WORD0 : WORD0 + 3].astype(np.int64)
    word0, timestamp, ssrc = words.T
    find = tracks.by_ssrc.get
    track = np.array([find(key, -1) for key in (transports << 32 | ssrc).tolist()], np.int64)
    size = arena.length[rows].astype(np.int64)

    header_size = tracks.header_size[track]
    high = tracks.high[track]
    ahead = ((word0 - high + 0x8000) & 0xFFFF) - 0x8000
    head = arena.quads[rows, QUAD0 : QUAD0 + LAYOUT_QUADS] & tracks.layout_mask[track]
    plain = (head == tracks.layout_want[track]).all(axis=1)
    plain &= size > header_size
    plain &= np.abs(ahead) < JUMP_MAX

    start = rows * STRIDE + HEAD
    cc_column = tracks.cc_column[track]
    number = arena.pairs[start + cc_column].astype(np.int64)
    number[(cc_column == 0) | ~plain] = -1
    level_column = tracks.level_column[track]
    level = arena.pairs[start + level_column].astype(np.int64) >> 8
    level[level_column == 0] = 127
    packets = Packets(rows, track, high + ahead, timestamp, word0 >> 23 & 1, header_size, size - header_size, level, {})
    if plain.all():
        order = np.argsort(track, kind="stable")
        return packets.select(order), number
    keep = plain
    for at in np.flatnonzero(~plain).tolist():
        keep[at] = strays.read(at, packets, int(transports[at]), int(arrival_us[at]))
    kept = np.flatnonzero(keep)
    return packets.select(kept[np.argsort(packets.track[kept], kind="stable")]), number


def account(tracks: TrackTable, packets: Packets, now_us: int) -> list[tuple[int, int]]:
    """Move the tracks' counters on and say which tracks have sequence numbers that are not simply the next.

    Returns (track, its highest number before this batch) for those tracks.
    """
    track, ext = packets.track, packets.ext
    first = np.empty(len(track), np.bool_)
    first[:1] = True
    np.not_equal(track[1:], track[:-1], out=first[1:])
    before = np.empty_like(ext)
    before[1:] = ext[:-1]
    before[first] = tracks.high[track[first]]
    odd: list[tuple[int, int]] = []
    uneven = ext - before != 1
    if uneven.any():
        rows = distinct(track[uneven])
        odd = list(zip(rows.tolist(), tracks.high[rows].tolist(), strict=True))
        np.maximum.at(tracks.high, track, ext)
    else:
        tracks.high[track] = ext  # a repeated index keeps the last value, which is the highest
    np.add.at(tracks.received, track, 1)
    np.add.at(tracks.octets, track, packets.payload_size)
    tracks.history[track, ext & (HISTORY - 1)] = ext << 16 | packets.row

    tracks.arrival_us[track] = now_us
    return odd


def sample_jitter(tracks: TrackTable, packets: Packets, now_us: int) -> None:
    """Interarrival jitter (RFC 3550 A.8) from one packet of each track in a batch.

    Sampled, not for each packet: the packets of one burst share their timestamp, so that all but the first
    would only drag the estimate towards zero.
    """
    heads, first = np.unique(packets.track, return_index=True)
    transit = now_us * tracks.rate[heads] // 1_000_000 - packets.timestamp[first]
    step = np.abs((transit - tracks.transit[heads] + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000)
    step[tracks.transit[heads] == 0] = 0
    tracks.transit[heads] = transit
    tracks.jitter[heads] += (step - tracks.jitter[heads]) / 16
