"""Documents come, are looked at, and go; whatever breaks in between, nothing stays that should not."""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from balie.booking import changes
from balie.documents import records, storage
from balie.documents.errors import DocumentError
from balie.documents.records import Rules
from balie.documents.service import Documents
from balie.record import tasks
from balie.store.schema import appointment, document, message, task
from balie.visit import ending
from tests.balie.documents.conftest import Desk
from tests.support import papers
from tests.support.booking import KEY, TUESDAY_10_S, entropy
from tests.support.papers import pieces

DAY_S = 86_400
END_S = TUESDAY_10_S + 30 * 60


async def test_a_document_comes_is_scanned_and_can_be_had(desk: Desk) -> None:
    key = await desk.give(desk.an, "../mijn attest.pdf", papers.PDF[:10], papers.PDF[10:])
    (found,) = await desk.all()
    assert (found.state, found.name, found.mime, found.size) == (
        "scanning",
        "mijn attest.pdf",
        "application/pdf",
        len(papers.PDF),
    )
    assert not found.open, "in quarantine"
    path = desk.kept.documents.shelf.path(found.file)
    assert path.read_bytes() == papers.PDF and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert await desk.kept.documents.scan() == 1
    (found,) = await desk.all()
    assert found.open and found.scanned_s == desk.clock.now_s and found.id == key
    assert await desk.store.read(lambda tx: tx.scalar(select(document.c.sha256))) == hashlib.sha256(papers.PDF).digest()
    assert await desk.kept.documents.scan() == 0
    assert len(desk.kept.told) == 3, "when it began, when it came, when it was looked at"


async def test_a_virus_is_gone_and_somebody_is_told(desk: Desk) -> None:
    desk.scanner.verdict = "infected"
    key = await desk.give(desk.an)
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    assert (found.state, found.reason) == ("rejected", "infected")
    assert desk.kept.files() == []
    (task,) = await desk.store.read(tasks.of_appointment, desk.booked.appointment_id)
    assert (task.kind, task.object_id, task.reason, task.state) == ("document", key, "infected", "open")


async def test_a_scanner_that_is_down_lets_nothing_out(desk: Desk) -> None:
    desk.scanner.down = True
    await desk.give(desk.an)
    await desk.give(desk.bart)
    for _try in range(3):
        assert await desk.kept.documents.scan() == 0
    assert await desk.states() == ["scanning", "scanning"]
    assert desk.kept.documents.scanner_down and desk.scanner.asked == 3, "one is enough to know"
    desk.scanner.down = False
    assert await desk.kept.documents.scan() == 2
    assert await desk.states() == ["available", "available"] and not desk.kept.documents.scanner_down


async def test_what_cannot_be_scanned_is_refused(desk: Desk) -> None:
    desk.scanner.verdict = "unscannable"
    await desk.give(desk.an)
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    assert (found.state, found.reason) == ("rejected", "unscannable") and desk.kept.files() == []
    assert not await desk.store.read(lambda tx: tx.execute(select(task)).all())


async def test_without_a_scanner_it_is_there_at_once_and_says_so(unscanned: Desk) -> None:
    await unscanned.give(unscanned.an)
    (found,) = await unscanned.all()
    assert found.open and found.scanned_s is None


async def test_a_scanner_that_is_taken_away_holds_nothing_back(desk: Desk) -> None:
    await desk.give(desk.an)
    there = desk.kept.documents
    without = Documents(desk.store, there.shelf, there.rules, None, entropy().randbytes, desk.clock, _nobody)
    await without.scan()
    (found,) = await desk.all()
    assert found.open and found.scanned_s is None


async def _nobody(_appointment_id: int) -> None:
    return None


