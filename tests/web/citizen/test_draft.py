"""Between one step of a booking and the next: Back, Forward and Reload show pages, to who filled them in alone."""

from __future__ import annotations

from urllib.parse import unquote_plus

import pytest
from sqlalchemy import func, select

from balie.booking import drafts
from balie.store.engine import Store
from balie.store.schema import appointment, draft
from tests.support.booking import TUESDAY_10_S, entropy
from tests.support.office import MONDAY_S, Office
from tests.support.townhall import (
    AN,
    BADMINTON,
    BOOK,
    CHECK,
    DETAILS,
    LIES,
    PHONE,
    TIMES,
    Client,
    Townhall,
    hidden,
    page_of,
    townhall,
    words,
)
from web.citizen.draft import COOKIE

BOOKED = "Uw afspraak is gemaakt"
LOST = "We hebben niet meer wat u invulde"
WRONG = [("naam", ""), *AN[1:], *LIES[:1], ("helper-1-naam", ""), *LIES[2:]]


async def go(client: Client, path: str, *fields: tuple[str, str]) -> str:
    """Press a button; the address of the page that follows."""
    response = await client.post(path, data=list(fields), allow_redirects=False)
    assert response.status == 303, "no answer to a form is a page"
    return str(response.headers["Location"])


async def look(client: Client, url: str) -> str:
    return await page_of(await client.get(url))


async def begin(client: Client) -> tuple[str, list[tuple[str, str]]]:
    """The address of step 3, and its hidden fields."""
    url = await go(client, TIMES, BADMINTON, ("start", str(TUESDAY_10_S)))
    return url, hidden(await look(client, url))


@pytest.mark.parametrize(
    ("typed", "button", "said"),
    [
        ([*AN, *LIES], CHECK, "Lies Peeters (Familie, dochter)"),
        (WRONG, CHECK, "Vul uw naam in."),
        (WRONG, BOOK, "Vul uw naam in."),
        (AN, ("doe", "meer"), "Persoon 1 die meekomt"),
        ([*AN, *LIES], ("weg", "1"), "Voeg iemand toe"),
        (AN, ("doe", "langer"), "We houden dit uur voor u vrij"),
        (AN, ("doe", "ander"), "Kies een dag en een uur"),
        (AN, ("taal", "fr"), "Étape 3 sur 4"),
        ([*AN, *LIES], BOOK, BOOKED),
    ],
)
async def test_every_button_leads_to_a_page_that_can_be_loaded_again(
    client: Client, typed: list[tuple[str, str]], button: tuple[str, str], said: str
) -> None:
    _, fields = await begin(client)
    url = await go(client, DETAILS, *fields, *typed, button)
    assert not any(each in unquote_plus(url) for each in ("An", "Peeters", "example.org", "dochter"))
    for _ in range(2):
        assert said in words(await look(client, url.partition("#")[0]))


async def test_back_and_forward(client: Client) -> None:
    """What was typed is on each page that one comes back to, also from before it was typed."""
    third, fields = await begin(client)
    wrong = await go(client, DETAILS, *fields, *WRONG, CHECK)
    assert "Persoon 1: Vul een naam in." in words(await look(client, wrong))
    fourth = await go(client, DETAILS, *hidden(await look(client, wrong)), *AN, *LIES, CHECK)
    for url in (third, wrong):
        page = await look(client, url)
        assert 'value="An Peeters"' in page and 'value="Lies Peeters"' in page and 'id="errors"' not in page
    assert "Klopt alles?" in await look(client, fourth)


async def test_back_after_booking_is_no_second_booking(client: Client, hall: Townhall) -> None:
    third, fields = await begin(client)
    fourth = await go(client, DETAILS, *fields, *AN, CHECK)
    review = hidden(await look(client, fourth))
    done = await go(client, DETAILS, *review, BOOK)
    hall.clock.now_s += drafts.LASTS_S + 1
    for url in (fourth, third):
        assert (await client.get(url, allow_redirects=False)).headers["Location"] == done
        assert BOOKED in await look(client, url)
    assert await go(client, DETAILS, *review, BOOK) == done
    assert await go(client, DETAILS, *fields, *AN, CHECK) == done
    stands = select(func.count()).where(appointment.c.status == "booked")
    assert await hall.store.read(lambda tx: tx.scalar(stands)) == 1
    assert await hall.store.read(lambda tx: tx.scalar(select(func.count()).select_from(draft))) == 0


