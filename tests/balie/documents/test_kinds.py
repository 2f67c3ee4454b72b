"""Which files are taken: by what is in them, and only where their names agree."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balie.documents import containers, kinds, names
from balie.documents.errors import DocumentError
from tests.support import papers

GOOD = [
    ("attest.pdf", papers.PDF, "pdf"),
    ("FOTO.JPG", papers.JPEG, "jpeg"),
    ("foto.jfif", papers.JPEG, "jpeg"),
    ("scherm.png", papers.PNG, "png"),
    ("kaart.webp", papers.WEBP, "webp"),
    ("IMG_1.HEIC", papers.HEIC, "heic"),
    ("scan.tiff", papers.TIFF, "tiff"),
    ("scan.tif", papers.TIFF.replace(b"II*\0", b"MM\0*"), "tiff"),
    ("brief.txt", papers.TEXT, "text"),
    ("brief.txt", "Café\r\n".encode("cp1252"), "text"),
    ("brief.docx", papers.docx(), "docx"),
    ("lijst.xlsx", papers.xlsx(), "xlsx"),
    ("brief.odt", papers.opendocument(), "odt"),
    ("lijst.ods", papers.opendocument("spreadsheet"), "ods"),
    ("tweetalig.pdf", papers.POLYGLOT, "pdf"),
]
BAD = [
    ("leeg.pdf", b"", "empty"),
    ("pagina.pdf", papers.HTML, "type"),
    ("pagina.html", papers.HTML, "type"),
    ("pagina.txt", papers.HTML, "type"),
    ("pagina.txt", b"\xef\xbb\xbf  <HTML>", "type"),
    ("verstopt.txt", b"Dag <Script src=x></script>", "type"),
    ("tekening.svg", papers.SVG, "type"),
    ("tekening.png", papers.SVG, "type"),
    ("script.txt", b"#!/bin/sh\nrm -rf /\n", "type"),
    ("programma.pdf", b"MZ\x90\0" + bytes(100), "type"),
    ("programma.exe", papers.PDF, "name"),
    ("foto.png", papers.JPEG, "name"),
    ("attest.pdf.exe", papers.PDF, "name"),
    ("brief.pdf", papers.docx(), "name"),
    ("brief.doc", papers.docx(), "name"),
    ("oud.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "type"),
    ("alles.zip", papers.packed({"a.txt": b"a"}), "type"),
    ("bijna.docx", papers.packed({"word/document.xml": b"<w/>"}), "type"),
    ("tekening.odg", papers.opendocument("graphics"), "type"),
    ("kapot.docx", papers.docx()[:-30], "broken"),
    ("macro.docx", papers.docx({"word/vbaProject.bin": b"x"}), "macros"),
    ("macro.docx", papers.docx({"word/VBAPROJECT.BIN": b"x"}), "macros"),
    ("macro.docx", papers.docx(kind="application/vnd.ms-word.document.macroEnabled.main+xml"), "macros"),
    ("macro.xlsx", papers.xlsx({"xl/macrosheets/sheet1.xml": b"x"}), "macros"),
    ("macro.odt", papers.opendocument(more={"Basic/Standard/Module1.xml": b"x"}), "macros"),
    ("bom.docx", papers.docx({"word/media/a.bin": bytes(30_000_000)}), "bomb"),
    ("leugenaar.docx", papers.liar(), "bomb"),
    ("velen.docx", papers.docx({f"word/{n}.xml": b"" for n in range(containers.PARTS_MAX)}), "bomb"),
]


@pytest.mark.parametrize(("name", "data", "kind"), GOOD)
def test_what_is_taken(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert kinds.look(path, name) == (kinds.KINDS[kind], name)


@pytest.mark.parametrize(("name", "data", "code"), BAD, ids=[f"{name} {code}" for name, _, code in BAD])
def test_what_is_refused(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(DocumentError) as refused:
        kinds.look(path, name)
    assert refused.value.code == code


def test_a_name_without_an_extension_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(papers.PNG)
    assert kinds.look(path, "image") == (kinds.KINDS["png"], "image.png")


def test_a_bomb_costs_what_it_says_and_no_more(tmp_path: Path) -> None:
    """Three hundred megabytes that say so are refused before a byte is unpacked; parts that share bytes too."""
    path = tmp_path / "file"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made, made.open("word/document.xml", "w") as part:
        for _piece in range(300):
            part.write(bytes(1_000_000))
    with pytest.raises(DocumentError, match="bomb"):
        containers.look(path)
    one = papers.docx({"word/a.bin": bytes(100_000)})
    with zipfile.ZipFile(io.BytesIO(one)) as found:
        info = found.getinfo("word/a.bin")
    central = one.index(b"PK\x01\x02", one.index(b"word/a.bin", info.header_offset + 40) - 60)
    entry = one[central : central + 46 + len("word/a.bin")]
    end = one.rindex(b"PK\x05\x06")
    more = b"".join(entry.replace(b"word/a.bin", f"word/{n:05}"[:10].encode()) for n in range(900))
    closing = bytearray(one[end:])
    count = int.from_bytes(closing[10:12], "little") + 900
    closing[8:10] = closing[10:12] = count.to_bytes(2, "little")
    closing[12:16] = (int.from_bytes(closing[12:16], "little") + len(more)).to_bytes(4, "little")
    path.write_bytes(one[:end] + more + bytes(closing))
    with pytest.raises(DocumentError) as refused:
        containers.look(path)
    assert refused.value.code in ("bomb", "broken")


@given(st.binary(max_size=300))
def test_whatever_it_is_it_is_taken_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("kinds", numbered=True) / "file"
    for head in (b"", b"PK\x03\x04", b"%PDF-", b"\0\0\0\x18ftyp"):
        path.write_bytes(head + data)
        try:
            kind, _name = kinds.look(path, "bestand")
        except DocumentError:
            continue
        assert kind.mime not in ("text/html", "image/svg+xml")


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("attest.pdf", "attest.pdf"),
        ("C:\\Users\\An\\Mijn documenten\\attest.pdf", "attest.pdf"),
        ("../../etc/passwd", "passwd"),
        ("/etc/shadow.txt", "shadow.txt"),
        ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie- x=1.pdf"),
        ("a\0b.pdf", "ab.pdf"),
        ("fdp.\u202eexe.pdf", "fdp.exe.pdf"),
        ('mijn "brief" <1>.pdf', "mijn -brief- -1-.pdf"),
        ("..", "document"),
        (".pdf", "pdf"),
        ("", "document"),
        ("con.pdf", "con-.pdf"),
        ("  attest .pdf ", "attest.pdf"),
        ("cafe\u0301.pdf", "café.pdf"),
        ("a" * 300 + ".pdf", "a" * 116 + ".pdf"),
        ("Überweisung Straße.pdf", "Überweisung Straße.pdf"),
    ],
)
def test_names(given_name: str, expected: str) -> None:
    assert names.clean(given_name) == expected


@given(st.text(max_size=400))
def test_a_name_is_harmless_whatever_it_was(given_name: str) -> None:
    name = names.clean(given_name)
    assert 0 < len(name) <= names.NAME_MAX + 2 and not set('/\\<>:"|?*%\r\n\0') & set(name)
    header = names.disposition(name)
    assert header.startswith('attachment; filename="') and header.isascii() and header.isprintable()
    assert header.count('"') == 2
    assert names.clean(name) == name
