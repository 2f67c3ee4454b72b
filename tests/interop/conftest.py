"""Fixtures: a `balie serve` in a process of its own, tokens from `balie token`, an HTTP client."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from tests.support.processes import Running, free_port, serve, token


@dataclass
class Served:
    running: Running
    config: Path

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.running.port}"

    def token(self, who: str, room: str, role: str = "staff") -> str:
        return token(self.config, "--room", room, "--name", who, "--role", role)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    config, port = tmp_path_factory.mktemp("balie") / "config.toml", free_port(socket.SOCK_STREAM)
    config.write_text(f"""
        [server]
        host = "127.0.0.1"
        port = {port}
        public_url = "http://localhost:{port}"
        drain_s = 0
        [media]
        listen = ["127.0.0.1"]
        public_addresses = ["127.0.0.1"]
        port = {free_port(socket.SOCK_DGRAM)}
        [tokens]
        keys = [{{ kid = "t", secret = "{secrets.token_urlsafe(32)}" }}]
    """)
    running = serve(config, port)
    try:
        yield Served(running, config)
    finally:
        written = running.stop()
    assert "Traceback" not in written, written
    assert "error" not in written, written


@pytest_asyncio.fixture
async def http(served: Served) -> AsyncIterator[ClientSession]:
    async with ClientSession(served.origin) as session:
        yield session
