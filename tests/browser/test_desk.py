"""The desk in Chromium: a day of work by mouse and by keyboard alone, and every page for everybody."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from balie.booking import reading
from balie.booking.people import Person
from balie.post import inbox
from balie.record import tasks
from balie.staff import accounts
from balie.store.engine import Store
from tests.support import databases
from tests.support.access import check, check_both, fits
from tests.support.desk import LIES, PASSWORD, DeskSite, build_desk, die, evidence, fail_message, receive, serve
from tests.support.office import MONDAY_S, unix_s
from tests.support.town import go_to
from tests.support.tree import ROOT
from tests.support.visitor import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

JSQR = (ROOT / "node_modules/jsqr/dist/jsQR.js").read_text()
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
SIZES = [pytest.param(WIDE, id="1280"), pytest.param(PHONE, id="360")]
REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What Chromium writes for a page that says what is wrong."""
MO = Person("Mohamed El Khattabi-Vandenbroucke", mail="mohamed.elkhattabi.vandenbroucke@voorbeeld.example")

Come = Callable[..., Awaitable[Visitor]]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[DeskSite]:
    url = databases.sqlite_url(tmp_path)
    shutil.copy(sqlite_template, str(url.database))
    store = Store(url)
    site = await build_desk(store)
    yield site
    await store.close()


@pytest_asyncio.fixture(loop_scope="session")
async def come(chromium: Browser, desk: DeskSite) -> AsyncIterator[Come]:
    """come(): Bart at his desk, signed in.  At the end no page may have complained."""
    runner, port = await serve(desk)
    origin = f"http://localhost:{port}"
    async with AsyncExitStack() as stack:
        visitors: list[Visitor] = []

        async def sit(login: str = "bart", **options: Any) -> Visitor:
            somebody = await stack.enter_async_context(visitor(chromium, origin, media=False, **options))
            visitors.append(somebody)
            await somebody.goto(f"{origin}/balie")
            if login:
                await sign_in(somebody.page, login)
                await heading(somebody.page, "Vandaag")
            return somebody

        yield sit
        complaints = [complaint for each in visitors for complaint in each.complaints]
    await runner.cleanup()
    assert complaints == []


async def sign_in(page: Page, login: str, password: str = PASSWORD) -> None:
    await page.get_by_label("Gebruikersnaam").fill(login)
    await page.get_by_label("Wachtwoord").fill(password)
    await press(page, "Meld u aan")


