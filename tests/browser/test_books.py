"""The books on the desk in Chromium: for everybody, and by the hand of who leads a team."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.test_desk import PHONE, REFUSED, Come, come, desk, done, follow, heading, press
from tests.support.access import check_both
from tests.support.desk import DeskSite
from tests.support.till import fill_books
from tests.support.town import go_to

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]
__all__ = ["come", "desk"]  # fixtures


async def test_the_books_are_for_everybody(desk: DeskSite, come: Come) -> None:
    mia = await come("mia", viewport=PHONE)
    page = mia.page
    mia.expected.append(REFUSED)
    await go_to(page, "Boekhouding")
    await heading(page, "Boekhouding")
    await check_both(mia, "no books")
    await fill_books(desk)
    await page.reload()
    await check_both(mia, "books")
    await page.get_by_text("Sluit dit verschil af").click()
    await press(page, "Bewaar en sluit af")
    await expect(page.get_by_role("alert")).to_contain_text("Schrijf wat er aan de hand was.")
    await check_both(mia, "a mismatch without words")
    await page.get_by_label("Wat was er aan de hand?").fill("Een stuk van vorig jaar.")
    await press(page, "Bewaar en sluit af")
    await done(page, "Het verschil is afgesloten.")
    await page.get_by_label("Zoek een stuk op nummer").fill("2026-000002")
    await press(page, "Zoek")
    await heading(page, "Bewijs van betaling 2026-000002")
    await press(page, "Zet op geboekt")
    await check_both(mia, "a document without its reference")
    async with page.expect_download() as download:
        await follow(page, "Download het bestand (UBL)")
    assert (await download.value).suggested_filename == "2026-000002.xml"
    await page.get_by_label("Kenmerk in de boekhouding").fill("BK-77")
    await press(page, "Zet op geboekt")
    await done(page, "Dit stuk staat op geboekt.")
    await check_both(mia, "a document that is booked")
