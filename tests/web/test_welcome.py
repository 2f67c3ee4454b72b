"""What the door says of an appointment, to whom it concerns; and what it says when there is no way in."""

from __future__ import annotations

import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import insert, update

from balie.booking import changes
from balie.booking.people import Person
from balie.store.schema import product, staff_photo
from tests.support import office
from tests.support.booking import KEY, LIES, TUESDAY_10_S, booked, entropy
from tests.support.office import MONDAY_S, Office
from tests.support.site import Client, Clock, Site, enter

PIXEL = bytes.fromhex("89504e470d0a1a0a")


@pytest_asyncio.fixture
async def client(site: Site, aiohttp_client: AiohttpClient) -> Client:
    """It is five to ten, on Tuesday, before anything runs: what is over by its clock is soon wrapped up."""
    site.clock.now_s = TUESDAY_10_S - 300
    return await aiohttp_client(site.balie.web)


@pytest_asyncio.fixture
async def town(client: Client, site: Site) -> Office:
    """A municipality in the site's own database."""
    return await site.balie.store.write(office.found)


async def door(client: Client, token: str, status: int = 200) -> str:
    response = await client.get(f"/g/{token}", allow_redirects=False)
    assert response.status == status, await response.text()
    return " ".join((await response.text()).split())


async def test_the_door_says_who_when_and_what_to_have_ready(client: Client, site: Site, town: Office) -> None:
    made = await booked(site.balie.store, town, helpers=(LIES,))
    an, lies = made.links.values()
    page = await door(client, an)
    assert "U hebt om 10 uur een videogesprek over ‘Badmintonterrein huren’." in page or "om 10.00 uur" in page
    assert "<strong>Bart Claes</strong>" in page and "Vrije tijd" in page
    assert "<li>Uw betaalkaart</li>" in page
    assert 'data-waits="yes"' in page and "U komt eerst in een wachtkamer." in page
    assert f'href="/a/{an}/test"' in page
    page = await door(client, lies)
    assert '<html lang="fr">' in page, "her language, as it was booked"
    assert "An Peeters" in page


async def test_words_of_a_product_and_a_picture_are_shown(client: Client, site: Site, town: Office) -> None:
    made = await booked(site.balie.store, town)
    (an,) = made.links.values()

    def decorate(tx: object) -> None:
        greetings = {"nl": "Fijn dat u <komt>."}
        tx.execute(update(product).where(product.c.id == town.badminton).values(welcomes=greetings))  # type: ignore[attr-defined]
        picture = {"mime": "image/png", "image": PIXEL, "changed_s": MONDAY_S}
        for each in (town.bart, town.els):
            tx.execute(insert(staff_photo).values(staff_id=each, **picture))  # type: ignore[attr-defined]

    await site.balie.store.write(decorate)
    page = await door(client, an)
    assert "Fijn dat u &lt;komt&gt;." in page
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in page


async def test_who_comes_early_may_test_and_look(client: Client, site: Site, town: Office) -> None:
    made = await booked(site.balie.store, town)
    (an,) = made.links.values()
    site.clock.now_s = MONDAY_S
    page = await door(client, an, 425)
    assert "De deur is nog niet open" in page
    assert f'href="/a/{an}/test"' in page and f'href="/a/{an}"' in page
    assert "Peeters" not in page, "a link may have been passed on"


async def test_a_link_that_is_no_more_shows_a_way_forward(client: Client, site: Site, town: Office) -> None:
    made = await booked(site.balie.store, town, seed=1)
    (an,) = made.links.values()
    later_s = TUESDAY_10_S + 86_400
    await site.balie.store.write(
        changes.move, MONDAY_S, entropy(2).randbytes, KEY, made.appointment_id, later_s, "citizen"
    )
    assert "Deze afspraak is verzet" in await door(client, an, 410)
    other = await booked(site.balie.store, town, seed=3, citizen=Person("Bo", mail="bo@example.org"))
    (bo,) = other.links.values()
    await site.balie.store.write(
        changes.cancel, MONDAY_S, entropy(4).randbytes, other.appointment_id, "citizen", by="citizen"
    )
    page = await door(client, bo, 410)
    assert "Deze afspraak is geannuleerd" in page and "Maak" in page


async def test_who_is_inside_elsewhere_is_asked(client: Client, site: Site) -> None:
    site.clock.now_s = Clock().now_s
    path = f"{site.links['open']}/join"
    _, welcome = await enter(client, (await (await client.post(path)).json())["token"])
    assert welcome["you"]["name"] == "An Peeters"
    response = await client.post(path)
    assert (response.status, (await response.json())["title"]) == (409, "here_already")
    assert "token" in await (await client.post(f"{path}?over=1")).json()


async def test_a_page_that_is_loaded_anew_keeps_its_language(client: Client) -> None:
    assert '<html lang="de">' in await (await client.get("/call?taal=de")).text()
    assert '<html lang="nl">' in await (await client.get("/call?taal=xx")).text()
