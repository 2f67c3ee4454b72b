"""Files as people send them, and what sends, keeps and scans them in tests."""

from __future__ import annotations

import asyncio
import io
import random
import shutil
import subprocess
import threading
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from balie.documents.records import Rules
from balie.documents.scan import Scanner, ScannerDownError, Verdict
from balie.documents.service import Documents
from balie.documents.storage import Shelf
from balie.store.engine import Store

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\x03\x01\x01\0"
    b"\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82"
)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9"
WEBP = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
TIFF = b"II*\0\x08\0\0\0" + bytes(32)
TEXT = "Geachte,\r\nIn bijlage mijn attest – met groeten.\r\n".encode()
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
POLYGLOT = b"%PDF-1.4\n<html><script>alert(document.cookie)</script></html>\n%%EOF"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""Not a virus: a string that scanners agreed to find (eicar.org).  In two pieces, or they would find this file."""

_OOXML = "application/vnd.openxmlformats-officedocument"


def packed(parts: dict[str, bytes], *, stored: tuple[str, ...] = ()) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts.items():
            kind = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            target.writestr(name, data, compress_type=kind)
    return made.getvalue()


def docx(more: dict[str, bytes] | None = None, kind: str = f"{_OOXML}.wordprocessingml.document.main+xml") -> bytes:
    types = f'<Types><Override PartName="/word/document.xml" ContentType="{kind}"/></Types>'.encode()
    return packed({"[Content_Types].xml": types, "word/document.xml": b"<w:document/>", **(more or {})})


def xlsx(more: dict[str, bytes] | None = None) -> bytes:
    kind = f"{_OOXML}.spreadsheetml.sheet.main+xml"
    types = f'<Types><Override PartName="/xl/workbook.xml" ContentType="{kind}"/></Types>'.encode()
    return packed({"[Content_Types].xml": types, "xl/workbook.xml": b"<workbook/>", **(more or {})})


def opendocument(kind: str = "text", more: dict[str, bytes] | None = None) -> bytes:
    mime = f"application/vnd.oasis.opendocument.{kind}".encode()
    parts = {"mimetype": mime, "content.xml": b"<office:document-content/>", **(more or {})}
    return packed(parts, stored=("mimetype",))


def liar() -> bytes:
    """A DOCX with a part that says it is 100 bytes, and becomes ten million."""
    whole = bytearray(docx({"word/media/a.bin": b"a" * 100}))
    flood = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = flood.compress(b"a" * 10_000_000) + flood.flush()
    with zipfile.ZipFile(io.BytesIO(bytes(whole))) as found:
        part = found.getinfo("word/media/a.bin")
        begin = part.header_offset + 30 + len("word/media/a.bin")
        end = begin + part.compress_size
    grown = len(body) - part.compress_size
    whole[part.header_offset + 18 : part.header_offset + 22] = len(body).to_bytes(4, "little")
    whole[begin:end] = body
    central = whole.rindex(b"PK\x01\x02")
    whole[central + 20 : central + 24] = len(body).to_bytes(4, "little")
    last = whole.rindex(b"PK\x05\x06")
    start = int.from_bytes(whole[last + 16 : last + 20], "little")
    whole[last + 16 : last + 20] = (start + grown).to_bytes(4, "little")
    return bytes(whole)


@dataclass
class FakeScanner:
    """Says what a test wants.  down: it does not answer.  asked: how often it was."""

    verdict: Verdict = "clean"
    down: bool = False
    asked: int = 0

    async def scan(self, _path: Path) -> Verdict:
        self.asked += 1
        if self.down:
            raise ScannerDownError("no answer")
        return self.verdict


@dataclass
class Kept:
    """Documents over a store, with a clock to turn.  told: appointments of which something changed."""

    documents: Documents
    told: list[int] = field(default_factory=list)

    def files(self) -> list[str]:
        return self.documents.shelf.names()


def keep(
    store: Store,
    folder: Path,
    clock: object,
    scanner: Scanner | None = None,
    rules: Rules | None = None,
) -> Kept:
    shelf = Shelf(folder / "documents")
    shelf.open()
    chance, told = random.Random(5), []

    async def changed(appointment_id: int) -> None:
        told.append(appointment_id)

    usual = rules or Rules(scans=scanner is not None)
    made = Documents(store, shelf, usual, scanner, chance.randbytes, clock, changed)  # type: ignore[arg-type]
    return Kept(made, told)


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for each in data:
        yield each


@contextmanager
def clamd(folder: Path) -> Iterator[Path]:
    """Debian's clamd, which knows one signature: that of EICAR.  Gives the path of its socket."""
    program = shutil.which("clamd") or "/usr/sbin/clamd"
    assert Path(program).exists(), "clamd is missing: apt-get install clamav-daemon"
    known = folder / "known"
    known.mkdir()
    # Name, kind of file (0: any), offset (0: from the beginning), bytes: its extended signatures.
    (known / "eicar.ndb").write_text(f"Eicar-Signature:0:0:{EICAR.hex()}\n")
    where, config = folder / "clamd.ctl", folder / "clamd.conf"
    lines = {
        "DatabaseDirectory": known,
        "LocalSocket": where,
        "Foreground": "yes",
        "StreamMaxLength": "1M",
        "PidFile": folder / "clamd.pid",
        "TemporaryDirectory": folder,
    }
    config.write_text("".join(f"{key} {value}\n" for key, value in lines.items()))
    command = ["stdbuf", "-oL", program, "-c", str(config)]  # to a pipe it would speak in blocks
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    reading = threading.Thread(target=process.stdout.read)  # a full pipe would hold it up
    try:
        heard = ""
        while "Limits:" not in heard:  # said once it listens
            line = process.stdout.readline()
            assert line, f"clamd did not start: {heard}"
            heard += line
        reading.start()
        yield where
    finally:
        process.terminate()
        process.wait(timeout=30)
        if reading.is_alive():
            reading.join(timeout=15)
        process.stdout.close()


@asynccontextmanager
async def pretender(answer: bytes, *, early: bool = False) -> AsyncIterator[int]:
    """A server that says one thing to whatever it hears, at the end or at once.  Gives its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not early:
            await reader.readuntil(bytes(4))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
