"""The waiting room as it is now, on the first page: a stream of events, a new picture at every change.

A picture is a piece of HTML in the language of whose desk it is: who waits, how long, who is inside, whom to call.
It is sent when it differs from the one before, so that a minute that passes is a change, too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
from aiohttp import web

from web.desk import waiting
from web.desk.desk import Desk, seat
from web.keys import HUB, PAGES, STORE
from web.middlewares import log_failure

PLACE = "/balie/live"
EVERY_S = 15.0  # minutes pass, sessions end, and a proxy cuts what is silent
LEAST_S = 0.2  # between two looks, however much happens
RETRY_MS = 3000  # before a browser that lost the stream asks again

HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
"""The second tells nginx not to collect what must arrive at once."""


class Live:
    """Who looks at the waiting room, and the bell that wakes them.

    news  set at the next change, and another event from then on: who waits takes it, looks, then waits
    over  the process stops
    """

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.over = False
        self._desks: Counter[int] = Counter()

    def ring(self) -> None:
        """Something changed in the waiting room."""
        self.news.set()
        self.news = asyncio.Event()

    async def close(self, _app: web.Application) -> None:
        """End all streams: on_shutdown."""
        self.over = True
        self.ring()

    @contextmanager
    def looking(self, staff_id: int) -> Iterator[None]:
        self._desks[staff_id] += 1
        try:
            yield
        finally:
            self._desks[staff_id] -= 1

    def at_desk(self, staff_id: int) -> bool:
        """Whether somebody has the first page open: he hears who comes in."""
        return self._desks[staff_id] > 0


LIVE = web.AppKey("LIVE", Live)


async def stream(desk: Desk) -> web.StreamResponse:
    """GET /balie/live: server-sent events.  `room`: {"html": …}; `signed_out`: this session is over, no more comes."""
    app, request = desk.request.app, desk.request
    live, store = app[LIVE], app[STORE]
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    said = ""
    try:
        with live.looking(desk.member.id):
            await response.write(b"retry: %d\n\n" % RETRY_MS)
            while not live.over:
                # Taken before the look: what changes during it wakes us.
                bells = live.news, store.committed
                now = await seat(request)
                if now is None or now.member.id != desk.member.id:
                    await response.write(_event("signed_out", {}))
                    break
                html = await picture(now)
                await response.write(_event("room", {"html": html}) if html != said else b":\n\n")
                said = html
                await _first(*bells)
    except ConnectionError:
        pass  # the page was closed
    except Exception:
        log_failure(request)  # half an answer is out already: the page asks again by itself
    return response


async def picture(desk: Desk) -> str:
    """The waiting room for this member of staff, as HTML."""
    visits = await waiting.visits(desk, desk.request.app[HUB].lobbies())
    calls = await waiting.calls(desk)
    return desk.request.app[PAGES].get_template("desk/waiting.html").render(visits=visits, calls=calls)


def _event(name: str, data: Mapping[str, str]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))


async def _first(*bells: asyncio.Event) -> None:
    """Until one of them rings, or it is time to look anyway."""
    tasks = [asyncio.ensure_future(bell.wait()) for bell in bells]
    try:
        await asyncio.wait(tasks, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    await asyncio.sleep(LEAST_S)
