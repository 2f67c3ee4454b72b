"""A citizen and his appointment in Chromium: on a laptop, on a phone, by keyboard, without JavaScript.

Every page and state on the way is looked at with axe-core, in small windows and with large letters.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from balie.booking import changes, reading
from tests.support import office
from tests.support.access import BAR_UNDER_LEGEND, IN_THE_MARGINS, check, check_both, tab_to
from tests.support.booking import TUESDAY_10_S, booked, entropy
from tests.support.office import MONDAY_S
from tests.support.town import Town, fill_in, follow, heading, pick, press, running
from tests.support.visitor import PHONE, Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What Chromium writes for a page that says what is wrong."""

Come = Callable[..., Awaitable[Visitor]]


@pytest_asyncio.fixture(loop_scope="session")
async def town(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    async with running(sqlite_template, tmp_path) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def come(chromium: Browser, town: Town) -> AsyncIterator[Come]:
    """come(path): somebody in a browser of his own, on that page.  At the end no page may have complained."""
    async with AsyncExitStack() as stack:
        visitors: list[Visitor] = []

        async def open_page(path: str = "/", **options: Any) -> Visitor:
            somebody = await stack.enter_async_context(visitor(chromium, town.origin, media=False, **options))
            visitors.append(somebody)
            await somebody.goto(path if path.startswith("http") else town.origin + path)
            return somebody

        yield open_page
        complaints = [complaint for each in visitors for complaint in each.complaints]
    assert complaints == []


async def test_a_booking_with_a_family_member(come: Come, town: Town) -> None:
    an = await come(viewport=PHONE)
    page = an.page
    await check_both(an, "start")
    await follow(page, "Maak een afspraak")
    await heading(page, "Waarover wilt u ons spreken?")
    await check_both(an, "product")
    await press(page, "Kies een dag en een uur")
    await heading(page, "Kies een dag en een uur")
    await check_both(an, "times")
    await page.get_by_role("button", name="woensdag 9 december 2026, 22 vrij", exact=True).click()
    await expect(page.get_by_role("heading", name="woensdag 9 december 2026")).to_be_visible()
    await check_both(an, "times of a day")
    await press(page, "9.45 uur")
    await heading(page, "Uw gegevens")
    await check_both(an, "details")
    await fill_in(page)
    await press(page, "Voeg iemand toe")
    family = page.get_by_role("group", name="Persoon 1 die meekomt")
    await expect(family).to_be_focused()
    await check_both(an, "details with somebody")
    await family.get_by_label("Naam", exact=True).fill("Lies Peeters")
    await family.get_by_label("Wie is deze persoon?").select_option("Familie")
    await family.get_by_label("Wat is deze persoon van u?").fill("dochter")
    await family.get_by_label("E-mailadres van deze persoon").fill("lies@example.org")
    await press(page, "Kijk alles na")
    await heading(page, "Klopt alles?")
    await check_both(an, "review")
    await press(page, "Maak de afspraak")
    await heading(page, "Uw afspraak is gemaakt")
    await check_both(an, "booked")
    made = await town.appointment()
    assert [(each.name, each.role, each.label) for each in made.people] == [
        ("An Peeters", "citizen", ""),
        ("Lies Peeters", "family", "dochter"),
    ]
    await follow(page, "Bekijk uw afspraak")
    await heading(page, "Uw afspraak")
    await check_both(an, "my appointment")
    assert (await page.locator(".persons").inner_text()).startswith("Lies Peeters\nFamilie, dochter.")


async def test_my_appointment(come: Come, town: Town) -> None:
    """I come, in another way, with somebody, at another time, and not at all."""
    an = await come(await town.link(), viewport=PHONE)
    an.expected.append(REFUSED)
    page = an.page
    await press(page, "Ik kom")
    await expect(page.get_by_role("status")).to_have_text("Bedankt, we weten dat u komt.")
    await check_both(an, "confirmed")
    await press(page, "Liever aan de telefoon")
    await expect(page.get_by_text("We bellen u op +32470123456.")).to_be_visible()
    await check_both(an, "by telephone")
    await follow(page, "Breng iemand mee")
    await check_both(an, "bring somebody")
    await press(page, "Stuur een link")
    await expect(page.locator("#errors")).to_be_focused()
    await check_both(an, "bring somebody, wrong")
    await page.get_by_label("Naam", exact=True).fill("Tom Tolk")
    await page.get_by_label("Wie is deze persoon?").select_option("Tolk")
    await page.get_by_label("E-mailadres van deze persoon").fill("tom@example.org")
    await press(page, "Stuur een link")
    await press(page, "Haal Tom Tolk weg")
    await expect(page.get_by_role("status")).to_contain_text("Deze persoon komt niet meer mee.")
    first = page.url.partition("?")[0]
    await follow(page, "Verzet de afspraak")
    await heading(page, "Verzet uw afspraak")
    await check_both(an, "move")
    await press(page, "maandag 7 december 2026 om 13.30 uur")
    await heading(page, "Klopt het nieuwe uur?")
    await check_both(an, "move, sure")
    await press(page, "Verzet de afspraak")
    await expect(page.get_by_role("status")).to_contain_text("Uw afspraak is verzet.")
    assert (await town.appointment()).sequence == 2
    second = page.url.partition("?")[0]
    await follow(page, "Annuleer de afspraak")
    await check_both(an, "cancel")
    await page.get_by_label("Waarom?").fill("Ik ben ziek.")
    await press(page, "Annuleer de afspraak")
    await heading(page, "Uw afspraak is geannuleerd")
    await check_both(an, "cancelled")
    for link, words in ((first, "Deze afspraak is verzet"), (second, "Deze afspraak is geannuleerd")):
        await an.goto(link)
        await heading(page, words)
        await check_both(an, words)


async def test_links_that_open_nothing(come: Come, town: Town) -> None:
    link = await town.link()
    an = await come("/a/onbekend")
    an.expected.append(REFUSED)
    await check(an, "unknown")
    town.hall.clock.now_s = TUESDAY_10_S
    await an.goto(link)
    await expect(an.page.get_by_role("link", name="Ga naar het gesprek")).to_be_visible()
    await check(an, "the door is open")
    town.hall.clock.now_s = TUESDAY_10_S + 10**5
    await an.goto(link)
    await heading(an.page, "Deze afspraak is voorbij")
    await check(an, "over")


async def test_what_is_wrong_is_said_and_has_the_focus(come: Come) -> None:
    an = await come("/afspraak/nieuw")
    an.expected.append(REFUSED)
    page = an.page
    await press(page, "Kies een dag en een uur")
    await expect(page.locator("#errors")).to_be_focused()
    await expect(page).to_have_title("Fout: Waarover wilt u ons spreken? Stap 1 van 4 – Gemeente Voorbeeldegem")
    await check(an, "no product")
    await page.get_by_label("Badmintonterrein huren").check()
    await press(page, "Kies een dag en een uur")
    await pick(page)
    await page.get_by_label("E-mailadres", exact=True).fill("an@")
    await press(page, "Voeg iemand toe")
    await press(page, "Kijk alles na")
    await expect(page.locator("#errors")).to_be_focused()
    await check(an, "wrong details")
    assert await page.evaluate(BAR_UNDER_LEGEND)
    await follow(page, "Vul uw naam in.")
    await expect(page.get_by_label("Uw naam")).to_be_focused()
    assert await page.get_by_label("E-mailadres", exact=True).get_attribute("aria-describedby") == "mail-error"
    assert "Uw e-mailadres klopt niet." in await page.locator("#mail-error").inner_text()


async def test_somebody_else_was_faster(come: Come, town: Town) -> None:
    an = await come("/afspraak/nieuw/tijd?product=badminton")
    page = an.page
    await pick(page)
    await fill_in(page)
    await press(page, "Kijk alles na")
    town.hall.clock.now_s += 3600
    for seed in (1, 2):
        await booked(town.hall.store, town.office, office.unix_s("2026-12-09T09:45"), MONDAY_S + 3600, seed)
    await press(page, "Maak de afspraak")
    await expect(page.locator("#errors")).to_be_focused()
    await expect(page.locator("#errors")).to_contain_text("Iemand anders nam dit uur net voor u")
    await check(an, "taken")
    await page.locator(".hours button").first.click()
    await heading(page, "Klopt alles?")
    await expect(page.get_by_text("An Peeters")).to_be_visible()
    await press(page, "Maak de afspraak")
    await heading(page, "Uw afspraak is gemaakt")


async def test_the_calendar_changes_without_a_new_page(come: Come) -> None:
    """The focus goes to the hours, and back to the day; the address of the page keeps up."""
    an = await come("/afspraak/nieuw/tijd?product=badminton", viewport=PHONE)
    page = an.page
    await page.evaluate("() => { window.same = true; }")
    assert await page.evaluate(IN_THE_MARGINS)
    day = page.get_by_role("button", name="woensdag 9 december 2026, 22 vrij", exact=True)
    await day.click()
    await expect(page.locator("#uren")).to_be_focused()
    await expect(page.locator("#hours-title")).to_be_in_viewport()
    await expect(day).to_have_attribute("aria-pressed", "true")
    assert "dag=2026-12-09" in page.url
    await follow(page, "Kies een andere dag")
    await expect(day).to_be_focused()
    await press(page, "januari 2027")
    await expect(page.locator("#maand")).to_be_focused()
    await expect(page.locator("#month-title")).to_have_text("januari 2027")
    assert "maand=2027-01" in page.url
    await press(page, "Aan ons loket")
    await expect(page.get_by_role("button", name="Aan ons loket")).to_be_focused()
    await expect(page.get_by_role("button", name="Aan ons loket")).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate("() => window.same")
    await page.reload()
    await expect(page.locator("#month-title")).to_have_text("januari 2027")
    await expect(page.get_by_role("button", name="Aan ons loket")).to_have_attribute("aria-pressed", "true")


async def test_a_calendar_with_a_network_that_fails(come: Come) -> None:
    """Then the browser sends the form itself."""
    an = await come("/afspraak/nieuw/tijd?product=badminton")
    an.expected.append("Failed to load resource: net::ERR_FAILED")
    page = an.page

    async def fail(route: Any) -> None:
        await (route.abort() if route.request.resource_type == "fetch" else route.continue_())

    await page.route("**/tijd*", fail)
    await page.get_by_role("button", name="woensdag 9 december 2026, 22 vrij", exact=True).click()
    await expect(page.get_by_role("heading", name="woensdag 9 december 2026")).to_be_visible()
    assert page.url.endswith("#uren")


async def test_the_hour_is_kept_for_ten_minutes(come: Come) -> None:
    """Politely: two minutes before the end it is said, and more time is one press away."""
    an = await come("/afspraak/nieuw/tijd?product=badminton")
    page = an.page
    await page.clock.install()
    await pick(page)
    await page.get_by_label("Uw naam").fill("An Peeters")
    news = page.locator("#hold-news")
    await page.clock.run_for(470_000)
    await expect(news).to_be_empty()
    await page.clock.run_for(15_000)
    await expect(news).to_contain_text("Nog 2 min.")
    await check(an, "nearly over")
    await press(page, "Geef mij meer tijd")
    await expect(news).to_be_empty()
    await expect(page.get_by_label("Uw naam")).to_have_value("An Peeters")
    await page.clock.run_for(601_000)
    await expect(news).to_contain_text("De tien minuten zijn om. Ga gerust verder")
    await check(an, "over")


async def test_two_presses_make_one_appointment(come: Come, town: Town) -> None:
    an = await come("/afspraak/nieuw/tijd?product=badminton")
    page = an.page
    await pick(page)
    await fill_in(page)
    await press(page, "Kijk alles na")
    await page.get_by_role("button", name="Maak de afspraak", exact=True).dblclick()
    await heading(page, "Uw afspraak is gemaakt")
    await page.go_back()
    await heading(page, "Uw afspraak is gemaakt")
    found = await town.hall.store.read(reading.between, MONDAY_S, MONDAY_S + 10**7)
    assert len(found) == 1


async def test_who_reads_his_page_says_so_once(come: Come, town: Town) -> None:
    an = await come(await town.link())
    told: list[str] = []
    an.page.on("request", lambda request: told.append(request.url) if request.method == "POST" else None)
    await an.page.wait_for_load_state("networkidle")
    assert told == [], "who only opens it says nothing: a scanner of mail does that too"
    async with an.page.expect_response("**/gezien") as answer:
        await an.page.keyboard.press("Tab")
    assert (await answer.value).status == 204
    await an.page.keyboard.press("Tab")
    await an.page.mouse.click(5, 5)
    assert len(told) == 1


async def test_the_search_answers_while_one_types(come: Come) -> None:
    an = await come("/")
    page = an.page
    await page.get_by_label("Waarover wilt u ons spreken?").fill("EVENEM")
    await expect(page.locator("#found")).to_have_text("1 onderwerp gevonden")
    await expect(page.get_by_role("heading", level=3)).to_have_text(["Evenement aanvragen"])
    await expect(page.get_by_role("heading", name="Sport")).to_be_hidden()
    await page.get_by_label("Waarover wilt u ons spreken?").fill("xyz")
    await expect(page.get_by_role("heading", name="Niets gevonden")).to_be_visible()
    await check(an, "nothing found")


async def test_a_booking_by_keyboard_alone(come: Come, town: Town) -> None:
    """Enter in a field goes on, and does not change the language, which stands before it."""
    an = await come("/")
    page = an.page
    key, write = page.keyboard.press, page.keyboard.type
    await tab_to(an, "Ga naar de inhoud")
    await key("Enter")
    await tab_to(an, "Maak een afspraak")
    await key("Enter")
    await heading(page, "Waarover wilt u ons spreken?")
    await tab_to(an, "Kies een dag en een uur")
    await key("Enter")
    await heading(page, "Kies een dag en een uur")
    await tab_to(an, "woensdag 9 december 2026, 22 vrij")
    await key("Enter")
    await expect(page.locator("#uren")).to_be_focused()
    await tab_to(an, "9.45 uur")
    await key("Space")
    await heading(page, "Uw gegevens")
    await tab_to(an, "Uw naam")
    await write("An Peeters")
    await tab_to(an, "Voeg iemand toe")
    await key("Enter")
    await expect(page.get_by_role("group", name="Persoon 1 die meekomt")).to_be_focused()
    for field, words in (("Naam", "Lies"), ("Wie is", "Familie"), ("E-mailadres", "lies@example.org")):
        await tab_to(an, field)
        await write(words)
    await page.get_by_label("E-mailadres", exact=True).focus()
    await write("an@example.org")
    await key("Enter")
    await heading(page, "Klopt alles?")
    await tab_to(an, "Maak de afspraak")
    await key("Enter")
    await heading(page, "Uw afspraak is gemaakt")
    assert [each.name for each in (await town.appointment()).people] == ["An Peeters", "Lies"]


async def test_a_booking_without_javascript(come: Come, town: Town) -> None:
    an = await come("/", java_script_enabled=False, viewport=PHONE)
    an.expected.append(REFUSED)
    page = an.page
    await page.get_by_label("Waarover wilt u ons spreken?").fill("evenement")
    await press(page, "Zoek")
    await expect(page.get_by_text("1 onderwerp gevonden")).to_be_visible()
    await follow(page, "Maak een afspraak")
    await page.get_by_label("Badmintonterrein huren").check()
    await press(page, "Kies een dag en een uur")
    await press(page, "Aan de telefoon")
    await press(page, "januari 2027")
    await page.get_by_role("button", name="dinsdag 5 januari 2027").click()
    await press(page, "10.00 uur")
    await heading(page, "Uw gegevens")
    await press(page, "Kijk alles na")
    await expect(page.locator("#errors")).to_be_focused()
    await fill_in(page)
    await page.get_by_label("Telefoonnummer").fill("0470 12 34 56")
    await press(page, "Français")
    assert await page.locator("html").get_attribute("lang") == "fr"
    await expect(page.locator("#naam")).to_have_value("An Peeters")
    await press(page, "Nederlands")
    await press(page, "Kies een ander uur")
    await heading(page, "Kies een dag en een uur")
    await press(page, "dinsdag 8 december 2026 om 9.00 uur")
    await expect(page.get_by_label("Uw naam")).to_have_value("An Peeters")
    await press(page, "Voeg iemand toe")
    await press(page, "Haal persoon 1 weg")
    await press(page, "Kijk alles na")
    await press(page, "Maak de afspraak")
    await heading(page, "Uw afspraak is gemaakt")
    made = await town.appointment()
    assert (made.modality, len(made.products), made.end_s - made.start_s) == ("phone", 2, 75 * 60)
    await follow(page, "Bekijk uw afspraak")
    await press(page, "Ik kom")
    await expect(page.get_by_text("Bedankt, we weten dat u komt.")).to_be_visible()
    await follow(page, "Annuleer de afspraak")
    await press(page, "Annuleer de afspraak")
    await heading(page, "Uw afspraak is geannuleerd")


async def test_the_office_cancels_meanwhile(come: Come, town: Town) -> None:
    an = await come(await town.link())
    an.expected.append(REFUSED)
    found = await town.appointment()
    await town.hall.store.write(changes.cancel, MONDAY_S, entropy(9).randbytes, found.id, "staff:1", by="office")
    await press(an.page, "Ik kom")
    await heading(an.page, "Deze afspraak is geannuleerd")


async def test_large_and_small_at_once(come: Come, town: Town) -> None:
    """Forced colours keep what is chosen visible."""
    an = await come("/afspraak/nieuw/tijd?product=badminton&dag=2026-12-09", forced_colors="active")
    outline = "(chosen) => getComputedStyle(document.querySelector(chosen)).outlineWidth"
    assert float((await an.evaluate(outline, '.days [aria-pressed="true"]')).removesuffix("px")) >= 3
