"""Transport-wide feedback as compiled loops build it: one pass over the log for all that is plain."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np

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
        self._out = np.zeros(capacity + transports_max * (HEAD_SIZE + 3), np.uint8)
        columns = ("tail", "touched", "out_transport", "out_end", "odd")
        self._columns = {name: np.zeros(transports_max, np.int64) for name in columns}
        self._sequel = np.zeros(capacity, np.int64)
        self._head: Ints = np.full(transports_max, -1, np.int64)
        struct: Any = FFI.new("struct balie_log *")
        self.struct = struct
        for name, array in self._columns.items():
            setattr(struct, name, pointer(array))
        struct.transport, struct.seq, struct.arrival_us = map(pointer, (self.transport, self.seq, self.arrival_us))
        struct.state, struct.next, struct.count = pointer(self.state), pointer(self.next), pointer(self.count)
        struct.head, struct.sequel, struct.out = pointer(self._head), pointer(self._sequel), pointer(self._out)
        struct.sender_ssrc, struct.media_ssrc = pointer(self.sender_ssrc), pointer(self.media_ssrc)
        struct.capacity = capacity

    def build(self) -> list[tuple[int, bytes]]:
        count: int = self._library.balie_feedback(self.struct)
        out: list[tuple[int, bytes]] = []
        if count:
            transports = self._columns["out_transport"][:count].tolist()
            ends = self._columns["out_end"][:count].tolist()
            data = self._out[: ends[-1]].tobytes()
            out = [
                (transport, data[start:end])
                for transport, start, end in zip(transports, [0, *ends], ends, strict=False)
            ]
        if self.struct.odd_count:
            self._leave(self._columns["odd"][: self.struct.odd_count])
            out += super().build()
        self.state[0] = 0
        out.sort(key=itemgetter(0))
        return out

    def _leave(self, transports: Ints) -> None:
        """Only the arrivals of these in the log."""
        left = np.flatnonzero(np.isin(self.transport[: self.used], transports))
        for column in (self.transport, self.seq, self.arrival_us):
            column[: len(left)] = column[left]
        self.state[0] = len(left)
