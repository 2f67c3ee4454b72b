"""`make bench`: balie and its peers under the same load, one after the other; a table, and JSON lines.

Prints and appends, never asserts: tests say what must hold, this says what is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import statistics
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from benchmarks import floor, janus, measure, places
from benchmarks.contenders import Contender, Floor, FloorOptions
from benchmarks.crowd import Crowd
from benchmarks.load import Load
from benchmarks.origin import origin
from benchmarks.ours import Balie
from benchmarks.places import LOOPBACK, Place
from benchmarks.plane import COALESCE_US, Plane
from benchmarks.table import report

RESULTS = Path(__file__).parent / "results" / "load.jsonl"
DEFAULT_CASES = ("10x3", "40x3", "60x3", "1x10")
PEERS = ("floor", "eager-floor", "janus", "plane", "arrays")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--case", action="append", metavar="ROOMSxPEOPLE", help=f"default: {' '.join(DEFAULT_CASES)}")
    add("--rooms", type=int, help="one case of this many rooms")
    add("--people", type=int, default=3, help="people per room, with --rooms (default 3)")
    add("--seconds", type=float, default=15.0, help="counted seconds of each run (default 15)")
    add("--warm-up", type=float, default=measure.WARM_UP_S, help="seconds before them (default 2)")
    add(
        "--against",
        action="append",
        choices=PEERS,
        help="a peer in the same run (default floor); janus: all in a namespace",
    )
    add("--only", action="append", choices=("balie", *PEERS), help="these contenders and no other")
    add("--runs", type=int, default=1, help="repeat, and show medians")
    add("--namespace", action="store_true", help="over veth into a network namespace, not over loopback (root)")
    add("--coalesce-us", type=int, default=COALESCE_US, help="wait under load, for all but janus (default: balie's)")
    add("--no-gso", action="store_true", help="let the floor send without segmentation offload")
    add("--results", type=Path, default=RESULTS, help="append JSON lines here")
    add("--date", help="for the JSON lines, ISO 8601; default now")
    return parser.parse_args(words)


def cases(options: argparse.Namespace) -> list[Crowd]:
    if options.rooms:
        return [Crowd(options.rooms, options.people)]
    crowds = []
    for text in options.case or DEFAULT_CASES:
        rooms, _, people = text.partition("x")
        crowds.append(Crowd(int(rooms), int(people or 3)))
    return crowds


def contenders(options: argparse.Namespace) -> list[str]:
    """Who runs, without those that cannot run here; says so."""
    names = options.only or ["balie", *(options.against or ["floor"])]
    no_compiler = None if floor.compiler() else "no C compiler (Debian: apt-get install gcc libc6-dev)"
    missing = {
        "floor": no_compiler,
        "eager-floor": no_compiler,
        "janus": janus.why_not() or places.why_no_namespace(),
    }
    for name in names:
        if missing.get(name):
            print(f"{name} is left out: {missing[name]}", file=sys.stderr)
    return [name for name in dict.fromkeys(names) if not missing.get(name)]


def make(name: str, options: argparse.Namespace) -> measure.Make:
    def contender(place: Place, load: Load) -> Contender:
        match name:
            case "balie":
                return Balie(place, load, options.coalesce_us)
            case "plane":
                return Plane(place, load, options.coalesce_us)
            case "arrays":
                return Plane(place, load, options.coalesce_us, compiled=False)
            case "janus":
                return janus.Janus(place, load)
            case "eager-floor":
                return Floor(place, load, FloorOptions(0, gso=False, name=name))
            case _:
                return Floor(place, load, FloorOptions(options.coalesce_us, not options.no_gso))

    return contender


@contextlib.contextmanager
def place_for(names: Sequence[str], options: argparse.Namespace) -> Iterator[Place]:
    if options.namespace or "janus" in names:
        with places.namespace() as place:
            yield place
    else:
        yield LOOPBACK


def append(path: Path, line: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def median_of(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The run with the median cost: one real run, so that its numbers belong together."""
    middle = statistics.median_low(line["cpu_us_per_packet"] for line in lines)
    return next(line for line in lines if line["cpu_us_per_packet"] == middle)


def run(options: argparse.Namespace) -> None:
    names = contenders(options)
    stamp = origin(options.date)
    for crowd in cases(options):
        lines: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for _ in range(options.runs):
            for name in names:
                # Each contender gets a path of its own making: nothing of the one before is left in it.
                with place_for(names, options) as place:
                    line = measure.case(make(name, options), place, crowd, options.seconds, options.warm_up)
                lines[name].append(line)
                append(options.results, {**stamp, **line})
        print(report(crowd, [median_of(lines[name]) for name in names]), flush=True)


def _stop(_number: int, _frame: types.FrameType | None) -> NoReturn:
    raise SystemExit(1)  # so that contenders and namespaces are cleaned up on the way out


def main(words: Sequence[str] | None = None) -> None:
    signal.signal(signal.SIGTERM, _stop)
    options = arguments(words)
    try:
        run(options)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