# -- what is not taken leaves nothing ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("leeg.pdf", b"", "empty"),
        ("pagina.pdf", papers.HTML, "type"),
        ("programma.exe", papers.PDF, "name"),
        ("macro.docx", papers.docx({"word/vbaProject.bin": b"x"}), "macros"),
        ("bom.docx", papers.liar(), "bomb"),
        ("groot.pdf", papers.PDF + bytes(1_000_000), "size"),
    ],
)
async def test_what_is_refused_leaves_nothing(desk: Desk, name: str, data: bytes, code: str) -> None:
    with pytest.raises(DocumentError) as refused:
        await desk.give(desk.an, name, data)
    assert refused.value.code == code
    assert await desk.rows() == 0 and desk.kept.files() == []


async def test_two_gigabytes_end_at_the_limit(desk: Desk) -> None:
    sent = 0

    async def flood() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 2_000_000_000:
            sent += 1 << 16
            yield papers.PDF.ljust(1 << 16, b"\0")

    with pytest.raises(DocumentError, match="size"):
        await desk.kept.documents.receive(desk.booked.appointment_id, desk.an, "a.pdf", flood())
    assert sent <= 1_000_000 + 2 * (1 << 16)
    assert await desk.rows() == 0 and desk.kept.files() == []


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError(), RuntimeError()])
async def test_cut_off_in_the_middle(desk: Desk, error: Exception) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield papers.PDF
        raise error

    with pytest.raises(type(error)):
        await desk.kept.documents.receive(desk.booked.appointment_id, desk.an, "a.pdf", broken())
    assert await desk.rows() == 0 and desk.kept.files() == []


async def test_a_task_that_is_cancelled_in_the_middle(desk: Desk) -> None:
    waits = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield papers.PDF
        waits.set()
        await asyncio.Event().wait()

    work = desk.kept.documents.receive(desk.booked.appointment_id, desk.an, "a.pdf", slow())
    task = asyncio.create_task(work)
    await waits.wait()
    assert await desk.states() == ["uploading"] and len(desk.kept.files()) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await desk.rows() == 0 and desk.kept.files() == []


async def test_a_crash_in_the_middle_is_tidied_up(desk: Desk) -> None:
    """A row and half a file, and a file that nobody knows: as they are after a power cut."""
    begin = (int(desk.clock.now_s), entropy().randbytes, desk.kept.documents.rules, desk.booked.appointment_id, desk.an)
    _key, file = await desk.store.write(records.begin, *begin, "half.pdf")
    shelf = desk.kept.documents.shelf
    shelf.path(file).write_bytes(papers.PDF[:5])
    shelf.path("ab" * 20).write_bytes(b"nobody knows")
    other = shelf.folder / "readme.txt"
    other.write_text("not ours")
    assert await desk.kept.documents.tidy() == 1, "what is on its way may still come"
    assert desk.kept.files() == [file] and other.exists()
    desk.clock.now_s += 2 * records.UPLOAD_S
    await desk.kept.documents.tidy()
    assert desk.kept.files() == [] and await desk.rows() == 0 and other.exists()


async def test_a_full_disk_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "FREE_MIN", 1 << 62)
    with pytest.raises(DocumentError, match="disk"):
        await desk.give(desk.an)
    assert await desk.rows() == 0 and desk.kept.files() == []


# -- how many ---------------------------------------------------------------------------------------------------


async def test_so_many_and_no_more(desk: Desk) -> None:
    for number in range(4):
        await desk.give(desk.an, f"{number}.pdf")
    with pytest.raises(DocumentError, match="full"):
        await desk.give(desk.an)
    first = (await desk.all())[0]
    await desk.kept.documents.remove(desk.booked.appointment_id, first.id, desk.an)
    await desk.give(desk.an)


async def test_so_many_bytes_and_no_more(desk: Desk) -> None:
    large = papers.PDF.ljust(900_000, b"\0")
    await desk.give(desk.an, "1.pdf", large)
    await desk.give(desk.an, "2.pdf", large)
    with pytest.raises(DocumentError, match="full"):
        await desk.give(desk.an, "3.pdf", large)
    assert len(desk.kept.files()) == 2


async def test_two_at_once_are_two(desk: Desk) -> None:
    await asyncio.gather(desk.give(desk.an, "1.pdf"), desk.give(desk.an, "2.pdf"))
    assert sorted(each.name for each in await desk.all()) == ["1.pdf", "2.pdf"] and len(desk.kept.files()) == 2


