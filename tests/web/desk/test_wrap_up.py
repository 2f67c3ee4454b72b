"""After a visit, at the desk: what is open, one click when everything is known, steps and a follow-up."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from sqlalchemy import select

from balie.booking import reading
from balie.booking.appointments import Booked
from balie.store.engine import Tx
from balie.store.schema import appointment
from balie.visit import ending, presence, steps, wrap_up
from signalling.lobby import Presence
from tests.support.desk import LIES, Clerk, DeskSite
from tests.support.html import faults
from tests.support.office import unix_s

LIST = "/balie/afhandeling"
MONDAY_1000 = "2026-12-07T10:00"


async def visit(desk: DeskSite, *, ended: bool = True) -> Booked:
    """One of An with Bart this morning, which took place."""
    booked = await desk.book(MONDAY_1000, helpers=(LIES,))
    desk.clock.now_s = unix_s("2026-12-07T10:31")
    if ended:
        await desk.store.write(ending.end, desk.now_s, desk.entropy.randbytes, booked.appointment_id, "system")
    return booked


def path(booked: Booked) -> str:
    return f"/balie/gesprek/{booked.ref}/afronden"


async def test_everything_done_is_one_click(desk: DeskSite, bart: Clerk) -> None:
    assert "Er staat niets open" in await bart.get(LIST)
    booked = await visit(desk)
    page = await bart.get(LIST)
    assert "1 gesprek om af te ronden" in page and "An Peeters" in page
    assert re.search(r'href="/balie/afhandeling"[^>]*>Afhandeling <span class="count">1', page), (
        "it is counted in the menu"
    )
    found = re.search(r'name="uitkomst" value="(\w+)"', page)
    assert found is not None and found[1] == "done"
    assert await bart.send(path(booked), doe="rond-af", uitkomst="done") == f"{LIST}?gedaan=afgerond"
    assert "Er staat niets open" in await bart.get(LIST)
    assert "al afgerond" in await bart.get(path(booked))
    story = await bart.get(f"/balie/afspraak/{booked.ref}")
    assert "Afgerond" in story and "Het gesprek is afgelopen" in story and "Aangepast" not in story


async def test_colleagues_see_each_others_and_may_look_at_their_own_only(desk: DeskSite, bart: Clerk) -> None:
    await visit(desk)
    await bart.sign_in("els")
    assert "An Peeters" in await bart.get(LIST)
    assert "An Peeters" not in await bart.get(f"{LIST}?wie=ik")


async def test_what_was_typed_is_kept_whatever_is_pressed(desk: DeskSite, bart: Clerk) -> None:
    booked = await visit(desk)
    await desk.store.write(wrap_up.take_note, desk.now_s, booked.appointment_id, desk.office.bart, "Belt liever.")
    page = await bart.get(path(booked))
    assert "Belt liever." in page
    form = {"notitie": "Belt liever ’s avonds.", "stap-tekst": "Sleutel klaarleggen", "stap-wie": "office"}
    await bart.send(path(booked), doe="stap", **form, **{"stap-dag": "2026-12-10"})
    page = unescape(await bart.get(path(booked)))
    assert "Belt liever ’s avonds." in page and "Sleutel klaarleggen (voor donderdag 10 december 2026)" in page
    assert 'value="continues" checked' in page, "what is left for us goes on"
    (step,) = await desk.store.read(steps.of_appointment, booked.appointment_id)
    await bart.send(path(booked), doe="bewaar", notitie="Klaar.", klaar=step.id)
    page = await bart.get(path(booked))
    assert 'value="done" checked' in page and f'id="klaar-{step.id}" value="{step.id}" checked' in page
    await bart.send(path(booked), doe=f"weg:{step.id}", notitie="Klaar.")
    assert await desk.store.read(steps.of_appointment, booked.appointment_id) == []


async def test_what_is_wrong_is_said_and_nothing_is_lost(desk: DeskSite, bart: Clerk) -> None:
    booked = await visit(desk)
    for form, words in (
        ({"doe": "stap", "stap-tekst": ""}, "stap-tekst"),
        ({"doe": "stap", "stap-tekst": "Bellen", "stap-wie": "office", "stap-dag": "gisteren"}, "stap-dag"),
        ({"doe": "rond-af", "uitkomst": "misschien"}, "uitkomst"),
        ({"doe": "vervolg:12"}, "doe"),
        ({"doe": "weg:999"}, "stap-tekst"),
        ({"doe": "bewaar", "notitie": "x" * 4001}, "notitie"),
    ):
        page = await bart.send(path(booked), 422, **{"notitie": "Typwerk", **form})
        assert f'href="#{words}"' in page, form
        assert "Typwerk" in page or len(form.get("notitie", "")) > 4000


async def test_while_they_talk_there_is_nothing_to_finish(desk: DeskSite, bart: Clerk) -> None:
    booked = await visit(desk, ended=False)
    room = (await desk.store.read(reading.by_id, booked.appointment_id)).room

    async def see(who: str, role: str, what: str) -> None:
        seen = [Presence(room, who, role, what, "left" if what == "left" else "", desk.clock())]  # type: ignore[arg-type]
        await desk.store.write(presence.note, desk.now_s, desk.entropy.randbytes, seen)

    await see("an", "citizen", "entered")
    await see("staff-1", "staff", "entered")
    assert "nog niet voorbij" in await bart.send(path(booked), 422, doe="rond-af", uitkomst="done")
    await see("an", "citizen", "left")
    await see("staff-1", "staff", "left")
    await bart.send(path(booked), doe="rond-af", uitkomst="done")
    assert (await desk.store.read(reading.by_id, booked.appointment_id)).status == "completed"


async def test_who_was_there_is_for_a_person_to_say_when_nobody_knows(desk: DeskSite, bart: Clerk) -> None:
    booked = await visit(desk, ended=False)
    key, chance = booked.appointment_id, desk.entropy.randbytes
    await desk.store.write(ending.end, desk.now_s, chance, key, "system", "unclear")
    assert "Wie was er?" in await bart.get(path(booked))
    assert 'name="doe" value="rond-af"' not in await bart.get(LIST), "no single click for it"
    page = await bart.send(path(booked), 422, doe="rond-af", uitkomst="not_held")
    assert 'href="#aanwezig"' in page
    await bart.send(path(booked), doe="rond-af", uitkomst="not_held", aanwezig="no_show_citizen")
    assert (await desk.store.read(reading.by_id, key)).status == "no_show_citizen"


async def test_a_follow_up_is_two_clicks_with_the_same_person(desk: DeskSite, bart: Clerk) -> None:
    booked = await visit(desk)
    page = await bart.get(path(booked))
    first = re.search(r'name="doe" value="(vervolg:\d+)">([^<]+)<', page)
    assert first is not None and first[2] == "di 8 dec om 10.45 uur" and "Plan bij Bart Claes" in page
    await bart.send(path(booked), doe=first[1], notitie="")

    def follow(tx: Tx) -> reading.Appointment:
        made = tx.scalar(select(appointment.c.id).where(appointment.c.follow_up_of == booked.appointment_id))
        assert made is not None
        return reading.by_id(tx, made)

    made = await desk.store.read(follow)
    assert made.staff_id == desk.office.bart and [each.name for each in made.people] == ["An Peeters", "Lies De Smet"]
    page = await bart.get(path(booked))
    assert f"/balie/afspraak/{made.ref}" in page and 'value="continues" checked' in page
    assert first[1] not in page, "it is taken"


async def test_by_telephone_it_is_over_when_staff_says_so(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book(MONDAY_1000, modality="phone")
    desk.clock.now_s = unix_s("2026-12-07T10:31")
    assert "An Peeters" in await bart.get(LIST)
    await bart.send(path(booked), doe="rond-af", uitkomst="done")
    assert (await desk.store.read(reading.by_id, booked.appointment_id)).status == "completed"


async def test_visits_of_other_services_do_not_exist(desk: DeskSite, bart: Clerk) -> None:
    await bart.get("/balie/gesprek/AAAAAAA/afronden", 404)
    await bart.send("/balie/gesprek/AAAAAAA/afronden", 404, doe="rond-af", uitkomst="done")


async def test_every_page_is_valid(desk: DeskSite, bart: Clerk, tmp_path: Path) -> None:
    pages = {"empty": await bart.get(LIST)}
    booked = await visit(desk)
    await desk.store.write(steps.add, desk.now_s, booked.appointment_id, "staff:1", "<b>", "other", "2026-12-10")
    pages |= {"list": await bart.get(LIST), "one": await bart.get(path(booked))}
    pages["wrong"] = await bart.send(path(booked), 422, doe="rond-af", notitie="<b>", aanwezig="misschien")
    (step,) = await desk.store.read(steps.of_appointment, booked.appointment_id)
    pages["step"] = await bart.send(path(booked), 422, doe="stap", notitie="", klaar=step.id)
    await bart.send(path(booked), doe="rond-af", uitkomst="done", notitie="")
    pages["done"] = await bart.get(path(booked))
    assert faults(pages, tmp_path) == ""
