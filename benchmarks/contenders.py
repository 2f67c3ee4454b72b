"""What is measured: a forwarder as a process, and how a crowd joins it.  Here: the contract and the floor."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.keys import PROFILE, KeyPair
from benchmarks.load import Joined, Load
from benchmarks.places import Place
from benchmarks.sdp import URI_AUDIO_LEVEL, URI_MID, URI_TRANSPORT_CC, Description
from benchmarks.sender import StreamSpec

ROOT = Path(__file__).parent.parent
FLOOR_PORT = 20_999
STOP_MAX_S = 15


class Contender(Protocol):
    """start() returns when it listens; join() when all connections of the crowd have keys; stop() may tell a story."""

    name: str

    @property
    def pid(self) -> int: ...
    def start(self) -> None: ...
    def join(self) -> Joined: ...
    def stop(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class FloorOptions:
    """name: of the row in the results."""

    coalesce_us: int = 0
    gso: bool = True
    name: str = "floor"


class Floor:
    """The C loop.  Nothing to join: keys and routes are told beforehand."""

    def __init__(self, place: Place, load: Load, options: FloorOptions) -> None:
        self._place, self._load, self._options = place, load, options
        self.name = options.name
        self._folder = tempfile.TemporaryDirectory(prefix="bench-floor-")
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        routes = Path(self._folder.name) / "routes.json"
        routes.write_text(json.dumps(self._routes()))
        command = [*self._place.prefix, sys.executable, "-m", "benchmarks.floor", "--host", self._place.host]
        command += ["--port", str(FLOOR_PORT), "--routes", str(routes)]
        command += ["--coalesce-us", str(self._options.coalesce_us)] + ["--gso"] * self._options.gso
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        wait_for_line(self._process, "ready")

    def _routes(self) -> dict[str, Any]:
        load, crowd = self._load, self._load.crowd
        peers: list[list[Any]] = []
        tracks: list[list[int]] = []
        subscriptions: list[list[int]] = []
        for connection in range(crowd.connections):
            keys = KeyPair.random()
            load.keyring.install(connection, keys)
            address = self._place.base_address + connection
            peers.append([address, load.port, keys.send.hex(), keys.receive.hex()])
        for stream in range(crowd.streams):
            others = crowd.others(stream >> 1)
            tracks.append([crowd.ssrc(stream), stream & ~1, len(subscriptions), len(others)])
            for other in others:
                number = len(subscriptions)
                subscriptions.append([0x8000_0000 | number, 2 * other + 1, 1000 + number])
        return {"profile": PROFILE, "peers": peers, "tracks": tracks, "subscriptions": subscriptions}

    def join(self) -> Joined:
        crowd = self._load.crowd
        specs = [StreamSpec(crowd.ssrc(stream), 111 if stream & 1 else 96) for stream in range(crowd.streams)]
        return Joined(specs, [(self._place.host, FLOOR_PORT)] * crowd.connections)

    def stop(self) -> dict[str, Any]:
        if self._process is None:
            return {}
        self._process.terminate()
        text, _ = self._process.communicate(timeout=STOP_MAX_S)
        self._folder.cleanup()
        lines = [line for line in text.splitlines() if line.startswith("{")]
        return dict(json.loads(lines[-1])) if lines else {}


def wait_for_line(process: subprocess.Popen[str], start: str) -> str:
    """Read a process's output up to the line that says it is ready.  RuntimeError when it ends before."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(start):
            return line
    raise RuntimeError(f"{process.args!r} ended with code {process.wait()} before it was ready")


def spec_of(answer: Description, kind: str, ssrc: int) -> StreamSpec:
    """What an answer to publish_offer agreed for one of its sections."""
    media = answer.one(kind)
    return StreamSpec(
        ssrc,
        media.payload_types[0],
        media.mid,
        media.extensions.get(URI_MID, 0),
        media.extensions.get(URI_TRANSPORT_CC, 0),
        media.extensions.get(URI_AUDIO_LEVEL, 0),
    )
