"""Own hours, absences and closures, and the appointments that no longer fit."""

from __future__ import annotations

import html
from typing import Any

import pytest
from sqlalchemy import select

from balie.booking.slots import Wish
from balie.staff import accounts
from balie.store.schema import audit, availability, closure
from tests.support.desk import Clerk, DeskSite
from tests.support.office import MONDAY_S, unix_s
from web.keys import CALENDARS

PLACE = "/balie/beschikbaarheid"
SATURDAY = {"dag": 5, "van": "09:00", "tot": "12:00", "vanaf": "2026-12-07", "weken": 1, "vorm": ["video", "phone"]}


async def _free(desk: DeskSite, local: str) -> bool:
    """Whether somebody can make an appointment with Bart at this time."""
    wish = Wish((desk.office.badminton,), "video", desk.office.bart)
    found = await desk.store.read(desk.app[CALENDARS].first, wish, desk.now_s, 1, from_s=unix_s(local))
    return bool(found) and found[0].start_s == unix_s(local)


async def _monday_hours(desk: DeskSite) -> int:
    first = select(availability.c.id).where(availability.c.staff_id == desk.office.bart).order_by(availability.c.id)
    key = await desk.store.read(lambda tx: tx.scalars(first).first())
    assert key is not None
    return int(key)


async def test_my_hours_are_shown_as_a_week(bart: Clerk) -> None:
    page = await bart.get(PLACE)
    assert (
        page.count("9.00 uur tot 12.00 uur") == 5 and "Maandag" in page and "Zaterdag" not in page.split("<select")[0]
    )


async def test_hours_are_added_and_citizens_can_book_them(desk: DeskSite, bart: Clerk) -> None:
    assert not await _free(desk, "2026-12-12T09:00")
    assert await bart.send(f"{PLACE}/uren", **SATURDAY) == f"{PLACE}?gedaan=uren"
    assert await _free(desk, "2026-12-12T09:00")
    page = await bart.get(PLACE)
    assert "<h3>Zaterdag</h3>" in page and "videogesprek, telefoon" in page
    actions = select(audit.c.action).where(audit.c.actor == f"staff:{desk.office.bart}")
    assert "hours.added" in await desk.store.read(lambda tx: tx.scalars(actions).all())


async def test_hours_that_begin_later_say_so(bart: Clerk) -> None:
    later = {**SATURDAY, "vanaf": "2027-02-01", "tm": "2027-02-06"}
    await bart.send(f"{PLACE}/uren", **later)
    page = await bart.get(PLACE)
    assert "vanaf maandag 1 februari 2027 · tot en met zaterdag 6 februari 2027" in page
    assert page.count("vanaf maandag") == 1, "of those that hold already nobody asks since when"


async def test_hours_change(desk: DeskSite, bart: Clerk) -> None:
    key = await _monday_hours(desk)
    named = {f"{name}_{key}": value for name, value in {**SATURDAY, "dag": 0, "van": "10:00"}.items()}
    await bart.send(f"{PLACE}/uren/{key}", **named)
    assert not await _free(desk, "2026-12-14T09:00")
    assert await _free(desk, "2026-12-14T10:00")


async def test_hours_end_and_hold_today_still(desk: DeskSite, bart: Clerk) -> None:
    await bart.send(f"{PLACE}/uren/{await _monday_hours(desk)}/einde")
    assert await _free(desk, "2026-12-07T09:15")
    assert not await _free(desk, "2026-12-14T09:00")


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"van": "12:00", "tot": "09:00"}, "tot", "einduur dat na het beginuur"),
        ({"van": "09:02"}, "van", "uren op vijf minuten"),
        ({"van": ""}, "van", "Vul een uur in"),
        ({"tot": "25:00"}, "tot", "Vul een uur in"),
        ({"vanaf": ""}, "vanaf", "Kies vanaf welke dag"),
        ({"vanaf": "2026-02-30"}, "vanaf", "Kies vanaf welke dag"),
        ({"tm": "2026-01-01"}, "tm", "einde dat na het begin"),
        ({"tm": "morgen"}, "tm", "Vul een dag in"),
        ({"vanaf": "2026-10-03", "tm": "2026-12-05"}, "tm", "al voorbij"),
        ({"tm": "2026-12-11"}, "tm", "komt in deze periode niet meer voor"),
        ({"vanaf": "2026-12-05", "tm": "2026-12-11"}, "tm", "komt in deze periode niet meer voor"),
        ({"vanaf": "2026-12-05", "tm": "2026-12-18", "weken": 2}, "tm", "komt in deze periode niet meer voor"),
        ({"vanaf": "2026-12-13", "tm": "2026-12-19", "weken": 2}, "tm", "komt in deze periode niet meer voor"),
        ({"vorm": []}, "vorm", "minstens één manier"),
        ({"weken": 9}, "weken", "hoe vaak dit terugkomt"),
        ({"dag": 0}, "van", "vallen samen met andere uren"),
    ],
)
async def test_hours_that_cannot_be(
    desk: DeskSite, bart: Clerk, change: dict[str, Any], field: str, sentence: str
) -> None:
    page = html.unescape(await bart.send(f"{PLACE}/uren", 422, **{**SATURDAY, **change}))
    assert sentence in page and f'href="#{field}"' in page and f'id="{field}"' in page
    rows = select(availability).where(availability.c.staff_id == desk.office.bart)
    assert len(await desk.store.read(lambda tx: tx.execute(rows).all())) == 10


