"""The self-test's rules in JavaScript: which browser this is and what help it gets, and which light a result gives."""

from __future__ import annotations

import pytest

from balie.visit.device_test import CODES, DeviceTest
from tests.browser.conftest import Visit
from tests.support.processes import Running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PARTS = ("browser", "camera", "microphone", "speaker", "network")

WEBKIT, BLINK = "AppleWebKit/605.1.15 (KHTML, like Gecko)", "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Chrome/142.0.0.0 Safari/537.36"
MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18.5 Safari/605.1.15"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {WEBKIT}"
ANDROID, CHROME = "Mozilla/5.0 (Linux; Android 15; Pixel 9", f"{BLINK} Chrome/142.0.0.0 Mobile Safari/537.36"
SAMSUNG = f"{ANDROID}) {BLINK} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"
GECKO = "rv:145.0) Gecko/20100101 Firefox/145.0"
FIREFOX_ANDROID = "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"
WEB_VIEW = f"{ANDROID}; wv) {BLINK} Version/4.0 Chrome/142.0.0.0 Mobile Safari/537.36"
IN_FACEBOOK = f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/520.0.0;FBDV/iPhone15,2]"

AGENTS: list[tuple[str, int, str, str, str, str]] = [
    # agent, touch points, program, system, app, what to do when the browser was told no
    (WINDOWS, 0, "chrome", "windows", "", "fix_denied_chrome"),
    (f"{WINDOWS} Edg/142.0.0.0", 0, "edge", "windows", "", "fix_denied_edge"),
    (f"{WINDOWS} OPR/120.0.0.0", 0, "other", "windows", "", "fix_denied"),
    (f"Mozilla/5.0 (Windows NT 10.0; {GECKO}", 0, "firefox", "windows", "", "fix_denied_firefox"),
    (f"Mozilla/5.0 (X11; Linux x86_64; {GECKO}", 0, "firefox", "linux", "", "fix_denied_firefox"),
    (MAC, 0, "safari", "macos", "", "fix_denied_safari"),
    (MAC, 5, "safari", "ios", "", "fix_denied_safari_ios"),
    (f"{IPHONE} Version/18.5 Mobile/15E148 Safari/604.1", 5, "safari", "ios", "", "fix_denied_safari_ios"),
    (f"{IPHONE} CriOS/142.0.0.0 Mobile/15E148 Safari/604.1", 5, "chrome", "ios", "", "fix_denied_ios"),
    (f"{IPHONE} FxiOS/145.0 Mobile/15E148 Safari/605.1.15", 5, "firefox", "ios", "", "fix_denied_ios"),
    (f"{ANDROID}) {CHROME}", 5, "chrome", "android", "", "fix_denied_android"),
    (f"{ANDROID}) {CHROME} EdgA/142.0.0.0", 5, "edge", "android", "", "fix_denied_android"),
    (SAMSUNG, 5, "samsung", "android", "", "fix_denied_android"),
    (FIREFOX_ANDROID, 5, "firefox", "android", "", "fix_denied_firefox_android"),
    (IN_FACEBOOK, 5, "other", "ios", "Facebook", "fix_denied_ios"),
    (f"{IPHONE} Mobile/15E148 Instagram 400.0.0", 5, "other", "ios", "Instagram", "fix_denied_ios"),
    (f"{IPHONE} Mobile/15E148", 5, "other", "ios", "?", "fix_denied_ios"),
    (f"{WEB_VIEW} [FB_IAB/FB4A;FBAV/520.0.0;]", 5, "chrome", "android", "Facebook", "fix_denied_android"),
    (WEB_VIEW, 5, "chrome", "android", "?", "fix_denied_android"),
    ("", 0, "other", "other", "", "fix_denied"),
]


@pytest.fixture
def demo(standing_demo: Running) -> Running:
    return standing_demo


async def test_help_for_every_browser(visit: Visit, demo: Running) -> None:
    """Which browser on which system it is, whether it is a real one, and which help it gets."""
    an = await visit()
    await an.goto(f"http://localhost:{demo.port}/test")
    script = """async (agents) => {
      const { recognise } = await import("/static/js/selftest/browser.js");
      const { advice, settingsLink } = await import("/static/js/selftest/guidance.js");
      return agents.map(([agent, touch]) => {
        const found = recognise(agent, touch);
        return [found.program, found.system, found.app, advice("denied", "camera", found),
          settingsLink("system", "camera", found)];
      });
    }"""
    found = await an.evaluate(script, [[agent, touch] for agent, touch, *_ in AGENTS])
    assert [row[:4] for row in found] == [list(expected) for _, _, *expected in AGENTS]
    schemes = {"windows": "ms-settings:privacy-webcam", "macos": "x-apple.systempreferences:"}
    assert all(row[4].startswith(schemes.get(row[1], "")) for row in found)
    assert all(bool(row[4]) == (row[1] in schemes) for row in found)


async def test_the_lights_are_those_of_the_server(visit: Visit, demo: Running) -> None:
    """verdict.js and balie.visit.device_test say the same of every result with one thing wrong, or two."""
    fine = dict.fromkeys(PARTS, "good")
    cases = [
        {**fine, one: first, other: second}
        for one in PARTS
        for other in PARTS
        for first in CODES[one]
        for second in CODES[other]
    ]
    an = await visit()
    await an.goto(f"http://localhost:{demo.port}/test")
    script = """async (cases) => {
      const { overall } = await import("/static/js/selftest/verdict.js");
      return cases.map(overall);
    }"""
    assert await an.evaluate(script, cases) == [DeviceTest(case).light for case in cases]
