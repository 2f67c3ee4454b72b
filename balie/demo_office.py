"""The municipality of the demo: Voorbeeldegem, its services, products, people and hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Table, insert

from balie import demo_hall, demo_identity
from balie.sections.bookkeeping import BookkeepingSection
from balie.store.engine import Tx
from balie.store.schema import availability, organisation, product, service, staff, staff_service

NAME, PHONE, ZONE = "Gemeente Voorbeeldegem", "+32 2 555 01 23", "Europe/Brussels"
LEISURE = "vrije-tijd"
BOOKKEEPING = BookkeepingSection(
    kbo="0999.999.922",  # nobody's
    vat="BE0999.999.922",
    street="Dorpsplein 1",
    postcode="9999",
    city="Voorbeeldegem",
    folder="boekhouding",  # goes with the demo, like everything
    every_s=10,
)
LOGIN = "bart"
"""Who the demo's staff link is for."""

MORNING, AFTERNOON, EVENING = (9 * 60, 12 * 60), (13 * 60 + 30, 16 * 60 + 30), (17 * 60, 19 * 60)
THURSDAY = 3


@dataclass(frozen=True)
class DemoOffice:
    """The keys that the demo needs."""

    organisation: int
    leisure: int
    bart: int
    badminton: int


def found(tx: Tx, now_s: int, today: date, password: str) -> DemoOffice:
    """Fill an empty database.  password: the hash of the one that all of them sign in with."""
    org = _add(tx, organisation, name=NAME, phone=PHONE, zone=ZONE)
    leisure = _add(
        tx,
        service,
        organisation_id=org,
        slug=LEISURE,
        names={"nl": "Vrije tijd", "fr": "Loisirs", "en": "Leisure", "de": "Freizeit"},
        phone="+32 2 555 01 30",
        mail="vrijetijd@voorbeeldegem.example",
        address="Sporthal De Pluim, Sportlaan 4, 9999 Voorbeeldegem",
    )
    civil = _add(
        tx,
        service,
        organisation_id=org,
        slug="burgerzaken",
        names={"nl": "Burgerzaken", "fr": "Population", "en": "Civil affairs", "de": "Bürgerdienste"},
        phone="+32 2 555 01 40",
        mail="burgerzaken@voorbeeldegem.example",
        address="Gemeentehuis, Dorpsplein 1, 9999 Voorbeeldegem",
    )
    people = {
        login: _person(tx, org, teams, login, name, roles, now_s, password, today)
        for login, name, roles, teams in (
            ("bart", "Bart Claes", ["counter"], (leisure,)),
            ("els", "Els Maes", ["counter", "lead"], (leisure, civil)),
            ("karim", "Karim El Amrani", ["counter"], (civil,)),
            ("admin", "Hilde Wouters", ["admin"], ()),
        )
    }
    keys = [_add(tx, product, position=at, **values) for at, values in enumerate(_products(leisure, civil))]
    return DemoOffice(org, leisure, people["bart"], keys[0])


def _person(
    tx: Tx,
    org: int,
    teams: tuple[int, ...],
    login: str,
    name: str,
    roles: list[str],
    now_s: int,
    password: str,
    today: date,
) -> int:
    person = _add(
        tx,
        staff,
        organisation_id=org,
        login=login,
        name=name,
        mail=f"{login}@voorbeeldegem.example",
        roles=roles,
        password=password,
        created_s=now_s,
    )
    monday = today - timedelta(days=today.weekday())
    for team in teams:
        tx.execute(insert(staff_service).values(staff_id=person, service_id=team))
        hours = [(weekday, times) for weekday in range(5) for times in (MORNING, AFTERNOON)]
        hours.append((THURSDAY, EVENING))
        tx.execute(
            insert(availability),
            [
                {
                    "staff_id": person,
                    "service_id": team,
                    "weekday": weekday,
                    "from_min": times[0],
                    "until_min": times[1],
                    "from_day": monday.isoformat(),
                }
                for weekday, times in hours
            ],
        )
    return person


