"""Turns at a steady beat without Python, as long as nothing is to be decided.

At three hundred turns a second, waking the event loop for each costs ten small rooms as much as a third of their
packets.  So the compiled loops wait for the next beat themselves (balie_beat in media/native/beats.c) and take turn
after turn, until a batch has something that is for Python, the slow clock is due, or one of the files is readable that
the loop would have to be woken for.  The loop stands still meanwhile: only for a process that does nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.core.engine import JITTER_US
from media.core.model import TransportId
from media.core.packets import PACKET_MAX
from media.io.compiled import CompiledPort
from media.io.fastpath import FastPath
from media.io.ports import Sorted
from media.native import FFI, pointer

REPORTS_MAX = 256
"""RTCP packets that wait to be read together."""
_POLLFD = np.dtype([("file", "i4"), ("wanted", "i2"), ("found", "i2")])
_POLLIN = 1
_REPORT = ("report_transport", "report_end", "report_arrival_us")


class Beats:
    """library   media.native.library()
    ports     all UDP sockets, in the order of their numbers
    files     file descriptors that end the beats when they are readable
    beat_us   from the beginning of one turn to that of the next
    """

    def __init__(
        self,
        library: Any,
        fast: FastPath,
        ports: Sequence[CompiledPort],
        files: Sequence[int],
        *,
        beat_us: int,
        batches_max: int,
    ) -> None:
        self._library, self._fast, self._ports = library, fast, tuple(ports)
        self.broke_off = False
        """Whether the last run left sockets with packets in the middle of a turn."""
        self._sockets: Any = FFI.new("struct balie_socket *[]", [port.struct for port in ports])
        self._files = np.array([(file, _POLLIN, 0) for file in files], _POLLFD)
        self._columns: dict[str, NDArray[Any]] = {
            "report_transport": np.zeros(REPORTS_MAX, np.int64),
            "report_arrival_us": np.zeros(REPORTS_MAX, np.int64),
            "report_end": np.zeros(REPORTS_MAX, np.int64),
            "report_bytes": np.zeros(REPORTS_MAX * PACKET_MAX // 4, np.uint8),
        }
        one: Any = FFI.new("struct balie_beats *")
        self._struct = one
        one.path, one.sockets, one.sockets_count = fast.path, self._sockets, len(self._ports)
        one.files, one.files_count = FFI.cast("void *", self._files.ctypes.data), len(self._files)
        one.beat_us, one.jitter_us, one.batches_max = beat_us, JITTER_US, batches_max
        for name, array in self._columns.items():
            setattr(one, name, pointer(array))
        one.reports_max, one.report_bytes_max = REPORTS_MAX, len(self._columns["report_bytes"])

    def run(self, now_us: int, until_us: int) -> tuple[int, CompiledPort | None]:
        """Turns until until_us, or until Python is needed.  Only while Engine.looks_closer is false.

        Returns how many datagrams came, and the port whose last batch finish() is to be called for.
        """
        one, fast = self._struct, self._fast
        fast.begin(now_us)
        stopped: int = self._library.balie_beat(one, until_us)
        fast.engine.sent(one.packets, one.copies)
        if stopped < 0:
            self.broke_off = False
            return one.datagrams, None
        port = self._ports[stopped]
        self.broke_off = one.left == port.struct.batch or port is not self._ports[-1]
        return one.datagrams, port

    def late(self, now_us: int) -> bool:
        """Whether the next turn should have begun."""
        due_us: int = self._struct.next_us
        return now_us >= due_us

    def finish(self, port: CompiledPort, now_us: int) -> int | Sorted:
        """As FastPath.take, of the batch that the beats ended with."""
        return self._fast.finish(port, self._struct.left, now_us)

    def reports(self) -> list[tuple[TransportId, bytes, int]]:
        """RTCP that came in the last run and can wait: transport, decrypted packet, when it came."""
        count = self._struct.reports_count
        if not count:
            return []
        transports, ends, arrivals = (self._columns[name][:count].tolist() for name in _REPORT)
        data = self._columns["report_bytes"][: ends[-1]].tobytes()
        starts = [0, *ends[:-1]]
        return [
            (transport, data[start:end], arrival_us)
            for transport, start, end, arrival_us in zip(transports, starts, ends, arrivals, strict=True)
        ]
