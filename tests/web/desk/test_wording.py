"""The texts of products: an administrator writes them, citizens read them, and nothing typed is lost."""

from __future__ import annotations

import html
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert, select

from balie.booking import reading, wording
from balie.booking.wording import NOTHING, Wording
from balie.i18n import LANGUAGES, speaking
from balie.staff import accounts
from balie.store.schema import audit, organisation, product, service
from tests.support.desk import Clerk, DeskSite
from web import welcome

PLACE = "/balie/teksten"
ALL = {"naam-nl": "Badminton"}


@pytest_asyncio.fixture
async def mia(bart: Clerk) -> Clerk:
    """The administrator."""
    await bart.sign_in("mia")
    return bart


def _badminton(desk: DeskSite) -> str:
    return f"{PLACE}/{desk.office.badminton}"


async def _words(desk: DeskSite) -> dict[str, Wording]:
    found = await desk.store.read(wording.of, desk.office.organisation, desk.office.badminton)
    return found.words


async def test_only_an_administrator_comes_here(desk: DeskSite, bart: Clerk) -> None:
    await desk.store.write(accounts.set_roles, desk.now_s, desk.office.bart, ["lead"], [desk.office.service], "cli")
    await bart.sign_in()
    before = await _words(desk)
    for path in (PLACE, _badminton(desk)):
        await bart.get(path, 403)
    await bart.send(_badminton(desk), 403, **ALL)
    assert PLACE not in await bart.get("/balie"), "no menu leads to what one may not see"
    assert await _words(desk) == before


async def test_what_is_written_is_read_at_the_door(desk: DeskSite, mia: Clerk) -> None:
    booked = await desk.book()
    form = {
        "naam_nl": " Badminton spelen ",
        "naam_fr": "Jouer au badminton",
        "welkom_nl": "Welkom in de sporthal.\r\nWe kijken rustig samen.",
        "welkom_fr": "Bienvenue.",
        "klaar_nl": "Uw betaalkaart\r\n\r\n  Een dag en een uur ",
    }
    assert await mia.send(_badminton(desk), **form) == f"{_badminton(desk)}?gedaan=bewaard"
    found = await _words(desk)
    assert found["nl"] == Wording(
        "Badminton spelen",
        "",
        "Welkom in de sporthal.\nWe kijken rustig samen.",
        ("Uw betaalkaart", "Een dag en een uur"),
    )
    assert found["fr"] == Wording("Jouer au badminton", "", "Bienvenue.") and found["de"] == NOTHING
    appointment = await desk.store.read(reading.by_ref, booked.ref)
    known = await desk.store.read(welcome.known, appointment.people[0].id)
    for language, greeting in (("nl", found["nl"].welcome), ("fr", "Bienvenue."), ("de", found["nl"].welcome)):
        with speaking(language):
            told = welcome.of_guest(known, desk.now_s)
        assert told.greeting == greeting and told.checklist == found["nl"].checklist
    page = html.unescape(await mia.get(_badminton(desk)))
    assert "Uw betaalkaart\nEen dag en een uur</textarea>" in page and 'value="Jouer au badminton"' in page
    trail = select(audit.c.actor, audit.c.detail).where(audit.c.action == "product.words")
    assert [tuple(row) for row in await desk.store.read(lambda tx: tx.execute(trail).all())] == [
        (f"staff:{desk.admin}", {"languages": sorted(LANGUAGES)})
    ], "which languages, not which words"


async def test_what_is_the_same_is_no_change(desk: DeskSite, mia: Clerk) -> None:
    before = await _words(desk)
    form: dict[str, str] = {}
    for code, words in before.items():
        form |= {f"naam_{code}": words.name, f"samenvatting_{code}": words.summary, f"welkom_{code}": words.welcome}
        form[f"klaar_{code}"] = "\n".join(words.checklist)
    await mia.send(_badminton(desk), **form)
    assert await _words(desk) == before
    count = select(audit.c.id).where(audit.c.action == "product.words")
    assert await desk.store.read(lambda tx: tx.execute(count).all()) == []


async def test_what_is_missing_is_shown(desk: DeskSite, mia: Clerk) -> None:
    await mia.send(_badminton(desk), naam_nl="Badminton", naam_fr="Badminton", welkom_nl="Welkom", welkom_fr="Bonjour")
    page = await mia.get(PLACE)
    assert "niet volledig: English, Deutsch" in page
    everything = {f"{part}_{code}": part for code in LANGUAGES for part in ("naam", "samenvatting", "welkom", "klaar")}
    await mia.send(_badminton(desk), **everything)
    page = await mia.get(_badminton(desk))
    assert "niet volledig" not in page


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("naam_nl", "", "Vul een naam in."),
        ("naam_nl", "x" * 201, "Dit is te lang: er passen 200 tekens in."),
        ("welkom_de", "x" * 501, "Dit is te lang: er passen 500 tekens in."),
        ("klaar_fr", "\n".join("x" * 13), "Dit zijn te veel regels. Noem er hoogstens 12."),
        ("klaar_fr", "x" * 201, "Een regel is te lang: er passen 200 tekens in."),
        ("samenvatting_en", "a\x01b", "Hier staat een teken in dat we niet kunnen lezen."),
    ],
)
async def test_what_is_wrong_is_said_and_kept(desk: DeskSite, mia: Clerk, field: str, typed: str, said: str) -> None:
    before = await _words(desk)
    form: dict[str, Any] = {"naam_nl": "Badminton", "welkom_nl": "blijft <b>staan</b>", field: typed}
    page = await mia.send(_badminton(desk), 422, **form)
    assert said in page and "blijft &lt;b&gt;staan&lt;/b&gt;" in page
    assert f'href="#{field.replace("_", "-")}"' in page
    assert await _words(desk) == before


async def test_products_of_others_are_not_there(desk: DeskSite, mia: Clerk) -> None:
    def elsewhere(tx: Any) -> int:
        def add(table: Any, **values: Any) -> int:
            return int(tx.execute(insert(table).values(**values)).inserted_primary_key[0])

        org = add(organisation, name="Elders", phone="+32 2 555 00 00", zone="Europe/Brussels")
        team = add(service, organisation_id=org, slug="elders", names={"nl": "Elders"})
        return add(product, service_id=team, slug="iets", names={"nl": "Iets van elders"}, duration_min=30)

    theirs = await desk.store.write(elsewhere)
    assert "Iets van elders" not in await mia.get(PLACE)
    await mia.get(f"{PLACE}/{theirs}", 404)
    await mia.send(f"{PLACE}/{theirs}", 404, naam_nl="Van ons")
    await mia.get(f"{PLACE}/999999", 404)
