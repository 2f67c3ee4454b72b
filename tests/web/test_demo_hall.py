"""The demo's sports halls: what one sees there, and reserving alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from balie.store.engine import Store
from tests.support.halls import SECRET, ZONE, Time
from tests.support.townhall import Client, page_of, townhall, words
from web.demo_hall import api, pages
from web.demo_hall.hall import Hall

BADMINTON = f"{pages.BASE}/badminton"


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path / "hall.sqlite", ZONE, Time(), iter_bytes)


def iter_bytes(size: int) -> bytes:
    return bytes(range(size))


@pytest.fixture
async def client(hall: Hall, sqlite_store: Store, aiohttp_client: AiohttpClient) -> Client:
    app = townhall(sqlite_store).app
    app[api.HALL], app[api.SECRET] = hall, SECRET
    app.add_routes((*api.ROUTES, *pages.ROUTES))
    return await aiohttp_client(app)


async def test_every_page_says_that_it_is_a_demo(client: Client) -> None:
    for path in (f"{pages.BASE}/", BADMINTON, f"{pages.BASE}/tennis"):
        assert "Dit is een demo." in words(await page_of(await client.get(path)))


async def test_one_reserves_alone_and_the_hour_is_taken_then(client: Client, hall: Hall) -> None:
    hour = next(each for each in hall.day("badminton", hall.today()) if each.free)
    wanted = {"terrein": hour.court.id, "uur": str(hour.from_s)}
    asked = words(await page_of(await client.get(f"{BADMINTON}/reserveren", params=wanted)))
    assert "Op wiens naam?" in asked
    nobody = await client.post(f"{BADMINTON}/reserveren", data=wanted | {"naam": " "})
    assert nobody.status == 422
    assert "Vul uw naam in." in words(await nobody.text())
    done = await client.post(f"{BADMINTON}/reserveren", data=wanted | {"naam": "An <b>"}, allow_redirects=False)
    assert done.status == 303
    said = words(await page_of(await client.get(done.headers["Location"])))
    assert "Gereserveerd" in said
    assert "An <b>" in said
    late = await client.post(f"{BADMINTON}/reserveren", data=wanted | {"naam": "Bert"})
    assert late.status == 409
    assert "Dat uur is net bezet." in words(await late.text())


@pytest.mark.parametrize(
    ("court", "hour"), [("", ""), ("nowhere", "1"), ("pluim-1", "x"), ("pluim-1", "99999999999999"), ("park-1", "0")]
)
async def test_strange_choices_lead_back_to_the_table(client: Client, court: str, hour: str) -> None:
    answer = await client.get(f"{BADMINTON}/reserveren", params={"terrein": court, "uur": hour})
    assert answer.status == 404
    assert "Kies een uur uit de tabel." in words(await answer.text())


@pytest.mark.parametrize("day", ["", "x", "2026-02-30", "1999-01-01", "9999-12-31"])
async def test_any_day_shows_one_that_can_be_had(client: Client, day: str) -> None:
    assert "bezet" in await page_of(await client.get(BADMINTON, params={"dag": day}))


async def test_another_website_reserves_nothing(client: Client, hall: Hall) -> None:
    hour = next(each for each in hall.day("badminton", hall.today()) if each.free)
    data = {"terrein": hour.court.id, "uur": str(hour.from_s), "naam": "An"}
    answer = await client.post(f"{BADMINTON}/reserveren", data=data, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert hour in hall.day("badminton", hall.today())


async def test_unknown_reservations_are_not_there(client: Client) -> None:
    assert (await client.get(f"{pages.BASE}/reservatie/AAAAAAAA")).status == 404
