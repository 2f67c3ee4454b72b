"""What happens when while a load is played, and what of the load's lateness belongs to whom.  Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SETTLE_S = 2.0
"""Between phases: what one leaves behind is not the next one's."""
APART_NS = 20_000_000
LATE_NS = 10_000_000
"""What nobody should be: a jitter buffer of 20 ms swallows it, but not twice."""
INTERRUPTED_NS = 5_000_000


@dataclass(frozen=True)
class Phase:
    """Seconds from the beginning of the counted window."""

    name: str
    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


def phases(*wanted: tuple[str, float]) -> tuple[Phase, ...]:
    """(name, seconds) one after the other, with pauses between them; those without seconds are left out."""
    found: list[Phase] = []
    for name, seconds in wanted:
        if seconds > 0:
            start_s = found[-1].end_s + SETTLE_S if found else 0.0
            found.append(Phase(name, start_s, start_s + seconds))
    return tuple(found)


def stalls(sent_ns: NDArray[np.int64]) -> int:
    """In how many bursts late packets left.  (N,) nanoseconds, in order."""
    return int((np.diff(sent_ns) > APART_NS).sum()) + 1 if len(sent_ns) else 0


def interrupted(sent_ns: NDArray[np.int64], began_ns: NDArray[np.int64], took_ns: NDArray[np.int64]) -> int:
    """How many late packets left in a call of the generator that was itself held up: that is not the server's doing.

    sent_ns (N,) when late packets left; began_ns, took_ns (M,) each call that sends, in order
    """
    if not len(began_ns):
        return 0
    call = np.maximum(np.searchsorted(began_ns, sent_ns, side="right") - 1, 0)
    inside = (sent_ns >= began_ns[call]) & (sent_ns <= began_ns[call] + took_ns[call])
    return int((inside & (took_ns[call] > INTERRUPTED_NS)).sum())
