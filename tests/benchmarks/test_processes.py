"""A process is metered with its children: what works in a child is part of the cost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks import processes

CHILD = "import sys; sum(range(3_000_000)); print('ready', flush=True); sys.stdin.read()"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=sys.stdin)
child.wait()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A process whose child has worked and waits."""
    running = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    yield running
    running.communicate()


def test_a_family_is_a_process_and_its_children(parent: subprocess.Popen[str]) -> None:
    first, child = processes.family(parent.pid)
    assert first == parent.pid
    assert processes.family(child) == [child]
    assert parent.pid in processes.family(os.getpid())


def test_what_children_spend_and_hold_counts(parent: subprocess.Popen[str]) -> None:
    _, child = processes.family(parent.pid)
    assert processes.spent(parent.pid).total_s >= processes.spent(child).total_s > 0
    both, one = processes.memory(parent.pid), processes.memory(child)
    assert both.resident_mb > one.resident_mb > 1
    assert both.resident_mb > both.once_mb > both.proportional_mb, "they share Python, and with us"
    assert both.once_mb > one.once_mb > one.proportional_mb > 0
    assert processes.threads(parent.pid) == 2
    assert processes.udp_drops(parent.pid) == 0


def test_children_are_pinned_with_it(parent: subprocess.Popen[str]) -> None:
    where, _ = processes.cores()
    processes.pin(parent.pid, where)
    assert [os.sched_getaffinity(each) for each in processes.family(parent.pid)] == [where, where]


def test_one_that_has_ended_has_no_family() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with pytest.raises(FileNotFoundError):
        processes.family(gone.pid)
