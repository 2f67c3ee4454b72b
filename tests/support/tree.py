"""The files of this project, for tests about the project itself."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE = frozenset(("node_modules", "build", "dist", "__pycache__", "var"))
"""Folders that commands make; a checkout without git still has to be told apart from them."""


@cache
def files() -> tuple[str, ...]:
    """Paths from the root, of all files that are in version control or could be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        names = listed.stdout.split("\0")
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")]
    return tuple(
        sorted(
            name
            for name in names
            if name
            and (ROOT / name).is_file()
            and not any(part in MADE or part.endswith(".egg-info") for part in Path(name).parts)
            and not (Path(name).parts[0].startswith(".") and listed.returncode != 0)
        )
    )


def python_files(*folders: str) -> tuple[str, ...]:
    """Python files, of these folders if any are named."""
    prefixes = tuple(f"{folder}/" for folder in folders)
    return tuple(name for name in files() if name.endswith(".py") and (not folders or name.startswith(prefixes)))


def text(name: str) -> str:
    """A file's text."""
    return (ROOT / name).read_text(encoding="utf-8")
