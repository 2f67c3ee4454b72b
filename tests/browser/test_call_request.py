"""Who waits and would rather be telephoned: what he hears, what the desk sees, how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.test_visit_desk import Counter, counting
from tests.support.access import check, focus

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]


@pytest_asyncio.fixture(loop_scope="session")
async def counter(chromium: Browser) -> AsyncIterator[Counter]:
    async with counting(chromium) as made:
        yield made


async def test_a_request_to_be_called_reaches_the_desk_and_is_closed(counter: Counter) -> None:
    bart = await counter.sit("bart")
    an = await counter.arrives(viewport={"width": 320, "height": 700})
    await an.press("Bel mij in de plaats")
    number = an.page.get_by_label("Uw telefoonnummer")
    await expect(number).to_have_value("+32 470 12 34 56")
    await check(an, "rather by telephone")
    await number.fill("0470")
    an.expected.append("422")
    await number.press("Enter")
    await an.until("document.getElementById('call-me-done').textContent.includes('Dit nummer klopt niet')")
    await number.fill("0470 65 43 21")
    await an.press("Vraag om mij te bellen")
    await an.until("document.getElementById('call-me-done').textContent.includes('bellen u op +32 470 65 43 21')")
    await focus(an, "call-me-wait")
    await an.press("Sluit dit venster")
    await an.press("Verlaat de wachtkamer")

    line = bart.page.locator("#waiting-list li", has_text="vraagt om gebeld te worden")
    await expect(line).to_contain_text("+32 470 65 43 21")
    await bart.until("document.getElementById('waiting-said').textContent.includes('vraagt om gebeld te worden')")
    await check(bart, "somebody to call")
    await bart.page.get_by_role("link", name="Noteer hoe het afliep An Peeters").press("Enter")
    await check(bart, "the task")
    await bart.page.get_by_label("Wat is er afgesproken?").fill("Komt morgen langs.")
    await bart.page.get_by_role("button", name="Gebeld en gesproken An Peeters").press("Enter")
    await expect(bart.page.get_by_role("status")).to_have_text("De taak is afgehandeld.")
    await bart.goto(f"{counter.origin}/balie")
    await expect(bart.page.get_by_text("vraagt om gebeld te worden")).to_have_count(0)
