"""Devices and bad luck in the middle of a call: what the person reads, what the others see, and that it goes on."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.browser.conftest import Visit
from tests.support.processes import Running
from tests.support.visitor import LAPTOP, PHONE, SHELL, Visitor, launched, visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(120),
]

AN, BART, LIES = "An Peeters", "Bart Claes", "Lies Peeters"
MICROPHONE, CAMERA = "audio", "video"
OFF = {MICROPHONE: "microfoon uit", CAMERA: "camera uit"}

# A computer whose devices come and go as a test says; and one whose camera can blur what is behind somebody.
SCRIPT = """
  window.world = { headset: "", speakers: true, audio: true, blurs: true, kind: "wifi" };
  const media = navigator.mediaDevices;
  const list = media.enumerateDevices.bind(media);
  media.enumerateDevices = async () => (await list())
    .filter(({ kind }) => world.speakers || kind !== "audiooutput")
    .map((each) => world.headset && each.kind === "audioinput" && each.deviceId === "default"
      ? { kind: each.kind, deviceId: "default", groupId: "", label: `Default - ${world.headset}` } : each);
  const open = media.getUserMedia.bind(media);
  media.getUserMedia = async (wish) => {
    if (wish.audio && !world.audio) throw new DOMException("for a test", "NotFoundError");
    return open(wish);
  };
  const track = MediaStreamTrack.prototype;
  const { getCapabilities, getSettings, applyConstraints } = track;
  track.getCapabilities = function () {
    return { ...getCapabilities.call(this), ...(this.kind === "video" ? { backgroundBlur: [false, true] } : {}) };
  };
  track.getSettings = function () { return { ...getSettings.call(this), backgroundBlur: this.blurred === true }; };
  track.applyConstraints = async function (wish) {
    if (!("backgroundBlur" in wish)) return applyConstraints.call(this, wish);
    if (world.blurs) this.blurred = wish.backgroundBlur;
  };
  if (navigator.connection) Object.defineProperty(navigator.connection, "type", { get: () => world.kind });
"""
SENT = "probe.connections[0].getSenders().find((each) => each.track?.kind === '%s')?.track"
TELL = "([kind, event]) => probe.connections[0].getSenders().find((each) => each.track?.kind === kind).track" + (
    ".dispatchEvent(new Event(event))"
)
UNPLUG = """(kind) => {
  const { track } = probe.connections[0].getSenders().find((each) => each.track?.kind === kind);
  track.stop();
  track.dispatchEvent(new Event("ended"));
}"""
PLUGGED = "() => navigator.mediaDevices.dispatchEvent(new Event('devicechange'))"


@pytest.fixture
def demo(standing_demo: Running) -> Running:
    return standing_demo


@pytest_asyncio.fixture(loop_scope="session")
async def call(visit: Visit, demo: Running) -> tuple[Visitor, Visitor]:
    """An, whose world a test turns, and Bart, in their call."""
    an, bart = await visit(), await visit("staff")
    await an.page.add_init_script(SCRIPT)
    await an.open(demo.links["citizen"])
    await asyncio.gather(an.enter(), bart.enter())
    await asyncio.gather(an.tiles(BART), bart.tiles(AN))
    return an, bart


async def same_connections(somebody: Visitor) -> None:
    assert await somebody.evaluate("() => probe.connections.length") == 2, "the call began anew"


async def test_devices_come_and_go(call: tuple[Visitor, Visitor]) -> None:
    an, bart = call
    await headphones_are_pulled_out(an, bart)
    await a_headset_connects(an, bart)
    await a_telephone_call_comes_in(an, bart)


async def test_a_page_and_its_network_change(call: tuple[Visitor, Visitor]) -> None:
    an, bart = call
    await the_background_is_blurred(an, bart)
    await the_call_in_a_corner_of_the_screen(an)
    await a_page_that_was_put_to_sleep(an, bart)
    await from_wifi_to_the_mobile_network(an, bart)


async def headphones_are_pulled_out(an: Visitor, bart: Visitor) -> None:
    """One goes on talking with the microphone that is left; without any it says so, and a press brings it back."""
    await an.evaluate(UNPLUG, MICROPHONE)
    await an.status("Uw toestel gebruikt nu een andere microfoon: Fake")
    await bart.sounds(1)
    await bart.caption(AN, OFF[MICROPHONE], there=False)
    await an.evaluate("() => { world.audio = false; }")
    await an.evaluate(UNPLUG, MICROPHONE)
    await an.status("We horen u niet meer: uw microfoon is weg. Sluit hem weer aan")
    await bart.caption(AN, OFF[MICROPHONE])
    await an.evaluate("() => { world.audio = true; }")
    await an.press("Microfoon aanzetten")
    await bart.caption(AN, OFF[MICROPHONE], there=False)
    await bart.sounds(1)
    await same_connections(an)


async def a_headset_connects(an: Visitor, bart: Visitor) -> None:
    """Bluetooth: the system's own microphone is another one.  Who chose one himself keeps it."""
    before = await an.evaluate(f"() => ({SENT % MICROPHONE}).id")
    await an.evaluate("() => { world.headset = 'Jabra Evolve'; }")
    await an.evaluate(PLUGGED)
    await an.status("Uw toestel gebruikt nu een andere microfoon: Jabra Evolve.")
    other = await an.evaluate(f"() => ({SENT % MICROPHONE}).id")
    assert other != before
    await bart.sounds(1)
    await an.press("Instellingen")
    dialog = an.page.locator("#devices")
    await expect(dialog.locator("select[data-devices=microphone]")).to_contain_text("Jabra Evolve")
    await dialog.locator("select[data-devices=microphone]").select_option(index=1)
    await an.until("JSON.parse(localStorage['balie.devices']).microphone !== undefined")
    await an.until(f"({SENT % MICROPHONE}).id !== '{other}'")  # it is remembered before it is opened
    mine = await an.evaluate(f"() => ({SENT % MICROPHONE}).id")
    await dialog.locator("select[data-devices=speaker]").select_option(index=1)
    await an.press("Sluit dit venster")
    # Both are switched off again: the speaker that was chosen is not there any more, the chosen microphone is.
    await an.evaluate("() => { world.headset = 'Ingebouwde microfoon'; world.speakers = false; }")
    await an.evaluate(PLUGGED)
    await an.status("Uw luidspreker is weg. U hoort het gesprek nu via een andere.")
    await an.until("[...document.querySelectorAll('#sounds audio')].every((each) => each.sinkId === '')")
    assert await an.evaluate(f"() => ({SENT % MICROPHONE}).id") == mine
    await same_connections(an)


