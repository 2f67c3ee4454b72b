"""The visit from the link to the goodbye: at a computer by keyboard alone, and by telephone and finger.

An comes through her link, at a computer; her daughter Lies is invited during the call, and has a telephone.  Both do
all that there is to do for who visits, each with her own hands.  Bart leads the call and gives it to Els, who ends it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.test_visit_desk import WIDE, Counter, counter, go_in
from tests.support.access import ask, focus, tab_to
from tests.support.visitor import PHONE, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]

__all__ = ["counter"]  # a fixture, for pytest

AN, BART, LIES, ELS = "An Peeters", "Bart Claes", "Lies Peeters", "Els Maes"
ON_ITS_SIDE: Any = {"width": 740, "height": 360}
TABLET: Any = {"width": 768, "height": 1024}
FINGER = {"has_touch": True, "is_mobile": True}
STEP = "De factuur betalen"
COUNT_PRESSES = """
  window.presses = 0;
  addEventListener("click", () => (presses += 1), true);
  window.heard = [];
  addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("announcements");
    if (!place) return;
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const node of addedNodes) heard.push(node.textContent.trim());
    }).observe(place, { childList: true });
  });
"""


class Hands(ABC):
    """How somebody presses and writes."""

    def __init__(self, somebody: Visitor) -> None:
        self.of, self.page = somebody, somebody.page

    @abstractmethod
    async def press(self, name: str) -> None: ...

    @abstractmethod
    async def write(self, label: str, words: str) -> None: ...


class Finger(Hands):
    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).tap()

    async def write(self, label: str, words: str) -> None:
        await self.page.get_by_label(label, exact=True).tap()
        await self.page.keyboard.type(words)


class Keys(Hands):
    """The Tab key, Enter, letters; what has the focus must show it."""

    async def press(self, name: str) -> None:
        await tab_to(self.of, name)
        await self.page.keyboard.press("Enter")

    async def write(self, label: str, words: str) -> None:
        await tab_to(self.of, label)
        await self.page.keyboard.type(words)


async def looks_right(*everybody: Visitor) -> None:
    """Words are whole, buttons large enough for a finger, and nothing stands on a face or a shared screen."""
    for each in everybody:
        await each.page.mouse.move(0, 0)
        for question in ("misfits", "covered"):
            assert await ask(each, question) == [], (question, each.page.viewport_size)


async def right_in(somebody: Visitor, *sizes: Any) -> None:
    for size in sizes:
        await somebody.page.set_viewport_size(size)
        await looks_right(somebody)


async def admit(staff: Visitor, name: str) -> None:
    await staff.page.locator("#lobby").get_by_role("button", name=f"Laat binnen {name}").click()
    await staff.press("Ja, laat binnen")


async def invite(staff: Visitor) -> str:
    """Bart asks An's daughter to come too; the link that the QR code holds."""
    await staff.page.get_by_text("Nodig iemand uit").click()
    await staff.page.get_by_label("Naam van deze persoon").fill(LIES)
    await staff.page.get_by_label("Wie is deze persoon?").select_option("familie")
    await staff.page.get_by_label("Wat is deze persoon van de burger?").fill("dochter")
    await staff.press("Nodig deze persoon uit")
    return await staff.page.locator("#part-facts .link").inner_text()


async def comes_in(guest: Hands, link: str) -> None:
    """One press from the link to the waiting room, and then none to the first picture."""
    await guest.page.add_init_script(COUNT_PRESSES)
    await guest.of.open(link)
    await looks_right(guest.of)
    await guest.press("Kom binnen")
    await guest.of.until("document.body.dataset.state === 'waiting'")
    await focus(guest.of, "waiting-title")
    await looks_right(guest.of)


async def is_in_by_one_press(guest: Hands) -> None:
    assert await guest.of.evaluate("() => presses") == 1
    await focus(guest.of, "call-title")


async def arrives(an: Hands, bart: Visitor, link: str) -> None:
    """From her mail."""
    await comes_in(an, link)
    await go_in(bart)
    await admit(bart, AN)
    await an.of.tiles(BART)
    await is_in_by_one_press(an)
    both = (an.of, bart)
    await asyncio.gather(*(each.pictures(1) for each in both), *(each.sounds(1) for each in both))
    await looks_right(*both)


async def joins(lies: Hands, an: Hands, bart: Visitor) -> None:
    """Her daughter comes too."""
    await comes_in(lies, await invite(bart))
    await admit(bart, LIES)
    await asyncio.gather(an.of.tiles(BART, LIES), bart.tiles(AN, LIES), lies.of.tiles(AN, BART))
    await is_in_by_one_press(lies)
    three = (an.of, bart, lies.of)
    await asyncio.gather(*(each.sounds(2) for each in three))
    await looks_right(an.of, bart)
    await right_in(lies.of, TABLET, PHONE)


async def watch(an: Hands, bart: Visitor, lies: Hands) -> None:
    """The shared screen, from closer by, and on a telephone that is turned."""
    await bart.press("Scherm delen")
    await asyncio.gather(an.of.screen(), lies.of.screen())
    await looks_right(an.of, bart)
    await right_in(lies.of, TABLET, ON_ITS_SIDE, PHONE)
    for each in (an, lies):
        await each.press("Inzoomen")
        await each.of.until("document.querySelector('.zoom').scrollWidth > document.querySelector('.zoom').clientWidth")
        await each.press("Uitzoomen")


