"""The desk on a telephone: what comes first, and the places behind one button."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.test_desk import PHONE, Come, busy, come, desk, heading
from tests.support.access import check, tab_to
from tests.support.desk import DeskSite

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

__all__ = ["come", "desk"]  # fixtures, for pytest


async def test_on_a_phone_the_day_comes_first_and_the_places_are_behind_one_button(desk: DeskSite, come: Come) -> None:
    await busy(desk)
    bart = await come(viewport=PHONE)
    page, press_key = bart.page, bart.page.keyboard.press
    sizes: tuple[Any, ...] = (PHONE, {"width": 740, "height": 360})
    for size in sizes:
        await page.set_viewport_size(size)
        row = await page.locator(".side").bounding_box()
        following = await page.locator(".next").bounding_box()
        assert row and row["height"] <= 64 and following
        if size == PHONE:
            assert following["y"] + following["height"] <= PHONE["height"], "who comes next is seen without scrolling"
    await page.set_viewport_size(sizes[0])
    links = page.get_by_role("navigation").get_by_role("link")
    await expect(links).to_have_count(0)
    await tab_to(bart, "Menu")
    await press_key("Enter")
    await expect(links.first).to_be_visible()
    await check(bart, "menu")
    await press_key("Escape")
    await expect(links).to_have_count(0)
    await expect(page.locator(".menu-open")).to_be_focused()
    await press_key("Enter")
    await tab_to(bart, "Taken")
    await press_key("Enter")
    await heading(page, "Taken")
