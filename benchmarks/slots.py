"""`python -m benchmarks.slots`: how long free times of 60 days take for an office of 50 people and 20,000 appointments.

Asked as the web asks: `Store.read(calendars.free, ...)` from an event loop, one after the other, until the answer is
back.  A table, and a JSON line for each database.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from sqlalchemy.engine import URL

from balie.booking import appointments
from balie.booking.appointments import Booking
from balie.booking.hours import day_of
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.slots import Calendars, Slot, Wish
from balie.store.engine import Store
from balie.store.migrate import bring_up_to_date
from benchmarks import office
from benchmarks.__main__ import append
from benchmarks.office import DAYS, ZONE, Office
from benchmarks.origin import origin
from tests.support import databases

RESULTS = Path(__file__).parent / "results" / "slots.jsonl"
NOW_S = 1_796_623_200
"""Monday 7 December 2026, 7.00 in Brussels: Christmas and New Year are among the sixty days."""
WARM_UP = 10
TARGET_MS = 30
LINK_KEY = LinkKey(b"b" * 32)
KINDS = {
    "unchanged": "nothing changed since",
    "booked": "one booking between two looks",
    "cold": "nothing in memory",
    "daily maximum": "nothing changed; the other product",
}


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slots", description=__doc__)
    add = parser.add_argument
    add("--staff", type=int, default=50)
    add("--standing", type=int, default=20_000, help="appointments within the 60 days (default 20000)")
    add("--looks", type=int, default=500, help="of each kind (default 500)")
    add("--only", choices=("sqlite", "postgresql"), help="default: both, the latter when it is installed")
    add("--results", type=Path, default=RESULTS, help="append JSON lines here")
    add("--date", help="for the JSON lines, ISO 8601; default now")
    return parser.parse_args(words)


class Looks:
    """Looks at one office, and what they took."""

    def __init__(self, store: Store, office: Office, seed: int = 1) -> None:
        self._store, self._office, self._chance = store, office, random.Random(seed)
        self._calendars = Calendars()
        self._from = day_of(NOW_S, ZONE)
        self.found: list[Slot] = []

    async def look(self, product_id: int, calendars: Calendars | None = None) -> float:
        """Milliseconds until the free times were there."""
        kept, until = calendars or self._calendars, self._from + timedelta(days=DAYS - 1)
        start = time.perf_counter_ns()
        self.found = await self._store.read(kept.free, Wish((product_id,)), NOW_S, self._from, until)
        return (time.perf_counter_ns() - start) / 1e6

    async def book(self) -> None:
        """One of the times found last, with one of those who could."""
        slot = self._chance.choice(self.found)
        wish = Wish((self._office.passport,), staff_id=self._chance.choice(slot.staff_ids))
        citizen = Person("Jan Janssens", mail="jan@post.example")
        request = Booking(citizen, wish=wish, start_s=slot.start_s)
        await self._store.write(appointments.book, NOW_S, self._chance.randbytes, LINK_KEY, request)

    async def of_kind(self, kind: str, number: int) -> dict[str, float]:
        product = self._office.permit if kind == "daily maximum" else self._office.passport
        took = []
        for at in range(WARM_UP + number):
            if kind == "booked":
                await self.book()
            ms = await self.look(product, Calendars() if kind == "cold" else None)
            if at >= WARM_UP:
                took.append(ms)
        return summary(took, len(self.found))


def summary(took_ms: Sequence[float], slots: int) -> dict[str, float]:
    p50, p99 = np.percentile(took_ms, [50, 99])
    return {
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "max_ms": round(max(took_ms), 2),
        "looks": len(took_ms),
        "slots": slots,
    }


async def measure(url: URL, staff: int, standing: int, looks: int) -> dict[str, dict[str, float]]:
    """By kind."""
    store = Store(url)
    try:
        await bring_up_to_date(store)
        there = await store.write(office.found, NOW_S, staff, standing)
        # As a server does when it has started.
        gc.collect()
        gc.freeze()
        mine = Looks(store, there)
        await mine.look(there.passport)
        return {kind: await mine.of_kind(kind, looks) for kind in KINDS}
    finally:
        gc.unfreeze()
        await store.close()


@contextmanager
def database(name: str) -> Iterator[URL]:
    """An empty one, gone afterwards.  That of PostgreSQL is on this machine, over a Unix socket."""
    if name == "sqlite":
        with tempfile.TemporaryDirectory(prefix="bench-slots-") as folder:
            yield databases.sqlite_url(Path(folder))
    else:
        with databases.postgresql() as cluster:
            yield cluster.new_database()


def names(only: str | None) -> list[str]:
    """Which databases can be measured here; says what cannot."""
    if only:
        return [only]
    if list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return ["sqlite", "postgresql"]
    print("postgresql is left out: it is not installed (Debian: apt-get install postgresql)")
    return ["sqlite"]


def report(lines: Sequence[dict[str, Any]]) -> str:
    first = lines[0]
    text = [f"{first['staff']} people, {first['standing']} appointments, free times of {first['days']} days"]
    text.append(f"{'':>12}{'':>15}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'slots':>7}")
    for line in lines:
        for kind, each in line["kinds"].items():
            row = f"{line['database']:>12}{kind:>15}{each['p50_ms']:>9.2f}{each['p99_ms']:>9.2f}{each['max_ms']:>9.2f}"
            text.append(f"{row}{each['slots']:>7}  {KINDS[kind]}")
    text.append(f"wanted: p99 of at most {TARGET_MS} ms")
    return "\n".join(text) + "\n"


def main(words: Sequence[str] | None = None) -> None:
    options = arguments(words)
    stamp, lines = origin(options.date), []
    for name in names(options.only):
        with database(name) as url:
            kinds = uvloop.run(measure(url, options.staff, options.standing, options.looks))
        line = {"benchmark": "slots", "database": name, "staff": options.staff, "standing": options.standing}
        lines.append({**line, "days": DAYS, "kinds": kinds})
        append(options.results, {**stamp, **lines[-1]})
    print(report(lines), end="")


if __name__ == "__main__":
    main()
