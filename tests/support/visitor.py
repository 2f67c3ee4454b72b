"""A person in a page of a browser: opens a link, looks, presses buttons; and what that page should not have done."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page, Playwright

from tests.support.tree import ROOT

CHROMIUM = "/usr/bin/chromium"
SHELL = "/usr/bin/chromium-headless-shell"
"""The same engine without a window around each page, which makes a page a third cheaper.  It shows no notification,
shares no tab and leaves WebRTC's policies alone: what depends on those, or measures, takes the whole browser."""
FEATURES_OFF = (
    # Without a graphics processor the first picture waits seconds for an answer about hardware codecs.
    "WebRtcHWEncoding",
    "WebRtcHWDecoding",
    # Pages of the address bar, half a second of a core for each window; nobody types an address here.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
)
ARGUMENTS = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--auto-select-desktop-capture-source=Entire screen",
    "--mute-audio",
    "--disable-features=" + ",".join(FEATURES_OFF),
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
CALM_FPS, LIVE_FPS = 10, 30
"""Pictures a second of the made-up camera: what a few pages encode, decode and draw without filling two cores, and what
a real camera sends, for tests and benchmarks that measure pictures."""
PROBE = (ROOT / "tests/support/probe.js").read_text()
PHONE: Any = {"width": 360, "height": 740}
LAPTOP: Any = {"width": 1024, "height": 768}


@asynccontextmanager
async def launched(
    playwright: Playwright,
    *arguments: str,
    program: str = CHROMIUM,
    fps: int = CALM_FPS,
    cameras: int = 1,
    without: tuple[str, ...] = (),
) -> AsyncIterator[Browser]:
    """fps, cameras: of its made-up cameras.  without: beginnings of the usual arguments that it does not get."""
    camera = f"--use-fake-device-for-media-stream=fps={fps},device-count={cameras}"
    usual = [each for each in (*ARGUMENTS, camera) if not (without and each.startswith(without))]
    browser = await playwright.chromium.launch(executable_path=program, args=[*usual, *arguments])
    try:
        yield browser
    finally:
        await browser.close()


class Person(ABC):
    """Somebody with a page in some browser.

    complaints: what the page must not do, and did: errors, requests to anybody else.
    expected: patterns of complaints that a test brings about itself, such as a cut connection.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.expected: list[str] = []
        self._complaints: list[str] = []

    @abstractmethod
    async def goto(self, link: str) -> None: ...

    @abstractmethod
    async def evaluate(self, function: str, argument: Any = None) -> Any:
        """What a JavaScript function gives for an argument, when it is done."""

    @abstractmethod
    async def press(self, name: str) -> None:
        """Click the button with exactly this name, as a person does."""

    def said(self, level: str, words: str, where: str) -> None:
        """The page wrote this to its console."""
        if level in ("error", "warning", "warn"):
            self._complaints.append(f"{level}: {words} {where}")

    def requested(self, url: str) -> None:
        own = (f"{self.origin}/", f"ws{self.origin.removeprefix('http')}/", "data:", "blob:")
        if not url.startswith(own):
            self._complaints.append(f"request to {url}")

    @property
    def complaints(self) -> list[str]:
        return [each for each in self._complaints if not any(re.search(pattern, each) for pattern in self.expected)]

    async def open(self, link: str) -> None:
        """Through the link, until there is a picture of oneself."""
        await self.goto(link)
        await self.until("document.getElementById('preview').videoWidth > 0")

    async def enter(self) -> None:
        await self.press("Kom binnen")

    async def until(self, condition: str, within_s: float = 10) -> Any:
        """Until a JavaScript expression is true; its value."""
        look = f"() => {{ try {{ return ({condition}); }} catch {{ return false; }} }}"
        script = f"([within, what]) => probe.until({look}, within, what)"
        return await self.evaluate(script, [within_s * 1000, condition])

    async def pictures(self, count: int, *, fps: float = 6, height: int = 360, within_s: float = 10) -> Any:
        """Until that many pictures of others arrive that fast and that large (16:9)."""
        return await self.evaluate(
            "([count, fps, height, within]) => probe.pictures(count, fps, height, within)",
            [count, fps, height, within_s * 1000],
        )

    async def screen(self, within_s: float = 10) -> None:
        """Until somebody's screen is there, 720 lines or more, and moves."""
        await self.evaluate("(within) => probe.screen(within)", within_s * 1000)

    async def no_screen(self, within_s: float = 2) -> None:
        await self.until("document.querySelectorAll('.screens .tile').length === 0", within_s)

    async def sounds(self, count: int, within_s: float = 10) -> None:
        await self.evaluate("([count, within]) => probe.sounds(count, within)", [count, within_s * 1000])

    async def tiles(self, *names: str, within_s: float = 10) -> None:
        """Until exactly these people have a tile with a picture."""
        wanted = sorted(names)
        await self.until(
            "JSON.stringify([...document.querySelectorAll('.faces .tile:not(.own)')].filter((tile) => "
            "tile.dataset.picture === 'yes').map((tile) => tile.querySelector('.name').textContent).sort()) === "
            f"JSON.stringify({wanted}) && document.querySelectorAll('.faces .tile:not(.own)').length === {len(wanted)}",
            within_s,
        )

    async def caption(self, name: str, words: str, *, there: bool = True, within_s: float = 10) -> None:
        """Until the caption of somebody's tile says (or does not say) this."""
        await self.until(
            "[...document.querySelectorAll('.tile:not(.own) figcaption')].some((each) => "
            f"each.querySelector('.name').textContent === {name!r} && each.textContent.includes({words!r}) === "
            f"{str(there).lower()})",
            within_s,
        )

    async def status(self, words: str, within_s: float = 10) -> None:
        """Until the line about the connection says this."""
        await self.until(f"document.getElementById('status').textContent.includes({words!r})", within_s)

    async def ended(self, words: str, within_s: float = 10) -> None:
        await self.until(
            "document.body.dataset.state === 'ended' && "
            f"document.getElementById('ended-reason').textContent.includes({words!r})",
            within_s,
        )


class Visitor(Person):
    """One person in Chromium."""

    def __init__(self, page: Page, origin: str) -> None:
        super().__init__(origin)
        self.page = page
        page.on("console", lambda message: self.said(message.type, message.text, message.location.get("url", "")))
        page.on("pageerror", lambda error: self._complaints.append(f"page error: {error}"))
        page.on("request", lambda request: self.requested(request.url))
        page.on("websocket", lambda socket: self.requested(socket.url))

    async def goto(self, link: str) -> None:
        await self.page.goto(link)

    async def evaluate(self, function: str, argument: Any = None) -> Any:
        return await self.page.evaluate(function, argument)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()


@asynccontextmanager
async def visitor(browser: Browser, origin: str, *, media: bool = True, **context: Any) -> AsyncIterator[Visitor]:
    """Somebody with a browser of his own, who is at the end asked whether anything was wrong."""
    context.setdefault("viewport", LAPTOP)
    permissions = ["camera", "microphone"] if media else []
    own = await browser.new_context(permissions=permissions, locale="nl-BE", **context)
    try:
        await own.add_init_script(PROBE)
        yield Visitor(await own.new_page(), origin)
    finally:
        # As a person closes tabs: a page that ends with its whole profile may have no last word to others.
        for page in own.pages:
            await page.close()
        await own.close()
