"""A visit as the desk lives it: who waits is announced, let in, put on hold, given to a colleague, and said goodbye."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.web import AppRunner, TCPSite
from playwright.async_api import Browser, expect
from sqlalchemy import select

from balie.app import Balie
from balie.booking import appointments
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.slots import Wish, plan
from balie.demo import PASSWORD, build_demo, demo_settings
from balie.demo_office import LOGIN
from balie.store.engine import Tx
from balie.store.schema import CELL_S, product, staff
from tests.support.access import check
from tests.support.processes import free_port
from tests.support.visitor import Visitor, visitor
from web import keys

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]

WIDE: Any = {"width": 1440, "height": 900}
AN = Person("An Peeters", mail="an.peeters@example.org", phone="+32470123456")
MIN_S = 60


@dataclass
class Counter:
    """The demo's town hall in this process, with one more appointment of Bart's, at whose door An waits to be let in.

    link     An's own
    begun_s  by this moment appointments are laid out: the cells of the diary do not move on between two of them
    """

    origin: str
    link: str
    come: Callable[..., Awaitable[Visitor]]
    balie: Balie
    begun_s: int

    async def book(self, person: Person, before_min: int = 75) -> str:
        """Somebody more has an appointment with Bart, which began so long ago; his link."""
        key = self.balie.web[keys.LINK_KEY]
        return f"{self.origin}/g/{await self.balie.store.write(_book, self.begun_s, key, person, before_min)}"

    async def sit(self, login: str, **options: Any) -> Visitor:
        """Somebody signs in and has the first page before him."""
        somebody = await self.come(**options)
        page = somebody.page
        await somebody.goto(f"{self.origin}/balie")
        await page.get_by_label("Gebruikersnaam").fill(login)
        await page.get_by_label("Wachtwoord").fill(PASSWORD)
        await somebody.press("Meld u aan")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Vandaag")
        return somebody

    async def arrives(self, **options: Any) -> Visitor:
        """The citizen through her link, until she waits."""
        an = await self.come(**options)
        await an.open(self.link)
        await an.enter()
        await an.until("document.body.dataset.state === 'waiting'")
        return an


@asynccontextmanager
async def counting(chromium: Browser, prepare: Callable[[Balie], None] = lambda _: None) -> AsyncIterator[Counter]:
    """prepare: what a test adds to the process before it runs."""
    port, media_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    balie, _links = build_demo(demo_settings("localhost", port, media_port))
    prepare(balie)
    runner = AppRunner(balie.web, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await TCPSite(runner, "localhost", port).start()
    begun_s = int(time.time())
    token = await balie.store.write(_book, begun_s, balie.web[keys.LINK_KEY])
    origin = f"http://localhost:{port}"
    async with AsyncExitStack() as stack:
        visitors: list[Visitor] = []

        async def come(**options: Any) -> Visitor:
            visitors.append(await stack.enter_async_context(visitor(chromium, origin, **options)))
            return visitors[-1]

        yield Counter(origin, f"{origin}/g/{token}", come, balie, begun_s)
        complaints = [complaint for each in visitors for complaint in each.complaints]
    await runner.cleanup()
    assert complaints == []


@pytest_asyncio.fixture(loop_scope="session")
async def counter(chromium: Browser) -> AsyncIterator[Counter]:
    async with counting(chromium) as made:
        yield made


def _book(tx: Tx, now_s: int, key: LinkKey, person: Person = AN, before_min: int = 40) -> str:
    """An appointment whose door is still open, whatever the hour of the test; returns the token of who comes."""
    bart = tx.execute(select(staff.c.id).where(staff.c.login == LOGIN)).scalar_one()
    badminton = tx.execute(select(product.c.id).where(product.c.slug == "badminton")).scalar_one()
    values = {"status": "booked", "channel": "web", "created_by": "citizen"}
    start_s = now_s // CELL_S * CELL_S - before_min * MIN_S
    made = appointments.put(tx, now_s, os.urandom, plan(tx, Wish((badminton,))), bart, start_s, values)
    assert made is not None
    booked = appointments.settle(
        tx, now_s, os.urandom, key, made, [(person.name.split()[0].lower(), person)], "citizen", "booked"
    )
    (token,) = booked.links.values()
    return token


async def go_in(staff: Visitor) -> None:
    """From the first page into the call of who waits."""
    await staff.page.locator("#waiting-list").get_by_role("link", name="Ga naar het gesprek An Peeters").click()
    await staff.until("document.getElementById('preview').videoWidth > 0")
    await staff.enter()


async def let_in(staff: Visitor) -> None:
    lobby = staff.page.locator("#lobby")
    await lobby.get_by_role("button", name="Laat binnen An Peeters").click()
    await expect(staff.page.get_by_role("dialog", name="Is dit An Peeters?")).to_be_visible()
    await staff.press("Ja, laat binnen")


async def test_a_visit_from_the_waiting_room_to_the_end(counter: Counter) -> None:
    bart, els = await counter.sit("bart", viewport=WIDE), await counter.sit("els")
    page = bart.page
    room = page.locator("#waiting-list")
    await expect(room).to_contain_text("Er is nu niemand in de wachtkamer.")
    an = await counter.arrives()
    # Bart is told, Els sees it.
    await expect(room).to_contain_text("An Peeters")
    await expect(page.locator("#waiting-said")).to_have_text("An Peeters wacht op u.")
    await expect(page).to_have_title(re.compile(r"^\(1\) Vandaag"))
    await expect(els.page.locator("#waiting-list")).to_contain_text("An Peeters")
    await expect(els.page.locator("#waiting-said")).to_have_text("")
    # He goes in, looks who it is, lets her in; they see each other.
    await go_in(bart)
    await expect(page.locator("#status")).to_have_text("An Peeters wacht. Laat binnen met de knop ‘Laat binnen’.")
    await let_in(bart)
    await bart.pictures(1)
    await an.pictures(1)
    await an.tiles("Bart Claes")
    # On hold, and back.
    await page.get_by_role("button", name="Zet in de wacht An Peeters").click()
    await an.until("document.body.dataset.state === 'waiting'")
    await expect(page.locator("#lobby")).to_contain_text("in de wacht")
    await let_in(bart)
    await an.pictures(1)
    # To Els, who hears it on her first page; then only she is left.
    await page.get_by_text("Geef door aan een collega").click()
    colleague = page.get_by_label("Collega", exact=True)
    await colleague.select_option("Els Maes – nu aan de balie")
    await bart.press("Geef door")
    await expect(page.locator("#part-transfer .done")).to_have_text("Het gesprek is nu van Els Maes.")
    said = "Bart Claes geeft u het gesprek met An Peeters door."
    await expect(els.page.locator("#waiting-said")).to_have_text(said)
    await go_in(els)
    await an.tiles("Bart Claes", "Els Maes")
    await bart.press("Gesprek verlaten")
    await bart.press("Verlaat het gesprek alleen")
    await an.tiles("Els Maes")
    await els.press("Gesprek verlaten")
    await els.press("Rond af voor iedereen")
    await an.until("document.body.dataset.state === 'ended'")
    await expect(els.page.get_by_role("heading", level=1)).to_have_text("Rond af: An Peeters")


async def in_sight(staff: Visitor) -> None:
    """However long the panel is, who waits stays in sight, here and elsewhere; and each part is two presses away."""
    page = staff.page
    top = page.locator("#panel-top")
    assert await top.locator("#others, #lobby").count() == 2
    await page.locator("#part-transfer button").scroll_into_view_if_needed()
    await expect(top).to_be_in_viewport(ratio=1)
    await page.get_by_text("Ga naar", exact=True).click()
    await check(staff, "beside the call: the way to each part")
    await page.get_by_role("navigation", name="Delen van dit paneel").get_by_role("link", name="Notities").click()
    await expect(page.get_by_role("heading", name="Notities")).to_be_focused()
    await expect(page.get_by_role("navigation", name="Delen van dit paneel")).to_be_hidden()
    bottom = "document.getElementById('panel-top').getBoundingClientRect().bottom"
    assert await staff.evaluate(f"() => document.getElementById('note-title').getBoundingClientRect().top >= {bottom}")


async def test_every_state_of_it_is_for_everybody(counter: Counter) -> None:
    bart = await counter.sit("bart", viewport=WIDE)
    bart.expected.append("the server responded with a status of 422")
    page = bart.page
    await check(bart, "nobody waits")
    await counter.arrives()
    await expect(page.locator("#waiting-list")).to_contain_text("An Peeters")
    await check(bart, "somebody waits")
    await go_in(bart)
    ask = page.locator("#lobby").get_by_role("button", name="Laat binnen An Peeters")
    await expect(ask).to_be_visible()
    await check(bart, "beside the call: somebody waits")
    await ask.click()
    await check(bart, "who is it")
    await bart.press("Ja, laat binnen")
    await bart.pictures(1)
    await page.get_by_text("Nodig iemand uit").click()
    await bart.press("Nodig deze persoon uit")
    await expect(page.get_by_text("Vul een naam in").first).to_be_visible()
    await page.get_by_text("Voeg een stap toe").click()
    await page.get_by_text("Geef door aan een collega").click()
    await check(bart, "beside the call: everything open, and wrong")
    await in_sight(bart)
    await page.get_by_label("Naam van deze persoon").fill("Tom De Wit")
    await bart.press("Nodig deze persoon uit")
    await expect(page.locator("#part-facts svg")).to_be_visible()
    await check(bart, "beside the call: a QR code")
