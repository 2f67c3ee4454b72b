"""An appointment with documents, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from balie.booking.appointments import Booked
from balie.documents import records
from balie.documents.records import Document, Rules, Sender
from balie.store.engine import Store
from balie.store.schema import document
from tests.support import office, papers
from tests.support.booking import LIES, TUESDAY_10_S, booked
from tests.support.office import Office
from tests.support.papers import FakeScanner, Kept, pieces
from tests.support.townhall import Clock


@dataclass
class Desk:
    """Of An, with her daughter Lies, at Bart's; half past seven on the day before."""

    store: Store
    office: Office
    booked: Booked
    kept: Kept
    clock: Clock
    scanner: FakeScanner
    folder: Path

    @property
    def an(self) -> Sender:
        return Sender(participant_id=next(iter(self.booked.links)))

    @property
    def lies(self) -> Sender:
        return Sender(participant_id=list(self.booked.links)[1])

    @property
    def bart(self) -> Sender:
        return Sender(staff_id=self.office.bart)

    async def give(self, sender: Sender, name: str = "attest.pdf", *data: bytes) -> int:
        what = data or (papers.PDF,)
        return await self.kept.documents.receive(self.booked.appointment_id, sender, name, pieces(*what))

    async def all(self) -> list[Document]:
        return await self.store.read(records.of_appointment, self.booked.appointment_id)

    async def rows(self) -> int:
        return len(await self.store.read(lambda tx: tx.execute(select(document.c.id)).all()))

    async def states(self) -> list[str]:
        return [each.state for each in await self.all()]


async def _desk(store: Store, folder: Path, *, scans: bool) -> Desk:
    clock, scanner = Clock(), FakeScanner()
    here = await store.write(office.found)
    made = await booked(store, here, helpers=(LIES,))
    rules = Rules(max_bytes=1_000_000, count_max=4, total_bytes=2_500_000, scans=scans)
    kept = papers.keep(store, folder, clock, scanner if scans else None, rules)
    clock.now_s = TUESDAY_10_S - 86_400
    return Desk(store, here, made, kept, clock, scanner, folder)


@pytest_asyncio.fixture
async def desk(store: Store, tmp_path: Path) -> AsyncIterator[Desk]:
    """With a scanner."""
    yield await _desk(store, tmp_path, scans=True)


@pytest_asyncio.fixture
async def unscanned(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[Desk]:
    """Without one."""
    yield await _desk(sqlite_store, tmp_path, scans=False)


@pytest.fixture(scope="session")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Debian's, once for all tests: the path of its socket."""
    with papers.clamd(tmp_path_factory.mktemp("clamd")) as where:
        yield where
