"""The call from the desk: when there is one, and as whom staff comes in."""

from __future__ import annotations

from balie.booking import reading
from balie.booking.links import AFTER_S, BEFORE_S
from tests.support.desk import LIES, TUESDAY_1030, Clerk, DeskSite, arrive, say
from tests.support.office import unix_s
from web.keys import HUB


async def test_staff_comes_in_by_his_session(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    desk.clock.now_s = unix_s(TUESDAY_1030) - BEFORE_S
    await bart.sign_in("bart")
    page = await bart.get(f"/balie/gesprek/{booked.ref}")
    assert f'data-token-path="/balie/gesprek/{booked.ref}/join"' in page and "Dag Bart Claes" in page
    answer = await bart.client.post(f"/balie/gesprek/{booked.ref}/join")
    body = await answer.json()
    join = desk.app[HUB].tokens.verify(body["token"], desk.now_s)
    room = (await desk.store.read(reading.by_ref, booked.ref)).room
    assert (join.participant, join.room, join.role, join.name) == (
        f"staff-{desk.office.bart}",
        room,
        "staff",
        "Bart Claes",
    )
    assert join.grants.moderate and body["ws"] == "/ws"


async def test_the_door_of_staff_is_not_the_citizens(desk: DeskSite, bart: Clerk) -> None:
    """It says who waits, leads back, and neither asks for a payment card nor to call one's own desk."""
    booked = await desk.book()
    desk.clock.now_s = unix_s(TUESDAY_1030)
    await bart.sign_in("bart")
    place = f"/balie/gesprek/{booked.ref}"
    page = (await bart.get(place)).partition('<section id="waiting"')[0]
    assert "Er wacht nog niemand." in page and '<a href="/balie">' in page
    assert "Houd dit bij de hand" not in page and "Lukt het niet?" not in page
    arrive(desk, await desk.store.read(reading.by_ref, booked.ref), "An Peeters")
    page = (await bart.get(place)).partition('<section id="waiting"')[0]
    assert "net aangekomen" in page and '<p id="door-nobody" hidden>' in page


async def test_a_page_of_the_desk_that_does_not_exist(desk: DeskSite, bart: Clerk, stranger: Clerk) -> None:
    for path in ("/balie/bestaat-niet", "/balie/afspraak/ZZZZ2222"):
        page = await bart.get(path, 404)
        assert "Deze pagina bestaat niet" in page and '<a class="button" href="/balie">' in page
        assert 'href="/balie/afspraken"' in page and "uw bericht" not in page
    assert "uw bericht" in await bart.get("/bestaat-niet", 404), "elsewhere it is the citizen's"
    desk.clock.now_s += 40 * 86_400
    page = await stranger.get("/balie/bestaat-niet", 404)
    assert "uw bericht" in page and 'href="/balie/afspraken"' not in page


async def test_there_is_no_call_before_or_after_or_otherwise(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    phone = await desk.book("2026-12-08T11:30", modality="phone")
    start_s = unix_s(TUESDAY_1030)
    for ref, now_s in [
        (booked.ref, start_s - BEFORE_S - 1),
        (booked.ref, start_s + 30 * 60 + AFTER_S),
        (phone.ref, unix_s("2026-12-08T11:30")),
    ]:
        desk.clock.now_s = now_s
        await bart.sign_in("bart")
        await bart.get(f"/balie/gesprek/{ref}", 303)
        answer = await bart.client.post(f"/balie/gesprek/{ref}/join")
        assert answer.status == 410 and answer.content_type == "application/problem+json"


async def test_a_second_window_asks_before_it_takes_over(desk: DeskSite, bart: Clerk) -> None:
    """By accident twice at the desk: the conversation stays where it is until he says so."""
    booked = await desk.book()
    desk.clock.now_s = unix_s(TUESDAY_1030)
    found = await desk.store.read(reading.by_ref, booked.ref)
    await bart.sign_in("bart")
    place = f"/balie/gesprek/{booked.ref}/join"
    connection = arrive(desk, found, "Bart Claes", staff_id=desk.office.bart)
    answer = await bart.client.post(place)
    assert (answer.status, (await answer.json())["title"]) == (409, "here_already")
    assert (await bart.client.post(f"{place}?over=1")).status == 200
    # A tab that crashed says nothing, but its WebSocket closes: who comes back is asked nothing.
    desk.app[HUB].socket_lost(connection, desk.now_s * 1_000_000)
    assert (await bart.client.post(place)).status == 200


async def test_somebody_who_comes_along_comes_alone(desk: DeskSite, bart: Clerk) -> None:
    """The helper without the citizen: staff is told who it is, and lets her in like anybody."""
    booked = await desk.book(helpers=(LIES,))
    desk.clock.now_s = unix_s(TUESDAY_1030)
    found = await desk.store.read(reading.by_ref, booked.ref)
    await bart.sign_in("bart")
    lies = next(each.person for each in found.people if each.name == LIES.name)
    arrive(desk, found, LIES.name)
    page = await bart.get("/balie")
    assert 'data-alert="Lies De Smet wacht op u."' in page and "dochter" in page
    staff = arrive(desk, found, "Bart Claes", staff_id=desk.office.bart)
    say(desk, staff, {"type": "admit", "participant": lies})
    page = await bart.get("/balie")
    assert "in het gesprek" in page and "Lies De Smet" in page
    arrive(desk, found, "An Peeters")
    assert "net aangekomen" in await bart.get("/balie"), "who comes later waits, too"
