"""Every page of a citizen in every language: axe-core, small windows, large letters, and nothing left in Dutch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from balie.i18n import LANGUAGES
from tests.support.access import fits
from tests.support.booking import TUESDAY_10_S
from tests.support.town import running
from tests.support.visitor import PHONE, visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What Chromium writes for a page that says what is wrong."""
PRODUCT = "/afspraak/nieuw/tijd?product=badminton&vorm=video"


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "nl"])
async def test_every_page_of_a_citizen(chromium: Browser, sqlite_template: Path, tmp_path: Path, language: str) -> None:
    async with (
        running(sqlite_template, tmp_path) as town,
        visitor(chromium, town.origin, media=False, viewport=PHONE) as an,
    ):
        page: Any = an.page
        an.expected.append(REFUSED)
        link = await town.link()
        await page.context.add_cookies([{"name": "taal", "value": language, "url": town.origin}])
        paths = ("/", "/afspraak/nieuw", PRODUCT, "/a/onbekend", "/bestaat-niet")
        own = ("", "/telefoon", "/annuleren", "/verzetten", "/iemand-mee")
        for url in (*(town.origin + path for path in paths), *(link + path for path in own)):
            await an.goto(url)
            await expect(page.locator("html")).to_have_attribute("lang", language)
            await fits(an, f"{url.removeprefix(town.origin)}, {language}")
        await an.goto(town.origin + PRODUCT)
        await page.locator("button[name=start], a[href*='start=']").first.click()
        await fits(an, f"a time or details, {language}")
        for state, now_s in (("open", TUESDAY_10_S), ("over", TUESDAY_10_S + 10**5)):
            town.hall.clock.now_s = now_s
            await an.goto(link)
            await fits(an, f"{state}, {language}")
