"""Reports and feedback as media/native/writer.c writes them: into the send arena, ready to encrypt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.core import reports
from media.core.egress import Copies
from media.core.packets import Arena
from media.native import FFI, agree, pointer

Ints = NDArray[np.int64]


def check_constants(library: Any) -> None:
    """ValueError, see media.native.agree."""
    agree(library, {"BALIE_REPORT_MAX": reports.SIZE_MAX, "BALIE_QUIET_US": reports.QUIET_US})


class CompiledWriter:
    """Who is told what is laid out here in arrays; the columns of the tables say the rest.

    core         struct balie_core over the tables
    sender_ssrc  (transports_max,) int64, who we are on each transport
    """

    def __init__(self, library: Any, core: Any, send: Arena, sender_ssrc: Ints) -> None:
        check_constants(library)
        self._library = library
        transports_max = len(sender_ssrc)
        self._start, self._size, self._transport = (np.zeros(send.rows, np.int64) for _ in range(3))
        self._due = np.zeros(transports_max, np.int64)
        self._sources, self._live = (Lists(transports_max) for _ in range(2))
        struct: Any = FFI.new("struct balie_writer *")
        self.struct = struct
        struct.core, struct.sender_ssrc = core, pointer(sender_ssrc)
        struct.start, struct.size, struct.transport = map(pointer, (self._start, self._size, self._transport))
        struct.sources_start, struct.sources_count = pointer(self._sources.start), pointer(self._sources.count)
        struct.live_start, struct.live_count = pointer(self._live.start), pointer(self._live.count)
        self._due_pointer = pointer(self._due)
        self.follow_sources({})
        self.follow_live({})

    def follow_sources(self, sources: Mapping[int, Sequence[int]]) -> None:
        """transport -> tracks that come from it; nothing for one that does not publish."""
        self._sources.lay_out(sources, nothing=-1)
        self.struct.sources = pointer(self._sources.rows)

    def follow_live(self, live: Mapping[int, Sequence[int]]) -> None:
        """transport -> subscriptions that flow to it, in the order in which they are reported."""
        self._live.lay_out(live, nothing=0)
        self.struct.live = pointer(self._live.rows)

    def reports(self, transports: Sequence[int], now_us: int) -> int:
        """Write the reports to these; returns to how many of them there was room for."""
        self._due[: len(transports)] = transports
        done: int = self._library.balie_write_reports(self.struct, len(transports), self._due_pointer, now_us)
        return done

    def take(self) -> Copies | None:
        """What was written since the last time, in the first rows of the send arena."""
        count = self.struct.used
        if not count:
            return None
        self.struct.used = 0
        return Copies(self._start[:count], self._size[:count], self._transport[:count])


class Lists:
    """A list of rows for each transport: rows[start[t] : start[t] + count[t]]."""

    def __init__(self, transports_max: int) -> None:
        self.start, self.count = (np.zeros(transports_max, np.int64) for _ in range(2))
        self.rows: Ints = np.zeros(0, np.int64)

    def lay_out(self, lists: Mapping[int, Sequence[int]], *, nothing: int) -> None:
        """nothing: the count where there is no list."""
        self.count[:] = nothing
        keys, sizes = list(lists), [len(each) for each in lists.values()]
        self.count[keys] = sizes
        self.start[keys] = [0, *accumulate(sizes[:-1])] if sizes else []
        self.rows = np.array([row for each in lists.values() for row in each], np.int64)
