"""How often a key may ask: so many at once, and so many a second.  In memory, one number for each key."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

BURST, PER_SECOND = 120, 20
"""A call centre of fifty people who all look for a time after the same advertisement, and then some."""


@dataclass
class Limit:
    """Leaky buckets, each kept as the moment at which it will be empty (GCRA).  Of keys that exist, so few."""

    burst: int = BURST
    per_second: float = PER_SECOND
    _empty_s: dict[int, float] = field(default_factory=dict)

    def wait_s(self, key_id: int, now_s: float) -> int:
        """Seconds to wait before this request is allowed; 0: it is, and counts from now on."""
        empty_s = max(self._empty_s.get(key_id, now_s), now_s) + 1 / self.per_second
        over_s = empty_s - now_s - self.burst / self.per_second
        if over_s > 1e-9:  # a sum of fractions
            return math.ceil(over_s)
        self._empty_s[key_id] = empty_s
        return 0
