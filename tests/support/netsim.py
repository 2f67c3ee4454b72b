"""A network between two parties under a fake clock: delay, jitter, loss, duplicates and reordering, all from a seed."""

from __future__ import annotations

import heapq
import random
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Link(Generic[Item]):
    """One direction.  What was sent arrives after delay_us plus up to jitter_us: so it also overtakes.

    loss, duplicate  share of what is sent; a duplicate takes its own time
    """

    def __init__(
        self, seed: int, *, delay_us: int = 20_000, jitter_us: int = 0, loss: float = 0.0, duplicate: float = 0.0
    ) -> None:
        self._random = random.Random(seed)
        self._delay_us, self._jitter_us = delay_us, jitter_us
        self._loss, self._duplicate = loss, duplicate
        self._flying: list[tuple[int, int, Item]] = []
        self._order = 0
        self.sent = self.lost = 0

    def send(self, item: Item, now_us: int) -> None:
        self.sent += 1
        if self._random.random() < self._loss:
            self.lost += 1
            return
        for _ in range(2 if self._random.random() < self._duplicate else 1):
            self._order += 1
            due_us = now_us + self._delay_us + int(self._random.random() * self._jitter_us)
            heapq.heappush(self._flying, (due_us, self._order, item))

    def arrived(self, now_us: int) -> list[Item]:
        """What has arrived by now, in order of arrival."""
        out: list[Item] = []
        while self._flying and self._flying[0][0] <= now_us:
            out.append(heapq.heappop(self._flying)[2])
        return out
