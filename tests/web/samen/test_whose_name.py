"""Whose name it is: nothing is paid or confirmed before that is sure, and a wrong one is corrected."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from balie.acts.errors import ActError
from balie.identity import records
from balie.samen import state
from balie.store.schema import audit, identification, reservation
from balie.visit import ending
from tests.support import together
from tests.support.samen import Together
from tests.support.townhall import words

WARNING = "Is dit de juiste persoon?"


def said(fragment: str) -> str:
    return words(f"<body>{fragment}").replace("\xa0", " ")


async def held(call: Together) -> int:
    about = (call.booked.appointment_id, call.desk.office.badminton)
    return await call.acts.reserve(*about, "1", together.FROM_S, together.UNTIL_S)


async def proved(call: Together, name: str = "An Peeters", *, matches: bool = True) -> int:
    """She comes back from the provider, a second later."""
    call.desk.clock.now_s += 1
    about = (call.desk.now_s, call.booked.appointment_id)
    made: int = await call.desk.store.write(together.proved, *about, name=name, matches=matches)
    return made


async def press(call: Together, step: str, what: str, status: int = 200) -> str:
    call.desk.clock.now_s += 1
    page = await call.bart.send(f"{call.place}/stap/{step}", status, doe=what)
    return said(page)


async def pays(call: Together, step: str) -> int:
    """The status of pressing the button; when she got through, the money arrives."""
    answer = await call.an.send(f"/{step}/betalen")
    if answer.status == 200:
        (external_id,) = call.till.states
        call.till.states[external_id] = "paid"
        paid = (await call.desk.store.read(state.of, call.booked.appointment_id, "staff")).paid[-1]
        await call.acts.look(paid.id)
    return answer.status


async def rows(call: Together, table: Any) -> list[Any]:
    return await call.desk.store.read(lambda tx: list(tx.execute(select(table).order_by(table.c.id)).all()))


async def test_the_wrong_person_is_corrected_and_the_court_is_in_the_right_name(call: Together) -> None:
    about = call.booked.appointment_id
    await held(call)
    step, pay = await call.open("identify"), await call.open("pay")
    wrong = await proved(call, "Jan Claes", matches=False)
    await press(call, step, "klopt")
    await press(call, step, "opnieuw")
    # As if nobody had ever shown anything.
    place = f"/a/{call.an.token}/identificeren"
    page = await (await call.an.client.get(place)).text()
    assert "nog niet gedaan" in page and "Jan Claes" not in page
    assert f'action="{place}"' in await call.an.panel()
    assert await pays(call, pay) == 409 and call.till.states == {}
    await call.acts.settle(about)
    assert call.hall.confirmed == {}
    with pytest.raises(ActError, match="identify_first"):
        await call.acts.reserve(about, call.desk.office.badminton, "2", together.FROM_S, together.UNTIL_S)
    await proved(call)
    assert await pays(call, pay) == 200
    assert list(call.hall.confirmed.values()) == ["An Peeters"]
    (kept,) = await rows(call, reservation)
    assert kept.state == "confirmed" and kept.holder_id != wrong
    first, _second = await rows(call, identification)
    assert (first.name, first.state) == ("Jan Claes", "verified") and first.void_s, "it stays, and counts no longer"


async def test_asked_anew_ends_what_was_begun(call: Together) -> None:
    """Whoever is at the provider at that moment comes back with nothing."""
    step = await call.open("identify")
    about = (call.desk.now_s, call.booked.appointment_id)
    begun = await call.desk.store.write(together.proved, *about, "started", expires_s=call.desk.now_s + 900)
    await press(call, step, "opnieuw")
    (row,) = await rows(call, identification)
    assert (row.id, row.state) == (begun, "expired")
    asked = await call.desk.store.read(records.asked, call.desk.now_s, call.booked.appointment_id)
    assert asked is not None and asked.state == "open"


async def test_what_stands_in_a_name_elsewhere_is_not_asked_anew(call: Together) -> None:
    await held(call)
    step, pay = await call.open("identify"), await call.open("pay")
    await proved(call)
    assert await pays(call, pay) == 200 and call.hall.confirmed
    assert "al iets gereserveerd op deze naam" in await press(call, step, "opnieuw", 422)
    (row,) = await rows(call, identification)
    assert row.void_s is None and "klaar" in said(await call.an.panel())


async def test_a_name_that_differs_waits_for_staff(call: Together) -> None:
    await held(call)
    step, pay = await call.open("identify"), await call.open("pay")
    await proved(call, "Anna <Peeters>", matches=False)
    page = await call.bart.get(call.place)
    assert "Anna &lt;Peeters&gt;" in page
    shown = said(page)
    assert WARNING in shown and "De afspraak is van: An Peeters." in shown and "kijk de naam na" in shown
    assert "0 van 2 stappen klaar" in shown and "Eerst: kijk de naam na" in shown
    citizen = said(await call.an.panel())
    assert "De medewerker kijkt dit nu na." in citizen and "Eerst kijkt de medewerker uw naam na." in citizen
    assert WARNING not in said(await call.lies.panel()) and "Anna" not in await call.lies.panel()
    assert await pays(call, pay) == 409 and call.till.states == {}
    shown = await press(call, step, "klopt")
    assert WARNING not in shown and "Bart Claes keek dit na: het klopt." in shown
    (row,) = await rows(call, identification)
    assert row.accepted_s == call.desk.now_s and row.accepted_by == call.desk.office.bart
    actions = [each.action for each in await rows(call, audit) if each.actor == f"staff:{call.desk.office.bart}"]
    assert "guide_step_accepted" in actions
    assert await pays(call, pay) == 200 and list(call.hall.confirmed.values()) == ["Anna <Peeters>"]
    await press(call, step, "klopt", 422)


async def test_what_costs_nothing_is_confirmed_by_that_word(call: Together) -> None:
    key = await held(call)
    await call.desk.store.write(together.change, reservation, key, price_cents=0)
    step = await call.open("identify")
    await proved(call, "Anna Peeters", matches=False)
    await call.acts.settle(call.booked.appointment_id)
    assert call.hall.confirmed == {}
    await press(call, step, "klopt")
    assert list(call.hall.confirmed.values()) == ["Anna Peeters"]


async def test_a_payment_waits_for_who_somebody_is(call: Together) -> None:
    """Whatever staff opened first, and whether or not the other step is there."""
    await held(call)
    pay = await call.open("pay")
    page = await call.an.panel()
    assert "Eerst: identificeer u." in said(page) and f'action="{call.an.path}/{pay}/betalen"' not in page
    assert f'href="/a/{call.an.token}/identificeren"' in page and 'aria-current="step"' not in page
    assert "Eerst: identificeer u." in said(await (await call.an.get(f"/{pay}/betalen")).text())
    assert "Eerst: de burger identificeert zich." in said(await call.bart.get(call.place))
    await call.open("identify")
    page = await call.an.panel()
    present = page.partition('aria-current="step"')[0].rpartition('data-key="')[2]
    assert "Bart vraagt u: Identificeer u." in present, "the name is what is to be done now"
    await proved(call)
    page = await call.an.panel()
    assert f'action="{call.an.path}/{pay}/betalen"' in page and "Eerst:" not in said(page)


@pytest.mark.parametrize("differs", [False, True], ids=["an open step", "a name that differs"])
async def test_the_wrap_up_says_what_is_left(call: Together, differs: bool) -> None:
    wrap_up, listed = f"/balie/gesprek/{call.booked.ref}/afronden", "/balie/afhandeling"
    await call.open("identify")
    if differs:
        await proved(call, "Jan Claes", matches=False)
    ended = (call.desk.now_s, call.desk.entropy.randbytes, call.booked.appointment_id, "system")
    await call.desk.store.write(ending.end, *ended)
    page = await call.bart.get(wrap_up)
    assert 'value="continues" checked' in page and "Nog iets te doen" in page
    assert ("Identificeer u: kijk de naam na" if differs else "Identificeer u: te doen") in said(page)
    page = await call.bart.get(listed)
    assert "Nog iets te doen: Identificeer u" in said(page) and 'value="rond-af"' not in page
    assert ("Jan Claes · niveau itsme. De naam wijkt af" in said(await call.bart.get(wrap_up))) == differs


async def test_the_wrap_up_says_who_sent_a_document(call: Together) -> None:
    step = int(await call.open("document"))
    about = (call.desk.now_s, call.booked.appointment_id, step)
    await call.desk.store.write(together.sent, *about, name="attest.pdf")
    await call.desk.store.write(together.sent, *about, name="call.png", direction="out", file="uit", guide_step_id=None)
    page = said(await call.bart.get(f"/balie/gesprek/{call.booked.ref}/afronden"))
    assert "Document van de burger: attest.pdf" in page and "Document aan de burger: call.png" in page
    assert "is aangekomen" not in page