async def test_the_hours_of_a_colleague_are_not_mine(desk: DeskSite, bart: Clerk) -> None:
    theirs = select(availability.c.id).where(availability.c.staff_id == desk.office.els)
    key = await desk.store.read(lambda tx: tx.scalars(theirs).first())
    before = await desk.store.read(lambda tx: tx.execute(select(availability)).all())
    named = {f"{name}_{key}": value for name, value in SATURDAY.items()}
    assert "bestaat niet meer" in await bart.send(f"{PLACE}/uren/{key}", 422, **named)
    assert "bestaat niet meer" in await bart.send(f"{PLACE}/uren/{key}/einde", 422)
    assert await desk.store.read(lambda tx: tx.execute(select(availability)).all()) == before


async def test_an_absence_takes_hours_away_and_gives_them_back(desk: DeskSite, bart: Clerk) -> None:
    await bart.send(f"{PLACE}/dicht", weg_van="2026-12-08", weg_reden="opleiding")
    assert not await _free(desk, "2026-12-08T10:30")
    page = await bart.get(PLACE)
    assert "dinsdag 8 december 2026" in page and "opleiding" in page
    key = await desk.store.read(lambda tx: tx.scalar(select(closure.c.id)))
    await bart.send(f"{PLACE}/dicht/{key}/weg")
    assert await _free(desk, "2026-12-08T10:30")


async def test_an_absence_of_some_hours(desk: DeskSite, bart: Clerk) -> None:
    await bart.send(f"{PLACE}/dicht", weg_van="2026-12-08", weg_vanuur="10:00", weg_totuur="11:00")
    assert await _free(desk, "2026-12-08T09:30")
    assert not await _free(desk, "2026-12-08T10:30")
    assert await _free(desk, "2026-12-08T11:00")
    assert "dinsdag 8 december 2026, 10:00 – 11:00" in await bart.get(PLACE)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "weg-van"),
        ({"weg_van": "2026-12-08", "weg_tm": "2026-12-07"}, "weg-tm"),
        ({"weg_van": "2026-12-01"}, "weg-tm"),
        ({"weg_van": "2026-12-08", "weg_vanuur": "11:00", "weg_totuur": "10:00"}, "weg-tm"),
        ({"weg_van": "2026-12-08", "weg_vanuur": "laat"}, "weg-vanuur"),
        ({"weg_van": "2026-12-08", "weg_reden": "x" * 201}, "weg-reden"),
    ],
)
async def test_an_absence_that_cannot_be(desk: DeskSite, bart: Clerk, form: dict[str, str], field: str) -> None:
    page = await bart.send(f"{PLACE}/dicht", 422, **form)
    assert f'href="#{field}"' in page and f'id="{field}"' in page
    assert await desk.store.read(lambda tx: tx.execute(select(closure)).all()) == []


async def test_appointments_that_no_longer_fit_are_shown_and_stay(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    assert "past niet meer" not in await bart.get(PLACE)
    page = await bart.get(await bart.send(f"{PLACE}/dicht", weg_van="2026-12-08"))
    assert "1 afspraak past niet meer" in page and "An Peeters" in page
    assert "dinsdag 8 december 2026 om 10.30 uur" in await bart.get(f"/balie/afspraak/{booked.ref}")
    await bart.send(f"/balie/afspraak/{booked.ref}/verzetten", start=unix_s("2026-12-09T09:00"), bij=desk.office.bart)
    assert "past niet meer" not in await bart.get(PLACE)


async def test_a_service_is_closed_by_its_lead_only(desk: DeskSite, bart: Clerk) -> None:
    await desk.book(staff_id=desk.office.els)
    whole = {"wie": f"dienst-{desk.office.service}", "dicht_van": "2026-12-08"}
    assert "Sluit een dienst" not in await bart.get(PLACE)
    assert "bestaat niet meer" in await bart.send(f"{PLACE}/dicht", 422, **whole)

    def promote(tx: Any) -> None:
        accounts.set_roles(tx, MONDAY_S, desk.office.bart, ["lead"], [desk.office.service], "system")

    await desk.store.write(promote)
    for wrong in ("bestuur", "dienst-999", "dienst-x", "x"):
        assert "bestaat niet meer" in await bart.send(f"{PLACE}/dicht", 422, **{**whole, "wie": wrong})
    page = await bart.get(await bart.send(f"{PLACE}/dicht", **whole))
    assert "Vrije tijd" in page and "1 afspraak past niet meer" in page, "of a colleague, but the lead must know"
    assert not await _free(desk, "2026-12-08T10:30")


async def test_the_office_is_closed_by_an_admin(desk: DeskSite, bart: Clerk) -> None:
    await bart.sign_in("mia")
    await bart.send(
        f"{PLACE}/dicht", wie="bestuur", dicht_van="2026-12-24", dicht_tm="2026-12-31", dicht_reden="Eindejaar"
    )
    page = await bart.get(PLACE)
    assert "donderdag 24 december 2026 – donderdag 31 december 2026" in page and "het hele bestuur" in page
    assert not await _free(desk, "2026-12-28T10:30")
