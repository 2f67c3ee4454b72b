"""A network of its own for the processes of a test, in which a packet filter drops what the test says.

Linux network namespaces and nftables, the real ones: what a firewall drops there does not arrive.  Root has them; other
users where the system lets them have user namespaces.  Pipes and files go in and out as always.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NFT = shutil.which("nft") or "/usr/sbin/nft"  # where the PATH of users does not lead


class NoNamespaceError(Exception):
    """This system gives us none; says why."""


@dataclass(frozen=True)
class Namespace:
    """within: put in front of a command, runs it in there."""

    within: tuple[str, ...]

    def run(self, *command: str) -> str:
        return subprocess.run([*self.within, *command], capture_output=True, text=True, check=True).stdout

    def drop(self, *rules: str) -> None:
        """Drop what leaves and matches, from now on.  A rule is what nft takes before the verdict."""
        self.run(NFT, "add", "table", "inet", "firewall")
        chain = "{ type filter hook output priority 0; policy accept; }"
        self.run(NFT, "add", "chain", "inet", "firewall", "out", chain)
        for rule in rules:
            self.run(NFT, "add", "rule", "inet", "firewall", "out", *rule.split(), "counter", "drop")

    def dropped(self) -> list[int]:
        """Packets that each rule dropped so far, in their order."""
        listed = self.run(NFT, "list", "chain", "inet", "firewall", "out").splitlines()
        words = [line.split() for line in listed if "counter packets" in line]
        return [int(each[each.index("packets") + 1]) for each in words]

    def program(self, path: Path, command: str) -> str:
        """A file that can be started in place of command."""
        path.write_text(f'#!/bin/sh\nexec {" ".join(self.within)} {command} "$@"\n')
        path.chmod(0o755)
        return str(path)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """NoNamespaceError."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = "ip link set lo up && echo ready && exec cat"
    holder = subprocess.Popen(
        ["unshare", *user, "--net", "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        if holder.stdout.readline() != "ready\n":
            raise NoNamespaceError(holder.communicate()[1].strip())
        entered = ["--user", "--preserve-credentials"] if user else []
        yield Namespace(("nsenter", "--target", str(holder.pid), *entered, "--net"))
    finally:
        if holder.poll() is None:
            holder.communicate(timeout=10)
