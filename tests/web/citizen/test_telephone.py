"""Rather by telephone: which number, given or changed by the citizen himself on his own page."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from balie.booking import reading
from balie.booking.people import Person
from balie.booking.reading import Appointment
from balie.store.schema import audit, message, product
from tests.support.booking import booked
from tests.support.office import MONDAY_S, Office
from tests.support.townhall import SERVICE_PHONE, Client, Townhall, page_of, sent, words

NUMBER = "+32470123456"


async def _link(hall: Townhall, here: Office, phone: str = "", mail: str = "an@example.org") -> str:
    made = await booked(hall.store, here, citizen=Person("An", mail=mail, phone=phone))
    return f"/a/{next(iter(made.links.values()))}"


async def _now(hall: Townhall) -> Appointment:
    (found,) = await hall.store.read(reading.between, MONDAY_S, MONDAY_S + 10**7)
    return found


async def _letters(hall: Townhall) -> list[str]:
    query = select(message.c.status).where(message.c.kind == "changed").order_by(message.c.id)
    return await hall.store.read(lambda tx: list(tx.scalars(query)))


async def test_who_gave_no_number_is_asked_for_one(client: Client, hall: Townhall, municipality: Office) -> None:
    path = await _link(hall, municipality)
    page = await sent(client, f"{path}/vorm", ("vorm", "phone"))
    assert "Op welk nummer bellen we u?" in page
    assert (await _now(hall)).modality == "video", "asking changes nothing"
    page = await sent(client, f"{path}/telefoon", ("telefoon", "0470 12 34 56"))
    assert f"We bellen u op {NUMBER}." in words(page) and "We bellen u op het nummer dat u opgaf." in page
    found = await _now(hall)
    assert found.citizen is not None
    assert (found.modality, found.citizen.phone, found.status) == ("phone", NUMBER, "booked")
    assert await _letters(hall) == ["scheduled"], "one, about both"
    actions = select(audit.c.action, audit.c.actor, audit.c.detail).order_by(audit.c.id)
    trail = await hall.store.read(lambda tx: [tuple(row) for row in tx.execute(actions)])
    assert [(action, actor) for action, actor, _ in trail[1:]] == [("phone_changed", "citizen"), ("changed", "citizen")]
    assert "470" not in str(trail)


async def test_a_number_is_changed(client: Client, hall: Townhall, municipality: Office) -> None:
    path = await _link(hall, municipality, NUMBER)
    page = await sent(client, f"{path}/vorm", ("vorm", "phone"))
    assert f'href="{path}/telefoon">Wijzig dit nummer<' in page
    assert f'value="{NUMBER}"' in await page_of(await client.get(f"{path}/telefoon"))
    page = await sent(client, f"{path}/telefoon", ("telefoon", " 02/555 01 30 "))
    assert "We bellen u op +3225550130." in words(page)
    assert await _letters(hall) == ["cancelled", "scheduled"], (
        "the second says what the first would have said, and more"
    )
    await sent(client, f"{path}/telefoon", ("telefoon", "025550130"))
    assert await _letters(hall) == ["cancelled", "scheduled"], "the same number is no news"


async def test_text_messages_follow_the_number(client: Client, hall: Townhall, municipality: Office) -> None:
    path = await _link(hall, municipality, NUMBER, mail="")
    await sent(client, f"{path}/telefoon", ("telefoon", "0470 65 43 21"))
    query = select(message.c.recipient).where(message.c.status == "scheduled").distinct()
    assert await hall.store.read(lambda tx: list(tx.scalars(query))) == ["+32470654321"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Vul het nummer in waarop we u mogen bellen."),
        ("  ", "Vul het nummer in waarop we u mogen bellen."),
        ("12", "Dit nummer klopt niet."),
        ("bel maar", "Dit nummer klopt niet."),
        ("0470 12 34 56 78 90", "Dit nummer klopt niet."),
        ("0470\r\n123456", "een teken in dat we niet kunnen lezen"),
        ("9" * 500, "Dit is te lang"),
    ],
)
async def test_a_number_that_is_none(
    client: Client, hall: Townhall, municipality: Office, typed: str, sentence: str
) -> None:
    path = await _link(hall, municipality, NUMBER)
    before = await _now(hall)
    page = await sent(client, f"{path}/telefoon", ("telefoon", typed), status=422)
    assert sentence in page and 'href="#telefoon"' in page and "<title>Fout: " in page
    assert SERVICE_PHONE in words(page)
    assert await _now(hall) == before


async def test_a_product_that_is_not_done_by_telephone(client: Client, hall: Townhall, municipality: Office) -> None:
    path = await _link(hall, municipality)
    only = product.update().values(modalities=["video"])
    await hall.store.write(lambda tx: tx.execute(only) and None)
    assert "Dat kan nu niet meer" in await page_of(await client.get(f"{path}/telefoon"), 409)
    assert "Dat kan nu niet meer" in await sent(client, f"{path}/telefoon", ("telefoon", NUMBER), status=409)
    found = await _now(hall)
    assert found.citizen is not None and found.citizen.phone == ""
