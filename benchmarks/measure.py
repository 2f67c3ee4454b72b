"""One case: start a contender, let a crowd join, play the load, read the meters.  Returns numbers, judges nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import processes
from benchmarks.contenders import Contender
from benchmarks.crowd import Crowd
from benchmarks.keys import Keyring
from benchmarks.load import Load
from benchmarks.places import Place
from benchmarks.wire import Wire

WARM_UP_S = 2.0
GENERATOR_BUSY, GENERATOR_LATE = 0.9, 0.02
"""Above these shares (of a core; of ticks later than 2 ms) the generator distorts what it measures."""

Make = Callable[[Place, Load], Contender]


@dataclass(frozen=True)
class Reading:
    spent: processes.Spent
    time_s: float
    core: tuple[int, int]
    """Busy and total ticks of the contender's core."""
    own_core: tuple[int, int]

    @classmethod
    def of(cls, pid: int, core: int, own_core: int) -> Reading:
        return cls(processes.spent(pid), time.monotonic(), processes.busy_ticks(core), processes.busy_ticks(own_core))


def _share(before: tuple[int, int], after: tuple[int, int]) -> float:
    return round((after[0] - before[0]) / max(after[1] - before[1], 1), 3)


def case(make: Make, place: Place, crowd: Crowd, seconds: float, warm_up_s: float = WARM_UP_S) -> dict[str, Any]:
    """Measure one contender under one load."""
    contender_cores, own_cores = processes.cores()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, own_cores)
    wire = Wire()
    load = Load(crowd, wire, Keyring(crowd.connections), place.base_address)
    contender = make(place, load)
    try:
        contender.start()
        processes.pin(contender.pid, contender_cores)
        idle = processes.memory(contender.pid)
        start_cpu = processes.spent(contender.pid)
        start_s = time.monotonic()
        joined = contender.join()
        join_cpu, join_s = processes.spent(contender.pid).since(start_cpu), time.monotonic() - start_s
        readings: dict[str, Reading] = {}

        def mark(which: str) -> None:
            readings[which] = Reading.of(contender.pid, min(contender_cores), min(own_cores))

        result = load.run(joined, warm_up_s, seconds, mark)
        memory, drops = processes.memory(contender.pid), processes.udp_drops(contender.pid)
        threads = processes.threads(contender.pid)
    finally:
        own_story = contender.stop()
        wire.close()
        os.sched_setaffinity(0, before)
    return {
        "contender": contender.name,
        "place": place.name,
        "load": {
            "rooms": crowd.rooms,
            "people": crowd.people,
            "seconds": seconds,
            "packets_in_per_s": crowd.packets_in_per_s,
            "packets_out_per_s": crowd.packets_out_per_s,
        },
        **_cost(readings["start"], readings["end"], result["delivered"]),
        "join_cpu_ms": round(join_cpu.total_s / crowd.clients * 1000, 2),
        "join_s": round(join_s, 2),
        "memory_idle_mb": idle.resident_mb,
        "memory_mb": memory.resident_mb,
        "memory_idle_pss_mb": idle.proportional_mb,
        "memory_pss_mb": memory.proportional_mb,
        "memory_idle_once_mb": idle.once_mb,
        "memory_once_mb": memory.once_mb,
        "memory_peak_mb": memory.peak_mb,
        "threads": threads,
        "receive_drops": drops,
        **result,
        "trustworthy": trustworthy(result["generator"]),
        "own": own_story,
    }


def _cost(start: Reading, end: Reading, delivered: int) -> dict[str, float]:
    spent, elapsed_s = end.spent.since(start.spent), end.time_s - start.time_s
    each = 1e6 / max(delivered, 1)
    return {
        "cpu_us_per_packet": round(spent.total_s * each, 3),
        "cpu_user_us_per_packet": round(spent.user_s * each, 3),
        "cpu_system_us_per_packet": round(spent.system_s * each, 3),
        "cpu_share": round(spent.total_s / elapsed_s, 3),
        "core_busy_share": _share(start.core, end.core),
        "generator_core_busy_share": _share(start.own_core, end.own_core),
    }


def trustworthy(generator: dict[str, float]) -> bool:
    """Whether the generator kept up: else its lateness and losses are in the contender's numbers."""
    return (
        generator["cpu_share"] < GENERATOR_BUSY
        and generator["late_share"] < GENERATOR_LATE
        and not generator["receive_drops"]
        and not generator["send_refused"]
    )
