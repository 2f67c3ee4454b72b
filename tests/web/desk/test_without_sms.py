"""Where no text messages go out, the desk is warned when somebody cannot be reached, and books nonetheless."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from balie.booking.people import Person
from balie.store.engine import Store
from tests.support.desk import TUESDAY_1030, Clerk, DeskSite, build_desk
from tests.support.office import unix_s

NEW = "/balie/afspraak/nieuw"
HINT, SILENT = "Zonder e-mailadres krijgt de burger geen bevestiging", "Er gaat geen bevestiging uit"


@pytest_asyncio.fixture
async def desk(sqlite_store: Store) -> DeskSite:
    return await build_desk(sqlite_store, sms=False)


def _asked(desk: DeskSite, **changed: Any) -> dict[str, Any]:
    form = {"doe": "boek", "product": desk.office.badminton, "vorm": "video", "start": unix_s(TUESDAY_1030)}
    return {**form, "naam": "An", "telefoon": "0470 12 34 56", "mail": "", "kanaal": "phone", **changed}


@pytest.mark.parametrize("channel", ["phone", "mail"])
async def test_a_video_call_needs_a_mail_address(desk: DeskSite, bart: Clerk, channel: str) -> None:
    assert HINT in await bart.get(NEW)
    page = await bart.send(NEW, 422, **_asked(desk, kanaal=channel))
    assert 'href="#mail"' in page and "We sturen geen sms met de link." in page
    assert await bart.send(NEW, **_asked(desk, kanaal=channel, mail="an@voorbeeld.example"))


@pytest.mark.parametrize(
    "form", [{"vorm": "phone"}, {"vorm": "desk"}, {"kanaal": "desk"}, {"vorm": "phone", "kanaal": "mail"}]
)
async def test_other_appointments_are_made_and_the_desk_is_warned(desk: DeskSite, bart: Clerk, form: Any) -> None:
    """By telephone he is called, at the desk he comes, and who stands there gets the sheet."""
    where = await bart.send(NEW, **_asked(desk, **form))
    assert where.endswith("?gedaan=geboekt-stil")
    page = await bart.get(where)
    assert SILENT in page and "krijgt geen berichten" in page
    assert ("<details open>" in page) == ("<svg viewBox" in page)


async def test_with_an_address_nobody_is_warned(desk: DeskSite, bart: Clerk) -> None:
    page = await bart.get(await bart.send(NEW, **_asked(desk, mail="an@voorbeeld.example")))
    assert SILENT not in page and "krijgt geen berichten" not in page


async def test_who_comes_along_without_an_address_is_told_of(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book(citizen=Person("An", mail="an@voorbeeld.example"))
    helper = {"helper_naam": "Lies", "helper_rol": "family", "helper_telefoon": "0470 12 34 57"}
    where = await bart.send(f"/balie/afspraak/{booked.ref}/helper", **helper)
    assert "krijgt geen link" in await bart.get(where)