async def test_of_many_at_once_some_wait(desk: Desk) -> None:
    """Slow uploads take no more than their part."""
    go = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield papers.PDF
        await go.wait()

    there, about = desk.kept.documents, desk.booked.appointment_id
    first = [asyncio.create_task(there.receive(about, desk.an, f"{n}.pdf", slow())) for n in range(records.ABREAST)]
    async with asyncio.timeout(10):
        while len(await desk.states()) < records.ABREAST:  # noqa: ASYNC110 - they come by themselves
            await asyncio.sleep(0)
    with pytest.raises(DocumentError, match="busy"):
        await desk.give(desk.an)
    go.set()
    await asyncio.gather(*first)
    await desk.give(desk.an)


# -- who, when, how long ----------------------------------------------------------------------------------------


async def test_nothing_more_when_it_is_over(desk: Desk) -> None:
    await desk.store.write(
        ending.end, int(desk.clock.now_s), entropy().randbytes, desk.booked.appointment_id, "citizen"
    )
    for sender in (desk.an, desk.bart):
        with pytest.raises(DocumentError, match="over"):
            await desk.give(sender)
    with pytest.raises(DocumentError, match="unknown"):
        await desk.kept.documents.receive(999, desk.an, "a.pdf", pieces(papers.PDF))


async def test_over_while_it_comes(desk: Desk) -> None:
    async def late() -> AsyncIterator[bytes]:
        yield papers.PDF
        now_s = int(desk.clock.now_s)
        await desk.store.write(ending.end, now_s, entropy().randbytes, desk.booked.appointment_id, "citizen")

    with pytest.raises(DocumentError, match="over"):
        await desk.kept.documents.receive(desk.booked.appointment_id, desk.an, "a.pdf", late())
    assert await desk.rows() == 0 and desk.kept.files() == []


async def test_each_takes_back_his_own_and_staff_all(desk: Desk) -> None:
    hers, ours = await desk.give(desk.an), await desk.give(desk.bart)
    theirs = await desk.give(desk.lies)
    await desk.kept.documents.scan()
    remove, about = desk.kept.documents.remove, desk.booked.appointment_id
    for key, who in ((hers, desk.lies), (ours, desk.an), (theirs, desk.an), (999, desk.bart)):
        with pytest.raises(DocumentError, match="unknown"):
            await remove(about, key, who)
    await remove(about, hers, desk.an)
    with pytest.raises(DocumentError, match="unknown"):
        await remove(about, hers, desk.an)
    await remove(about, theirs, desk.bart)
    await remove(about, ours, desk.bart)
    assert await desk.all() == [] and desk.kept.files() == []
    names = await desk.store.read(lambda tx: tx.execute(select(document.c.name)).scalars().all())
    assert set(names) == {""}, "not even its name stays"


async def test_who_sees_what(desk: Desk) -> None:
    await desk.give(desk.an, "an.pdf")
    await desk.give(desk.lies, "lies.pdf")
    await desk.give(desk.bart, "bart.pdf")
    found = await desk.all()
    an, lies = (each.participant_id or 0 for each in (desk.an, desk.lies))
    assert [each.name for each in records.visible(found, an, citizen=True)] == ["an.pdf", "lies.pdf"], "not yet scanned"
    await desk.kept.documents.scan()
    found = await desk.all()
    assert [each.name for each in records.visible(found, an, citizen=True)] == ["an.pdf", "lies.pdf", "bart.pdf"]
    assert [each.name for each in records.visible(found, lies, citizen=False)] == ["lies.pdf", "bart.pdf"]