async def heading(page: Page, words: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text(words)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def follow(page: Page, name: str) -> None:
    await page.get_by_role("link", name=name, exact=True).first.click()


async def done(page: Page, words: str) -> None:
    await expect(page.locator(".done")).to_have_text(words)


async def latest(desk: DeskSite) -> reading.Appointment:
    found = await desk.store.read(reading.between, MONDAY_S, MONDAY_S + 10**7)
    return max(found, key=lambda each: (each.sequence, each.id))


async def busy(desk: DeskSite) -> dict[str, Any]:
    """A Monday morning with something in every list."""
    first = await desk.book("2026-12-07T09:30", helpers=(LIES,), channel="phone", question="Kan dat elke dinsdag?")
    await evidence(desk, first, "delivered", "confirmed")
    other = await desk.book("2026-12-08T10:30", MO, modality="phone")
    await desk.book("2026-12-07T14:00", MO, staff_id=desk.office.els, modality="desk")
    task = await fail_message(desk, other)
    letter = await receive(desk, None, "Dag,\n\nik vind de link niet meer.\n\nJef")
    await receive(desk, first)
    desk.clock.now_s = unix_s("2026-12-07T09:10")
    return {"ref": first.ref, "other": other.ref, "task": task, "letter": letter}


async def test_a_booking_by_telephone_by_keyboard_alone(desk: DeskSite, come: Come) -> None:
    """S1, from the page to the confirmation: no mouse, one screen, and no more keys than there are things to say."""
    bart = await come(viewport=WIDE)
    page, keys = bart.page, 0

    async def key(*names: str) -> None:
        nonlocal keys
        for name in names:
            await page.keyboard.press(name)
            keys += 1

    async def typed(words: str) -> None:
        await page.keyboard.type(words)

    async def at(label: str) -> None:
        """The focus is where the next thing is said."""
        named = "document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent"
        await bart.until(f"({named}).trim().startsWith({label!r})")

    await page.goto(f"{bart.origin}/balie/afspraak/nieuw")
    await at("Badmintonterrein huren")
    await key("Space")
    await expect(page.get_by_role("radio", name="9.00 uur").first).to_be_attached()
    await key("Tab", "Tab", "Tab", "Tab")  # the other product, the way, with whom, from which day
    await at("Vanaf welke dag?")
    await page.keyboard.type("12082026")
    await expect(page.get_by_role("heading", level=2).first).to_have_text("dinsdag 8 december 2026")
    await key("Tab", "Tab")
    await at("9.00 uur")
    await key("ArrowRight", "ArrowRight")
    await at("9.30 uur")
    await key("Tab")
    await at("Naam")
    await typed("An Peeters")
    await key("Tab")
    await typed("0470123456")
    await key("Tab")
    await typed("an.peeters@voorbeeld.example")
    await key("Enter")
    await heading(page, "An Peeters")
    await done(page, "De afspraak is geboekt. De burger krijgt een bevestiging.")
    found = await latest(desk)
    assert (found.start_s, found.channel, found.status) == (unix_s("2026-12-08T09:30"), "phone", "booked")
    assert found.citizen is not None and found.citizen.phone == "+32470123456"
    assert keys <= 15, "beside what is typed"


@pytest.mark.parametrize("size", SIZES)
async def test_it_is_moved_and_cancelled(desk: DeskSite, come: Come, size: Any) -> None:
    await busy(desk)
    bart = await come(viewport=size)
    page = bart.page
    bart.expected.append(REFUSED)
    await follow(page, "9.30 uur An Peeters")
    await heading(page, "An Peeters")
    await follow(page, "Verzet")
    await page.get_by_label("Vanaf welke dag?").fill("2026-12-09")
    await expect(page.get_by_role("heading", level=2).first).to_have_text("woensdag 9 december 2026")
    await page.get_by_role("radio", name="10.15 uur", exact=True).check()
    await press(page, "Verzet de afspraak")
    await done(page, "De afspraak is verzet. De burger krijgt het nieuwe tijdstip.")
    assert (await latest(desk)).start_s == unix_s("2026-12-09T10:15")
    await follow(page, "Annuleer")
    await press(page, "Annuleer de afspraak")
    await expect(page.get_by_role("alert")).to_contain_text("Schrijf waarom")
    await page.get_by_label("Waarom gaat het niet door?").fill("Bart is ziek.")
    await press(page, "Annuleer de afspraak")
    await done(page, "De afspraak is geannuleerd. De burger krijgt een bericht.")
    assert (await latest(desk)).status == "cancelled_office"


@pytest.mark.parametrize("size", SIZES)
async def test_a_task_is_closed_and_a_reply_is_answered(desk: DeskSite, come: Come, size: Any) -> None:
    made = await busy(desk)
    bart = await come(viewport=size)
    page = bart.page
    await follow(page, "3 taken wachten")
    await page.get_by_text("Ik heb gebeld").click()
    await page.get_by_label("Hoe liep het af?").fill("Hij weet ervan en komt.")
    await press(page, "Bewaar deze notitie")
    await done(page, "De taak is afgehandeld.")
    assert (await desk.store.read(tasks.get, made["task"])).how == "phoned"
    await page.goto(f"{bart.origin}/balie/taken/antwoorden/{made['letter']}")
    await page.get_by_label("Nummer van de afspraak").fill(made["ref"])
    await press(page, "Koppel aan deze afspraak")
    await page.get_by_label("Uw antwoord").fill("Dag Jef, hier is hij weer.")
    await press(page, "Verzend mijn antwoord")
    await done(page, "Uw antwoord is verzonden.")
    assert (await desk.store.read(inbox.get, made["letter"])).status == "answered"


@pytest.mark.parametrize("size", SIZES)
async def test_hours_change_and_what_no_longer_fits_is_shown(desk: DeskSite, come: Come, size: Any) -> None:
    await busy(desk)
    bart = await come(viewport=size)
    page = bart.page
    await page.goto(f"{bart.origin}/balie/beschikbaarheid")
    await page.locator("summary", has_text="9.00 uur tot 12.00 uur").nth(1).click()
    opened = page.locator("details[open]")
    await opened.get_by_label("Van", exact=True).fill("11:00")
    await opened.get_by_role("button", name="Bewaar deze uren").click()
    await done(page, "Uw uren zijn bewaard.")
    await expect(page.get_by_role("heading", name="1 afspraak past niet meer")).to_be_visible()
    await follow(page, "dinsdag 8 december 2026 om 10.30 uur Mohamed El Khattabi-Vandenbroucke")
    await heading(page, "Mohamed El Khattabi-Vandenbroucke")


async def test_a_new_colleague_begins(desk: DeskSite, come: Come) -> None:
    """From the administrator's page to the new colleague's first day; every page on the way is for everybody."""
    mia = await come("mia", viewport=PHONE)
    page = mia.page
    mia.expected.append(REFUSED)
    await go_to(page, "Medewerkers")
    await heading(page, "Medewerkers")
    await check_both(mia, "accounts")
    await page.get_by_text("Voeg een medewerker toe", exact=True).click()
    await press(page, "Maak het account")
    await expect(page.get_by_role("alert")).to_contain_text("Kies minstens één dienst.")
    await check_both(mia, "new account, all wrong")
    await page.get_by_label("Naam", exact=True).fill("Fatima Benali")
    await page.get_by_label("Gebruikersnaam").fill("fatima")
    await page.get_by_label("Vrije tijd").check()
    await press(page, "Maak het account")
    await done(page, "Het account van Fatima Benali is gemaakt.")
    await check_both(mia, "start password")
    start = await page.get_by_role("definition").nth(1).inner_text()
    await follow(page, "Alle medewerkers")
    await follow(page, "Fatima Benali")
    await heading(page, "Fatima Benali")
    await check_both(mia, "an account")
    fatima = await come("", viewport=PHONE)
    await sign_in(fatima.page, "fatima", start)
    await heading(fatima.page, "Mijn account")
    await check_both(fatima, "first of all a password")
    await fatima.page.get_by_label("Uw startwachtwoord").fill(start)
    await fatima.page.get_by_label("Nieuw wachtwoord").fill("zes groene fietsen")
    await press(fatima.page, "Wijzig mijn wachtwoord")
    await go_to(fatima.page, "Vandaag")
    await heading(fatima.page, "Vandaag")
    await press(page, "Sluit dit account af")
    await done(page, "Het account is afgesloten. Aanmelden kan niet meer.")
    await check_both(mia, "a closed account")
    await fatima.page.reload()
    await heading(fatima.page, "Aanmelden aan de balie")


async def test_what_did_not_arrive_goes_again_or_is_skipped(desk: DeskSite, come: Come) -> None:
    mia = await come("mia", viewport=PHONE)
    page = mia.page
    mia.expected.append(REFUSED)
    await mia.goto(f"{mia.origin}/balie/koppelingen")
    await check_both(mia, "nothing undelivered")
    await die(
        desk, "500", "no answer in 10 s", "ClientConnectorError: Cannot connect to host crm.voorbeeld.example:443"
    )
    await die(desk, "410", name="vroeger-" + "x" * 50)
    await page.reload()
    await page.get_by_text("Technische uitleg", exact=True).last.click()
    await check_both(mia, "undelivered")
    await page.locator("summary", has_text="Sla dit over").first.click()
    await page.get_by_role("button", name="Sla over", exact=True).first.click()
    await expect(page.get_by_role("alert")).to_contain_text("Schrijf waarom.")
    await check_both(mia, "skipped without a reason")
    await page.get_by_label("Waarom hoeft het andere systeem dit niet te weten?").first.fill("Met de hand ingevoerd.")
    await page.get_by_role("button", name="Sla over", exact=True).first.click()
    await done(page, "Het is overgeslagen. Wat erop wachtte, vertrekt nu.")
    await page.get_by_role("button", name="Verzend alles opnieuw crm").click()
    await done(page, "Alles wordt opnieuw verzonden.")
    await expect(page.locator("article")).to_have_count(1)
    await follow(page, "Overgeslagen")
    await expect(page.get_by_role("main")).to_contain_text("Met de hand ingevoerd.")
    await check_both(mia, "skipped")


async def test_the_code_on_the_sheet_leads_to_the_citizens_link(desk: DeskSite, come: Come) -> None:
    """S2: what a telephone's camera reads is the link of this citizen."""
    booked = await desk.book(channel="desk")
    bart = await come()
    for path in ("/blad", "?gedaan=geboekt"):
        await bart.goto(f"{bart.origin}/balie/afspraak/{booked.ref}{path}")
        picture = await bart.page.locator(".qr").screenshot()
        await bart.evaluate(JSQR)
        read = await bart.evaluate(
            """async (bytes) => {
              const picture = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
              const canvas = new OffscreenCanvas(picture.width, picture.height);
              const context = canvas.getContext("2d");
              context.drawImage(picture, 0, 0);
              const { data, width, height } = context.getImageData(0, 0, picture.width, picture.height);
              return jsQR(data, width, height)?.data;
            }""",
            list(picture),
        )
        assert read == f"http://localhost/g/{next(iter(booked.links.values()))}"


async def test_without_javascript_a_button_asks_for_the_times(desk: DeskSite, come: Come) -> None:
    bart = await come(java_script_enabled=False)
    page = bart.page
    await page.goto(f"{bart.origin}/balie/afspraak/nieuw")
    await page.get_by_label("Badmintonterrein huren").check()
    await page.get_by_label("Naam", exact=True).fill("An Peeters")
    await press(page, "Toon vrije uren")
    await page.get_by_role("radio", name="9.45 uur", exact=True).first.check()
    await page.get_by_label("E-mailadres", exact=True).fill("an@voorbeeld.example")
    await press(page, "Boek de afspraak")
    await heading(page, "An Peeters")
    assert (await latest(desk)).start_s == unix_s("2026-12-07T09:45")


async def test_signing_in_and_out(desk: DeskSite, come: Come) -> None:
    bart = await come("")
    page = bart.page
    bart.expected.append(REFUSED)
    await check(bart, "door")
    await sign_in(page, "bart", "verkeerd wachtwoord")
    await expect(page.get_by_role("alert")).to_contain_text("horen niet bij elkaar")
    await check(bart, "wrong password")
    await sign_in(page, "bart")
    await heading(page, "Vandaag")
    await press(page, "Meld u af")
    await expect(page.get_by_role("status")).to_have_text("U bent afgemeld.")
    await page.go_back()
    await heading(page, "Aanmelden aan de balie")


@pytest.mark.parametrize("language", ["nl", "fr", "en", "de"])
async def test_every_page_is_for_everybody(desk: DeskSite, come: Come, language: str) -> None:
    """axe-core in light and dark, small windows, large letters: all pages, full of work."""
    made = await busy(desk)
    bart = await come(viewport=WIDE)
    await desk.store.write(accounts.set_locale, desk.office.bart, language)
    for path in (
        "",
        "/afspraken",
        "/afspraken?zicht=lijst",
        f"/afspraak/nieuw?vervolg={made['ref']}",
        f"/afspraak/{made['ref']}?gedaan=geboekt",
        f"/afspraak/{made['ref']}/verzetten",
        f"/afspraak/{made['ref']}/annuleren",
        f"/afspraak/{made['ref']}/blad",
        "/taken",
        "/taken/antwoorden",
        f"/taken/antwoorden/{made['letter']}",
        "/beschikbaarheid",
        "/sessies",
    ):
        await bart.goto(f"{bart.origin}/balie{path}")
        await (check if language == "nl" else fits)(bart, f"{path}, {language}")


async def test_every_state_is_for_everybody(desk: DeskSite, come: Come) -> None:
    """Lists with nothing in them, forms with everything wrong, and everything that opens opened."""
    mia = await come("mia", viewport=WIDE)
    page = mia.page
    mia.expected.append(REFUSED)
    for path in ("", "/afspraken", "/afspraken?zicht=lijst", "/afspraak/nieuw", "/taken", "/taken/antwoorden"):
        await mia.goto(f"{mia.origin}/balie{path}")
        await check(mia, f"{path}, empty")
    await mia.goto(f"{mia.origin}/balie/afspraak/nieuw")
    await press(page, "Boek de afspraak")
    await check(mia, "booking, all wrong")
    await mia.goto(f"{mia.origin}/balie/afspraken")
    await page.get_by_label("Zoek op naam of nummer").fill("niemand")
    await press(page, "Zoek")
    await check(mia, "found nobody")
    made = await busy(desk)
    await mia.goto(f"{mia.origin}/balie/taken")
    for name in ("Technische uitleg", "Schrijf naar een ander adres", "Ik heb gebeld", "Sluit deze taak af"):
        await page.get_by_text(name, exact=True).click()
    await check(mia, "task, open")
    await press(page, "Verzend naar dit adres")
    await check(mia, "task, wrong")
    await mia.goto(f"{mia.origin}/balie/beschikbaarheid")
    await page.get_by_text("Voeg uren toe", exact=True).click()
    await page.get_by_label("Tot", exact=True).fill("08:00")
    await press(page, "Voeg deze uren toe")
    await page.get_by_text("Voeg een afwezigheid toe", exact=True).click()
    await page.get_by_text("Sluit een dienst", exact=True).click()
    await check(mia, "hours, wrong")
    await mia.goto(f"{mia.origin}/balie/afspraak/{made['ref']}")
    await page.get_by_text("Kies een andere vorm", exact=True).click()
    await page.get_by_text("Voeg iemand toe", exact=True).click()
    await press(page, "Nodig deze persoon uit")
    await check(mia, "helper, wrong")
