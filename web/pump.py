"""Carries the hub's outgoing messages to the WebSockets, in order, each socket at its own pace."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aiohttp import web

from signalling.hub import Hub, Outgoing

# A client that does not read is cut off; when it comes back it may resume.  A resume sends up to 200 messages at once,
# of which an offer of ten people's tracks has 30 kB.
QUEUE_MAX = 500
QUEUE_BYTES_MAX = 8 << 20
GOODBYE_S = 2.0  # for a last word to everybody; who does not read it by then does without


class _Lane:
    """One WebSocket's queue and the task that empties it."""

    def __init__(self, socket: web.WebSocketResponse, cut: Callable[[], None]) -> None:
        self._socket, self._cut = socket, cut
        self._queue: deque[Outgoing] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    def put(self, outgoing: Outgoing) -> None:
        if self.task.done():
            return  # closed, or the socket is gone: its handler tells the hub
        self._bytes += len(outgoing.data)
        if len(self._queue) >= QUEUE_MAX or self._bytes > QUEUE_BYTES_MAX:
            # Without a goodbye, which would have to wait like the rest.  The handler then tells the hub.
            self.task.cancel()
            self._queue.clear()
            self._cut()
            return
        self._queue.append(outgoing)
        self._news.set()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._queue:
                outgoing = self._queue.popleft()
                self._bytes -= len(outgoing.data)
                try:
                    if outgoing.close is not None:
                        await self._socket.close(code=outgoing.close)
                        return
                    await self._socket.send_str(outgoing.data.decode())
                except (ConnectionError, RuntimeError):
                    return  # the socket is gone; its handler tells the hub


class Pump:
    """flush() after everything that may have made the hub speak.

    news  set when somebody came, waits, was let in or left, and another event from then on: who waits for that takes
          it, looks, then waits
    """

    def __init__(self, hub: Hub, changed: Callable[[], None] = lambda: None) -> None:
        """changed: called when somebody came, waits, was let in or left."""
        self._hub, self._changed = hub, changed
        self._changes = 0
        self.news = asyncio.Event()
        self._lanes: dict[int, _Lane] = {}

    def open(self, connection: int, socket: web.WebSocketResponse, cut: Callable[[], None]) -> None:
        """cut breaks the connection off, without waiting for anything."""
        self._lanes[connection] = _Lane(socket, cut)

    async def close(self, connection: int) -> None:
        """Stop a lane; what is queued for it is lost with its socket."""
        lane = self._lanes.pop(connection, None)
        if lane is not None:
            lane.task.cancel()
            await asyncio.gather(lane.task, return_exceptions=True)

    def flush(self) -> None:
        if self._hub.changes != self._changes:
            self._changes = self._hub.changes
            self._changed()
            self.wake()
        for outgoing in self._hub.take_outgoing():
            lane = self._lanes.get(outgoing.connection)
            if lane is not None:
                lane.put(outgoing)

    def wake(self) -> None:
        """Let who waits for news look."""
        self.news.set()
        self.news = asyncio.Event()

    async def drained(self) -> None:
        """Until all that was queued is out, for a goodbye."""
        waiting = [lane.task for lane in self._lanes.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=GOODBYE_S)
