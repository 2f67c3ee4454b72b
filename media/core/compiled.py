"""CompiledLoops: a batch in three passes of C over the very tables that the rest of the engine reads and writes.

Only where media.native.library() is there.  See media/native/batches.h for the columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.core.compiled_reports import compiled_reports
from media.core.compiled_twcc import CompiledFeedbackLog
from media.core.egress import Copies
from media.core.ingress import Packets, StrayReader
from media.core.packets import HEAD, PACKET_MAX, STRIDE, Arena, aligned_rows
from media.core.speakers import SPEAKING_DBOV, ActiveSpeakers
from media.core.tables import (
    HEADER_WORDS,
    HISTORY,
    JUMP_MAX,
    LAYOUT_QUADS,
    SubscriptionTable,
    TrackTable,
    TransportTable,
)
from media.native import FFI, agree, pointer, rows_pointer

Ints = NDArray[np.int64]

_PACKET_COLUMNS = ("row", "track", "ext", "closed", "timestamp", "marker", "payload_at", "payload_size", "level")
_BATCH_COLUMNS = (*_PACKET_COLUMNS, "in_row", "in_transport", "in_arrival_us", "next", "strays", "behind", "kept_row")
_TRACK_RESULTS = ("touched", "odd_track", "odd_high", "idle_track", "idle_packets")
_COPY_COLUMNS = ("copy_start", "copy_size", "copy_transport", "copy_subscription", "copy_source")
_CHAIN = np.dtype([(name, np.int64) for name in ("head", "tail", "high_before", "is_odd")])


def check_constants(library: Any) -> None:
    """ValueError, see media.native.agree."""
    ours = {
        "BALIE_STRIDE": STRIDE,
        "BALIE_HEAD": HEAD,
        "BALIE_PACKET_MAX": PACKET_MAX,
        "BALIE_HISTORY": HISTORY,
        "BALIE_JUMP_MAX": JUMP_MAX,
        "BALIE_LAYOUT_QUADS": LAYOUT_QUADS,
        "BALIE_HEADER_WORDS": HEADER_WORDS,
        "BALIE_LOUD_BELOW": SPEAKING_DBOV,
    }
    agree(library, ours)


class CompiledLoops:
    """See media.core.loops.Loops."""

    def __init__(
        self,
        library: Any,
        batch_max: int,
        arena: Arena,
        send: Arena,
        tracks: TrackTable,
        subscriptions: SubscriptionTable,
        transports: TransportTable,
        feedback: CompiledFeedbackLog,
        speakers: ActiveSpeakers,
    ) -> None:
        check_constants(library)
        self._library, self._tracks, self._send = library, tracks, send
        self._feedback = feedback  # core.log points into it
        core: Any = FFI.new("struct balie_core *")
        self.core = core
        self._columns: dict[str, NDArray[Any]] = {
            **{name: np.zeros(batch_max, np.int64) for name in _BATCH_COLUMNS},
            **{name: np.zeros(len(tracks.high), np.int64) for name in _TRACK_RESULTS},
            **{name: np.zeros(send.rows, np.int64) for name in _COPY_COLUMNS},
            "history": tracks.history,
            "in_bytes": arena.bytes,
            "in_length": arena.length,
            "out_bytes": send.bytes,
        }
        for name, array in self._columns.items():
            setattr(core, name, pointer(array))
        self._chains = aligned_rows(len(tracks.memory), _CHAIN)
        self._chains["head"] = -1
        core.chains = rows_pointer("struct balie_chain", self._chains)
        core.tracks = rows_pointer("struct balie_track", tracks.memory)
        core.clocks = rows_pointer("struct balie_clock", tracks.clocks.memory)
        core.levels = rows_pointer("struct balie_levels", speakers.memory)
        core.subscriptions = rows_pointer("struct balie_subscription", subscriptions.memory)
        core.out_rows, core.log = send.rows, feedback.struct
        core.by_ssrc.keys, core.by_ssrc.values = pointer(tracks.by_ssrc.keys), pointer(tracks.by_ssrc.values)
        core.by_ssrc.mask = tracks.by_ssrc.mask
        self.reports = compiled_reports(library, core, subscriptions, transports)
        self._fan: Ints = np.zeros(0, np.int64)
        self._count = 0
        c = self._columns
        self._packets = Packets(
            c["row"],
            c["track"],
            c["ext"],
            c["timestamp"],
            c["marker"],
            c["payload_at"],
            c["payload_size"],
            c["level"],
            {},
        )
        """All columns in full length; only the first _count entries are of this batch, and track is -1 in those
        that were dropped."""
        self.odd: list[tuple[int, int]] = []
        self.idle: list[tuple[int, int]] = []
        self.kept: Ints = np.zeros(0, np.int64)
        self.held = self.left_out = 0

    def read(self, rows: Ints, transports: Ints, arrival_us: Ints, strays: StrayReader) -> None:
        columns, core, count = self._columns, self.core, len(rows)
        columns["in_row"][:count] = rows
        columns["in_transport"][:count] = transports
        columns["in_arrival_us"][:count] = arrival_us
        self.was_read(count, self._library.balie_read(core, count), strays)

    def was_read(self, count: int, odd_ones: int, strays: StrayReader) -> None:
        """The library read `count` packets, and left so many to the scalar reader."""
        columns = self._columns
        self._count = count
        if odd_ones:
            self._packets.orientation = {}
            for at in columns["strays"][:odd_ones].tolist():
                transport, arrival_us = int(columns["in_transport"][at]), int(columns["in_arrival_us"][at])
                if not strays.read(at, self._packets, transport, arrival_us):
                    columns["track"][at] = -1

    def account(self, now_us: int, *, jitter: bool = False) -> int:
        count: int = self._library.balie_account(self.core, self._count, now_us, jitter)
        self.was_accounted()
        return count

    def was_accounted(self) -> None:
        """The library counted them, and noted whose numbers are not simply the next."""
        core, columns = self.core, self._columns
        self.kept = columns["kept_row"][: core.kept_count]
        if core.odd_count or self.odd:
            some = core.odd_count
            self.odd = list(zip(columns["odd_track"][:some].tolist(), columns["odd_high"][:some].tolist(), strict=True))
        if core.behind_count:
            for at in columns["behind"][: core.behind_count].tolist():
                track, ext = int(columns["track"][at]), int(columns["ext"][at])
                columns["closed"][at] = ext - self._tracks.closed_before(track, ext)

    def packets(self) -> Packets:
        return self._packets.select(np.flatnonzero(self._columns["track"][: self._count] >= 0))

    def fan_out(self, orientation_ids: dict[int, int], now_us: int) -> Copies:
        count = self._library.balie_fan_out(self.core, now_us)
        self.was_fanned_out()
        if self._packets.orientation:
            self._write_orientation(count, orientation_ids)
            self._packets.orientation = {}
        return self.copies(count)

    def copies(self, count: int) -> Copies:
        """The first so many of the batch that was fanned out."""
        columns = self._columns
        return Copies(columns["copy_start"][:count], columns["copy_size"][:count], columns["copy_transport"][:count])

    def follow_fan(self) -> None:
        """Before the library fans out: who receives a track may be laid out anew, in another array."""
        if self._fan is not self._tracks.fan:
            self._fan = self._tracks.fan
            self.core.fan = pointer(self._fan)

    def was_fanned_out(self) -> None:
        """The library wrote the copies, and noted what it held back."""
        core, columns = self.core, self._columns
        self.held, self.left_out = core.held, core.left_out
        if core.idle_count or self.idle:
            some = core.idle_count
            self.idle = list(
                zip(columns["idle_track"][:some].tolist(), columns["idle_packets"][:some].tolist(), strict=True)
            )

    def _write_orientation(self, count: int, ids: dict[int, int]) -> None:
        """Coordination of video orientation (3GPP TS 26.114 7.4.5), in the place audio uses for its level."""
        columns, words = self._columns, self._send.words
        values = self._packets.orientation
        for at, source in enumerate(columns["copy_source"][:count].tolist()):
            value = values.get(int(columns["row"][source]))
            number = ids.get(int(columns["copy_subscription"][at])) if value is not None else None
            if value is not None and number is not None:
                words[at, (int(columns["copy_start"][at]) >> 2) + 5] |= number << 28 | value << 16
