"""DOCX, XLSX, ODT and ODS: zip files whose parts say what they are.

Before anybody opens one, it is unpacked here once, into nothing: so what it says of its own size is compared with what
comes out.  A container inside is a part like another and stays packed.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from balie.documents.errors import DocumentError

PARTS_MAX = 2_000  # a text of 300 pages with a picture on each has some 700
UNPACKED_MAX = 200_000_000  # bytes
RATIO_FREE, RATIO_MAX = 5_000_000, 100  # sheets of equal lines pack well: ratios count from some size on
READ_MAX = 1 << 20  # of a part that says what the file is
PIECE = 1 << 16
_LOCAL, _LOCAL_SIZE = b"PK\x03\x04", 30  # APPNOTE.TXT 4.3.7
_END, _END_SIZE, _COMMENT_MAX = b"PK\x05\x06", 22, (1 << 16) - 1  # 4.3.16
_ENTRY_MAX = 46 + 512  # bytes of the list of parts for each: its name, and what a program adds
_ENCRYPTED = 1

_TYPES = "[Content_Types].xml"
_MAIN = {
    "docx": b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xlsx": b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
}
_MIMETYPES = {
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
}
_MACROS = ("vbaproject.bin", "vbadata.xml")
_MACRO_FOLDERS = ("basic/", "scripts/", "xl/macrosheets/", "word/activex/", "xl/activex/")


def look(path: Path) -> str:
    """docx, xlsx, odt or ods.  DocumentError type, macros, bomb, encrypted, broken."""
    try:
        _short_list(path)
        with zipfile.ZipFile(path) as packed, path.open("rb") as file:
            parts = [each for each in packed.infolist() if not each.is_dir()]
            _measure(parts, path.stat().st_size)
            for each in parts:
                _unpack(file, each)
            found = _kind(packed, {each.filename for each in parts})
            _no_macros(packed, parts)
            return found
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError, KeyError, OSError):
        raise DocumentError("broken") from None


def _short_list(path: Path) -> None:
    """Before the list of parts is read: as long as the file, it takes seconds and some hundred MB of memory."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_SIZE - _COMMENT_MAX))
        last = file.read()
    at = last.rfind(_END)
    if at < 0 or len(last) < at + _END_SIZE:
        raise DocumentError("broken")
    if int.from_bytes(last[at + 12 : at + 16], "little") > PARTS_MAX * _ENTRY_MAX:
        raise DocumentError("bomb")


def _measure(parts: list[zipfile.ZipInfo], size: int) -> None:
    """By what it says of itself, before a byte of it is unpacked."""
    if any(each.flag_bits & _ENCRYPTED for each in parts):
        raise DocumentError("encrypted")
    packed, unpacked = sum(each.compress_size for each in parts), sum(each.file_size for each in parts)
    # Parts that share their bytes are a bomb that no ratio of one part shows.
    if len(parts) > PARTS_MAX or packed > size or unpacked > UNPACKED_MAX:
        raise DocumentError("bomb")
    if unpacked > RATIO_FREE and unpacked > RATIO_MAX * max(packed, 1):
        raise DocumentError("bomb")
    if any(each.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for each in parts):
        raise DocumentError("broken")
    if len({each.filename.lower() for each in parts}) != len(parts):
        raise DocumentError("broken")  # two readers would read two different files


def _unpack(file: BinaryIO, part: zipfile.ZipInfo) -> None:
    """Count what comes out of a part; zipfile itself stops at what the part says."""
    file.seek(part.header_offset)
    header = file.read(_LOCAL_SIZE)
    if len(header) < _LOCAL_SIZE or not header.startswith(_LOCAL):
        raise DocumentError("broken")
    extra = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(part.header_offset + _LOCAL_SIZE + extra)
    if part.compress_type == zipfile.ZIP_STORED:
        if part.compress_size != part.file_size:
            raise DocumentError("bomb")
        return
    inflate, left, out = zlib.decompressobj(-zlib.MAX_WBITS), part.compress_size, 0
    while left and not inflate.eof:
        piece = file.read(min(PIECE, left))
        if not piece:
            raise DocumentError("broken")
        left -= len(piece)
        while piece and not inflate.eof:
            out += len(inflate.decompress(piece, PIECE))
            piece = inflate.unconsumed_tail
            if out > part.file_size:
                raise DocumentError("bomb")
    if out != part.file_size or not inflate.eof or left:
        raise DocumentError("broken")


def _kind(packed: zipfile.ZipFile, there: set[str]) -> str:
    if _TYPES in there:
        said = _read(packed, _TYPES)
        for kind, folder in (("docx", "word/"), ("xlsx", "xl/")):
            if _MAIN[kind] in said and any(each.startswith(folder) for each in there):
                return kind
        if b"macroenabled" in said.lower():
            raise DocumentError("macros")
    if {"mimetype", "content.xml"} <= there:
        return _MIMETYPES.get(_read(packed, "mimetype").strip(), "") or _refuse()
    return _refuse()


def _refuse() -> str:
    raise DocumentError("type")


def _no_macros(packed: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    for each in parts:
        name = each.filename.lower().lstrip("/")
        if name.rpartition("/")[2] in _MACROS or name.startswith(_MACRO_FOLDERS):
            raise DocumentError("macros")
    if any(each.filename == _TYPES for each in parts) and b"macroenabled" in _read(packed, _TYPES).lower():
        raise DocumentError("macros")


def _read(packed: zipfile.ZipFile, name: str) -> bytes:
    if packed.getinfo(name).file_size > READ_MAX:
        raise DocumentError("broken")
    return packed.read(name)
