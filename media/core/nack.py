"""Which sequence numbers of one track to ask again, and when (RFC 4585 3.5, checklist rule 9).

Only touched when something is missing.  Numbers are extended (unwrapped).
"""

from __future__ import annotations

from dataclasses import dataclass

REORDER_US = 15_000  # Janus waits 12 ms, Galene 20: reordering within a burst settles sooner than that
RETRY_MIN_US = 20_000
TRIES_MAX = 10  # mediasoup's and JVB's limit
AGE_MAX_US = 1_500_000  # a decoder has long shown a frozen picture by then: a key frame is the quicker cure
LIST_MAX = 500  # more missing at once is an outage, not loss


@dataclass(slots=True)
class _Missing:
    """Times in us; asked_us is when it was last asked for."""

    missed_us: int
    due_us: int
    tries: int = 0
    asked_us: int = 0


class MissingPackets:
    """The missing packets of one track.

    needs_keyframe  set when something was given up; the caller asks for a key frame and clears it.  Until
                    then nothing more is noted: of an outage that is told number by number the tail must
                    not be asked for, when the beginning is not
    """

    def __init__(self) -> None:
        self._asked: dict[int, _Missing] = {}
        """By extended number."""
        self.needs_keyframe = False

    @property
    def empty(self) -> bool:
        """Whether nothing is to be done: nothing to ask for, and no key frame to request."""
        return not self._asked and not self.needs_keyframe

    def lost(self, first: int, last: int, now_us: int) -> None:
        """Numbers first..last, both included, were skipped."""
        if self.needs_keyframe:
            return
        if len(self._asked) + last - first + 1 > LIST_MAX:
            self._asked.clear()
            self.needs_keyframe = True
            return
        for number in range(first, last + 1):
            self._asked.setdefault(number, _Missing(now_us, now_us + REORDER_US))

    def arrived(self, number: int) -> bool:
        """A late packet came.  Returns whether it was wanted."""
        return self._asked.pop(number, None) is not None

    def answered(self, number: int, now_us: int) -> int | None:
        """A retransmission came.  Returns the round trip in us, None when it is not known which request it answers."""
        known = self._asked.pop(number, None)
        return now_us - known.asked_us if known is not None and known.tries == 1 else None

    def due(self, now_us: int, rtt_us: int) -> list[int]:
        """Numbers to ask for now, ascending.  They are not due again before a round trip."""
        due: list[int] = []
        for number in sorted(self._asked):
            missing = self._asked[number]
            if missing.due_us > now_us:
                continue
            if missing.tries >= TRIES_MAX or now_us - missing.missed_us > AGE_MAX_US:
                del self._asked[number]
                self.needs_keyframe = True
                continue
            missing.due_us = now_us + max(RETRY_MIN_US, rtt_us)
            missing.asked_us = now_us
            missing.tries += 1
            due.append(number)
        return due

    def give_up_before(self, number: int) -> None:
        """A key frame began at number: what was missing before it is of no more use."""
        for old in [n for n in self._asked if n < number]:
            del self._asked[old]
