"""One appointment: what is shown of it, what can be done with it, and who may."""

from __future__ import annotations

import html
import re
from typing import Any

from sqlalchemy import insert, select, update

from balie.booking import links, reading
from balie.staff import accounts
from balie.store.engine import Tx
from balie.store.schema import (
    APPOINTMENT_STATES,
    MESSAGE_KINDS,
    MESSAGE_STATES,
    READ_EVIDENCE,
    appointment,
    audit,
    join_link,
    message,
    service,
)
from tests.support.desk import LIES, Clerk, DeskSite, evidence, fail_message, receive
from tests.support.office import MONDAY_S, unix_s
from web.desk import words


async def _actions(desk: DeskSite, ref: str) -> list[tuple[str, str]]:
    rows = select(audit.c.actor, audit.c.action).where(audit.c.object == f"appointment/{ref}").order_by(audit.c.id)
    return await desk.store.read(lambda tx: [(row.actor, row.action) for row in tx.execute(rows)])


async def test_everything_that_is_known(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book(helpers=(LIES,), question="Kan het ook op zondag?")
    await evidence(desk, booked, "delivered", "confirmed")
    await fail_message(desk, booked)
    await receive(desk, booked)
    page = html.unescape(await bart.get(f"/balie/afspraak/{booked.ref}"))
    for part in (
        "An Peeters",
        "Lies De Smet",
        "dochter",
        "dinsdag 8 december 2026 om 10.30 uur",
        "30 minuten",
        "Badmintonterrein huren",
        "videogesprek",
        "+32 470 12 34 56",
        "Kan het ook op zondag?",
        "Er staat 1 taak open over deze afspraak",
        "Antwoord om te lezen: Re: Uw afspraak",
        "Bevestiging per mail naar an.peeters@voorbeeld.example",
        "Geboekt via website",
        "Antwoord van de burger: Re: Uw afspraak",
    ):
        assert part in page, part


async def test_evidence_is_a_ladder_and_its_absence_no_failure(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    for status, read, said in [
        ("submitted", "none", "verzonden – nog geen bevestiging"),
        ("delivered", "none", "afgeleverd bij mailserver"),
        ("delivered", "mdn", "gelezen"),
        ("delivered", "confirmed", "bevestigd door burger"),
        ("failed", "none", "niet afgeleverd"),
    ]:
        await evidence(desk, booked, status, read)
        for path in (f"/balie/afspraak/{booked.ref}", "/balie/afspraken?zicht=lijst"):
            assert said in await bart.get(path), (path, status, read)
        marked_bad = "mark bad" in await bart.get(f"/balie/afspraak/{booked.ref}")
        assert marked_bad == (status == "failed")


async def test_it_is_confirmed_for_the_citizen(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    path = f"/balie/afspraak/{booked.ref}"
    assert await bart.send(f"{path}/bevestigen") == f"{path}?gedaan=bevestigd"
    assert (await desk.store.read(reading.by_ref, booked.ref)).status == "confirmed"
    assert (f"staff:{desk.office.bart}", "confirmed") in await _actions(desk, booked.ref)
    assert "Bevestig voor de burger" not in await bart.get(path)


async def test_it_moves(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    path, start_s = f"/balie/afspraak/{booked.ref}", unix_s("2026-12-09T09:00")
    page = await bart.get(f"{path}/verzetten?vanaf=2026-12-09")
    assert f'value="{start_s}"' in page
    assert await bart.send(f"{path}/verzetten", start=start_s, bij=desk.office.els) == f"{path}?gedaan=verzet"
    found = await desk.store.read(reading.by_ref, booked.ref)
    assert (found.start_s, found.staff_id, found.sequence) == (start_s, desk.office.els, 1)
    assert "woensdag 9 december 2026 om 9.00 uur" in await bart.get(path)
    assert (f"staff:{desk.office.bart}", "rescheduled") in await _actions(desk, booked.ref)
    old = next(iter(booked.links.values()))
    assert (await desk.store.read(links.find, old, start_s)).state == "unknown"


async def test_it_does_not_move_to_a_time_that_is_taken_or_none(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    await desk.book("2026-12-09T09:00")
    path = f"/balie/afspraak/{booked.ref}/verzetten"
    page = await bart.send(path, 409, start=unix_s("2026-12-09T09:00"), bij=desk.office.bart)
    assert "Dit uur is net ingenomen" in page and page.count('name="start"') == 3
    assert "Kies een uur" in await bart.send(path, 422)
    assert "het uur dat de afspraak al heeft" in await bart.send(path, 422, start=unix_s("2026-12-08T10:30"))
    assert "Op dit uur is er niemand" in await bart.send(path, 422, start=unix_s("2026-12-09T12:30"))
    assert (await bart.send(path, 200, doe="uren", vanaf="2026-12-14")).count("maandag 14 december 2026") == 1
    piece = await bart.get(f"{path}/uren?vanaf=2026-12-14&bij=0")
    assert "maandag 14 december 2026" in piece and "<html" not in piece


async def test_it_is_cancelled_with_a_reason(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    path = f"/balie/afspraak/{booked.ref}"
    assert "Schrijf waarom" in await bart.send(f"{path}/annuleren", 422, door="ons")
    assert await bart.send(f"{path}/annuleren", door="ons", reden="Bart is ziek.") == f"{path}?gedaan=geannuleerd"
    page = await bart.get(path)
    assert "geannuleerd door ons" in page and "Bart is ziek." in page and "/g/" not in page
    assert (f"staff:{desk.office.bart}", "cancelled") in await _actions(desk, booked.ref)
    assert "Deze afspraak kan niet meer" in await bart.send(f"{path}/annuleren", 422, door="burger")
    assert "Deze afspraak kan niet meer" in await bart.send(f"{path}/verzetten", 422, start=unix_s("2026-12-09T09:00"))
    await bart.get(f"{path}/blad", 303)


async def test_the_citizen_cancels_by_telephone(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    await bart.send(f"/balie/afspraak/{booked.ref}/annuleren", door="burger")
    assert (await desk.store.read(reading.by_ref, booked.ref)).status == "cancelled_citizen"


async def test_it_is_done_in_another_way(desk: DeskSite, bart: Clerk) -> None:
    """S58: the slot is kept."""
    booked = await desk.book()
    path = f"/balie/afspraak/{booked.ref}"
    await bart.send(f"{path}/vorm", vorm="desk")
    found = await desk.store.read(reading.by_ref, booked.ref)
    assert (found.modality, found.start_s) == ("desk", unix_s("2026-12-08T10:30"))
    assert "Kies een vorm" in await bart.send(f"{path}/vorm", 422, vorm="duif")


async def test_somebody_is_added_and_removed(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    path = f"/balie/afspraak/{booked.ref}"
    person = {"helper_naam": LIES.name, "helper_rol": "family", "helper_label": "dochter", "helper_mail": LIES.mail}
    assert "#helper-mail" in await bart.send(f"{path}/helper", 422, **{**person, "helper_mail": "lies@"})
    await bart.send(f"{path}/helper", **person)
    (helper,) = (await desk.store.read(reading.by_ref, booked.ref)).helpers
    token = await desk.store.read(links.current, desk.key, helper.id)
    assert token is not None
    await bart.send(f"{path}/helper/weg", wie=helper.id)
    assert (await desk.store.read(links.find, token, unix_s("2026-12-08T10:30"))).state == "unknown"
    assert "komt al niet meer mee" in html.unescape(await bart.send(f"{path}/helper/weg", 422, wie=helper.id))
    (citizen,) = (await desk.store.read(reading.by_ref, booked.ref)).people
    await bart.send(f"{path}/helper/weg", 422, wie=citizen.id)


def _due_now(tx: Tx, desk: DeskSite, participant_id: int) -> list[str]:
    """Kinds of messages to somebody that are to leave at once."""
    his = select(message.c.kind).where(message.c.participant_id == participant_id, message.c.due_s == desk.now_s)
    return list(tx.scalars(his))


async def test_the_link_is_sent_again(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book(helpers=(LIES,))
    path = f"/balie/afspraak/{booked.ref}"
    for person in (await desk.store.read(reading.by_ref, booked.ref)).people:
        await bart.send(f"{path}/link", wie=person.id)
        kinds = await desk.store.read(_due_now, desk, person.id)
        assert len(kinds) == 2 and len(set(kinds)) == 1, "the same message twice, and no other"
    await bart.send(f"{path}/link", 422, wie=99999)
    other = await desk.book("2026-12-09T09:00")
    (stranger,) = (await desk.store.read(reading.by_ref, other.ref)).people
    await bart.send(f"{path}/link", 422, wie=stranger.id)


async def test_the_sheet_has_the_citizens_language_and_link(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book(modality="desk")
    page = await bart.get(f"/balie/afspraak/{booked.ref}/blad")
    token = next(iter(booked.links.values()))
    assert f"http://localhost/a/{token}" in page, "not by video: the page of the appointment"
    assert "Dorpsplein 1" in page and booked.ref in page and "<svg" in page


async def test_the_link_is_on_no_page_of_a_stranger(desk: DeskSite, bart: Clerk) -> None:
    """Staff sees appointments of his own services; of others he does not even learn that they exist."""
    booked = await desk.book()

    def go(tx: Any) -> None:
        other = tx.execute(
            insert(service).values(organisation_id=desk.office.organisation, slug="x")
        ).inserted_primary_key
        accounts.set_roles(tx, MONDAY_S, desk.office.bart, ["lead"], [other[0]], "system")

    await desk.store.write(go)
    path = f"/balie/afspraak/{booked.ref}"
    for page in (path, f"{path}/blad", f"{path}/verzetten", f"{path}/annuleren", f"/balie/gesprek/{booked.ref}"):
        assert "An Peeters" not in await bart.get(page, 404)
    for action in ("bevestigen", "vorm", "helper", "helper/weg", "link", "annuleren", "verzetten"):
        await bart.send(f"{path}/{action}", 404, vorm="desk", wie=1, reden="x", door="ons", start=1,
                        helper_naam="x", helper_rol="family", helper_mail="x@voorbeeld.example")  # fmt: skip
    for page in ("/balie", "/balie/afspraken", "/balie/afspraken?zicht=lijst"):
        assert "An Peeters" not in await bart.get(page)
    assert "An Peeters" not in await bart.send("/balie/afspraken", 200, zoek="peeters")
    await bart.sign_in("mia")
    assert "An Peeters" in await bart.get(path)


async def test_a_reference_may_be_typed_as_people_do(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    assert "An Peeters" in await bart.get(f"/balie/afspraak/{booked.ref.lower()}")
    await bart.get("/balie/afspraak/AAAAAAA", 404)


async def test_no_page_gives_a_link_away_but_those_that_must(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book("2026-12-07T10:00", helpers=(LIES,))
    tokens = list(booked.links.values())
    for path in ("/balie", "/balie/afspraken", "/balie/afspraken?zicht=lijst", "/balie/taken"):
        page = await bart.get(path)
        assert not [each for each in tokens if each in page]
    page = await bart.get(f"/balie/afspraak/{booked.ref}")
    assert tokens[0] in page and tokens[1] not in page, "the citizen's own, for whom staff speaks with"


async def test_looking_changes_nothing(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()

    def state(tx: Any) -> list[Any]:
        return [tx.execute(select(each)).all() for each in (appointment, message, join_link, audit)]

    before = await desk.store.read(state)
    for path in ("", "/blad", "/verzetten", "/annuleren"):
        await bart.get(f"/balie/afspraak/{booked.ref}{path}")
    assert await desk.store.read(state) == before


async def test_an_appointment_whose_names_are_wiped(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    await desk.store.write(lambda tx: tx.execute(update(appointment).values(status="anonymised")))
    page = await bart.get(f"/balie/afspraak/{booked.ref}")
    assert "gegevens gewist" in page and not re.search(r"/[ag]/[A-Za-z0-9_-]{27}", page)


def test_every_state_that_the_database_knows_has_a_word() -> None:
    assert words.statuses().keys() == set(APPOINTMENT_STATES)
    assert words.kinds().keys() == set(MESSAGE_KINDS)
    assert all(words.evidence_words(status, read) for status in MESSAGE_STATES for read in READ_EVIDENCE)
