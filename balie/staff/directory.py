"""All accounts of an organisation, closed ones too.  What changes one is balie.staff.accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select

from balie.booking.people import STANDING
from balie.staff.accounts import START, plain_login
from balie.store.engine import Tx
from balie.store.schema import appointment, audit, service, staff, staff_service


@dataclass(frozen=True)
class Account:
    """services: (id, names by language).  seen_s: when he last signed in.  to_come: how many appointments he still has.

    password: own, start (he has not chosen his own yet) or none
    """

    id: int
    login: str
    name: str
    mail: str
    roles: tuple[str, ...]
    services: tuple[tuple[int, dict[str, str]], ...]
    active: bool
    password: str
    seen_s: int | None
    to_come: int


def listed(tx: Tx, now_s: int, organisation_id: int) -> list[Account]:
    """Those that are open first, by name."""
    return _accounts(tx, now_s, staff.c.organisation_id == organisation_id)


def of(tx: Tx, now_s: int, organisation_id: int, staff_id: int) -> Account | None:
    """One of an organisation; None: it has no such account."""
    found = _accounts(tx, now_s, (staff.c.organisation_id == organisation_id) & (staff.c.id == staff_id))
    return found[0] if found else None


def by_login(tx: Tx, login: str) -> int | None:
    """The id of an account, open or closed."""
    return tx.scalar(select(staff.c.id).where(staff.c.login == plain_login(login)))


def _accounts(tx: Tx, now_s: int, which: Any) -> list[Account]:
    rows = tx.execute(select(staff).where(which).order_by(staff.c.active.desc(), staff.c.name, staff.c.id)).all()
    ids = [row.id for row in rows]
    services, seen, to_come = _services(tx, ids), _seen(tx, ids), _to_come(tx, now_s, ids)
    return [
        Account(
            row.id,
            row.login,
            row.name,
            row.mail,
            tuple(row.roles),
            tuple(services.get(row.id, ())),
            row.active,
            _password(row),
            seen.get(row.id),
            to_come.get(row.id, 0),
        )
        for row in rows
    ]


def _password(row: Row[Any]) -> str:
    if not row.password:
        return "none"
    return "start" if row.password.startswith(START) else "own"


def _services(tx: Tx, ids: Iterable[int]) -> dict[int, list[tuple[int, dict[str, str]]]]:
    query = select(staff_service.c.staff_id, service.c.id, service.c.names).join(service)
    found: dict[int, list[tuple[int, dict[str, str]]]] = {}
    for row in tx.execute(query.where(staff_service.c.staff_id.in_(ids)).order_by(service.c.id)):
        found.setdefault(row.staff_id, []).append((row.id, row.names))
    return found


def _seen(tx: Tx, ids: Iterable[int]) -> dict[int, int]:
    """From the audit: sessions are gone when they are over."""
    about = {f"staff/{each}": each for each in ids}
    signed_in = (audit.c.action == "staff.signed_in") & audit.c.object.in_(about)
    query = select(audit.c.object, func.max(audit.c.at_s)).where(signed_in).group_by(audit.c.object)
    return {about[row[0]]: row[1] for row in tx.execute(query)}


def _to_come(tx: Tx, now_s: int, ids: Iterable[int]) -> dict[int, int]:
    his = appointment.c.staff_id.in_(ids) & appointment.c.status.in_(STANDING) & (appointment.c.end_s > now_s)
    query = select(appointment.c.staff_id, func.count()).where(his).group_by(appointment.c.staff_id)
    return {row[0]: row[1] for row in tx.execute(query)}
