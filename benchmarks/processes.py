"""Other processes from outside: which core they may use, what they spent, how much memory they hold.  Linux."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """CPU seconds of a process and all its threads since it started.

    The sum is exact (the scheduler's own clock, scaled by the kernel's cputime_adjust); the split
    between user and system is by sampling at timer ticks, so it wants seconds of run to mean much.
    """

    user_s: float
    system_s: float

    @property
    def total_s(self) -> float:
        return self.user_s + self.system_s

    def since(self, before: Spent) -> Spent:
        return Spent(self.user_s - before.user_s, self.system_s - before.system_s)


def spent(pid: int) -> Spent:
    # The name in parentheses may hold spaces: count fields after the last parenthesis (proc(5)).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Spent(int(fields[11]) / TICKS, int(fields[12]) / TICKS)


@dataclass(frozen=True)
class Memory:
    resident_mb: float
    peak_mb: float


def memory(pid: int) -> Memory:
    """Megabytes of 10**6 bytes, as in the promise."""
    values = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key in ("VmRSS", "VmHWM"):
            values[key] = int(value.split()[0]) * 1024 / 1e6
    return Memory(round(values["VmRSS"], 1), round(values["VmHWM"], 1))


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def udp_drops(pid: int) -> int:
    """Datagrams dropped at the sockets of the process's network namespace because nobody read them in time."""
    drops = 0
    for table in ("udp", "udp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        inodes = _socket_inodes(pid)
        drops += sum(int(line.split()[12]) for line in lines if line.split()[9] in inodes)
    return drops


def _socket_inodes(pid: int) -> set[str]:
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def cores() -> tuple[set[int], set[int]]:
    """(core for the contender, core for the generator); the same one when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return {usable[0]}, {usable[-1]}


def pin(pid: int, where: set[int]) -> None:
    """All threads that exist now; those made later inherit."""
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), where)


def busy_ticks(core: int) -> tuple[int, int]:
    """(busy, total) ticks of a core so far, to see whether somebody else used it."""
    for line in Path("/proc/stat").read_text().splitlines():
        fields = line.split()
        if fields[0] == f"cpu{core}":
            ticks = [int(value) for value in fields[1:9]]
            return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
    raise ValueError(f"there is no core {core}")


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def own_cpu_s() -> float:
    return time.process_time()
