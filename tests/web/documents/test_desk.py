"""Documents at the desk: given, asked, had, taken away; beside the call and on the page of the appointment."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from balie.booking import parting, reading
from balie.record import tasks
from balie.store.engine import Tx
from balie.store.schema import appointment, audit, message, participant, service
from tests.support import papers, together
from tests.support.desk import Clerk, arrive
from tests.support.townhall import words
from tests.web.documents.conftest import HEADERS, Desk
from web.samen.seat import NEWS


async def page_of(desk: Desk) -> str:
    return await desk.together.bart.get(f"/balie/afspraak/{desk.together.booked.ref}")


async def test_what_the_citizen_sent_is_had(desk: Desk) -> None:
    await desk.send(desk.together.an, "attest.pdf")
    assert "wordt gecontroleerd op virussen" in await page_of(desk)
    desk.scanner.down = True
    await desk.kept.documents.scan()
    assert "de virusscanner antwoordt niet" in await page_of(desk)
    desk.scanner.down = False
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    page = await page_of(desk)
    assert f'href="{desk.staff}/{found.id}"' in page and "An Peeters" in page and "attest.pdf" in page
    got = await desk.together.bart.client.get(f"{desk.staff}/{found.id}")
    assert await got.read() == papers.PDF and got.headers["Content-Disposition"].startswith("attachment;")


async def test_who_opens_what_nobody_scanned_is_warned(unscanned: Desk) -> None:
    desk = unscanned
    await desk.send(desk.together.an, "foto.png", papers.PNG)
    await desk.give("antwoord.pdf")
    theirs, ours = await desk.all()
    page = await page_of(desk)
    assert "Documenten worden hier niet op virussen nagekeken." in page
    of_theirs = page.partition(f'data-key="paper-{theirs.id}"')[2].partition("</li>")[0]
    assert of_theirs.index("Niemand heeft dit document op virussen nagekeken") < of_theirs.index("Download")
    assert re.search(r"<details[^>]*>\s*<summary>Open dit document", of_theirs), "not before somebody asked for it"
    of_ours = page.partition(f'data-key="paper-{ours.id}"')[2].partition("</li>")[0]
    assert "Niemand heeft dit document" not in of_ours


async def test_a_document_for_the_citizen(desk: Desk) -> None:
    answer = await desk.give("antwoord.pdf")
    assert answer.status == 303 and answer.headers["Location"].endswith("?gedaan=document")
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    an = desk.together.an
    page = await (await an.client.get(desk.place(an), headers=HEADERS)).text()
    assert "Voor u" in page and f"{desk.place(an)}/{found.id}" in page
    letters = await desk.store.read(lambda tx: tx.execute(select(message).where(message.c.kind == "document")).all())
    assert [each.data for each in letters] == [{"what": "sent"}]


async def test_who_is_in_the_call_sees_it_beside_it(desk: Desk) -> None:
    """At once, with its size, and after the call in the pop-up; who comes along, where she may have documents."""
    an, lies = desk.together.an, desk.together.lies
    await desk.give("antwoord.pdf", papers.PDF.ljust(34_000, b" "))
    assert "antwoord.pdf" not in await an.panel(), "not while it is in quarantine"
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    for who in (an, lies):
        panel = await who.panel()
        assert "Documenten van Bart" in panel and "antwoord.pdf" in words(f"<body>{panel}")
        assert 'data-said="Bart gaf u een document: antwoord.pdf, 34 kB."' in panel
        assert f'href="{desk.place(who)}/{found.id}" download' in panel
        assert await (await who.client.get(f"{desk.place(who)}/{found.id}")).read()
    site, store = desk.together.desk, desk.store
    tokens = [
        await store.write(parting.offer, site.now_s, site.entropy.randbytes, site.key, each)
        for each in desk.together.booked.links
    ]
    for token in tokens:
        told = await (await an.client.get(f"/b/{token}/stappen")).json()
        line = {"name": "antwoord.pdf", "about": "34 kB", "href": f"/b/{token}/documenten/{found.id}"}
        assert told["papers"] == [line]
        assert await (await an.client.get(line["href"])).read()
    whom = participant.c.role == "carer"
    await store.write(lambda tx: tx.execute(update(participant).where(whom).values(rights={"speak": True})))
    assert "antwoord" not in await lies.panel() and "Documenten van" not in await lies.panel()
    assert (await (await an.client.get(f"/b/{tokens[1]}/stappen")).json())["papers"] == []


async def test_beside_a_call_the_section_comes_alone(desk: Desk) -> None:
    answer = await desk.give("antwoord.pdf", part="?deel=1")
    text = await answer.text()
    assert answer.status == 200 and text.lstrip().startswith('<section id="part-documents"') and "<h3" in text
    answer = await desk.give("antwoord.pdf", papers.HTML, part="?deel=1")
    assert answer.status == 422 and "Dit soort bestand" in await answer.text()
    panel = await desk.together.bart.get(f"/balie/gesprek/{desk.together.booked.ref}/paneel")
    assert panel.count('id="part-documents"') == 1 and "antwoord.pdf" in panel
    assert "antwoord.pdf" in await desk.together.bart.get(desk.staff)


async def test_what_is_wrong_stands_at_the_field(desk: Desk) -> None:
    answer = await desk.give("pagina.pdf", papers.HTML)
    page = await answer.text()
    assert answer.status == 422 and "Dit soort bestand" in page and '<a href="#bestand">' in page
    assert (await desk.give("groot.pdf", papers.PDF.ljust(305_000, b"\0"))).status == 413
    assert await desk.nothing()


async def test_asking_for_one(desk: Desk) -> None:
    bart, place = desk.together.bart, f"{desk.staff}/vraag"
    page = await bart.send(place, 422, document_tekst="")
    assert "Schrijf welk document u nodig hebt." in page
    assert (await bart.send(place, document_tekst="Uw gezinssamenstelling")).endswith("?gedaan=document-gevraagd")
    assert "Gevraagd aan de burger: Uw gezinssamenstelling" in await page_of(desk)
    page = await bart.send(place, 422, document_tekst="Nog een")
    assert "wordt al een document gevraagd" in page
    an = desk.together.an
    page = await (await an.client.get(desk.place(an), headers=HEADERS)).text()
    assert "Uw gezinssamenstelling" in page
    letters = await desk.store.read(lambda tx: tx.execute(select(message).where(message.c.kind == "document")).all())
    assert [each.data for each in letters] == [{"what": "asked"}]


async def test_in_the_call_no_letter_asks(desk: Desk) -> None:
    about = appointment.c.id == desk.together.booked.appointment_id
    await desk.store.write(lambda tx: tx.execute(update(appointment).where(about).values(status="in_call")))
    await desk.together.bart.send(f"{desk.staff}/vraag?deel=1", 200, document_tekst="Uw attest")
    kinds = await desk.store.read(lambda tx: tx.execute(select(message.c.kind)).scalars().all())
    assert "document" not in kinds


async def test_taken_away(desk: Desk) -> None:
    await desk.send(desk.together.an)
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    await desk.together.bart.send(f"{desk.staff}/{found.id}/weg")
    assert await desk.nothing()
    await desk.together.bart.send(f"{desk.staff}/{found.id}/weg", 404)
    done = await desk.store.read(lambda tx: tx.execute(select(audit.c.action, audit.c.actor)).all())
    assert ("document_removed", f"staff:{desk.together.desk.office.bart}") in [tuple(each) for each in done]


async def test_the_other_side_hears_of_it(desk: Desk) -> None:
    """Everybody in the call of the appointment, by the hub: the panel fetches itself anew."""
    site = desk.together.desk
    found = await desk.store.read(reading.by_ref, desk.together.booked.ref)
    arrive(site, found, "Bart Claes", staff_id=site.office.bart)
    await desk.together.bart.send(f"{desk.staff}/vraag?deel=1", 200, document_tekst="Uw attest")
    assert NEWS == "acts"
    before = len(desk.kept.told)
    await desk.send(desk.together.an)
    await desk.kept.documents.scan()
    assert desk.kept.told[before:] == [desk.together.booked.appointment_id] * 3


async def test_a_virus_is_a_task(desk: Desk) -> None:
    desk.scanner.verdict = "infected"
    await desk.send(desk.together.an, "eicar.txt", papers.EICAR)
    await desk.kept.documents.scan()
    (task,) = await desk.store.read(tasks.of_appointment, desk.together.booked.appointment_id)
    assert task.reason == "infected"
    assert "zat een virus" in words(await desk.together.bart.get("/balie/taken"))
    assert "geweigerd: er zat een virus in" in words(await page_of(desk))


# -- who --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_without_the_token_of_the_session_nothing_is_taken(desk: Desk, token: str) -> None:
    assert (await desk.give(csrf=token)).status == 403
    assert await desk.nothing()
    bart = desk.together.bart
    await bart.send(f"{desk.staff}/vraag", 403, csrf=token, document_tekst="x")


async def test_without_a_session_there_is_nothing(desk: Desk) -> None:
    await desk.give()
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    an = desk.together.an.client
    answer = await an.get(f"{desk.staff}/{found.id}", allow_redirects=False)
    assert answer.status == 303 and answer.headers["Location"].startswith("/balie/aanmelden")
    assert (await an.get(desk.staff, allow_redirects=False)).status == 303
    answer = await an.post(desk.staff, data={"bestand": "x"}, headers=HEADERS, allow_redirects=False)
    assert answer.status == 303
    answer = await an.post(f"{desk.staff}/{found.id}/weg", data={"x": "1"}, headers=HEADERS, allow_redirects=False)
    assert answer.status == 303 and len(await desk.all()) == 1


async def test_staff_of_another_service_sees_nothing(desk: Desk) -> None:
    await desk.give()
    await desk.kept.documents.scan()
    (found,) = await desk.all()

    def leave(tx: Tx) -> None:
        row = {"slug": "burgerzaken", "names": {"nl": "Burgerzaken"}}
        other = together.put(tx, service, organisation_id=desk.together.desk.office.organisation, **row)
        together.change(tx, appointment, desk.together.booked.appointment_id, service_id=other)

    await desk.store.write(leave)
    bart: Clerk = desk.together.bart
    await bart.sign_in("bart")
    await bart.get(desk.staff, 404)
    await bart.get(f"{desk.staff}/{found.id}", 404)
    assert (await desk.give()).status == 404
    await bart.send(f"{desk.staff}/{found.id}/weg", 404)
    assert len(await desk.all()) == 1


async def test_nothing_of_another_appointment(desk: Desk) -> None:
    await desk.give()
    await desk.kept.documents.scan()
    (found,) = await desk.all()
    site = desk.together.desk
    site.clock.now_s -= 86_400
    other = await site.book(staff_id=site.office.els)
    site.clock.now_s += 86_400
    place = f"/balie/afspraak/{other.ref}/documenten/{found.id}"
    await desk.together.bart.get(place, 404)
    await desk.together.bart.send(f"{place}/weg", 404)
    an, token = desk.together.an, next(iter(other.links.values()))
    assert (await an.client.get(f"/a/{token}/documenten/{found.id}")).status == 404
