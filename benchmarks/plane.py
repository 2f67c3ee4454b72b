"""balie's media plane alone, without web and signalling: what tuning the data path looks at.

As a process (`python -m benchmarks.plane FILE`) it opens the transports, tracks and subscriptions of a
crowd by the engine's own API and prints the ICE credentials; as a contender it lets the crowd connect.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.contenders import ROOT, STOP_MAX_S, wait_for_line
from benchmarks.crowd import Crowd
from benchmarks.load import Joined, Load
from benchmarks.places import Place
from benchmarks.sdp import EXTENSIONS, OPUS, RTX, VP8, Remote
from benchmarks.sender import StreamSpec
from media.core.engine import Engine
from media.core.model import Codec, ParticipantId, ReceiveSpec, RoomId, SendSpec, TransportId
from media.io.binding import Binding
from media.io.server import MediaServer

PLANE_PORT = 20_998
COALESCE_US = Binding.coalesce_us


def receive_spec(kind: str, ssrc: int) -> ReceiveSpec:
    if kind == "audio":
        codec = Codec("OPUS", 48_000, 2)
        return ReceiveSpec(
            "audio", "microphone", "0", codec, OPUS, None, ssrc, None, EXTENSIONS["audio"], transport_cc=True
        )
    codec = Codec("VP8", 90_000)
    both = EXTENSIONS["video"]
    return ReceiveSpec(
        "video", "camera", "1", codec, VP8, RTX, ssrc, ssrc + 1, both, nack=True, pli=True, transport_cc=True
    )


def send_spec(kind: str, mid: int) -> SendSpec:
    if kind == "audio":
        return SendSpec(str(mid), OPUS, None, EXTENSIONS["audio"])
    return SendSpec(str(mid), VP8, RTX, EXTENSIONS["video"], nack=True)


def join_all(engine: Engine, crowd: Crowd) -> list[TransportId]:
    """Transports, tracks and subscriptions of a whole crowd; returns the transports by connection."""
    transports = [engine.open_transport(0)[0] for _ in range(crowd.connections)]
    tracks = []
    for stream in range(crowd.streams):
        kind, client = ("audio" if stream & 1 else "video"), stream >> 1
        room, participant = RoomId(str(crowd.room_of(client))), ParticipantId(str(client))
        spec = receive_spec(kind, crowd.ssrc(stream))
        tracks.append(engine.add_track(transports[2 * client], room, participant, spec))
    for client in range(crowd.clients):
        streams = [stream for other in crowd.others(client) for stream in (2 * other, 2 * other + 1)]
        for mid, stream in enumerate(streams):
            kind = "audio" if stream & 1 else "video"
            engine.add_subscription(transports[2 * client + 1], tracks[stream], send_spec(kind, mid))
    return transports


async def serve(orders: dict[str, Any]) -> None:
    binding = Binding(
        hosts=(orders["host"],),
        port=orders["port"],
        coalesce_us=orders["coalesce_us"],
        compiled=orders["compiled"],
    )
    server = MediaServer(binding)
    await server.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    transports = join_all(server.engine, Crowd(orders["rooms"], orders["people"]))
    credentials = []
    for transport in transports:
        server.expect_fingerprints(transport, [tuple(orders["fingerprint"])])
        ice = server.engine.restart_ice(transport)
        credentials.append((ice.ufrag, ice.pwd))
    story = {"fingerprint": server.fingerprint, "credentials": credentials}
    print(json.dumps(story), flush=True)
    await stopped.wait()
    print(json.dumps({"drops": server.engine.drops(), "totals": server.engine.totals()}), flush=True)
    await server.close()


class Plane:
    """The contender.  compiled: with the loops in C; else with arrays in Python, as without a compiler."""

    def __init__(self, place: Place, load: Load, coalesce_us: int = COALESCE_US, *, compiled: bool = True) -> None:
        self.name = "plane" if compiled else "arrays"
        self._place, self._load, self._coalesce_us, self._compiled = place, load, coalesce_us, compiled
        self._folder = tempfile.TemporaryDirectory(prefix="bench-plane-")
        self._process: subprocess.Popen[str] | None = None
        self._story: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        crowd = self._load.crowd
        orders = {
            "host": self._place.host,
            "port": PLANE_PORT,
            "coalesce_us": self._coalesce_us,
            "compiled": self._compiled,
            "fingerprint": self._load.peers.fingerprint,
            "rooms": crowd.rooms,
            "people": crowd.people,
        }
        path = Path(self._folder.name) / "orders.json"
        path.write_text(json.dumps(orders))
        command = [*self._place.prefix, sys.executable, "-m", "benchmarks.plane", str(path)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._story = json.loads(wait_for_line(self._process, "{"))

    def join(self) -> Joined:
        load, crowd = self._load, self._load.crowd
        target = self._place.host, PLANE_PORT
        fingerprint = tuple(self._story["fingerprint"])
        for connection, (ufrag, pwd) in enumerate(self._story["credentials"]):
            load.open(connection)
            load.connect(connection, Remote(ufrag, pwd, (fingerprint,), target))
        specs = [
            StreamSpec(crowd.ssrc(stream), OPUS if stream & 1 else VP8, "0" if stream & 1 else "1")
            for stream in range(crowd.streams)
        ]
        return Joined(specs, [target] * crowd.connections)

    def stop(self) -> dict[str, Any]:
        if self._process is None:
            return {}
        self._process.terminate()
        text, _ = self._process.communicate(timeout=STOP_MAX_S)
        self._folder.cleanup()
        lines = [line for line in text.splitlines() if line.startswith("{")]
        return dict(json.loads(lines[-1])) if lines else {}


if __name__ == "__main__":
    uvloop.run(serve(json.loads(Path(sys.argv[1]).read_text())))