async def test_gone_after_its_term_and_never_in_the_database(unscanned: Desk) -> None:
    """No file, no row, and not a byte of it in the database file, while it was there or after."""
    desk, mark = unscanned, b"een heel eigen zin 7f3a91"
    await desk.give(desk.an, "brief.txt", papers.TEXT + mark)
    database = Path(str(desk.store.url.database))

    def bytes_of() -> bytes:
        return b"".join(each.read_bytes() for each in database.parent.glob(f"{database.name}*"))

    assert mark not in bytes_of() and b"brief.txt" in bytes_of()
    (file,) = desk.kept.files()
    assert mark in desk.kept.documents.shelf.path(file).read_bytes()
    desk.clock.now_s = END_S + 7 * DAY_S - 1
    assert await desk.kept.documents.tidy() == 0 and desk.kept.files() == [file]
    desk.clock.now_s += 1
    assert await desk.kept.documents.tidy() == 1
    assert desk.kept.files() == [] and await desk.rows() == 0 and mark not in bytes_of()


async def test_kept_as_long_as_the_settings_say(unscanned: Desk) -> None:
    unscanned.kept.documents.rules = replace(unscanned.kept.documents.rules, keep_days=0)
    await unscanned.give(unscanned.an)
    unscanned.clock.now_s = END_S
    assert await unscanned.kept.documents.tidy() == 1


async def test_of_a_cancelled_appointment_nothing_is_kept(desk: Desk) -> None:
    await desk.give(desk.an)
    cancel = (int(desk.clock.now_s), entropy().randbytes, desk.booked.appointment_id, "citizen")
    await desk.store.write(lambda tx: changes.cancel(tx, *cancel, by="citizen", reason=""))
    assert await desk.kept.documents.tidy() == 1 and desk.kept.files() == []


async def test_documents_go_along_when_the_appointment_moves(desk: Desk) -> None:
    await desk.give(desk.an, "an.pdf")
    await desk.give(desk.bart, "bart.pdf")
    (before, _) = await desk.all()
    now_s, later_s = int(desk.clock.now_s), TUESDAY_10_S + DAY_S
    move = (now_s, entropy(3).randbytes, KEY, desk.booked.appointment_id, later_s, "citizen")
    moved = await desk.store.write(changes.move, *move)
    found = await desk.store.read(records.of_appointment, moved.appointment_id)
    assert [each.name for each in found] == ["an.pdf", "bart.pdf"]
    assert found[0].participant_id in moved.links and found[0].participant_id != before.participant_id
    assert found[0].delete_s == before.delete_s + DAY_S
    assert await desk.all() == []
    await desk.kept.documents.tidy()
    assert len(desk.kept.files()) == 2, "the row that it left is no reason to wipe them"


# -- a letter tells ---------------------------------------------------------------------------------------------


async def _letters(desk: Desk) -> list[tuple[str, str, str]]:
    query = select(message.c.kind, message.c.variant, message.c.recipient).where(message.c.kind == "document")
    return [tuple(row) for row in await desk.store.read(lambda tx: tx.execute(query).all())]


async def test_the_citizen_is_told_once_that_something_waits(desk: Desk) -> None:
    await desk.give(desk.an)
    await desk.give(desk.bart, "1.pdf")
    assert await _letters(desk) == [], "not while it is in quarantine"
    await desk.kept.documents.scan()
    await desk.give(desk.bart, "2.pdf")
    await desk.kept.documents.scan()
    assert await _letters(desk) == [("document", "sent-0", "an@example.org")]


async def test_who_is_in_the_call_sees_it_there(desk: Desk) -> None:
    about = appointment.c.id == desk.booked.appointment_id
    await desk.store.write(lambda tx: tx.execute(update(appointment).where(about).values(status="in_call")))
    await desk.give(desk.bart)
    await desk.kept.documents.scan()
    assert await desk.states() == ["available"] and await _letters(desk) == []


def test_rules_without_words_are_those_of_the_settings() -> None:
    from balie.sections.documents import DocumentsSection

    rules, section = Rules(), DocumentsSection()
    assert rules.max_bytes == section.max_mb * 1_000_000 and rules.total_bytes == section.total_mb * 1_000_000
    assert (rules.count_max, rules.keep_days) == (section.count_max, section.keep_days)
