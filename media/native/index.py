"""A dictionary that the compiled loops can read: keys of one or four 64-bit words, values from 0 on.

A plain dict tells what is in it; next to it stands the same as an open-addressed table in arrays, which C
probes (`find` in inside.h).  Changes come from the control path, a few per join; look-ups by the thousand.
"""

from __future__ import annotations

from typing import Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Key = TypeVar("Key", int, bytes)

ADDRESS_WORDS = 4  # a sockaddr_in6 has 28 bytes
_WORD = 8
_MASK = (1 << 64) - 1
_MULTIPLIER = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio (Knuth, TAOCP 6.4)


class Index(Generic[Key]):
    """At most `capacity` keys: integers below 2**64 (words 1), or bytes of up to 8 * words.

    keys    (slots, words) uint64, values (slots,) int64, -1 in a free slot; slots is a power of two
    """

    def __init__(self, capacity: int, words: int = 1) -> None:
        slots = 1 << (2 * capacity - 1).bit_length()
        self._known: dict[Key, int] = {}
        self._capacity, self._words, self.mask = capacity, words, slots - 1
        self.keys: NDArray[np.uint64] = np.zeros((slots, words), np.uint64)
        self.values: NDArray[np.int64] = np.full(slots, -1, np.int64)

    def __len__(self) -> int:
        return len(self._known)

    @overload
    def get(self, key: Key) -> int | None: ...
    @overload
    def get(self, key: Key, default: int) -> int: ...
    def get(self, key: Key, default: int | None = None) -> int | None:
        return self._known.get(key, default)

    def __contains__(self, key: Key) -> bool:
        return key in self._known

    def __setitem__(self, key: Key, value: int) -> None:
        """ValueError: more than capacity keys, a bug of who bounds them."""
        if self._known.get(key) == value:
            return  # as at each connectivity check
        if key not in self._known and len(self._known) == self._capacity:
            raise ValueError(f"an index for {self._capacity} keys is full")
        self._known[key] = value
        words = self._packed(key)
        slot = self._slot(words)
        self.keys[slot] = words
        self.values[slot] = value

    def __delitem__(self, key: Key) -> None:
        if self.pop(key) is None:
            raise KeyError(key)

    def pop(self, key: Key, default: int | None = None) -> int | None:
        if key not in self._known:
            return default
        value = self._known.pop(key)
        free = self._slot(self._packed(key))
        self.values[free] = -1
        # Keys that were pushed past the slot move up, so that every probe still ends at a free slot.
        at = free
        while self.values[at := at + 1 & self.mask] >= 0:
            home = self._home([int(word) for word in self.keys[at]])
            if (at - home & self.mask) >= (at - free & self.mask):
                self.keys[free], self.values[free] = self.keys[at], self.values[at]
                self.values[at] = -1
                free = at
        return value

    def _packed(self, key: Key) -> list[int]:
        data = key if isinstance(key, bytes) else key.to_bytes(_WORD, "little")
        padded = data.ljust(_WORD * self._words, b"\0")
        return [int(word) for word in np.frombuffer(padded, np.uint64)]

    def _home(self, words: list[int]) -> int:
        """inside.h has the same function."""
        mixed = 0
        for word in words:
            mixed = (mixed ^ word) * _MULTIPLIER & _MASK
            mixed ^= mixed >> 32
        return mixed & self.mask

    def _slot(self, words: list[int]) -> int:
        """Where a key is, or would go."""
        slot = self._home(words)
        while self.values[slot] >= 0 and self.keys[slot].tolist() != words:
            slot = slot + 1 & self.mask
        return slot
