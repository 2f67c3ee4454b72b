"""A thousand people come and go: the process is afterwards what it was before."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from signalling.tokens import Join, Key, Tokens, default_grants
from tests.support.caller import Connection
from tests.support.processes import Running, free_port, serve

JOINS, WARM_UP = 1_000, 250
LANES = 2  # and an even number of rooms: no two lanes are ever in the same one
GROWTH_MAX_MB = 4.0
GAUGES = (
    "rooms", "participants", "sessions", "connections", "http_sessions", "transports", "tracks", "subscriptions",
)  # fmt: skip


def configured(folder: Path, secret: str) -> tuple[Path, int]:
    config, port = folder / "config.toml", free_port(socket.SOCK_STREAM)
    config.write_text(f"""
        [server]
        host = "127.0.0.1"
        port = {port}
        public_url = "http://localhost:{port}"
        [media]
        listen = ["127.0.0.1"]
        public_addresses = ["127.0.0.1"]
        port = {free_port(socket.SOCK_DGRAM)}
        [tokens]
        keys = [{{ kid = "t", secret = "{secret}" }}]
    """)
    return config, port


def resident_mb(running: Running) -> float:
    pages = int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors(running: Running) -> int:
    """Without those of the database: its pool opens one more when two workers look at once, up to its own bound."""
    opened = (os.path.realpath(each) for each in Path(f"/proc/{running.process.pid}/fd").iterdir())
    return sum(".sqlite" not in each for each in opened)


def connected(port: int) -> http.client.HTTPConnection:
    web = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    web.connect()
    web.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return web


def gauges(web: http.client.HTTPConnection) -> dict[str, float]:
    web.request("GET", "/metrics")
    text = web.getresponse().read().decode()
    return {name: float(value) for name, value in re.findall(r"^balie_(\w+) (\S+)$", text, re.MULTILINE)}


@pytest.mark.waits
@pytest.mark.timeout(240)
def test_memory_descriptors_and_rows_return(tmp_path: Path) -> None:
    """Each pair of joins is a call in which a picture arrives: WHIP in, WHEP out, ICE, DTLS and SRTP for real."""
    secret = secrets.token_urlsafe(32)
    tokens = Tokens("balie", (Key("t", secret.encode()),))
    config, port = configured(tmp_path, secret)
    running = serve(config, port)
    lanes = [connected(port) for _ in range(LANES)]

    def token(who: str, room: str) -> str:
        return tokens.mint(Join(who, room, "staff", f"Persoon {who}", default_grants("staff")), int(time.time()))

    def call(web: http.client.HTTPConnection, room: str, number: int) -> None:
        sender = Connection(web, "whip", room, token(f"an{number}", room))
        viewer = Connection(web, "whep", room, token(f"bert{number}", room))
        sequence = number
        sender.send_key_frame(sequence)
        while not viewer.has_something(0.02):  # what comes before the viewer is let in is for nobody
            sequence += 1
            sender.send_key_frame(sequence)
        assert b"\x9d\x01\x2a" in viewer.receive_video(), "the key frame"
        viewer.end()
        sender.end()

    def calls(web: http.client.HTTPConnection, numbers: range) -> None:
        for number in numbers:
            call(web, f"room{number % 8}", number)

    def all_calls(first: int, count: int) -> None:
        """Two at a time, in different rooms: while one waits for an answer the other has one."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(calls, lanes, (range(first + lane, first + count, LANES) for lane in range(LANES))))

    try:
        all_calls(0, WARM_UP // 2)
        before = resident_mb(running), descriptors(running)
        all_calls(WARM_UP, JOINS // 2)
        after = resident_mb(running), descriptors(running)
        rows = gauges(lanes[0])
    finally:
        for web in lanes:
            web.close()
        written = running.stop()
    assert {name: rows[name] for name in GAUGES} == dict.fromkeys(GAUGES, 0.0)
    assert after[1] == before[1], "descriptors"
    assert after[0] - before[0] < GROWTH_MAX_MB, f"{before[0]:.1f} MB before, {after[0]:.1f} MB after {JOINS} joins"
    assert "error" not in written and "warning" not in written, written
