"""My appointment behind my link: what I can do about it, what others can not, and what a dead link says."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from icalendar import Calendar
from sqlalchemy import Connection, func, select, update

from balie.booking import changes, reading
from balie.booking.reading import Appointment
from balie.store.schema import appointment as appointments
from balie.store.schema import message, metadata, product
from tests.support.booking import LIES, TUESDAY_10_S, booked, entropy
from tests.support.office import MONDAY_S, Office, unix_s
from tests.support.townhall import PHONE, SERVICE_PHONE, Client, Townhall, page_of, sent, words
from web.language import COOKIE

Make = Callable[..., Awaitable[list[str]]]
HELPER = [("naam", "Tom Tolk"), ("rol", "interpreter"), ("mail", "tom@example.org"), ("telefoon", "")]


async def now(hall: Townhall) -> Appointment:
    """The appointment as it stands."""
    found = await hall.store.read(reading.between, MONDAY_S, MONDAY_S + 10**7)
    return max(found, key=lambda each: each.sequence)


async def mails_leave(hall: Townhall) -> None:
    """Of a mail that never left, nothing can be known."""
    leave = update(message).where(message.c.kind == "confirmation").values(status="submitted", submitted_s=MONDAY_S)
    await hall.store.write(lambda tx: tx.execute(leave) and None)


async def evidence(hall: Townhall) -> set[str]:
    query = select(message.c.read_evidence).where(message.c.kind == "confirmation")
    return await hall.store.read(lambda tx: set(tx.scalars(query)))


def everything(tx: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {name: [tuple(row) for row in tx.execute(select(table))] for name, table in metadata.tables.items()}


async def test_looking_changes_nothing(client: Client, hall: Townhall, appointment: Make) -> None:
    """Mail scanners open every link twenty times (S19)."""
    paths = await appointment(helpers=(LIES,))
    before = await hall.store.read(everything)
    for _ in range(20):
        for path in paths:
            for below in (
                "",
                "/verzetten",
                "/annuleren",
                "/iemand-mee",
                "/telefoon",
                "/afspraak.ics",
                "/verzetten?start=1796720400",
            ):
                assert (await client.get(path + below)).status in (200, 409)
                assert (await client.head(path + below)).status in (200, 409)
        for below in ("/komt", "/gezien", "/vorm"):
            assert (await client.get(paths[0] + below)).status == 405
    assert await hall.store.read(everything) == before


async def test_my_appointment(client: Client, appointment: Make, hall: Townhall) -> None:
    path, _ = await appointment(helpers=(LIES,))
    page = await page_of(await client.get(path))
    said = words(page)
    for expected in (
        "dinsdag 8 december 2026 om 10.00 uur",
        "30 minuten",
        "Badmintonterrein huren",
        (await now(hall)).staff_name,
        (await now(hall)).ref,
        "Uw betaalkaart",
        "Lies Peeters",
        "Familie, dochter",
        "De deur gaat open op dinsdag 8 december 2026 om 9.30 uur: een half uur voor het begin.",
    ):
        assert expected in said
    assert f"/g/{path.removeprefix('/a/')}" not in page, "the door is not open yet"


async def test_the_door_opens_half_an_hour_before(client: Client, hall: Townhall, appointment: Make) -> None:
    (path,) = await appointment()
    door = f'href="/g/{path.removeprefix("/a/")}"'
    hall.clock.now_s = TUESDAY_10_S - 1801
    assert "De deur gaat open om 9.30 uur" in words(await page_of(await client.get(path)))
    hall.clock.now_s = TUESDAY_10_S - 1800
    assert door in await page_of(await client.get(path))
    hall.clock.now_s = TUESDAY_10_S + 1800 + 3599
    assert door in await page_of(await client.get(path))
    hall.clock.now_s += 1
    assert "Deze afspraak is voorbij" in await page_of(await client.get(path), 410)


async def test_i_come(client: Client, hall: Townhall, appointment: Make) -> None:
    (path,) = await appointment()
    await mails_leave(hall)
    assert "Bedankt, we weten dat u komt." in await sent(client, f"{path}/komt")
    assert (await now(hall)).status == "confirmed"
    assert await evidence(hall) == {"confirmed"}
    page = await page_of(await client.get(path))
    assert "U liet weten dat u komt." in page
    assert "/komt" not in page
    await sent(client, f"{path}/komt")


async def test_who_does_something_has_seen_it(client: Client, hall: Townhall, appointment: Make) -> None:
    """Not who only opens it: the page tells after a key or a touch."""
    (path,) = await appointment()
    await mails_leave(hall)
    assert f'data-seen="{path}/gezien"' in await page_of(await client.get(path))
    assert await evidence(hall) == {"none"}
    await sent(client, f"{path}/gezien", status=204)
    assert await evidence(hall) == {"link_opened"}


async def test_move(client: Client, hall: Townhall, appointment: Make) -> None:
    path, helper = await appointment(helpers=(LIES,))
    page = await page_of(await client.get(f"{path}/verzetten?dag=2026-12-09"))
    new_s = unix_s("2026-12-09T14:30")
    assert f'name="start" value="{new_s}"' in page
    sure = await page_of(await client.get(f"{path}/verzetten?start={new_s}"))
    assert "Wordt woensdag 9 december 2026 om 14.30 uur" in words(sure)
    assert (await now(hall)).start_s == TUESDAY_10_S, "not yet"
    moved = await sent(client, f"{path}/verzetten", ("start", str(new_s)))
    assert "Uw afspraak is verzet." in moved
    assert "woensdag 9 december 2026 om 14.30 uur" in words(moved)
    assert "Lies Peeters" in moved
    for old in (path, helper):
        gone = await page_of(await client.get(old), 410)
        assert "Deze afspraak is verzet" in gone
        assert "Peeters" not in gone
        assert SERVICE_PHONE in gone


async def test_move_to_a_time_that_was_just_taken(
    client: Client, hall: Townhall, appointment: Make, municipality: Office
) -> None:
    (path,) = await appointment()
    new_s = unix_s("2026-12-08T14:30")
    for seed in (2, 3):
        await booked(hall.store, municipality, new_s, seed=seed)
    page = await sent(client, f"{path}/verzetten", ("start", str(new_s)), status=409)
    said = words(page)
    assert "Iemand anders nam dit uur net voor u" in said
    assert "Uw afspraak staat nog altijd op dinsdag 8 december 2026 om 10.00 uur." in said
    assert SERVICE_PHONE in said
    free = re.findall(r'name="start" value="(\d+)"', page)
    assert len(free) == 3
    await sent(client, f"{path}/verzetten", ("start", free[0]))


@pytest.mark.parametrize("start", ["", "0", "vrijdag", str(TUESDAY_10_S + 60), "9" * 11])
async def test_move_to_no_time_at_all(client: Client, hall: Townhall, appointment: Make, start: str) -> None:
    (path,) = await appointment()
    page = await sent(client, f"{path}/verzetten", ("start", start), status=409)
    assert SERVICE_PHONE in words(page)
    assert (await now(hall)).start_s == TUESDAY_10_S


async def test_move_to_where_it_is(client: Client, hall: Townhall, appointment: Make) -> None:
    (path,) = await appointment()
    assert "Uw afspraak" in await sent(client, f"{path}/verzetten", ("start", str(TUESDAY_10_S)))
    assert (await now(hall)).sequence == 0


async def test_cancel(client: Client, hall: Townhall, appointment: Make) -> None:
    path, helper = await appointment(helpers=(LIES,))
    assert "Wilt u deze afspraak annuleren?" in await page_of(await client.get(f"{path}/annuleren"))
    assert (await now(hall)).status == "booked"
    page = await sent(client, f"{path}/annuleren", ("reden", "Ik ben ziek."))
    assert "Uw afspraak is geannuleerd" in page
    found = await now(hall)
    assert (found.status, found.reason) == ("cancelled_citizen", "Ik ben ziek.")
    for old in (path, helper):
        gone = await page_of(await client.get(old), 410)
        assert "Deze afspraak is geannuleerd" in gone
        assert 'href="/afspraak/nieuw?product=badminton"' in gone
    for below in ("/annuleren", "/verzetten", "/komt", "/iemand-mee", "/vorm"):
        assert "Deze afspraak is geannuleerd" in await sent(client, path + below, *HELPER, status=410)


async def test_a_reason_that_is_too_long(client: Client, hall: Townhall, appointment: Make) -> None:
    (path,) = await appointment()
    page = await sent(client, f"{path}/annuleren", ("reden", "x" * 501), status=422)
    assert "Dit is te lang: er passen 500 tekens in. Haal er 1 weg." in page
    assert "x" * 501 in page
    assert (await now(hall)).status == "booked"


async def test_the_office_cancels_while_i_look(client: Client, hall: Townhall, appointment: Make) -> None:
    (path,) = await appointment()
    found = await now(hall)
    await hall.store.write(changes.cancel, MONDAY_S, entropy().randbytes, found.id, "staff:1", by="office")
    for below in ("/annuleren", "/verzetten", "/komt"):
        page = await sent(client, path + below, ("start", str(TUESDAY_10_S + 3600)), status=410)
        assert "Deze afspraak is geannuleerd" in page


@pytest.mark.parametrize(
    ("way", "said"), [("phone", "We bellen u op +32470123456."), ("desk", "Dorpsplein 1, 9999 Voorbeeldegem")]
)
async def test_in_another_way(client: Client, hall: Townhall, appointment: Make, way: str, said: str) -> None:
    (path,) = await appointment()
    page = await sent(client, f"{path}/vorm", ("vorm", way))
    assert said in words(page)
    assert "Dag en uur blijven dezelfde." in page
    found = await now(hall)
    assert (found.modality, found.start_s) == (way, TUESDAY_10_S)


async def test_a_way_that_the_product_does_not_have(
    client: Client, hall: Townhall, municipality: Office, appointment: Make
) -> None:
    (path,) = await appointment()
    only = update(product).where(product.c.id == municipality.badminton).values(modalities=["video"])
    await hall.store.write(lambda tx: tx.execute(only) and None)
    assert "Liever" not in await page_of(await client.get(path))
    for way in ("phone", "video", "brief", ""):
        assert "Dat kan nu niet meer" in await sent(client, f"{path}/vorm", ("vorm", way), status=409)


async def test_bring_somebody_and_leave_him_out(client: Client, hall: Townhall, appointment: Make) -> None:
    (path,) = await appointment()
    assert "Stuur een link" in await page_of(await client.get(f"{path}/iemand-mee"))
    page = await sent(client, f"{path}/iemand-mee", *HELPER, ("spreektaal", "fr"))
    assert "Tom Tolk" in page
    (tom,) = (await now(hall)).helpers
    assert (tom.role, tom.locale, tom.mail) == ("interpreter", "fr", "tom@example.org")
    page = await sent(client, f"{path}/iemand-mee/{tom.id}/weg")
    assert "Tom Tolk" not in page
    assert (await now(hall)).helpers == ()
    assert "Dat kan nu niet meer" in await sent(client, f"{path}/iemand-mee/{tom.id}/weg", status=409)


async def test_a_helper_who_is_left_out_has_no_link_any_more(client: Client, hall: Townhall, appointment: Make) -> None:
    path, helper = await appointment(helpers=(LIES,))
    (lies,) = (await now(hall)).helpers
    await sent(client, f"{path}/iemand-mee/{lies.id}/weg")
    page = await page_of(await client.get(helper), 404)
    assert "We kennen deze link niet" in page


async def test_what_is_wrong_with_a_helper(client: Client, hall: Townhall, appointment: Make) -> None:
    (path,) = await appointment()
    fields = [("naam", ""), ("rol", "staff"), ("mail", "tom"), ("telefoon", "12"), ("label", "l" * 65)]
    page = await sent(client, f"{path}/iemand-mee", *fields, status=422)
    for field in ("naam", "rol", "mail", "telefoon", "label"):
        assert f'href="#{field}"' in page
    assert 'value="tom"' in page
    assert (await now(hall)).helpers == ()


async def test_no_more_helpers_than_may(client: Client, hall: Townhall, appointment: Make) -> None:
    path = (await appointment(helpers=(LIES, LIES, LIES)))[0]
    assert "Breng iemand mee" not in await page_of(await client.get(path))
    page = await sent(client, f"{path}/iemand-mee", *HELPER, status=422)
    assert "Er kan niemand meer bij." in page
    assert len((await now(hall)).helpers) == 3


async def test_who_comes_along_sees_what_he_needs_and_changes_nothing(
    client: Client, hall: Townhall, appointment: Make
) -> None:
    _, path = await appointment(helpers=(LIES,))
    page = await page_of(await client.get(path, headers={"Cookie": f"{COOKIE}=nl"}))
    assert "U komt mee met An Peeters." in words(page)
    for secret in ("an@example.org", "+32470123456", "verzetten", "annuleren", "iemand-mee", "/vorm"):
        assert secret not in page
    before = await now(hall)
    away = f"/iemand-mee/{before.helpers[0].id}/weg"
    for below in ("/verzetten", "/annuleren", "/vorm", "/telefoon", "/iemand-mee", away):
        fields = [("start", str(TUESDAY_10_S + 3600)), ("vorm", "phone"), *HELPER, ("telefoon", "0470123457")]
        await sent(client, path + below, *fields, status=409)
    assert await now(hall) == before
    await sent(client, f"{path}/komt")
    assert (await now(hall)).status == "booked", "that is for the citizen to say"


async def test_a_link_speaks_its_owner_s_language(client: Client, appointment: Make) -> None:
    """Unless he chose another."""
    path, helper = await appointment(helpers=(LIES,))
    assert '<html lang="nl">' in await page_of(await client.get(path))
    assert '<html lang="fr">' in await page_of(await client.get(helper))
    chosen = {"Cookie": f"{COOKIE}=de"}
    assert '<html lang="de">' in await page_of(await client.get(helper, headers=chosen))


async def test_a_file_for_a_calendar(client: Client, hall: Townhall, appointment: Make) -> None:
    (path,) = await appointment()
    response = await client.get(f"{path}/afspraak.ics")
    assert response.content_type == "text/calendar"
    (event,) = Calendar.from_ical(await response.read()).events
    found = await now(hall)
    assert (str(event["UID"]), event["SEQUENCE"]) == (found.uid, 0)
    assert event.start == datetime.fromtimestamp(TUESDAY_10_S, UTC)
    assert str(event["URL"]) == f"http://localhost{path}"
    for secret in ("An Peeters", "an@example.org", "Badminton"):
        assert secret not in await response.text(), "calendars are shared with others"


@pytest.mark.parametrize("token", ["onbekend", "x" * 5000, "..%2f..", "%07", "a b", "%F0%9F%98%80", "<script>"])
async def test_any_text_may_be_asked_for(client: Client, token: str) -> None:
    for path in (f"/a/{token}", f"/afspraak/bevestigd/{token}"):
        page = await page_of(await client.get(path), 404)
        assert PHONE in words(page)
        assert "<script>" not in page.partition("<body")[2]


async def test_pages_behind_a_link_are_kept_nowhere(client: Client, appointment: Make) -> None:
    (path,) = await appointment()
    for each in (path, f"{path}/verzetten", f"/afspraak/bevestigd/{path.removeprefix('/a/')}"):
        headers = (await client.get(each)).headers
        assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")


async def test_one_link_opens_one_appointment(
    client: Client, hall: Townhall, appointment: Make, municipality: Office
) -> None:
    """A helper's number from somebody else's appointment is nobody here."""
    (path,) = await appointment()
    other = await booked(hall.store, municipality, TUESDAY_10_S + 3600, seed=5, helpers=(LIES,))
    lies = list(other.links)[1]
    await sent(client, f"{path}/iemand-mee/{lies}/weg", status=409)
    standing = await hall.store.read(reading.by_id, other.appointment_id)
    assert [each.name for each in standing.helpers] == [LIES.name]


async def test_too_late_to_change(client: Client, hall: Townhall, appointment: Make) -> None:
    (path,) = await appointment()
    hall.clock.now_s = TUESDAY_10_S + 60
    page = await page_of(await client.get(path))
    for gone in ("verzetten", "annuleren", "iemand-mee", "/vorm", "/telefoon"):
        assert gone not in page
    for below in ("/verzetten", "/annuleren", "/iemand-mee", "/telefoon"):
        assert "Dat kan nu niet meer" in await page_of(await client.get(path + below), 409)
    assert "Dat kan nu niet meer" in await sent(client, f"{path}/vorm", ("vorm", "phone"), status=409)
    assert await hall.store.read(lambda tx: tx.scalar(select(func.count()).select_from(appointments))) == 1
