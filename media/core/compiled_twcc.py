"""Transport-wide feedback as compiled loops build it: one pass over the log for all that is plain."""

from __future__ import annotations

from typing import Any

import numpy as np

from media.core.compiled_writer import CompiledWriter
from media.core.twcc import DELTA_US, FAST_MAX, HEAD_SIZE, FeedbackLog, Ints
from media.native import FFI, agree, pointer


def check_constants(library: Any) -> None:
    """ValueError, see media.native.agree."""
    ours = {"BALIE_DELTA_US": DELTA_US, "BALIE_FEEDBACK_HEAD": HEAD_SIZE, "BALIE_FEEDBACK_MAX": FAST_MAX}
    agree(library, ours)


class CompiledFeedbackLog(FeedbackLog):
    """The same packets as FeedbackLog builds; what lost, reordered or late packets ask for is still built there."""

    def __init__(self, library: Any, transports_max: int, capacity: int) -> None:
        check_constants(library)
        super().__init__(transports_max, capacity)
        self._library = library
        self.writer: CompiledWriter | None = None
        """Where it goes: not there yet when the loops are made that log here."""
        columns = ("tail", "touched", "odd")
        self._columns = {name: np.zeros(transports_max, np.int64) for name in columns}
        self._sequel = np.zeros(capacity, np.int64)
        self._head: Ints = np.full(transports_max, -1, np.int64)
        struct: Any = FFI.new("struct balie_log *")
        self.struct = struct
        for name, array in self._columns.items():
            setattr(struct, name, pointer(array))
        struct.transport, struct.seq, struct.arrival_us = map(pointer, (self.transport, self.seq, self.arrival_us))
        struct.state, struct.next, struct.count = pointer(self.state), pointer(self.next), pointer(self.count)
        struct.head, struct.sequel = pointer(self._head), pointer(self._sequel)
        struct.sender_ssrc, struct.media_ssrc = pointer(self.sender_ssrc), pointer(self.media_ssrc)
        struct.capacity = capacity

    def build(self) -> list[tuple[int, bytes]]:
        """Those packets that the loops did not write."""
        assert self.writer is not None
        self.written = self._library.balie_feedback(self.struct, self.writer.struct)
        out: list[tuple[int, bytes]] = []
        if self.struct.odd_count:
            self._leave(self._columns["odd"][: self.struct.odd_count])
            out = super().build()
        self.state[0] = 0
        return out

    def _leave(self, transports: Ints) -> None:
        """Only the arrivals of these in the log."""
        left = np.flatnonzero(np.isin(self.transport[: self.used], transports))
        for column in (self.transport, self.seq, self.arrival_us):
            column[: len(left)] = column[left]
        self.state[0] = len(left)
