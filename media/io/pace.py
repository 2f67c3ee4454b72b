"""When to take a turn: at once while it is quiet, at a steady beat under load.

One readable datagram wakes the loop at once, which is right for one call and wasteful for a hundred: then each
packet would pay for a system call, a wake-up and fifty array operations alone.  Under load the sockets are left alone
for a beat, so that a turn takes them together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

BUSY_PER_S = 1_200  # datagrams a second from which on the beat saves more than it delays: two calls of three
QUIET_PER_S = 800
WINDOW_US = 100_000


class Pace:
    """Calls turn() so.  turn returns how many datagrams it took; beat_us 0 never waits."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, files: Sequence[int], turn: Callable[[], int], beat_us: int
    ) -> None:
        self._loop = loop
        self._files = tuple(files)
        self._turn = turn
        self._beat_s = beat_us / 1e6
        self._taken = 0
        self._window_us = 0
        self._timer: asyncio.TimerHandle | None = None
        self._listen()

    @property
    def beating(self) -> bool:
        return self._timer is not None

    def adjust(self, now_us: int) -> None:
        """Called now and then: choose by the load of the last window."""
        elapsed_us = now_us - self._window_us
        if elapsed_us < WINDOW_US:
            return
        per_s = self._taken * 1_000_000 // elapsed_us
        self._taken, self._window_us = 0, now_us
        if not self.beating and per_s > BUSY_PER_S and self._beat_s > 0:
            for file in self._files:
                self._loop.remove_reader(file)
            self._timer = self._loop.call_later(self._beat_s, self._beat)
        elif self.beating and per_s < QUIET_PER_S:
            self._cancel()
            self._listen()

    def stop(self) -> None:
        self._cancel()
        for file in self._files:
            self._loop.remove_reader(file)

    def _listen(self) -> None:
        for file in self._files:
            self._loop.add_reader(file, self._readable)

    def _readable(self) -> None:
        self._taken += self._turn()

    def _beat(self) -> None:
        self._timer = self._loop.call_later(self._beat_s, self._beat)
        self._taken += self._turn()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
