"""Three people in three Chromium pages: everybody sees and hears everybody, and what they do shows elsewhere."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import Visit
from tests.support.processes import Running
from tests.support.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

AN, BART, LIES = "An Peeters", "Bart Claes", "Lies Peeters"

VOICE = """
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = await open(wish);
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    for (const frequency of [180, 360, 540, 900]) {
      const tone = new OscillatorNode(context, { frequency, type: "sawtooth" });
      tone.connect(new GainNode(context, { gain: 0.2 })).connect(out);
      tone.start();
    }
    document.addEventListener("pointerdown", () => context.resume());
    return new MediaStream([...stream.getVideoTracks(), ...out.stream.getAudioTracks()]);
  };
"""


@pytest.fixture(scope="module")
def chromium(live_chromium: Browser) -> Browser:
    return live_chromium


async def meet(visit: Visit) -> tuple[Visitor, Visitor, Visitor]:
    """Citizen, staff member and third party, inside."""
    an, bart, lies = [await visit(role) for role in ("citizen", "staff", "third")]
    await asyncio.gather(*(each.enter() for each in (an, bart, lies)))
    await asyncio.gather(an.tiles(BART, LIES), bart.tiles(AN, LIES), lies.tiles(AN, BART))
    return an, bart, lies


JOINS = 3
"""Three pages that encode, decode and draw share this machine with whatever else it does: who is late may try again."""


async def test_everybody_sees_and_hears_everybody_within_five_seconds(visit: Visit) -> None:
    async def join(somebody: Visitor) -> None:
        start = time.monotonic()
        await somebody.enter()
        await somebody.pictures(2, fps=20, within_s=5 - (time.monotonic() - start))

    late: list[BaseException] = []
    for _ in range(JOINS):
        everybody = [await visit(role) for role in ("citizen", "staff", "third")]
        joined = await asyncio.gather(*(join(each) for each in everybody), return_exceptions=True)
        late = [each for each in joined if each is not None]
        if not late:
            break
        await asyncio.gather(*(each.page.close() for each in everybody))
    assert late == []
    await asyncio.gather(*(each.sounds(2) for each in everybody))
    for each in everybody:
        await each.status("Verbonden")


async def test_a_screen_is_shared_and_is_gone_again(visit: Visit) -> None:
    """Legible, large, with the name of whose it is; and then no trace of it, twice over."""
    an, bart, lies = await meet(visit)
    for _ in range(2):
        await bart.press("Scherm delen")
        for each in (an, lies):
            await each.screen()
            await each.caption("Scherm van Bart Claes", "Scherm")
        await bart.status("U deelt uw scherm")
        await bart.press("Scherm delen stoppen")
        for each in (an, lies):
            await each.no_screen()
            await each.tiles(BART, LIES if each is an else AN)
    assert await an.page.get_by_role("button", name="Scherm delen").count() == 1
    assert await lies.page.get_by_role("button", name="Scherm delen").count() == 0, "a third party needs leave"


async def test_a_screen_ends_with_the_browsers_own_button(visit: Visit) -> None:
    bart, an = await visit("staff"), await visit("citizen")
    await asyncio.gather(bart.enter(), an.enter())
    await an.tiles(BART)
    await bart.press("Scherm delen")
    await an.until("document.querySelector('.screens .tile video')?.videoWidth > 0")
    await bart.page.evaluate(
        """() => {
          const [track] = probe.connections.flatMap((pc) => pc.getSenders()).map((sender) => sender.track)
            .filter((track) => track?.contentHint === "detail");
          track.stop();
          track.dispatchEvent(new Event("ended"));
        }"""
    )
    await an.no_screen()
    assert await bart.page.get_by_role("button", name="Scherm delen", exact=True).is_visible()


async def test_a_reload_is_back_within_three_seconds_and_leaves_no_ghost(visit: Visit) -> None:
    """Also with what was switched off before: a reload must not switch on anything."""
    an, bart, lies = await meet(visit)
    start = time.monotonic()
    await an.page.reload()
    await asyncio.gather(
        bart.tiles(AN, LIES, within_s=3), an.tiles(BART, LIES, within_s=3), lies.tiles(AN, BART, within_s=3)
    )
    assert time.monotonic() - start <= 3
    await asyncio.gather(bart.pictures(2), an.pictures(2))
    await lies.press("Microfoon uitzetten")
    await lies.press("Camera uitzetten")
    await lies.page.reload()
    await bart.caption(LIES, "microfoon uit · camera uit")
    await lies.page.get_by_role("button", name="Microfoon aanzetten").wait_for()
    await lies.page.get_by_role("button", name="Camera aanzetten").click()
    await bart.tiles(AN, LIES)
    await bart.caption(LIES, "camera uit", there=False)


@pytest.mark.parametrize("way", ["the button", "a closed tab"])
async def test_who_leaves_is_gone_within_two_seconds(visit: Visit, way: str) -> None:
    an, bart, lies = await meet(visit)
    start = time.monotonic()
    if way == "the button":
        await lies.press("Gesprek verlaten")
    else:
        await lies.page.close()
    await asyncio.gather(an.tiles(BART, within_s=2), bart.tiles(AN, within_s=2))
    assert time.monotonic() - start <= 2
    if way == "the button":
        await lies.ended("U hebt het gesprek verlaten")
        await lies.press("Ga terug naar het gesprek")
        await lies.until("document.getElementById('preview').videoWidth > 0")
        await lies.enter()
        await an.tiles(BART, LIES)


async def test_what_is_switched_off_shows_elsewhere(visit: Visit) -> None:
    an, bart, _ = await meet(visit)
    await an.press("Microfoon uitzetten")
    await bart.caption(AN, "microfoon uit")
    await an.press("Microfoon aanzetten")
    await bart.caption(AN, "microfoon uit", there=False)
    await an.press("Camera uitzetten")
    await bart.caption(AN, "camera uit")
    await bart.until("document.querySelectorAll('.faces .tile:not(.own)[data-picture=no]').length === 1")
    assert await an.page.evaluate("() => probe.connections[0].getSenders().every((s) => s.track?.kind !== 'video')")
    await an.press("Camera aanzetten")
    await bart.tiles(AN, LIES)
    # Quick presses end where the last one says.
    for name in ("Camera uitzetten", "Camera aanzetten", "Camera uitzetten"):
        await an.press(name)
    await bart.caption(AN, "camera uit")


async def test_who_speaks_is_marked(visit: Visit, demo: Running) -> None:
    """A voice that goes on for a while, where the fake microphone only beeps."""
    bart, an = await visit(), await visit("citizen")
    await bart.page.add_init_script(VOICE)
    await bart.open(demo.links["staff"])
    await asyncio.gather(bart.enter(), an.enter())
    await an.until("document.querySelector('.tile[data-speaking=yes]')?.textContent.includes('spreekt')")


async def test_staff_lead_the_call(visit: Visit) -> None:
    """Mute somebody, remove somebody, end for all; and only they have the button."""
    an, bart, lies = await meet(visit)
    assert await an.page.get_by_role("button", name="Gesprek beheren").count() == 0
    await bart.press("Gesprek beheren")
    await bart.press("Microfoon uitzetten van An Peeters")
    await bart.caption(AN, "microfoon uit")
    await an.status("De medewerker heeft uw microfoon uitgezet")
    assert await an.page.get_by_role("button", name="Microfoon aanzetten").is_visible()
    await bart.press("Uit het gesprek halen: Lies Peeters")
    await lies.ended("De medewerker heeft u uit het gesprek gehaald")
    await bart.tiles(AN)
    await bart.press("Sluit dit venster")
    await bart.press("Gesprek verlaten")
    await bart.press("Rond af voor iedereen")
    await an.ended("De medewerker heeft het gesprek afgerond")
    await bart.ended("U hebt het gesprek afgerond voor iedereen")


async def test_a_second_window_asks_before_it_takes_over(visit: Visit) -> None:
    """Two devices on one link: nobody is thrown out of a conversation by opening his mail elsewhere."""
    an, bart = await visit("citizen"), await visit("staff")
    await asyncio.gather(an.enter(), bart.enter())
    await bart.tiles(AN)
    again = await visit("citizen")
    again.expected.append("status of 409")
    await again.enter()
    await again.press("Blijf op het andere toestel")
    await again.until("document.body.dataset.state === 'door'")
    await bart.tiles(AN)
    await again.enter()
    await again.press("Ga hier verder")
    await an.ended("in een ander venster")
    await again.tiles(BART)
    await bart.tiles(AN)
