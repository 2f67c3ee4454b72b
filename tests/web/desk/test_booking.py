"""Booking by staff: for who telephones, stands at the desk or wrote; and what happens when it cannot be."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import func, insert, select

from balie.booking import reading
from balie.store.schema import appointment, audit, message, service
from balie.store.schema import product as products
from tests.support.desk import LIES, TUESDAY_1030, Clerk, DeskSite
from tests.support.office import unix_s

NEW = "/balie/afspraak/nieuw"
AN = {"naam": "An Peeters", "mail": "an.peeters@voorbeeld.example", "telefoon": "0470 12 34 56", "spreektaal": "fr"}


def _asked(desk: DeskSite, **more: Any) -> dict[str, Any]:
    start = unix_s(TUESDAY_1030)
    return {"product": desk.office.badminton, "vorm": "video", "start": start, "kanaal": "phone", **AN, **more}


async def test_a_booking_by_telephone_is_like_one_on_the_web(desk: DeskSite, bart: Clerk) -> None:
    """S1: the channel is recorded, and the same confirmation is on its way, in the language of who telephoned."""
    where = await bart.send(NEW, **_asked(desk, vraag="Kan het ook op zondag?"))
    ref = where.removeprefix("/balie/afspraak/").removesuffix("?gedaan=geboekt")
    found = await desk.store.read(reading.by_ref, ref)
    assert (found.channel, found.status, found.start_s) == ("phone", "booked", unix_s(TUESDAY_1030))
    assert found.question == "Kan het ook op zondag?" and found.created_by == f"staff:{desk.office.bart}"
    assert found.citizen is not None and (found.citizen.name, found.citizen.locale) == ("An Peeters", "fr")
    due = select(message.c.kind, message.c.locale).where(message.c.due_s == desk.now_s)
    assert await desk.store.read(lambda tx: tx.execute(due).all()) == [("confirmation", "fr")]
    trail = select(audit.c.action).where(audit.c.actor == f"staff:{desk.office.bart}", audit.c.object.contains(ref))
    assert await desk.store.read(lambda tx: tx.scalars(trail).all()) == ["booked"]


async def test_what_was_booked_is_shown_with_a_link_and_a_sheet(desk: DeskSite, bart: Clerk) -> None:
    page = await bart.get(await bart.send(NEW, **_asked(desk)))
    assert "De afspraak is geboekt" in page
    assert "<svg viewBox" in page and re.search(r"http://localhost/g/[A-Za-z0-9_-]{27}<", page)
    assert 'style="' not in page, "the page's policy allows no inline style"


async def test_somebody_comes_along(desk: DeskSite, bart: Clerk) -> None:
    helper = {"helper_naam": LIES.name, "helper_rol": "family", "helper_label": "dochter", "helper_mail": LIES.mail}
    where = await bart.send(NEW, **_asked(desk, **helper))
    found = await desk.store.read(reading.by_ref, where.split("/")[-1].split("?")[0])
    assert [(each.name, each.role, each.label) for each in found.helpers] == [("Lies De Smet", "family", "dochter")]


async def test_times_appear_as_soon_as_there_is_something_to_choose(desk: DeskSite, bart: Clerk) -> None:
    """The script asks for a piece of the page; without it the button gives the whole page, with what was typed."""
    piece = await bart.get(f"{NEW}/uren?product={desk.office.badminton}&vorm=video&vanaf=2026-12-08")
    assert piece.count('name="start"') == 18 and "dinsdag 8 december 2026" in piece and "<html" not in piece
    assert f'value="{unix_s("2026-12-08T09:00")}"' in piece
    page = await bart.send(NEW, 200, **_asked(desk, doe="uren", start=""))
    assert page.count('name="start"') == 18 and 'value="An Peeters"' in page
    assert "Kies eerst waarover het gaat" in await bart.get(f"{NEW}/uren")


async def test_staff_books_sooner_than_a_citizen_may(desk: DeskSite, bart: Clerk) -> None:
    """Two hours of notice are for the web: who is on the line can come at nine."""
    piece = await bart.get(f"{NEW}/uren?product={desk.office.badminton}")
    assert f'value="{unix_s("2026-12-07T09:00")}"' in piece
    desk.clock.now_s = unix_s("2026-12-07T08:50")
    await bart.send(NEW, **_asked(desk, start=unix_s("2026-12-07T09:00")))


async def test_a_time_that_was_just_taken(desk: DeskSite, bart: Clerk) -> None:
    """409, the next free times to choose from, and everything that was typed."""
    for staff_id in (desk.office.bart, desk.office.els):
        await desk.book(staff_id=staff_id)
    page = await bart.send(NEW, 409, **_asked(desk))
    assert "Dit uur is net ingenomen" in page and 'value="An Peeters"' in page
    assert page.count('name="start"') == 3 and f'value="{unix_s(TUESDAY_1030)}"' not in page


async def test_what_is_missing_or_wrong_is_said_at_its_field(desk: DeskSite, bart: Clerk) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"product": []}, "product"),
        ({"start": ""}, "start"),
        ({"start": "straks"}, "start"),
        ({"start": unix_s("2026-12-06T10:30")}, "start"),
        ({"start": unix_s("2026-12-08T12:30")}, "start"),
        ({"naam": ""}, "naam"),
        ({"naam": "A" * 300}, "naam"),
        ({"naam": "An\r\nBcc: iedereen@voorbeeld.example"}, "naam"),
        ({"mail": "", "telefoon": ""}, "mail"),
        ({"mail": "an@"}, "mail"),
        ({"telefoon": "12"}, "telefoon"),
        ({"vraag": "x" * 2001}, "vraag"),
        ({"helper_naam": "Lies", "helper_rol": "family"}, "helper-mail"),
        ({"helper_naam": "Lies", "helper_rol": "buur", "helper_mail": LIES.mail}, "helper-rol"),
    ]
    for change, field in wrong:
        page = await bart.send(NEW, 422, **_asked(desk, **change))
        assert f'<a href="#{field}">' in page, change
        assert f'id="{field}"' in page, change
    assert await desk.store.read(lambda tx: tx.scalar(select(func.count()).select_from(appointment))) == 0


async def test_products_of_two_services_are_two_appointments(desk: DeskSite, bart: Clerk) -> None:
    """And an admin sees the products of all services, Bart only those of his own."""

    def add(tx: Any) -> int:
        values = {"organisation_id": desk.office.organisation, "slug": "bevolking", "names": {"nl": "Bevolking"}}
        other = tx.execute(insert(service).values(**values)).inserted_primary_key[0]
        row = {"service_id": other, "slug": "kaart", "names": {"nl": "Identiteitskaart"}, "duration_min": 15}
        return int(tx.execute(insert(products).values(**row)).inserted_primary_key[0])

    other = await desk.store.write(add)
    assert "Identiteitskaart" not in await bart.get(NEW)
    assert "Kies eerst waarover" in await bart.get(f"{NEW}/uren?product={other}")
    await bart.sign_in("mia")
    assert "Identiteitskaart" in await bart.get(NEW)
    piece = await bart.get(f"{NEW}/uren?product={other}&product={desk.office.badminton}")
    assert "voor verschillende diensten" in piece
    page = await bart.send(NEW, 422, **_asked(desk, product=[other, desk.office.badminton]))
    assert "voor verschillende diensten" in page


async def test_a_follow_up_begins_with_what_is_known(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book(channel="web")
    page = await bart.get(f"{NEW}?vervolg={booked.ref}")
    assert 'value="An Peeters"' in page and 'value="+32 470 12 34 56"' in page and "Vervolgafspraak" in page
    where = await bart.send(NEW, **_asked(desk, start=unix_s("2026-12-15T10:30"), vervolg=booked.ref))
    found = await desk.store.read(reading.by_ref, where.split("/")[-1].split("?")[0])
    assert found.follow_up_of == booked.appointment_id
    assert booked.ref in await bart.get(where)


async def test_a_follow_up_of_nothing(desk: DeskSite, bart: Clerk) -> None:
    await bart.get(f"{NEW}?vervolg=AAAAAAA", 404)
    page = await bart.send(NEW, 422, **_asked(desk, vervolg="AAAAAAA"))
    assert 'href="#doe"' in page