async def test_the_address_alone_shows_nothing(client: Client) -> None:
    """Of another browser, of another booking in this one, and with a cookie that somebody made up."""
    third, fields = await begin(client)
    fourth = await go(client, DETAILS, *fields, *AN, CHECK)
    again, _ = await begin(client)
    assert "An Peeters" not in await look(client, again)
    for cookies in ({}, {COOKIE: "A" * 27}, {COOKIE: "../../" + "é" * 40}):
        client.session.cookie_jar.clear()
        client.session.cookie_jar.update_cookies(cookies)
        for url in (third, fourth):
            page = await look(client, url)
            assert "An Peeters" not in page and LOST in page and PHONE in page.replace("\u00a0", " ")


async def test_back_after_booking_in_another_browser_gives_no_link(client: Client) -> None:
    third, fields = await begin(client)
    done = await go(client, DETAILS, *fields, *AN, BOOK)
    client.session.cookie_jar.clear()
    page = await look(client, third)
    assert LOST in page and done.rpartition("/")[2] not in page


async def test_another_website_gets_nothing_done(client: Client, hall: Townhall) -> None:
    _, fields = await begin(client)
    url = await go(client, DETAILS, *fields, *AN, CHECK)
    review = hidden(await look(client, url))
    for path in (DETAILS, TIMES):
        response = await client.post(path, data=[*review, BOOK], headers={"Sec-Fetch-Site": "cross-site"})
        assert response.status == 403
    assert (
        await hall.store.read(lambda tx: tx.scalar(select(func.count()).where(appointment.c.status == "booked"))) == 0
    )


async def test_after_two_hours_it_is_gone_and_the_page_says_so(client: Client, hall: Townhall) -> None:
    """From the last page, which holds nothing itself; a page that holds it gives it again."""
    _third, fields = await begin(client)
    fourth = await go(client, DETAILS, *fields, *AN, CHECK)
    review = hidden(await look(client, fourth))
    hall.clock.now_s += drafts.LASTS_S
    assert LOST in await look(client, await go(client, DETAILS, *review, BOOK))
    assert "Klopt alles?" in await look(client, await go(client, DETAILS, *fields, *AN, CHECK))


@pytest.mark.parametrize(("url", "name"), [("http://localhost", COOKIE), ("https://balie.be", f"__Host-{COOKIE}")])
async def test_the_cookie(
    sqlite_store: Store, municipality: Office, aiohttp_client: object, url: str, name: str
) -> None:
    client = await aiohttp_client(townhall(sqlite_store, url).app)  # type: ignore[operator]
    fields = [BADMINTON, ("start", str(TUESDAY_10_S))]
    found = (await client.post(TIMES, data=fields, allow_redirects=False)).cookies[name]
    assert found["httponly"] and found["samesite"] == "Lax" and found["path"] == "/"
    assert bool(found["secure"]) == url.startswith("https:")
    assert not found["max-age"] and not found["expires"], "until the browser closes"


async def test_the_database_alone_does_not_say_what_was_typed(store: Store) -> None:
    """On either database."""
    typed = [("naam", "An Peeters"), ("vraag", "中文 é\n\x00")]
    source = entropy().randbytes
    await store.write(drafts.begin, MONDAY_S, source, "geheim")
    assert await store.read(drafts.read, MONDAY_S, "geheim") == []
    assert await store.write(drafts.keep, MONDAY_S, source, "geheim", typed)
    assert not await store.write(drafts.keep, MONDAY_S, source, "een ander", typed)
    row = (await store.read(lambda tx: tx.execute(select(draft)).all()))[0]
    assert b"An Peeters" not in row.sealed and b"geheim" not in row.secret_hash
    assert await store.read(drafts.read, MONDAY_S, "geheim") == typed
    assert await store.read(drafts.read, MONDAY_S, "een ander") is None
    for later_s, kept in ((drafts.LASTS_S - 1, 0), (drafts.LASTS_S, 1)):
        assert await store.write(drafts.forget_over, MONDAY_S + later_s) == kept
