"""`python -m benchmarks.visit`: how long people wait in a visit, from the link to the goodbye, and after what breaks.

Two pages of Chromium, a citizen and a member of staff, and one `balie serve` on loopback, perhaps with a load of other
calls.  A table with what was wanted, and a JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Browser, async_playwright

from benchmarks import processes
from benchmarks import visit_steps as steps
from benchmarks.command import carry_out
from benchmarks.contenders import ROOT, wait_for_line
from tests.support.network import MEDIA_HOST, network
from tests.support.served import Served
from tests.support.visitor import LIVE_FPS, launched

RESULTS = Path(__file__).parent / "results" / "visit.jsonl"
Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Wanted:
    """A line of the table.  most: at the median, or (tail) at the 95th percentile; least: at the median."""

    key: str
    words: str
    most: float | None = None
    least: float | None = None
    tail: bool = False

    def holds(self, samples: Sequence[float]) -> bool:
        value = float(np.percentile(samples, 95 if self.tail else 50))
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)


TABLE = (
    Wanted("door_citizen", "door's button to a picture, at the citizen, ms", 1000),
    Wanted("door_staff", "the same, at staff, ms", 1000),
    Wanted("admit_citizen", "let in to a picture, at the citizen, ms", 1000),
    Wanted("admit_staff", "the same, at staff, ms", 1000),
    Wanted("typing", "a key to the other's eyes, ms", 500, tail=True),
    Wanted("fps_citizen", "pictures/s shown to the citizen", least=20),
    Wanted("fps_staff", "pictures/s shown to staff", least=20),
    Wanted("apart", "sound and picture apart, ms", 100),
    Wanted("goodbye", "the end to the goodbye, ms", 1000),
    Wanted("cut_picture", "10 s cut: picture back, ms", 5000, tail=True),
    Wanted("cut_sound", "sound back, ms", 5000, tail=True),
    Wanted("cut_word", "the page says so, ms", 5000, tail=True),
    Wanted("silent_picture", "10 s silence: picture back, ms", 5000, tail=True),
    Wanted("silent_sound", "sound back, ms", 5000, tail=True),
    Wanted("silent_word", "the page says so, ms", 5000, tail=True),
    Wanted("restart_picture", "server restarted: picture back, ms", 5000, tail=True),
    Wanted("restart_sound", "sound back, ms", 5000, tail=True),
    Wanted("restart_word", "the page says so, ms", 5000, tail=True),
    Wanted("killed_picture", "server killed: picture back, ms", 5000, tail=True),
    Wanted("killed_sound", "sound back, ms", 5000, tail=True),
    Wanted("killed_word", "the page says so, ms", 5000, tail=True),
    Wanted("media_picture", "media process killed: picture back, ms", 5000, tail=True),
    Wanted("media_sound", "sound back, ms", 5000, tail=True),
    Wanted("media_word", "the page says so, ms", 5000, tail=True),
)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.visit", description=__doc__)
    add = parser.add_argument
    add("--visits", type=int, default=5, help="from the link to the goodbye (default 5)")
    add("--breaks", type=int, default=3, help="each of what breaks, so often (default 3)")
    add("--rooms", type=int, default=0, help="other calls on the same server meanwhile (default none)")
    add("--people", type=int, default=3, help="in each of them (default 3)")
    add("--results", type=Path, default=RESULTS, help="append JSON lines here")
    add("--date", help="for the JSON lines, ISO 8601; default now")
    return parser.parse_args(words)


def note(samples: Samples, found: dict[str, float], prefix: str = "") -> None:
    for name, value in found.items():
        samples.setdefault(prefix + name, []).append(value)


@contextmanager
def other_calls(port: int, rooms: int, people: int) -> Iterator[None]:
    """A process of its own with real clients that send and receive."""
    if not rooms:
        yield
        return
    command = [sys.executable, "-m", "benchmarks.visit_load", str(port), str(rooms), str(people)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        wait_for_line(process, "ready")
        yield
        if process.poll() is not None:
            raise RuntimeError("the other calls ended before the visits did")
    finally:
        process.kill()
        process.communicate()  # and its pipe is closed


async def visits(browser: Browser, folder: Path, options: argparse.Namespace, samples: Samples) -> dict[str, Any]:
    """From the link to the goodbye, one after the other."""
    server = Served(folder, options.visits)
    running = server.start()
    try:
        with other_calls(server.port, options.rooms, options.people):
            before, began = processes.spent(running.process.pid), asyncio.get_running_loop().time()
            for planned in server.visits:
                async with steps.arriving(browser, f"http://localhost:{server.port}", planned) as call:
                    await _visit(call, samples)
            seconds = asyncio.get_running_loop().time() - began
            spent = processes.spent(running.process.pid).since(before).total_s
        return {"server_cpu": round(spent / seconds, 3), "seconds": round(seconds, 1)}
    finally:
        server.stop()


async def _visit(call: steps.Call, samples: Samples) -> None:
    note(samples, await steps.admit(call))
    shown, apart = await steps.watching(call)
    note(samples, shown, "fps_")
    samples.setdefault("apart", []).extend(apart)
    samples.setdefault("typing", []).extend(await steps.typing(call))
    note(samples, await steps.door(call))
    note(samples, await steps.goodbye(call))


async def breaks(browser: Browser, folder: Path, options: argparse.Namespace, samples: Samples) -> None:
    """One call over a line that breaks, with a server that does."""
    server = Served(folder, udp=MEDIA_HOST)
    server.start()
    try:
        async with (
            network(server.port, server.media_port) as line,
            steps.arriving(browser, f"http://localhost:{line.port}", server.visits[0]) as call,
        ):
            await steps.admit(call)
            for _ in range(options.breaks):
                await asyncio.sleep(steps.SETTLE_S)
                note(samples, await steps.cut(call, line, silent=False), "cut_")
                note(samples, await steps.cut(call, line, silent=True), "silent_")
                note(samples, await steps.restart(call, server, killed=False), "restart_")
                note(samples, await steps.restart(call, server, killed=True), "killed_")
                note(samples, await steps.media_dies(call, server), "media_")
    finally:
        server.stop()


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Everything but the origin of a line."""
    samples: Samples = {}
    server: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-visit-") as name:
        async with async_playwright() as playwright, launched(playwright, fps=LIVE_FPS) as browser:
            told = {"benchmark": "visit", "chromium": browser.version}
            for each in ("visits", "breaks"):
                (Path(name) / each).mkdir()
            if options.visits:
                server = await visits(browser, Path(name) / "visits", options, samples)
            if options.breaks:
                await breaks(browser, Path(name) / "breaks", options, samples)
    asked = {name: getattr(options, name) for name in ("visits", "breaks", "rooms", "people")}
    return {**told, "asked": asked, "load_1min": round(os.getloadavg()[0], 2), **server, "steps": summed(samples)}