async def talk_in_writing(an: Hands, bart: Visitor, lies: Hands) -> None:
    """Written, and read while it is written, beside the shared screen."""
    await an.press("Berichten")
    await looks_right(an.of)
    await an.write("Uw bericht", "Wat kost dat?")
    await bart.until("document.getElementById('captions').textContent.includes('Wat kost dat?')")
    await an.page.keyboard.press("Enter")
    await expect(bart.page.locator("#chat-unread")).to_have_text("1")
    await bart.page.set_viewport_size(PHONE)
    assert await ask(bart, "hidden") == []
    await bart.page.set_viewport_size(WIDE)
    await bart.press("Berichten: 1 nieuw")
    await bart.page.get_by_label("Uw bericht").fill("Twaalf euro vijftig.")
    await bart.press("Verstuur")
    await expect(an.page.get_by_role("log")).to_contain_text("Twaalf euro vijftig.")
    # Lies answers from her telephone.
    await lies.press("Berichten: 2 nieuwe")
    await expect(lies.page.get_by_role("log")).to_contain_text("Twaalf euro vijftig.")
    await looks_right(an.of, bart)
    await right_in(lies.of, TABLET, ON_ITS_SIDE, PHONE)
    await lies.write("Uw bericht", "Dat is goed.")
    await lies.page.keyboard.press("Enter")
    await expect(an.page.get_by_role("log")).to_contain_text("Dat is goed.")
    for each in (an, lies):
        await each.press("Sluit berichten")
        await focus(each.of, "chat-open")
    await bart.press("Sluit berichten")
    await bart.press("Scherm delen stoppen")
    await asyncio.gather(an.of.no_screen(), lies.of.no_screen())


async def on_hold(an: Hands, bart: Visitor, lies: Hands) -> None:
    """Out of the call, and back."""
    await bart.page.get_by_role("button", name="Zet in de wacht An Peeters").click()
    await an.of.until("document.body.dataset.state === 'waiting'")
    await focus(an.of, "waiting-title")
    await lies.of.tiles(BART)
    await admit(bart, AN)
    await asyncio.gather(an.of.tiles(BART, LIES), lies.of.tiles(AN, BART))
    for each, name in ((an, AN), (lies, LIES)):
        await each.press("Microfoon uitzetten")
        await bart.caption(name, "microfoon uit")


async def handed_over(an: Hands, bart: Visitor, lies: Hands, els: Visitor) -> None:
    """To a colleague, who writes down what was agreed and ends it for everybody."""
    await bart.page.get_by_text("Geef door aan een collega").click()
    await bart.page.get_by_label("Collega", exact=True).select_option(f"{ELS} – nu aan de balie")
    await bart.press("Geef door")
    await expect(els.page.locator("#waiting-said")).to_contain_text(f"{BART} geeft u het gesprek met")
    await els.page.locator("#waiting-list a").first.click()
    await els.until("document.getElementById('preview').videoWidth > 0")
    await els.enter()
    await asyncio.gather(an.of.tiles(BART, LIES, ELS), lies.of.tiles(AN, BART, ELS))
    await looks_right(an.of, bart, els)
    await right_in(lies.of, TABLET, PHONE)
    await bart.press("Gesprek verlaten")
    await bart.press("Verlaat het gesprek alleen")
    await asyncio.gather(an.of.tiles(LIES, ELS), lies.of.tiles(AN, ELS))
    part = els.page.locator("#part-steps")
    await part.get_by_text("Voeg een stap toe").click()
    await part.get_by_label("Wat gebeurt er?").fill(STEP)
    await part.get_by_label("Wie doet het?").select_option("de burger")
    await part.get_by_role("button", name="Voeg toe").click()
    await expect(part).to_contain_text(STEP)
    await els.press("Gesprek verlaten")
    await els.press("Rond af voor iedereen")


async def says_goodbye(an: Hands, lies: Hands) -> None:
    """What was agreed, for An; and an opinion for who wants to give it: both do."""
    await expect(an.page.get_by_role("dialog").get_by_role("listitem")).to_have_text([STEP])
    await right_in(lies.of, TABLET, PHONE)
    for each in (an, lies):
        await focus(each.of, "farewell-title")
        await looks_right(each.of)
        await each.press("Geef uw mening")
        await each.page.keyboard.press("Space")
        await each.write("Wat kunnen we beter doen?", "Niets, dank u.")
        await looks_right(each.of)
        await each.press("Verstuur mijn mening")
        await expect(each.page.get_by_role("dialog")).to_contain_text("Bedankt voor uw mening.")


async def test_a_visit(counter: Counter) -> None:
    bart, els = await counter.sit("bart", viewport=WIDE), await counter.sit("els", viewport=WIDE)
    an, lies = Keys(await counter.come(viewport=WIDE)), Finger(await counter.come(viewport=PHONE, **FINGER))
    await arrives(an, bart, counter.link)
    await joins(lies, an, bart)
    await watch(an, bart, lies)
    await talk_in_writing(an, bart, lies)
    await on_hold(an, bart, lies)
    await handed_over(an, bart, lies, els)
    await says_goodbye(an, lies)
    await expect(els.page.get_by_role("heading", level=1)).to_have_text(f"Rond af: {AN}")
    await els.press("Rond af")
    await expect(els.page.get_by_role("status").first).to_have_text("Het gesprek is afgerond.")
    assert (await an.page.request.get(counter.link)).status == 410
    # Who only listens to the page could follow it.
    heard = await an.of.evaluate("() => heard")
    expected = [
        f"{LIES}, dochter is binnengekomen.",
        f"{BART} deelt het scherm.",
        f"{BART} deelt het scherm niet meer.",
        f"{ELS}, medewerker is binnengekomen.",
        f"{BART} heeft het gesprek verlaten.",
    ]
    assert [each for each in heard if each in expected] == expected, heard
