"""Showing who one is as people do it: with a telephone beside the page, and staff with the organisation's button."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.support.access import check, tab_to
from tests.support.processes import Running
from tests.support.visitor import PHONE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]

WIDE: Any = {"width": 1440, "height": 900}


async def test_a_telephone_beside_the_page(visit: Visit, demo: Running) -> None:
    an, phone = await visit(viewport=WIDE), await visit(viewport=PHONE)
    token = demo.links["citizen"].rpartition("/")[2]
    await an.goto(f"http://localhost:{demo.port}/a/{token}")
    await an.page.get_by_role("link", name="Toon wie u bent").click()
    await expect(an.page.get_by_role("heading", level=1)).to_have_text("Toon wie u bent")
    await check(an, "what for, and the button")
    await an.press("Toon een QR-code voor een ander toestel")
    await check(an, "the code")
    link = await an.page.get_by_role("link", name="Open deze link op dit toestel").get_attribute("href")
    assert link is not None
    await phone.goto(link)
    await check(phone, "one button")
    await tab_to(phone, "Identificeer u")
    await phone.page.keyboard.press("Enter")
    await expect(phone.page.get_by_role("heading", level=1)).to_have_text("Wie bent u?")
    await check(phone, "the demo's provider")
    await phone.press("Jan Claes")
    await expect(phone.page.get_by_role("heading", level=1)).to_have_text("We weten nu wie u bent")
    await check(phone, "back")
    await expect(an.page.get_by_text("U toonde dat u Jan Claes bent.")).to_be_visible()
    await check(an, "done, under another name")


async def test_a_new_tab_leaves_the_page_where_it_is(visit: Visit, demo: Running) -> None:
    an = await visit(viewport=PHONE)
    token = demo.links["citizen"].rpartition("/")[2]
    place = f"http://localhost:{demo.port}/a/{token}/identificeren"
    await an.goto(place)
    async with an.page.context.expect_page() as opening:
        await an.press("Identificeer u met demo-ID")
    tab = await opening.value
    await tab.get_by_role("button", name="An Peeters").click()
    await expect(tab.get_by_role("heading", level=1)).to_have_text("We weten nu wie u bent")
    assert await tab.evaluate("() => window.opener") is None
    assert an.page.url == place
    await expect(an.page.get_by_text("U toonde dat u An Peeters bent.")).to_be_visible()
    await tab.get_by_role("button", name="Meld u af bij de identiteitsdienst").click()
    await tab.get_by_role("link", name="Ga terug").click()
    await expect(tab.get_by_role("heading", level=1)).to_have_text("U bent afgemeld")


async def test_staff_signs_in_with_the_organisation(visit: Visit, demo: Running) -> None:
    bart = await visit(viewport=WIDE)
    await bart.goto(f"http://localhost:{demo.port}/balie/afspraken")
    await check(bart, "two ways in")
    await bart.press("Aanmelden met demo-ID")
    await bart.page.get_by_role("button", name=re.compile("Bart Claes")).click()
    await bart.page.wait_for_url("**/balie/afspraken")
    await expect(bart.page.get_by_role("link", name="Bart Claes", exact=True)).to_be_visible()
    await bart.press("Meld u af")
    await bart.page.get_by_role("link", name="Ga terug").click()
    await expect(bart.page.get_by_text("U bent afgemeld.")).to_be_visible()
