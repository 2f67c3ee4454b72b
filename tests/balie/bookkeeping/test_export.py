"""Documents go to the folder once, whole, and what comes back from it is read; on both databases."""

from __future__ import annotations

import asyncio
import csv
import os
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from balie.bookkeeping import answers, overview, papers
from balie.bookkeeping.accounts import Accounts
from balie.bookkeeping.answers import KEPT_MAX, OPEN_MAX, PART_LINES, acknowledge
from balie.bookkeeping.content import Content
from balie.bookkeeping.export import JOURNAL, FolderExport
from balie.bookkeeping.folder import ANSWERS_MAX, SETTLED_S, Folder
from balie.store.engine import Store, Tx
from balie.store.schema import audit, invoice
from tests.support.office import MONDAY_S
from tests.support.till import NUMBERS, Till, open_till

LATER_S = MONDAY_S + 10**9  # than any file of this test


@pytest_asyncio.fixture
async def till(store: Store) -> Till:
    return await open_till(store)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "boekhouding"


def exporter(till: Till, there: Path, batch_max: int = 200) -> FolderExport:
    return FolderExport(till.store, there, Accounts(), batch_max)


def batches(there: Path) -> dict[str, set[str]]:
    """What somebody sees who reads the folder."""
    return {
        each.name: {file.name for file in each.iterdir()}
        for each in sorted(there.iterdir())
        if not each.name.startswith(".") and each.name != "terug"
    }


def answer(there: Path, name: str, content: bytes | str) -> None:
    (there / "terug").mkdir(exist_ok=True)
    (there / "terug" / name).write_bytes(content.encode() if isinstance(content, str) else content)


async def state(till: Till, number: str) -> overview.Paper:
    return await till.store.read(overview.by_number, [till.office.service], number)


