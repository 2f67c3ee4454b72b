"""Programs that start in half a second: a process that has read every module of balie forks one for each that is asked
for.  What the fork runs is the command line's own main(), in a process of its own, as `python -m balie` would.

Without it, a third of the time of the tests in browsers went into reading the same modules a hundred times.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NoReturn

from sqlalchemy import Connection, create_engine

from tests.support.tree import ROOT

REQUEST_MAX = 1 << 16


class Forked:
    """A running program, with the part of subprocess.Popen's face that tests use."""

    def __init__(self, pid: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.stdout: IO[str] = os.fdopen(stdout)
        self.stderr: IO[str] = os.fdopen(stderr)
        self._said: tuple[str, str] | None = None
        try:
            self._ended: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._ended = None  # already

    def poll(self) -> int | None:
        """None while it runs."""
        return None if self._ended is not None and not self._wait(0) else 0

    def send_signal(self, which: int) -> None:
        if self._ended is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._ended, which)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it still writes until it ends, also when asked again.  subprocess.TimeoutExpired."""
        if self._said is not None:
            return self._said
        if not self._wait(timeout):
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        said = ["", ""]
        readers = [
            threading.Thread(target=lambda at=at, file=file: said.__setitem__(at, file.read()))
            for at, file in enumerate((self.stdout, self.stderr))
        ]
        for each in readers:
            each.start()
        for each in readers:
            each.join()
        self.stdout.close()
        self.stderr.close()
        if self._ended is not None:
            os.close(self._ended)
            self._ended = None
        self._said = said[0], said[1]
        return self._said

    def _wait(self, timeout: float | None) -> bool:
        if self._ended is None:
            return True
        return bool(select.select([self._ended], [], [], timeout)[0])


def start(arguments: Sequence[str]) -> Forked:
    """`balie ARGUMENTS`, running."""
    control = _nursery()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    socket.send_fds(control, [json.dumps(list(arguments)).encode()], [out_write, err_write])
    os.close(out_write)
    os.close(err_write)
    pid = int(control.recv(16))
    return Forked(pid, out_read, err_read)


@functools.cache
def _nursery() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BALIE_")}
    environment["PYTHONFAULTHANDLER"] = "1"
    command = [sys.executable, "-m", "tests.support.nursery", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()])
    theirs.close()

    def end() -> None:
        ours.close()  # it ends when nobody can ask it for more
        process.wait()

    atexit.register(end)
    return ours


def main(control: socket.socket) -> None:
    """The nursery: until the other end closes."""
    import uvloop  # noqa: F401, for those that are forked

    import balie.app
    import balie.demo  # noqa: F401
    from balie.store import migrate

    _rehearse(migrate.upgrade)
    # What was made until here lives as long as each fork: its collections need not walk over it, nor copy its pages.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who ends is nobody's zombie
    while True:
        request, files, _, _ = socket.recv_fds(control, REQUEST_MAX, 2)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _become(json.loads(request), *files)
        for each in files:
            os.close(each)
        control.send(str(pid).encode())


def _rehearse(upgrade: Callable[[Connection], None]) -> None:
    """Tables in memory, made once and thrown away: what that reads and compiles, each fork finds there."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()


def _become(arguments: list[str], out: int, err: int) -> NoReturn:
    from balie import cli

    for file, place in ((out, 1), (err, 2)):
        os.dup2(file, place)
        os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    random.seed()
    status = 1
    try:
        status = cli.main(arguments)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(ROOT)))
    main(socket.socket(fileno=int(sys.argv[1])))
