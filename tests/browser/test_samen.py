"""Samen as people have it: beside the call on a telephone and at the desk, by eye, by ear and by keyboard."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from balie.demo import PASSWORD
from tests.browser.conftest import Visit
from tests.support.access import check, focus, tab_to
from tests.support.processes import Running
from tests.support.visitor import PHONE, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]

TABLET: Any = {"width": 768, "height": 1024}
WIDE: Any = {"width": 1440, "height": 900}
HEARD = """() => {
  window.heard = [];
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) heard.push(node.textContent.trim());
  }).observe(document.getElementById("announcements"), { childList: true });
}"""


WRITES_AT = "() => Math.round(document.getElementById('samen-vraag').getBoundingClientRect().top)"
INSIDE = """[...document.querySelectorAll("WHICH")].filter((each) => each.checkVisibility()).every((each) => {
  const { top, bottom, left, right } = each.getBoundingClientRect();
  return top >= -1 && left >= -1 && bottom <= innerHeight + 1 && right <= innerWidth + 1;
})"""


COVERED = """() => {
  const panel = document.getElementById("samen").getBoundingClientRect();
  return [...document.querySelectorAll(".tile, .controls button")].filter((each) => each.checkVisibility())
    .some((each) => {
      const { top, bottom, left, right } = each.getBoundingClientRect();
      return Math.min(bottom, panel.bottom) - Math.max(top, panel.top) > 2
        && Math.min(right, panel.right) - Math.max(left, panel.left) > 2;
    });
}"""
"""Whether the panel stands on a face or a button."""
WIDE_AS = """() => {
  const { clientWidth, clientHeight, videoWidth, videoHeight } = document.querySelector(".screens .tile video");
  return Math.min(clientWidth, clientHeight * videoWidth / videoHeight) / document.getElementById("stage").clientWidth;
}"""
"""How wide a shared screen's picture is, of the stage."""


@asynccontextmanager
async def together(visit: Visit, demo: Running) -> AsyncIterator[tuple[Visitor, Visitor, Locator]]:
    """An on a telephone and Bart at his desk, in the demo's call; and his part of the panel."""
    an, bart = await visit("citizen", viewport=PHONE), await visit(viewport=WIDE)
    page = bart.page
    await sign_in(bart)
    await page.locator("a[href^='/balie/gesprek/']").first.click()
    await bart.until("document.getElementById('preview').videoWidth > 0")
    await bart.enter()
    await an.enter()
    await an.tiles("Bart Claes")
    yield an, bart, page.locator("#part-samen")


async def sign_in(bart: Visitor) -> None:
    await bart.goto(f"{bart.origin}/balie")
    await bart.page.get_by_label("Gebruikersnaam").fill("bart")
    await bart.page.get_by_label("Wachtwoord").fill(PASSWORD)
    await bart.press("Meld u aan")


async def open_step(part: Locator, name: str) -> None:
    await part.get_by_role("group", name="Open een stap").get_by_role("button", name=name, exact=True).click()


async def choose(an: Visitor) -> None:
    """A day, an hour, a court."""
    page = an.page
    await page.get_by_label("Welke dag?").select_option(index=3)
    await page.locator(".hour-pick").nth(2).click()
    await page.locator("fieldset[data-hour]:not([hidden]) .court-pick").first.click()


async def test_it_is_for_everybody_in_every_state(visit: Visit, demo: Running) -> None:
    async with together(visit, demo) as (an, bart, part):
        await an.press("Samen")
        await check(an, "nothing to do yet")
        await open_step(part, "Kies een terrein")
        await part.get_by_text("Wijs aan").click()
        await choose(an)
        await part.get_by_role("button", name="het uur", exact=True).click()
        await expect(an.page.locator(".pointed-here")).to_have_text("Bart wijst dit aan")
        await check(an, "choosing, and pointed at")
        await check(bart, "looking along")
        await an.press("Reserveer")
        await expect(part.locator("[data-state=done]")).to_have_count(1)
        for name in ("Identificeer u", "Betaal", "Laad een document op"):
            await open_step(part, name)
        await expect(an.page.locator(".guide-step")).to_have_count(4)
        await an.page.get_by_text("Zet nog een vraag op de agenda").click()
        await check(an, "all that there is to do")
        for each in ("Laat iets lezen", "Zet iets op de agenda"):
            await part.get_by_text(each).click()
        await check(bart, "all that there is to see")


async def test_it_opens_by_itself_is_heard_and_leaves_the_focus(visit: Visit, demo: Running) -> None:
    async with together(visit, demo) as (an, _bart, part):
        await an.evaluate(HEARD)
        await an.page.locator("#mic").focus()
        await open_step(part, "Kies een terrein")
        await an.until("!document.getElementById('samen').hidden")
        await focus(an, "mic")
        await an.until("heard.some((each) => each.includes('Bart vraagt u: Kies een terrein.'))")
        await part.get_by_text("Wijs aan").click()
        await part.get_by_role("button", name="de dag", exact=True).click()
        await an.until("heard.some((each) => each.includes('Bart wijst iets aan: de dag.'))")
        # By keyboard alone: a day, an hour, a court, and it is held.
        press = an.page.keyboard.press
        await tab_to(an, "Welke dag?")
        await press("ArrowDown")
        await press("ArrowDown")
        await expect(an.page.locator(".hour-pick").first).to_be_visible()
        await expect(an.page.locator(".pointed-here")).to_have_count(0)
        await press("Tab")
        await press("Space")
        await press("Tab")
        await press("Space")
        await an.until("document.activeElement.name === 'tijd'")
        chosen = await an.evaluate("() => document.activeElement.dataset.name")
        await expect(part).to_contain_text(f"Kiest: {chosen}")
        await tab_to(an, "Reserveer")
        await press("Enter")
        await expect(part).to_contain_text("Vastgehouden tot")
        await an.until("heard.some((each) => each.includes('Kies een terrein: klaar.'))")
        await an.until("document.getElementById('samen').contains(document.activeElement)")
        await press("Escape")
        await an.until("document.getElementById('samen').hidden")
        await focus(an, "samen-open")
        heard = await an.evaluate("() => heard")
        assert len([each for each in heard if "Kies een terrein" in each]) == 2, heard
        await who_writes_a_message_goes_on_writing(an, part)


