"""`python -m benchmarks.bookings`: calls go on while people book, and perhaps a large mail comes in.

One `balie serve`, one media load of real clients, played through: at first alone, then with bookings through the API,
then with mails to the built-in listener.  A table with a row for each phase, and a JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import math
import os
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from balie.booking.hours import day_of
from balie.hooks.keys import create_key
from balie.store.engine import Store, database_url
from balie.store.migrate import bring_up_to_date
from benchmarks import measure, office, processes
from benchmarks.booker import TIMEOUT_S, Plan
from benchmarks.command import carry_out
from benchmarks.contenders import ROOT, wait_for_line
from benchmarks.crowd import Crowd
from benchmarks.keys import Keyring
from benchmarks.ledger import Window
from benchmarks.load import Joined, Load
from benchmarks.office import DAYS, ZONE
from benchmarks.ours import HTTP_PORT, Balie
from benchmarks.phases import LATE_NS, Phase, interrupted, phases, stalls
from benchmarks.places import LOOPBACK
from benchmarks.plane import COALESCE_US
from benchmarks.wire import Wire
from web.api.limit import PER_SECOND

RESULTS = Path(__file__).parent / "results" / "bookings.jsonl"
SMTP_PORT, REPLY_ADDRESS = 20_981, "balie@localhost"
MAIL_MAX_BYTES = 10_000_000  # as balie ships it
FLUSHES = 100


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bookings", description=__doc__)
    add = parser.add_argument
    add("--rate", type=float, default=200.0, help="bookings a second that are asked for (default 200)")
    add("--seconds", type=float, default=30.0, help="of bookings (default 30)")
    add("--baseline", type=float, default=30.0, help="seconds of the media load alone (default 30)")
    add("--rooms", type=int, default=10, help="of the media load (default 10)")
    add("--people", type=int, default=3, help="in each room (default 3)")
    add("--connections", type=int, default=16, help="HTTP connections that book (default 16)")
    add("--staff", type=int, default=50)
    add("--standing", type=int, default=20_000, help="appointments before the first booking (default 20000)")
    add("--mail-mb", type=float, default=0.0, help="also deliver mails of this size, in 10^6 bytes")
    add("--mails", type=int, default=3, help="how many of them (default 3)")
    add("--mail-seconds", type=float, default=9.0, help="over which they are spread (default 9)")
    add(
        "--pin",
        choices=("none", "generators", "apart"),
        default="none",
        help="generators: they share the last core; apart: and the server has the first one (default none)",
    )
    add("--warm-up", type=float, default=measure.WARM_UP_S, help="seconds before all (default 2)")
    add("--results", type=Path, default=RESULTS, help="append JSON lines here")
    add("--date", help="for the JSON lines, ISO 8601; default now")
    return parser.parse_args(words)


class WatchedLoad(Load):
    """A load that remembers of each of its own calls that send when it began, how late, and how long it took."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._calls = array("q")

    def _send(self, first: int, last: int, cycle: int, due_ns: int) -> None:
        began_ns = time.time_ns()
        super()._send(first, last, cycle, due_ns)
        self._calls.extend((began_ns, began_ns - due_ns, time.time_ns() - began_ns))

    def phase(self, window: Window) -> dict[str, float | int]:
        """What the books say of a part of the run."""
        ledger, calls = self.ledger, np.frombuffer(self._calls, np.int64).reshape(-1, 3)
        late = ledger.late(window, LATE_NS)
        mine = calls[(calls[:, 0] >= window.start_ns) & (calls[:, 0] < window.end_ns)]
        latencies = [f"latency_ms_{name}" for name in ("p50", "p99", "p999", "max")]
        kept = ["sent", "expected", "delivered", "lost", "duplicated", *latencies]
        result = ledger.result(window)
        return {
            **{name: result[name] for name in kept},
            "late": len(late),
            "late_bursts": stalls(late),
            "late_by_generator": interrupted(late, mine[:, 0], mine[:, 2]),
            "generator_late_ms_p99": round(float(np.percentile(mine[:, 1], 99)) / 1e6, 3) if len(mine) else 0.0,
            "generator_held_ms_max": round(float(mine[:, 2].max()) / 1e6, 3) if len(mine) else 0.0,
        }


def key_count(rate: float) -> int:
    """Keys that together may ask so often: one alone is limited."""
    return math.ceil(rate / PER_SECOND * 1.1) + 1


async def _found(folder: Path, options: argparse.Namespace, keys: list[str]) -> None:
    store = Store(database_url("sqlite:balie.sqlite", folder))
    try:
        await bring_up_to_date(store)
        now_s = int(time.time())
        there = await store.write(office.found, now_s, options.staff, options.standing)
        for number in range(key_count(options.rate)):
            scopes = ("slots:read", "appointments:read", "appointments:write")
            name = f"Contactcenter {number}"
            keys.append(await store.write(create_key, now_s, os.urandom, there.organisation, name, scopes))
    finally:
        await store.close()


