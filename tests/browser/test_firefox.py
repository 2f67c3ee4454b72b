"""Firefox and Chromium in one call, and a citizen's whole visit in Firefox: what one sends the other understands."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import visiting
from tests.browser.firefox import firefox
from tests.browser.test_visit_desk import WIDE, Counter, counter, go_in, let_in
from tests.support.processes import Running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

__all__ = ["counter"]  # a fixture, for pytest

AN, BART = "An Peeters", "Bart Claes"
TYPE = """(words) => {
  const box = document.getElementById("chat-text");
  box.value = words;
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
}"""


@pytest.mark.alone
async def test_a_citizen_in_firefox_and_a_staff_member_in_chromium(
    live_chromium: Browser, demo: Running, tmp_path: Path
) -> None:
    """Sight, sound, a shared screen, and no tile of who left."""
    async with visiting(live_chromium, demo) as visit, firefox(tmp_path, f"http://localhost:{demo.port}") as an:
        bart, _ = await asyncio.gather(visit("staff"), an.open(demo.links["citizen"]))
        await asyncio.gather(an.enter(), bart.enter())
        await asyncio.gather(an.tiles(BART), bart.tiles(AN))
        await asyncio.gather(an.pictures(1, fps=20), bart.pictures(1, fps=20), an.sounds(1), bart.sounds(1))
        await asyncio.gather(an.status("Verbonden"), bart.status("Verbonden"))

        await bart.press("Scherm delen")
        await an.screen()
        await bart.press("Scherm delen stoppen")
        await an.no_screen()

        await an.press("Gesprek verlaten")
        await bart.until("document.querySelectorAll('.faces .tile:not(.own)').length === 0", 2)
        await an.ended("U hebt het gesprek verlaten")
        assert an.complaints == []


async def test_a_visit_in_firefox(counter: Counter, tmp_path: Path) -> None:
    """Through the link, one press, the waiting room, the call, a message, on hold and back, and the goodbye."""
    bart = await counter.sit("bart", viewport=WIDE)
    async with firefox(tmp_path, counter.origin) as an:
        await an.open(counter.link)
        await an.enter()
        await an.until("document.body.dataset.state === 'waiting'")
        await go_in(bart)
        await let_in(bart)
        await asyncio.gather(an.tiles(BART), bart.tiles(AN))
        await asyncio.gather(an.pictures(1), bart.pictures(1), an.sounds(1), bart.sounds(1))
        await bart.press("Scherm delen")
        await an.screen()
        await an.press("Berichten")
        await an.evaluate(TYPE, "Wat kost dat?")
        await bart.until("document.getElementById('captions').textContent.includes('Wat kost dat?')")
        await an.press("Verstuur")
        await bart.until("document.getElementById('chat-log').textContent.includes('Wat kost dat?')")
        await bart.press("Scherm delen stoppen")
        await an.no_screen()
        await an.press("Microfoon uitzetten")
        await bart.caption(AN, "microfoon uit")
        await an.press("Camera uitzetten")
        await bart.caption(AN, "camera uit")
        await an.press("Camera aanzetten")
        await bart.tiles(AN)
        await bart.pictures(1)
        await bart.page.get_by_role("button", name="Zet in de wacht An Peeters").click()
        await an.until("document.body.dataset.state === 'waiting'")
        await let_in(bart)
        await an.pictures(1)
        await bart.press("Gesprek verlaten")
        await bart.press("Rond af voor iedereen")
        await an.until("document.getElementById('farewell').open")
        await an.press("Sluit de balie")
        await an.until("!document.getElementById('farewell-done').hidden")
        assert an.complaints == []
