"""Everybody can use every page in every state: axe-core, small windows, large letters, a keyboard, a screen reader."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import BROKEN, Visit, closed_link, visiting
from tests.support.access import ZOOMED, ask, check, focus, tab_to
from tests.support.network import Network
from tests.support.processes import Running
from tests.support.visitor import LAPTOP, visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

AN, BART, LIES = "An Peeters", "Bart Claes", "Lies Peeters"


@pytest.fixture
def demo(standing_demo: Running) -> Running:
    return standing_demo


async def test_pages_without_a_call(chromium: Browser, demo: Running) -> None:
    origin = f"http://localhost:{demo.port}"
    async with visitor(chromium, origin) as an:
        an.expected.append("Failed to load resource: the server responded with a status of 4")
        for path in ("/", "/nergens", "/g/onbekend"):
            await an.goto(origin + path)
            await check(an, path)
        for state in ("early", "over"):
            await closed_link(an, state, opens_in_s=5400)
            await check(an, state)
        await an.goto(f"{origin}/call#not.a.token")
        await an.enter()
        await an.ended("Deze link klopt niet")
        await check(an, "refused")
        assert an.complaints == []


async def test_the_door(visit: Visit, demo: Running) -> None:
    an = await visit("citizen")
    await check(an, "with camera and microphone")
    for name in ("NotAllowedError", "NotFoundError"):
        lies = await visit()
        refuse = f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('no', '{name}'); }}"
        await lies.page.add_init_script(refuse)
        await lies.goto(demo.links["third"])
        await lies.page.get_by_role("button", name="Probeer camera en microfoon opnieuw").wait_for()
        await check(lies, name)


async def test_a_call(chromium: Browser, own_demo: Running) -> None:
    """Alone, of two and of three, with a screen, with everything off, with each dialog, until the end."""
    async with visiting(chromium, own_demo) as visit:
        await a_call(visit)


async def a_call(visit: Visit) -> None:
    an, bart = await visit("citizen"), await visit("staff")
    await an.enter()
    await an.status("We wachten op de anderen")
    await check(an, "alone")
    await bart.enter()
    await asyncio.gather(an.tiles(BART), bart.tiles(AN))
    await an.status("Verbonden")
    await check(an, "two")
    lies = await visit("third")
    await lies.enter()
    await an.tiles(BART, LIES)
    await check(an, "three")
    await an.page.set_viewport_size(ZOOMED)
    assert await ask(an, "covered") == [], "a caption leaves a face to be seen, however small"
    await an.page.set_viewport_size(LAPTOP)
    await bart.press("Scherm delen")
    await an.screen()
    await check(an, "with a screen")
    await check(bart, "sharing a screen")
    await an.press("Microfoon uitzetten")
    await an.press("Camera uitzetten")
    await bart.caption(AN, "microfoon uit · camera uit")
    await check(an, "microphone and camera off")
    await an.press("Instellingen")
    await check(an, "devices")
    await an.page.keyboard.press("Escape")
    await bart.press("Gesprek beheren")
    await check(bart, "people")
    await bart.page.keyboard.press("Escape")
    await bart.press("Gesprek verlaten")
    await check(bart, "goodbye")
    await bart.press("Rond af voor iedereen")
    await an.ended("De medewerker heeft het gesprek afgerond")
    await check(an, "ended")
    await lies.ended("De medewerker heeft het gesprek afgerond")
    await lies.page.locator("#farewell").wait_for()
    for each in (an, lies):
        doors = each.page.locator("#again, #farewell-back").locator("visible=true")
        assert await doors.count() == 0, "there is no door any more"


async def test_an_interrupted_call(visit: Visit, line: Network, demo: Running) -> None:
    an = await visit(origin=f"http://localhost:{line.port}")
    an.expected.extend(BROKEN)
    await an.open(demo.links["citizen"].replace(str(demo.port), str(line.port)))
    await an.enter()
    await an.status("We wachten op de anderen")
    line.cut()
    await an.status("De verbinding is verbroken. We proberen opnieuw.")
    await check(an, "interrupted")
    line.mend()
    await an.status("We wachten op de anderen", within_s=30)  # or she would still be in the next test's call


async def test_a_whole_visit_by_keyboard(visit: Visit) -> None:
    an, bart = await visit("citizen"), await visit("staff")
    await bart.enter()
    press = an.page.keyboard.press
    await tab_to(an, "Kom binnen")
    await press("Enter")
    await focus(an, "call-title")
    await bart.tiles(AN)
    await tab_to(an, "Microfoon uitzetten")
    await press("Space")
    await bart.caption(AN, "microfoon uit")
    await focus(an, "mic")
    await tab_to(an, "Instellingen")
    await press("Enter")
    await an.until("document.getElementById('devices').open")
    await tab_to(an, "Sluit dit venster")
    await press("Escape")
    await an.until("!document.getElementById('devices').open")
    await focus(an, "devices-open")
    await tab_to(an, "Gesprek verlaten")
    await press("Enter")
    await an.ended("U hebt het gesprek verlaten")
    await focus(an, "farewell-title")
    await tab_to(an, "Ga terug naar het gesprek")


async def test_who_listens_to_the_page_hears_what_happens(visit: Visit) -> None:
    """In a live region, in full sentences, each once."""
    an, bart = await visit("citizen"), await visit("staff")
    await an.enter()
    await an.status("We wachten op de anderen")
    for identifier in ("announcements", "status"):
        polite = "each.ariaLive === 'polite' || each.role === 'status'"
        assert await an.evaluate(
            f"(id) => {{ const each = document.getElementById(id); return {polite}; }}", identifier
        )
    await an.evaluate(
        """() => {
          window.heard = [];
          new MutationObserver((changes) => {
            for (const { addedNodes } of changes) for (const node of addedNodes) heard.push(node.textContent.trim());
          }).observe(document.getElementById("announcements"), { childList: true });
        }"""
    )
    await bart.enter()
    await an.tiles(BART)
    await bart.press("Microfoon uitzetten")
    await an.caption(BART, "microfoon uit")
    await bart.press("Microfoon aanzetten")
    await an.caption(BART, "microfoon uit", there=False)
    await bart.press("Scherm delen")
    await an.screen()
    await bart.press("Scherm delen stoppen")
    await an.no_screen()
    await bart.press("Gesprek verlaten")
    await bart.press("Verlaat het gesprek alleen")
    await an.status("De medewerker is niet meer in het gesprek")
    assert await an.evaluate("() => heard") == [
        "Bart Claes, medewerker is binnengekomen.",
        "Bart Claes heeft de microfoon uitgezet.",
        "Bart Claes heeft de microfoon aangezet.",
        "Bart Claes deelt het scherm.",
        "Bart Claes deelt het scherm niet meer.",
        "Bart Claes heeft het gesprek verlaten.",
    ]


async def test_motion_is_short_and_stops_when_asked(visit: Visit) -> None:
    an = await visit("citizen")
    await an.enter()
    await an.status("We wachten op de anderen")
    longest = """() => {
      const styles = [...document.querySelectorAll("*")].flatMap((each) =>
        [null, "::before", "::after"].map((part) => getComputedStyle(each, part)));
      const times = styles.flatMap(({ transitionDuration, animationDuration }) =>
        `${transitionDuration},${animationDuration}`.split(",").map((words) => parseFloat(words) * 1000));
      return Math.max(...times);
    }"""
    assert 0 < await an.evaluate(longest) <= 200
    await an.page.emulate_media(reduced_motion="reduce")
    assert await an.evaluate(longest) == 0


async def test_forced_colours_keep_what_matters(visit: Visit) -> None:
    """Windows' high contrast takes all our colours: what is off and where a tile ends must still be seen.

    Contrast itself is the browser's care there, and axe-core cannot see its colours.
    """
    an = await visit("citizen", viewport=LAPTOP, forced_colors="active")
    await an.enter()
    await an.status("We wachten op de anderen")
    border = "(id) => parseFloat(getComputedStyle(document.querySelector(id)).borderTopWidth)"
    on = await an.evaluate(border, "#mic")
    assert on > 0
    assert await an.evaluate(border, ".tile.own") > 0
    await an.press("Microfoon uitzetten")
    assert await an.evaluate(border, "#mic") > on
