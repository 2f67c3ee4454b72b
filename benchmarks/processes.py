"""Other processes from outside: which core they may use, what they spent, how much memory they hold.  Linux.

A process here is one with all its descendants: what works for a server in a child of its own is part of its cost.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PRESENT_IN_FILE = np.uint64(1 << 63 | 1 << 61)


def family(pid: int) -> list[int]:
    """A process and its descendants as of now, itself first.  FileNotFoundError: it has ended."""
    os.stat(f"/proc/{pid}")
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            children.setdefault(int(fields[1]), []).append(int(name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/pid/stat from the state on (proc(5)); none when it has ended."""
    try:
        # The name in parentheses may hold spaces: count fields after the last parenthesis.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


@dataclass(frozen=True)
class Spent:
    """CPU seconds of a process, its descendants and all their threads since they started.

    The sum is exact (the scheduler's own clock, scaled by the kernel's cputime_adjust); the split
    between user and system is by sampling at timer ticks, so it wants seconds of run to mean much.
    What a descendant spent is gone from it with the descendant.
    """

    user_s: float
    system_s: float

    @property
    def total_s(self) -> float:
        return self.user_s + self.system_s

    def since(self, before: Spent) -> Spent:
        return Spent(self.user_s - before.user_s, self.system_s - before.system_s)


def spent(pid: int) -> Spent:
    stats = [fields for each in family(pid) if (fields := _stat(each))]
    return Spent(sum(int(each[11]) for each in stats) / TICKS, sum(int(each[12]) for each in stats) / TICKS)


@dataclass(frozen=True)
class Memory:
    """Of a process and its descendants together.

    resident_mb      RSS: a page that several of them have counts in each
    proportional_mb  PSS: a page counts once, in equal parts for all who have it, strangers to the family too
    once_mb          a page counts once, whoever else has it: what a machine of their own gives them
    peak_mb          the sum of each one's highest RSS, whenever that was
    """

    resident_mb: float
    proportional_mb: float
    once_mb: float
    peak_mb: float


def memory(pid: int) -> Memory:
    """Megabytes of 10**6 bytes.  All but RSS takes the right to trace the processes: their user has it, and root."""
    values = {"VmRSS": 0, "Pss": 0, "Pss_Anon": 0, "VmHWM": 0}
    files: dict[str, set[int]] = {}
    for each in family(pid):
        for line in _lines(f"/proc/{each}/status") + _lines(f"/proc/{each}/smaps_rollup"):
            key, _, value = line.partition(":")
            if key in values:
                values[key] += int(value.split()[0]) * 1024
        for name, pages in _file_pages(each):
            files.setdefault(name, set()).update(pages)
    # Of what is in no file nobody but the family has a part: there are no strangers that it was forked from.
    once = values["Pss_Anon"] + sum(map(len, files.values())) * PAGE
    return Memory(*(round(each / 1e6, 1) for each in (values["VmRSS"], values["Pss"], once, values["VmHWM"])))


def _file_pages(pid: int) -> Iterator[tuple[str, list[int]]]:
    """Pages of files (device and inode, and which) that a process has in memory: proc_pid_pagemap(5)."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        for line in _lines(f"/proc/{pid}/maps"):
            addresses, _, offset, device, inode, *_ = line.split()
            if inode == "0":
                continue
            first, end = (int(each, 16) // PAGE for each in addresses.split("-"))
            pagemap.seek(first * 8)
            entries = np.frombuffer(pagemap.read((end - first) * 8), np.uint64)
            there = (entries & PRESENT_IN_FILE) == PRESENT_IN_FILE
            yield f"{device} {inode}", (int(offset, 16) // PAGE + np.flatnonzero(there)).tolist()


def threads(pid: int) -> int:
    return sum(len(_names(f"/proc/{each}/task")) for each in family(pid))


def udp_drops(pid: int) -> int:
    """Datagrams dropped at the process's sockets because nobody read them in time."""
    inodes = {inode for each in family(pid) for inode in _socket_inodes(each)}
    drops = 0
    for table in ("udp", "udp6"):  # of its network namespace
        lines = _lines(f"/proc/{pid}/net/{table}")[1:]
        drops += sum(int(line.split()[12]) for line in lines if line.split()[9] in inodes)
    return drops


def _socket_inodes(pid: int) -> set[str]:
    found = set()
    for name in _names(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def _lines(path: str) -> list[str]:
    """Of a file in /proc; none when the process has ended."""
    try:
        return Path(path).read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return []


def cores() -> tuple[set[int], set[int]]:
    """(core for the contender, core for the generator); the same one when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return {usable[0]}, {usable[-1]}


def pin(pid: int, where: set[int]) -> None:
    """All threads of it and its descendants that exist now; those made later inherit."""
    for each in family(pid):
        for task in _names(f"/proc/{each}/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task), where)


def busy_ticks(core: int) -> tuple[int, int]:
    """(busy, total) ticks of a core so far, to see whether somebody else used it."""
    for line in Path("/proc/stat").read_text().splitlines():
        fields = line.split()
        if fields[0] == f"cpu{core}":
            ticks = [int(value) for value in fields[1:9]]
            return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
    raise ValueError(f"there is no core {core}")


def machine_ticks() -> tuple[int, int]:
    """(busy, total) ticks of all cores together so far."""
    ticks = [int(value) for value in _lines("/proc/stat")[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def own_cpu_s() -> float:
    return time.process_time()
