"""Rather by telephone, as the waiting room's script asks it and the citizen hears that it was received."""

from __future__ import annotations

from typing import Any

import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient

from balie.booking import changes
from balie.booking.people import Person
from balie.visit import call_request
from tests.support import office
from tests.support.booking import LIES, TUESDAY_10_S, booked, entropy
from tests.support.office import Office
from tests.support.site import Client, Site

AN = Person("An Peeters", mail="an@voorbeeld.example", phone="0470 12 34 56")
READABLE = "+32 470 12 34 56"


@pytest_asyncio.fixture
async def client(site: Site, aiohttp_client: AiohttpClient) -> Client:
    site.clock.now_s = TUESDAY_10_S - 300
    return await aiohttp_client(site.balie.web)


@pytest_asyncio.fixture
async def town(client: Client, site: Site) -> Office:
    return await site.balie.store.write(office.found)


async def ask(client: Client, token: str, phone: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
    accept = {"Accept": "application/json", **headers}
    response = await client.post(f"/g/{token}/bel-mij", data={"telefoon": phone}, headers=accept)
    return response.status, await response.json()


async def test_the_request_is_received_and_stands_at_the_desk_once(client: Client, site: Site, town: Office) -> None:
    made = await booked(site.balie.store, town, citizen=AN)
    (token,) = made.links.values()
    page = await (await client.get(f"/g/{token}")).text()
    assert f'autocomplete="tel" maxlength="40" value="{READABLE}"' in page, "his own number stands there"
    assert await site.balie.store.read(call_request.waiting, [town.service]) == [], "looking asks nothing"
    for phone in (READABLE, ""):
        assert await ask(client, token, phone) == (200, {"number": READABLE})
    (found,) = await site.balie.store.read(call_request.waiting, [town.service])
    assert (found.who.name, found.task.ref, found.who.staff_id) == ("An Peeters", made.ref, town.bart)


async def test_a_number_is_asked_for_and_looked_at(client: Client, site: Site, town: Office) -> None:
    made = await booked(site.balie.store, town, helpers=(LIES,))
    lies = list(made.links.values())[1]
    for phone, title in (("", "phone_missing"), ("drie", "phone_invalid"), ("0" * 400, "phone_invalid")):
        status, body = await ask(client, lies, phone)
        assert (status, body["title"]) == (422, title)
    assert await ask(client, lies, "02 555 01 30") == (200, {"number": "+32 2 555 01 30"})


async def test_who_has_no_appointment_or_none_any_more(client: Client, site: Site, town: Office) -> None:
    made = await booked(site.balie.store, town, citizen=AN)
    (token,) = made.links.values()
    assert (await ask(client, "nobody"))[0] == 404
    status, body = await ask(client, site.links["open"].rpartition("/")[2])
    assert (status, body["title"]) == (404, "no_appointment"), "a link that this process made for itself"
    chance = entropy().randbytes
    await site.balie.store.write(
        changes.cancel, TUESDAY_10_S - 200, chance, made.appointment_id, "citizen", by="citizen"
    )
    assert (await ask(client, token))[0] == 404


async def test_another_website_cannot_ask(client: Client, site: Site, town: Office) -> None:
    made = await booked(site.balie.store, town, citizen=AN)
    (token,) = made.links.values()
    response = await client.post(f"/g/{token}/bel-mij", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status == 403
    assert await site.balie.store.read(call_request.waiting, [town.service]) == []
