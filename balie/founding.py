"""An office from a file: organisation, services, products, opening hours.  Read again, it changes nothing.

Services and products are known by their slug: what the file says holds, what it does not name stays as it is.  Hours
are those that a service begins with: who works there and has none yet gets them, and changes them himself later.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Row, Table, exists, insert, select, update

from balie.booking.hours import day_of
from balie.checks import check_clock, check_mail_address
from balie.errors import ConfigError, StartError
from balie.reading import read_document, setting
from balie.record import audit
from balie.store.engine import Tx
from balie.store.schema import availability, organisation, product, service, staff, staff_service

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Modality = Literal["video", "phone", "desk"]
MODALITIES: tuple[Modality, ...] = ("video", "phone", "desk")
LONGEST_MIN = 8 * 60
YEAR_DAYS = 366


def _at_most(most: int) -> Callable[[str, str], None]:
    def check(value: str, where: str) -> None:
        if len(value) > most:
            raise ConfigError(where, value, f"at most {most} characters")

    return check


def _check_slug(value: str, where: str) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value) or len(value) > 64:
        raise ConfigError(where, value, "a word for URLs: small letters, digits and hyphens, such as vrije-tijd")


def _check_zone(value: str, where: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ConfigError(where, value, "a time zone, such as Europe/Brussels")


def _check_phone(value: str, where: str) -> None:
    if not re.fullmatch(r"[+0-9 ()./-]{3,40}", value):
        raise ConfigError(where, value, "a telephone number as people read it, such as +32 2 555 01 23")


@dataclass(frozen=True)
class Texts:
    """A text by language.  Dutch is what is shown where another is missing."""

    nl: str = setting("", check=_at_most(500))
    fr: str = setting("", check=_at_most(500))
    en: str = setting("", check=_at_most(500))
    de: str = setting("", check=_at_most(500))


@dataclass(frozen=True)
class Lists:
    """Lines by language."""

    nl: tuple[str, ...] = setting((), check=_at_most(200))
    fr: tuple[str, ...] = setting((), check=_at_most(200))
    en: tuple[str, ...] = setting((), check=_at_most(200))
    de: tuple[str, ...] = setting((), check=_at_most(200))


NO_TEXTS, NO_LISTS = Texts(), Lists()
WORDS = ("names", "summaries", "welcomes", "checklists")
"""Of a product: what balie.booking.wording writes too."""


@dataclass(frozen=True)
class OrganisationPart:
    """[organisation]."""

    name: str = setting("", nonempty=True, check=_at_most(200))
    phone: str = setting("", nonempty=True, check=_check_phone)
    zone: str = setting("Europe/Brussels", check=_check_zone)
    kbo: str = setting("", check=_at_most(20))
    ovo: str = setting("", check=_at_most(20))


NOBODY = OrganisationPart()


@dataclass(frozen=True)
class ProductPart:
    """[[services.products]]: what an appointment can be about.

    daily_max            0: as many as there are times
    identification       oidc: the citizen proves who he is before the act counts
    identity_log         it was agreed that this is logged; identity_purposes says what for
    price_cents          VAT included; of a reservation its system says the price
    vat_category         UNCL5305: S with vat_rate in hundredths of a percent, Z zero, E exempt, O outside VAT
    reservation_backend  name of a system of [reservations], and reservation_kind what of it
    """

    slug: str = setting("", nonempty=True, check=_check_slug)
    names: Texts = setting(NO_TEXTS)
    summaries: Texts = setting(NO_TEXTS)
    welcomes: Texts = setting(NO_TEXTS)
    checklists: Lists = setting(NO_LISTS)
    theme: str = setting("", check=_at_most(64))
    ipdc_id: str = setting("", check=_at_most(64))
    duration_min: int = setting(30, least=5, most=LONGEST_MIN)
    buffer_before_min: int = setting(0, least=0, most=LONGEST_MIN)
    buffer_after_min: int = setting(0, least=0, most=LONGEST_MIN)
    min_notice_min: int = setting(60, least=0, most=YEAR_DAYS * 1440)
    horizon_days: int = setting(60, least=1, most=YEAR_DAYS)
    daily_max: int = setting(0, least=0, most=1000)
    modalities: tuple[Modality, ...] = setting(MODALITIES, nonempty=True)
    max_third_parties: int = setting(3, least=0, most=9)
    identification: Literal["none", "link", "oidc"] = setting("none")
    required_acr: str = setting("", check=_at_most(200))
    identity_log: bool = setting(False)
    identity_purposes: Texts = setting(NO_TEXTS)
    price_cents: int = setting(0, least=0, most=10_000_000)
    vat_category: Literal["S", "Z", "E", "O"] = setting("O")
    vat_rate: int = setting(0, least=0, most=10_000)
    reservation_backend: str = setting("", check=_at_most(64))
    reservation_kind: str = setting("", check=_at_most(64))
    reminder_min: tuple[int, ...] = setting((10_080, 2_880, 120, 10), least=1, most=YEAR_DAYS * 1440)
    active: bool = setting(True)


@dataclass(frozen=True)
class HoursPart:
    """[[services.hours]]: every week, in local time."""

    days: tuple[Day, ...] = setting((), nonempty=True)
    opens: str = setting("", nonempty=True, check=check_clock)
    closes: str = setting("", nonempty=True, check=check_clock)
    modalities: tuple[Modality, ...] = setting(MODALITIES, nonempty=True)


@dataclass(frozen=True)
class ServicePart:
    """[[services]]: a dienst."""

    slug: str = setting("", nonempty=True, check=_check_slug)
    names: Texts = setting(NO_TEXTS)
    phone: str = setting("", nonempty=True, check=_check_phone)
    mail: str = setting("", check=check_mail_address)
    address: str = setting("", check=_at_most(200))
    active: bool = setting(True)
    hours: tuple[HoursPart, ...] = setting(())
    products: tuple[ProductPart, ...] = setting(())


@dataclass(frozen=True)
class OfficeFile:
    """A whole file."""

    organisation: OrganisationPart = setting(NOBODY)
    services: tuple[ServicePart, ...] = setting(())


@dataclass(frozen=True)
class Change:
    """What became of one thing.  what: organisation, service, product or hours; done: made, changed or as it was."""

    what: str
    which: str
    done: str


def read(path: Path) -> OfficeFile:
    """A file, checked.  ConfigError."""
    found: OfficeFile = read_document(OfficeFile, path, "FILE")
    if not found.organisation.name:
        raise ConfigError(f"{path.name} [organisation]", None, "to be there, with a name and a phone")
    _once((each.slug for each in found.services), f"{path.name} services")
    for at, each in enumerate(found.services):
        where = f"{path.name} services[{at}]"
        _check_names(each.names, f"{where} names")
        _once((one.slug for one in each.products), f"{where} products")
        for number, hours in enumerate(each.hours):
            _check_hours(hours, f"{where} hours[{number}]")
        for number, one in enumerate(each.products):
            _check_product(one, f"{where} products[{number}]")
    return found


def _check_names(names: Texts, where: str) -> None:
    if not names.nl.strip():
        raise ConfigError(where, None, 'a name in Dutch at least, such as { nl = "Vrije tijd" }')


def _once(slugs: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for slug in slugs:
        if slug in seen:
            raise ConfigError(where, slug, "every slug once")
        seen.add(slug)


def _check_product(one: ProductPart, where: str) -> None:
    _check_names(one.names, f"{where} names")
    for name in ("duration_min", "buffer_before_min", "buffer_after_min"):
        if (minutes := getattr(one, name)) % 5:
            raise ConfigError(f"{where} {name}", minutes, "a multiple of 5: calendars have five minutes to a cell")


def _check_hours(hours: HoursPart, where: str) -> None:
    if not hours.days:
        raise ConfigError(f"{where} days", None, f"some of {', '.join(DAYS)}")
    for name in ("opens", "closes"):
        if _minutes(getattr(hours, name)) % 5:
            raise ConfigError(f"{where} {name}", getattr(hours, name), "a time on five minutes, such as 09:05")
    if hours.opens >= hours.closes:
        raise ConfigError(f"{where} closes", hours.closes, f"a time after {hours.opens}")


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


# -- into the database ----------------------------------------------------------------------------------


def apply(tx: Tx, now_s: int, wanted: OfficeFile, actor: str) -> list[Change]:
    """Make the office what the file says.  StartError: the database has several organisations."""
    return list(_apply(tx, now_s, wanted, actor))


def _apply(tx: Tx, now_s: int, wanted: OfficeFile, actor: str) -> Iterator[Change]:
    rows = tx.execute(select(organisation)).all()
    if len(rows) > 1:
        raise StartError(f"[database] url: found {len(rows)} organisations, need one.\nThis file is for one office.")
    keeper = _Keeper(tx, now_s, actor)
    office_id, done = keeper.put(organisation, rows[0] if rows else None, asdict(wanted.organisation))
    yield Change("organisation", wanted.organisation.name, done)
    for part in wanted.services:
        here = (service.c.organisation_id == office_id) & (service.c.slug == part.slug)
        values = {
            "organisation_id": office_id,
            "slug": part.slug,
            "names": _by_language(part.names),
            "phone": part.phone,
            "mail": part.mail,
            "address": part.address,
            "active": part.active,
        }
        service_id, done = keeper.put(service, tx.execute(select(service).where(here)).first(), values)
        yield Change("service", part.slug, done)
        for position, one in enumerate(part.products):
            known = (product.c.service_id == service_id) & (product.c.slug == one.slug)
            row = tx.execute(select(product).where(known)).first()
            values = _product(one, service_id, position)
            if row is not None:  # an administrator may have written them at his desk since
                values = {name: value for name, value in values.items() if value or name not in WORDS}
            _key, done = keeper.put(product, row, values)
            yield Change("product", f"{part.slug}/{one.slug}", done)
        yield from _give_hours(keeper, part, service_id, wanted.organisation.zone)


def _product(one: ProductPart, service_id: int, position: int) -> dict[str, Any]:
    values = asdict(one) | {"service_id": service_id, "position": position, "daily_max": one.daily_max or None}
    for name in (*WORDS, "identity_purposes"):
        values[name] = _by_language(getattr(one, name))
    return values | {"modalities": list(one.modalities), "reminder_min": list(one.reminder_min)}


def _by_language(texts: Texts | Lists) -> dict[str, Any]:
    return {code: list(value) if isinstance(value, tuple) else value for code, value in asdict(texts).items() if value}


def _give_hours(keeper: _Keeper, part: ServicePart, service_id: int, zone: str) -> Iterator[Change]:
    """To everybody of a service who has no hours in it."""
    tx = keeper.tx
    none = ~exists().where(availability.c.staff_id == staff.c.id, availability.c.service_id == service_id)
    people = select(staff.c.id, staff.c.login).join(staff_service)
    without = people.where(staff_service.c.service_id == service_id, staff.c.active, none).order_by(staff.c.id)
    today = day_of(keeper.now_s, zone)
    monday = (today - timedelta(days=today.weekday())).isoformat()
    for row in tx.execute(without).all() if part.hours else []:
        for hours in part.hours:
            for day in hours.days:
                values = {
                    "staff_id": row.id,
                    "service_id": service_id,
                    "weekday": DAYS.index(day),
                    "from_min": _minutes(hours.opens),
                    "until_min": _minutes(hours.closes),
                    "from_day": monday,
                    "modalities": list(hours.modalities),
                }
                tx.execute(insert(availability).values(**values))
        audit.note(tx, keeper.now_s, keeper.actor, "hours.added", f"staff/{row.id}", service=service_id)
        yield Change("hours", f"{part.slug}/{row.login}", "made")


@dataclass(frozen=True)
class _Keeper:
    """Writes rows, and the audit of each that is new or another."""

    tx: Tx
    now_s: int
    actor: str

    def put(self, table: Table, row: Row[Any] | None, values: dict[str, Any]) -> tuple[int, str]:
        """The id of a row that has these values now, and whether it was made, changed, or was so already."""
        if row is None:
            made = self.tx.execute(insert(table).values(**values)).inserted_primary_key
            assert made is not None
            self._note(table, "created", int(made[0]), sorted(values))
            return int(made[0]), "made"
        other = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not other:
            return int(row.id), "as it was"
        self.tx.execute(update(table).where(table.c.id == row.id).values(**other))
        self._note(table, "changed", int(row.id), sorted(other))
        return int(row.id), "changed"

    def _note(self, table: Table, what: str, key: int, fields: list[str]) -> None:
        audit.note(self.tx, self.now_s, self.actor, f"{table.name}.{what}", f"{table.name}/{key}", fields=fields)