def mail_settings(mail_mb: float) -> str:
    """Configuration of the listener.  Without an address to send from, no mail leaves."""
    if not mail_mb:
        return ""
    most = max(MAIL_MAX_BYTES, round(mail_mb * 1e6))
    return f"""
[messages]
reply_address = "{REPLY_ADDRESS}"

[inbound]
listen_port = {SMTP_PORT}
mail_max_bytes = {most}
"""


def flush_ms(folder: Path) -> float:
    """What it takes here to have 4 kB on the disk: every booking waits for that."""
    took = []
    with (folder / "flush").open("wb", buffering=0) as file:
        for _ in range(FLUSHES):
            file.write(bytes(4096))
            start = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - start)
    return round(float(np.median(took)) * 1000, 3)


def plan_of(options: argparse.Namespace, pid: int, keys: Sequence[str], acts: tuple[Phase, ...]) -> Plan:
    return Plan(
        host=LOOPBACK.host,
        port=HTTP_PORT,
        pid=pid,
        keys=tuple(keys),
        connections=options.connections,
        rate=options.rate,
        phases=acts,
        mail_port=SMTP_PORT,
        mail_to=REPLY_ADDRESS,
        mail_bytes=round(options.mail_mb * 1e6),
        mails=options.mails if options.mail_mb else 0,
    )


@dataclass(frozen=True)
class Cores:
    """Where the server and the generators may run."""

    server: set[int]
    generators: set[int]

    @classmethod
    def of(cls, pin: str) -> Cores:
        usable = os.sched_getaffinity(0)
        first, last = processes.cores()
        return cls(first if pin == "apart" else usable, usable if pin == "none" else last)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Everything but the origin of a line."""
    crowd = Crowd(options.rooms, options.people)
    acts = phases(
        ("alone", options.baseline),
        ("bookings", options.seconds),
        ("mail", options.mail_seconds if options.mail_mb else 0),
    )
    keys: list[str] = []
    disk: dict[str, Any] = {}

    def prepare(folder: Path) -> str:
        disk["flush_ms"] = flush_ms(folder)
        asyncio.run(_found(folder, options, keys))
        return mail_settings(options.mail_mb)

    before, cores = os.sched_getaffinity(0), Cores.of(options.pin)
    os.sched_setaffinity(0, cores.generators)
    wire = Wire()
    load = WatchedLoad(crowd, wire, Keyring(crowd.connections), LOOPBACK.base_address)
    server = Balie(LOOPBACK, load, COALESCE_US, prepare)
    try:
        server.start()
        processes.pin(server.pid, cores.server)
        joined = server.join()
        with _booker(plan_of(options, server.pid, keys, acts)) as booker:
            played = _play(load, joined, options.warm_up, acts, booker)
        meters = _server(server.pid)
    finally:
        own_story = server.stop()
        wire.close()
        os.sched_setaffinity(0, before)
    asked = {name: getattr(options, name) for name in ("rate", "connections", "staff", "standing", "mail_mb", "pin")}
    load_told = {"rooms": crowd.rooms, "people": crowd.people, "packets_out_per_s": crowd.packets_out_per_s}
    told = {"benchmark": "bookings", "load": load_told, "asked": asked, "keys": len(keys), **disk}
    pins = {"server": sorted(cores.server), "generators": sorted(cores.generators)}
    return {**told, "cores": pins, **meters, **played, "own": own_story}


def _play(
    load: WatchedLoad, joined: Joined, warm_up_s: float, acts: Sequence[Phase], booker: subprocess.Popen[str]
) -> dict[str, Any]:
    """The load and all that happens meanwhile."""
    began: list[int] = []

    def mark(which: str) -> None:
        if which == "start":
            began.append(time.time_ns())
            _tell(booker, str(began[0]))

    whole = load.run(joined, warm_up_s, acts[-1].end_s + 0.5, mark)
    text, _ = booker.communicate(timeout=2 * TIMEOUT_S)
    if booker.returncode:
        raise RuntimeError(f"the ones who book ended with code {booker.returncode}")
    story = json.loads(text)
    rows = [_row(load, each, began[0], story["phases"][each.name]) for each in acts]
    kept = ("corrupted", "misdelivered", "unreadable", "renumbered", "generator")
    return {
        "phases": rows,
        "bookings": story.get("bookings"),
        "mails": story.get("mails"),
        "cpu_ms_per_booking": per_booking(rows, story.get("bookings")),
        "whole": {name: whole[name] for name in kept},
        "trustworthy": measure.trustworthy(whole["generator"]),
    }


@contextlib.contextmanager
def _booker(plan: Plan) -> Iterator[subprocess.Popen[str]]:
    """Started and ready.  RuntimeError: not enough free times for so many bookings."""
    today = day_of(int(time.time()), ZONE).isoformat()
    command = [sys.executable, "-m", "benchmarks.booker", today, str(DAYS)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        _tell(process, json.dumps(dataclasses.asdict(plan)))
        free = int(wait_for_line(process, "ready").split()[1])
        wanted = sum(round(each.seconds * plan.rate) for each in plan.phases if each.name == "bookings")
        if free < wanted:
            raise RuntimeError(
                f"{wanted} bookings need as many free times, there are {free}: fewer seconds, more staff"
            )
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _server(pid: int) -> dict[str, Any]:
    memory = processes.memory(pid)
    return {
        "server_processes": len(processes.family(pid)),
        "memory_mb": memory.resident_mb,
        "memory_pss_mb": memory.proportional_mb,
        "memory_once_mb": memory.once_mb,
        "memory_peak_mb": memory.peak_mb,
        "receive_drops": processes.udp_drops(pid),
    }


def _row(load: WatchedLoad, phase: Phase, began_ns: int, used: dict[str, float]) -> dict[str, Any]:
    window = Window(began_ns + int(phase.start_s * 1e9), began_ns + int(phase.end_s * 1e9))
    return {"phase": phase.name, "seconds": phase.seconds, **load.phase(window), **used}


def per_booking(rows: Sequence[dict[str, Any]], bookings: dict[str, Any] | None) -> float | None:
    """Milliseconds of the server's CPU beyond what the load alone takes."""
    by_name = {row["phase"]: row for row in rows}
    if not bookings or not bookings["booked"] or not {"alone", "bookings"} <= by_name.keys():
        return None
    more: float = by_name["bookings"]["server_cpu"] - by_name["alone"]["server_cpu"]
    return round(more * float(by_name["bookings"]["seconds"]) / int(bookings["booked"]) * 1000, 2)


