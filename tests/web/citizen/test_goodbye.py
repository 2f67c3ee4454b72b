"""The goodbye's own page: what was agreed, and a question that is answered or not, without JavaScript too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from balie.booking import parting, reading
from balie.record import schedule
from balie.store.engine import Tx
from balie.store.schema import message, metadata, payment, reservation, survey_invitation, survey_response
from balie.visit import ending, steps, survey
from tests.support import together
from tests.support.booking import KEY, LIES, booked, entropy
from tests.support.html import faults
from tests.support.office import MONDAY_S, Office
from tests.support.townhall import PHONE, Client, Townhall, page_of, sent
from web.citizen.goodbye import device_of

CHANCE = entropy(5).randbytes
PHONE_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148"
JSON = {"Accept": "application/json", "Sec-Fetch-Site": "same-origin"}


@dataclass
class Parted:
    """The paths of the goodbye of An, and of her daughter."""

    an: str
    lies: str
    id: int


@pytest_asyncio.fixture
async def parted(hall: Townhall, municipality: Office) -> Parted:
    """A visit that is over, with two steps agreed."""
    made = await booked(hall.store, municipality, helpers=(LIES,))
    key, write = made.appointment_id, hall.store.write
    paths = [f"/b/{await write(parting.offer, MONDAY_S, CHANCE, KEY, each)}" for each in made.links]
    await write(steps.add, MONDAY_S, key, "staff:1", "De factuur <b>betalen</b>", "citizen", "2026-12-15")
    await write(steps.add, MONDAY_S, key, "staff:1", "Uw sleutel klaarleggen", "office")
    await write(ending.end, MONDAY_S, CHANCE, key, "staff:1")
    return Parted(paths[0], paths[1], key)


def answers(tx: Tx) -> list[tuple[str, str, dict[str, str]]]:
    found = tx.execute(select(survey_response.c.device, survey_response.c.locale, survey_response.c.answers))
    return [(row.device, row.locale, row.answers) for row in found]


def states(tx: Tx) -> list[str]:
    return list(tx.scalars(select(survey_invitation.c.state).order_by(survey_invitation.c.id)))


async def test_it_says_what_was_agreed_and_asks(client: Client, parted: Parted) -> None:
    page = await page_of(await client.get(parted.an))
    assert "De factuur &lt;b&gt;betalen&lt;/b&gt; (voor dinsdag 15 december 2026)" in page
    assert page.index("Dit doet u") < page.index("De factuur") < page.index("Dit doen wij") < page.index("Uw sleutel")
    assert page.count("<fieldset") == 4 and 'name="better"' in page and "Sluit de balie" in page


async def test_who_came_along_is_asked_too_and_need_not_know_what_it_was_about(client: Client, parted: Parted) -> None:
    page = await page_of(await client.get(parted.lies))
    assert "factuur" not in page and '<html lang="fr">' in page and page.count("<fieldset") == 4
    told = await (await client.get(f"{parted.lies}/stappen", headers=JSON)).json()
    assert told == {"asks": True, "over": True, "papers": [], "settled": [], "steps": []}


async def settled(client: Client, path: str) -> list[str]:
    told = await (await client.get(f"{path}/stappen", headers=JSON)).json()
    return [each.replace("\u00a0", " ") for each in told["settled"]]


async def test_it_says_what_is_reserved_and_paid_and_where_that_is_confirmed(
    client: Client, hall: Townhall, municipality: Office, parted: Parted
) -> None:
    """To the citizen, on both his pages, as it stands; and not a word of it to who came along."""
    write, now_s = hall.store.write, int(hall.clock.now_s)
    what = f"{together.COURT}, donderdag 10 december 2026, 14.00 uur tot 15.00 uur"
    assert await settled(client, parted.an) == []
    kept = await write(together.reserved, now_s, parted.id, municipality.badminton)
    assert await settled(client, parted.an) == [f"Nog niet betaald: {what}. We houden dit vast tot 7.15 uur."]
    paid = await write(together.paid, now_s, parted.id, municipality.badminton, "pending", reservation_id=kept)
    assert await settled(client, parted.an) == [
        f"Nog niet bevestigd: {what}. U hoeft niets te doen.",
        "Uw bank verwerkt de betaling van € 9,00.",
    ]
    await write(together.change, payment, paid, state="paid", paid_s=now_s)
    await write(together.change, reservation, kept, state="confirmed")
    sure = [f"Gereserveerd: {what}.", "Betaald: € 9,00."]
    assert await settled(client, parted.an) == [*sure, "De bevestiging gaat naar an@example.org."]
    page = await page_of(await client.get(parted.an))
    assert all(line in page.replace("\u00a0", " ") for line in sure)
    which = await write(receipt_sent, parted.id, now_s)
    await write(together.change, message, which, status="failed")
    *_, lost = await settled(client, parted.an)
    assert lost.startswith("De bevestiging raakte niet bij elders@example.org. Bel ons op")
    await write(together.change, reservation, kept, state="conflict")
    assert (await settled(client, parted.an))[0].startswith(f"Niet gelukt: {what}.")
    assert await settled(client, parted.lies) == []
    helper = await page_of(await client.get(parted.lies))
    assert not [each for each in (together.COURT, "9,00", "@example.org") if each in helper]


def receipt_sent(tx: Tx, about: int, now_s: int) -> int:
    """The receipt, to an address that he gave for it."""
    citizen = reading.by_id(tx, about).citizen
    assert citizen is not None
    schedule.receipt(tx, now_s, CHANCE, citizen.id, "2026-000001", 1)
    tx.execute(update(message).where(message.c.kind == "receipt").values(recipient="elders@example.org"))
    return int(tx.execute(select(message.c.id).where(message.c.kind == "receipt")).scalar_one())


async def test_the_page_asks_every_question_and_knows_every_answer(client: Client, parted: Parted) -> None:
    page = await page_of(await client.get(parted.an))
    for question in survey.QUESTIONS:
        assert f'name="{question.key}"' in page
        for option in question.options:
            assert f'name="{question.key}" id="{question.key}-{option}" value="{option}"' in page


async def test_looking_changes_nothing(client: Client, hall: Townhall, parted: Parted) -> None:
    def everything(tx: Tx) -> dict[str, list[tuple[object, ...]]]:
        return {name: [tuple(row) for row in tx.execute(select(table))] for name, table in metadata.tables.items()}

    before = await hall.store.read(everything)
    for path in (parted.an, f"{parted.an}/stappen", parted.lies):
        await client.get(path)
    assert await hall.store.read(everything) == before


async def test_an_opinion_is_given_once(client: Client, hall: Townhall, parted: Parted) -> None:
    client.session.headers["User-Agent"] = PHONE_AGENT
    page = await sent(
        client, parted.an, ("satisfied", "5"), ("solved", "partly"), ("better", "Sneller."), ("easy", "7")
    )
    assert "Bedankt voor uw mening." in page and "De factuur" in page and "<fieldset" not in page
    said = [("phone", "nl", {"satisfied": "5", "solved": "partly", "better": "Sneller."})]
    assert await hall.store.read(answers) == said
    await sent(client, parted.an, ("satisfied", "1"))
    assert await hall.store.read(answers) == said


async def test_declining_is_one_press_and_the_end_of_it(client: Client, hall: Townhall, parted: Parted) -> None:
    page = await sent(client, f"{parted.an}/sluiten")
    assert "U bent klaar. Tot ziens!" in page and "<fieldset" not in page and "Bedankt voor uw mening" not in page
    assert await hall.store.read(states) == ["declined", "offered"]
    told = await (await client.get(f"{parted.an}/stappen", headers=JSON)).json()
    assert not told["asks"] and told["over"] and [each["owner"] for each in told["steps"]] == ["citizen", "office"]


async def test_what_is_too_long_is_said_and_kept(client: Client, parted: Parted) -> None:
    page = await sent(client, parted.an, ("better", "x" * 1001), ("satisfied", "4"), status=422)
    assert "er passen 1000 tekens in" in page and "x" * 1001 in page
    assert 'id="satisfied-4" value="4" checked' in page and 'href="#better"' in page


async def test_a_script_gets_no_pages(client: Client, hall: Townhall, parted: Parted) -> None:
    for what in ("gezien", "begin", "sluiten"):
        assert (await client.post(f"{parted.an}/{what}", data={}, headers=JSON)).status == 204
    long = await client.post(parted.lies, data={"better": "x" * 1001}, headers=JSON)
    assert (long.status, (await long.json())["field"]) == (422, "better")
    assert (await client.post(parted.lies, data={"easy": "1"}, headers=JSON)).status == 204
    assert await hall.store.read(states) == ["declined", "submitted"]


async def test_another_website_says_nothing_in_his_name(client: Client, hall: Townhall, parted: Parted) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    for path in ("", "/gezien", "/begin", "/sluiten"):
        assert (await client.post(parted.an + path, data={}, headers=elsewhere)).status == 403
    assert await hall.store.read(states) == ["offered", "offered"]


@pytest.mark.parametrize("path", ["/b/unknown", "/b/" + "x" * 80, "/b/%07"])
async def test_a_strange_link_has_a_way_forward(client: Client, path: str) -> None:
    page = await page_of(await client.get(path), 404)
    assert PHONE.replace(" ", "") in page.replace("\u00a0", "").replace(" ", "")
    assert (await client.get(f"{path}/stappen", headers=JSON)).status == 404
    assert (await client.post(f"{path}/sluiten", data={}, headers=JSON)).status == 404


async def test_after_two_weeks_it_is_gone(client: Client, hall: Townhall, parted: Parted) -> None:
    hall.clock.now_s = MONDAY_S + 20 * 86_400
    assert "wissen we ze" in await page_of(await client.get(parted.an), 404)


async def test_every_page_is_valid(client: Client, parted: Parted, tmp_path: Path) -> None:
    pages = {
        "ask": await page_of(await client.get(parted.an)),
        "helper": await page_of(await client.get(parted.lies)),
        "wrong": await sent(client, parted.an, ("better", "x" * 1001), status=422),
        "done": await sent(client, parted.an),
        "gone": await page_of(await client.get("/b/unknown"), 404),
    }
    assert faults(pages, tmp_path) == ""


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (PHONE_AGENT, "phone"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/120.0 Mobile Safari/537.36", "phone"),
        ("Mozilla/5.0 (Linux; Android 14; SM-X200) Chrome/120.0 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)", "tablet"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "computer"),
        ("", "computer"),
    ],
)
def test_what_somebody_holds(agent: str, device: str) -> None:
    assert device_of(agent) == device


async def test_the_link_of_a_visit_that_is_over_leads_on(client: Client, hall: Townhall, municipality: Office) -> None:
    made = await booked(hall.store, municipality)
    await hall.store.write(ending.end, MONDAY_S, CHANCE, made.appointment_id, "staff:1")
    (token,) = made.links.values()
    page = await page_of(await client.get(f"/a/{token}"), 410)
    assert "Deze afspraak is voorbij" in page and 'href="/afspraak/nieuw?product=badminton"' in page
