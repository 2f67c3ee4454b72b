"""Accounts of the people who work here: who they are, what they may do, and how an account comes and goes.

Passwords arrive hashed (balie.staff.passwords): a transaction is no place for slow work.  Who signs in with an identity
provider is found by `subject`: see balie.identity.members.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Row, delete, insert, select, update

from balie.i18n import LANGUAGES
from balie.record import audit
from balie.staff import sessions
from balie.store.engine import Tx
from balie.store.schema import organisation, service, staff, staff_service
from balie.store.upsert import insert_into

Role = Literal["counter", "lead", "admin"]
ROLES: tuple[Role, ...] = ("counter", "lead", "admin")
"""counter: speaks with citizens; lead: and sets the closures of his services; admin: sees every service."""

LOGIN_MAX, NAME_MAX = 254, 200

START = "start:"
"""Before the hash of a start password: one that somebody else made, good for signing in and choosing one's own."""


class AccountError(Exception):
    """code: login_taken, subject_taken, login_bad, name_bad, role_unknown, service_unknown, staff_unknown, last_admin.

    subject_taken: whom the identity provider calls so has an account.
    last_admin: nobody would be left who can make accounts.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Member:
    """Somebody who works here.

    zone      in which the office's clocks run
    services  the ids of those he belongs to; of an admin all
    starts    he has a start password: first of all he chooses his own
    """

    id: int
    organisation_id: int
    login: str
    name: str
    mail: str
    locale: str
    zone: str
    roles: frozenset[str]
    services: frozenset[int]
    starts: bool = False

    @property
    def actor(self) -> str:
        """As the audit trail knows him."""
        return f"staff:{self.id}"

    def may(self, role: Role) -> bool:
        """Whether he has a role or one above it."""
        return any(each in self.roles for each in ROLES[ROLES.index(role) :])


@dataclass(frozen=True)
class Credentials:
    """What a password is checked against.  kept is None without one."""

    staff_id: int
    kept: str | None = field(repr=False)


def plain_login(login: str) -> str:
    """As it is kept: people type their login with a capital now and then."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def create(
    tx: Tx,
    now_s: int,
    organisation_id: int,
    *,
    login: str,
    name: str,
    mail: str = "",
    locale: str = "nl",
    roles: Collection[str] = ("counter",),
    services: Iterable[int] = (),
    password: str | None = None,
    start: bool = False,
    subject: str | None = None,
    actor: str = "system",
) -> int:
    """A new account; returns its id.  AccountError.

    password: its hash, or None for who signs in elsewhere; start: it is a start password
    subject: what an identity provider calls him
    """
    login = plain_login(login)
    if not login or len(login) > LOGIN_MAX or not login.isprintable() or " " in login:
        raise AccountError("login_bad")
    if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        raise AccountError("name_bad")
    _check_roles(roles)
    values = {
        "organisation_id": organisation_id,
        "login": login,
        "name": name.strip(),
        "mail": mail,
        "locale": locale if locale in LANGUAGES else "nl",
        "roles": sorted(roles),
        "password": _kept(password, start),
        "subject": subject,
        "created_s": now_s,
    }
    # The same login or subject at the same moment: the database decides, and who comes second waits for that here.
    staff_id = tx.scalar(
        insert_into(staff, tx.dialect.name).values(**values).on_conflict_do_nothing().returning(staff.c.id)
    )
    if staff_id is None:
        same_login = tx.scalar(select(staff.c.id).where(staff.c.login == login)) is not None
        raise AccountError("login_taken" if same_login else "subject_taken")
    _put_in(tx, staff_id, organisation_id, services)
    audit.note(tx, now_s, actor, "staff.created", f"staff/{staff_id}", roles=sorted(roles))
    if subject is not None:
        audit.note(tx, now_s, actor, "staff.subject_set", f"staff/{staff_id}")
    return int(staff_id)


def disable(tx: Tx, now_s: int, staff_id: int, actor: str) -> None:
    """He cannot sign in any more, and is signed out everywhere.  His appointments stay.  AccountError."""
    _check_another_admin(tx, staff_id)
    _set(tx, staff_id, active=False)
    sessions.revoke_all(tx, staff_id)
    audit.note(tx, now_s, actor, "staff.disabled", f"staff/{staff_id}")


def enable(tx: Tx, now_s: int, staff_id: int, actor: str) -> None:
    """He may sign in again.  AccountError."""
    _set(tx, staff_id, active=True)
    audit.note(tx, now_s, actor, "staff.enabled", f"staff/{staff_id}")


def set_password(
    tx: Tx,
    now_s: int,
    staff_id: int,
    password: str | None,
    actor: str,
    *,
    but: bytes | None = None,
    start: bool = False,
) -> None:
    """Another password (its hash), or none.  All his sessions end, but the one with key `but`.  AccountError.

    start: it is a start password
    """
    _set(tx, staff_id, password=_kept(password, start))
    sessions.revoke_all(tx, staff_id, but=but)
    audit.note(tx, now_s, actor, "staff.password_set", f"staff/{staff_id}")


