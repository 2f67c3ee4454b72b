"""`python -m benchmarks.panel`: how long a citizen's change in the Samen panel takes to the panel of staff.

One `balie serve` on an SQLite file, a load of other calls, and as many panels as there are calls: in each a citizen who
chooses now and then, and a member of staff who is told and fetches, as their pages do.  A table, and a JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import ClientSession, ClientWebSocketResponse, DummyCookieJar, WSMsgType

from balie.booking.hours import day_of
from balie.i18n import day_words
from benchmarks import processes
from benchmarks.command import carry_out
from benchmarks.office import ZONE
from benchmarks.visit import other_calls
from tests.support.served import Planned, Served
from web.desk.gate import COOKIE

RESULTS = Path(__file__).parent / "results" / "panel.jsonl"
MOST_MS = 150.0
"""What is wanted of the 95th percentile."""
WITHIN_S = 10.0
FIELDS = {"Sec-Fetch-Site": "same-origin"}


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.panel", description=__doc__)
    add = parser.add_argument
    add("--panels", type=int, default=40, help="each of a citizen and a member of staff (default 40)")
    add("--rate", type=float, default=8.0, help="changes a second, of all citizens together (default 8)")
    add("--seconds", type=float, default=30.0, help="of changes (default 30)")
    add("--rooms", type=int, default=40, help="calls with sound and pictures meanwhile (default 40)")
    add("--people", type=int, default=2, help="in each of them (default 2)")
    add("--results", type=Path, default=RESULTS, help="append JSON lines here")
    add("--date", help="for the JSON lines, ISO 8601; default now")
    return parser.parse_args(words)


@dataclass
class Samples:
    """shown: ms from the press to what staff sees; took: ms until the citizen's own answer; lost: never seen."""

    shown: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    lost: int = 0


