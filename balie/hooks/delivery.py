"""Posts events to targets: signed, in order, again and again until they are taken.

Each target has a lane of its own, so that one that hangs keeps nobody else waiting; within a lane, appointments travel
side by side and the events of one appointment one after the other.  No transaction is open while a target is spoken to.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar
from sqlalchemy import Row

from balie.hooks import feed, queue
from balie.hooks.cloudevents import CONTENT_TYPE, Source, body, event
from balie.hooks.targets import Target
from balie.signing import sign
from balie.store.engine import Store, Tx

LOOK_S = 5.0  # so often we look at the database unasked: another process may have written, and died
SEAL_EVERY_S = 0.1  # at most: where two hundred people book a second, their events get places by the dozen
ABREAST = 8  # posts to one target at a time
LEASE_SPARE_S = 60  # beyond the timeout of a post: a worker that lives has said long before what became of it

GONE = 410  # the target wants none of it any more (Standard Webhooks)
BUSY = (429, 502, 503, 504)  # may say when to come back
RETRY_AFTER_MAX_S = 12 * 3600

_log = structlog.get_logger("hooks")


@dataclass(frozen=True)
class _Answer:
    """To one post.  error "": it was taken.  wait_s: what the target asks for.  final: another try is pointless."""

    error: str = ""
    wait_s: int = 0
    final: bool = False


class HookDelivery:
    """The worker, in an `async with`: connections to targets are kept until it ends.

    source  who speaks in the events
    worker  a name that no other process has
    clock   Unix time in seconds; only run() looks at it
    """

    def __init__(
        self,
        store: Store,
        targets: Sequence[Target],
        source: Source,
        worker: str,
        clock: Callable[[], float],
        *,
        timeout_s: float = 10,
        attempts_max: int = 12,
    ) -> None:
        self._store, self._targets, self._source = store, targets, source
        self._worker, self._clock = worker, clock
        self._timeout_s, self._attempts_max = timeout_s, attempts_max
        self._lease_s = math.ceil(timeout_s) + LEASE_SPARE_S

    async def __aenter__(self) -> HookDelivery:
        # What a target answers counts by its status only: no cookies, no bodies, no redirects to somebody else.
        self._session = ClientSession(
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=self._timeout_s),
            auto_decompress=False,
            headers={"User-Agent": "balie", "Content-Type": CONTENT_TYPE},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def step(self, now_s: int) -> None:
        """Place new events and post what may go now.  What that makes possible is for the next step."""
        await self._seal(now_s)
        await asyncio.gather(*(self._post_due(target, now_s) for target in self._targets))

    async def run(self) -> None:
        """Until it is cancelled.  A failure is logged, and tried again."""
        sealed = [asyncio.Event() for _ in self._targets]
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(self._place_new(sealed))
            for target, woken in zip(self._targets, sealed, strict=True):
                lanes.create_task(self._serve(target, woken))

    async def _place_new(self, sealed: Sequence[asyncio.Event]) -> None:
        while True:
            committed = self._store.committed
            with _logged():
                if await self._seal(self._now_s()):
                    for each in sealed:
                        each.set()
            await asyncio.sleep(SEAL_EVERY_S)
            await _woken(committed, LOOK_S)

    async def _serve(self, target: Target, woken: asyncio.Event) -> None:
        while True:
            woken.clear()
            wait_s = LOOK_S
            with _logged():
                wait_s = await self._post_due(target, self._now_s())
            await _woken(woken, wait_s)

    async def _seal(self, now_s: int) -> int:
        if not await self._store.read(feed.has_new):
            return 0
        return await self._store.write(feed.seal, now_s, self._targets)

    async def _post_due(self, target: Target, now_s: int) -> float:
        """Post what may go to a target; returns how long to wait then.  Writes nothing when there is nothing to do."""
        next_s = await self._store.read(queue.next_s, target.name, self._lease_s)
        if next_s is None or next_s > now_s:
            return LOOK_S if next_s is None else min(next_s - now_s, LOOK_S)
        taken = await self._store.write(self._take, now_s, target)
        async with asyncio.TaskGroup() as posts:
            for row, content in taken:
                posts.create_task(self._carry(target, row, content, now_s))
        return 0.0 if taken else LOOK_S

    def _take(self, tx: Tx, now_s: int, target: Target) -> list[tuple[Row[Any], bytes]]:
        rows = queue.claim(tx, now_s, self._worker, target.name, self._lease_s, ABREAST)
        return [(row, body(event(tx, row, self._source, contact=target.contact))) for row in rows]

    async def _carry(self, target: Target, row: Row[Any], content: bytes, now_s: int) -> None:
        answer = await self._post(target, row.event_id, content, now_s)
        if not answer.error:
            await self._store.write(queue.done, now_s, self._worker, row.delivery_id)
            return
        attempts = row.attempts + 1
        dead = answer.final or attempts >= self._attempts_max
        retry_s = None if dead else now_s + max(queue.pause_s(row.event_id, attempts), answer.wait_s)
        _log.warning("event_refused", target=target.name, id=row.event_id, attempts=attempts, dead=dead)
        await self._store.write(queue.failed, self._worker, row.delivery_id, answer.error, retry_s)

    async def _post(self, target: Target, event_id: str, content: bytes, now_s: int) -> _Answer:
        headers = sign(target.secret, event_id, now_s, content)
        try:
            async with self._session.post(target.url, data=content, headers=headers, allow_redirects=False) as response:
                return _judged(response)
        except TimeoutError:
            return _Answer(f"no answer in {self._timeout_s:g} s")
        except (ClientError, OSError, ValueError) as error:  # ValueError: aiohttp's, of an answer that is no HTTP
            return _Answer(f"{type(error).__name__}: {error}")

    def _now_s(self) -> int:
        return int(self._clock())


def _judged(response: ClientResponse) -> _Answer:
    status = response.status
    if 200 <= status <= 299:
        return _Answer()
    if 300 <= status <= 399:
        return _Answer(f"{status}: redirects are not followed")
    wait = response.headers.get("Retry-After", "") if status in BUSY else ""
    wait_s = min(int(wait), RETRY_AFTER_MAX_S) if wait.isascii() and wait.isdecimal() and len(wait) < 10 else 0
    return _Answer(str(status), wait_s, final=status == GONE)


async def _woken(event_: asyncio.Event, within_s: float) -> None:
    # Not wait_for: before Python 3.12 it loses a cancellation that comes in the moment of waking.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event_.wait()


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    try:
        yield
    except Exception:
        _log.exception("hooks_failed")
