"""How the micro-benchmarks take time and print: many rounds of one small thing, percentiles, one JSON line a case."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

ROUNDS = 1_000
WARM_UP_ROUNDS = 50


def measure(once: Callable[[], object], each: int, rounds: int = ROUNDS) -> dict[str, float]:
    """Time `once`, which does something `each` times; nanoseconds of one.  p50 is the cost, p99 shows the noise."""
    for _ in range(WARM_UP_ROUNDS):
        once()
    return percentiles([timed(once) for _ in range(rounds)], each)


def timed(once: Callable[[], object]) -> int:
    """Nanoseconds of one call: for things that must be made ready anew before each."""
    start = time.perf_counter_ns()
    once()
    return time.perf_counter_ns() - start


def percentiles(took_ns: Sequence[int], each: int) -> dict[str, float]:
    p50, p99 = np.percentile(np.array(took_ns) / each, [50, 99])
    return {"ns_p50": round(float(p50), 1), "ns_p99": round(float(p99), 1)}


def emit(benchmark: str, case: Mapping[str, object], numbers: Mapping[str, float]) -> None:
    versions = {"python": platform.python_version(), "numpy": np.__version__, "cpus": os.cpu_count()}
    print(json.dumps({"benchmark": benchmark, **case, **numbers, **versions}), flush=True)
