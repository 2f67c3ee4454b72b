"""The citizen's documents: sent, seen, taken back; and all that is sent and should not be."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from sqlalchemy import select, update

from balie.booking import parting
from balie.store.schema import appointment, guide_step, participant
from balie.visit import ending
from tests.support import papers
from tests.support.samen import Citizen
from tests.support.townhall import words
from tests.web.documents.conftest import HEADERS, Desk


async def page_of(desk: Desk, who: Citizen, status: int = 200, more: str = "") -> str:
    answer = await who.client.get(desk.place(who) + more, headers=HEADERS, allow_redirects=False)
    text = await answer.text()
    assert answer.status == status, text[:1500]
    return text


async def test_sent_scanned_and_had_again(desk: Desk) -> None:
    an = desk.together.an
    answer = await desk.send(an, "mijn attest.pdf")
    assert answer.status == 303 and answer.headers["Location"] == f"{desk.place(an)}?gedaan=verstuurd"
    page = await page_of(desk, an, more="?gedaan=verstuurd")
    assert "Uw document is verstuurd." in page and "wordt gecontroleerd op virussen" in page and "data-waits" in page
    (found,) = await desk.all()
    one = f"{desk.place(an)}/{found.id}"
    assert (await an.client.get(one)).status == 404, "in quarantine"
    await desk.kept.documents.scan()
    page = await page_of(desk, an)
    assert f'href="{one}"' in page and "data-waits" not in page
    got = await an.client.get(one)
    assert got.status == 200 and await got.read() == papers.PDF


async def test_a_download_never_runs(unscanned: Desk) -> None:
    """Also what is two things at once: a PDF that a browser could take for a page."""
    desk, an = unscanned, unscanned.together.an
    await desk.send(an, "twéé \u202e%22dingen%22;.pdf", papers.POLYGLOT)
    (found,) = await desk.all()
    got = await an.client.get(f"{desk.place(an)}/{found.id}")
    assert got.headers["Content-Type"] == "application/pdf"
    header = got.headers["Content-Disposition"]
    assert header == "attachment; filename=\"twee -dingen--.pdf\"; filename*=UTF-8''tw%C3%A9%C3%A9%20-dingen-%3B.pdf"
    assert got.headers["Content-Security-Policy"].startswith("sandbox;")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert got.headers["Cache-Control"] == "no-store"


async def test_a_picture_is_shown_and_a_pdf_is_not(unscanned: Desk) -> None:
    desk, an = unscanned, unscanned.together.an
    await desk.send(an, "foto.png", papers.PNG)
    await desk.send(an, "scan.tif", papers.TIFF)
    picture, scan = await desk.all()
    page = await page_of(desk, an)
    assert f'<img src="{desk.place(an)}/{picture.id}"' in page and f'src="{desk.place(an)}/{scan.id}"' not in page
    assert "Documenten worden hier niet op virussen nagekeken." in page, "the truth"


async def test_it_answers_the_step_that_asked(desk: Desk) -> None:
    step = await desk.together.open("document")
    an = desk.together.an
    page = await page_of(desk, an, more=f"?stap={step}")
    assert f'<input type="hidden" name="stap" value="{step}">' in page
    assert (await desk.send(an, stap=step)).status == 303
    await desk.kept.documents.scan()
    panel = await an.panel()
    assert 'data-state="done"' in panel and "attest.pdf: is aangekomen" in panel
    answer = await desk.send(an, stap="99")
    assert answer.status == 422 and "niet meer gevraagd" in await answer.text()


async def test_the_panel_has_the_form_itself(desk: Desk) -> None:
    step = await desk.together.open("document")
    panel = await desk.together.an.panel()
    assert f'action="{desk.place(desk.together.an)}"' in panel and f'id="bestand-{step}"' in panel
    assert 'enctype="multipart/form-data"' in panel and "hoogstens" in panel


@pytest.mark.parametrize(
    ("name", "data", "status", "said"),
    [
        ("leeg.pdf", b"", 422, "Dit bestand is leeg"),
        ("", b"", 422, "Kies eerst een bestand"),
        ("pagina.pdf", papers.HTML, 422, "Dit soort bestand kunnen we niet aannemen"),
        ("tekening.svg", papers.SVG, 422, "Dit soort bestand kunnen we niet aannemen"),
        ("foto.pdf", papers.PNG, 422, "past niet bij wat erin zit"),
        ("bom.docx", papers.liar(), 422, "veel te groot als we het openen"),
        ("macro.docx", papers.docx({"word/vbaProject.bin": b"x"}), 422, "macro"),
        ("groot.pdf", papers.PDF.ljust(305_000, b"\0"), 413, "te groot"),
    ],
)
async def test_what_is_wrong_stands_at_the_field(desk: Desk, name: str, data: bytes, status: int, said: str) -> None:
    answer = await desk.send(desk.together.an, name, data)
    page = await answer.text()
    assert answer.status == status and said in words(page) and 'aria-invalid="true"' in page
    assert '<a href="#bestand">' in page
    assert await desk.nothing()


async def test_a_virus_is_said(desk: Desk) -> None:
    desk.scanner.verdict = "infected"
    await desk.send(desk.together.an, "eicar.txt", papers.EICAR)
    await desk.kept.documents.scan()
    page = words(await page_of(desk, desk.together.an))
    assert "geweigerd: er zat een virus in" in page and "Laat uw toestel nakijken" in page


async def test_his_own_is_taken_back(desk: Desk) -> None:
    an, lies = desk.together.an, desk.together.lies
    await desk.send(an)
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    for who, status in ((lies, 404), (an, 303), (an, 404)):
        path = f"{desk.place(who)}/{found.id}/weg"
        answer = await who.client.post(path, data={"x": "1"}, headers=HEADERS, allow_redirects=False)
        assert answer.status == status
    assert await desk.nothing()


# -- who --------------------------------------------------------------------------------------------------------


async def test_who_comes_along_with_files_sees_his_own(desk: Desk) -> None:
    an, lies = desk.together.an, desk.together.lies
    await desk.send(an, "identiteitskaart.pdf")
    await desk.send(lies, "volmacht.pdf")
    await desk.give("antwoord.pdf")
    await desk.kept.documents.scan()
    page = await page_of(desk, lies)
    assert "volmacht.pdf" in page and "antwoord.pdf" in page and "identiteitskaart" not in page
    card = next(each for each in await desk.all() if each.name == "identiteitskaart.pdf")
    assert (await lies.client.get(f"{desk.place(lies)}/{card.id}")).status == 404
    assert "volmacht.pdf" in await page_of(desk, an), "it was sent on her behalf"
    assert "Lies De Smet" in await page_of(desk, an)


async def test_who_comes_along_without_files_gets_403(desk: Desk) -> None:
    lies = desk.together.lies
    await desk.give()
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    whom = participant.c.role == "carer"
    rights = {"speak": True, "share": False, "files": False}
    await desk.store.write(lambda tx: tx.execute(update(participant).where(whom).values(rights=rights)))
    assert "Alleen wie de afspraak maakte" in words(await page_of(desk, lies, 403))
    assert (await desk.send(lies)).status == 403
    assert (await lies.client.get(f"{desk.place(lies)}/{found.id}")).status == 403
    path = f"{desk.place(lies)}/{found.id}/weg"
    assert (await lies.client.post(path, data={"x": "1"}, headers=HEADERS)).status == 403
    assert len(await desk.all()) == 1
    mine = await (await lies.client.get(f"/a/{lies.token}", headers=HEADERS)).text()
    assert "documenten" not in mine


async def test_staff_with_the_link_is_not_the_citizen(desk: Desk) -> None:
    bart, an = desk.together.bart, desk.together.an
    answer = await desk.send(Citizen(bart.client, an.token))
    assert answer.status == 403 and await desk.nothing()


async def test_a_strange_link_opens_nothing(desk: Desk) -> None:
    client = desk.together.an.client
    await desk.give()
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    for token in ("x" * 27, desk.together.booked.ref, "..%2f.."):
        stranger = Citizen(client, token)
        assert (await desk.send(stranger)).status == 404
        assert (await client.get(desk.place(stranger))).status == 404
        assert (await client.get(f"{desk.place(stranger)}/{found.id}")).status == 404
    assert len(await desk.all()) == 1


async def test_another_website_sends_nothing(desk: Desk) -> None:
    an = desk.together.an
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = await an.client.post(desk.place(an), data={"bestand": "x"}, headers=headers)
        assert answer.status == 403
    assert await desk.nothing()


async def test_a_finished_appointment_takes_nothing(desk: Desk) -> None:
    """410; what staff gave is still there behind the link of the goodbye."""
    an, site = desk.together.an, desk.together.desk
    await desk.give("antwoord.pdf")
    await desk.send(an, "van an.pdf")
    await desk.kept.documents.scan()
    given, own = await desk.all()
    who = next(iter(desk.together.booked.links))
    token = await desk.store.write(parting.offer, site.now_s, site.entropy.randbytes, site.key, who)
    about = desk.together.booked.appointment_id
    await desk.store.write(ending.end, site.now_s, site.entropy.randbytes, about, "citizen")
    answer = await desk.send(an, "laat.pdf")
    assert answer.status == 410 and len(await desk.all()) == 2 and len(desk.kept.files()) == 2
    goodbye = await (await an.client.get(f"/b/{token}", headers=HEADERS)).text()
    assert f'href="/b/{token}/documenten"' in goodbye
    page = await (await an.client.get(f"/b/{token}/documenten", headers=HEADERS)).text()
    assert "antwoord.pdf" in page and "van an.pdf" not in page
    assert await (await an.client.get(f"/b/{token}/documenten/{given.id}")).read() == papers.PDF
    assert (await an.client.get(f"/b/{token}/documenten/{own.id}")).status == 404
    assert (await an.client.get("/b/nooit/documenten")).status == 404


# -- bytes that no form sends -----------------------------------------------------------------------------------


async def raw(
    desk: Desk, body: bytes, *, length: int | None = None, kind: str = "multipart/form-data; boundary=x"
) -> int:
    """A request byte by byte; its status, 0 when the other side closed without one.  length: more than is sent."""
    an = desk.together.an
    host, port = an.client.server.host, an.client.server.port
    reader, writer = await asyncio.open_connection(host, port)
    head = (
        f"POST {desk.place(an)} HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    if length is not None and length > len(body) and length < 10**9:
        writer.write_eof()
    async with asyncio.timeout(20):
        line = await reader.readline()
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return int(line.split()[1]) if line else 0


PART = b'--x\r\nContent-Disposition: form-data; name="bestand"; filename="a.pdf"\r\n\r\n'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x--\r\n",
        b"niets",
        PART + papers.PDF,
        PART + papers.PDF + b"\r\n--y--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="bestand"; filename="a.pdf"\r\n' + papers.PDF,
        b"--x\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"--x\r\nContent-Disposition: nonsense\r\n\r\n" + papers.PDF + b"\r\n--x--\r\n",
        b"--x\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\r\na\r\n--z--\r\n\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="stap"\r\n\r\n'
        + b"1" * 5000
        + b"\r\n"
        + PART
        + papers.PDF
        + b"\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\xfe\r\n' + PART + papers.PDF + b"\r\n--x--\r\n",
    ],
)
async def test_a_broken_form_is_refused(desk: Desk, body: bytes) -> None:
    assert await raw(desk, body) in (400, 422)
    assert await desk.nothing()


async def test_a_form_of_another_kind_is_refused(desk: Desk) -> None:
    assert await raw(desk, b"bestand=x", kind="application/x-www-form-urlencoded") == 415
    assert await raw(desk, papers.PDF, kind="application/pdf") == 415
    assert await raw(desk, PART, kind="multipart/form-data") == 400, "without a boundary"


async def test_a_good_one_is_taken(desk: Desk) -> None:
    """Or the tests above would prove nothing."""
    assert await raw(desk, PART + papers.PDF + b"\r\n--x--\r\n") == 303
    assert len(await desk.all()) == 1


async def test_cut_off_in_the_middle(desk: Desk) -> None:
    assert await raw(desk, PART + papers.PDF, length=200_000) in (0, 400)
    async with asyncio.timeout(10):
        while not await desk.nothing():  # noqa: ASYNC110 - it is tidied up by itself
            await asyncio.sleep(0)


async def test_two_gigabytes_are_refused_before_they_come(desk: Desk) -> None:
    assert await raw(desk, PART + papers.PDF, length=2_000_000_000) == 413
    assert await desk.nothing()


async def test_two_gigabytes_that_say_nothing_end_at_the_limit(desk: Desk) -> None:
    """In chunks, whose sum nobody knows beforehand."""
    an = desk.together.an
    host, port = an.client.server.host, an.client.server.port
    reader, writer = await asyncio.open_connection(host, port)
    head = (
        f"POST {desk.place(an)} HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    piece = bytes(1 << 16)
    writer.write(head.encode() + f"{len(PART):x}\r\n".encode() + PART + b"\r\n")
    sent = 0
    answer = asyncio.create_task(reader.readline())
    while sent < 2_000_000_000 and not answer.done():
        writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        sent += len(piece)
        await writer.drain()
    assert b" 413 " in await answer
    assert sent < 30_000_000, "what was under way in buffers"
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    assert await desk.nothing()


async def test_two_at_once(desk: Desk) -> None:
    answers = await asyncio.gather(desk.send(desk.together.an, "1.pdf"), desk.send(desk.together.an, "2.pdf"))
    assert [each.status for each in answers] == [303, 303]
    assert len(await desk.all()) == 2 and len(desk.kept.files()) == 2


async def test_looking_changes_nothing(desk: Desk) -> None:
    await desk.together.open("document")
    await page_of(desk, desk.together.an, more="?stap=1")
    state = await desk.store.read(lambda tx: tx.scalar(select(guide_step.c.state)))
    assert state == "open" and await desk.nothing()
    status = await desk.store.read(lambda tx: tx.scalar(select(appointment.c.status)))
    assert status == "booked"
