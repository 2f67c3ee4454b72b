"""Services, products, free days and times, in the language that was asked for."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from balie.store.schema import product
from tests.support.api import AT, Api
from web.api import asking

WISH = "service=vrije-tijd&product=badminton"


async def test_services_and_products(api: Api) -> None:
    services = (await api.get("/api/v1/services")).json["services"]
    assert [(each["slug"], each["name"], each["zone"]) for each in services] == [
        ("vrije-tijd", "Vrije tijd", "Europe/Brussels")
    ]
    products = (await api.get("/api/v1/products?service=vrije-tijd")).json["products"]
    assert products == (await api.get("/api/v1/products")).json["products"]
    badminton, permit = products
    assert badminton["checklist"] == ["Uw betaalkaart", "De dag waarop u wilt spelen"]
    assert (badminton["duration_min"], badminton["modalities"]) == (30, ["video", "phone", "desk"])
    assert (permit["slug"], permit["summary"], permit["checklist"]) == ("evenement", "", [])


async def test_a_product_that_is_not_offered_any_more_is_not_there(api: Api) -> None:
    await api.store.write(lambda tx: tx.execute(update(product).values(active=False)).rowcount)
    assert (await api.get("/api/v1/products")).json == {"products": []}


@pytest.mark.parametrize(
    ("header", "language", "name"),
    [
        ("fr-BE, fr;q=0.9, nl;q=0.8", "fr", "Loisirs"),
        ("en;q=0.3, de;q=0.7, *;q=0.1", "de", "Freizeit"),
        ("it, pt-BR", "nl", "Vrije tijd"),
        ("", "nl", "Vrije tijd"),
        ("fr;q=0, en", "en", "Leisure"),
        ("fr;q=2, en;q=x, ;;q=1,\t,de;q=0.001", "de", "Freizeit"),
    ],
)
async def test_texts_in_the_callers_language(api: Api, header: str, language: str, name: str) -> None:
    reply = await api.get("/api/v1/services", Accept_Language=header)
    assert reply.headers["Content-Language"] == language
    assert "Accept-Language" in reply.headers["Vary"]
    assert reply.json["services"][0]["name"] == name
    assert reply.json["services"][0]["names"]["nl"] == "Vrije tijd"


async def test_days_and_their_times(both: Api) -> None:
    days = (await both.get(f"/api/v1/days?{WISH}&from=2026-12-05&until=2026-12-14")).json
    assert days["errors"][0]["field"] == "from", "a day in the past"
    days = (await both.get(f"/api/v1/days?{WISH}&until=2026-12-13")).json["days"]
    assert [each["day"] for each in days] == [f"2026-12-{day:02d}" for day in range(7, 14)]
    free = [each["free"] for each in days]
    assert free[5:] == [0, 0] and free[1] > 0, "no times on Saturday and Sunday"
    slots = (await both.get(f"/api/v1/slots?{WISH}&from=2026-12-08&until=2026-12-08")).json["slots"]
    assert len(slots) == free[1]
    staff = [{"id": both.office.bart, "name": "Bart Claes"}, {"id": both.office.els, "name": "Els Maes"}]
    assert slots[0] == {"start": "2026-12-08T09:00:00+01:00", "end": "2026-12-08T09:30:00+01:00", "staff": staff}
    assert AT in [each["start"] for each in slots]


async def test_several_products_take_their_time_together(api: Api) -> None:
    slots = (await api.get(f"/api/v1/slots?{WISH}&product=evenement&from=2026-12-09")).json["slots"]
    assert (slots[0]["start"], slots[0]["end"]) == ("2026-12-09T09:00:00+01:00", "2026-12-09T10:15:00+01:00")


async def test_a_time_that_is_booked_is_not_free(api: Api) -> None:
    async def who(at: str) -> list[str]:
        slots = (await api.get(f"/api/v1/slots?{WISH}&from=2026-12-08&until=2026-12-08")).json["slots"]
        return [each["name"] for slot in slots if slot["start"] == at for each in slot["staff"]]

    assert await who(AT) == ["Bart Claes", "Els Maes"]
    await api.book(staff=api.office.els)
    assert await who(AT) == ["Bart Claes"]
    await api.book(staff=api.office.bart)
    assert await who(AT) == []
    only_els = await api.get(f"/api/v1/slots?{WISH}&staff={api.office.els}&from=2026-12-08&until=2026-12-08")
    assert {each["name"] for slot in only_els.json["slots"] for each in slot["staff"]} == {"Els Maes"}


async def test_both_sides_of_a_clock_change(api: Api) -> None:
    api.now_s += 100 * 86_400
    slots = (await api.get(f"/api/v1/slots?{WISH}&from=2027-03-26&until=2027-03-30")).json["slots"]
    starts = [each["start"] for each in slots]
    assert "2027-03-26T09:00:00+01:00" in starts and "2027-03-30T16:00:00+02:00" in starts


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("service=bib&product=badminton", "service", "service_not_found"),
        ("service=vrije-tijd&product=squash", "products[0]", "product_not_found"),
        ("service=vrije-tijd", "product", "missing"),
        ("product=badminton", "service", "missing"),
        (f"{WISH}&product=badminton", "products", "products_repeated"),
        (f"{WISH}&modality=fax", "modality", "invalid"),
        (f"{WISH}&staff=bart", "staff", "invalid"),
        (f"{WISH}&from=8/12/2026", "from", "invalid"),
        (f"{WISH}&from=2026-12-32", "from", "invalid"),
        (f"{WISH}&from=9999-12-31", "from", "day_out_of_range"),
        (f"{WISH}&from=0001-01-01", "from", "day_out_of_range"),
        (f"{WISH}&until=2026-12-06", "until", "day_out_of_range"),
        (f"{WISH}&until=2027-12-06", "until", "day_out_of_range"),
        (f"{WISH}&from=2026-12-08&from=2026-12-09", "from", "repeated"),
        (f"{WISH}&colour=red", "colour", "unknown_field"),
        (f"{WISH}&staff={10**30}", "staff", "invalid"),
        ("service=%07&product=%07", "service", "service_not_found"),
        ("&".join(["service=vrije-tijd", *("product=badminton" for _ in range(11))]), "product", "invalid"),
    ],
)
async def test_what_cannot_be_asked(api: Api, query: str, field: str, code: str) -> None:
    for path in ("days", "slots"):
        reply = await api.get(f"/api/v1/{path}?{query}")
        assert reply.status == 422, reply.text
        assert reply.json["title"] == "invalid"
        [error] = reply.json["errors"]
        assert (error["field"], error["code"]) == (field, code), error


async def test_what_is_allowed_is_said(api: Api) -> None:
    reply = await api.get(f"/api/v1/slots?{WISH}&colour=red")
    assert reply.json["detail"] == "colour: no such field; allowed: from, modality, product, service, staff, until"
    reply = await api.get(f"/api/v1/slots?{WISH}&modality=fax")
    assert "allowed: desk, phone, video" in reply.json["detail"]
    assert asking.SHOWN_MAX == 40
    reply = await api.get(f"/api/v1/slots?{WISH}&{'x' * 3000}=1")
    assert len(reply.text) < 500
