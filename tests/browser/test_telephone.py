"""Rather by telephone, in Chromium: who gave no number is asked for one, and changes it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from balie.booking.people import Person
from tests.support.access import check_both
from tests.support.town import follow, heading, press, running
from tests.support.visitor import PHONE, visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What Chromium writes for a page that says what is wrong."""


async def test_rather_by_telephone(chromium: Browser, sqlite_template: Path, tmp_path: Path) -> None:
    async with (
        running(sqlite_template, tmp_path) as town,
        visitor(chromium, town.origin, media=False, viewport=PHONE) as an,
    ):
        page = an.page
        an.expected.append(REFUSED)
        await an.goto(await town.link(citizen=Person("An Peeters", mail="an@example.org")))
        await press(page, "Liever aan de telefoon")
        await heading(page, "Op welk nummer bellen we u?")
        await check_both(an, "which number")
        await page.get_by_label("Telefoonnummer").fill("12")
        await press(page, "Bel mij op dit nummer")
        await expect(page.locator("#errors")).to_be_focused()
        await check_both(an, "which number, wrong")
        await page.get_by_label("Telefoonnummer").fill("0470 65 43 21")
        await press(page, "Bel mij op dit nummer")
        await expect(page.get_by_text("We bellen u op +32470654321.")).to_be_visible()
        await check_both(an, "by telephone")
        await follow(page, "Wijzig dit nummer")
        await expect(page.get_by_label("Telefoonnummer")).to_have_value("+32470654321")
        await follow(page, "Terug naar uw afspraak")
        await heading(page, "Uw afspraak")
        assert an.complaints == []
