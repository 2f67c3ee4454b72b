"""Who may do what: the citizen alone chooses, proves and pays.  Staff and who comes along have no way to (S33).

Nothing here trusts a list of routes that somebody wrote down: all that are served are asked.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from balie.booking import reading
from balie.hooks.keys import SCOPES, create_key
from balie.store.engine import Tx
from balie.store.schema import appointment, guide_step, identification, participant, payment, reservation, service
from tests.support import together
from tests.support.samen import Citizen, Together
from tests.web.samen.test_panel import DAY, HOUR

PERSONAL = {
    "tijd": f"{HOUR}-2",
    "dag": DAY,
    "uur": HOUR,
    "resource": "2",
    "from_s": str(together.FROM_S),
    "until_s": str(together.UNTIL_S),
    "naam": "Iemand Anders",
    "name": "Iemand Anders",
    "holder_id": "1",
    "acr": "hoog",
    "matches": "1",
    "state": "paid",
    "amount_cents": "1",
    "bedrag": "1",
    "method": "creditcard",
    "iban": "BE68539007547034",
    "checkout_url": "https://evil.example",
    "rijksregisternummer": "85.07.30-033.28",
    "product": "1",
    "stap": "1",
}
"""Fields of a citizen's acts, as forms of his or columns of ours call them."""
OWN = ("/a/{token}/samen/", "/a/{token}/identificeren")
"""Where a citizen's acts are."""
NOT_FOUND = (403, 404, 405, 410)


def routes(call: Together, *methods: str) -> list[tuple[str, str]]:
    """(method, path) of all that is served."""
    return [
        (each.method, each.resource.canonical)
        for each in call.desk.app.router.routes()
        if each.resource is not None and each.method in methods
    ]


def filled(path: str, call: Together, token: str = "", number: int = 1) -> str:
    given = {"token": token, "ref": call.booked.ref, "provider": "kassa"}
    return re.sub(r"\{(\w+)\}", lambda found: given.get(found[1], str(number)), path)


def acts(tx: Tx) -> list[Any]:
    """All that a citizen has, proved and paid, and who he is."""
    who = select(participant.c.name, participant.c.mail, participant.c.phone).where(participant.c.role == "citizen")
    tables = (select(reservation), select(payment), select(identification), select(guide_step.c.choice), who)
    return [tx.execute(each).all() for each in tables]


@pytest_asyncio.fixture
async def busy(call: Together) -> AsyncIterator[Together]:
    """All steps are open, and something of each act is there."""
    for kind in ("reserve", "identify", "pay"):
        await call.open(kind)
    about, product_id = call.booked.appointment_id, call.desk.office.badminton
    rows: tuple[tuple[Any, tuple[Any, ...]], ...] = (
        (together.reserved, (product_id,)),
        (together.proved, ()),
        (together.paid, (product_id, "open")),
    )
    for make, args in rows:
        await call.desk.store.write(make, call.desk.now_s, about, *args)
    for kind in ("document", "read"):
        await call.open(kind, stap_tekst="Lees dit.")
    yield call


async def test_who_comes_along_gets_403_on_every_act(busy: Together) -> None:
    before = await busy.desk.store.read(acts)
    asked = [each for each in routes(busy, "GET", "POST") if each[1].startswith(OWN) and not each[1].endswith("/deel")]
    assert len(asked) >= 11
    for method, path in asked:
        for number in (1, 2, 3, 5):
            where = filled(path, busy, busy.lies.token, number)
            headers = {"Sec-Fetch-Site": "same-origin"}
            kwargs: dict[str, Any] = {"data": PERSONAL} if method == "POST" else {}
            answer = await busy.lies.client.request(method, where, headers=headers, allow_redirects=False, **kwargs)
            assert answer.status == 403, f"{method} {where}: {answer.status}"
    assert await busy.desk.store.read(acts) == before


async def test_staff_gets_nothing_on_every_act_of_a_citizen(busy: Together) -> None:
    """Also with the link itself, which stands on a sheet that he printed: his session gives him away."""
    before = await busy.desk.store.read(acts)
    asked = [each for each in routes(busy, "POST") if each[1].startswith(OWN)]
    for token in (busy.an.token, busy.lies.token, busy.booked.ref, "x" * 27):
        for _method, path in asked:
            where = filled(path, busy, token)
            answer = await busy.bart.client.post(
                where, data={**PERSONAL, "csrf": busy.bart.token}, headers={"Sec-Fetch-Site": "same-origin"}
            )
            assert answer.status in NOT_FOUND, f"{where}: {answer.status}"
    assert await busy.desk.store.read(acts) == before


async def test_a_browser_in_which_staff_is_signed_in_says_why_nothing_is_done(busy: Together) -> None:
    """In the panel, which then offers nothing to press, and on the page of what is tried all the same."""
    headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    why, what = "In deze browser is een medewerker aangemeld.", "Open uw link in een privévenster"
    for path in ("", "/deel"):
        panel = await (await busy.bart.client.get(f"/a/{busy.an.token}/samen{path}", headers=headers)).text()
        assert why in panel and what in panel and 'method="post" action="/a/' not in panel
        assert why not in await (await busy.an.client.get(f"/a/{busy.an.token}/samen{path}", headers=headers)).text()
        assert (
            why not in await (await busy.bart.client.get(f"/a/{busy.lies.token}/samen{path}", headers=headers)).text()
        )
    answer = await busy.bart.client.post(f"/a/{busy.an.token}/samen/3/betalen", data={}, headers=headers)
    page = await answer.text()
    assert answer.status == 403 and "Dat kan niet in deze browser" in page and why in page and what in page
    assert 'href="/balie/sessies"' in page and "Er ging iets mis" not in page


