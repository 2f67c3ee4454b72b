"""The files: outside the database, under names that say nothing, for the user of this process alone.

Bytes go to the disk as they come.  Deleting takes the file away; it does not promise that a disk, a snapshot or a
backup forgets its bytes (docs/operations.md).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path

from balie.documents.errors import DocumentError

NAME_BYTES = 20
BUFFER = 1 << 18  # bytes in memory for an upload
FREE_MIN = 200_000_000  # bytes that stay free on the disk: the database may live on it
_NAME = re.compile(r"[0-9a-f]{40}")
_MODE, _FOLDER_MODE = 0o600, 0o700


@dataclass(frozen=True)
class Stored:
    """What came: bytes, and their SHA-256."""

    size: int
    sha256: bytes


class Shelf:
    """A folder of files, which belongs to one database: what that does not know is taken away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """OSError: the folder cannot be made, or is not ours to write in."""
        self.folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        if not os.access(self.folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(13, "not writable", str(self.folder))

    def path(self, name: str) -> Path:
        """Of a name that new_name() made.  ValueError for any other."""
        if not _NAME.fullmatch(name):
            raise ValueError("no name of a stored file")
        return self.folder / name

    async def write(self, name: str, chunks: AsyncIterator[bytes], most: int) -> Stored:
        """Put what comes in a new file.  DocumentError size, empty, disk; whatever goes wrong, nothing stays."""
        done = False
        try:
            stored = await self._write(name, chunks, most)
            done = True
            return stored
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise  # of who sends, not of the disk
            raise DocumentError("disk") from error
        finally:
            if not done:
                self.remove(name)

    async def _write(self, name: str, chunks: AsyncIterator[bytes], most: int) -> Stored:
        size, digest, buffer = 0, hashlib.sha256(), bytearray()
        file = await asyncio.to_thread(self._create, name)
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > most:
                    raise DocumentError("size")
                buffer += chunk
                if len(buffer) >= BUFFER:
                    await asyncio.to_thread(_put, file, digest, buffer)
                    buffer = bytearray()
            if not size:
                raise DocumentError("empty")
            await asyncio.to_thread(_put, file, digest, buffer)
            await asyncio.to_thread(os.fsync, file)
        finally:
            os.close(file)
        return Stored(size, digest.digest())

    def _create(self, name: str) -> int:
        free = os.statvfs(self.folder)
        if free.f_bavail * free.f_frsize < FREE_MIN:
            raise OSError(28, "the disk is nearly full")
        return os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)

    def remove(self, name: str) -> None:
        """Nothing when it is gone already."""
        self.path(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """All files of ours; others in the folder are left alone."""
        return sorted(each.name for each in self.folder.iterdir() if _NAME.fullmatch(each.name))

    def sweep(self, before: Collection[str], known: Collection[str]) -> int:
        """Take away files that were there before anybody asked what is known, and are not.  Returns how many."""
        loose = set(before) - set(known)
        for each in loose:
            self.remove(each)
        return len(loose)


def _put(file: int, digest: hashlib._Hash, data: bytearray) -> None:
    digest.update(data)
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
