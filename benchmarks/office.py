"""An office with many people and a full calendar: what free times and bookings are measured on.

Everybody works on weekdays from 8 to 12 and from 13 to 17.  Appointments take 25 minutes and 5 after them, and those
that stand begin on the half hour, so that a day of somebody has room for sixteen.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Table, insert, select, update

from balie.booking.claims import cells_of
from balie.booking.hours import day_of, is_holiday, moment
from balie.booking.people import RIGHTS
from balie.store.engine import Tx
from balie.store.schema import (
    appointment,
    appointment_product,
    availability,
    day_claim,
    organisation,
    participant,
    product,
    service,
    slot_claim,
    staff,
    staff_service,
)

ZONE = "Europe/Brussels"
SERVICE, PASSPORT, PERMIT = "burgerzaken", "paspoort", "vergunning"
DURATION_S, AFTER_MIN, GRID_MIN = 25 * 60, 5, 30
HOURS_MIN = ((8 * 60, 12 * 60), (13 * 60, 17 * 60))
DAYS = 60
PERMIT_EVERY, PERMITS_A_DAY = 10, 200
"""One standing appointment in ten is about the product that has a daily maximum."""


@dataclass(frozen=True)
class Office:
    """The keys of what there is.  permit: the product with a daily maximum."""

    organisation: int
    service: int
    passport: int
    permit: int
    staff: tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """A time of somebody.  who: a position in Office.staff; start_s: Unix time."""

    who: int
    day: date
    start_s: int


def places(people: int, first: date, days: int = DAYS) -> list[Place]:
    """All that there is room for."""
    found = []
    for day in (first + timedelta(days=n) for n in range(days)):
        if day.weekday() > 4 or is_holiday(day):
            continue
        starts = [moment(day, minutes, ZONE) for hours in HOURS_MIN for minutes in range(*hours, GRID_MIN)]
        found += [Place(who, day, start_s) for who in range(people) for start_s in starts]
    return found


def found(tx: Tx, now_s: int, people: int, standing: int, seed: int = 1) -> Office:
    """The office, with so many appointments from tomorrow on within DAYS.  ValueError: there is no room for them."""
    room = places(people, day_of(now_s, ZONE) + timedelta(days=1), DAYS - 1)
    if standing > len(room):
        raise ValueError(f"{standing} appointments: {people} people have room for {len(room)} in {DAYS} days")
    office = _office(tx, now_s, people)
    _appointments(tx, now_s, office, random.Random(seed).sample(room, standing))
    return office


def _add(tx: Tx, table: Table, **values: Any) -> int:
    key = tx.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _office(tx: Tx, now_s: int, people: int) -> Office:
    org = _add(tx, organisation, name="Stad Voorbeeldegem", phone="+32 2 555 01 23", zone=ZONE)
    team = _add(tx, service, organisation_id=org, slug=SERVICE, names={"nl": "Burgerzaken"})
    ids = []
    for number in range(people):
        login = f"collega{number}"
        mail = f"{login}@voorbeeldegem.example"
        row = {"organisation_id": org, "login": login, "name": f"Collega {number}", "mail": mail}
        ids.append(_add(tx, staff, **row, roles=["counter"], created_s=now_s))
    tx.execute(insert(staff_service), [{"staff_id": each, "service_id": team} for each in ids])
    hours = [
        {"staff_id": each, "weekday": weekday, "from_min": from_min, "until_min": until_min}
        for each in ids
        for weekday in range(5)
        for from_min, until_min in HOURS_MIN
    ]
    from_day = day_of(now_s, ZONE).isoformat()
    tx.execute(insert(availability), [{**each, "service_id": team, "from_day": from_day} for each in hours])
    about = {
        "service_id": team,
        "duration_min": DURATION_S // 60,
        "buffer_after_min": AFTER_MIN,
        "min_notice_min": 60,
        "horizon_days": DAYS,
    }
    passport = _add(tx, product, slug=PASSPORT, names={"nl": "Paspoort"}, **about)
    permit = _add(tx, product, slug=PERMIT, names={"nl": "Vergunning"}, daily_max=PERMITS_A_DAY, **about)
    return Office(org, team, passport, permit, tuple(ids))


def _appointments(tx: Tx, now_s: int, office: Office, taken: list[Place]) -> None:
    """As balie.booking would have left them, without their messages, links and events."""
    tx.execute(insert(appointment), [_row(office, number, each, now_s) for number, each in enumerate(taken)])
    # The database gives the keys, so that it goes on after them.
    columns = (appointment.c.id, appointment.c.staff_id, appointment.c.start_s)
    key_of = {(row.staff_id, row.start_s): row.id for row in tx.execute(select(*columns))}
    keys = [key_of[office.staff[each.who], each.start_s] for each in taken]
    permits = [number % PERMIT_EVERY == 0 for number in range(len(taken))]
    products = [
        {"appointment_id": key, "product_id": office.permit if is_permit else office.passport}
        for key, is_permit in zip(keys, permits, strict=True)
    ]
    claims = [
        {"staff_id": office.staff[each.who], "cell": cell, "appointment_id": key}
        for key, each in zip(keys, taken, strict=True)
        for cell in cells_of(each.start_s, each.start_s + DURATION_S, 0, AFTER_MIN)
    ]
    seats: dict[str, int] = {}
    seated = []
    for key, each, is_permit in zip(keys, taken, permits, strict=True):
        if is_permit:
            day = each.day.isoformat()
            seats[day] = seats.get(day, -1) + 1
            seated.append({"product_id": office.permit, "day": day, "seat": seats[day], "appointment_id": key})
    citizens = [_citizen(number, key, now_s) for number, key in enumerate(keys)]
    rows = ((appointment_product, products), (slot_claim, claims), (day_claim, seated), (participant, citizens))
    for table, values in rows:
        if values:
            tx.execute(insert(table), values)
    for who, staff_id in enumerate(office.staff):
        version = sum(each.who == who for each in taken)
        tx.execute(update(staff).where(staff.c.id == staff_id).values(claims_version=version))


def _row(office: Office, number: int, place: Place, now_s: int) -> dict[str, Any]:
    return {
        "uid": f"standing{number}@balie",
        "ref": f"S{number:06}",
        "service_id": office.service,
        "staff_id": office.staff[place.who],
        "status": "booked",
        "start_s": place.start_s,
        "end_s": place.start_s + DURATION_S,
        "buffer_after_min": AFTER_MIN,
        "room": f"standing{number}",
        "created_by": "citizen",
        "created_s": now_s,
        "changed_s": now_s,
    }


def _citizen(number: int, appointment_id: int, now_s: int) -> dict[str, Any]:
    return {
        "appointment_id": appointment_id,
        "person": f"{number:032x}",
        "name": f"Burger {number}",
        "mail": f"burger{number}@post.example",
        "rights": RIGHTS["citizen"],
        "created_s": now_s,
    }