COLUMNS = (
    ("", "phase"),
    ("delivered %", "delivered"),
    ("lost", "lost"),
    ("p50 ms", "latency_ms_p50"),
    ("p99 ms", "latency_ms_p99"),
    ("p99.9 ms", "latency_ms_p999"),
    ("max ms", "latency_ms_max"),
    ("> 10 ms", "late"),
    ("bursts", "late_bursts"),
    ("generator's", "late_by_generator"),
    ("server core %", "server_cpu"),
    ("machine %", "machine_busy"),
)


def _cell(row: dict[str, Any], key: str) -> str:
    if key == "delivered":
        return f"{row['delivered'] / max(row['expected'], 1) * 100:.3f}"
    if key in ("server_cpu", "machine_busy"):
        return f"{row[key] * 100:.0f}"
    value = row[key]
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def report(line: dict[str, Any]) -> str:
    load, asked = line["load"], line["asked"]
    rows = [[title for title, _ in COLUMNS]] + [[_cell(row, key) for _, key in COLUMNS] for row in line["phases"]]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    where = ", ".join(f"{who} on core {' or '.join(map(str, cores))}" for who, cores in line["cores"].items())
    text = [f"{load['rooms']} rooms of {load['people']}, {load['packets_out_per_s']} packets/s out; {where}"]
    text += ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    if made := line["bookings"]:
        text.append(
            f"bookings: {made['per_s']:g}/s of {asked['rate']:g} asked for, {made['booked']} in all; p50 "
            f"{made['latency_ms_p50']:g} ms, p99 {made['latency_ms_p99']:g} ms, max {made['latency_ms_max']:g} ms; "
            f"answered in {made['answer_ms_p50']:g} and {made['answer_ms_p99']:g} ms; "
            f"errors: {made['errors'] or 'none'}; not begun in time: {made['not_begun']}"
        )
        text.append(
            f"server: {line['cpu_ms_per_booking']} ms CPU a booking beyond the load; flush {line['flush_ms']} ms"
        )
        text += [f"  first error: {made['first_error']}"] if made["first_error"] else []
    text += [f"mail of {each['bytes']} bytes: {each['seconds']:g} s, {each['said']}" for each in line["mails"] or ()]
    text += [] if line["trustworthy"] else ["the generator did not keep up: lateness is partly its own"]
    return "\n".join(text) + "\n"


def main(words: Sequence[str] | None = None) -> None:
    options = arguments(words)
    carry_out(options, lambda: run(options), report)


if __name__ == "__main__":
    main()
