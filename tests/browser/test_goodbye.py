"""The goodbye in the page of the call: what was agreed, two equal buttons, and nothing that holds anybody up."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from balie.booking import parting
from balie.visit import ending, steps
from tests.browser.test_desk import Come, come, desk
from tests.browser.test_visit_desk import WIDE, Counter, counter, let_in
from tests.support.access import check
from tests.support.arranged import entropy
from tests.support.booking import KEY, booked
from tests.support.desk import DeskSite
from tests.support.office import MONDAY_S, unix_s
from tests.support.town import running
from tests.support.visitor import PHONE, Visitor, visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]

__all__ = ["come", "counter", "desk"]  # fixtures, for pytest

CHANCE = entropy(5)
SHOWN_MS = 1000
EQUAL = ("Geef uw mening", "Sluit de balie")
STEP = "De factuur betalen"


async def talking(counter: Counter) -> tuple[Visitor, Visitor]:
    """An and Bart are in their conversation."""
    bart = await counter.sit("bart", viewport=WIDE)
    an = await counter.arrives()
    await bart.page.locator("#waiting-list").get_by_role("link", name="Ga naar het gesprek An Peeters").click()
    await bart.until("document.getElementById('preview').videoWidth > 0")
    await bart.enter()
    await let_in(bart)
    await an.pictures(1)
    return an, bart


async def agree(page: Page) -> None:
    """Bart writes down what An will do."""
    part = page.locator("#part-steps")
    await part.get_by_text("Voeg een stap toe").click()
    await part.get_by_label("Wat gebeurt er?").fill(STEP)
    await part.get_by_label("Wie doet het?").select_option("de burger")
    await part.get_by_role("button", name="Voeg toe").click()
    await expect(part).to_contain_text(STEP)


async def test_the_end_says_what_was_agreed_and_asks_once(counter: Counter) -> None:
    an, bart = await talking(counter)
    await agree(bart.page)
    await bart.press("Gesprek verlaten")
    await bart.press("Rond af voor iedereen")
    dialog = an.page.get_by_role("dialog")
    await expect(dialog).to_be_visible(timeout=SHOWN_MS + 4000)  # the bye itself comes as quickly as the machine is
    await expect(an.page.locator("#farewell-title")).to_be_focused()
    await expect(dialog).to_contain_text("Dit doet u")
    await expect(dialog.get_by_role("listitem")).to_have_text([STEP])
    boxes = [await an.page.get_by_role("button", name=each, exact=True).bounding_box() for each in EQUAL]
    assert len({(round(each["width"]), round(each["height"])) for each in boxes if each}) == 1, "equal"
    await check(an, "goodbye")
    await an.press("Geef uw mening")
    await expect(dialog.get_by_role("group")).to_have_count(4)
    await check(an, "questions")
    await dialog.get_by_label("Heel tevreden", exact=True).check()
    await dialog.get_by_label("Wat kunnen we beter doen?").fill("Niets, dank u.")
    await an.press("Verstuur mijn mening")
    await expect(dialog).to_contain_text("Bedankt voor uw mening.")
    await expect(an.page.locator("#farewell-thanks")).to_be_focused()
    await check(an, "thanked")
    # Bart is where he finishes it: everything stands there.
    await expect(bart.page.get_by_role("heading", level=1)).to_have_text("Rond af: An Peeters")
    await expect(bart.page.get_by_label(STEP)).to_be_visible()
    await bart.press("Rond af")
    await expect(bart.page.get_by_role("status").first).to_have_text("Het gesprek is afgerond.")


async def test_declining_is_one_key_and_final(counter: Counter) -> None:
    an, bart = await talking(counter)
    await an.page.set_viewport_size(PHONE)
    await an.press("Gesprek verlaten")
    await expect(an.page.get_by_role("dialog")).to_be_visible()
    await check(an, "left")
    # Who left by mistake goes back.
    await an.press("Ga terug naar het gesprek")
    await an.until("document.body.dataset.state === 'door'")
    await an.until("document.getElementById('preview').videoWidth > 0")
    await an.enter()
    await an.tiles("Bart Claes")
    await an.press("Gesprek verlaten")
    await expect(an.page.get_by_role("dialog")).to_be_visible()
    async with an.page.expect_response(lambda each: each.url.endswith("/sluiten")):
        await an.page.keyboard.press("Escape")
    await expect(an.page.get_by_role("dialog")).to_contain_text("U bent klaar. Tot ziens!")
    await an.page.keyboard.press("Escape")
    await expect(an.page.get_by_role("dialog")).not_to_be_visible()
    await expect(an.page.get_by_role("button", name="Ga terug naar de deur")).not_to_be_visible()
    tracks = await an.page.evaluate(
        "() => document.querySelector('#preview').srcObject?.getTracks().map(t => t.readyState) ?? []"
    )
    assert "live" not in tracks
    # The conversation is over, and so is the link.
    answer = await an.page.request.get(counter.link)
    assert answer.status == 410
    await bart.press("Gesprek verlaten")


async def test_the_waiting_room_is_left_without_a_question(counter: Counter) -> None:
    an = await counter.arrives()
    await an.press("Verlaat de wachtkamer")
    await an.until("document.body.dataset.state === 'ended'")
    await expect(an.page.get_by_role("dialog")).not_to_be_visible()


async def test_its_own_page_for_who_comes_by_mail(chromium: Browser, sqlite_template: Path, tmp_path: Path) -> None:
    async with running(sqlite_template, tmp_path) as town, visitor(chromium, town.origin, media=False) as an:
        made = await booked(town.hall.store, town.office)
        write, key = town.hall.store.write, made.appointment_id
        await write(steps.add, MONDAY_S, key, "staff:1", STEP, "citizen", "2026-12-15")
        token = await write(parting.offer, MONDAY_S, CHANCE, KEY, next(iter(made.links)))
        await write(ending.end, MONDAY_S, CHANCE, key, "staff:1")
        await an.goto(f"{town.origin}/b/{token}")
        await expect(an.page.get_by_role("listitem").filter(has_text=STEP)).to_be_visible()
        await check(an, "own page")
        await an.page.get_by_label("Voor een deel").check()
        await an.press("Verstuur mijn mening")
        await expect(an.page.get_by_role("status")).to_contain_text("Bedankt voor uw mening.")
        await check(an, "own page, thanked")
        assert an.complaints == []


async def test_the_wrap_up_by_keyboard(come: Come, desk: DeskSite) -> None:
    made = await desk.book("2026-12-07T10:00")
    desk.clock.now_s = unix_s("2026-12-07T10:31")
    await desk.store.write(steps.add, desk.now_s, made.appointment_id, "staff:1", STEP, "citizen", "2026-12-15")
    await desk.store.write(ending.end, desk.now_s, CHANCE, made.appointment_id, "staff:1")
    bart = await come()
    page = bart.page
    await page.get_by_role("link", name="Afhandeling").press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Afhandeling")
    await check(bart, "wrap-ups")
    await page.get_by_role("link", name="Bekijk An Peeters").press("Enter")
    for summary in await page.locator("main summary").all():
        await summary.press("Enter")
    await check(bart, "wrap-up")
    await page.get_by_label("Notities").fill("Belt liever ’s avonds.")
    await page.get_by_role("button", name="di 8 dec om 10.45 uur").press("Enter")
    await expect(page.get_by_role("link", name="dinsdag 8 december 2026 om 10.45 uur")).to_be_visible()
    await expect(page.get_by_label("Notities")).to_have_value("Belt liever ’s avonds.")
    await page.get_by_role("button", name="Rond af", exact=True).press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Het gesprek is afgerond.")
