"""What goes wrong around a visit, and how the desk is told: a crashed tab, a passed-on link, others who wait."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from playwright.async_api import Error, expect

from balie.booking.people import Person
from tests.browser.test_visit_desk import WIDE, Counter, counter, go_in, let_in
from tests.support.access import check
from tests.support.visitor import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(120),
]

__all__ = ["counter"]  # a fixture, for pytest

BART = "Bart Claes"
JEF = Person("Jef Willems", mail="jef@example.org")

# What the system is asked to show, and each time a bell is struck; and a window that somebody looks away from.
DESK = """
  window.told = { shown: [], bells: 0 };
  window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(words, options) { told.shown.push([words, options.tag]); }
    close() {}
  };
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...all) {
    told.bells += 1;
    return start.apply(this, all);
  };
  Object.defineProperty(document, "hidden", { get: () => window.away === true });
"""
BELL = 2
"""Tones of one bell."""


async def at_desk(counter: Counter) -> Visitor:
    bart = await counter.sit("els", viewport=WIDE)
    await bart.press("Meld u af")
    await bart.page.add_init_script(DESK)
    page: Any = bart.page
    await bart.goto(f"{counter.origin}/balie")
    await page.get_by_label("Gebruikersnaam").fill("bart")
    await page.get_by_label("Wachtwoord").fill("voorbeeld-van-een-zin")
    await bart.press("Meld u aan")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Vandaag")
    return bart


async def talking(counter: Counter) -> tuple[Visitor, Visitor]:
    bart = await at_desk(counter)
    an = await counter.arrives()
    await go_in(bart)
    await let_in(bart)
    await an.tiles(BART)
    return an, bart


async def test_a_bell_and_a_notification_when_somebody_arrives(counter: Counter) -> None:
    bart = await at_desk(counter)
    await bart.page.get_by_label("Melding op mijn scherm").check()
    await bart.evaluate("() => { window.away = true; }")
    an = await counter.arrives()
    await bart.until("told.shown.length === 1")
    ((words, key),) = await bart.evaluate("() => told.shown")
    assert words == "An Peeters wacht op u." and key.endswith(":an")
    await bart.until(f"told.bells === {BELL}")
    # Without a sound and without a notification for who wants neither; the page says it all the same.
    await bart.page.get_by_label("Geluid als iemand op mij wacht").uncheck()
    await bart.page.get_by_label("Melding op mijn scherm").uncheck()
    await an.press("Verlaat de wachtkamer")
    await expect(bart.page.locator("#waiting-said")).to_have_text("")
    await counter.arrives()
    await expect(bart.page.locator("#waiting-said")).to_have_text("An Peeters wacht op u.")
    assert await bart.evaluate("() => [told.shown.length, told.bells]") == [1, BELL]


async def test_somebody_else_waits_during_a_call(counter: Counter) -> None:
    """One bell and a line that stays, with a way there that does not end this call."""
    _, bart = await talking(counter)
    before = await bart.evaluate("() => told.bells")
    link = await counter.book(JEF)
    jef = await counter.come()
    await jef.open(link)
    await jef.enter()
    others = bart.page.locator("#others")
    await expect(others).to_contain_text("Jef Willems wacht op u.")
    await expect(bart.page.locator("#others-said")).to_have_text("Jef Willems wacht op u.")
    await bart.until(f"told.bells === {before} + {BELL}")
    assert (await bart.page.title()).startswith("(1) ")
    assert "An Peeters" not in await others.inner_text()
    await check(bart, "somebody else waits")
    opens = others.get_by_role("link", name="Open in een nieuw tabblad")
    assert await opens.get_attribute("target") == "_blank"
    await jef.press("Verlaat de wachtkamer")
    await expect(others).to_be_hidden()


async def test_the_tab_of_staff_crashes(counter: Counter) -> None:
    """The citizen stays in the call, and reads that he is gone; he finds it on the first page, and goes on."""
    an, bart = await talking(counter)
    browser = bart.page.context
    async with bart.page.expect_event("crash"):
        with suppress(Error):
            await bart.page.goto("chrome://crash")
    await an.status("We krijgen even niets meer van Bart Claes.", within_s=8)
    again = Visitor(await browser.new_page(), bart.origin)
    await again.goto(f"{counter.origin}/balie")
    await expect(again.page.locator("#waiting-list")).to_contain_text("in het gesprek")
    await go_in(again)
    await an.tiles(BART)
    await again.tiles("An Peeters")
    await an.pictures(1)
    assert again.complaints == []


async def test_a_link_that_was_passed_on(counter: Counter) -> None:
    """Who has it is told that somebody is inside; who was inside is told that he was replaced, and whom to call."""
    bart = await at_desk(counter)
    an = await counter.arrives()
    stranger = await counter.come()
    stranger.expected.append("status of 409")
    await stranger.open(counter.link)
    await stranger.enter()
    dialog = stranger.page.get_by_role("dialog", name="U bent al binnen op een ander toestel")
    await expect(dialog).to_contain_text("Bent u dat niet zelf? Bel ons meteen")
    await stranger.press("Ga hier verder")
    await an.ended("Was u dat niet zelf? Bel meteen")
    await expect(an.page.locator("#ended-reason")).to_contain_text("555\u00a001\u00a030")
    # Whoever it is, nobody is let in unseen: Bart is asked who it is.
    await go_in(bart)
    await bart.page.locator("#lobby").get_by_role("button", name="Laat binnen An Peeters").click()
    who = bart.page.get_by_role("dialog", name="Is dit An Peeters?")
    await expect(who).to_contain_text("Vraag in beeld eerst wie het is")
    await bart.press("Nog niet")
    await bart.page.locator("#lobby").get_by_role("button", name="Haal weg An Peeters").click()
    await bart.press("Ja, haal weg")
    await stranger.ended("De medewerker heeft u uit het gesprek gehaald")
