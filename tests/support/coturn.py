"""A real TURN server (Debian's coturn) in a process of its own, with a secret that it shares with balie."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SECRET = "a secret of this test, 32 bytes"
_CONFIG = """
listening-ip={host}
relay-ip={host}
listening-port={port}
realm=balie.example
use-auth-secret
static-auth-secret={secret}
allow-loopback-peers
userdb={folder}/users
pidfile={folder}/pid
log-file=stdout
verbose
no-tls
no-dtls
no-cli
no-multicast-peers
"""
_LISTENERS = ("TCP listener opened", "UDP listener opened")


@contextmanager
def coturn(folder: Path, host: str, port: int, within: Sequence[str] = ()) -> Iterator[Path]:
    """Running on a loopback address, from which it relays to others; gives a file with its secret."""
    program = shutil.which("turnserver") or "/usr/bin/turnserver"
    assert Path(program).exists(), "coturn is missing: apt-get install coturn"
    secret, config = folder / "turn.key", folder / "turnserver.conf"
    secret.write_text(f"{SECRET}\n")
    config.write_text(_CONFIG.format(host=host, port=port, secret=SECRET, folder=folder))
    process = subprocess.Popen(
        [*within, program, "-c", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    )
    try:
        assert process.stdout is not None
        heard = ""
        while not all(each in heard for each in _LISTENERS):
            line = process.stdout.readline()
            assert line, f"coturn did not start: {heard}"
            heard += line
        reading = threading.Thread(target=process.stdout.read)  # a full pipe would hold it up
        reading.start()
        yield secret
    finally:
        process.terminate()
        process.wait(timeout=15)
        reading.join(timeout=15)
        if process.stdout is not None:
            process.stdout.close()
