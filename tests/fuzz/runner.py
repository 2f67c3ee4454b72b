"""Runs a fuzz target: with atheris, guided by coverage and without an end, or with seeded mutations of its corpus.

A target is a module of this folder: CORPUS, some well-formed inputs; INPUTS, if not the usual number is to be tried;
target(data), which returns for any bytes and raises when the invariant in the first line of its file does not hold.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

SIZE_MAX = 4096
SPICES = (b"\0", b"\1", b"\x7f", b"\x80", b"\xff", b"\0\0", b"\xff\xff", b"\x80\0", b"\x7f\xff", b"\xff" * 4, b"\0" * 8)
WORDS = (
    b" ",
    b"\r",
    b"\n",
    b":",
    b"=",
    b"/",
    b'"',
    b"{",
    b"]",
    b"-1",
    b"0",
    b"256",
    b"65536",
    b"1e999",
    b"NaN",
    b"null",
)
ODDITIES = ("²".encode(), "١".encode(), b"\xed\xa0\x80", b"9" * 30, b"%00", b"true", b"[" * 50, b"\\ud800")


def mutations(seed: int, corpus: Sequence[bytes], count: int) -> Iterator[bytes]:
    """The corpus, then `count` inputs made from it: damaged in one to six places.  Equal seeds give equal inputs."""
    yield from corpus
    chance = Random(seed)
    for _ in range(count):
        data = bytearray(chance.choice(corpus))
        for _ in range(min(chance.randint(1, 6), chance.randint(1, 6))):
            _damage(chance, data, corpus)
        yield bytes(data[:SIZE_MAX])


def _damage(chance: Random, data: bytearray, corpus: Sequence[bytes]) -> None:
    at, size = chance.randrange(len(data) + 1), min(chance.randrange(1, 33), chance.randrange(1, 33))
    end = at + size
    match chance.randrange(9):
        case 0 if at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        case 1 if at < len(data):
            data[at] = chance.randrange(256)
        case 2:
            spice = chance.choice(SPICES)
            data[at : at + len(spice)] = spice
        case 3:
            data[at : at + chance.choice((0, 1, size))] = chance.choice(WORDS + ODDITIES)
        case 4:
            del data[at:end]
        case 5:
            data[at:at] = data[at:end] * chance.randint(1, 4)
        case 6:
            data[at:at] = chance.randbytes(size)
        case 7:
            del data[at:]
        case _:
            other = chance.choice(corpus)
            data[at:] = other[chance.randrange(len(other) + 1) :]


def text(data: bytes) -> str:
    """As it comes out of a WebSocket or an HTTP body: always whole characters."""
    return data.decode("utf-8", "replace")


def run(target: Callable[[bytes], None], corpus: Sequence[bytes]) -> None:
    """From the command line: with atheris until it finds something; further arguments are libFuzzer's."""
    atheris = importlib.import_module("atheris")
    kept = Path("var", "fuzz", Path(sys.argv[0]).stem)
    kept.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(corpus):
        (kept / f"corpus-{number}").write_bytes(data)
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(kept)], target)
    atheris.Fuzz()
