"""Where contender and generator meet: on loopback, or over a veth pair into a network namespace.

A namespace is made for one run and removed with it, also on failure and Ctrl-C.  Needs root and iproute2.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.wire import ip_number


@dataclass(frozen=True)
class Place:
    """host: the contender's address.  base_address: of connection 0.  prefix: what runs a command there."""

    name: str
    host: str
    base_address: int
    prefix: tuple[str, ...] = ()
    interface: str = "lo"


LOOPBACK = Place("loopback", "127.0.0.1", ip_number("127.64.1.0"))
# RFC 2544 C.2.2: 198.18.0.0/15 is set aside for benchmarks, so nobody's network is in the way.
HOST_END, CONTENDER_END = "198.18.0.1", "198.18.0.2"
CLIENTS, CLIENTS_FIRST = "198.19.0.0/16", "198.19.1.0"


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")


def why_no_namespace() -> str | None:
    """What is missing for a namespace; None when nothing is."""
    if shutil.which("ip") is None:
        return "network namespaces need iproute2 (Debian: apt-get install iproute2)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    return None


@contextmanager
def namespace() -> Iterator[Place]:
    """A namespace whose one interface leads to us.  RuntimeError says what is missing."""
    missing = why_no_namespace()
    if missing:
        raise RuntimeError(missing)
    name, outer, inner = f"bench{os.getpid()}", f"bo{os.getpid()}", f"bi{os.getpid()}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
        _ip("address", "add", f"{HOST_END}/30", "dev", outer)
        _ip("link", "set", outer, "up")
        # AnyIP: the whole range is ours, without an address each.
        _ip("route", "add", "local", CLIENTS, "dev", outer)
        for arguments in (
            ("address", "add", f"{CONTENDER_END}/30", "dev", inner),
            ("link", "set", inner, "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", HOST_END),
        ):
            _ip("-n", name, *arguments)
        yield Place("namespace", CONTENDER_END, ip_number(CLIENTS_FIRST), ("ip", "netns", "exec", name), inner)
    finally:
        # The veth pair goes with the namespace; asked for first, so that its address is free at once.
        subprocess.run(["ip", "link", "del", outer], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
