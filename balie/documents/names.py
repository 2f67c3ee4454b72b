"""What a file is called: as its owner calls it, without what could lead somebody astray."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote

NAME_MAX = 120  # characters: the extension stays
EXTENSION_MAX = 10
UNNAMED = "document"
_UNSAFE = re.compile(r'[<>:"|?*%]')  # of file systems that people have, and of the header below
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)")
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Control characters, and those that turn the direction of reading around: "fdp.exe" would look like "exe.pdf"."""


def clean(given: str) -> str:
    """A name without folders, control characters and signs that file systems refuse, at most NAME_MAX long."""
    last = re.split(r"[/\\]", given)[-1]
    shown = "".join(" " if each.isspace() else each for each in unicodedata.normalize("NFC", last))
    kept = "".join(each for each in shown if unicodedata.category(each) not in _HIDDEN)
    name = " ".join(_UNSAFE.sub("-", kept).split()).strip(". ")
    path = PurePosixPath(name)
    suffix = path.suffix if 1 < len(path.suffix) <= EXTENSION_MAX else ""
    stem = name.removesuffix(suffix)[: NAME_MAX - len(suffix)].rstrip(". ")
    return _DEVICES.sub(r"\1-", f"{stem or UNNAMED}{suffix}")


def extension(name: str) -> str:
    """Small, with its dot; "" for none."""
    return PurePosixPath(name).suffix.lower()


def disposition(name: str) -> str:
    """Content-Disposition of a download: never shown in a page (RFC 6266), in whatever letters (RFC 8187)."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip(". ") or UNNAMED
    plain = re.sub(r"[^\w.,()+ -]", "-", bare, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
