"""The self-test in a browser: with everything in order, with every problem of a device, without a way through."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route

from balie.visit.device_test import CODES
from tests.browser.conftest import Visit
from tests.browser.firefox import firefox
from tests.browser.test_selftest_rules import IN_FACEBOOK
from tests.support.access import check, tab_to
from tests.support.hurry import FAST_CLOCK, QUICKER, SHORT_WAITS
from tests.support.processes import Running
from tests.support.visitor import PHONE, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

CAME_BACK = """Promise.all(probe.connections.map((each) => each.getStats())).then((all) =>
  all.flatMap((each) => [...each.values()]).some((each) =>
    each.type === "inbound-rtp" && each.kind === "audio" && each.packetsReceived > 20))"""
"""Sound; of pictures one sees it."""

PHONE_NUMBER = "555\u00a001\u00a023"
PARTS = ("browser", "camera", "microphone", "speaker", "network")

# getUserMedia fails for what has video (or audio, or both) with this error, until a test says otherwise.
BROKEN_DEVICES = """
  window.broken = { name: "%s", devices: %s, message: "%s" };
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    if (broken.devices.some((kind) => wish[kind])) throw new DOMException(broken.message, broken.name);
    return open(wish);
  };
"""
SILENCE = """
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = await open(wish);
    if (!wish.audio) return stream;
    const silent = new AudioContext().createMediaStreamDestination().stream.getAudioTracks();
    return new MediaStream([...stream.getVideoTracks(), ...silent]);
  };
"""
NO_WAY_THROUGH = """
  const describe = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return describe.call(this, { type, sdp: sdp.replace(/a=candidate:.*\\r\\n/g, "") });
  };