async def a_telephone_call_comes_in(an: Visitor, bart: Visitor) -> None:
    """iOS holds microphone and camera back: the others see it, and afterwards all is as it was; not more than that."""
    for kind, words in ((MICROPHONE, "uw microfoon"), (CAMERA, "uw camera")):
        await an.evaluate(TELL, [kind, "mute"])
        await an.status(f"Uw toestel houdt {words} even tegen, bijvoorbeeld door een oproep.")
        await bart.caption(AN, OFF[kind])
        await an.evaluate(TELL, [kind, "unmute"])
        await an.status(f"{words.capitalize()} is er weer.")
        await bart.caption(AN, OFF[kind], there=False)
    await an.press("Microfoon uitzetten")
    await bart.caption(AN, OFF[MICROPHONE])
    await an.evaluate(TELL, [MICROPHONE, "mute"])
    await an.evaluate(TELL, [MICROPHONE, "unmute"])
    await an.press("Camera uitzetten")
    await bart.caption(AN, "microfoon uit · camera uit")
    await same_connections(an)


async def a_page_that_was_put_to_sleep(an: Visitor, bart: Visitor) -> None:
    """Frozen by the browser, as a tab behind others is: awake, it shows what became of the call meanwhile."""
    session = await an.page.context.new_cdp_session(an.page)
    await session.send("Page.setWebLifecycleState", {"state": "frozen"})
    await bart.press("Camera uitzetten")
    await bart.until("document.querySelector('.tile.own').dataset.picture === 'no'")
    await session.send("Page.setWebLifecycleState", {"state": "active"})
    await an.caption(BART, OFF[CAMERA])
    await bart.press("Camera aanzetten")
    await an.tiles(BART)
    await an.pictures(1)
    await an.status("Verbonden")
    await same_connections(an)


async def from_wifi_to_the_mobile_network(an: Visitor, bart: Visitor) -> None:
    """New credentials for both connections at once, not after the seconds in which the old path is given up."""
    ufrags = "probe.connections.map((pc) => /a=ice-ufrag:(\\S+)/.exec(pc.remoteDescription.sdp)[1])"
    before = await an.evaluate(f"() => {ufrags}")
    await an.evaluate("() => { world.kind = 'cellular'; navigator.connection.dispatchEvent(new Event('change')); }")
    await an.status("U bent op een ander netwerk. Het gesprek gaat verder.")
    await an.until(f"{ufrags}.every((each, at) => each !== {before}[at])", within_s=3)
    await an.until("probe.connections.every((pc) => pc.connectionState === 'connected')")
    await asyncio.gather(an.pictures(1), bart.pictures(1))
    await same_connections(an)