async def test_a_batch_holds_its_documents_and_their_journal(till: Till, there: Path) -> None:
    await till.bought(1)
    await till.bought(2)
    assert await exporter(till, there).step(MONDAY_S) == 2
    ((name, files),) = batches(there).items()
    assert name == "2026-12-07_2026-000001"
    assert files == {"2026-000001.xml", "2026-000002.xml", JOURNAL}
    ubl = await till.store.read(lambda tx: list(tx.scalars(select(invoice.c.ubl).order_by(invoice.c.id))))
    assert (there / name / "2026-000002.xml").read_text() == ubl[1]
    rows = list(csv.DictReader((there / name / JOURNAL).read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    assert [row["nummer"] for row in rows] == ["2026-000001", "2026-000002"]
    assert (await state(till, "2026-000001")).exported_as == name
    assert [each.name for each in (there / ".werk").iterdir()] == ["slot"]


async def test_what_was_exported_is_not_exported_again(till: Till, there: Path) -> None:
    await till.bought(1)
    for _again in range(3):
        await exporter(till, there).step(MONDAY_S)
    key = await till.paid(2)
    await till.store.write(NUMBERS.credit, MONDAY_S, await till.given_back(key, 300))
    await exporter(till, there).step(MONDAY_S + 86_400)
    found = [sorted(files - {JOURNAL}) for files in batches(there).values()]
    assert found == [["2026-000001.xml"], ["2026-000002.xml", "C2026-000001.xml"]]


async def test_many_documents_are_several_batches(till: Till, there: Path) -> None:
    for at in range(7):
        await till.bought(at)
    assert await exporter(till, there, batch_max=3).step(MONDAY_S) == 7
    assert [len(files) - 1 for files in batches(there).values()] == [3, 3, 1]


async def test_two_who_export_at_once_export_once(till: Till, there: Path, tmp_path: Path) -> None:
    """Two processes on one folder, and another one on a folder of its own by mistake."""
    for at in range(5):
        await till.bought(at)
    places = (there, there, tmp_path / "elsewhere")
    await asyncio.gather(*(exporter(till, each, batch_max=2).step(MONDAY_S) for each in places))
    for each in places[1:]:
        await exporter(till, each).step(MONDAY_S)
    seen = [name for each in places[1:] for files in batches(each).values() for name in files - {JOURNAL}]
    assert sorted(seen) == [f"2026-{number:06}.xml" for number in range(1, 6)]


async def test_what_bookkeeping_has_by_another_way_does_not_go_to_the_folder(till: Till, there: Path) -> None:
    for at in range(2):
        await till.bought(at)
    assert await till.store.write(acknowledge, MONDAY_S, "2026-000001", "B-1", "api:1") == "taken"
    assert await exporter(till, there).step(MONDAY_S) == 1
    assert list(batches(there).values()) == [{"2026-000002.xml", JOURNAL}]


async def test_who_comes_second_to_the_folder_waits(till: Till, there: Path) -> None:
    await till.bought(1)
    with Folder(there).mine() as mine:
        assert mine
        assert await exporter(till, there).step(MONDAY_S) == 0
    assert await exporter(till, there).step(MONDAY_S) == 1


async def test_a_heap_that_somebody_left_is_finished_or_thrown_away(till: Till, there: Path) -> None:
    await till.bought(1)
    await till.bought(2)
    folder = Folder(there)
    with folder.mine():
        folder.write("marked", {"2026-000001.xml": b"<a/>"})
        folder.write("not-marked", {"2026-000002.xml": b"<b/>"})
        (there / ".werk" / "half").mkdir()
    await till.store.write(papers.mark, MONDAY_S, "marked", [1])
    await exporter(till, there).step(MONDAY_S)
    assert set(batches(there)) == {"marked", "2026-12-07_2026-000002"}
    assert folder.begun() == []


async def test_a_place_that_is_taken_loses_nothing(till: Till, there: Path) -> None:
    """A backup of the database was put back, say: an operator has to look."""
    (there / "2026-12-07_2026-000001").mkdir(parents=True)
    (there / "2026-12-07_2026-000001" / "other").touch()
    await till.bought(1)
    worker = exporter(till, there)
    assert await worker.step(MONDAY_S) == 1
    assert Folder(there).begun() == ["2026-12-07_2026-000001"]
    (there / "2026-12-07_2026-000001").rename(there / "looked-at")
    await worker.step(MONDAY_S)
    assert batches(there)["2026-12-07_2026-000001"] == {"2026-000001.xml", JOURNAL}


async def test_a_folder_that_is_not_there_marks_nothing(till: Till, tmp_path: Path) -> None:
    await till.bought(1)
    with pytest.raises(OSError, match="nowhere"):
        await exporter(till, tmp_path / "nowhere" / "boekhouding").step(MONDAY_S)
    assert (await state(till, "2026-000001")).exported_s is None


# -- answers -----------------------------------------------------------------------------------------------------------


async def test_an_answer_is_read_once_and_kept(till: Till, there: Path) -> None:
    for at in range(3):
        await till.bought(at)
    worker = exporter(till, there)
    await worker.step(MONDAY_S)
    text = "\ufeffnummer;kenmerk\r\n2026-000001;BK-77\r\n\r\n2026-000002;BK-78;and more\r\n"
    for _replay in range(3):
        answer(there, "2026-12-07_2026-000001.csv", text)
        await worker.step(LATER_S)
    assert [(await state(till, f"2026-00000{at}")).acknowledged_ref for at in (1, 2, 3)] == ["BK-77", "BK-78", ""]
    assert await till.store.read(overview.mismatches) == []
    (batch,) = await till.store.read(overview.batches, [till.office.service])
    assert (batch.number, batch.acknowledged) == (3, 2)
    assert [each.number for each in await pending(till)] == ["2026-000003"]
    noted = select(audit.c.actor).where(audit.c.action == "invoice_acknowledged")
    actors = await till.store.read(lambda tx: list(tx.scalars(noted)))
    assert actors == ["terug/2026-12-07_2026-000001.csv"] * 2
    assert sorted(os.listdir(there / "terug")) == ["verwerkt"]
    assert len(os.listdir(there / "terug" / "verwerkt")) == 2, "the same file is kept once beside the first"


async def pending(till: Till) -> list[Content]:
    return [each.content for each in await till.store.read(overview.unacknowledged, [till.office.service])]


@pytest.mark.parametrize(
    ("line", "number", "reference", "reason"),
    [
        ("2026-000009;BK-1", "2026-000009", "BK-1", "unknown"),
        ("factuur 1;BK-1", "factuur 1", "BK-1", "unknown"),
        ("2026-000001;OTHER", "2026-000001", "OTHER", "other_reference"),
        ("2026-000001", "2026-000001", "", "unreadable"),
        ("2026-000001;   ", "2026-000001", "", "unreadable"),
        (f"2026-000001;{'x' * 129}", "2026-000001", "x" * 128, "unreadable"),
        ("2026-000001;a\x07b", "2026-000001", "a?b", "unreadable"),
        ('"2026-000001', "2026-000001", "", "unreadable"),
        ("\0\0\0", "???", "", "unreadable"),
    ],
)
async def test_what_cannot_be_is_shown_and_changes_nothing(
    till: Till, there: Path, line: str, number: str, reference: str, reason: str
) -> None:
    await till.bought(1)
    worker = exporter(till, there)
    await worker.step(MONDAY_S)
    answer(there, "a.csv", "2026-000001;BK-1\n")
    await worker.step(LATER_S)
    for _replay in range(3):
        answer(there, "b.csv", line + "\n")
        await worker.step(LATER_S)
    (found,) = await till.store.read(overview.mismatches)
    assert (found.number, found.reference, found.reason) == (number, reference, reason)
    assert found.source == "terug/b.csv"
    assert (await state(till, "2026-000001")).acknowledged_ref == "BK-1"


async def test_a_wrong_file_leaves_few_mismatches(till: Till, there: Path) -> None:
    """Many numbers of another program: some of them, that the file is wrong, and its good line counts."""
    await till.bought(1)
    worker = exporter(till, there)
    await worker.step(MONDAY_S)
    strange = [f"V{at:05};BK-{at}\n" for at in range(1_200)]
    for _replay in range(2):
        answer(there, "a.csv", "".join((*strange, "2026-000001;BK-1\n")))
        answer(there, "b.csv", "".join(strange[:300]).replace("V", "W"))
        await worker.step(LATER_S)
        assert await till.store.read(overview.open_number) == KEPT_MAX + 2
    found = await till.store.read(overview.mismatches, limit=1000)
    assert {(each.reference, each.reason) for each in found if not each.number} == {
        ("terug/a.csv", "unreadable"),
        ("terug/b.csv", "unreadable"),
    }
    assert {each.number for each in found if each.number} == {f"V{at:05}" for at in range(KEPT_MAX)}
    assert (await state(till, "2026-000001")).acknowledged_ref == "BK-1"


async def test_a_long_file_leaves_the_database_to_others_in_between(till: Till, there: Path) -> None:
    """A hundred thousand lines took forty seconds, in which nobody could book."""
    worker, lines = exporter(till, there), PART_LINES * 3
    await worker.step(MONDAY_S)
    answer(there, "a.csv", "".join(f"2026-{at:06};BK\r\n" for at in range(1, lines + 1)))
    commits, write = [], till.store.write

    async def counted(function: Any, *args: Any, **more: Any) -> Any:
        commits.append(function)
        return await write(function, *args, **more)

    till.store.write = counted  # type: ignore[method-assign]
    await worker.step(LATER_S)
    assert commits.count(answers.take) == 3
    assert [sum(1 for _ in part.splitlines()) for part in answers.parts(b"x;y\n" * 501) if part] == [500, 1]


async def test_mismatches_that_nobody_looks_at_do_not_become_more(till: Till, there: Path) -> None:
    """Neither by files, day after day, nor by a program that asks again and again."""
    worker = exporter(till, there)
    await worker.step(MONDAY_S)
    for day in range(OPEN_MAX // KEPT_MAX + 2):
        answer(there, "a.csv", "".join(f"D{day}-{at};BK\n" for at in range(KEPT_MAX)))
        await worker.step(LATER_S + day)
    for number in range(ANSWERS_MAX):
        answer(there, f"b{number}.csv", f"F{number};BK\n")
    await worker.step(LATER_S)
    for number in range(20):
        assert await till.store.write(acknowledge, MONDAY_S, f"X{number}", "BK-1", "api:1") == "unknown"
    assert await till.store.read(overview.open_number) == OPEN_MAX + 1 + ANSWERS_MAX
    for each in await till.store.read(overview.mismatches, limit=2 + ANSWERS_MAX):
        await till.store.write(answers.close, LATER_S, each.id, till.office.bart, "Van vorig jaar.")
    assert await till.store.write(acknowledge, MONDAY_S, "X1", "BK-1", "api:1") == "unknown"
    assert "X1" in [each.number for each in await till.store.read(overview.mismatches, limit=2000)]


async def test_many_files_are_read_a_few_at_a_time(till: Till, there: Path) -> None:
    worker = exporter(till, there)
    await worker.step(MONDAY_S)
    for at in range(ANSWERS_MAX + 3):
        answer(there, f"{at:03}.csv", "2026-000001;x\n")
    for left in (3, 0):
        await worker.step(LATER_S)
        assert len(list((there / "terug").glob("*.csv"))) == left


async def test_a_file_whose_name_is_no_text(till: Till, there: Path) -> None:
    """Names of files are bytes; one that is no UTF-8 held up all that came after it."""
    await till.bought(1)
    worker = exporter(till, there)
    await worker.step(MONDAY_S)
    answer(there, os.fsdecode(b"a\xff.csv"), "2026-000001;BK-1\n2026-000077;BK-2\n")
    await worker.step(LATER_S)
    assert (await state(till, "2026-000001")).acknowledged_ref == "BK-1"
    assert [each.source for each in await till.store.read(overview.mismatches)] == ["terug/a?.csv"]


async def test_a_file_that_still_comes_in_is_left_alone(till: Till, there: Path) -> None:
    await till.bought(1)
    worker = exporter(till, there)
    await worker.step(MONDAY_S)
    answer(there, "a.csv", "2026-000001;BK-")
    os.utime(there / "terug" / "a.csv", (MONDAY_S, MONDAY_S))
    await worker.step(MONDAY_S + SETTLED_S - 1)
    assert (await state(till, "2026-000001")).acknowledged_s is None
    answer(there, "a.csv", "2026-000001;BK-77\n")
    os.utime(there / "terug" / "a.csv", (MONDAY_S, MONDAY_S))
    await worker.step(MONDAY_S + SETTLED_S)
    assert (await state(till, "2026-000001")).acknowledged_ref == "BK-77"


async def test_what_is_no_file_of_ours_is_not_read(till: Till, there: Path, tmp_path: Path) -> None:
    """A link out of the folder, a pipe that nobody writes to, a picture, a file without end."""
    await till.bought(1)
    worker = exporter(till, there)
    await worker.step(MONDAY_S)
    (tmp_path / "secret").write_text("root;secret\n")
    answer(there, "picture.csv", bytes(range(256)) * 40)
    (there / "terug" / "link.csv").symlink_to(tmp_path / "secret")
    os.mkfifo(there / "terug" / "pipe.csv")
    with (there / "terug" / "endless.csv").open("wb") as endless:
        endless.truncate(1 << 40)
    answer(there, "notes.txt", "2026-000001;x\n")
    await worker.step(LATER_S)
    found = await till.store.read(overview.mismatches)
    assert "secret" not in str([each.number for each in found])
    assert {each.reference for each in found} >= {"terug/link.csv", "terug/pipe.csv", "terug/endless.csv"}
    assert sorted(os.listdir(there / "terug")) == ["notes.txt", "verwerkt"]
    assert (await state(till, "2026-000001")).acknowledged_s is None


async def test_no_more_than_one_export_marks_a_document(till: Till) -> None:
    """The last line of defence, for who has a folder that cannot be locked."""
    key = await till.bought(1)
    await till.store.write(papers.mark, MONDAY_S, "one", [key])

    def mark_again(tx: Tx) -> None:
        papers.mark(tx, MONDAY_S, "two", [key])

    with pytest.raises(papers.TakenError):
        await till.store.write(mark_again)
    assert (await state(till, "2026-000001")).exported_as == "one"
