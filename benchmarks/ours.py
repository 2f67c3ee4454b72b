"""balie as a contender: `balie serve`, joined over WHIP and WHEP with tokens as a browser would have them."""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from balie.store.migrate import upgrade
from benchmarks.contenders import ROOT, STOP_MAX_S, spec_of
from benchmarks.load import Joined, Load
from benchmarks.places import Place
from benchmarks.sdp import parse, publish_offer, subscribe_offer
from benchmarks.sender import StreamSpec
from signalling.tokens import Grants, Join, Key, Tokens

HTTP_PORT, MEDIA_PORT = 20_980, 20_997
START_MAX_S = 15.0
ISSUER, KID = "bench", "bench"


class Balie:
    """prepare: called with the folder of the database before the start; returns more configuration."""

    name = "balie"

    def __init__(
        self, place: Place, load: Load, coalesce_us: int, prepare: Callable[[Path], str] = lambda _: ""
    ) -> None:
        self._place, self._load, self._coalesce_us, self._prepare = place, load, coalesce_us, prepare
        self._folder = tempfile.TemporaryDirectory(prefix="bench-balie-")
        self._process: subprocess.Popen[bytes] | None = None
        self._http: http.client.HTTPConnection | None = None
        self._secret = secrets.token_urlsafe(32)
        self._tokens = Tokens(ISSUER, (Key(KID, self._secret.encode()),))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        folder = Path(self._folder.name)
        config, log = folder / "config.toml", folder / "log"
        more = self._prepare(folder)
        compile_modules()
        bring_up_to_date(folder / "balie.sqlite")
        config.write_text(config_text(self._place.host, self._secret, self._coalesce_us) + more)
        command = [*self._place.prefix, sys.executable, "-m", "balie", "serve", "--config", str(config)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        give_up = time.monotonic() + START_MAX_S
        while not self._ready():
            if time.monotonic() > give_up or self._process.poll() is not None:
                raise RuntimeError(f"balie does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        """Whether /readyz says so; keeps the connection for joining."""
        connection = http.client.HTTPConnection(self._place.host, HTTP_PORT, timeout=START_MAX_S)
        try:
            connect(connection)
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            response.read()
        except OSError:
            connection.close()
            return False
        if response.status != 200:
            connection.close()
            return False
        self._http = connection
        return True

    def join(self) -> Joined:
        assert self._http is not None
        return Guests(self._load, self._tokens, self._http).join()

    def stop(self) -> dict[str, Any]:
        story: dict[str, Any] = {}
        if self._http is not None:
            self._http.close()
        if self._process is not None:
            self._process.terminate()
            try:
                story["exit"] = self._process.wait(STOP_MAX_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                story["exit"] = self._process.wait()
        self._folder.cleanup()
        return story


@cache
def compile_modules() -> None:
    """As an installation has them, the libraries' too: who compiles what he reads in keeps 1 MB of what that took, in
    each process, and a fresh environment compiles what is read first."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    program = "import balie.app, media.io.server"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)


def bring_up_to_date(database: Path) -> None:
    """As at every start but the first of a version: only who makes tables reads Alembic in, and keeps its 11 MB."""
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as tx:
        upgrade(tx)
    engine.dispose()


def connect(connection: http.client.HTTPConnection) -> None:
    """OSError.  Small requests and answers go in turn: Nagle would add 40 ms to each."""
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Guests:
    """A crowd that joins over WHIP and WHEP, one connection after the other.

    tokens  of the server's own key
    """

    def __init__(self, load: Load, tokens: Tokens, http_connection: http.client.HTTPConnection) -> None:
        self._load, self._tokens, self._http = load, tokens, http_connection
        self._grants = Grants(frozenset(("audio", "video")), subscribe=True)

    def join(self) -> Joined:
        """Room by room: everybody publishes, then everybody subscribes to all others."""
        load, crowd = self._load, self._load.crowd
        specs: list[StreamSpec | None] = [None] * crowd.streams
        for room in range(crowd.rooms):
            clients = range(room * crowd.people, (room + 1) * crowd.people)
            tokens = {client: self._token(client, room) for client in clients}
            for client in clients:
                self._publish(client, room, tokens[client], specs)
            for client in clients:
                local = load.open(2 * client + 1)
                answer = parse(
                    self._post(f"/whep/room{room}", tokens[client], subscribe_offer(local, crowd.people - 1))
                )
                active = [media for media in answer.media if media.direction == "sendonly"]
                if len(active) != 2 * (crowd.people - 1):
                    raise RuntimeError(f"WHEP filled {len(active)} sections, {2 * (crowd.people - 1)} were expected")
                load.connect(2 * client + 1, answer.remote)
        done = [spec for spec in specs if spec is not None]
        return Joined(done, [load.peers.target(connection) for connection in range(crowd.connections)])

    def _publish(self, client: int, room: int, token: str, specs: list[StreamSpec | None]) -> None:
        load, crowd, video, audio = self._load, self._load.crowd, 2 * client, 2 * client + 1
        local = load.open(2 * client)
        offer = publish_offer(local, crowd.ssrc(audio), crowd.ssrc(video))
        answer = parse(self._post(f"/whip/room{room}", token, offer))
        load.connect(2 * client, answer.remote)
        for kind, stream in (("audio", audio), ("video", video)):
            specs[stream] = spec_of(answer, kind, crowd.ssrc(stream))

    def _token(self, client: int, room: int) -> str:
        join = Join(f"client{client}", f"room{room}", "third", f"Client {client}", self._grants)
        return self._tokens.mint(join, int(time.time()))

    def _post(self, path: str, token: str, offer: str) -> str:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        self._http.request("POST", path, offer, headers)
        response = self._http.getresponse()
        text = response.read().decode()
        if response.status != 201:
            raise RuntimeError(f"POST {path}: {response.status} {text[:400]}")
        return text


def config_text(host: str, secret: str, coalesce_us: int) -> str:
    """The least configuration: everything that is not said here is as balie ships it."""
    return f"""
[server]
host = "{host}"
port = {HTTP_PORT}
public_url = "http://localhost:{HTTP_PORT}"
drain_s = 0

[media]
listen = ["{host}"]
port = {MEDIA_PORT}
public_addresses = ["{host}"]
coalesce_ms = {coalesce_us / 1000}

[tokens]
issuer = "{ISSUER}"
keys = [{{ kid = "{KID}", secret = "{secret}" }}]

[log]
level = "warning"
"""