"""


@pytest.fixture
def demo(standing_demo: Running) -> Running:
    """It lets one address test twelve times, and then once in ten seconds: these are fewer."""
    return standing_demo


@asynccontextmanager
async def at_the_test(
    visit: Visit, demo: Running, path: str = "/test", script: str = "", **options: Any
) -> AsyncIterator[Visitor]:
    """Where what takes seconds takes a quarter of them.  test_everything_in_order has the time that people have."""
    an = await visit(**options)
    if script:
        await an.page.add_init_script(script)
    await an.goto(f"http://localhost:{demo.port}{path}")
    await an.evaluate(SHORT_WAITS, QUICKER)
    yield an


async def light(somebody: Visitor, part: str, *lights: str, within_s: float = 25) -> None:
    """Until a part has one of these lights."""
    await somebody.until(f"{list(lights)}.includes(document.getElementById('check-{part}').dataset.light)", within_s)


async def words(somebody: Visitor, identifier: str) -> str:
    return await somebody.page.locator(f"#{identifier}").inner_text()


async def answered(somebody: Visitor, answer: str = "Ja, ik hoorde het") -> None:
    """The question about the speaker."""
    await somebody.press("Speel een geluid af")
    await somebody.press(answer)


async def codes(somebody: Visitor) -> Any:
    """What this browser remembers of the result, when there is one."""
    await somebody.until("!document.getElementById('result').hidden", 25)
    return json.loads(await somebody.evaluate("() => localStorage['balie.tested']"))


async def test_everything_in_order(visit: Visit, demo: Running) -> None:
    """Three presses.  Picture and sound went to the media server and came back; nothing else is left behind."""
    an = await visit()
    await an.goto(f"http://localhost:{demo.port}/test")
    await an.press("Start de test")
    await an.until("document.getElementById('echo').videoWidth >= 320", 15)
    await an.until(CAME_BACK)
    await answered(an)
    found = await codes(an)
    assert {part: found[part] for part in PARTS} == dict.fromkeys(PARTS, "good")
    assert await words(an, "result-title") == "Uw toestel is klaar"
    found = await an.page.locator("#check-network").inner_text()
    assert "Technische gegevens" in found and "UDP" not in found and "milliseconden" not in found
    assert "Heen en terug:" in (await an.page.locator("#network-told").text_content() or "")
    assert await an.page.locator("#share").count() == 0, "there is nobody to send it to"
    assert await an.evaluate("() => Object.keys({ ...localStorage, ...sessionStorage })") == ["balie.tested"]
    assert await an.evaluate("() => probe.connections.every((each) => each.connectionState === 'closed')")
    await an.evaluate(SHORT_WAITS, 2)  # two seconds of one's own voice, and twice: once to speak, once to listen
    await an.press("Neem uw stem op en luister")
    await an.until("document.getElementById('record-words').textContent.includes('Hoorde u uzelf?')", 15)
    assert await an.evaluate("() => document.getElementById('playback').duration > 1")


async def test_the_result_goes_to_staff_when_one_wants_it(visit: Visit, demo: Running) -> None:
    path = demo.links["citizen"].partition("/g/")[2]
    async with at_the_test(visit, demo, f"/a/{path}/test") as an:
        await an.press("Start de test")
        await answered(an)
        await codes(an)
        await check(an, "with a question")
        async with an.page.expect_request(
            lambda request: request.method == "POST" and request.url.endswith("/test")
        ) as sent:
            await an.press("Stuur het resultaat naar de medewerker")
        await an.until("document.getElementById('shared').textContent.includes('Verstuurd')")
        form = dict(each.split("=") for each in ((await sent.value).post_data or "").split("&"))
        assert (form["transport"], form["program"], form["network"]) == ("udp", "chrome", "good")
        assert form["rtt_ms"].isdecimal() and form["loss_percent"].isdecimal()
        assert form.keys() == {*CODES, "rtt_ms", "loss_percent"}
        await an.until("document.activeElement.id === 'result-title'")
        await check(an, "shared")
        await an.page.get_by_role("link", name="Terug naar uw afspraak").last.click()
        await an.page.get_by_role("heading", name="Uw afspraak").wait_for()


PROBLEMS = (
    ("NotAllowedError", "Permission denied", "denied", "het pictogram met de twee schuifjes"),
    ("NotAllowedError", "Permission denied by system", "system", "Open de instellingen van uw toestel"),
    ("NotAllowedError", "Permission dismissed", "dismissed", "Kies ‘Toestaan’"),
    ("NotFoundError", "", "missing", "Sluit een camera aan"),
    ("NotReadableError", "", "busy", "Sluit andere programma’s"),
    ("OverconstrainedError", "", "unfit", "Kies een andere camera"),
    ("AbortError", "", "failed", "steek hem weer in"),
    ("SecurityError", "", "insecure", "Probeer een ander toestel"),
    ("SomethingNewError", "", "failed", "steek hem weer in"),
)
"""What getUserMedia fails with, our code for it, and a part of the advice."""


async def test_every_problem_of_a_device_has_its_advice(visit: Visit, demo: Running) -> None:
    """In words that everybody understands, with a telephone number; the network is tested all the same.

    One problem after the other on the same page, each found by trying again.
    """
    first, *others = PROBLEMS
    async with at_the_test(visit, demo, script=BROKEN_DEVICES % (first[0], ["audio", "video"], first[1])) as an:
        await an.press("Start de test")
        for part in ("camera", "microphone"):
            await light(an, part, "bad")
        await has_advice(an, *first)
        await answered(an, "Nee, ik hoorde niets")
        assert "luider" in await words(an, "fix-speaker")
        found = await codes(an)
        assert found == found | {"camera": first[2], "microphone": first[2], "speaker": "unheard", "network": "good"}
        assert await words(an, "result-title") == "Een videogesprek lukt nog niet"
        assert PHONE_NUMBER in (await words(an, "result-call")).replace(" ", "\u00a0")
        await check(an, first[0])
        for problem in others:
            name, message, code, _ = problem
            await an.evaluate("([name, message]) => Object.assign(broken, { name, message })", [name, message])
            await an.press("Probeer opnieuw – Camera")
            remembered = "JSON.parse(localStorage['balie.tested'])"
            await an.until(f"{remembered}.camera === '{code}' && {remembered}.microphone === '{code}'")
            await has_advice(an, *problem)
            await check(an, f"{name} {message}")
        await an.evaluate("() => { broken.devices = []; }")
        await an.press("Probeer opnieuw – Camera")
        await light(an, "camera", "good")
        await light(an, "microphone", "good")
        assert await words(an, "result-title") == "U kunt deelnemen, maar niet alles werkt"


async def has_advice(an: Visitor, name: str, message: str, code: str, advice: str) -> None:
    assert advice in await words(an, "fix-camera"), f"{name} {message}"
    assert await an.page.get_by_role("button", name="Probeer opnieuw").count() == 2
    if code != "missing":
        assert "Doe wat bij ‘Camera’ staat." in await words(an, "fix-microphone"), "nobody reads the same twice"


async def test_a_microphone_is_enough(visit: Visit, demo: Running) -> None:
    """One broken device does not hide that the other one works."""
    async with at_the_test(visit, demo, script=BROKEN_DEVICES % ("NotFoundError", ["video"], "")) as an:
        await an.press("Start de test")
        await light(an, "microphone", "good")
        await light(an, "camera", "bad")
        await an.press("Sla dit over")
        found = await codes(an)
        assert (found["camera"], found["speaker"], found["light"]) == ("missing", "untested", "careful")


async def test_who_says_nothing_is_not_blamed(visit: Visit, demo: Running) -> None:
    async with at_the_test(visit, demo, script=SILENCE) as an:
        await an.press("Start de test")
        await light(an, "microphone", "careful", within_s=15)
        assert await words(an, "found-microphone") == "We horen u nog niet."
        assert "Spreek wat luider" in await words(an, "fix-microphone")


async def test_a_device_that_is_unplugged(visit: Visit, demo: Running) -> None:
    async with at_the_test(visit, demo) as an:
        await an.press("Start de test")
        await answered(an)
        await codes(an)
        await an.evaluate(
            """() => {
              const [track] = document.getElementById("preview").srcObject.getTracks();
              track.stop();
              track.dispatchEvent(new Event("ended"));
            }"""
        )
        await light(an, "camera", "bad")
        assert await words(an, "result-title") == "U kunt deelnemen, maar niet alles werkt"


async def test_a_network_that_lets_nothing_through(visit: Visit, demo: Running) -> None:
    """A firewall: the page is there, picture and sound are not."""
    async with at_the_test(visit, demo, script=NO_WAY_THROUGH) as an:
        await an.press("Start de test")
        await light(an, "network", "busy")
        await check(an, "busy")
        await an.evaluate(FAST_CLOCK, QUICKER)
        await light(an, "network", "bad")
        assert await words(an, "found-network") == "Dit netwerk houdt beeld en geluid tegen."
        assert "mobiele internetverbinding" in await words(an, "fix-network")
        await an.page.get_by_role("button", name="Test de verbinding opnieuw").wait_for()


async def test_no_network_and_too_many_people(visit: Visit, demo: Running) -> None:
    async with at_the_test(visit, demo) as an:
        an.expected.extend(("net::ERR_FAILED", "status of 429"))

        async def full(route: Route) -> None:
            await route.fulfill(status=429, json={"title": "busy"})

        await an.page.route("**/test/proef", full)
        await an.press("Start de test")
        await light(an, "network", "careful")
        assert "te veel mensen tegelijk" in await words(an, "found-network")
        await an.page.unroute("**/test/proef")
        await an.page.route("**/test/proef", lambda route: route.abort())
        await an.evaluate(FAST_CLOCK, QUICKER)
        await an.press("Test de verbinding opnieuw")
        await light(an, "network", "bad")
        assert await words(an, "found-network") == "We krijgen geen verbinding met ons systeem."
        await an.page.unroute("**/test/proef")
        await an.evaluate("() => realClock()")
        await an.press("Test de verbinding opnieuw")
        await light(an, "network", "good")


async def test_a_window_in_another_app(visit: Visit, demo: Running) -> None:
    """Facebook opens links in a window of its own: how to get out of it."""
    async with at_the_test(visit, demo, user_agent=IN_FACEBOOK, viewport=PHONE) as an:
        assert "in de app Facebook" in await words(an, "found-browser")
        assert "‘Open in Safari’" in await words(an, "fix-browser")
        await check(an, "in another app")
        await an.page.context.grant_permissions(["camera", "microphone", "clipboard-write"])
        await an.press("Kopieer de link")
        await an.until("document.getElementById('copied').textContent.includes('gekopieerd')")
        await check(an, "copied")


@pytest.mark.parametrize("lacking", ["delete window.RTCPeerConnection", "delete MediaDevices.prototype.getUserMedia"])
async def test_a_browser_without_calls(visit: Visit, demo: Running, lacking: str) -> None:
    async with at_the_test(visit, demo, script=lacking) as an:
        assert await words(an, "found-browser") == "Deze browser is te oud voor een videogesprek."
        assert await an.page.get_by_role("button", name="Start de test").count() == 0
        await check(an, "old")


async def test_a_browser_that_cannot_read_our_scripts(visit: Visit, demo: Running) -> None:
    """Of before 2021: no module of ours runs, and the page says what to do."""
    an = await visit()
    an.expected.append("unreadable|Unexpected")

    async def unreadable(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body="this is unreadable(")

    await an.page.route("**/selftest/page.js", unreadable)
    await an.goto(f"http://localhost:{demo.port}/test")
    await an.page.get_by_role("heading", name="De test start niet in deze browser").wait_for()
    assert await an.page.get_by_role("button", name="Start de test").count() == 0
    await check(an, "unreadable")


async def test_by_keyboard_and_by_ear(visit: Visit, demo: Running) -> None:
    """Every step with Tab and Enter; the focus is never lost, and each result is said once."""
    async with at_the_test(visit, demo) as an:
        await check(an, "start")
        await an.evaluate(
            """() => {
              window.said = [];
              new MutationObserver((changes) => {
                for (const { addedNodes } of changes) for (const node of addedNodes) said.push(node.textContent.trim());
              }).observe(document.getElementById("announcements"), { childList: true });
            }"""
        )
        press = an.page.keyboard.press
        await tab_to(an, "Start de test")
        await press("Enter")
        await an.until("document.activeElement.id === 'checks-title'")
        await light(an, "network", "good")
        await light(an, "microphone", "good")
        await tab_to(an, "Speel een geluid af")
        await press("Enter")
        await an.page.get_by_role("button", name="Ja, ik hoorde het").wait_for()
        await check(an, "asked")
        await tab_to(an, "Ja, ik hoorde het")
        await press("Enter")
        await an.until("document.activeElement.id === 'result-title'")
        await check(an, "done")
        await tab_to(an, "Test alles opnieuw")
        assert sorted(await an.evaluate("() => said")) == [
            "Camera: In orde. Ziet u uzelf? Dan ziet de medewerker u ook.",
            "Internet: In orde. Beeld en geluid komen vlot tot bij ons en terug.",
            "Luidspreker: In orde. U hoorde het geluid.",
            "Microfoon: In orde. We horen u.",
        ]


async def test_in_firefox(demo: Running, tmp_path: Path) -> None:
    """Its statistics have other fields."""
    async with firefox(tmp_path, f"http://localhost:{demo.port}") as an:
        await an.goto(f"http://localhost:{demo.port}/test")
        await an.evaluate(SHORT_WAITS, QUICKER)
        await an.press("Start de test")
        for part in ("camera", "network"):
            await an.until(f"document.getElementById('check-{part}').dataset.light === 'good'", 25)
        # Without a sound card Firefox measures no sound; then it is quiet, and the test goes on.
        await an.until("['good', 'careful'].includes(document.getElementById('check-microphone').dataset.light)", 15)
        told = await an.evaluate("() => document.getElementById('network-told').textContent")
        assert "Heen en terug:" in told
        assert "Verlies onderweg: 0 procent" in told
        assert an.complaints == []


async def test_forced_colours_keep_the_lights(visit: Visit, demo: Running) -> None:
    async with at_the_test(visit, demo, forced_colors="active") as an:
        mark = """() => getComputedStyle(document.getElementById("light-browser"), "::before").content"""
        assert "✓" in await an.evaluate(mark)


async def test_a_browser_of_somebody_else(chromium: Browser, demo: Running) -> None:
    """A link that is no link has no test."""
    context = await chromium.new_context(locale="nl-BE")
    page = await context.new_page()
    answer = await page.goto(f"http://localhost:{demo.port}/a/onbekend/test")
    assert answer is not None
    assert answer.status == 404
    await context.close()
