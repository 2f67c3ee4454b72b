"""Today, the week, the list, and finding somebody."""

from __future__ import annotations

import html

import pytest

from balie.booking.people import Person
from tests.support.desk import LIES, Clerk, DeskSite, evidence
from tests.support.office import unix_s

MO = Person("Mohamed El Khattabi", mail="mo@voorbeeld.example")
ELODIE = Person("Élodie Vandenbroucke", mail="elodie@voorbeeld.example")


async def test_a_day_without_appointments(bart: Clerk) -> None:
    page = await bart.get("/balie")
    assert "U hebt vandaag geen afspraken meer" in page and "maandag 7 december 2026" in page


async def test_who_comes_next_and_when_the_door_is_open(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book("2026-12-07T10:00", helpers=(LIES,))
    page = await bart.get("/balie")
    assert "over ongeveer 3 uur" in page and "10.00 uur – An Peeters" in page and "+ dochter" in page
    assert "Ga naar het gesprek" not in page
    desk.clock.now_s = unix_s("2026-12-07T09:30")
    assert f'href="/balie/gesprek/{booked.ref}"' in await bart.get("/balie")
    desk.clock.now_s = unix_s("2026-12-07T10:01")
    assert "nu bezig" in await bart.get("/balie")


async def test_who_came_to_the_door_is_not_said_to_be_inside(desk: DeskSite, bart: Clerk) -> None:
    """The strongest evidence of a message is that its link brought somebody here, to wait or to talk."""
    booked = await desk.book("2026-12-07T11:30")
    await evidence(desk, booked, "delivered", "joined")
    page = await bart.get("/balie")
    assert "kwam naar het gesprek" in page and "kwam binnen" not in page


async def test_only_my_own_next_appointment_is_announced(desk: DeskSite, bart: Clerk) -> None:
    await desk.book("2026-12-07T10:00", staff_id=desk.office.els)
    page = await bart.get("/balie")
    assert "U hebt vandaag geen afspraken meer" in page and "An Peeters" in page
    assert "An Peeters" not in await bart.get("/balie?wie=ik")


async def test_the_list_is_filtered(desk: DeskSite, bart: Clerk) -> None:
    await desk.book(channel="phone")
    await desk.book("2026-12-09T09:00", MO, staff_id=desk.office.els)
    booked = await desk.book("2026-12-10T09:00", ELODIE)
    await bart.send(f"/balie/afspraak/{booked.ref}/annuleren", door="burger")
    for query, names in [
        ("", {"An Peeters", "Mohamed El Khattabi", "Élodie Vandenbroucke"}),
        ("wie=ik", {"An Peeters", "Élodie Vandenbroucke"}),
        ("status=komt", {"An Peeters", "Mohamed El Khattabi"}),
        ("status=geannuleerd", {"Élodie Vandenbroucke"}),
        ("kanaal=phone", {"An Peeters"}),
        ("van=2026-12-09", {"Mohamed El Khattabi", "Élodie Vandenbroucke"}),
        ("van=2027-01-01", set()),
        ("van=gisteren&status=x&kanaal=x&wie=x", {"An Peeters", "Mohamed El Khattabi", "Élodie Vandenbroucke"}),
    ]:
        page = html.unescape(await bart.get(f"/balie/afspraken?zicht=lijst&{query}"))
        found = {each for each in ("An Peeters", "Mohamed El Khattabi", "Élodie Vandenbroucke") if each in page}
        assert found == names, query


async def test_the_week_begins_on_monday_and_links_to_the_next(desk: DeskSite, bart: Clerk) -> None:
    await desk.book("2026-12-11T09:00")
    page = await bart.get("/balie/afspraken?van=2026-12-10")
    assert "maandag 7 december 2026 – zondag 13 december 2026" in page and "An Peeters" in page
    assert "van=2026-11-30" in page and "van=2026-12-14" in page
    assert "zaterdag" not in page, "an empty weekend takes no room"
    assert "An Peeters" not in await bart.get("/balie/afspraken?van=2026-12-14")


@pytest.mark.parametrize("asked", ["peeters", "PEETERS", "an pee", "{ref}", " {ref} "])
async def test_somebody_is_found_by_name_or_number(desk: DeskSite, bart: Clerk, asked: str) -> None:
    booked = await desk.book()
    await desk.book("2026-12-09T09:00", MO)
    page = await bart.send("/balie/afspraken", 200, zoek=asked.format(ref=booked.ref))
    assert "1 afspraak gevonden" in page and "An Peeters" in page and "Mohamed" not in page


@pytest.mark.parametrize("asked", ["élodie", "elodie", "ELODIE"])
async def test_accents_and_capitals_do_not_matter(desk: DeskSite, bart: Clerk, asked: str) -> None:
    await desk.book(citizen=ELODIE)
    assert "1 afspraak gevonden" in await bart.send("/balie/afspraken", 200, zoek=asked)


@pytest.mark.parametrize("asked", ["%", "_", "niemand", "x" * 200, "' OR 1=1 --"])
async def test_what_finds_nobody(desk: DeskSite, bart: Clerk, asked: str) -> None:
    await desk.book()
    assert "0 afspraken gevonden" in await bart.send("/balie/afspraken", 200, zoek=asked)


async def test_a_search_for_nothing(bart: Clerk) -> None:
    assert "Vul een naam of een nummer in" in await bart.send("/balie/afspraken", 422, zoek=" ")
