"""Something of a provider that is fetched now and then, by one of those who want it, for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from balie.identity.errors import IdentityError

FAILED_S = 5.0
"""So long a failure counts for everybody: who waited behind one that took ten seconds does not wait as long again."""

T = TypeVar("T")


class Kept(Generic[T]):
    """clock: seconds.  at_s: when what is kept was fetched."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._value: T | None = None
        self.at_s = float("-inf")
        self._failure, self._failed_s = "", float("-inf")
        self._fetching = asyncio.Lock()

    async def get(self, age_s: float) -> T:
        """What was fetched less than age_s ago, or else anew.  IdentityError."""
        async with self._fetching:
            if self._value is not None and self._clock() - self.at_s < age_s:
                return self._value
            if self._clock() - self._failed_s < FAILED_S:
                raise IdentityError(self._failure, "a moment ago")
            try:
                self._value = await self._fetch()
            except IdentityError as error:
                self._failure, self._failed_s = error.code, self._clock()
                raise
            self.at_s = self._clock()
            return self._value
