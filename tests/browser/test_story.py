"""The whole of the counter in one call that never drops: a court is chosen, proved, paid, confirmed and booked.

An is on her telephone, Bart at the desk with the reservation site on his shared screen, Lies on a tablet looks along.
The other systems are those of `balie demo`; everything is done by pressing what is on the pages.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Download, Locator, Page, async_playwright, expect

from balie.demo import PASSWORD
from tests.browser.conftest import Visit
from tests.support.continuity import Continuity
from tests.support.processes import Running
from tests.support.sharing import BRIGHT, MADE_UP, OWN_TAB
from tests.support.tree import ROOT
from tests.support.visitor import PHONE, Visitor, launched, visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

TABLET: Any = {"width": 768, "height": 1024}
LAPTOP: Any = {"width": 1440, "height": 900}
FINGER = {"has_touch": True, "is_mobile": True}
AN, BART, LIES = "An Peeters", "Bart Claes", "Lies Peeters"
SITE = "/demo/reservatie"
STEP = "Een racket meebrengen"
CARD = (ROOT / "docs/images/call.png").read_bytes()
HOUR = 4  # of those that are free, the one that An takes
SLOW_S = 20  # a machine that does more than this


@pytest_asyncio.fixture(loop_scope="session")
async def laptop() -> AsyncIterator[Browser]:
    """Bart's browser, which shares one of its own tabs as a real one does."""
    async with (
        async_playwright() as playwright,
        launched(playwright, f"{OWN_TAB}Badminton", without=MADE_UP) as browser,
    ):
        yield browser


@dataclass
class Call:
    """Who is in it; Lies need not be.  steps: Bart's part of Samen."""

    an: Visitor
    bart: Visitor
    lies: Visitor | None
    whole: tuple[Continuity, ...]
    origin: str

    @property
    def steps(self) -> Locator:
        return self.bart.page.locator("#part-samen")

    @property
    def panel(self) -> Locator:
        """An's."""
        return self.an.page.locator("#samen")

    @property
    def along(self) -> list[Locator]:
        """Lies's."""
        return [self.lies.page.locator("#samen")] if self.lies is not None else []

    async def unbroken(self) -> None:
        """The others never left anybody's screen."""
        for each in self.whole:
            await each.unbroken(faces=len(self.whole) - 1)

    async def everywhere(self, words: str, within_s: float = SLOW_S) -> None:
        """All read this."""
        for each in (self.steps, self.panel, *self.along):
            await expect(each).to_contain_text(words, timeout=within_s * 1000)


@dataclass
class Court:
    """What An took.  time: as the pages write it; 11.00 uur."""

    name: str
    day: date
    time: str


async def sign_in(somebody: Visitor, login: str) -> None:
    await somebody.goto(f"{somebody.origin}/balie")
    await somebody.page.get_by_label("Gebruikersnaam").fill(login)
    await somebody.page.get_by_label("Wachtwoord").fill(PASSWORD)
    await somebody.press("Meld u aan")
    await expect(somebody.page.get_by_role("heading", level=1)).to_have_text("Vandaag")


def follow_tabs(somebody: Visitor) -> None:
    """What his other tabs ask for is his, too."""
    somebody.page.context.on("request", lambda request: somebody.requested(request.url))
    somebody.page.context.on("weberror", lambda error: somebody.said("error", str(error.error), "another tab"))


@asynccontextmanager
async def together(visit: Visit, demo: Running, laptop: Browser, *, of_three: bool = True) -> AsyncIterator[Call]:
    """Everybody sees everybody."""
    an = await visit(viewport=PHONE, **FINGER)
    lies = await visit(viewport=TABLET, **FINGER) if of_three else None
    async with visitor(laptop, an.origin, viewport=LAPTOP) as bart:
        yield await meet(demo, an, bart, lies)
        assert bart.complaints == []


async def meet(demo: Running, an: Visitor, bart: Visitor, lies: Visitor | None) -> Call:
    names = {AN: an, BART: bart} | ({LIES: lies} if lies is not None else {})
    everybody = names.values()
    whole = tuple(Continuity(each) for each in everybody)
    for each in everybody:
        follow_tabs(each)
    await sign_in(bart, "bart")
    await bart.page.locator("a[href^='/balie/gesprek/']").first.click()
    await bart.until("document.getElementById('preview').videoWidth > 0")
    await asyncio.gather(an.open(demo.links["citizen"]), *([lies.open(demo.links["third"])] if lies else []))
    await asyncio.gather(*(each.enter() for each in everybody))
    await asyncio.gather(*(each.tiles(*(names.keys() - {own})) for own, each in names.items()))
    await asyncio.gather(*(each.pictures(len(names) - 1, fps=5, height=180) for each in everybody))
    await asyncio.gather(*(each.watch() for each in whole))
    return Call(an, bart, lies, whole, an.origin)


