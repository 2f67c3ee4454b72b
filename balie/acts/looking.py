"""What can be reserved on a day, asked of the other system for all who look at it together.

Each press of a button would otherwise be a request to a vendor's system.  What is shown is some seconds old at most,
and no promise: for who reserves, it is asked anew.  What goes through us is seen at once, for whoever holds something
or lets it go says forget(); what goes through another process of ours, after those seconds.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date

from balie.acts.errors import ActError
from balie.reservations.backend import FreeTime
from balie.staff.limiter import Allowance, Buckets

NEVER_S = float("-inf")
KEEP_S = 5.0
"""Of a list, and of a system that did not answer: shorter than it takes to read the hours and choose one."""
DAYS_MAX = 1000
"""Days of products that are kept: four weeks of 35 products; a day is some ten kB."""
LOOKS = Allowance(burst=30, every_s=2)
"""Of one appointment, that reach the other system: each of the 28 days that can be chosen at once, and then one in two
seconds, which is faster than anybody reads."""
APPOINTMENTS_MAX = 10_000

Ask = Callable[[], Awaitable[list[FreeTime]]]


@dataclass
class _Day:
    """found: what was answered at at_s, or failed: the code of an ActError.  forgotten: how often forget() was said."""

    backend: str
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    at_s: float = NEVER_S
    found: list[FreeTime] = field(default_factory=list)
    failed: str = ""
    forgotten: int = 0


class Looking:
    """clock: Unix time in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._days: OrderedDict[tuple[int, date], _Day] = OrderedDict()
        self._looks = Buckets(LOOKS, APPOINTMENTS_MAX)

    async def at(self, appointment_id: int, product_id: int, day: date, backend: str, ask: Ask) -> list[FreeTime]:
        """What is free, as it was KEEP_S ago at most.  ask: asks the system; its ActError is kept as an answer is.

        ActError looked_too_often.
        """
        known = self._day(product_id, day, backend)
        async with known.asking:
            if 0 <= self._clock() - known.at_s < KEEP_S:
                return _told(known)
            self.count(appointment_id)
            at_s, forgotten = self._clock(), known.forgotten
            known.at_s, known.found, known.failed = NEVER_S, [], ""
            try:
                known.found = await ask()
            except ActError as error:
                known.failed = error.code
            # What was held or let go meanwhile may not be in the answer: it is for who asked, and nobody after.
            known.at_s = at_s if known.forgotten == forgotten else NEVER_S
            return _told(known)

    def count(self, appointment_id: int) -> None:
        """Something of an appointment reaches the other system.  ActError looked_too_often."""
        key, now_s = str(appointment_id), int(self._clock())
        if self._looks.wait_s(key, now_s):
            raise ActError("looked_too_often")
        self._looks.take(key, now_s)

    def forget(self, backend: str) -> None:
        """Something of this system was held or let go."""
        for each in self._days.values():
            if each.backend == backend:
                each.at_s, each.forgotten = NEVER_S, each.forgotten + 1

    def _day(self, product_id: int, day: date, backend: str) -> _Day:
        key = (product_id, day)
        known = self._days.get(key)
        if known is None or known.backend != backend:
            known = self._days[key] = _Day(backend)
        self._days.move_to_end(key)
        while len(self._days) > DAYS_MAX:
            self._days.popitem(last=False)
        return known


def _told(known: _Day) -> list[FreeTime]:
    if known.failed:
        raise ActError(known.failed)
    return known.found
