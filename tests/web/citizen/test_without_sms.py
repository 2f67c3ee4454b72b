"""Where no text messages go out, a telephone number alone reaches nobody: a mail address is needed."""

from __future__ import annotations

import pytest
import pytest_asyncio
from pytest_aiohttp.plugin import AiohttpClient

from balie.store.engine import Store
from tests.support.booking import TUESDAY_10_S, booked
from tests.support.office import Office
from tests.support.townhall import (
    AN,
    BADMINTON,
    BOOK,
    CHECK,
    DETAILS,
    LIES,
    TIMES,
    Client,
    Townhall,
    hidden,
    page_of,
    sent,
    townhall,
)

NEEDED = "Vul een e-mailadres in. We kunnen geen sms sturen."
OWN_NEEDED = "Vul uw e-mailadres in. We kunnen geen sms sturen."


@pytest.fixture
def hall(sqlite_store: Store, municipality: Office) -> Townhall:
    return townhall(sqlite_store, sms=False)


@pytest_asyncio.fixture
async def client(hall: Townhall, aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(hall.app)


def _typed(**changed: str) -> list[tuple[str, str]]:
    given = {name.replace("_", "-"): value for name, value in changed.items()}
    return [(name, given.get(name, value)) for name, value in (*AN, *LIES)]


@pytest.mark.parametrize("way", ["video", "phone", "desk"])
@pytest.mark.parametrize("button", [CHECK, BOOK])
async def test_a_citizen_needs_a_mail_address(client: Client, way: str, button: tuple[str, str]) -> None:
    step = await sent(client, TIMES, BADMINTON, ("vorm", way), ("start", str(TUESDAY_10_S)))
    assert "een gsm-nummer, of allebei" not in step and "Of vul hieronder een gsm-nummer in" not in step
    page = await sent(client, DETAILS, *hidden(step), *_typed(mail="", telefoon="0470123456"), button)
    assert OWN_NEEDED in page and 'href="#mail"' in page
    page = await sent(client, DETAILS, *hidden(step), *_typed(telefoon="0470123456"), button)
    assert "Klopt alles?" in page or "Uw afspraak is gemaakt" in page


async def test_and_so_does_who_comes_along(client: Client, hall: Townhall, municipality: Office) -> None:
    step = await sent(client, TIMES, BADMINTON, ("start", str(TUESDAY_10_S)))
    given = _typed(helper_1_mail="", helper_1_telefoon="0470123456")
    page = await sent(client, DETAILS, *hidden(step), *given, CHECK)
    assert NEEDED in page and 'href="#helper-1-mail"' in page
    made = await booked(hall.store, municipality)
    path = f"/a/{next(iter(made.links.values()))}/iemand-mee"
    assert "gsm-nummer in" not in await page_of(await client.get(path))
    tom = [("naam", "Tom"), ("rol", "family"), ("mail", ""), ("telefoon", "0470123456")]
    assert NEEDED in await sent(client, path, *tom, status=422)
