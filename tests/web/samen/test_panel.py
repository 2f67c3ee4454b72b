"""One panel for three: what staff opens, the citizen does, and everybody sees how it stands."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import cast

import pytest
from aiohttp import web

from balie.booking import reading
from balie.payments import errors as paying
from balie.record import tasks
from balie.reservations import errors as reserving
from balie.samen import state
from balie.store.schema import appointment
from tests.support import together
from tests.support.desk import arrive
from tests.support.html import faults
from tests.support.samen import CHECKOUT, Together
from tests.support.townhall import words
from web import keys

DAY = "2026-12-10"
AROUND = """<!doctype html>
<html lang="nl"><head><title>Gesprek</title></head><body><main><h1>Gesprek</h1><h2>Samen</h2>{}</main></body></html>
"""
HOUR = f"{together.FROM_S}-{together.UNTIL_S}"


def said(fragment: str) -> str:
    return words(f"<body>{fragment}")


class Ear:
    """The WebSocket of somebody in the call, as far as the pump uses it."""

    def __init__(self, call: Together, connection: int) -> None:
        self.news: list[str] = []
        call.desk.app[keys.PUMP].open(connection, cast(web.WebSocketResponse, self), lambda: None)

    async def send_str(self, data: str) -> None:
        message = json.loads(data)
        if message["type"] == "news":
            self.news.append(message["about"])


async def listening(call: Together) -> Ear:
    found = await call.desk.store.read(reading.by_ref, call.booked.ref)
    return Ear(call, arrive(call.desk, found, "Bart Claes", staff_id=call.desk.office.bart))


async def test_the_call_page_knows_where_it_is(call: Together) -> None:
    page = await call.bart.get(f"/balie/gesprek/{call.booked.ref}")
    assert f'data-path="{call.place}"' in page and '/js/desk/samen.js"' in page
    assert 'id="samen"' not in page, "staff has it in his own panel"


async def test_the_whole_story(call: Together) -> None:
    """An books a court: chosen, held, proved, paid, confirmed in her name; Bart opens each step and looks."""
    hall, till = call.hall, call.till
    assert "Hier komen de stappen" in await call.an.panel()
    reserve = await call.open("reserve")
    page = await call.an.panel()
    assert "Bart vraagt u: Kies een terrein." in page and f'action="{call.an.path}/{reserve}/uren"' in page
    assert "Badmintonterrein huren" in page
    # She chooses, and Bart sees it grow.
    hours = await (await call.an.get(f"/{reserve}/uren?dag={DAY}&deel=1")).text()
    assert "14.00 uur" in hours and "2 vrij" in hours and "€" in hours and "9,00" in hours
    assert (await call.an.send(f"/{reserve}/keuze", dag=DAY)).status == 204
    desk = await call.bart.get(call.place)
    assert "Kiest: donderdag 10 december 2026" in said(desk) and "bezig" in desk
    chosen = {"dag": DAY, "uur": HOUR, "tijd": f"{HOUR}-2", "naam": "Terrein 2"}
    assert (await call.an.send(f"/{reserve}/keuze", **chosen)).status == 204
    expected = "Kiest: Terrein 2, donderdag 10 december 2026, 14.00 uur tot 15.00 uur"
    assert expected in said(await call.bart.get(call.place))
    assert (await call.an.send(f"/{reserve}/reserveren", tijd=f"{HOUR}-2")).status == 200
    desk = said(await call.bart.get(call.place))
    assert "Terrein 2, donderdag 10 december 2026, 14.00 uur tot 15.00 uur · € 9,00" in desk.replace("\xa0", " ")
    assert "Vastgehouden tot" in desk and len(hall.kept) == 1
    # She proves her name, elsewhere.
    identify = await call.open("identify")
    page = await call.an.panel()
    assert 'target="_blank"' in page and f'action="/a/{call.an.token}/identificeren"' in page
    assert f'src="{call.an.path}/{identify}/qr"' in page
    await call.desk.store.write(together.proved, call.desk.now_s, call.booked.appointment_id)
    assert "An Peeters · niveau itsme" in said(await call.bart.get(call.place))
    # She pays, elsewhere.
    pay = await call.open("pay")
    assert "Terrein 2 · € 9,00" in said(await call.an.panel()).replace("\xa0", " ")
    answer = await call.an.send(f"/{pay}/betalen")
    assert answer.status == 200 and answer.headers["Refresh"].startswith(f"0;url={CHECKOUT}/")
    assert "wacht op de betaling" in await call.bart.get(call.place)
    (external_id,) = till.states
    till.states[external_id] = "paid"
    paid = (await call.desk.store.read(state.of, call.booked.appointment_id, "staff")).paid[0]
    await call.acts.look(paid.id)
    await call.acts.settle(call.booked.appointment_id)
    desk = said(await call.bart.get(call.place))
    assert "Bevestigd." in desk and "betaald om 10.35 uur" in desk and "3 van 3 stappen klaar" in desk
    assert list(hall.confirmed.values()) == ["An Peeters"]
    lies = said(await call.lies.panel())
    assert "3 van 3 stappen klaar" in lies and "Bevestigd." in lies
    assert "€" not in lies and "itsme" not in lies


async def test_steps_say_who_does_them_and_stand_in_their_order(call: Together) -> None:
    """A payment waits for what is chosen and proved, whenever it was opened; what is done is one line, which opens."""
    read = await call.open("read", stap_tekst="Breng een racket mee.")
    for kind in ("pay", "identify", "reserve"):
        await call.bart.send(f"{call.place}/stap", 200, soort=kind)
    pages = {"an": await call.an.panel(), "lies": await call.lies.panel(), "bart": await call.bart.get(call.place)}
    order = ["Lees dit", "Identificeer u", "Kies een terrein", "Betaal"]
    for page in pages.values():
        assert re.findall(r"<h4>([^<]+)</h4>", page.partition('class="guide"')[2].partition("</ol>")[0]) == order
    whose = {
        "an": ["U leest", "U bewijst wie u bent", "U kiest", "U betaalt"],
        "lies": ["An leest", "An identificeert zich", "An kiest", "An betaalt"],
    }
    for name, said_ in whose.items():
        assert re.findall(r'class="guide-who small">([^<]+)<', pages[name]) == said_
    assert "Lees dit: te doen. An leest." in pages["lies"]
    current = re.compile(r'data-key="step-(\d+)"[^>]* aria-current="step"')
    assert current.findall(pages["an"]) == [read] and "<summary class" not in pages["an"]
    await call.an.send(f"/{read}/gelezen")
    for who, by in ((call.an, "door u"), (call.lies, "door An")):
        page = await who.panel()
        over = page.partition(f'data-key="over-{read}"')[2]
        assert over.index("Lees dit") < over.index("klaar") < over.index(by) < over.index("</summary>")
        assert over.index("</summary>") < over.index("Breng een racket mee.") < over.index("</details>")
        assert read not in current.findall(page)


async def test_everybody_in_the_call_is_told(call: Together) -> None:
    ear = await listening(call)
    step = await call.open("reserve")
    await call.an.send(f"/{step}/keuze", dag=DAY)
    await call.an.send("/vraag", vraag="Mag mijn zoon mee?")
    await call.bart.send(f"{call.place}/agenda", 200, wat=f"product-{call.desk.office.badminton}", doe="klaar")
    async with asyncio.timeout(5):
        while len(ear.news) < 4:  # noqa: ASYNC110 - a turn of this loop is all that is waited for
            await asyncio.sleep(0)
    assert set(ear.news) == {"acts"}


async def test_what_went_wrong_is_said_where_it_did(call: Together) -> None:
    step = await call.open("reserve")
    answer = await call.an.send(f"/{step}/reserveren")
    assert answer.status == 422 and "Kies een uur en een terrein." in await answer.text()
    await call.acts.reserve(
        call.booked.appointment_id, call.desk.office.badminton, "1", together.FROM_S, together.UNTIL_S
    )
    call.hall.kept["somebody else"] = ("2", together.FROM_S)
    call.desk.clock.now_s += 1
    await call.bart.send(f"{call.place}/stap/{step}", 200, doe="opnieuw")
    answer = await call.an.send(f"/{step}/reserveren", tijd=f"{HOUR}-2")
    assert answer.status == 422 and "iemand anders was eerst" in await answer.text()
    for error in (reserving.Down(), reserving.Nonsense()):
        call.hall.broken = error
        hours = await (await call.an.get(f"/{step}/uren?dag={DAY}&deel=1")).text()
        assert "Het reservatiesysteem antwoordt niet." in hours
        answer = await call.an.send(f"/{step}/reserveren", tijd=f"{HOUR}-1")
        assert answer.status == 422 and "Het reservatiesysteem antwoordt niet." in await answer.text()


async def test_a_till_that_is_down_takes_nothing(call: Together) -> None:
    await call.desk.store.write(together.offer, call.desk.office.badminton, identification="none")
    await call.acts.reserve(
        call.booked.appointment_id, call.desk.office.badminton, "1", together.FROM_S, together.UNTIL_S
    )
    pay = await call.open("pay")
    for error, words_ in ((paying.Down(), "Er is niets betaald"), (paying.Refused(), "Er is niets betaald")):
        call.till.broken = error
        answer = await call.an.send(f"/{pay}/betalen")
        assert answer.status == 409 and words_ in await answer.text()
        call.desk.clock.now_s += 120
    page = await (await call.an.get(f"/{pay}/betalen")).text()
    assert "Ga naar de betaalpagina" in page


async def test_who_must_say_who_he_is_pays_later(call: Together) -> None:
    await call.acts.reserve(
        call.booked.appointment_id, call.desk.office.badminton, "1", together.FROM_S, together.UNTIL_S
    )
    pay = await call.open("pay")
    answer = await call.an.send(f"/{pay}/betalen")
    assert answer.status == 409 and "Eerst: identificeer u." in await answer.text()
    assert call.till.states == {}


async def test_something_else_after_all(call: Together) -> None:
    step = await call.open("reserve")
    await call.an.send(f"/{step}/reserveren", tijd=f"{HOUR}-2")
    assert "Kies iets anders" in await call.an.panel()
    call.desk.clock.now_s += 1
    page = await (await call.an.send(f"/{step}/vrijgeven")).text()
    assert call.hall.kept == {} and f'action="{call.an.path}/{step}/uren"' in page
    assert "te doen" in await call.bart.get(call.place)
    assert (await call.an.send(f"/{step}/vrijgeven")).status == 422


async def test_a_text_and_a_finger(call: Together) -> None:
    step = await call.open("read", stap_tekst="Breng uw <b>eigen</b> racket mee.")
    page = await call.an.panel()
    assert "Breng uw &lt;b&gt;eigen&lt;/b&gt; racket mee." in page
    desk = await call.bart.send(f"{call.place}/stap/{step}", 200, doe="wijs:gelezen")
    assert "Aangewezen: de knop ‘Ik heb dit gelezen’" in said(desk)
    page = await call.an.panel()
    assert 'data-pointed="gelezen"' in page and 'data-pointed-words="Bart wijst dit aan"' in page
    assert "Bart wijst iets aan: de knop ‘Ik heb dit gelezen’." in page
    await call.an.send(f"/{step}/gelezen")
    page = await call.bart.get(call.place)
    assert "klaar" in page and "Aangewezen" not in page


@pytest.mark.parametrize(
    ("way", "form"),
    [
        ("stap", {"soort": "read"}),
        ("stap", {"soort": "dansen"}),
        ("stap", {"soort": "pay:4711"}),
        ("vraag", {}),
        ("vraag", {"agenda-vraag": "x" * 501}),
        ("agenda", {"wat": "product-4711", "doe": "klaar"}),
        ("agenda", {"wat": "product-1", "doe": "weg"}),
        ("agenda", {"wat": "<b>", "doe": "klaar"}),
        ("product", {"product": "4711"}),
        ("product", {}),
        ("stap/4711", {"doe": "intrekken"}),
    ],
)
async def test_what_staff_cannot_do_is_said(call: Together, way: str, form: dict[str, str]) -> None:
    page = await call.bart.send(f"{call.place}/{way}", 422, **form)
    assert 'class="field-error"' in page


async def test_questions(call: Together) -> None:
    answer = await call.an.send("/vraag", vraag="")
    assert answer.status == 422 and 'aria-invalid="true"' in await answer.text()
    await call.an.send("/vraag", vraag="Mag mijn <b>zoon</b> mee?")
    page = await call.bart.get(call.place)
    assert "Mag mijn &lt;b&gt;zoon&lt;/b&gt; mee?" in page and "(vraag van de burger)" in page
    key = page.rpartition('value="question-')[2].partition('"')[0]
    await call.bart.send(f"{call.place}/agenda", 200, wat=f"question-{key}", doe="klaar")
    assert 'data-done="yes"' in await call.lies.panel()
    await call.bart.send(f"{call.place}/agenda", 200, wat=f"question-{key}", doe="weg")
    assert "zoon" not in await call.an.panel()
    story = await call.bart.get(f"/balie/afspraak/{call.booked.ref}")
    assert "Van de agenda gehaald" in story and "Aangepast" not in story


async def test_one_more_product_takes_longer_if_it_can(call: Together) -> None:
    permit = call.desk.office.permit
    page = await call.bart.send(f"{call.place}/product", 200, product=permit)
    assert "Het gesprek mag nu duren tot 11.45 uur." in page
    assert "Evenement aanvragen" in await call.an.panel()
    found = await call.desk.store.read(reading.by_ref, call.booked.ref)
    assert (found.end_s - found.start_s) // 60 == 75
    assert "Dit staat al op de agenda." in await call.bart.send(f"{call.place}/product", 422, product=permit)


async def test_one_more_product_without_time_is_said_plainly(call: Together) -> None:
    call.desk.clock.now_s -= 86_400
    await call.desk.book("2026-12-08T11:15")
    call.desk.clock.now_s += 86_400
    permit = call.desk.office.permit
    page = await call.bart.send(f"{call.place}/product", 422, product=permit)
    assert "de volgende afspraak van Bart begint om 11.15 uur." in page and 'name="toch"' in page
    page = await call.bart.send(f"{call.place}/product", 200, product=permit, toch="1")
    assert "Toegevoegd. Het gesprek duurt niet langer." in page
    found = await call.desk.store.read(reading.by_ref, call.booked.ref)
    assert (found.end_s - found.start_s) // 60 == 30 and len(found.products) == 2


async def test_a_page_of_its_own_without_a_script(call: Together) -> None:
    """As a browser without JavaScript would: pages, and back to the panel after each form."""
    step = await call.open("reserve")
    page = await (await call.an.get("")).text()
    assert "<h1>Samen</h1>" in page and "Toon de uren" in page
    page = await (await call.an.get(f"/{step}/uren?dag={DAY}")).text()
    assert "<h1>Kies een terrein</h1>" in page and "Terug naar de stappen" in page
    form = {"tijd": f"{HOUR}-2", "deel": ""}
    answer = await call.an.send(f"/{step}/reserveren", **form)
    assert (answer.status, answer.headers["Location"]) == (303, call.an.path)


async def test_a_qr_code_is_a_picture_of_ones_own_link(call: Together) -> None:
    step = await call.open("identify")
    answer = await call.an.get(f"/{step}/qr")
    assert answer.content_type == "image/svg+xml" and b"<svg" in await answer.read()
    assert (await call.an.get("/4711/qr")).status == 404


async def test_doors_that_are_shut(call: Together) -> None:
    step = await call.open("read", stap_tekst="Lees dit.")
    start_s = call.desk.clock.now_s
    for now_s, status in ((start_s - 2 * 86_400, 425), (start_s + 2 * 86_400, 410)):
        call.desk.clock.now_s = now_s
        await call.an.panel(status)
        assert (await call.an.send(f"/{step}/gelezen")).status == status
    call.desk.clock.now_s = start_s
    await call.desk.store.write(together.change, appointment, call.booked.appointment_id, status="completed")
    assert (await call.an.send(f"/{step}/gelezen")).status == 410
    assert (await call.an.client.get("/a/nooit-gemaakt/samen")).status == 404


async def test_every_state_of_it_is_valid_html(call: Together, tmp_path: Path) -> None:
    pages = {"empty": await call.an.panel(), "desk-empty": await call.bart.get(call.place)}
    steps = {kind: await call.open(kind) for kind in ("reserve", "identify", "pay", "document")}
    await call.open("read", stap_tekst='"><b>')
    await call.an.send("/vraag", vraag='"><b>')
    await call.an.send(f"/{steps['reserve']}/keuze", dag=DAY)
    pages |= {"open": await call.an.panel(), "third": await call.lies.panel()}
    pages["desk-open"] = await call.bart.send(f"{call.place}/stap/{steps['reserve']}", 200, doe="wijs:dag")
    pages["hours"] = await (await call.an.get(f"/{steps['reserve']}/uren?dag={DAY}&deel=1")).text()
    pages["wrong"] = await (await call.an.send(f"/{steps['reserve']}/reserveren")).text()
    pages["desk-wrong"] = await call.bart.send(f"{call.place}/vraag", 422)
    await call.an.send(f"/{steps['reserve']}/reserveren", tijd=f"{HOUR}-2")
    pages |= {"held": await call.an.panel(), "desk-held": await call.bart.get(call.place)}
    for each in steps.values():
        await call.bart.send(f"{call.place}/stap/{each}", 200, doe="intrekken")
    pages |= {"withdrawn": await call.an.panel(), "desk-withdrawn": await call.bart.get(call.place)}
    whole = {name: AROUND.format(re.sub(r"^\s+", "", page)) for name, page in pages.items()}
    whole["page"] = await (await call.an.get("")).text()
    whole["pay"] = await (await call.an.get(f"/{steps['pay']}/betalen")).text()
    assert faults(whole, tmp_path) == ""


async def test_the_wrap_up_knows_what_happened(call: Together) -> None:
    about, product_id, now_s = call.booked.appointment_id, call.desk.office.badminton, call.desk.now_s
    wrap_up = f"/balie/gesprek/{call.booked.ref}/afronden"
    assert "In het gesprek" not in await call.bart.get(wrap_up)
    await call.desk.store.write(together.reserved, now_s, about, product_id, "confirmed")
    await call.desk.store.write(together.proved, now_s, about)
    await call.desk.store.write(together.paid, now_s, about, product_id)
    page = said(await call.bart.get(wrap_up)).replace("\xa0", " ")
    court = f"Gereserveerd: {together.COURT}, donderdag 10 december 2026, 14.00 uur tot 15.00 uur · € 9,00. Bevestigd."
    assert page.count(court) == 2, "to read, and in the note"
    assert page.count("Geïdentificeerd: An Peeters") == 1, "what a note says is kept longer than who somebody is"
    assert "Betaling: € 9,00: betaald om 10.31 uur" in page
    await call.bart.send(wrap_up, notitie="Eigen woorden", doe="bewaar")
    page = said(await call.bart.get(wrap_up))
    assert page.count(court.replace("\xa0", " ")) <= 1 and "Eigen woorden" in page


async def test_a_task_that_is_open_means_that_it_goes_on(call: Together) -> None:
    wrap_up = f"/balie/gesprek/{call.booked.ref}/afronden"
    await call.desk.store.write(tasks.ask, call.desk.now_s, "reservation", 1, "slot_lost", call.booked.appointment_id)
    page = await call.bart.get(wrap_up)
    assert re.search(r'value="continues"[^>]* checked', page)
