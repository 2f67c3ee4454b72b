"""Pages about an appointment speak to who reads them, and say whom that service's letters say to call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import update

from balie.store.schema import service
from tests.support import booking
from tests.support.office import unix_s
from tests.support.townhall import PHONE, Client, Townhall, page_of, sent, words

DESK = "+32 2 555 77 88"
Make = Callable[..., Awaitable[list[str]]]


async def test_whom_to_call(client: Client, hall: Townhall, appointment: Make) -> None:
    """The service wherever an appointment is known, the organisation elsewhere."""
    await hall.store.write(lambda tx: tx.execute(update(service).values(phone=DESK)) and None)
    (path,) = await appointment()
    token = path.rpartition("/")[2]
    pages = [
        await page_of(await client.get(each))
        for each in (
            path,
            f"{path}/test",
            f"{path}/iemand-mee",
            f"{path}/verzetten",
            f"{path}/annuleren",
            f"/afspraak/bevestigd/{token}",
        )
    ]
    pages.append(await sent(client, f"{path}/iemand-mee", status=422))
    pages.append(await sent(client, f"{path}/annuleren"))
    pages.append(await page_of(await client.get(path), 410))
    for page in pages:
        page = page.replace("\u00a0", " ")
        assert DESK in page and PHONE not in page
    for each, status in (("/", 200), ("/test", 200), ("/a/onbekend", 404)):
        page = (await page_of(await client.get(each), status)).replace("\u00a0", " ")
        assert PHONE in page and DESK not in page


async def test_who_comes_along_has_nothing_to_pay(client: Client, appointment: Make) -> None:
    path, helper = await appointment(helpers=(booking.LIES,), start_s=unix_s("2026-12-08T14:30"))
    own = words(await page_of(await client.get(path)))
    assert "Uw betaalkaart" in own and "Nummer van uw afspraak" in own
    for each in (helper, f"/afspraak/bevestigd/{helper.rpartition('/')[2]}"):
        page = words(await page_of(await client.get(each, cookies={"taal": "nl"})))
        assert "betaalkaart" not in page and "Nummer van uw afspraak" not in page
        assert "Nummer van de afspraak" in page


async def test_who_says_that_he_comes_is_thanked_once(client: Client, appointment: Make) -> None:
    (path,) = await appointment()
    thanked = words(await sent(client, f"{path}/komt"))
    assert "Bedankt, we weten dat u komt." in thanked and "U liet weten dat u komt" not in thanked
    assert "U liet weten dat u komt. Dank u." in words(await page_of(await client.get(path)))
