"""The waiting room on the first page: who sees whom, when it changes, what it is called, and when it ends."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import ClientResponse
from pytest_aiohttp.plugin import AiohttpClient

from balie.booking import reading
from balie.booking.appointments import Booked
from balie.booking.reading import Appointment
from balie.staff import accounts, sessions
from balie.visit import device_test, transfer
from tests.support import together
from tests.support.desk import LIES, TUESDAY_1030, Clerk, DeskSite, arrive, say
from tests.support.office import unix_s
from tests.support.tree import ROOT

START_S = unix_s(TUESDAY_1030)
PERFECT = {
    "browser": "good",
    "microphone": "good",
    "camera": "good",
    "speaker": "good",
    "network": "good",
    "transport": "udp",
    "program": "chrome",
    "system": "android",
}


class Stream:
    """What comes down /balie/live."""

    def __init__(self, answer: ClientResponse) -> None:
        self.answer = answer

    async def next(self, name: str = "room") -> str:
        """The HTML of the next picture, or what another event says."""
        async with asyncio.timeout(10):
            while True:
                line = (await self.answer.content.readline()).decode()
                if line == f"event: {name}\n":
                    data = (await self.answer.content.readline()).decode()
                    return str(json.loads(data.removeprefix("data: ")).get("html", ""))
                assert line, "the stream ended"


async def listen(clerk: Clerk) -> Stream:
    answer = await clerk.client.get("/balie/live")
    assert answer.status == 200 and answer.content_type == "text/event-stream"
    return Stream(answer)


async def call(desk: DeskSite, minutes: int = 0, **more: object) -> tuple[Booked, Appointment]:
    """An appointment with An and Lies, and it is now so many minutes after its beginning."""
    booked = await desk.book(helpers=(LIES,), **more)  # type: ignore[arg-type]
    desk.clock.now_s = START_S + 60 * minutes
    return booked, await desk.store.read(reading.by_ref, booked.ref)


async def test_who_arrives_is_shown_at_once(desk: DeskSite, bart: Clerk) -> None:
    _, found = await call(desk)
    await bart.sign_in("bart")
    stream = await listen(bart)
    assert "Er is nu niemand in de wachtkamer." in await stream.next()
    arrive(desk, found, "An Peeters")
    page = await stream.next()
    assert 'data-alert="An Peeters wacht op u."' in page and "net aangekomen" in page
    assert f'href="/balie/gesprek/{found.ref}"' in page and "10.30 uur" in page and "van u" in page
    arrive(desk, found, "Lies De Smet")
    page = await stream.next()
    assert "dochter" in page and 'data-alert="An Peeters en Lies De Smet wachten op u."' in page
    assert "An Peeters" in await bart.get("/balie"), "without JavaScript the page has it too"


async def test_who_was_let_in_is_in_the_call(desk: DeskSite, bart: Clerk) -> None:
    _, found = await call(desk)
    await bart.sign_in("bart")
    an, staff = arrive(desk, found, "An Peeters"), arrive(desk, found, "Bart Claes", staff_id=desk.office.bart)
    stream = await listen(bart)
    page = await stream.next()
    assert "binnen: Bart Claes" in page and 'data-alert=""' in page, "inside he hears it there"
    say(desk, staff, {"type": "admit", "participant": found.people[0].person})
    page = await stream.next()
    assert "in het gesprek" in page and 'data-alert=""' in page
    say(desk, staff, {"type": "hold", "participant": found.people[0].person})
    assert "in de wacht" in await stream.next()
    say(desk, an, {"type": "leave"})
    assert "Er is nu niemand in de wachtkamer." in await stream.next()


@pytest.mark.parametrize(
    ("minutes", "words", "tone"),
    [(3, "wacht 3 minuten", "good"), (6, "wacht 6 minuten", "slow"), (12, "wacht al 12 minuten", "bad")],
)
async def test_waiting_is_marked_by_how_long(desk: DeskSite, bart: Clerk, minutes: int, words: str, tone: str) -> None:
    _, found = await call(desk)
    arrive(desk, found, "An Peeters")
    desk.clock.now_s += 60 * minutes
    await bart.sign_in("bart")
    page = await bart.get("/balie")
    assert f'<span class="mark {tone}">{words}</span>' in page


async def test_who_comes_early_does_not_wait_long(desk: DeskSite, bart: Clerk) -> None:
    _, found = await call(desk, minutes=-20)
    arrive(desk, found, "An Peeters")
    desk.clock.now_s += 60 * 19
    await bart.sign_in("bart")
    assert '<span class="mark good">wacht 19 minuten</span>' in await bart.get("/balie")


async def test_the_light_of_a_shared_test(desk: DeskSite, bart: Clerk) -> None:
    _, found = await call(desk)
    an = found.people[0].id
    await desk.store.write(device_test.note, desk.now_s, an, PERFECT, {"rtt_ms": 20, "loss_percent": 0})
    arrive(desk, found, "An Peeters")
    await bart.sign_in("bart")
    assert '<span class="light good">toestel getest: in orde</span>' in await bart.get("/balie")


async def test_the_card_says_who_else_comes_and_how_the_acts_stand(desk: DeskSite, bart: Clerk) -> None:
    await desk.store.write(together.offer, desk.office.badminton)
    booked, found = await call(desk)
    arrive(desk, found, "An Peeters")
    await bart.sign_in("bart")
    page = await bart.get("/balie")
    assert "komt ook: Lies De Smet (dochter)" in page and "nog niet geïdentificeerd" in page
    assert "betaald" not in page, "nothing to pay yet"
    about, product = booked.appointment_id, desk.office.badminton
    court = await desk.store.write(together.reserved, desk.now_s, about, product)
    assert "nog niet betaald" in await bart.get("/balie")
    await desk.store.write(together.proved, desk.now_s, about, name="Ann Pieters", matches=False)
    assert '<span class="mark slow">geïdentificeerd: de naam wijkt af</span>' in await bart.get("/balie")
    await desk.store.write(together.proved, desk.now_s + 1, about)
    await desk.store.write(together.paid, desk.now_s, about, product, reservation_id=court)
    arrive(desk, found, "Lies De Smet")
    page = await bart.get("/balie")
    assert '<span class="mark good">geïdentificeerd</span>' in page and "komt ook" not in page
    assert '<span class="mark good">betaling: betaald</span>' in page


async def test_a_colleague_sees_it_and_is_not_alerted(
    desk: DeskSite, bart: Clerk, aiohttp_client: AiohttpClient
) -> None:
    _, found = await call(desk)
    arrive(desk, found, "An Peeters")
    els = Clerk(await aiohttp_client(desk.app))
    await els.sign_in("els")
    page = await els.get("/balie")
    assert "An Peeters" in page and 'data-alert=""' in page and "Bart Claes" in page
    # Who belongs to another service does not learn that somebody is here.
    args = (desk.now_s, desk.office.els, ["counter"], (), "system")
    await desk.store.write(accounts.set_roles, *args)
    assert "Er is nu niemand in de wachtkamer." in await els.get("/balie")


async def test_who_gets_a_call_from_a_colleague_is_alerted(
    desk: DeskSite, bart: Clerk, aiohttp_client: AiohttpClient
) -> None:
    _, found = await call(desk)
    arrive(desk, found, "An Peeters")
    staff = arrive(desk, found, "Bart Claes", staff_id=desk.office.bart)
    say(desk, staff, {"type": "admit", "participant": found.people[0].person})
    els = Clerk(await aiohttp_client(desk.app))
    await els.sign_in("els")
    stream = await listen(els)
    assert 'data-alert=""' in await stream.next()
    args = (desk.now_s, desk.entropy.randbytes, found.id, desk.office.els, f"staff:{desk.office.bart}")
    assert await desk.store.write(transfer.transfer, *args)
    page = await stream.next()
    assert 'data-alert="Bart Claes geeft u het gesprek met An Peeters door."' in page and "van u" in page
    arrive(desk, found, "Els Maes", staff_id=desk.office.els)
    assert 'data-alert=""' in await stream.next()


async def test_a_stream_ends_with_its_session(desk: DeskSite, bart: Clerk) -> None:
    stream = await listen(bart)
    await stream.next()
    await desk.store.write(sessions.revoke_all, desk.office.bart)
    await stream.next("signed_out")
    assert (await stream.answer.content.read()).strip() == b""
    assert (await bart.client.get("/balie/live")).status == 401


async def test_listening_keeps_no_session_alive(desk: DeskSite, bart: Clerk) -> None:
    desk.clock.now_s += sessions.IDLE_S - 1
    stream = await listen(bart)
    await stream.next()
    desk.clock.now_s += 2
    assert (await bart.client.get("/balie/live")).status == 401
    stream.answer.close()


def test_the_page_has_what_its_script_looks_for() -> None:
    page = (ROOT / "web/templates/desk/today.html").read_text()
    for name in ("waiting-room", "waiting-list", "waiting-said", "waiting-lost", "waiting-sound", "waiting-notify"):
        assert f'id="{name}"' in page