async def the_background_is_blurred(an: Visitor, bart: Visitor) -> None:
    """Where the browser can: also after the camera was off, and honest when it does not work."""
    assert await bart.page.get_by_label("Maak mijn achtergrond wazig").count() == 1
    await bart.press("Instellingen")
    await expect(bart.page.get_by_label("Maak mijn achtergrond wazig")).to_be_hidden()
    await bart.press("Sluit dit venster")
    await an.press("Instellingen")
    blur = an.page.get_by_label("Maak mijn achtergrond wazig")
    await blur.check()
    await an.until(f"({SENT % CAMERA}).blurred === true")
    await an.press("Sluit dit venster")
    await an.press("Camera uitzetten")
    await an.press("Camera aanzetten")
    await an.until(f"({SENT % CAMERA})?.blurred === true")
    await an.press("Instellingen")
    await blur.uncheck()
    await an.until(f"({SENT % CAMERA}).blurred === false")
    await an.evaluate("() => { world.blurs = false; }")
    await blur.click()
    await expect(an.page.locator("#devices-status")).to_have_text("Uw toestel kan de achtergrond nu niet wazig maken.")
    await expect(blur).not_to_be_checked()
    await an.press("Sluit dit venster")


async def the_call_in_a_corner_of_the_screen(an: Visitor) -> None:
    await an.press("Instellingen")
    await an.press("Toon het gesprek in een klein venster")
    await an.until("document.pictureInPictureElement?.closest('.tile')?.textContent.includes('Bart Claes')")
    await an.evaluate("() => { HTMLVideoElement.prototype.requestPictureInPicture = () => Promise.reject(); }")
    await an.evaluate("() => document.exitPictureInPicture()")
    await an.press("Instellingen")
    await an.press("Toon het gesprek in een klein venster")
    await an.status("Het kleine venster lukt niet in deze browser.")


async def test_somebody_who_comes_along_is_alone(visit: Visit) -> None:
    """The helper without the citizen: she waits in the call, is seen with her role, and nobody is locked out."""
    lies, bart = await visit("third"), await visit("staff")
    await lies.enter()
    await lies.status("U bent binnen. We wachten op de anderen.")
    await bart.enter()
    await asyncio.gather(lies.tiles(BART), bart.tiles(LIES))
    await bart.caption(LIES, "dochter")
    an = await visit("citizen")
    await an.enter()
    await asyncio.gather(an.tiles(BART, LIES), lies.tiles(AN, BART))


async def test_the_other_side_of_a_phone(demo: Running) -> None:
    """Two cameras, at the door and in the call; the preview and the others see the one that was chosen last."""
    async with (
        async_playwright() as playwright,
        launched(playwright, program=SHELL, cameras=2) as chromium,
        visitor(chromium, f"http://localhost:{demo.port}", viewport=PHONE, has_touch=True, is_mobile=True) as an,
        visitor(chromium, f"http://localhost:{demo.port}", viewport=LAPTOP) as bart,
    ):
        seen = "document.getElementById('preview').srcObject?.getVideoTracks()[0]?.getSettings().deviceId"
        await bart.open(demo.links["staff"])
        await an.open(demo.links["citizen"])
        first = await an.evaluate(f"() => {seen}")
        await an.press("Andere kant van mijn telefoon")
        await an.until(f"{seen} && {seen} !== '{first}' && document.getElementById('preview').videoWidth > 0")
        await asyncio.gather(an.enter(), bart.enter())
        # Of Chromium's false cameras only the first one has pictures that it can encode.
        await an.press("Instellingen")
        await an.press("Andere kant van mijn telefoon")
        await an.until(f"({SENT % CAMERA})?.getSettings().deviceId === '{first}'")
        await an.press("Sluit dit venster")
        await bart.tiles(AN)
        await bart.pictures(1)
        # Switched off and on it is still the one that was chosen.
        await an.press("Camera uitzetten")
        await an.press("Camera aanzetten")
        await an.until(f"({SENT % CAMERA})?.getSettings().deviceId === '{first}'")
        await an.press("Instellingen")
        await an.press("Andere kant van mijn telefoon")
        await an.until(f"![undefined, '{first}'].includes(({SENT % CAMERA})?.getSettings().deviceId)")
        await an.press("Sluit dit venster")
        await expect(bart.page.get_by_role("button", name="Andere kant van mijn telefoon")).to_have_count(0)
        assert an.complaints + bart.complaints == []


BROWSERS = {
    "without WebRTC": "delete window.RTCPeerConnection;",
    "without camera and microphone": "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });",
}


@pytest.mark.parametrize("old", [*BROWSERS, "that does not understand our scripts"])
async def test_an_old_browser(visit: Visit, demo: Running, old: str) -> None:
    """It says so, and what to do, instead of a button that does nothing."""
    an = await visit()
    an.expected.extend(("Failed to load", "page error"))
    if script := BROWSERS.get(old):
        await an.page.add_init_script(script)
    else:
        strange = {"body": "this is no script", "content_type": "text/javascript"}
        await an.page.route("**/js/call.js", lambda route: route.fulfill(**strange))
    await an.goto(demo.links["citizen"])
    problem = an.page.locator("#door .problem:visible", has_text="Deze browser kan geen videogesprek voeren")
    await expect(problem).to_be_visible()
    await expect(problem).to_contain_text("Chrome, Firefox, Edge of Safari")
    await expect(problem).to_contain_text("555\u00a001\u00a030")
    await expect(an.page.get_by_role("button", name="Kom binnen")).to_be_hidden()