class Panel:
    """Two people of one appointment, each with a WebSocket and the requests of his page."""

    def __init__(self, session: ClientSession, base: str, planned: Planned) -> None:
        self._session, self._base, self._planned = session, base, planned
        self._cookie = {"Cookie": f"{COOKIE}={planned.session}"}
        self._step, self._expected, self._since = "", "", 0.0
        self._seen = asyncio.Event()
        self._samples = Samples()
        self._sockets: list[ClientWebSocketResponse] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Both are there, and a step is open."""
        place = f"{self._planned.path}/samen"
        page = await self._get(self._planned.path, self._cookie)
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
        assert found is not None
        form = {"csrf": found[1], "soort": "reserve"}
        page = await self._post(f"{place}/stap", form, self._cookie)
        (self._step,) = re.findall(r'data-key="step-(\d+)"', page)
        staff = await self._join(f"{self._planned.path}/join", self._cookie)
        citizen = await self._join(f"/g/{self._planned.citizen}/join", {})
        self._tasks = [
            asyncio.ensure_future(self._follow(staff, place, self._cookie, looks=True)),
            asyncio.ensure_future(self._follow(citizen, f"/a/{self._planned.citizen}/samen/deel", {}, looks=False)),
        ]

    async def change(self, day: date, samples: Samples) -> None:
        """The citizen chooses a day; until staff has it before him."""
        self._samples, self._expected = samples, day_words(day)
        self._seen.clear()
        self._since = time.perf_counter()
        await self._post(f"/a/{self._planned.citizen}/samen/{self._step}/keuze", {"dag": day.isoformat()}, {})
        samples.took.append((time.perf_counter() - self._since) * 1000)
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._seen.wait()
        except TimeoutError:
            samples.lost += 1

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in self._sockets:
            await socket.close()

    async def _join(self, path: str, headers: dict[str, str]) -> ClientWebSocketResponse:
        async with self._session.post(self._base + path, headers={**FIELDS, **headers}) as response:
            token = (await response.json())["token"]
        socket = await self._session.ws_connect(f"{self._base}/ws")
        await socket.send_json({"type": "hello", "v": 1, "token": token})
        self._sockets.append(socket)
        return socket

    async def _follow(
        self, socket: ClientWebSocketResponse, path: str, headers: dict[str, str], *, looks: bool
    ) -> None:
        """As static/js/samen/panel.js: one request at a time, and another when there was news meanwhile."""
        async for message in socket:
            if message.type != WSMsgType.TEXT or '"news"' not in message.data:
                continue
            page = await self._get(path, headers)
            if looks and not self._seen.is_set() and self._expected in page:
                self._samples.shown.append((time.perf_counter() - self._since) * 1000)
                self._samples.bytes.append(len(page.encode()))
                self._seen.set()

    async def _get(self, path: str, headers: dict[str, str]) -> str:
        async with self._session.get(self._base + path, headers={"Accept": "text/html", **headers}) as response:
            response.raise_for_status()
            return await response.text()

    async def _post(self, path: str, form: dict[str, str], headers: dict[str, str]) -> str:
        async with self._session.post(self._base + path, data=form, headers={**FIELDS, **headers}) as response:
            response.raise_for_status()
            return await response.text()


async def play(panels: Sequence[Panel], rate: float, seconds: float) -> Samples:
    """Changes at random moments and in random panels; nobody changes twice before the first was seen."""
    samples, chance, loop = Samples(), random.Random(1), asyncio.get_running_loop()
    free, running = list(panels), set[asyncio.Task[None]]()
    today = day_of(int(time.time()), ZONE)
    days = [today + timedelta(days=n) for n in range(28)]
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(chance.expovariate(rate))
        if not free:
            continue
        panel = free.pop(chance.randrange(len(free)))
        task = asyncio.ensure_future(panel.change(chance.choice(days), samples))
        running.add(task)

        def over(done: asyncio.Task[None], panel: Panel = panel) -> None:
            running.discard(done)
            free.append(panel)

        task.add_done_callback(over)
    await asyncio.gather(*running)
    return samples


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Everything but the origin of a line."""
    with tempfile.TemporaryDirectory(prefix="bench-panel-") as name:
        server = Served(Path(name), options.panels)
        running = server.start()
        try:
            with other_calls(server.port, options.rooms, options.people):
                async with ClientSession(cookie_jar=DummyCookieJar()) as session:
                    base = f"http://localhost:{server.port}"
                    panels = [Panel(session, base, each) for each in server.visits]
                    for panel in panels:
                        await panel.open()
                    before, began = processes.spent(running.process.pid), time.perf_counter()
                    samples = await play(panels, options.rate, options.seconds)
                    spent = processes.spent(running.process.pid).since(before).total_s
                    took = time.perf_counter() - began
                    for panel in panels:
                        await panel.close()
        finally:
            server.stop()
    asked = {each: getattr(options, each) for each in ("panels", "rate", "seconds", "rooms", "people")}
    meters = {"server_cpu": round(spent / took, 3), "load_1min": round(os.getloadavg()[0], 2)}
    return {"benchmark": "panel", "asked": asked, **meters, **summed(samples)}


def summed(samples: Samples) -> dict[str, Any]:
    """changes; lost; milliseconds at percentiles; bytes of a fragment; whether it is as wanted."""
    found: dict[str, Any] = {"changes": len(samples.shown) + samples.lost, "lost": samples.lost}
    for name, values in (("shown", samples.shown), ("took", samples.took)):
        if values:
            shown = {f"p{each}": np.percentile(values, each) for each in (50, 95, 99)} | {"max": max(values)}
            found[name] = {each: round(float(value), 1) for each, value in shown.items()}
    found["bytes"] = round(float(np.median(samples.bytes))) if samples.bytes else 0
    found["holds"] = bool(samples.shown) and not samples.lost and float(np.percentile(samples.shown, 95)) <= MOST_MS
    return found


def report(line: dict[str, Any]) -> str:
    asked = line["asked"]
    text = [
        f"{asked['panels']} panels, {asked['rooms']} calls of {asked['people']} meanwhile; {line['changes']} changes, "
        + f"{line['lost']} never seen; server {line['server_cpu'] * 100:.0f} % of a core"
    ]
    for name, words in (("shown", "from the citizen's press to staff's panel, ms"), ("took", "to his own answer, ms")):
        if name in line:
            text.append(f"{words:46}" + "  ".join(f"{each} {value:g}" for each, value in line[name].items()))
    verdict = "" if line["holds"] else "  NOT HELD"
    text.append(f"wanted: p95 <= {MOST_MS:g} ms{verdict}; a fragment has {line['bytes']} bytes")
    return "\n".join(text) + "\n"


def main(words: Sequence[str] | None = None) -> None:
    options = arguments(words)
    carry_out(options, lambda: asyncio.run(run(options)), report)


if __name__ == "__main__":
    main()