def renew_hash(tx: Tx, staff_id: int, old: str, new: str) -> None:
    """The same password by stronger measures; nothing when it was changed meanwhile."""
    tx.execute(update(staff).where(staff.c.id == staff_id, staff.c.password == old).values(password=new))


def set_roles(tx: Tx, now_s: int, staff_id: int, roles: Collection[str], services: Iterable[int], actor: str) -> None:
    """What he may do, and for which services.  Holds at once, in open sessions too.  AccountError."""
    _check_roles(roles)
    if "admin" not in roles:
        _check_another_admin(tx, staff_id)
    _set(tx, staff_id, roles=sorted(roles))
    organisation_id = tx.scalar(select(staff.c.organisation_id).where(staff.c.id == staff_id))
    assert organisation_id is not None
    tx.execute(delete(staff_service).where(staff_service.c.staff_id == staff_id))
    _put_in(tx, staff_id, organisation_id, services)
    audit.note(tx, now_s, actor, "staff.roles_set", f"staff/{staff_id}", roles=sorted(roles))


def set_subject(tx: Tx, now_s: int, staff_id: int, subject: str | None, actor: str) -> None:
    """What an identity provider calls him, or nothing.  AccountError."""
    _set(tx, staff_id, subject=subject)
    audit.note(tx, now_s, actor, "staff.subject_set", f"staff/{staff_id}")


def set_person(tx: Tx, now_s: int, staff_id: int, name: str, mail: str, actor: str) -> None:
    """What he is called now, and where he gets mail, as an identity provider says it.  AccountError."""
    _set(tx, staff_id, name=name[:NAME_MAX], mail=mail[:LOGIN_MAX])
    audit.note(tx, now_s, actor, "staff.renamed", f"staff/{staff_id}")


def set_locale(tx: Tx, staff_id: int, locale: str) -> None:
    """The language of his pages.  An unknown one changes nothing."""
    if locale in LANGUAGES:
        _set(tx, staff_id, locale=locale)


def credentials(tx: Tx, login: str) -> Credentials | None:
    """Of an account that may sign in with a password, or None."""
    found = tx.execute(
        select(staff.c.id, staff.c.password).where(staff.c.login == plain_login(login), staff.c.active)
    ).first()
    if found is None or not found.password:
        return None
    return Credentials(found.id, found.password.removeprefix(START))


def member(tx: Tx, staff_id: int) -> Member | None:
    """None when there is nobody, or his account is disabled."""
    here = select(staff, organisation.c.zone).join(organisation)
    row = tx.execute(here.where(staff.c.id == staff_id, staff.c.active)).first()
    return _member(tx, row) if row is not None else None


def _member(tx: Tx, row: Row[Any]) -> Member:
    if "admin" in row.roles:
        of_his = select(service.c.id).where(service.c.organisation_id == row.organisation_id)
    else:
        of_his = select(staff_service.c.service_id).where(staff_service.c.staff_id == row.id)
    return Member(
        row.id,
        row.organisation_id,
        row.login,
        row.name,
        row.mail,
        row.locale,
        row.zone,
        frozenset(row.roles),
        frozenset(tx.scalars(of_his)),
        (row.password or "").startswith(START),
    )


def _kept(password: str | None, start: bool) -> str | None:
    return START + password if start and password else password


def _check_another_admin(tx: Tx, staff_id: int) -> None:
    """Another administrator who can sign in is left.  Two who close each other's account at once wait here."""
    of_him = select(staff.c.organisation_id).where(staff.c.id == staff_id).scalar_subquery()
    here = (staff.c.organisation_id == of_him) & staff.c.active
    rows = tx.execute(select(staff).where(here).order_by(staff.c.id).with_for_update()).all()
    admins = {row.id for row in rows if "admin" in row.roles and (row.password or row.subject)}
    if admins == {staff_id}:
        raise AccountError("last_admin")


def _check_roles(roles: Collection[str]) -> None:
    if not roles or not set(roles) <= set(ROLES):
        raise AccountError("role_unknown")


def _put_in(tx: Tx, staff_id: int, organisation_id: int, services: Iterable[int]) -> None:
    known = set(tx.scalars(select(service.c.id).where(service.c.organisation_id == organisation_id)))
    for service_id in sorted(set(services)):
        if service_id not in known:
            raise AccountError("service_unknown")
        tx.execute(insert(staff_service).values(staff_id=staff_id, service_id=service_id))


def _set(tx: Tx, staff_id: int, **values: object) -> None:
    if not tx.execute(update(staff).where(staff.c.id == staff_id).values(**values)).rowcount:
        raise AccountError("staff_unknown")
