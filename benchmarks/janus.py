"""Janus's videoroom as a contender: Debian's package with a configuration of the same duties as balie's.

Media only: no recording, no event handlers, no plugin but the videoroom, one HTTP port.  Threads
are as Janus makes them, one per connection; `event_loops` is left alone because it is off by default.
"""

from __future__ import annotations

import http.client
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.contenders import spec_of
from benchmarks.load import Joined, Load
from benchmarks.places import Place
from benchmarks.sdp import parse, publish_offer, subscribe_answer
from benchmarks.sender import StreamSpec

PORT = 18_088
START_MAX_S = 15.0
EVENT_MAX_S = 10.0
PLUGIN = "janus.plugin.videoroom"
PLUGINS = Path("/usr/lib/x86_64-linux-gnu/janus")

CORE = """general: {{
    configs_folder = "{folder}"
    plugins_folder = "{library}/plugins"
    transports_folder = "{library}/transports"
    events_folder = "{library}/events"
    loggers_folder = "{library}/loggers"
    debug_level = 2
    log_to_stdout = false
    log_to_file = "{folder}/log"
    session_timeout = 0
}}
media: {{ ipv6 = false }}
nat: {{ ice_lite = true, ice_enforce_list = "{interface}" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
events: {{ broadcast = false }}
"""
HTTP = """general: {{
    json = "compact"
    base_path = "/janus"
    http = true
    port = {port}
    ip = "{host}"
    https = false
}}
admin: {{ admin_http = false, admin_https = false }}
"""
VIDEOROOM = "general: {}\n"


def why_not() -> str | None:
    """What is missing to run Janus; None when nothing is."""
    if shutil.which("janus") is None:
        return "janus is not installed (Debian: apt-get install janus)"
    if not _library().is_dir():
        return f"janus has no plugins at {_library()}"
    return None


def _library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/janus/plugins"))
    return found[0].parent if found else PLUGINS


def version() -> str:
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "janus"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


