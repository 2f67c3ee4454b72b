"""From packets of tracks to copies for subscribers: fan-out, new headers, right-aligned to the payload.

Free functions of arrays (habit 4).  Encryption and sending follow in media.io; nothing here blocks or allocates
beyond numpy's temporaries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.core.ingress import Packets
from media.core.packets import HEAD, STRIDE, Arena
from media.core.tables import HEADER_OUT, HEADER_WORDS, SubscriptionTable, TrackTable

Ints = NDArray[np.int64]

_WORDS = np.arange(HEADER_WORDS)
_ROW_WORDS = STRIDE // 4
_VOID = f"V{STRIDE}"


@dataclass(slots=True)
class Copies:
    """Rows 0..N-1 of the send arena, ready to be encrypted, grouped by subscription.  All (N,) int64.

    start      column where the RTP header begins
    size       bytes from there, before SRTP
    transport  where it goes
    """

    start: Ints
    size: Ints
    transport: Ints

    def __len__(self) -> int:
        return len(self.start)


def abs_send_time(now_us: int) -> int:
    """24 bits, 6.18 fixed point seconds, wrapping every 64 s (the extension's own definition)."""
    return (now_us << 18) // 1_000_000 & 0xFFFFFF


def fan_out(
    arena: Arena,
    send: Arena,
    tracks: TrackTable,
    subscriptions: SubscriptionTable,
    packets: Packets,
    orientation_ids: dict[int, int],
    now_us: int,
) -> tuple[Copies, int, int]:
    """Write a copy of each packet for each live subscription of its track.

    orientation_ids  subscription -> negotiated id of video-orientation, where there is one
    Returns the copies, how many were held back because they are older than the key frame a
    subscription began with, and how many did not fit the send arena.
    """
    count = tracks.fan_count[packets.track]
    total = int(count.sum())
    ends = np.cumsum(count)
    source = np.repeat(np.arange(len(count)), count)
    slot = np.arange(total) + np.repeat(tracks.fan_start[packets.track] - (ends - count), count)
    subscription = tracks.fan[slot]
    order = np.argsort(subscription, kind="stable")
    subscription, source = subscription[order], source[order]
    ext = packets.ext[source]
    early = ext < subscriptions.first[subscription]
    held = int(np.count_nonzero(early))
    if held:
        keep = ~early
        subscription, source, ext = subscription[keep], source[keep], ext[keep]
    left_out = max(0, len(source) - send.rows)
    if left_out:
        subscription, source, ext = subscription[: send.rows], source[: send.rows], ext[: send.rows]
    n = len(source)
    track = packets.track[source]
    np.take(
        arena.bytes.view(_VOID)[:, 0],
        packets.row[source],
        out=send.bytes[:n].view(_VOID)[:, 0],
        mode="clip",
    )
    payload = packets.payload_size[source]
    start = packets.header_size[source] + (HEAD - HEADER_OUT)
    sequence = _closed(tracks, track, ext) + subscriptions.offset[subscription]

    header = subscriptions.header[subscription].astype(np.int64)
    header[:, 0] |= packets.marker[source] << 23 | sequence & 0xFFFF
    header[:, 1] = packets.timestamp[source] + subscriptions.time_offset[subscription] & 0xFFFFFFFF
    header[:, 4] |= subscriptions.time_mask[subscription] & abs_send_time(now_us)
    header[:, 5] |= subscriptions.level_mask[subscription] & packets.level[source] << 16
    if packets.orientation:
        _write_orientation(header, packets, source, subscription, orientation_ids)
    columns = np.arange(n) * _ROW_WORDS + (start >> 2)
    send.words.reshape(-1)[columns[:, None] + _WORDS] = header
    np.add.at(subscriptions.packets, subscription, 1)
    np.add.at(subscriptions.octets, subscription, payload)
    return Copies(start, payload + HEADER_OUT, subscriptions.transport[subscription]), held, left_out


def _closed(tracks: TrackTable, track: Ints, ext: Ints) -> Ints:
    """Extended numbers with the track's padding-only packets closed up (checklist rule 6)."""
    if not tracks.gaps:
        return ext
    closed = ext - tracks.gap[track]
    for at in np.flatnonzero(ext < tracks.gap_edge[track]).tolist():
        closed[at] = ext[at] - tracks.closed_before(int(track[at]), int(ext[at]))
    return closed


def _write_orientation(header: Ints, packets: Packets, source: Ints, subscription: Ints, ids: dict[int, int]) -> None:
    """Coordination of video orientation (3GPP TS 26.114 7.4.5), in the place audio uses for its level."""
    rows = packets.row[source].tolist()
    for at, row in enumerate(rows):
        value = packets.orientation.get(row)
        number = ids.get(int(subscription[at])) if value is not None else None
        if value is not None and number is not None:
            header[at, 5] |= number << 28 | value << 16
