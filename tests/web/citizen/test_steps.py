"""Booking on the web, as a browser without JavaScript does it: every step is a page, and nothing typed is lost."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, insert, select, update

from balie.booking import appointments, reading
from balie.booking.slots import Wish
from balie.store.engine import Tx
from balie.store.schema import appointment, participant, product, service
from tests.support.booking import TUESDAY_10_S, entropy
from tests.support.office import MONDAY_S, Office, unix_s
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
    sent,
    words,
)


async def choose(client: Client, start_s: int = TUESDAY_10_S, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """Press a time; the hidden fields of the page that follows."""
    fields = [BADMINTON, ("vorm", "video"), *more, ("start", str(start_s))]
    return hidden(await sent(client, TIMES, *fields))


async def press_book(client: Client, *fields: tuple[str, str]) -> tuple[int, str]:
    response = await client.post(DETAILS, data=[*fields, BOOK], allow_redirects=False)
    return response.status, response.headers.get("Location", "")


async def count(hall: Townhall, *statuses: str) -> int:
    query = select(func.count()).where(appointment.c.status.in_(statuses))
    return await hall.store.read(lambda tx: tx.scalar(query) or 0)


async def test_a_whole_booking(client: Client, hall: Townhall) -> None:
    start = await page_of(await client.get("/"))
    assert 'href="/afspraak/nieuw?product=badminton"' in start
    first = await page_of(await client.get("/afspraak/nieuw?product=badminton"))
    assert 'value="badminton" checked' in first
    assert "Uw betaalkaart" in first
    second = await page_of(await client.get(f"{TIMES}?product=badminton&dag=2026-12-08"))
    assert "dinsdag 8 december 2026" in words(second)
    assert f'name="start" value="{TUESDAY_10_S}"' in second
    fields = await choose(client)
    fourth = await sent(client, DETAILS, *fields, *AN, *LIES, CHECK)
    assert "Klopt alles?" in fourth
    assert "Lies Peeters (Familie, dochter)" in words(fourth)
    done = await sent(client, DETAILS, *hidden(fourth), BOOK)
    said = words(done)
    assert "Uw afspraak is gemaakt" in said
    assert "dinsdag 8 december 2026 om 10.00 uur" in said
    assert "U krijgt binnen enkele minuten een mail op an@example.org" in said
    assert "Lies Peeters krijgt een eigen link, met een mail op lies@example.org" in said
    found = (await hall.store.read(reading.between, MONDAY_S, MONDAY_S + 10**6))[0]
    assert [(each.role, each.name, each.label, each.locale) for each in found.people] == [
        ("citizen", "An Peeters", "", "nl"),
        ("family", "Lies Peeters", "dochter", "fr"),
    ]
    assert (found.channel, found.created_by, found.status, found.modality) == ("web", "citizen", "booked", "video")
    assert found.ref in done


async def test_nothing_personal_is_in_any_url(client: Client) -> None:
    fields = await choose(client)
    status, location = await press_book(client, *fields, *AN, *LIES)
    assert status == 303
    assert re.fullmatch(r"/afspraak/bevestigd/[\w-]{27}", location)
    held = await client.post(TIMES, data=[BADMINTON, ("start", str(TUESDAY_10_S + 3600))], allow_redirects=False)
    query = parse_qs(urlsplit(held.headers["Location"]).query)
    assert set(query) == {"product", "vorm", "start", "plaats", "tot", "concept"}


async def test_a_time_is_kept_for_who_chose_it(client: Client, hall: Townhall) -> None:
    await choose(client)
    await choose(client)  # the second of the two people who are there
    page = await sent(client, TIMES, BADMINTON, ("start", str(TUESDAY_10_S)))
    assert "Iemand anders nam dit uur net voor u" in words(page)
    assert PHONE in words(page)
    assert "dinsdag 8 december 2026 om 10.45 uur" in words(page), "with the buffer after it, the first that is free"


async def test_another_time_lets_the_first_go(client: Client, hall: Townhall) -> None:
    fields = await choose(client)
    again = await sent(client, DETAILS, *fields, *AN, ("doe", "ander"))
    after = await sent(client, TIMES, *hidden(again), ("start", str(TUESDAY_10_S + 3600)))
    assert 'value="An Peeters"' in after, "what was typed is still there"
    assert await count(hall, "held") == 1
    status, _ = await press_book(client, *hidden(after), *AN)
    assert status == 303


async def test_pressing_twice_makes_one_appointment(client: Client, hall: Townhall) -> None:
    fields = await choose(client)
    answers = await asyncio.gather(*(press_book(client, *fields, *AN) for _ in range(5)))
    assert len(set(answers)) == 1, "each press leads to the same page"
    assert answers[0][0] == 303
    assert await count(hall, "booked") == 1


async def test_a_hold_that_is_over_books_what_is_still_free(client: Client, hall: Townhall) -> None:
    fields = await choose(client)
    hall.clock.now_s += 3600
    page = await sent(client, DETAILS, *fields, *AN, CHECK)
    assert "De tien minuten zijn om" in words(page)
    status, _ = await press_book(client, *hidden(page), *AN)
    assert status == 303


async def test_a_hold_that_is_over_and_taken_offers_other_times(
    client: Client, hall: Townhall, municipality: Office
) -> None:
    fields = await choose(client)
    hall.clock.now_s += 3600
    for _ in range(2):
        await choose(client)
    page = await sent(client, DETAILS, *fields, *AN, *LIES, BOOK)
    assert "Iemand anders nam dit uur net voor u" in words(page)
    other = re.findall(r'name="start" value="(\d+)"', page)[0]
    after = await sent(client, TIMES, *hidden(page), ("start", other))
    assert "Lies Peeters (Familie, dochter)" in words(after), "nothing that was typed is lost"
    status, _ = await press_book(client, *hidden(after))
    assert status == 303


async def test_more_time_for_who_asks(client: Client, hall: Townhall) -> None:
    fields = await choose(client)
    for _ in range(5):
        hall.clock.now_s += 540
        page = await sent(client, DETAILS, *fields, *AN, ("doe", "langer"))
        assert 'data-left="600"' in page
        assert 'value="An Peeters"' in page
        fields = hidden(page)
    hall.clock.now_s += 601
    assert "De tien minuten zijn om" in words(await sent(client, DETAILS, *fields, *AN, ("doe", "langer")))


async def test_more_time_stays_on_the_page_one_is_on(client: Client) -> None:
    review = await sent(client, DETAILS, *await choose(client), *AN, CHECK)
    for doing in ("langer", ""):
        page = await sent(client, DETAILS, *hidden(review), ("doe", doing))
        assert "Klopt alles?" in page


async def test_back_from_the_review_to_the_details(client: Client) -> None:
    review = await sent(client, DETAILS, *await choose(client), *AN, *LIES, CHECK)
    page = await sent(client, DETAILS, *hidden(review), ("doe", "wijzig"))
    assert 'id="naam" name="naam" type="text" value="An Peeters"' in page
    assert 'id="helper-1-naam" name="helper-1-naam" type="text" value="Lies Peeters"' in page


async def test_helpers_come_and_go_in_the_form(client: Client) -> None:
    fields = await choose(client)
    page = await sent(client, DETAILS, *fields, *AN, ("doe", "meer"))
    assert 'id="helper-1"' in page
    page = await sent(client, DETAILS, *fields, *AN, *LIES, ("doe", "meer"))
    assert "Persoon 2 die meekomt" in page
    page = await sent(client, DETAILS, *fields, *AN, *LIES, ("helper", "2"), ("weg", "1"))
    assert "Lies" not in page
    assert 'id="helper-2"' in page
    many = [("helper", str(n)) for n in range(1, 10)]
    page = await sent(client, DETAILS, *fields, *AN, *many[:3], ("doe", "meer"))
    assert page.count('class="helper"') == 3, "no more than the product allows"
    assert "Voeg nog iemand toe" not in page
    page = await sent(client, DETAILS, *fields, *AN, *many, CHECK)
    assert "Vul een naam in." in page


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("naam", "", "Vul uw naam in."),
        ("naam", "   ", "Vul uw naam in."),
        ("naam", "A" * 300, "Uw naam is te lang"),
        ("naam", "An\r\nBcc: iedereen@example.org", "een teken dat we niet kunnen lezen"),
        ("naam", "An\x07", "een teken dat we niet kunnen lezen"),
        ("mail", "an@", "Uw e-mailadres klopt niet."),
        ("mail", "an@example.org\nBcc: b@example.org", "Uw e-mailadres klopt niet."),
        ("mail", "", "Vul uw e-mailadres of uw gsm-nummer in."),
        ("telefoon", "12", "Uw nummer klopt niet."),
        ("telefoon", "0470 12 34 56 78 90", "Uw nummer klopt niet."),
        ("telefoon", "bel maar", "Uw nummer klopt niet."),
        ("vraag", "?" * 2001, "Dit is te lang"),
        ("helper-1-naam", "", "Persoon 1: Vul een naam in."),
        ("helper-1-rol", "", "Persoon 1: Kies wie deze persoon is."),
        ("helper-1-rol", "citizen", "Persoon 1: Kies wie deze persoon is."),
        ("helper-1-label", "d" * 65, "Persoon 1: Dit is te lang"),
        ("helper-1-mail", "lies", "Persoon 1: Dit e-mailadres klopt niet."),
        ("helper-1-mail", "", "Persoon 1: Vul een e-mailadres of een gsm-nummer in."),
    ],
)
@pytest.mark.parametrize("button", [CHECK, BOOK])
async def test_what_is_wrong_is_said_at_its_field(
    client: Client, hall: Townhall, field: str, value: str, sentence: str, button: tuple[str, str]
) -> None:
    fields = [(name, value if name == field else typed) for name, typed in (*AN, *LIES)]
    page = await sent(client, DETAILS, *await choose(client), *fields, button)
    assert "<title>Fout: " in page
    summary = page.partition('id="errors"')[2].partition("</div>")[0]
    assert sentence in summary
    assert f'href="#{field}"' in summary
    assert PHONE in summary.replace("\u00a0", " ")
    assert re.search(rf'id="{field}"[^>]* aria-describedby="[^"]*{field}-error"[^>]* aria-invalid="true"', page)
    for name, typed in fields:
        if name not in ("helper", field) and typed and name not in ("spreektaal", "helper-1-spreektaal"):
            assert f'value="{typed}"' in page, f"{name} was lost"
    assert await count(hall, "booked") == 0


@pytest.mark.parametrize(
    "name", ["Ségolène d’Ørsted-Łuczak", "李小龍", "An 🌻 Peeters", "X Æ A-12", "<b>An</b>", 'An "de" P&P']
)
async def test_a_name_is_as_its_owner_writes_it(client: Client, hall: Townhall, name: str) -> None:
    fields = [("naam", name), *AN[1:]]
    review = await sent(client, DETAILS, *await choose(client), *fields, CHECK)
    await sent(client, DETAILS, *hidden(review), BOOK)
    assert await hall.store.read(lambda tx: list(tx.scalars(select(participant.c.name)))) == [name]


async def test_a_telephone_appointment_needs_a_number(client: Client) -> None:
    fields = hidden(await sent(client, TIMES, BADMINTON, ("vorm", "phone"), ("start", str(TUESDAY_10_S))))
    page = await sent(client, DETAILS, *fields, *AN, CHECK)
    assert "Vul het nummer in waarop we u mogen bellen." in page
    answers = [(name, "0470 12 34 56" if name == "telefoon" else value) for name, value in AN]
    page = await sent(client, DETAILS, *fields, *answers, BOOK)
    assert "Op het uur zelf bellen wij u op +32470123456." in words(page)


async def test_several_products_in_one_appointment(client: Client, hall: Townhall) -> None:
    both = [BADMINTON, ("product", "evenement")]
    page = await page_of(await client.get(f"{TIMES}?product=badminton&product=evenement&dag=2026-12-09"))
    assert "Badmintonterrein huren en Evenement aanvragen , 1 uur en 15 minuten." in words(page)
    start_s = unix_s("2026-12-09T10:00")
    fields = hidden(await sent(client, TIMES, *both, ("start", str(start_s))))
    await sent(client, DETAILS, *fields, *AN, BOOK)
    found = (await hall.store.read(reading.between, start_s, start_s + 1))[0]
    assert (found.end_s - found.start_s, len(found.products)) == (75 * 60, 2)


async def test_products_of_several_services_are_two_appointments(
    client: Client, hall: Townhall, municipality: Office
) -> None:
    """Nobody is refused: they stand by service, and who chooses of both is asked with which he begins."""
    await hall.store.write(another_service, municipality)
    page = await page_of(await client.get("/afspraak/nieuw"))
    assert "meer dan één onderwerp van dezelfde dienst" in page
    assert re.findall(r"<legend>([^<]+)</legend>", page) == ["Vrije tijd", "Burgerzaken"]
    page = await page_of(await client.get(f"{TIMES}?product=evenement&product=verhuis&product=vrije-tijd.badminton"))
    assert "Met wat wilt u beginnen?" in page and "Fout:" not in page
    first, second = page.split('<form method="get" action="/afspraak/nieuw/tijd">')[1:]
    assert [value for name, value in hidden(first) if name == "product"] == ["evenement", "vrije-tijd.badminton"]
    assert [value for name, value in hidden(second) if name == "product"] == ["verhuis"]
    back = unescape(re.findall(r'href="(/afspraak/nieuw\?[^"]+)"', second)[0])
    assert (await page_of(await client.get(back))).count(" checked") == 3, "what was chosen is still there"


def another_service(tx: Tx, own: Office) -> None:
    """With a product that has the same word as one of ours, and one that other websites know by a number."""
    row = {"organisation_id": own.organisation, "slug": "burgerzaken", "names": {"nl": "Burgerzaken"}}
    made = tx.execute(insert(service).values(**row))
    key = made.inserted_primary_key
    assert key is not None
    for slug in ("verhuis", "badminton"):
        row = {"service_id": key[0], "slug": slug, "names": {"nl": slug.title()}, "duration_min": 15}
        tx.execute(insert(product).values(**row, ipdc_id="IPDC-1" if slug == "verhuis" else ""))


async def test_other_websites_link_to_a_product(client: Client, hall: Townhall, municipality: Office) -> None:
    """By its word or by its number in the Flemish catalogue (S5); and a word that two services have is still one."""
    await hall.store.write(another_service, municipality)
    for path in ("/afspraak?product=IPDC-1", "/afspraak/nieuw?product=IPDC-1", "/afspraak/nieuw?product=verhuis"):
        assert 'value="verhuis" checked' in await page_of(await client.get(path))
    page = await page_of(await client.get("/afspraak/nieuw?product=burgerzaken.badminton"))
    assert 'value="burgerzaken.badminton" checked' in page
    assert "Evenement aanvragen" not in page, "only what can go along"


@pytest.mark.parametrize("product", ["", "nergens", "badminton'--", "x" * 5000, "1", "%07"])
async def test_a_product_that_is_none(client: Client, product: str) -> None:
    page = await page_of(await client.get(f"{TIMES}?product={product}"), 422)
    assert "Kies waarover u ons wilt spreken." in page
    assert (await client.get(f"/afspraak/nieuw?product={product}")).status == 200
    response = await client.post(DETAILS, data=[("product", product), *AN, BOOK], allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (303, "/afspraak/nieuw")


@pytest.mark.parametrize(
    "start_s", [0, 1, MONDAY_S - 3600, MONDAY_S + 60, TUESDAY_10_S + 1, TUESDAY_10_S + 300, 10**10]
)
async def test_a_time_that_is_none(client: Client, hall: Townhall, start_s: int) -> None:
    """Past, too soon, beside the grid, in a thousand years."""
    page = await sent(client, TIMES, BADMINTON, ("start", str(start_s)))
    assert "Dit uur kunt u niet meer kiezen" in words(page)
    assert PHONE in words(page)
    for name in ("product", "vorm"):
        assert f'name="{name}"' in page
    fields = [BADMINTON, ("vorm", "video"), ("start", str(start_s))]
    page = await sent(client, DETAILS, *fields, *AN, BOOK)
    assert "Dit uur kunt u niet meer kiezen" in words(page)
    assert await count(hall, "held", "booked") == 0


@pytest.mark.parametrize("start", ["", "morgen", "-1", "1e9", "٣", "9" * 12, "9" * 16])
async def test_a_time_that_is_no_number_is_none_at_all(client: Client, start: str) -> None:
    assert "Kies een dag en een uur" in await sent(client, TIMES, BADMINTON, ("start", start))
    response = await client.post(DETAILS, data=[BADMINTON, ("start", start), *AN, BOOK], allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (303, "/afspraak/nieuw")


async def test_another_s_hold_is_worth_nothing_without_its_secret(
    client: Client, hall: Townhall, municipality: Office
) -> None:
    """A secret that is wrong is no hold: the time is then booked if it is free, and refused if it is held."""
    wish = Wish((municipality.badminton,))
    for seed in (1, 2):
        await hall.store.write(appointments.hold, MONDAY_S, entropy(seed).randbytes, wish, TUESDAY_10_S)
    fields = [BADMINTON, ("vorm", "video"), ("start", str(TUESDAY_10_S)), ("plaats", "geraden")]
    await sent(client, DETAILS, *fields, *AN, BOOK)
    assert await count(hall, "held") == 2


async def test_a_product_that_is_gone_meanwhile(client: Client, hall: Townhall, municipality: Office) -> None:
    fields = await choose(client)
    gone = update(product).where(product.c.id == municipality.badminton).values(active=False)
    await hall.store.write(lambda tx: tx.execute(gone) and None)
    assert (await press_book(client, *fields, *AN)) == (303, "/afspraak/nieuw")


async def test_a_form_in_another_language_keeps_what_was_typed(client: Client) -> None:
    page = await sent(client, DETAILS, *await choose(client), *AN, *LIES, ("taal", "en"))
    assert '<html lang="en">' in page
    assert 'value="An Peeters"' in page
    assert 'value="Lies Peeters"' in page
    assert '<html lang="en">' in await page_of(await client.get("/")), "and the next page speaks it too"


async def test_looking_changes_nothing(client: Client, hall: Townhall) -> None:
    fields = await choose(client)
    query = "&".join(f"{name}={value}" for name, value in fields)
    for _ in range(20):
        for path in ("/", "/afspraak/nieuw", f"{TIMES}?product=badminton", f"{DETAILS}?{query}"):
            assert (await client.get(path)).status == 200
    assert await count(hall, "held") == 1
