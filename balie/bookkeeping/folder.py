"""The folder that bookkeeping reads: batches appear in it whole, and answers come back into it.

    FOLDER/<batch>/                a batch: a UBL file for each document, and journaal.csv
    FOLDER/terug/<batch>.csv       what bookkeeping answers: a line "number;reference" for each document that it took
    FOLDER/terug/verwerkt/         answers that were read
    FOLDER/.werk/                  batches that are being written, and the lock of who writes

Only files are handled here.  All but mine() may take a while: who calls them uses a thread.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

WORK, ANSWERS, READ, LOCK = ".werk", "terug", "verwerkt", "slot"
FILE_MODE, FOLDER_MODE = 0o640, 0o750  # who reads it for bookkeeping is in our group; nobody else reads names
ANSWER_MAX = 5 << 20  # bytes: a hundred thousand documents
ANSWERS_MAX = 100  # files of one visit; the others wait for the next
SETTLED_S = 10  # a file that changed later than that may still be on its way by SFTP


class Folder:
    """path: is made when it is not there, if the folder above it is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def mine(self) -> Iterator[bool]:
        """Whether nobody else writes here now; held until the end of this, or of the process.  OSError."""
        self._path.mkdir(mode=FOLDER_MODE, exist_ok=True)
        self._work.mkdir(mode=FOLDER_MODE, exist_ok=True)
        lock = os.open(self._work / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(lock)

    @property
    def _work(self) -> Path:
        return self._path / WORK

    def begun(self) -> list[str]:
        """Batches that were written, in whole or in part, and did not get to their place."""
        return sorted(each.name for each in self._work.iterdir() if each.is_dir())

    def write(self, batch: str, files: Mapping[str, bytes]) -> None:
        """Out of sight; when this returns, it is on the disk."""
        place = self._work / batch
        place.mkdir(mode=FOLDER_MODE)
        for name, content in files.items():
            file = os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            try:
                _write_all(file, content)
                os.fsync(file)
            finally:
                os.close(file)
        _sync(place)
        _sync(self._work)

    def place(self, batch: str) -> None:
        """Let it be seen.  OSError: another one of that name is there already."""
        os.rename(self._work / batch, self._path / batch)
        _sync(self._path)
        _sync(self._work)

    def discard(self, batch: str) -> None:
        shutil.rmtree(self._work / batch)

    def answers(self) -> list[str]:
        """Names of files that came back, at most ANSWERS_MAX."""
        try:
            found = [each.name for each in (self._path / ANSWERS).iterdir() if each.suffix.lower() == ".csv"]
        except FileNotFoundError:
            return []
        return sorted(name for name in found if not name.startswith("."))[:ANSWERS_MAX]

    def answer(self, name: str, now_s: float) -> bytes | None:
        """What is in one; None: it is too large, or no file.  NotYetError."""
        try:
            return _answer(self._path / ANSWERS / name, now_s)
        except FileNotFoundError:
            raise NotYetError from None

    def put_away(self, name: str, content: bytes | None) -> None:
        """An answer was read: it is kept, beside another one of the same name."""
        place = self._path / ANSWERS / READ
        place.mkdir(mode=FOLDER_MODE, exist_ok=True)
        target = place / name
        if target.exists() or target.is_symlink():
            target = place / f"{target.stem}-{hashlib.sha256(content or b'').hexdigest()[:8]}{target.suffix}"
        os.replace(self._path / ANSWERS / name, target)


class NotYetError(Exception):
    """Somebody may still be writing it, or took it away again."""


def _answer(path: Path, now_s: float) -> bytes | None:
    """Not through a link, which could lead to a file that is none of bookkeeping's business."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError:
        return None
    with os.fdopen(file, "rb") as opened:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            return None
        if now_s - about.st_mtime < SETTLED_S:
            raise NotYetError
        content = opened.read(ANSWER_MAX + 1)
    return content if len(content) <= ANSWER_MAX else None


def _write_all(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def _sync(folder: Path) -> None:
    """Its entries too must be on the disk (fsync(2), NOTES)."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
