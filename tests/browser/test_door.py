"""The door when something is wrong: the link, the camera, the microphone, a small window; and what a visit leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.conftest import Visit, closed_link
from tests.support.access import check
from tests.support.processes import Running
from tests.support.visitor import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

AN, BART = "An Peeters", "Bart Claes"
PHONE_NUMBER = "+32\u00a02\u00a0555\u00a001\u00a030"
UPRIGHT: Any = {"width": 375, "height": 667}
ON_ITS_SIDE: Any = {"width": 740, "height": 360}

GUIDANCE = {
    "NotAllowedError": "kies ‘Toestaan’ en probeer opnieuw",
    "NotFoundError": "Sluit er een aan en probeer opnieuw",
    "NotReadableError": "Sluit dat programma en probeer opnieuw",
    "OverconstrainedError": "Kies een andere camera",
    "AbortError": "Probeer opnieuw",
}
# getUserMedia fails for what has video (or audio, or both) with an error of this name, until a test says otherwise.
BROKEN_DEVICES = """
  window.broken = { name: "%s", devices: %s };
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    if (broken.devices.some((kind) => wish[kind])) throw new DOMException("for a test", broken.name);
    return open(wish);
  };
"""
GIVEN = "() => probe.connections[0]?.getSenders().map((sender) => sender.track?.kind).sort()"


@pytest.fixture
def demo(standing_demo: Running) -> Running:
    return standing_demo


async def at_a_broken_door(somebody: Visitor, link: str, name: str, devices: list[str]) -> None:
    await somebody.page.add_init_script(BROKEN_DEVICES % (name, devices))
    await somebody.goto(link)
    await somebody.page.get_by_role("button", name="Probeer camera en microfoon opnieuw").wait_for()


async def words(somebody: Visitor, identifier: str) -> str:
    return await somebody.page.locator(f"#{identifier}").inner_text()


async def test_every_problem_with_a_device_has_its_advice(visit: Visit, demo: Running) -> None:
    """What happened, what to do, whom to call; and one can go in, to see and hear the others."""
    bart = await visit("staff")
    await bart.enter()
    for name, advice in GUIDANCE.items():
        an = await visit()
        await at_a_broken_door(an, demo.links["citizen"], name, ["audio", "video"])
        problem = await words(an, "door-status")
        assert advice in problem, name
        assert PHONE_NUMBER in problem, name
        assert (
            await words(an, "preview-message")
            == "U komt binnen zonder camera en microfoon. U ziet en hoort de anderen."
        )
        if name == "NotFoundError":
            await an.enter()
            await an.tiles(BART)
            await an.pictures(1)
            await an.sounds(1)
            await bart.caption(AN, "microfoon uit · camera uit")
            await an.press("Gesprek verlaten")


async def test_a_microphone_is_enough(visit: Visit, demo: Running) -> None:
    """Without a camera one is heard; when it works after all, one is seen, without coming in again."""
    bart, an = await visit("staff"), await visit()
    await bart.enter()
    await at_a_broken_door(an, demo.links["citizen"], "NotReadableError", ["video"])
    assert await words(an, "preview-message") == "U komt binnen zonder beeld. De anderen horen u wel."
    await an.enter()
    await bart.caption(AN, "camera uit")
    await bart.sounds(1)
    await an.press("Camera aanzetten")
    await an.status("Sluit dat programma en probeer opnieuw")
    await an.evaluate("() => { broken.devices = []; }")
    await an.press("Camera aanzetten")
    await bart.tiles(AN)
    await bart.pictures(1)


async def test_trying_again_helps(visit: Visit, demo: Running) -> None:
    an = await visit()
    await at_a_broken_door(an, demo.links["citizen"], "NotAllowedError", ["audio", "video"])
    await an.evaluate("() => { broken.devices = []; }")
    await an.press("Probeer camera en microfoon opnieuw")
    await an.until("document.getElementById('preview').videoWidth > 0")
    assert await words(an, "door-status") == ""
    assert await an.page.get_by_role("button", name="Probeer camera en microfoon opnieuw").count() == 0


async def test_a_camera_that_disappears_during_a_call(visit: Visit) -> None:
    """A camera is unplugged: it says so, the others see it, and a press brings it back.  Microphones: test_devices."""
    an, bart = await visit("citizen"), await visit("staff")
    await asyncio.gather(an.enter(), bart.enter())
    await asyncio.gather(an.tiles(BART), bart.tiles(AN))
    unplug = """(kind) => {
      const { track } = probe.connections[0].getSenders().find((sender) => sender.track?.kind === kind);
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }"""
    await an.evaluate(unplug, "video")
    await an.status("Uw camera is weg.")
    await bart.caption(AN, "camera uit")
    await an.press("Camera aanzetten")
    await bart.caption(AN, "camera uit", there=False)
    await bart.tiles(AN)
    await asyncio.gather(bart.pictures(1), bart.sounds(1))
    assert await an.evaluate(GIVEN) == ["audio", "video"]


@pytest.mark.parametrize("window", [UPRIGHT, ON_ITS_SIDE], ids=["upright", "on its side"])
async def test_a_phone_needs_no_scrolling(visit: Visit, window: Any) -> None:
    """The way in, and everything in a call, is in the window; fingers have 44 pixels for each."""
    an, bart = await visit("citizen", viewport=window), await visit("staff")
    inside = """(selector) => {
      const shown = [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility());
      return shown.map((each) => {
        const { left, top, right, bottom, width, height } = each.getBoundingClientRect();
        const there = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
        return [each.innerText.trim(), there && width >= 44 && height >= 44];
      });
    }"""
    assert await an.evaluate(inside, "#enter") == [["Kom binnen", True]]
    await an.enter()
    await bart.enter()
    await an.tiles(BART)
    buttons = await an.evaluate(inside, ".controls button")
    assert len(buttons) == 7
    assert all(fits for _, fits in buttons), buttons
    assert all(fits for _, fits in await an.evaluate(inside, ".tile")), "a picture sticks out"
    assert await an.evaluate("() => document.documentElement.scrollHeight <= innerHeight")


@pytest.mark.parametrize("file", ["js/call.js", "js/samen/hours.js", "css/samen.css"])
async def test_a_page_of_which_a_file_is_lost_is_loaded_once_more(visit: Visit, demo: Running, file: str) -> None:
    """As when a phone goes to another network meanwhile; what was lost works too, and nobody noticed."""
    an = await visit()
    an.expected.append("Failed to load resource: net::ERR_FAILED")
    await an.page.route(f"**/static/*/{file}", lambda route: route.abort(), times=1)
    async with an.page.expect_response(f"**/static/*/{file}"):
        await an.goto(demo.links["citizen"])
    await expect(an.page.get_by_role("button", name="Kom binnen")).to_be_enabled()
    await expect(an.page.locator("[data-incomplete]")).to_be_hidden()
    await an.enter()
    await expect(an.page.get_by_role("button", name="Samen", exact=True)).to_be_visible()
    await an.until("[...document.querySelectorAll('link[rel=stylesheet]')].every((each) => each.sheet)")


@pytest.mark.parametrize(("file", "opens"), [("call.js", False), ("samen/hours.js", True)])
async def test_a_page_that_stays_incomplete_says_so(visit: Visit, demo: Running, file: str, opens: bool) -> None:
    """And does not go on asking by itself.  Who can go in without that file may."""
    an = await visit()
    an.expected.append("Failed to load resource: net::ERR_FAILED")
    page, asked = an.page, []

    async def lose(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await page.route(f"**/js/{file}", lose)
    await an.goto(demo.links["citizen"])
    problem = page.get_by_role("alert").filter(has_text="Deze pagina is niet volledig geladen")
    await expect(problem).to_contain_text(PHONE_NUMBER)
    assert len(asked) == 2
    await expect(page.get_by_role("button", name="Kom binnen")).to_be_visible(visible=opens)
    await expect(page.locator("[data-old-browser]")).to_be_hidden()
    await check(an, "incomplete")
    await page.unroute_all()
    async with page.expect_response(f"**/js/{file}"):
        await an.press("Laad de pagina opnieuw")
    await expect(page.get_by_role("button", name="Kom binnen")).to_be_enabled()
    await expect(problem).to_be_hidden()


async def test_a_link_that_opens_nothing(chromium: Browser, demo: Running) -> None:
    async with visitor(chromium, f"http://localhost:{demo.port}") as an:
        an.expected.append("the server responded with a status of 404")
        await an.goto(f"http://localhost:{demo.port}/g/zo-maar-iets")
        await an.page.get_by_role("heading", name="We kennen deze link niet").wait_for()
        assert await an.page.get_by_role("link", name="555 01 23").first.get_attribute("href") == "tel:+3225550123"
        assert await an.page.locator("video, button").count() == 0
        await closed_link(an, "over", 0)
        await an.page.get_by_role("heading", name="Deze afspraak is voorbij").wait_for()
        await an.page.get_by_text("Wilt u een nieuwe afspraak").wait_for()
        assert an.complaints == []


async def test_a_door_that_opens_later_opens_by_itself(chromium: Browser, demo: Running) -> None:
    async with visitor(chromium, f"http://localhost:{demo.port}") as an:
        an.expected.append("the server responded with a status of 404")
        await an.page.clock.install()
        await closed_link(an, "early", 5400)
        await an.page.get_by_text("U kunt binnenkomen over ongeveer 2 uur.").wait_for()
        async with an.page.expect_navigation():
            await an.page.clock.fast_forward(5_401_000)
        assert an.complaints == []


async def test_what_a_visit_leaves_in_the_browser(visit: Visit, demo: Running) -> None:
    """No cookie; of this tab, where it is; for longer, only a device that somebody chose.  And no token anywhere."""
    an = await visit("citizen")
    await an.enter()
    await an.status("We wachten op de anderen")
    await an.press("Camera uitzetten")
    await an.press("Instellingen")
    await an.page.locator("#devices select[data-devices=microphone]").select_option(index=1)
    await an.until("Object.keys(localStorage).length > 0")
    await an.press("Sluit dit venster")
    kept = "() => [Object.keys({ ...sessionStorage }).sort(), Object.keys({ ...localStorage }).sort()]"
    assert await an.evaluate(kept) == [["balie.camera-off", "balie.in-call"], ["balie.devices"]]
    assert sorted(await an.evaluate("() => Object.keys(JSON.parse(localStorage['balie.devices']))")) == ["microphone"]
    await an.press("Gesprek verlaten")
    await an.ended("U hebt het gesprek verlaten")
    assert await an.evaluate(kept) == [[], ["balie.devices"]]
    assert await an.page.context.cookies() == []
    assert await an.evaluate("() => indexedDB.databases()") == []
    assert await an.evaluate("() => caches.keys()") == []


async def test_a_token_in_the_address_is_gone_once_inside(visit: Visit, demo: Running) -> None:
    """/call#token, for programs that make join tokens: who looks over a shoulder, or in the history, finds none."""
    an = await visit()
    link = demo.links["citizen"]
    token = await an.page.request.post(f"{link}/join")
    secret = (await token.json())["token"]
    await an.open(f"http://localhost:{demo.port}/call#{secret}")
    await an.enter()
    await an.status("We wachten op de anderen")
    assert an.page.url == f"http://localhost:{demo.port}/call"
    assert await an.evaluate("() => history.state") is None
    await an.page.go_back()
    await an.page.go_forward()
    assert secret not in an.page.url
