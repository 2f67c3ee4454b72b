"""Documents as people give them: on a telephone, at the desk, by eye, by ear, by keyboard, and without a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Visit
from tests.browser.test_samen import HEARD, WIDE, open_step, sign_in, together
from tests.support import papers
from tests.support.access import check, focus, tab_to
from tests.support.processes import Running
from tests.support.visitor import PHONE, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]

REFUSED = "Failed to load resource: the server responded with a status of 4"
SAID = """() => {
  window.said = [];
  new MutationObserver(() => said.push(document.querySelector(".upload-said").textContent))
    .observe(document.querySelector(".upload-said"), { childList: true });
}"""


def a_file(name: str, data: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def place(demo: Running) -> str:
    return demo.links["citizen"].replace("/g/", "/a/") + "/documenten"


async def slow(page: Page, bytes_a_second: int) -> None:
    """A line on which one can watch a document go."""
    session = await page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", limits)


async def test_sent_with_progress_and_had_again(visit: Visit, demo: Running, tmp_path: Path) -> None:
    an = await visit(viewport=PHONE)
    an.expected.append(REFUSED)
    page = an.page
    await an.goto(place(demo))
    await check(an, "nothing yet")
    await page.get_by_role("button", name="Verstuur dit document").click()
    await expect(page.locator("#bestand-error")).to_have_text("Kies eerst een bestand.")
    await focus(an, "bestand")
    await page.set_input_files("#bestand", a_file("pagina.pdf", papers.HTML))
    await expect(page.locator("#bestand-error")).to_be_hidden()
    await page.get_by_role("button", name="Verstuur dit document").click()
    await expect(page.locator("#bestand-error")).to_contain_text("Dit soort bestand kunnen we niet aannemen")
    await focus(an, "bestand")
    await check(an, "refused")
    large = tmp_path / "groot.pdf"
    large.write_bytes(papers.PDF.ljust(21_000_000, b"\0"))
    await page.set_input_files("#bestand", large)
    await page.get_by_role("button", name="Verstuur dit document").click()
    await expect(page.locator("#bestand-error")).to_contain_text("te groot")
    await stopped_halfway(an, demo)
    await an.evaluate(SAID)
    await slow(page, 600_000)
    await page.set_input_files("#bestand", a_file("attest.pdf", papers.PDF.ljust(1_200_000, b"\0")))
    await page.get_by_role("button", name="Verstuur dit document").click()
    await expect(page.get_by_role("button", name="Stop")).to_be_focused()
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await check(an, "on its way")
    await expect(page.locator("#papers")).to_contain_text("attest.pdf", timeout=30_000)
    said: list[str] = await an.evaluate("() => window.said")
    assert said[0] == "Bezig met versturen: 0 procent" and said[-1] == "Uw document is verstuurd."
    assert 3 <= len(said) <= 8, "not at every piece"
    await expect(page.get_by_role("button", name="Verstuur dit document")).to_be_visible()
    await check(an, "sent")
    async with page.expect_download() as loading:
        await page.get_by_role("link", name="Download attest.pdf").click()
    download = await loading.value
    assert download.suggested_filename == "attest.pdf"
    await download.save_as(tmp_path / "got.pdf")
    assert (tmp_path / "got.pdf").read_bytes() == papers.PDF.ljust(1_200_000, b"\0")


async def stopped_halfway(an: Visitor, demo: Running) -> None:
    await slow(an.page, 200_000)
    await an.page.set_input_files("#bestand", a_file("attest.pdf", papers.PDF.ljust(2_000_000, b"\0")))
    await an.press("Verstuur dit document")
    await an.press("Stop")
    await expect(an.page.locator(".upload-said")).to_have_text("Gestopt. Er is niets verstuurd.")
    await expect(an.page.get_by_role("button", name="Verstuur dit document")).to_be_focused()
    await an.goto(place(demo))
    await expect(an.page.locator(".paper-list")).to_have_count(0)


async def test_without_a_script_and_by_keyboard(chromium: Browser, demo: Running) -> None:
    context = await chromium.new_context(java_script_enabled=False, viewport=PHONE)
    page = await context.new_page()
    await page.goto(place(demo))
    await page.set_input_files("#bestand", a_file("foto.png", papers.PNG))
    await page.get_by_role("button", name="Verstuur dit document").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".news")).to_have_text("Uw document is verstuurd.")
    await page.get_by_text("Bekijk foto.png").click()
    await expect(page.get_by_role("img", name="foto.png")).to_be_visible()
    width = page.get_by_role("img", name="foto.png")
    assert await width.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    await page.get_by_role("button", name="Haal weg foto.png").click()
    await expect(page.locator(".news")).to_have_text("Het document is weg.")
    await page.set_input_files("#bestand", a_file("pagina.pdf", papers.HTML))
    await page.get_by_role("button", name="Verstuur dit document").click()
    await expect(page.get_by_role("alert")).to_contain_text("Dit soort bestand kunnen we niet aannemen")
    await context.close()


async def test_in_the_call_both_ways(visit: Visit, demo: Running, tmp_path: Path) -> None:
    """Staff asks, the citizen sends from beside the call on a telephone, staff gives something back; nobody reloads."""
    async with together(visit, demo) as (an, bart, part):
        an.expected.append(REFUSED)
        desk = bart.page.locator("#part-documents")
        await an.evaluate(HEARD)
        await open_step(part, "Laad een document op")
        field = an.page.locator("#samen input[type=file]")
        await expect(field).to_be_visible()
        await check(an, "asked beside the call")
        # What is refused says why at its field, and goes on saying it when the panel comes anew.
        error = an.page.locator("#samen .upload .field-error")
        refusals = ((papers.HTML, "Dit soort bestand kunnen we niet aannemen"), (b"", "Dit bestand is leeg"))
        for n, (data, why) in enumerate(refusals):
            await field.set_input_files(a_file("attest.pdf", data))
            await an.press("Verstuur dit document")
            await expect(error).to_contain_text(why)
            await expect(field).to_be_focused()
            await part.get_by_text("Wijs aan").click()
            await part.get_by_role("button", name="de knop om een document te kiezen").click()
            await expect(an.page.locator(".pointed-here")).to_have_count(1 - n)
            await expect(error).to_contain_text(why)
            await expect(field).to_be_focused()
            await part.get_by_text("Wijs aan").click()
        await check(an, "refused beside the call")
        await field.set_input_files(a_file("attest.pdf", papers.PDF))
        await an.press("Verstuur dit document")
        await expect(an.page.locator("#samen [data-state=done]")).to_contain_text("attest.pdf: is aangekomen")
        await expect(desk).to_contain_text("attest.pdf")
        await an.press("Sluit Samen")
        await expect(desk).to_contain_text("An Peeters")
        await expect(desk).to_contain_text("Documenten worden hier niet op virussen nagekeken.")
        await desk.get_by_text("Open dit document attest.pdf").click()
        await expect(desk.get_by_text("Open het alleen als u het verwacht")).to_be_visible()
        await desk.get_by_text("Stuur een document").first.click()
        await desk.locator("input[type=file]").set_input_files(a_file("antwoord.pdf", papers.PDF))
        await desk.get_by_role("button", name="Verstuur dit document").click()
        await expect(desk).to_contain_text("antwoord.pdf")
        await check(bart, "documents beside the call")
        # It stands in her panel at once, which opens, and is said.
        given = an.page.locator("#samen-given")
        await expect(given).to_be_in_viewport()
        await an.until("heard.some((each) => each.startsWith('Bart gaf u een document: antwoord.pdf, '))")
        async with an.page.expect_download() as loading:
            await given.get_by_role("link", name="Download antwoord.pdf").click()
        await (await loading.value).save_as(tmp_path / "got.pdf")
        assert (tmp_path / "got.pdf").read_bytes() == papers.PDF
        await check(an, "given beside the call")
        await an.press("Gesprek verlaten")
        await expect(an.page.get_by_role("dialog")).to_contain_text("antwoord.pdf")
        await check(an, "given, at the goodbye")
        await an.press("Ga terug naar het gesprek")
        await an.enter()
        await expect(an.page.locator("#call")).to_be_visible()
        await bart.status("Verbonden")


async def test_at_the_desk_by_keyboard(visit: Visit, demo: Running) -> None:
    bart = await visit(viewport=WIDE)
    await sign_in(bart)
    link = bart.page.locator(".row a[href^='/balie/afspraak/']").first
    await bart.page.goto(f"{bart.origin}{await link.get_attribute('href')}")
    await check(bart, "the appointment")
    await tab_to(bart, "Vraag een document")
    await bart.page.keyboard.press("Enter")
    await tab_to(bart, "Welk document")
    await bart.page.keyboard.type("Uw gezinssamenstelling")
    await tab_to(bart, "Vraag dit document")
    await bart.page.keyboard.press("Enter")
    await expect(bart.page.locator("#part-documents")).to_contain_text("Gevraagd aan de burger: Uw gezinssamenstelling")
    await check(bart, "asked")
