"""Members of staff who sign in with their organisation: found by subject, made at first, with their claims' rights.

By subject only: whoever could choose a login or a mail address at the provider would otherwise choose an account here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select

from balie.booking.errors import Unfit
from balie.booking.people import check_mail
from balie.identity.errors import IdentityError
from balie.identity.persons import Person, plain
from balie.sections.identity import RoleSection
from balie.staff import accounts
from balie.staff.accounts import AccountError, plain_login
from balie.store.engine import Tx
from balie.store.schema import organisation, service, staff, staff_service

ACTOR = "system"


def rights(rules: Sequence[RoleSection], claims: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    """Roles and slugs of services: of all rules whose value somebody has in the claim, or in one of its list."""
    met = [each for each in rules if each.value in _values(claims.get(each.claim))]
    return frozenset(each.role for each in met), frozenset(slug for each in met for slug in each.services)


def admit(tx: Tx, now_s: int, rules: Sequence[RoleSection], person: Person) -> int:
    """The account of somebody who may come in, as his claims now have it.  IdentityError."""
    roles, slugs = rights(rules, person.claims)
    if not roles:
        raise IdentityError("no_role")
    row = _account(tx, person)
    if row is None:
        if (made := _make(tx, now_s, person, roles, slugs)) is not None:
            return made
        row = _account(tx, person)  # made at this very moment: he signs in twice
    if row is None:
        raise IdentityError("account_refused", "login_taken")
    if not row.active:
        raise IdentityError("account_closed")
    services = _services(tx, row.organisation_id, slugs)
    has = set(tx.scalars(select(staff_service.c.service_id).where(staff_service.c.staff_id == row.id)))
    try:
        if set(row.roles) != roles or has != services:
            accounts.set_roles(tx, now_s, row.id, roles, services, ACTOR)
    except AccountError as error:
        raise IdentityError("account_refused", error.code) from None
    mail = _mail(person) or row.mail
    if (row.name, row.mail) != (person.name, mail):
        accounts.set_person(tx, now_s, row.id, person.name, mail, ACTOR)
    return int(row.id)


def _account(tx: Tx, person: Person) -> Row[Any] | None:
    return tx.execute(select(staff).where(staff.c.subject == person.subject).with_for_update()).first()


def _make(tx: Tx, now_s: int, person: Person, roles: frozenset[str], slugs: frozenset[str]) -> int | None:
    """What colleagues know him by is his login there, unless an account here has it.  None: he has an account."""
    here = tx.scalar(select(organisation.c.id).order_by(organisation.c.id).limit(1))
    if here is None:
        raise IdentityError("account_refused", "no organisation")
    wanted = plain_login(plain(person.claims.get("preferred_username")) or _mail(person))
    for login in (wanted, f"oidc-{person.subject[:12]}"):
        try:
            return accounts.create(
                tx,
                now_s,
                here,
                login=login,
                name=person.name,
                mail=_mail(person),
                roles=roles,
                services=_services(tx, here, slugs),
                subject=person.subject,
                actor=ACTOR,
            )
        except AccountError as error:
            if error.code not in ("login_bad", "login_taken", "subject_taken"):
                raise IdentityError("account_refused", error.code) from None
    return None


def _mail(person: Person) -> str:
    """His address, "" when there is none or it is no address.  ACM calls it vo_email."""
    for claim in ("email", "vo_email"):
        try:
            return check_mail(plain(person.claims.get(claim)))
        except Unfit:
            pass
    return ""


def _services(tx: Tx, organisation_id: int, slugs: frozenset[str]) -> set[int]:
    """Those there are: a rule that names another gives nothing."""
    here = (service.c.organisation_id == organisation_id) & service.c.slug.in_(slugs)
    return set(tx.scalars(select(service.c.id).where(here)))


def _values(claim: object) -> list[object]:
    return claim if isinstance(claim, list) else [claim]
