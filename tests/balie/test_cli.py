"""The commands, as an operator runs them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from balie.cli import check_siblings, main
from balie.errors import StartError
from signalling.errors import TokenError
from signalling.tokens import Key, Tokens
from tests.support.processes import free_port

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef" * 3


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        f"""
        [server]
        port = {free_port(socket.SOCK_STREAM)}
        [media]
        listen = ["127.0.0.1"]
        public_addresses = ["127.0.0.1"]
        port = {free_port(socket.SOCK_DGRAM)}
        [tokens]
        lifetime_max_s = 600
        keys = [{{ kid = "1", secret = "{SECRET}" }}]
        """
    )
    return path


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`balie` in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BALIE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "balie", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def answered(url: str) -> int:
    """The status of a page."""
    with urllib.request.urlopen(url, timeout=10) as response:
        status: int = response.status
        return status


def test_demo_prints_a_link_for_each_and_stops_when_told() -> None:
    port = str(free_port(socket.SOCK_STREAM))
    with running("demo", "--port", port, "--media-port", str(free_port(socket.SOCK_DGRAM))) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(5)]
        links = dict(re.findall(r"^(Burger|Medewerker|Derde \(dochter\)): (http\S+)$", "".join(printed), re.MULTILINE))
        assert len(set(links.values())) == 3, printed
        for url in links.values():
            assert re.fullmatch(rf"http://localhost:{port}/g/[\w-]{{22,}}", url)
            assert answered(url) == 200
        assert answered(f"http://localhost:{port}/readyz") == 200
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=15)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest[1]


def test_serve_starts_from_a_file_and_says_what_is_in_the_way(config: Path) -> None:
    port = re.search(r"port = (\d+)", config.read_text())
    assert port is not None
    with running("serve", "--config", str(config)) as process:
        assert process.stderr is not None
        first, second_line = process.stderr.readline(), process.stderr.readline()
        assert '"event": "messages_wait"' in first, f"no mail server is set up, and it says so: {first}{second_line}"
        assert '"event": "started"' in second_line, second_line + process.stderr.read()
        assert answered(f"http://127.0.0.1:{port[1]}/healthz") == 200
        second = subprocess.run(
            [sys.executable, "-m", "balie", "serve", "--config", str(config)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 1
        assert "cannot receive on UDP 127.0.0.1" in second.stderr and "doctor" in second.stderr
        assert "Traceback" not in second.stderr
        process.send_signal(signal.SIGINT)
        _, logged = process.communicate(timeout=15)
    assert process.returncode == 0, logged
    assert '"event": "stopped"' in logged
    assert SECRET not in logged


def test_token_prints_a_token_on_its_last_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["token", "--config", str(config), "--room", "loket", "--name", "An Peeters", "--role", "staff"]
    assert main([*command, "--ttl", "600"]) == 0
    printed = capsys.readouterr()
    token = printed.out.splitlines()[-1]
    tokens = Tokens("balie", (Key("1", SECRET.encode()),), lifetime_max_s=600)
    join = tokens.verify(token, time.time() + 590, "loket")
    assert (join.name, join.role, join.grants.moderate) == ("An Peeters", "staff", True)
    assert printed.err == ""
    assert main(command) == 0
    other = tokens.verify(capsys.readouterr().out.strip(), time.time())
    assert other.participant != join.participant, "two tokens without --id are two people"
    assert main([*command, "--id", "an"]) == 0
    short = capsys.readouterr().out.strip()
    assert tokens.verify(short, time.time()).participant == "an"
    with pytest.raises(TokenError, match="expired"):
        tokens.verify(short, time.time() + 200)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ttl", "601"], "--ttl: found 601, need 1 to 600 seconds"),
        (["--ttl", "0"], "--ttl: found 0"),
        (["--room", "x" * 200], "need to make a valid token (claim room must be a text of 1 to 128 characters)"),
        (["--name", "a\nb"], "claim name"),
    ],
)
def test_token_refuses_what_nobody_would_accept(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    command = ["token", "--config", str(config), "--room", "loket", "--name", "An", "--role", "citizen"]
    assert main([*command, *arguments]) == 1
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


def test_serve_without_a_key_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bare.toml"
    path.write_text('[media]\npublic_addresses = ["192.0.2.1"]\n')
    assert main(["serve", "--config", str(path)]) == 1
    assert "bare.toml [tokens] keys: found [], need at least one key." in capsys.readouterr().err


def test_a_port_out_of_range_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "--port", "70000"])
    assert stopped.value.code == 2
    assert "'70000' is not a port" in capsys.readouterr().err


def test_an_alien_package_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install web.py` puts its own web/__init__.py over ours."""
    check_siblings()
    monkeypatch.setitem(sys.modules, "web", types.ModuleType("web"))
    with pytest.raises(StartError, match="'web' is not the one that comes with balie"):
        check_siblings()


def test_doctor_reports_and_fails_for_what_would_not_work(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--config", str(config)]) == 0
    report = capsys.readouterr().out
    for found in ("aiortc", "TCP port", "UDP port", "recvmmsg", "segmentation", "buffers", "clock", "open files"):
        assert found in report
    assert SECRET not in report
    port = re.search(r"port = (\d+)", config.read_text())
    assert port is not None
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(port[1])))
        taken.listen()
        assert main(["doctor", "--config", str(config)]) == 1
    assert re.search(r"wrong +TCP port \d+ on 127.0.0.1", capsys.readouterr().out)
    assert main(["doctor"]) == 1
    assert "public_addresses" in capsys.readouterr().out