@pytest.mark.parametrize("doe", ["", "opnieuw", "intrekken", "wijs:dag", "klaar", "klopt", "bewaar", "goedkeuren"])
async def test_no_page_of_the_desk_writes_a_citizens_act(busy: Together, doe: str) -> None:
    """Every form of the desk, sent with every field of a citizen's: what he has, proved and paid stays as it is.

    Left out are those that end the appointment, of which more follows, and the one that signs out.
    """
    left = ("/annuleren", "/verzetten", "/afmelden", "/aanmelden", "/wachtwoord", "/intrekken")
    before = await busy.desk.store.read(acts)
    asked = [path for _, path in routes(busy, "POST") if path.startswith("/balie") and not path.endswith(left)]
    assert len(asked) >= 25
    for path in asked:
        for number in (1, 2, 3):
            form = {**PERSONAL, "doe": doe, "soort": "pay", "csrf": busy.bart.token}
            answer = await busy.bart.client.post(filled(path, busy, number=number), data=form, allow_redirects=False)
            assert answer.status < 500, f"{path}: {answer.status}"
            now = await busy.desk.store.read(acts)
            if doe == "opnieuw" and "/samen/stap/" in path:  # his choice so far is asked anew, at staff's word
                now[3] = before[3]
                mine, then = [[{**each._mapping, "void_s": None} for each in rows[2]] for rows in (now, before)]
                assert mine == then, "and who he is: what he showed stays, and counts no longer"
                before[2] = now[2]
            assert now == before, path


async def test_the_api_has_no_such_field_either(busy: Together) -> None:
    key = await busy.desk.store.write(
        create_key, busy.desk.now_s, busy.desk.entropy.randbytes, busy.desk.office.organisation, "Crm", tuple(SCOPES)
    )
    before = await busy.desk.store.read(acts)
    asked = [each for each in routes(busy, "POST", "PUT", "PATCH", "DELETE") if each[1].startswith("/api/")]
    assert asked
    for method, path in asked:
        if path.endswith(("/cancel", "/move", "/reschedule")):
            continue
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"k{path}"}
        answer = await busy.bart.client.request(method, filled(path, busy), json=PERSONAL, headers=headers)
        assert answer.status in (400, 403, 404, 405, 409, 415, 422), f"{method} {path}: {answer.status}"
    assert await busy.desk.store.read(acts) == before


async def test_another_website_cannot_press_for_him(busy: Together) -> None:
    before = await busy.desk.store.read(acts)
    for _method, path in [each for each in routes(busy, "POST") if each[1].startswith(OWN)]:
        where = filled(path, busy, busy.an.token)
        answer = await busy.an.client.post(where, data=PERSONAL, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status == 403, where
    assert await busy.desk.store.read(acts) == before


async def test_nothing_of_another_appointment(busy: Together) -> None:
    """A step of An's, by the link of another citizen."""
    busy.desk.clock.now_s -= 86_400
    other = await busy.desk.book(staff_id=busy.desk.office.els)
    busy.desk.clock.now_s += 86_400
    stranger = Citizen(busy.an.client, next(iter(other.links.values())))
    before = await busy.desk.store.read(acts)
    for number, way in ((1, "keuze"), (1, "reserveren"), (1, "vrijgeven"), (3, "betalen"), (5, "gelezen")):
        answer = await stranger.send(f"/{number}/{way}", tijd=f"{HOUR}-2", dag=DAY)
        assert answer.status in (404, 409, 422), way
    assert await busy.desk.store.read(acts) == before


async def test_staff_of_another_service_sees_no_panel(busy: Together) -> None:
    found = await busy.desk.store.read(reading.by_ref, busy.booked.ref)

    def leave(tx: Tx) -> None:
        other = together.put(
            tx, service, organisation_id=busy.desk.office.organisation, slug="burgerzaken", names={"nl": "Burgerzaken"}
        )
        together.change(tx, appointment, found.id, service_id=other)

    await busy.desk.store.write(leave)
    await busy.bart.sign_in("bart")
    await busy.bart.get(busy.place, 404)
    await busy.bart.send(f"{busy.place}/stap", 404, soort="reserve")


async def test_without_a_session_there_is_no_desk(call: Together) -> None:
    for method, path in routes(call, "GET", "POST"):
        if path.startswith("/balie/gesprek/{ref}/samen"):
            headers = {"Sec-Fetch-Site": "same-origin"}
            kwargs: dict[str, Any] = {"data": PERSONAL} if method == "POST" else {}
            answer = await call.an.client.request(
                method, filled(path, call), headers=headers, allow_redirects=False, **kwargs
            )
            assert answer.status == 303 and answer.headers["Location"].startswith("/balie/aanmelden")