def _products(leisure: int, civil: int) -> tuple[dict[str, Any], ...]:
    return (
        {
            "service_id": leisure,
            "slug": "badminton",
            "theme": "sport",
            "names": {
                "nl": "Badmintonterrein huren, met begeleiding",
                "fr": "Louer un terrain de badminton, avec accompagnement",
                "en": "Rent a badminton court, with guidance",
                "de": "Badmintonfeld mieten, mit Begleitung",
            },
            "summaries": {
                "nl": "We kiezen samen een terrein en een uur. U reserveert en betaalt zelf, wij kijken mee.",
                "fr": "Nous choisissons ensemble un terrain et une heure. Vous réservez et payez, nous vous guidons.",
                "en": "We pick a court and a time together. You book and pay yourself, and we look along.",
                "de": "Wir wählen zusammen Feld und Uhrzeit. Sie reservieren und zahlen selbst, wir helfen dabei.",
            },
            "welcomes": {
                "nl": "Fijn dat u er bent. We doen alles samen, stap voor stap.",
                "fr": "Soyez bienvenu. Nous faisons tout ensemble, pas à pas.",
                "en": "Good to have you here. We do everything together, step by step.",
                "de": "Schön, dass Sie da sind. Wir machen alles zusammen, Schritt für Schritt.",
            },
            "checklists": {
                "nl": ["Uw betaalkaart", "De dag en het uur waarop u wilt spelen"],
                "fr": ["Votre carte de paiement", "Le jour et l’heure où vous voulez jouer"],
                "en": ["Your payment card", "The day and time when you want to play"],
                "de": ["Ihre Zahlungskarte", "Tag und Uhrzeit, zu der Sie spielen möchten"],
            },
            "duration_min": 30,
            "buffer_after_min": 5,
            "min_notice_min": 60,
            "identification": "oidc",
            "identity_purposes": demo_identity.PURPOSES,
            "reservation_backend": demo_hall.NAME,
            "reservation_kind": demo_hall.KIND,
            "vat_category": "S",
            "vat_rate": 600,
        },
        {
            "service_id": leisure,
            "slug": "evenement",
            "theme": "vrije tijd",
            "names": {
                "nl": "Buurtfeest of evenement aanvragen",
                "fr": "Demander une fête de quartier ou un événement",
                "en": "Apply for a street party or event",
                "de": "Straßenfest oder Veranstaltung beantragen",
            },
            "summaries": {
                "nl": "We overlopen samen uw aanvraag: plaats, materiaal en vergunning.",
                "fr": "Nous parcourons votre demande ensemble : lieu, matériel et autorisation.",
                "en": "We go through your application together: place, equipment and permit.",
                "de": "Wir gehen Ihren Antrag zusammen durch: Ort, Material und Genehmigung.",
            },
            "duration_min": 45,
            "min_notice_min": 1440,
            "daily_max": 6,
        },
        {
            "service_id": civil,
            "slug": "adreswijziging",
            "theme": "wonen",
            "names": {
                "nl": "Verhuis melden",
                "fr": "Déclarer un déménagement",
                "en": "Report a change of address",
                "de": "Umzug melden",
            },
            "summaries": {
                "nl": "U geeft uw nieuwe adres door. We zeggen wat er daarna gebeurt.",
                "fr": "Vous communiquez votre nouvelle adresse. Nous expliquons la suite.",
                "en": "You give us your new address. We tell you what happens next.",
                "de": "Sie teilen uns Ihre neue Adresse mit. Wir erklären, wie es weitergeht.",
            },
            "duration_min": 15,
        },
        {
            "service_id": civil,
            "slug": "attest",
            "theme": "documenten",
            "names": {
                "nl": "Hulp bij een attest of uittreksel",
                "fr": "Aide pour une attestation ou un extrait",
                "en": "Help with a certificate or extract",
                "de": "Hilfe bei einer Bescheinigung oder einem Auszug",
            },
            "summaries": {
                "nl": "We vragen samen uw attest aan, stap voor stap.",
                "fr": "Nous demandons votre attestation ensemble, étape par étape.",
                "en": "We request your certificate together, step by step.",
                "de": "Wir beantragen Ihre Bescheinigung zusammen, Schritt für Schritt.",
            },
            "duration_min": 20,
        },
    )


def _add(tx: Tx, table: Table, **values: object) -> int:
    key = tx.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])