def summed(samples: Samples) -> dict[str, dict[str, float | int | bool]]:
    """By key: how many, median, 95th percentile, least and most, and whether it is as wanted."""
    found: dict[str, dict[str, float | int | bool]] = {}
    for wanted in TABLE:
        values = samples.get(wanted.key)
        if values:
            middle, tail = np.percentile(values, (50, 95))
            facts = {"p50": middle, "p95": tail, "min": min(values), "max": max(values)}
            rounded = {name: round(float(value), 1) for name, value in facts.items()}
            found[wanted.key] = {"n": len(values), **rounded, "holds": wanted.holds(values)}
    return found


def report(line: dict[str, Any]) -> str:
    rows = [["", "n", "p50", "p95", "min", "max", "wanted", ""]]
    for wanted in TABLE:
        if (each := line["steps"].get(wanted.key)) is not None:
            limit = f"{'p95' if wanted.tail else 'p50'} "
            limit += f"<= {wanted.most:g}" if wanted.most is not None else f">= {wanted.least:g}"
            cells = [f"{each[name]:g}" for name in ("n", "p50", "p95", "min", "max")]
            rows.append([wanted.words, *cells, limit, "" if each["holds"] else "NOT HELD"])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    text = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    asked = line["asked"]
    others = f"{asked['rooms']} other calls of {asked['people']}" if asked["rooms"] else "no other calls"
    return "\n".join([f"Chromium {line['chromium']}, {others}", *text]) + "\n"


def main(words: Sequence[str] | None = None) -> None:
    options = arguments(words)
    carry_out(options, lambda: asyncio.run(run(options)), report)


if __name__ == "__main__":
    main()
