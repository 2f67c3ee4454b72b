"""The start page: what one can come for, when it is first free, and where to go with an appointment that one has."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from balie.store.schema import product
from tests.support.office import Office
from tests.support.townhall import PHONE, Client, Townhall, page_of, words


async def test_all_that_is_offered(client: Client) -> None:
    said = words(await page_of(await client.get("/")))
    for expected in (
        "Sport Badmintonterrein huren Samen een terrein kiezen, reserveren en betalen. Hoelang 30 minuten",
        "videogesprek, telefoon of loket",
        "Eerst vrij maandag 7 december 2026 om 9.00 uur",
        "Eerst vrij dinsdag 8 december 2026 om 9.00 uur",
        "Hebt u al een afspraak?",
        PHONE,
    ):
        assert expected in said


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("badminton", ["badminton"]),
        ("TERREIN huren", ["badminton"]),
        ("huren evenement", []),
        ("Événement", ["evenement"]),
        ("vrije tijd", ["evenement"]),
        ("betalen", ["badminton"]),
        ("court", ["badminton"]),
        ("", ["badminton", "evenement"]),
        ("  ", ["badminton", "evenement"]),
        ("<script>", []),
        ("x" * 5000, []),
    ],
)
async def test_search(client: Client, asked: str, found: list[str]) -> None:
    page = await page_of(await client.get("/", params={"zoek": asked}))
    assert re.findall(r'href="/afspraak/nieuw\?product=([^"]+)"', page) == found
    assert "<script>" not in page.partition("<body")[2]
    assert ("Probeer een ander woord, of bel ons op" in page.partition('<div id="nothing">')[2]) == (not found)


@pytest.mark.parametrize(("language", "name"), [("nl", "Vrije tijd"), ("fr", "Loisirs"), ("de", "Freizeit")])
async def test_themes_are_in_the_language_of_the_page(client: Client, hall: Townhall, language: str, name: str) -> None:
    own = update(product).where(product.c.slug == "badminton").values(theme="wijkwerking")
    await hall.store.write(lambda tx: tx.execute(own))
    page = await page_of(await client.get("/", headers={"Cookie": f"taal={language}"}))
    assert f">{name}</h2>" in page and ">Wijkwerking</h2>" in page, "one's own stays as it was written"
    found = await page_of(await client.get("/", params={"zoek": name}, headers={"Cookie": f"taal={language}"}))
    assert "product=evenement" in found and "product=badminton" not in found


async def test_what_is_not_offered_in_any_way(client: Client, hall: Townhall, municipality: Office) -> None:
    """Neither a time nor a step leads anywhere: the page says so instead of breaking."""
    none = update(product).where(product.c.id == municipality.badminton).values(modalities=[])
    await hall.store.write(lambda tx: tx.execute(none) and None)
    assert "niets vrij de komende tijd" in words(await page_of(await client.get("/")))
    page = await page_of(await client.get("/afspraak/nieuw/tijd?product=badminton"), 422)
    assert "kunnen niet samen in één gesprek" in page


async def test_nothing_at_all(client: Client, hall: Townhall) -> None:
    await hall.store.write(lambda tx: tx.execute(update(product).values(active=False)) and None)
    assert PHONE in words(await page_of(await client.get("/")))
    page = await page_of(await client.get("/afspraak/nieuw"))
    assert "Op dit moment kunt u hier geen afspraak maken." in page
