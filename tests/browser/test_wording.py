"""The texts of products in Chromium: for everybody, by the hand of an administrator."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.test_desk import REFUSED, WIDE, Come, come, desk, done, follow, heading, press
from tests.support.access import check, tab_to
from tests.support.desk import DeskSite
from tests.support.town import go_to

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]
__all__ = ["come", "desk"]  # fixtures


async def test_a_welcome_is_written_and_read(desk: DeskSite, come: Come) -> None:
    mia = await come("mia", viewport=WIDE)
    page = mia.page
    mia.expected.append(REFUSED)
    await go_to(page, "Teksten")
    await check(mia, "all products")
    await follow(page, "Badmintonterrein huren")
    await heading(page, "Badmintonterrein huren")
    await page.get_by_label("Naam (Nederlands)").fill("")
    await page.get_by_label("Welkom (Nederlands)").fill("Fijn dat u er bent.\nWe doen alles samen.")
    await press(page, "Bewaar de teksten")
    await expect(page.get_by_role("alert")).to_contain_text("Vul een naam in.")
    await expect(page.get_by_label("Welkom (Nederlands)")).to_have_value("Fijn dat u er bent.\nWe doen alles samen.")
    await check(mia, "no name")
    await page.get_by_label("Naam (Nederlands)").fill("Badminton")
    await tab_to(mia, "Bewaar de teksten")
    await page.keyboard.press("Enter")
    await done(page, "Bewaard.")
    await heading(page, "Badminton")
    await expect(page.get_by_text("niet volledig: Français, English, Deutsch")).to_be_visible()
    await page.get_by_text("Zo staat het nu aan de deur").first.click()
    await check(mia, "written")
