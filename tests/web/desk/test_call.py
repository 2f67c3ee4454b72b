"""The call from the desk: when there is one, and as whom staff comes in."""

from __future__ import annotations

from balie.booking import reading
from balie.booking.links import AFTER_S, BEFORE_S
from tests.support.desk import TUESDAY_1030, Clerk, DeskSite
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