# -- what people do ---------------------------------------------------------------------------------------------


async def share_site(call: Call) -> Page:
    """Bart has the reservation site in another tab, and shares that: both see it."""
    site = await call.bart.page.context.new_page()
    await site.goto(f"{call.origin}{SITE}/badminton")
    await expect(site.get_by_text("Dit is een demo.")).to_be_visible()
    await call.bart.page.bring_to_front()
    await call.bart.press("Scherm delen")
    await asyncio.gather(*(each.until(BRIGHT) for each in (call.an, call.lies) if each is not None))
    await call.bart.page.bring_to_front()  # Chromium shows what is shared; a page behind it draws once a second
    return site


async def open_step(call: Call, name: str) -> None:
    group = call.steps.get_by_role("group", name="Open een stap")
    await group.get_by_role("button", name=name, exact=True).click()
    for panel in (call.panel, *call.along):
        await expect(panel.get_by_role("heading", name=name)).to_be_visible()


async def take_court(call: Call) -> Court:
    """An chooses; Bart and Lies see what; then it is held."""
    page = call.an.page
    days = page.get_by_label("Welke dag?")
    await days.select_option(index=3)
    day = date.fromisoformat(await days.input_value())
    hour = page.locator(".hour-pick").nth(HOUR)
    time = (await hour.locator("label").inner_text()).split(" uur")[0] + " uur"
    await hour.tap()
    pick = page.locator("fieldset[data-hour]:not([hidden]) .court-pick").first
    name = await pick.locator("input").get_attribute("data-name")
    assert name is not None
    await pick.tap()
    await expect(call.steps).to_contain_text(f"Kiest: {name}")
    for each in call.along:
        await expect(each).to_contain_text(name)
    await call.an.press("Reserveer")
    await expect(call.steps).to_contain_text(re.compile(rf"{name}, .* {time} tot .* · €\s\d+,00\s*Vastgehouden tot"))
    return Court(name, day, time)


@asynccontextmanager
async def new_tab(call: Call, button: str) -> AsyncIterator[Page]:
    """What An's button opens beside her call; she closes it, and is back."""
    before = call.an.page.url
    async with call.an.page.context.expect_page() as opening:
        await call.panel.get_by_role("button", name=re.compile(f"^{button}")).tap()
    tab = await opening.value
    yield tab
    # Where she came back nothing of hers stands in the address.
    await expect(tab).to_have_url(re.compile(r"^[^?#]+$"))
    assert await tab.evaluate("() => window.opener") is None
    await tab.close()
    assert call.an.page.url == before


async def both(call: Call, words: str) -> None:
    """Bart and An read this."""
    for each in (call.steps, call.panel):
        await expect(each).to_contain_text(words, timeout=SLOW_S * 1000)


async def identify(call: Call) -> None:
    async with new_tab(call, "Identificeer u") as tab:
        await tab.get_by_role("button", name=AN).tap()
        await expect(tab.get_by_role("heading", level=1)).to_have_text("We weten nu wie u bent", timeout=SLOW_S * 1000)
    await both(call, f"{AN} · niveau hoog")


async def pay(call: Call, how: str = "Betaald") -> None:
    async with new_tab(call, "Betaal") as tab:
        await expect(tab.get_by_text("Dit is een demo.")).to_be_visible()
        await expect(call.steps).to_contain_text("wacht op de betaling")
        await tab.get_by_role("button", name=how).first.tap()
        await expect(tab.get_by_role("heading", level=1)).to_have_text(
            "Ga terug naar uw gesprek", timeout=SLOW_S * 1000
        )


async def give_document(call: Call) -> None:
    file: Any = {"name": "lidkaart.png", "mimeType": "image/png", "buffer": CARD}
    await call.panel.locator("input[type=file]").set_input_files(file)
    await call.panel.get_by_role("button", name="Verstuur dit document").tap()
    await call.everywhere("is aangekomen")
    papers = call.bart.page.locator("#part-documents")
    await papers.get_by_text("Open dit document").click()
    async with call.bart.page.expect_download() as download:
        await papers.get_by_role("link", name="Download").click()
    got = await download.value
    assert got.suggested_filename == "lidkaart.png"
    assert await content(got) == CARD