class Janus:
    name = "janus"

    def __init__(self, place: Place, load: Load) -> None:
        self._place, self._load = place, load
        self._folder = tempfile.TemporaryDirectory(prefix="bench-janus-")
        self._process: subprocess.Popen[bytes] | None = None
        self._http: http.client.HTTPConnection | None = None
        self._numbers = itertools.count(1)
        self._events: dict[int, list[dict[str, Any]]] = defaultdict(list)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        folder, library = Path(self._folder.name), _library()
        others = {
            kind: ",".join(one.name for one in (library / kind).glob("*.so") if one.name != wanted)
            for kind, wanted in (("plugins", "libjanus_videoroom.so"), ("transports", "libjanus_http.so"))
        }
        core = CORE.format(folder=folder, library=library, interface=self._place.interface, **others)
        (folder / "janus.jcfg").write_text(core)
        (folder / "janus.transport.http.jcfg").write_text(HTTP.format(port=PORT, host=self._place.host))
        (folder / f"{PLUGIN}.jcfg").write_text(VIDEOROOM)
        self._process = subprocess.Popen(
            [*self._place.prefix, "janus", "-F", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        give_up = time.monotonic() + START_MAX_S
        while True:
            try:
                self._http = http.client.HTTPConnection(self._place.host, PORT, timeout=EVENT_MAX_S)
                self._call("GET", "/janus/info", None)
                return
            except OSError:
                if time.monotonic() > give_up or self._process.poll() is not None:
                    log = folder / "log"
                    raise RuntimeError(
                        f"janus does not start: {log.read_text()[-800:] if log.exists() else ''}"
                    ) from None
                time.sleep(0.1)

    def join(self) -> Joined:
        load, crowd = self._load, self._load.crowd
        admin = self._session()
        handle = self._attach(admin)
        for room in range(crowd.rooms):
            body = {
                "request": "create",
                "room": room + 1,
                "publishers": crowd.people,
                "audiocodec": "opus",
                "videocodec": "vp8",
            }
            self._message(admin, handle, body)
        specs: list[StreamSpec | None] = [None] * crowd.streams
        for room in range(crowd.rooms):
            clients = range(room * crowd.people, (room + 1) * crowd.people)
            sessions, feeds = {}, {}
            for client in clients:
                sessions[client] = self._session()
                feeds[client] = self._publish(client, sessions[client], specs)
            for client in clients:
                self._subscribe(client, sessions[client], [feeds[other] for other in crowd.others(client)])
        done = [spec for spec in specs if spec is not None]
        return Joined(done, [load.peers.target(connection) for connection in range(crowd.connections)])

    def _publish(self, client: int, session: int, specs: list[StreamSpec | None]) -> int:
        load, crowd, connection = self._load, self._load.crowd, 2 * client
        video, audio = 2 * client, 2 * client + 1
        local = load.open(connection)
        handle = self._attach(session)
        body = {
            "request": "joinandconfigure",
            "room": crowd.room_of(client) + 1,
            "ptype": "publisher",
            "display": f"{client}",
        }
        offer = publish_offer(local, crowd.ssrc(audio), crowd.ssrc(video))
        self._message(session, handle, body, {"type": "offer", "sdp": offer})
        event = self._event(session, handle)
        answer = parse(event["jsep"]["sdp"])
        load.connect(connection, answer.remote)
        for kind, stream in (("audio", audio), ("video", video)):
            specs[stream] = spec_of(answer, kind, crowd.ssrc(stream))
        return int(event["plugindata"]["data"]["id"])

    def _subscribe(self, client: int, session: int, feeds: list[int]) -> None:
        load, crowd, connection = self._load, self._load.crowd, 2 * client + 1
        local = load.open(connection)
        handle = self._attach(session)
        body = {
            "request": "join",
            "room": crowd.room_of(client) + 1,
            "ptype": "subscriber",
            "streams": [{"feed": feed} for feed in feeds],
        }
        self._message(session, handle, body)
        offer = parse(self._event(session, handle)["jsep"]["sdp"])
        answer = subscribe_answer(local, offer)
        self._message(session, handle, {"request": "start"}, {"type": "answer", "sdp": answer})
        load.connect(connection, offer.remote)

    def stop(self) -> dict[str, Any]:
        if self._http is not None:
            self._http.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()
        return {}

    # -- Janus's HTTP API ------------------------------------------------------------------------

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        assert self._http is not None
        text = None
        if body is not None:
            text = json.dumps({**body, "transaction": str(next(self._numbers))})
        self._http.request(method, path, text, {"Content-Type": "application/json"})
        answer = json.loads(self._http.getresponse().read())
        if isinstance(answer, dict) and answer.get("janus") == "error":
            raise RuntimeError(f"janus: {answer}")
        return answer

    def _session(self) -> int:
        return int(self._call("POST", "/janus", {"janus": "create"})["data"]["id"])

    def _attach(self, session: int) -> int:
        answer = self._call("POST", f"/janus/{session}", {"janus": "attach", "plugin": PLUGIN})
        return int(answer["data"]["id"])

    def _message(self, session: int, handle: int, body: dict[str, Any], jsep: dict[str, str] | None = None) -> None:
        message = {"janus": "message", "body": body, **({"jsep": jsep} if jsep else {})}
        self._call("POST", f"/janus/{session}/{handle}", message)

    def _event(self, session: int, handle: int) -> dict[str, Any]:
        """The next event of a handle that carries a description."""
        give_up = time.monotonic() + EVENT_MAX_S
        while time.monotonic() < give_up:
            for event in self._call("GET", f"/janus/{session}?maxev=10", None):
                if event.get("janus") == "event" and event.get("sender") == handle:
                    data = event["plugindata"]["data"]
                    if "error" in data:
                        raise RuntimeError(f"janus: {data}")
                    if "jsep" in event:
                        return dict(event)
        raise TimeoutError("janus sent no answer")
