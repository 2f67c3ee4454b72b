"""clamd looks for viruses: its INSTREAM command, over a Unix socket or TCP (clamd(8)).

PyPI's aioclamd speaks TCP only and sends a kilobyte at a time; this is the little of it that we need.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

PIECE = 1 << 17  # bytes at a time; clamd takes up to StreamMaxLength in one
ANSWER_MAX = 4096
CONNECT_S = 5.0
_END = bytes(4)

Verdict = Literal["clean", "infected", "unscannable"]


class ScannerDownError(Exception):
    """It does not answer, or nothing that can be understood: try again later."""


class Scanner(Protocol):
    async def scan(self, path: Path) -> Verdict:
        """ScannerDownError."""
        ...


@dataclass(frozen=True)
class Clamd:
    """address: the path of a socket, or HOST:PORT.  timeout_s: for one file."""

    address: str
    timeout_s: float = 60

    async def scan(self, path: Path) -> Verdict:
        """What is in a file.  ScannerDownError."""
        return _verdict(await self._ask(b"zINSTREAM\0", path))

    async def ping(self) -> None:
        """ScannerDownError."""
        if await self._ask(b"zPING\0", None) != b"PONG":
            raise ScannerDownError("it answers, but not as clamd does")

    async def _ask(self, command: bytes, path: Path | None) -> bytes:
        try:
            async with asyncio.timeout(self.timeout_s):
                with await self._connect() as there:
                    return await _talk(there, command, path)
        except TimeoutError:
            raise ScannerDownError("it takes too long") from None
        except OSError as error:
            raise ScannerDownError(error.strerror or type(error).__name__) from None

    async def _connect(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        where: list[tuple[int, Any]] = [(socket.AF_UNIX, self.address)]
        if not self.address.startswith("/"):
            host, _colon, port = self.address.rpartition(":")
            found = await loop.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
            where = [(family, at) for family, _kind, _number, _name, at in found]
        family, at = where[0]
        there = socket.socket(family, socket.SOCK_STREAM)
        there.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_S):
                await loop.sock_connect(there, at)
        except BaseException:
            there.close()
            raise
        return there


async def _talk(there: socket.socket, command: bytes, path: Path | None) -> bytes:
    """A socket and no stream: who finds something, or has enough, answers and closes while we still send, and a stream
    that cannot send forgets what it has not read."""
    hearing = asyncio.create_task(_hear(there))
    try:
        with contextlib.suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(there, command)
            if path is not None:
                await _send(there, path, hearing)
        return await hearing
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def _send(there: socket.socket, path: Path, hearing: asyncio.Task[bytes]) -> None:
    """In pieces, each after its length, until there is an answer."""
    loop = asyncio.get_running_loop()
    with path.open("rb") as file:
        while not hearing.done() and (piece := await asyncio.to_thread(file.read, PIECE)):
            await loop.sock_sendall(there, len(piece).to_bytes(4, "big") + piece)
    await loop.sock_sendall(there, _END)


async def _hear(there: socket.socket) -> bytes:
    """An answer, without the zero that ends it."""
    loop, heard = asyncio.get_running_loop(), b""
    while len(heard) < ANSWER_MAX:
        piece = await loop.sock_recv(there, ANSWER_MAX)
        heard += piece
        if not piece or b"\0" in piece:
            break
    answer, end, _rest = heard.partition(b"\0")
    if not end:
        raise ConnectionAbortedError(103, "it went away")
    return answer


def _verdict(answer: bytes) -> Verdict:
    """stream: OK, or stream: Eicar-Signature FOUND, or INSTREAM size limit exceeded. ERROR."""
    if answer == b"stream: OK":
        return "clean"
    if answer.startswith(b"stream: ") and answer.endswith(b" FOUND"):
        return "infected"
    if b"size limit exceeded" in answer:
        return "unscannable"
    raise ScannerDownError("it answers with something else")
