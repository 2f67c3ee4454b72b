"""Who asks to be telephoned: on the first page at once, at the appointment, and closed with how it ended."""

from __future__ import annotations

import pytest
import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient

from balie.booking import reading
from balie.booking.appointments import Booked
from balie.record import tasks
from balie.staff import accounts
from balie.visit import call_request
from tests.support.desk import TUESDAY_1030, Clerk, DeskSite, fail_message
from tests.support.office import unix_s
from tests.web.desk.test_live import listen

START_S = unix_s(TUESDAY_1030)
NUMBER = "+32 470 12 34 56"
WANTS = "An Peeters vraagt om gebeld te worden."


async def ask(desk: DeskSite, booked: Booked) -> int:
    """An asks; returns the task."""
    found = await desk.store.read(reading.by_ref, booked.ref)
    await desk.store.write(call_request.ask, desk.now_s, desk.entropy.randbytes, found.people[0].id)
    (waiting,) = await desk.store.read(call_request.waiting, [desk.office.service])
    return waiting.task.id


@pytest_asyncio.fixture(autouse=True)
async def _at_the_hour(desk: DeskSite) -> None:
    """Everybody who signs in does so then."""
    desk.clock.now_s = START_S - 7200


async def test_it_stands_on_the_first_page_at_once_and_rings(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    stream = await listen(bart)
    assert "Er is nu niemand in de wachtkamer." in await stream.next()
    task_id = await ask(desk, booked)
    page = await stream.next()
    assert f'data-alert="{WANTS}"' in page and "vraagt om gebeld te worden" in page
    assert f'href="tel:+32470123456">{NUMBER}</a>' in page and "10.30 uur" in page and "van u" in page
    assert f'href="/balie/taken#taak-{task_id}"' in page and "Er is nu niemand" not in page
    page = await bart.get("/balie")
    assert WANTS in page and "1 taak wacht" in page, "without JavaScript the page has it too"
    await bart.send(f"/balie/taken/{task_id}", doe="bereikt")
    assert "Er is nu niemand in de wachtkamer." in await stream.next()


async def test_colleagues_see_it_and_are_not_alerted(
    desk: DeskSite, bart: Clerk, aiohttp_client: AiohttpClient
) -> None:
    await ask(desk, await desk.book())
    els = Clerk(await aiohttp_client(desk.app))
    await els.sign_in("els")
    page = await els.get("/balie")
    assert NUMBER in page and 'data-alert=""' in page and "Bart Claes" in page
    await desk.store.write(accounts.set_roles, desk.now_s, desk.office.els, ["counter"], (), "system")
    assert NUMBER not in await els.get("/balie"), "who belongs to another service need not know"


async def test_the_appointment_and_the_call_s_panel_say_it(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    await fail_message(desk, booked)
    task_id = await ask(desk, booked)
    page = await bart.get(f"/balie/afspraak/{booked.ref}")
    assert f"{WANTS} <a" in page and f'href="/balie/taken#taak-{task_id}"' in page
    assert "Er staat 1 taak open" in page, "the other one is about a message"
    assert "Gevraagd om gebeld te worden" in page
    assert WANTS in await bart.get(f"/balie/gesprek/{booked.ref}/paneel")


@pytest.mark.parametrize(
    ("doe", "outcome", "how"),
    [
        ("bereikt", "Gesproken aan de telefoon. Komt langs.", "telefoon"),
        ("niet-bereikt", "Gebeld, maar niet bereikt. Komt langs.", "videogesprek"),
    ],
)
async def test_it_is_closed_with_how_it_ended(desk: DeskSite, bart: Clerk, doe: str, outcome: str, how: str) -> None:
    booked = await desk.book()
    task_id = await ask(desk, booked)
    page = await bart.get("/balie/taken")
    assert WANTS in page and NUMBER in page and "Open sinds dinsdag 8 december 2026 om 8.30 uur" in page
    assert "Probeer opnieuw" not in page and "Schrijf naar een ander adres" not in page
    form = {"doe": doe, f"gebeld_{task_id}": "Komt langs."}
    assert await bart.send(f"/balie/taken/{task_id}", **form) == "/balie/taken?gedaan=taak"
    task = await desk.store.read(tasks.get, task_id)
    assert (task.state, task.how, task.outcome, task.staff_name) == ("done", "phoned", outcome, "Bart Claes")
    assert outcome in await bart.get("/balie/taken?toon=afgehandeld")
    page = await bart.get(f"/balie/afspraak/{booked.ref}")
    assert "Taak: de burger gebeld" in page and WANTS not in page and f"<dd>{how}" in page
    assert "Een collega was u voor" in await bart.send(f"/balie/taken/{task_id}", 422, **form)


async def test_words_are_not_needed_but_have_an_end(desk: DeskSite, bart: Clerk) -> None:
    task_id = await ask(desk, await desk.book())
    form = {"doe": "bereikt", f"gebeld_{task_id}": "x" * 490}
    page = await bart.send(f"/balie/taken/{task_id}", 422, **form)
    assert "Schrijf het korter" in page and f'href="#gebeld-{task_id}"' in page
    await bart.send(f"/balie/taken/{task_id}", doe="bereikt")


@pytest.mark.parametrize("doe", ["opnieuw", "sms", "adres", "gebeld"])
async def test_it_is_no_message_to_send_again(desk: DeskSite, bart: Clerk, doe: str) -> None:
    task_id = await ask(desk, await desk.book())
    form = {"doe": doe, f"adres_{task_id}": "an@elders.example", f"gebeld_{task_id}": "Ja."}
    assert "Deze taak bestaat niet meer" in await bart.send(f"/balie/taken/{task_id}", 422, **form)
    assert (await desk.store.read(tasks.get, task_id)).state == "open"


async def test_it_may_be_closed_without_a_call(desk: DeskSite, bart: Clerk) -> None:
    task_id = await ask(desk, await desk.book())
    assert "Schrijf hoe het afliep" in await bart.send(f"/balie/taken/{task_id}", 422, doe="sluit")
    await bart.send(f"/balie/taken/{task_id}", doe="sluit", **{f"sluit_{task_id}": "Stond aan het loket."})
    assert (await desk.store.read(tasks.get, task_id)).state == "skipped"
