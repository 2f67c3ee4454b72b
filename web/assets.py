"""Style, scripts and icons, under addresses that change with what is in them.

A page names them with the version of all of them in the path, so that a browser keeps them for good: from one page of
a visit to the next nothing is asked for again, and after an upgrade nobody runs old scripts.  What scripts and styles
name relative to themselves has the same version.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from aiohttp import hdrs, web

STATIC = Path(__file__).parent / "static"
LOOK_S = 1.0  # between two looks at what is in the files: who works on them reloads his page
VERSION_CHARS = 12
FOR_GOOD = "public, max-age=31536000, immutable"
AGAIN = "no-cache"


class Assets:
    """folder  what is served of it, and nothing else"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._looked_s = float("-inf")
        self._seen: list[tuple[str, int, int]] = []
        self._version = ""

    def version(self, now_s: float) -> str:
        """Of all files together.  now_s: on any clock that does not step."""
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            found = [(str(path), status.st_mtime_ns, status.st_size) for path, status in self._files()]
            if found != self._seen:
                try:
                    self._version, self._seen = self._digest(), found
                except OSError:  # amid an upgrade; what is there can be served, and the next look is soon
                    if not self._version:
                        raise
        return self._version

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in sorted(self.folder.rglob("*")):
            try:
                status = path.stat()
            except FileNotFoundError:  # a link that leads nowhere, as some editors leave one; or it went just now
                continue
            if stat.S_ISREG(status.st_mode):
                yield path, status

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path, status in self._files():
            digest.update(f"{path.relative_to(self.folder)}\0{status.st_size}\0".encode() + path.read_bytes())
        return digest.hexdigest()[:VERSION_CHARS]

    def find(self, name: str) -> Path | None:
        """The file of that name, None where there is none in the folder."""
        try:
            path = (self.folder / name).resolve()
            return path if path.is_relative_to(self.folder) and path.is_file() else None
        except (OSError, ValueError):  # a name too long, or with a zero byte
            return None


assets = Assets(STATIC)


def address(name: str) -> str:
    """For pages: static('css/balie.css')."""
    return f"/static/v{assets.version(time.monotonic())}/{name}"


async def send(request: web.Request) -> web.FileResponse:
    """GET: a file under its version; under another's (a page from before an upgrade) as it is now, and not for good."""
    path = assets.find(request.match_info["name"])
    if path is None:
        raise web.HTTPNotFound
    current = request.match_info["version"] == assets.version(time.monotonic())
    return web.FileResponse(path, headers={hdrs.CACHE_CONTROL: FOR_GOOD if current else AGAIN})


ROUTES = (
    web.get(f"/static/v{{version:[0-9a-f]{{{VERSION_CHARS}}}}}/{{name:.+}}", send),
    web.static("/static", STATIC, append_version=False),
)
