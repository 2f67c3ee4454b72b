"""Firefox and Chromium in one call: what one sends the other must understand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.browser.conftest import Visit
from tests.browser.firefox import firefox
from tests.support.processes import Running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AN, BART = "An Peeters", "Bart Claes"


async def test_a_citizen_in_firefox_and_a_staff_member_in_chromium(visit: Visit, demo: Running, tmp_path: Path) -> None:
    """Sight, sound, a shared screen, what is switched off, and no tile of who left."""
    async with firefox(tmp_path, f"http://localhost:{demo.port}") as an:
        bart, _ = await asyncio.gather(visit("staff"), an.open(demo.links["citizen"]))
        await asyncio.gather(an.enter(), bart.enter())
        await asyncio.gather(an.tiles(BART), bart.tiles(AN))
        await asyncio.gather(an.pictures(1), bart.pictures(1), an.sounds(1), bart.sounds(1))
        await asyncio.gather(an.status("Verbonden"), bart.status("Verbonden"))

        await bart.press("Scherm delen")
        await an.screen()
        await bart.press("Scherm delen stoppen")
        await an.no_screen()

        await an.press("Microfoon uitzetten")
        await bart.caption(AN, "microfoon uit")
        await an.press("Camera uitzetten")
        await bart.caption(AN, "camera uit")
        await an.press("Camera aanzetten")
        await bart.tiles(AN)
        await bart.pictures(1)

        await an.press("Gesprek verlaten")
        await bart.until("document.querySelectorAll('.faces .tile:not(.own)').length === 0", 2)
        await an.ended("U hebt het gesprek verlaten")
        assert an.complaints == []