async def content(download: Download) -> bytes:
    return await asyncio.to_thread(Path(await download.path()).read_bytes)


async def says_goodbye(call: Call, court: Court) -> None:
    """What An will do is written down; Bart ends, she sees it and what she has, and closes."""
    part = call.bart.page.locator("#part-steps")
    await part.get_by_text("Voeg een stap toe").click()
    await part.get_by_label("Wat gebeurt er?").fill(STEP)
    await part.get_by_label("Wie doet het?").select_option("de burger")
    await part.get_by_role("button", name="Voeg toe").click()
    await expect(part).to_contain_text(STEP)
    await call.bart.press("Gesprek verlaten")
    await call.bart.press("Rond af voor iedereen")
    dialog = call.an.page.get_by_role("dialog")
    has = rf"Gereserveerd: {court.name}, .* {court.time} tot .*Betaald: €\s\d+,00\..*De bevestiging.*{STEP}"
    await expect(dialog).to_contain_text(re.compile(has, re.DOTALL))
    await dialog.get_by_role("button", name="Sluit de balie").tap()
    await expect(dialog).to_contain_text("U bent klaar. Tot ziens!")


async def wrap_up(bart: Visitor, court: Court) -> None:
    """Everything that happened stands there: one press."""
    page = bart.page
    await expect(page.get_by_label("Alles is klaar")).to_be_checked()
    note = page.get_by_label("Notities")
    await expect(note).to_have_value(re.compile(rf"Gereserveerd: {court.name}, .* {court.time} .*Bevestigd"))
    await expect(note).to_have_value(re.compile(r"Betaling: €\s\d+,00: betaald .*\nDocument van de burger: lidkaart"))
    # Who proved to be whom is to be read, and not kept with the notes.
    await expect(note).not_to_have_value(re.compile(AN))
    await expect(page.get_by_role("region", name="In het gesprek")).to_contain_text(f"{AN} · niveau hoog")
    await bart.press("Rond af")
    await expect(page.get_by_role("status").first).to_have_text("Het gesprek is afgerond.")


async def mail(somebody: Visitor, subject: str, within_s: float = 30) -> str:
    """The text of a mail, once it has arrived."""
    await somebody.goto(f"{somebody.origin}/demo/mail")
    there = f"fetch('/demo/mail').then((answer) => answer.text()).then((page) => page.includes({subject!r}))"
    await somebody.until(there, within_s)
    await somebody.page.reload()
    await somebody.page.get_by_role("link", name=subject).first.click()
    return await somebody.page.locator("main").inner_text()


def minutes_pass(demo: Running) -> None:
    """What is sent some minutes after a call is due now: the letters, not how they are sent."""
    with sqlite3.connect(demo.database, timeout=10) as database:
        database.execute("UPDATE message SET due_s = due_s - 900 WHERE kind IN ('goodbye', 'recap')")
    database.close()


# -- stories ----------------------------------------------------------------------------------------------------


async def choose_and_identify(call: Call) -> Court:
    """Until there is only to pay."""
    await open_step(call, "Kies een terrein")
    court = await take_court(call)
    await open_step(call, "Identificeer u")
    await open_step(call, "Betaal")
    await identify(call)
    return court


async def book(call: Call) -> Court:
    """From the first step to a court that is confirmed."""
    court = await choose_and_identify(call)
    await pay(call)
    await call.everywhere("Bevestigd.")
    await expect(call.steps).to_contain_text(re.compile(r"€\s\d+,00: betaald om"))
    return court


async def sees_no_forms(call: Call) -> None:
    """Lies looks along: nothing of An's is hers to do, or to read."""
    (along,) = call.along
    await expect(along.locator("form, input, select, textarea")).to_have_count(0)
    await expect(along).not_to_contain_text("€")
    await expect(along).not_to_contain_text("niveau")


