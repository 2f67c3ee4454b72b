"""clamd: the real one, and ones that answer what the real one never would."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from balie.documents.scan import Clamd, ScannerDownError
from balie.store.engine import Store
from tests.balie.documents.conftest import _desk
from tests.support import papers


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (papers.PDF, "clean"),
        (papers.EICAR, "infected"),
        (papers.docx({"word/media/eicar.txt": papers.EICAR}), "infected"),
        (bytes(500_000), "clean"),
        (bytes(3_000_000), "unscannable"),
    ],
    ids=["pdf", "eicar", "eicar in a docx", "half a megabyte", "more than it takes"],
)
async def test_the_real_one(clamd: Path, tmp_path: Path, data: bytes, verdict: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    scanner = Clamd(str(clamd))
    await scanner.ping()
    assert await scanner.scan(path) == verdict


async def test_eicar_never_reaches_anybody(clamd: Path, sqlite_store: Store, tmp_path: Path) -> None:
    """From the first byte to the task for staff, with nothing made up."""
    desk = await _desk(sqlite_store, tmp_path, scans=True)
    desk.kept.documents._scanner = Clamd(str(clamd))
    await desk.give(desk.an, "eicar.txt", papers.EICAR)
    await desk.give(desk.an, "goed.pdf", papers.PDF)
    assert await desk.states() == ["scanning", "scanning"]
    assert await desk.kept.documents.scan() == 2
    assert [(each.name, each.state) for each in await desk.all()] == [
        ("eicar.txt", "rejected"),
        ("goed.pdf", "available"),
    ]
    assert len(desk.kept.files()) == 1


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"stream: OK\0", "clean"),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", "infected"),
        (b"INSTREAM size limit exceeded. ERROR\0", "unscannable"),
    ],
)
@pytest.mark.parametrize("early", [False, True])
async def test_over_tcp(tmp_path: Path, answer: bytes, verdict: str, early: bool) -> None:
    """Also when it stops listening as soon as it has seen enough."""
    path = tmp_path / "file"
    path.write_bytes(bytes(300_000) if not early else papers.PDF)
    async with papers.pretender(answer, early=early) as port:
        assert await Clamd(f"127.0.0.1:{port}").scan(path) == verdict


@pytest.mark.parametrize("answer", [b"", b"OK\0", b"stream: OK", b"stream: nonsense\0", b"x" * 10_000 + b"\0", b"\0"])
async def test_an_answer_that_means_nothing_is_none(tmp_path: Path, answer: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(papers.PDF)
    async with papers.pretender(answer) as port:
        with pytest.raises(ScannerDownError):
            await Clamd(f"127.0.0.1:{port}").scan(path)


async def test_nobody_is_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(papers.PDF)
    for address in (str(tmp_path / "nothing.ctl"), "127.0.0.1:1"):
        with pytest.raises(ScannerDownError):
            await Clamd(address).scan(path)
        with pytest.raises(ScannerDownError):
            await Clamd(address).ping()


async def test_one_that_never_answers_is_down(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(papers.PDF)

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ScannerDownError, match="too long"):
            await Clamd(f"127.0.0.1:{port}", timeout_s=0.05).scan(path)
        await gone.wait()
