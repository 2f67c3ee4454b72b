"""Pages about documents are valid HTML in every state, and letters say that one waits without saying what it is."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from balie.booking import parting
from balie.documents import records
from balie.i18n import speaking
from balie.post import compose, facts, short
from balie.post.facts import Sender
from balie.store.schema import message
from balie.visit import ending
from tests.support import papers
from tests.support.html import faults
from tests.web.documents.conftest import HEADERS, Desk


async def test_every_page_is_valid(desk: Desk, tmp_path: Path) -> None:
    an, bart, ref = desk.together.an, desk.together.bart, desk.together.booked.ref
    folder = tmp_path / "pages"
    folder.mkdir()

    async def page(path: str) -> str:
        return await (await an.client.get(path, headers=HEADERS)).text()

    pages = {"nothing": await page(desk.place(an)), "mine": await page(f"/a/{an.token}")}
    await bart.send(f"{desk.staff}/vraag", document_tekst='Uw "attest" <nu>')
    await desk.send(an, "attest.pdf")
    await desk.send(an, "foto.png", papers.PNG)
    pages["waiting"] = await page(desk.place(an))
    pages["panel"] = await page(f"/a/{an.token}/samen")
    desk.scanner.verdict = "infected"
    await desk.store.read(records.to_scan)
    await desk.kept.documents.scan()
    desk.scanner.verdict = "clean"
    await desk.send(an, "foto.png", papers.PNG)
    await desk.give("antwoord.pdf")
    await desk.kept.documents.scan()
    pages["all of it"] = await page(desk.place(an))
    pages["wrong"] = await (await desk.send(an, "pagina.pdf", papers.HTML)).text()
    pages["desk"] = await bart.get(f"/balie/afspraak/{ref}")
    pages["desk-wrong"] = await (await desk.give("pagina.pdf", papers.HTML)).text()
    pages["desk-asked"] = await bart.send(f"{desk.staff}/vraag", 422, document_tekst="")
    site, who = desk.together.desk, next(iter(desk.together.booked.links))
    token = await desk.store.write(parting.offer, site.now_s, site.entropy.randbytes, site.key, who)
    about = desk.together.booked.appointment_id
    await desk.store.write(ending.end, site.now_s, site.entropy.randbytes, about, "citizen")
    pages["late"] = await page(f"/b/{token}/documenten")
    assert faults(pages, folder) == ""


async def test_letters_say_that_one_waits_and_not_what(desk: Desk) -> None:
    await desk.together.bart.send(f"{desk.staff}/vraag", document_tekst="Uw scheidingsakte")
    await desk.give("beslissing-leefloon.pdf")
    await desk.kept.documents.scan()
    ids = await desk.store.read(lambda tx: tx.scalars(select(message.c.id).where(message.c.kind == "document")).all())
    sender = Sender("Voorbeeldegem", "b@x.example", "b@x.example", "https://x.example", desk.together.desk.key)
    assert len(ids) == 2
    place = f"https://x.example/a/{desk.together.an.token}/documenten"
    with speaking("nl"):
        for key in ids:
            known = await desk.store.read(facts.read, sender, key)
            letter, text = compose.letter(known), short.text(known)
            for said in (letter.subject, letter.text, letter.html, text):
                assert "scheiding" not in said and "leefloon" not in said
            assert place in letter.text and place in text and len(text) <= short.LENGTH_MAX
            assert desk.together.an.token not in letter.kept


async def test_after_the_visit_the_letter_leads_to_the_goodbye(desk: Desk) -> None:
    await desk.give()
    await desk.kept.documents.scan()
    site, who = desk.together.desk, next(iter(desk.together.booked.links))
    token = await desk.store.write(parting.offer, site.now_s, site.entropy.randbytes, site.key, who)
    about = desk.together.booked.appointment_id
    await desk.store.write(ending.end, site.now_s, site.entropy.randbytes, about, "citizen")
    key = await desk.store.read(lambda tx: tx.scalar(select(message.c.id).where(message.c.kind == "document")))
    assert key is not None
    status = await desk.store.read(lambda tx: tx.scalar(select(message.c.status).where(message.c.id == key)))
    assert status == "scheduled", "it is as true after the end"
    sender = Sender("Voorbeeldegem", "b@x.example", "b@x.example", "https://x.example", site.key)
    known = await desk.store.read(facts.read, sender, key)
    assert known.papers == f"https://x.example/b/{token}/documenten"
