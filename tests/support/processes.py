"""`balie` in a process of its own, on ports that are free, for tests that come from outside."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import nursery
from tests.support.nursery import Forked
from tests.support.tree import ROOT

STOP_S = 15
PORTS = (12_000, 32_000)


def free_port(kind: socket.SocketKind) -> int:
    """Free for TCP and for UDP: media wants both on one number.

    Below those that connections get (32768 on Linux): one of them could have it by the time somebody listens there.
    """
    other = socket.SOCK_DGRAM if kind == socket.SOCK_STREAM else socket.SOCK_STREAM
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        with socket.socket(socket.AF_INET, kind) as probe, socket.socket(socket.AF_INET, other) as beside:
            try:
                probe.bind(("127.0.0.1", port))
                beside.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@dataclass
class Running:
    """A running balie.  links: by role, what `balie demo` printed."""

    process: subprocess.Popen[str] | Forked
    port: int
    links: dict[str, str]

    @property
    def media_pid(self) -> int:
        """Of its media process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (found,) = [pid for pid in children if b"media.process" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return int(found)

    @property
    def database(self) -> Path:
        """The file of its SQLite database."""
        opened = {os.path.realpath(each) for each in Path(f"/proc/{self.process.pid}/fd").iterdir()}
        (found,) = [Path(each) for each in opened if each.endswith("/balie.sqlite")]
        return found

    def stop(self) -> str:
        """Ask it to stop; returns what it wrote to standard error."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.communicate(timeout=STOP_S)[1]
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler writes where every thread stands
            raise AssertionError(f"it does not stop:\n{self.process.communicate()[1]}") from None


def _start(*arguments: str, within: Sequence[str] = ()) -> subprocess.Popen[str] | Forked:
    """within: a command that runs another one somewhere else, such as tests.support.namespace gives."""
    if not within:
        return nursery.start(arguments)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BALIE_")}
    environment["PYTHONFAULTHANDLER"] = "1"
    return subprocess.Popen(
        [*within, sys.executable, "-m", "balie", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def demo(within: Sequence[str] = ()) -> Iterator[Running]:
    """`balie demo`, and the links it prints."""
    port, media_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    process = _start("demo", "--port", str(port), "--media-port", str(media_port), within=within)
    running = Running(process, port, {})
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if (found := re.match(r"(Burger|Medewerker|Derde).*: (http\S+)$", line)) is not None:
                role = {"Burger": "citizen", "Medewerker": "staff", "Derde": "third"}[found[1]]
                running.links[role] = found[2]
            if len(running.links) == 3:
                break
        assert len(running.links) == 3, process.communicate()[1]
        yield running
    finally:
        written = running.stop()
    assert "Traceback" not in written, written


def serve(config: Path, port: int, within: Sequence[str] = ()) -> Running:
    """`balie serve`, once it says that it has started."""
    process = _start("serve", "--config", str(config), within=within)
    assert process.stderr is not None
    written = ""
    for line in process.stderr:
        if '"started"' in line:
            break
        written += line
    else:
        raise AssertionError(written)
    return Running(process, port, {})


def token(config: Path, *arguments: str) -> str:
    """What `balie token` prints."""
    command = [sys.executable, "-m", "balie", "token", "--config", str(config), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]
