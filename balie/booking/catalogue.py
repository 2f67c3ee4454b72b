"""What can be booked, and with whom: products, services, people.  Reading only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, select

from balie.booking.errors import NotFound, Unfit
from balie.store.engine import Tx
from balie.store.schema import organisation, product, service, staff, staff_service


@dataclass(frozen=True)
class Service:
    """A dienst.  names: by language."""

    id: int
    slug: str
    names: dict[str, str]
    phone: str
    mail: str
    address: str
    zone: str
    organisation_id: int

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True)
class Product:
    """What an appointment can be about.  names, summaries, welcomes, checklists: by language; _min: minutes."""

    id: int
    service_id: int
    slug: str
    ipdc_id: str
    theme: str
    names: dict[str, str]
    summaries: dict[str, str]
    welcomes: dict[str, str]
    checklists: dict[str, list[str]]
    duration_min: int
    buffer_before_min: int
    buffer_after_min: int
    min_notice_min: int
    horizon_days: int
    daily_max: int | None
    modalities: tuple[str, ...]
    max_third_parties: int
    identification: str
    price_cents: int
    active: bool

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True)
class Colleague:
    """Somebody who does appointments of a service."""

    id: int
    name: str
    claims_version: int


PRODUCT = [product.c[name] for name in Product.__dataclass_fields__]
"""What a query selects for product_of(), in this order."""
_WAYS = list(Product.__dataclass_fields__).index("modalities")
_SERVICE = [(organisation if name == "zone" else service).c[name] for name in Service.__dataclass_fields__]

_ONE_SERVICE = select(*_SERVICE).join(organisation).where(service.c.id == bindparam("service_id"))
_OFFERED = (
    select(*PRODUCT, *_SERVICE)
    .join(service, service.c.id == product.c.service_id)
    .join(organisation)
    .where(product.c.id.in_(bindparam("product_ids", expanding=True)), product.c.active, service.c.active)
)
_BY_SLUG = (
    select(organisation.c.zone, product.c.slug, product.c.id)
    .select_from(service)
    .join(organisation)
    .outerjoin(product, and_(product.c.service_id == service.c.id, product.c.active))
    .where(
        service.c.organisation_id == bindparam("organisation_id"),
        service.c.slug == bindparam("slug"),
        service.c.active,
    )
)
_COLLEAGUES = (
    select(staff.c.id, staff.c.name, staff.c.claims_version)
    .join(staff_service)
    .where(staff_service.c.service_id == bindparam("service_id"), staff.c.active)
    .order_by(staff.c.id)
)


def services(tx: Tx) -> list[Service]:
    """Those that take appointments."""
    query = select(*_SERVICE).join(organisation).where(service.c.active).order_by(service.c.id)
    return [Service(*row) for row in tx.execute(query)]


def service_of(tx: Tx, service_id: int) -> Service:
    row = tx.execute(_ONE_SERVICE, {"service_id": service_id}).first()
    if row is None:
        raise NotFound("service")
    return Service(*row)


def products(tx: Tx, service_id: int | None = None) -> list[Product]:
    """Those that can be booked, in the order in which they are shown."""
    query = select(*PRODUCT).join(service).where(product.c.active, service.c.active)
    if service_id is not None:
        query = query.where(product.c.service_id == service_id)
    return [product_of(row) for row in tx.execute(query.order_by(product.c.position, product.c.id))]


def by_slug(tx: Tx, organisation_id: int, service_slug: str) -> tuple[str, dict[str, int]] | None:
    """The zone of a service and its products, ids by slug; None when it does not take appointments."""
    if not service_slug.isprintable():  # a zero or half a character, which no database takes
        return None
    rows = tx.execute(_BY_SLUG, {"organisation_id": organisation_id, "slug": service_slug}).all()
    return (rows[0][0], {slug: key for _zone, slug, key in rows if key is not None}) if rows else None


def together(tx: Tx, product_ids: Iterable[int]) -> tuple[tuple[Product, ...], Service]:
    """Products of one appointment, in this order, and the service that they are of.

    NotFound: one is unknown or not offered any more.  Unfit products: none, one twice, or of several services.
    """
    wanted = tuple(product_ids)
    if not wanted or len(set(wanted)) < len(wanted):
        raise Unfit("products", "products_repeated" if wanted else "products_missing", "name each product once")
    rows = tx.execute(_OFFERED, {"product_ids": wanted}).all()
    found = {each.id: each for each in map(product_of, rows)}
    if len(found) < len(wanted):
        raise NotFound("product")
    if len({each.service_id for each in found.values()}) > 1:
        raise Unfit("products", "products_of_several_services", "products of one appointment belong to one service")
    return tuple(found[key] for key in wanted), Service(*rows[0][len(PRODUCT) :])


def staff_of(tx: Tx, service_id: int) -> list[Colleague]:
    """Who does appointments of a service."""
    return [Colleague(*row) for row in tx.execute(_COLLEAGUES, {"service_id": service_id})]


def product_of(row: Row[Any]) -> Product:
    """From a row that begins with the columns of PRODUCT."""
    values: tuple[Any, ...] = tuple(row)[: len(PRODUCT)]
    return Product(*(*values[:_WAYS], tuple(values[_WAYS]), *values[_WAYS + 1 :]))
