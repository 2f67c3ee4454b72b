"""Which files are taken: a short list, by what is in them.  What a browser or a name says of one proves nothing.

A file is of a kind when it begins as that kind does, its name ends as that kind's does, and, for the two that are
containers, what is inside is what it says (balie.documents.containers).  HTML and SVG, which run scripts, are of none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from balie.documents import containers, names
from balie.documents.errors import DocumentError

HEAD = 4096  # bytes that say what a file is
PIECE = 1 << 18
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # brands of ISO/IEC 23008-12
_MARKUP = re.compile(rb"<\s*(!doctype|html|head|body|script|svg|iframe|object|embed|\?xml|\?php)", re.IGNORECASE)
_NOT_TEXT = bytes(each for each in range(32) if each not in b"\t\n\f\r") + b"\x7f"


@dataclass(frozen=True)
class Kind:
    """extensions: the first is the usual one.  picture: every browser shows it."""

    name: str
    mime: str
    extensions: tuple[str, ...]
    picture: bool = False


_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("pdf", "application/pdf", (".pdf",)),
        Kind("jpeg", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), picture=True),
        Kind("png", "image/png", (".png",), picture=True),
        Kind("webp", "image/webp", (".webp",), picture=True),
        Kind("heic", "image/heic", (".heic", ".heif")),
        Kind("tiff", "image/tiff", (".tif", ".tiff")),
        Kind("text", "text/plain", (".txt",)),
        Kind("docx", f"{_OOXML}.wordprocessingml.document", (".docx",)),
        Kind("xlsx", f"{_OOXML}.spreadsheetml.sheet", (".xlsx",)),
        Kind("odt", f"{_ODF}.text", (".odt",)),
        Kind("ods", f"{_ODF}.spreadsheet", (".ods",)),
    )
}
PICTURES = frozenset(kind.mime for kind in KINDS.values() if kind.picture)
ACCEPT = ",".join(extension for kind in KINDS.values() for extension in kind.extensions)
"""For the field of a form: it helps to choose, and keeps nobody out."""


def look(path: Path, name: str) -> tuple[Kind, str]:
    """What a file is, and its name, with the extension of its kind where it had none.

    DocumentError empty, type, name, macros, bomb, encrypted, broken.  Reads the file: not for the event loop.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise DocumentError("empty")
    kind = KINDS[_of(head, path)]
    found = names.extension(name)
    if not found:
        return kind, names.clean(f"{name}{kind.extensions[0]}")
    if found not in kind.extensions:
        raise DocumentError("name")
    return kind, name


def _of(head: bytes, path: Path) -> str:
    if head.startswith(b"%PDF-"):
        return "pdf"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and _brands(head) & set(_HEIF):
        return "heic"
    if head.startswith((b"II*\0", b"MM\0*")):
        return "tiff"
    if head.startswith(b"PK\x03\x04"):
        return containers.look(path)
    if _is_text(path):
        return "text"
    raise DocumentError("type")


def _brands(head: bytes) -> set[bytes]:
    """Of an ISO base media file: the major one and those it is compatible with."""
    size = min(int.from_bytes(head[:4], "big"), HEAD)
    return {head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))}


def _is_text(path: Path) -> bool:
    """Lines that people read: no control characters, and nothing that a browser could take for a page."""
    with path.open("rb") as file:
        first = file.read(HEAD)
        if first.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"#!", b"%!")) or _MARKUP.search(first):
            return False
        piece = first
        while piece:
            if len(piece.translate(None, _NOT_TEXT)) != len(piece):
                return False
            piece = file.read(PIECE)
    return True
