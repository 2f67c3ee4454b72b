"""A municipality whose pages for citizens run in the test's process, and what a person does on them in a browser."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Page, expect

from balie.booking import reading
from balie.booking.reading import Appointment
from balie.store.engine import Store
from tests.support import databases, office
from tests.support.booking import booked
from tests.support.office import MONDAY_S, Office
from tests.support.townhall import Townhall, townhall

SMALL = 768
"""Pixels: a window so narrow has the desk's places behind a button."""


@dataclass
class Town:
    """A municipality that runs.  origin: where."""

    hall: Townhall
    office: Office
    origin: str

    async def appointment(self) -> Appointment:
        """The latest one."""
        found = await self.hall.store.read(reading.between, MONDAY_S, MONDAY_S + 10**7)
        return max(found, key=lambda each: (each.sequence, each.id))

    async def link(self, **what: Any) -> str:
        """Of An, who has an appointment on Tuesday at ten."""
        made = await booked(self.hall.store, self.office, **what)
        return f"{self.origin}/a/{next(iter(made.links.values()))}"


@asynccontextmanager
async def running(template: Path, folder: Path) -> AsyncIterator[Town]:
    """On a port that is free, over an SQLite file of its own."""
    url = databases.sqlite_url(folder)
    shutil.copy(template, str(url.database))
    store = Store(url)
    found = await store.write(office.found)
    hall = townhall(store)
    runner = web.AppRunner(hall.app)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield Town(hall, found, f"http://localhost:{port}")
    await runner.cleanup()
    await store.close()


async def heading(page: Page, words: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text(words)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def follow(page: Page, name: str) -> None:
    await page.get_by_role("link", name=name, exact=True).first.click()


async def go_to(page: Page, name: str) -> None:
    """One of the desk's places: behind a button where the window is small."""
    size = page.viewport_size
    if size is not None and size["width"] < SMALL:
        await page.locator(".menu-open").click()
    await page.get_by_role("navigation").get_by_role("link", name=name).click()


async def pick(page: Page) -> None:
    """Wednesday 9 December at a quarter to ten."""
    await page.get_by_role("button", name="woensdag 9 december 2026, 22 vrij", exact=True).click()
    await expect(page.get_by_role("heading", name="woensdag 9 december 2026")).to_be_visible()
    await press(page, "9.45 uur")
    await heading(page, "Uw gegevens")


async def fill_in(page: Page) -> None:
    await page.get_by_label("Uw naam").fill("An Peeters")
    await page.get_by_label("E-mailadres", exact=True).fill("an@example.org")
