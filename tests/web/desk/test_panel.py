"""Beside the call: what is known of it, a colleague to give it to, somebody more to invite."""

from __future__ import annotations

import asyncio
import json
import re
from typing import cast

import pytest
from aiohttp import web

from balie.booking import links, reading
from balie.booking.appointments import Booked
from balie.booking.reading import Appointment
from tests.support.desk import LIES, TUESDAY_1030, Clerk, DeskSite, arrive
from tests.support.office import unix_s
from web import keys


class Ear:
    """The WebSocket of somebody who waits, as far as the pump uses it."""

    def __init__(self, desk: DeskSite, connection: int) -> None:
        self.types: asyncio.Queue[str] = asyncio.Queue()
        desk.app[keys.PUMP].open(connection, cast(web.WebSocketResponse, self), lambda: None)

    async def send_str(self, data: str) -> None:
        self.types.put_nowait(json.loads(data)["type"])

    async def until(self, name: str) -> str:
        async with asyncio.timeout(5):
            while (found := await self.types.get()) != name:
                pass
        return found


async def call(desk: DeskSite, clerk: Clerk, **more: object) -> tuple[Booked, Appointment]:
    booked = await desk.book(**more)  # type: ignore[arg-type]
    desk.clock.now_s = unix_s(TUESDAY_1030)
    await clerk.sign_in("bart")
    return booked, await desk.store.read(reading.by_ref, booked.ref)


async def test_the_call_page_has_it(desk: DeskSite, bart: Clerk) -> None:
    booked, _ = await call(desk, bart, helpers=(LIES,), question="Mag mijn <b>dochter</b> mee?")
    page = await bart.get(f"/balie/gesprek/{booked.ref}")
    assert 'id="panel"' in page and "Mag mijn &lt;b&gt;dochter&lt;/b&gt; mee?" in page
    assert "An Peeters" in page and "dochter" in page and "+32 470 12 34 56" in page
    assert f'href="/balie/afspraak/nieuw?vervolg={booked.ref}" target="_blank"' in page
    assert "Els Maes" in page


async def test_a_call_goes_to_a_colleague(desk: DeskSite, bart: Clerk) -> None:
    booked, found = await call(desk, bart)
    said = Ear(desk, arrive(desk, found, "An Peeters"))
    page = await bart.send(f"/balie/gesprek/{booked.ref}/doorgeven", 200, collega=desk.office.els)
    assert "Het gesprek is nu van Els Maes." in page
    found = await desk.store.read(reading.by_ref, booked.ref)
    assert found.staff_id == desk.office.els
    assert "news" in await said.until("news"), "her page says who she will see"
    assert "Doorgegeven aan een collega" in await bart.get(f"/balie/afspraak/{booked.ref}")


@pytest.mark.parametrize("typed", ["", "0", "nobody", "4711"])
async def test_a_call_does_not_go_to_nobody(desk: DeskSite, bart: Clerk, typed: str) -> None:
    booked, _ = await call(desk, bart)
    page = await bart.send(f"/balie/gesprek/{booked.ref}/doorgeven", 422, collega=typed)
    assert 'id="collega-error"' in page


async def test_somebody_is_invited_by_qr_code(desk: DeskSite, bart: Clerk) -> None:
    booked, _ = await call(desk, bart)
    place = f"/balie/gesprek/{booked.ref}/uitnodigen"
    page = await bart.send(place, 200, helper_naam="Tom De Wit", helper_rol="interpreter")
    assert "Laat Tom De Wit de QR-code scannen." in page and "<svg" in page
    link = re.search(r"http://localhost/g/([\w-]+)", page)
    assert link is not None
    opened = await desk.store.read(links.find, link[1], desk.now_s)
    found = await desk.store.read(reading.by_ref, booked.ref)
    assert opened.state == "open" and opened.participant_id == found.helpers[0].id
    assert found.helpers[0].role == "interpreter" and found.helpers[0].mail == ""
    assert 'value="Tom De Wit"' not in page, "the form begins empty for the next one"


async def test_somebody_is_invited_by_mail(desk: DeskSite, bart: Clerk) -> None:
    booked, _ = await call(desk, bart)
    form = {"helper_naam": "Tom De Wit", "helper_rol": "interpreter", "helper_mail": "tom@voorbeeld.example"}
    page = await bart.send(f"/balie/gesprek/{booked.ref}/uitnodigen", 200, **form)
    assert "Tom De Wit krijgt een eigen uitnodiging." in page
    form["helper_mail"] = "tom"
    page = await bart.send(f"/balie/gesprek/{booked.ref}/uitnodigen", 422, **form)
    assert 'id="helper-mail-error"' in page and 'value="Tom De Wit"' in page


async def test_not_more_than_may(desk: DeskSite, bart: Clerk) -> None:
    booked, _ = await call(desk, bart)
    place = f"/balie/gesprek/{booked.ref}/uitnodigen"
    for name in ("Een", "Twee", "Drie"):
        page = await bart.send(place, 200, helper_naam=name, helper_rol="other")
    assert "Er doen al zoveel mensen mee als er kunnen." in page
    await bart.send(place, 422, helper_naam="Vier", helper_rol="other")


async def test_who_may_not_see_it_gets_nothing(desk: DeskSite, bart: Clerk) -> None:
    await bart.get("/balie/gesprek/NOSUCH1/paneel", 404)
    await bart.send("/balie/gesprek/NOSUCH1/doorgeven", 404, collega=desk.office.els)
    await bart.send("/balie/gesprek/NOSUCH1/uitnodigen", 404, helper_naam="Tom", helper_rol="other")


async def test_notes_are_for_colleagues(desk: DeskSite, bart: Clerk) -> None:
    booked, _ = await call(desk, bart)
    place = f"/balie/gesprek/{booked.ref}"
    await bart.send(f"{place}/notitie", 200, notitie="Wil elke dinsdag spelen.\n<b>")
    assert "Wil elke dinsdag spelen.\n&lt;b&gt;</textarea>" in await bart.get(f"{place}/paneel")
    page = await bart.send(f"{place}/notitie", 422, notitie="x" * 4001)
    assert 'id="notitie-error"' in page


async def test_next_steps_are_agreed_and_told(desk: DeskSite, bart: Clerk) -> None:
    booked, found = await call(desk, bart)
    said = Ear(desk, arrive(desk, found, "An Peeters"))
    place = f"/balie/gesprek/{booked.ref}/stappen"
    form = {"stap_tekst": "Het formulier opsturen", "stap_wie": "citizen", "stap_dag": "2026-12-11"}
    page = await bart.send(place, 200, **form)
    assert "Het formulier opsturen" in page and "tegen vrijdag 11 december 2026" in page
    assert await said.until("news")
    for wrong, field in (({"stap_tekst": ""}, "stap-tekst"), ({"stap_dag": "2026-12-01"}, "stap-dag")):
        page = await bart.send(place, 422, **{**form, **wrong})
        assert f'id="{field}-error"' in page
    which = re.search(r'name="stap" value="(\d+)"', page)
    assert which is not None
    assert "Het formulier opsturen" not in await bart.send(f"{place}/weg", 200, stap=which[1])
    await bart.send(f"{place}/weg", 422, stap=which[1])
