"""What can be booked, and when: services, products, free days and times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from balie.booking import catalogue
from balie.booking.catalogue import Service
from balie.booking.hours import day_of
from balie.booking.slots import Slot, Wish
from balie.store.engine import Tx
from web.api import shapes, types
from web.api.operation import Answer, Call
from web.api.refusals import misfit
from web.keys import CALENDARS, STORE

DAYS_MAX, SLOTS_DAYS_MAX = 120, 31  # in one answer: of days one number each, of times perhaps thirty a day
DAYS, SLOTS_DAYS = 30, 7
AHEAD_DAYS_MAX = 800
"""No product has a longer horizon, and dates that end with the calendar are nobody's wish."""


async def services(call: Call[types.NoQuery, types.Asked]) -> Answer:
    found = await call.request.app[STORE].read(services_of, call.key.organisation_id)
    return Answer(types.Services([shapes.a_service(each) for each in found]))


async def products(call: Call[types.ProductsQuery, types.Asked]) -> Answer:
    def read(tx: Tx) -> list[types.Product]:
        slugs = {each.id: each.slug for each in services_of(tx, call.key.organisation_id)}
        if call.query.service:
            slugs = {key: slug for key, slug in slugs.items() if slug == call.query.service}
            if not slugs:
                raise _unknown("service", call.query.service)
        found = catalogue.products(tx)
        return [shapes.a_product(each, slugs[each.service_id]) for each in found if each.service_id in slugs]

    return Answer(types.Products(await call.request.app[STORE].read(read)))


async def days(call: Call[types.TimesQuery, types.Asked]) -> Answer:
    def read(tx: Tx) -> list[types.Day]:
        zone, from_day, until_day, found = _free(tx, call, DAYS, DAYS_MAX)
        free = Counter(day_of(each.start_s, zone) for each in found)
        span = range((until_day - from_day).days + 1)
        return [types.Day(day, free[day]) for day in (from_day + timedelta(days=n) for n in span)]

    return Answer(types.Days(await call.request.app[STORE].read(read)))


async def slots(call: Call[types.TimesQuery, types.Asked]) -> Answer:
    def read(tx: Tx) -> list[types.Slot]:
        return shapes.slots(tx, _free(tx, call, SLOTS_DAYS, SLOTS_DAYS_MAX)[3])

    return Answer(types.Slots(await call.request.app[STORE].read(read)))


def services_of(tx: Tx, organisation_id: int) -> list[Service]:
    return [each for each in catalogue.services(tx) if each.organisation_id == organisation_id]


def wish(
    tx: Tx, organisation_id: int, service: str, products: Sequence[str], modality: str, staff_id: int | None
) -> tuple[str, Wish]:
    """Slugs as what balie.booking knows; with the zone of the service."""
    found = catalogue.by_slug(tx, organisation_id, service)
    if found is None:
        raise _unknown("service", service)
    zone, ids = found
    for at, slug in enumerate(products):
        if slug not in ids:
            raise _unknown(f"products[{at}]", slug)
    return zone, Wish(tuple(ids[slug] for slug in products), modality, staff_id)


def _free(
    tx: Tx, call: Call[types.TimesQuery, types.Asked], days_default: int, days_max: int
) -> tuple[str, date, date, list[Slot]]:
    query = call.query
    zone, wanted = wish(tx, call.key.organisation_id, query.service, query.product, query.modality, query.staff)
    today = day_of(call.now_s, zone)
    from_day = query.from_ or today
    if not -1 <= (from_day - today).days <= AHEAD_DAYS_MAX:
        raise misfit("from", "day_out_of_range", f"need a day from today until {AHEAD_DAYS_MAX} days on")
    until_day = query.until or from_day + timedelta(days=days_default - 1)
    if not 0 <= (until_day - from_day).days < days_max:
        raise misfit("until", "day_out_of_range", f"need a day from `from` on, {days_max} days together at most")
    return zone, from_day, until_day, call.request.app[CALENDARS].free(tx, wanted, call.now_s, from_day, until_day)


def _unknown(field: str, slug: str) -> Exception:
    kind = field.partition("[")[0].removesuffix("s")
    return misfit(field, f"{kind}_not_found", f"no such {kind}: {slug[:64]}")