async def what_did_not_get_through_comes_by_itself(an: Visitor, part: Locator) -> None:
    an.expected.append("ERR_FAILED .*/samen/deel")
    await an.page.route("**/deel", lambda route: route.abort(), times=2)
    await open_step(part, "Laad een document op")
    await expect(an.page.get_by_text("Dat is niet gelukt.")).to_be_visible()
    await expect(an.page.get_by_role("heading", name="Laad een document op")).to_be_visible()
    await expect(an.page.get_by_text("Dat is niet gelukt.")).to_be_hidden()


async def who_writes_a_message_goes_on_writing(an: Visitor, part: Locator) -> None:
    await an.press("Berichten")
    await an.page.keyboard.type("Ik wil graag ")
    await open_step(part, "Betaal")
    await an.until("!document.getElementById('samen-new').hidden")
    await an.page.keyboard.type("dinsdag")
    assert await an.page.locator("#chat-text").input_value() == "Ik wil graag dinsdag"
    await an.page.get_by_role("button", name="Samen, er staat iets klaar").click()
    await focus(an, "samen-title")
    assert await an.evaluate("() => document.getElementById('chat').hidden")
    await an.press("Berichten")
    await an.until("document.getElementById('samen').hidden")


async def test_what_is_being_done_stays_when_something_else_changes(visit: Visit, demo: Running) -> None:
    """A list that is open, a court that is chosen, a question half written."""
    async with together(visit, demo) as (an, _bart, part):
        await open_step(part, "Kies een terrein")
        await choose(an)
        await an.page.get_by_text("Zet nog een vraag op de agenda").click()
        question = an.page.get_by_label("Uw vraag", exact=True)
        await question.fill("Mag mijn zo")
        await part.get_by_text("Laat iets lezen").click()
        await part.get_by_label(re.compile("De burger leest dit")).fill("Breng een racket mee.")
        at = await an.evaluate(WRITES_AT)
        await part.get_by_role("button", name="Laat dit lezen").click()
        await expect(an.page.locator(".guide-step")).to_have_count(2)
        assert await question.input_value() == "Mag mijn zo"
        assert await an.evaluate(WRITES_AT) == at, "what is asked next does not push away what is being done"
        assert await an.page.locator("input[name=tijd]:checked").count() == 1
        await question.type("on mee?")
        await an.page.locator(".agenda-more").get_by_role("button", name="Voeg toe").click()
        await expect(part).to_contain_text("Mag mijn zoon mee?")
        await an.press("Ik heb dit gelezen")
        await expect(part.locator("[data-state=done]")).to_have_count(1)
        # What is done is one line; what comes next stands at the top, and has the focus.
        await open_step(part, "Identificeer u")
        await an.press("Reserveer")
        await expect(an.page.locator("#samen [data-state=done] > details:not([open])")).to_have_count(2)
        current = an.page.locator("#samen [aria-current=step]")
        await expect(current.get_by_role("heading", name="Identificeer u")).to_be_focused()
        await an.until(
            "document.querySelector('#samen [aria-current=step]').getBoundingClientRect().top"
            " - document.querySelector('.samen-top').getBoundingClientRect().bottom < 40"
        )
        await check(an, "two steps done")
        await what_did_not_get_through_comes_by_itself(an, part)
        await an.page.locator("#samen [data-state=done] summary").first.click()
        await expect(an.page.get_by_role("button", name="Kies iets anders")).to_be_visible()


async def test_faces_and_buttons_stay_in_sight(visit: Visit, demo: Running) -> None:
    """Beside a shared screen, on a device that becomes larger: on the small ones the panel folds, too."""
    async with together(visit, demo) as (an, bart, part):
        await open_step(part, "Kies een terrein")
        await choose(an)
        await bart.press("Scherm delen")
        await an.screen()
        await in_sight(an, PHONE, screen=0.93)
        await folds(an, part, "Betaal")
        await in_sight(an, TABLET, screen=0.5)
        await folds(an, part, "Identificeer u")
        await in_sight(an, WIDE, screen=0.5)


async def in_sight(an: Visitor, size: Any, screen: float) -> None:
    """screen: how wide the shared one is at least, of the stage."""
    await an.page.set_viewport_size(size)
    for which in (".tile", ".controls button", "#samen"):
        await an.until(INSIDE.replace("WHICH", which))
    await an.until(f"({WIDE_AS})() >= {screen}")  # it is laid out anew a moment after the window has its size
    assert not await an.evaluate(COVERED), size


async def folds(an: Visitor, part: Locator, asked: str) -> None:
    """Folded, the pictures have the room; what is asked next unfolds it."""
    before = await an.page.locator("#samen").bounding_box()
    await an.press("Klap in Samen")
    await expect(an.page.locator("#samen-brief")).to_have_text("Kies een terrein · bezig")
    await an.until(INSIDE.replace("WHICH", ".tile, .controls button, #samen"))
    assert not await an.evaluate(COVERED)
    after = await an.page.locator("#samen").bounding_box()
    assert before and after and after["height"] < min(120, before["height"])
    await focus(an, "samen-fold")
    await check(an, "folded")
    await open_step(part, asked)
    await expect(an.page.get_by_role("button", name="Klap in Samen")).to_be_visible()
