"""Documents are exported, and whoever does it is killed a hundred times, at any line of the program.

At every moment what bookkeeping sees is whole; at the end it has each document once, and each answer was taken once.
"""

from __future__ import annotations

import csv
import os
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from balie.bookkeeping import overview
from balie.bookkeeping.export import JOURNAL
from balie.store.engine import Store, Tx
from balie.store.schema import audit, invoice
from tests.support.mortal_exporter import exporters
from tests.support.office import MONDAY_S
from tests.support.till import Till, open_till

KILLS, SEED = 100, 5
LINES_MAX = 900
"""Of a life that finishes a batch, makes another two and reads two answers; shorter ones end by themselves."""
LONG_AGO_S = MONDAY_S - 86_400


def seen(folder: Path) -> dict[str, list[str]]:
    """Batches, and the numbers in their journals; whole, or the test fails."""
    found = {}
    for batch in sorted(folder.iterdir()) if folder.exists() else ():
        if batch.name in (".werk", "terug"):
            continue
        text = (batch / JOURNAL).read_text(encoding="utf-8-sig")
        numbers = [row["nummer"] for row in csv.DictReader(text.splitlines(), delimiter=";")]
        files = {each.name for each in batch.iterdir()}
        assert files == {f"{number}.xml" for number in numbers} | {JOURNAL}, "half a batch"
        assert all((batch / f"{number}.xml").read_text().endswith("Invoice>") for number in numbers), "half a file"
        found[batch.name] = numbers
    return found


def answer(folder: Path, batch: str, numbers: list[str]) -> None:
    """Bookkeeping took them.  It was so long ago that the file is not on its way any more."""
    (folder / "terug").mkdir(exist_ok=True)
    place = folder / "terug" / f"{batch}.csv"
    place.write_text("".join(f"{number};BK-{number}\n" for number in numbers))
    os.utime(place, (LONG_AGO_S, LONG_AGO_S))


def exported(tx: Tx) -> dict[str, str]:
    rows = tx.execute(select(invoice.c.content, invoice.c.exported_as).where(invoice.c.exported_s.is_not(None)))
    return {row.content["number"]: row.exported_as for row in rows}


@pytest.mark.waits
@pytest.mark.timeout(180)
async def test_a_hundred_kills_lose_and_double_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    chance, folder = random.Random(SEED), tmp_path / "boekhouding"
    till = await open_till(sqlite_store)
    answered: set[str] = set()
    kills = lives = bought = 0
    async with exporters(str(sqlite_store.url.database), folder) as makers:
        while kills < KILLS:
            lives += 1
            for _each in range(chance.randint(0, 3)):
                await till.bought(bought)
                bought += 1
            ended = await makers.live(MONDAY_S, chance.randint(1, LINES_MAX))
            kills += ended == -signal.SIGKILL
            batches = seen(folder)
            marked = await sqlite_store.read(exported)
            assert all(marked[number] == batch for batch, numbers in batches.items() for number in numbers), (
                f"seed {SEED}, life {lives}: bookkeeping sees what is not marked"
            )
            for batch in batches.keys() - answered if chance.random() < 0.5 else ():
                answer(folder, batch, batches[batch])
                answered.add(batch)
        assert await makers.live(MONDAY_S) == 0
        for batch, numbers in seen(folder).items():
            answer(folder, batch, numbers)  # most of them once more
        assert await makers.live(MONDAY_S) == 0
    await check(till, folder, bought, f"seed {SEED}, {lives} lives")


async def check(till: Till, folder: Path, bought: int, story: str) -> None:
    came = Counter(number for numbers in seen(folder).values() for number in numbers)
    assert sorted(came) == [f"2026-{number:06}" for number in range(1, bought + 1)], f"lost; {story}"
    assert set(came.values()) == {1}, f"doubled; {story}"
    assert [each.name for each in (folder / ".werk").iterdir()] == ["slot"], f"heaps are left; {story}"
    assert await till.store.read(overview.mismatches) == []
    taken = select(audit.c.object).where(audit.c.action == "invoice_acknowledged")
    told = Counter(await till.store.read(lambda tx: list(tx.scalars(taken))))
    assert len(told) == bought and set(told.values()) == {1}, f"answers taken twice, or not; {story}"
    assert bought > 50, "there was something to lose"
