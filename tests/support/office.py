"""A small municipality in a database, for tests: one service, two people, two products, hours on weekdays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from balie.store.engine import Tx
from balie.store.schema import availability, organisation, product, service, staff, staff_service

ZONE = "Europe/Brussels"


def unix_s(local: str, zone: str = ZONE) -> int:
    """A local time, such as 2026-12-08T14:30, as Unix seconds."""
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp())


def day(iso: str) -> date:
    return date.fromisoformat(iso)


MONDAY_S = unix_s("2026-12-07T07:00")
"""When tests begin unless they say otherwise: a Monday morning in winter before the office opens."""


@dataclass(frozen=True)
class Office:
    """The keys of what there is."""

    organisation: int
    service: int
    bart: int
    els: int
    badminton: int
    permit: int


def _add(tx: Tx, table: object, **values: object) -> int:
    key = tx.execute(insert(table).values(**values)).inserted_primary_key  # type: ignore[arg-type]
    assert key is not None
    return int(key[0])


def found(tx: Tx) -> Office:
    """Voorbeeldegem: Bart and Els, weekdays from 9 to 12 and from 13.30 to 16.30; badminton 30 min, permit 45 min."""
    org = _add(tx, organisation, name="Gemeente Voorbeeldegem", phone="+32 2 555 01 23", zone=ZONE)
    team = _add(
        tx,
        service,
        organisation_id=org,
        slug="vrije-tijd",
        names={"nl": "Vrije tijd", "fr": "Loisirs", "en": "Leisure", "de": "Freizeit"},
        phone="+32 2 555 01 30",
        mail="vrijetijd@voorbeeldegem.example",
        address="Dorpsplein 1, 9999 Voorbeeldegem",
    )
    people = []
    for login, name in (("bart", "Bart Claes"), ("els", "Els Maes")):
        person = _add(
            tx,
            staff,
            organisation_id=org,
            login=login,
            name=name,
            mail=f"{login}@voorbeeldegem.example",
            roles=["counter"],
            created_s=MONDAY_S,
        )
        tx.execute(insert(staff_service).values(staff_id=person, service_id=team))
        people.append(person)
        hours = [(weekday, *span) for weekday in range(5) for span in ((9 * 60, 12 * 60), (13 * 60 + 30, 16 * 60 + 30))]
        row = {"staff_id": person, "service_id": team, "from_day": "2026-01-05"}
        keys = ("weekday", "from_min", "until_min")
        tx.execute(insert(availability), [row | dict(zip(keys, each, strict=True)) for each in hours])
    badminton = _add(
        tx,
        product,
        service_id=team,
        slug="badminton",
        theme="sport",
        names={
            "nl": "Badmintonterrein huren",
            "fr": "Louer un terrain de badminton",
            "en": "Rent a badminton court",
            "de": "Badmintonfeld mieten",
        },
        summaries={"nl": "Samen een terrein kiezen, reserveren en betalen."},
        checklists={"nl": ["Uw betaalkaart", "De dag waarop u wilt spelen"]},
        duration_min=30,
        buffer_after_min=5,
        min_notice_min=120,
        horizon_days=60,
    )
    permit = _add(
        tx,
        product,
        service_id=team,
        slug="evenement",
        theme="vrije tijd",
        names={
            "nl": "Evenement aanvragen",
            "fr": "Demander un événement",
            "en": "Apply for an event",
            "de": "Veranstaltung beantragen",
        },
        duration_min=45,
        min_notice_min=1440,
        horizon_days=90,
        daily_max=4,
    )
    return Office(org, team, people[0], people[1], badminton, permit)
