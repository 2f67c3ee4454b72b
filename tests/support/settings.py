"""A configuration with all that a real server must say."""

from __future__ import annotations

import base64
from pathlib import Path

SECRET = base64.b64encode(bytes(range(48))).decode()
COMPLETE = f"""
[media]
public_addresses = ["192.0.2.10"]
[tokens]
keys = [{{ kid = "1", secret = "{SECRET}" }}]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path
