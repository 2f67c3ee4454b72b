"""Where a number comes from: machine, kernel, versions, commit.  Goes into every line of results."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import janus, processes

ROOT = Path(__file__).parent.parent


def commit() -> str:
    """Short hash, with a plus when files differ from it; "unknown" outside a checkout."""
    head = _git("rev-parse", "--short", "HEAD")
    if not head:
        return "unknown"
    return head + ("+" if _git("status", "--porcelain") else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def origin(date: str | None = None) -> dict[str, Any]:
    """date: ISO 8601; now, in UTC, when not given."""
    return {
        "date": date or dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": processes.cpu_model(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("numpy", "pylibsrtp", "cffi", "uvloop", "pyopenssl")},
            "janus": janus.version(),
        },
    }