async def test_a_court_is_booked_in_a_call_that_never_drops(visit: Visit, demo: Running, laptop: Browser) -> None:
    async with together(visit, demo, laptop) as call:
        site = await share_site(call)
        court = await book(call)
        await sees_no_forms(call)
        await open_step(call, "Laad een document op")
        await give_document(call)
        await sees_no_forms(call)
        # The other system has it, too.
        await site.goto(f"{call.origin}{SITE}/badminton?dag={court.day}")
        row = site.get_by_role("region", name=court.name)
        await expect(row.get_by_role("listitem").filter(has_text=f"{court.time} bezet")).to_have_count(1)
        await call.unbroken()
        for somebody, link in ((call.an, "citizen"), (call.lies, "third")):
            assert somebody is not None and demo.links[link].rpartition("/")[2] not in somebody.page.url
        await says_goodbye(call, court)
        await wrap_up(call.bart, court)
        await receipt(call.an, court)
        minutes_pass(demo)
        await recap(call.an, court)
        await bookkeeping(await visit(viewport=LAPTOP))


async def receipt(an: Visitor, court: Court) -> None:
    """By mail: what was paid; and where the other system has it in her name."""
    text = await mail(an, "Betaalbewijs")
    for words in (court.name, court.time, "€", "btw", "+++", f"Op naam van: {AN}"):
        assert words in text, text
    number = re.search(r"Nummer van uw reservatie: ([A-Z0-9]{8})", text)
    assert number is not None, text
    await an.goto(f"{an.origin}{SITE}/reservatie/{number[1]}")
    await expect(an.page.get_by_role("heading", level=1)).to_have_text("Gereserveerd")
    await expect(an.page.get_by_role("definition").filter(has_text=AN)).to_be_visible()


async def recap(an: Visitor, court: Court) -> None:
    """By mail: what she will do, what she did, and how she does it alone the next time."""
    assert STEP in await mail(an, "Na uw gesprek")
    text = await mail(an, "Wat u deed")
    for words in (f"U koos {court.name}", "U bewees wie u bent.", "U betaalde €", f"{SITE}/badminton"):
        assert words in text, text


async def bookkeeping(hilde: Visitor) -> None:
    """The administrator finds the document in what bookkeeping got."""
    await sign_in(hilde, "admin")
    await hilde.page.get_by_role("link", name="Boekhouding").click()
    await hilde.until("fetch(location.href).then((a) => a.text()).then((page) => page.includes('?reeks='))", 30)
    await hilde.page.reload()
    await hilde.page.locator("a[href*='?reeks=']").first.click()
    await hilde.page.get_by_role("link", name=re.compile(r"\d{4}-000001")).click()
    await expect(hilde.page.get_by_role("main")).to_contain_text(AN)
    async with hilde.page.expect_download() as download:
        await hilde.page.get_by_role("link", name=re.compile("UBL")).click()
    assert AN.encode() in await content(await download.value)


async def test_a_tab_closed_too_soon_and_a_late_payment(visit: Visit, demo: Running, laptop: Browser) -> None:
    """An closes the page to pay, opens it again, pays later; the provider says so twice.  Both read what is true."""
    async with together(visit, demo, laptop, of_three=False) as call:
        await choose_and_identify(call)
        async with call.an.page.context.expect_page() as opening:
            await call.panel.get_by_role("button", name=re.compile("^Betaal")).tap()
        tab = await opening.value
        await expect(tab.get_by_role("button", name="Betaald", exact=True)).to_be_visible()
        payment = tab.url.rpartition("/")[2]
        await tab.close()
        await both(call, "wacht op de betaling")
        await both(call, "Vastgehouden tot")
        await pay(call, "Later betaald")
        await both(call, "de bank verwerkt de betaling")
        await expect(call.panel.get_by_role("button", name=re.compile("^Betaal"))).to_have_count(0)
        await expect(call.steps).to_contain_text("Vastgehouden tot")
        await call.everywhere("Bevestigd.", within_s=40)  # paid ten seconds later
        report: Any = {"id": payment}
        for _ in range(2):
            told = await call.bart.page.request.post(f"{call.origin}/betaling/bericht/demo", form=report)
            assert told.status == 200
        for each in (call.steps, call.panel):
            await expect(each).to_contain_text(re.compile(r"€\s\d+,00: betaald om"))
            await expect(each.locator("[data-state=done]")).to_have_count(3)
        await call.unbroken()
    await mail(call.an, "Betaalbewijs")
    await call.an.goto(f"{call.origin}/demo/mail")
    await expect(call.an.page.get_by_role("link", name="Betaalbewijs")).to_have_count(1)
