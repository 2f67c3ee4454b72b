"""A call about badminton with documents in it: An, her daughter Lies who may have files, and Bart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest_asyncio
from aiohttp import ClientResponse, FormData

from balie.documents import records
from balie.documents.records import Document, Rules
from balie.store.engine import Store
from tests.support import papers
from tests.support.desk import LIES, DeskSite
from tests.support.papers import FakeScanner, Kept
from tests.support.samen import Citizen, Together, served_together
from web.documents.keys import DOCUMENTS

CARER = replace(LIES, role="carer")
HEADERS = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@dataclass
class Desk:
    together: Together
    kept: Kept
    scanner: FakeScanner

    @property
    def store(self) -> Store:
        return self.together.desk.store

    @property
    def staff(self) -> str:
        return f"/balie/afspraak/{self.together.booked.ref}/documenten"

    def place(self, who: Citizen) -> str:
        return f"/a/{who.token}/documenten"

    async def send(
        self, who: Citizen, name: str = "attest.pdf", data: bytes = papers.PDF, **fields: str
    ) -> ClientResponse:
        form = FormData(quote_fields=False)  # as browsers do
        for key, value in fields.items():
            form.add_field(key, value)
        form.add_field("bestand", data, filename=name, content_type="text/html")  # what it says is not asked
        return await who.client.post(self.place(who), data=form, headers=HEADERS, allow_redirects=False)

    async def give(
        self, name: str = "antwoord.pdf", data: bytes = papers.PDF, csrf: str | None = None, part: str = ""
    ) -> ClientResponse:
        """Bart sends one."""
        bart, form = self.together.bart, FormData()
        form.add_field("csrf", bart.token if csrf is None else csrf)
        form.add_field("bestand", data, filename=name)
        return await bart.client.post(self.staff + part, data=form, headers=HEADERS, allow_redirects=False)

    async def all(self) -> list[Document]:
        return await self.store.read(records.of_appointment, self.together.booked.appointment_id)

    async def nothing(self) -> bool:
        """Neither a row nor a file."""
        return not await self.all() and not self.kept.files()


async def gather(store: Store, folder: Path, *, scans: bool = True) -> AsyncIterator[Desk]:
    scanner, made = FakeScanner(), []

    def equip(desk: DeskSite) -> None:
        rules = Rules(max_bytes=300_000, count_max=5, total_bytes=1_000_000, scans=scans)
        kept = papers.keep(store, folder, desk.clock, scanner if scans else None, rules)
        desk.app[DOCUMENTS] = kept.documents
        made.append(kept)

    async with served_together(store, equip, CARER) as together:
        yield Desk(together, made[0], scanner)


@pytest_asyncio.fixture
async def desk(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[Desk]:
    """With a scanner."""
    async for each in gather(sqlite_store, tmp_path):
        yield each


@pytest_asyncio.fixture
async def unscanned(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[Desk]:
    async for each in gather(sqlite_store, tmp_path, scans=False):
        yield each
