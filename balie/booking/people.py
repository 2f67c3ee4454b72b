"""Who takes part in an appointment: what he says of himself is checked, and who comes along gets a link of his own."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Row, func, insert, select, update

from balie.booking import links
from balie.booking.errors import NotFound, NotNow, Unfit
from balie.booking.links import LinkKey
from balie.i18n import LANGUAGES
from balie.record import audit, events, schedule
from balie.store.engine import Tx
from balie.store.schema import appointment, appointment_product, participant, product

NAME_MAX = 200
LABEL_MAX = 64
REGION = "BE"
"""Where a telephone number without country code is."""
STANDING = ("booked", "confirmed", "checked_in", "in_call")
"""States of an appointment that is still to be, or is."""

CITIZEN = "citizen"
HELPERS = ("carer", "family", "interpreter", "other")
RIGHTS: Mapping[str, dict[str, bool]] = {
    "citizen": {"speak": True, "share": True, "files": True},
    "carer": {"speak": True, "share": False, "files": True},
    "family": {"speak": True, "share": False, "files": False},
    "interpreter": {"speak": True, "share": False, "files": False},
    "other": {"speak": True, "share": False, "files": False},
}
"""What each may do in the call unless the citizen allows more.  Nobody but the citizen pays or identifies."""


@dataclass(frozen=True)
class Person:
    """Somebody who takes part.  phone in E.164 once checked; label stands under his name, such as "dochter"."""

    name: str
    role: str = CITIZEN
    mail: str = ""
    phone: str = ""
    locale: str = "nl"
    label: str = ""
    rights: Mapping[str, bool] = field(default_factory=dict)


def check_name(value: str, where: str = "name", most: int = NAME_MAX) -> str:
    """A name as its owner writes it, without spaces around it.  Unfit: empty, too long, or with control characters."""
    name = unicodedata.normalize("NFC", value).strip()
    if not name:
        raise Unfit(where, "name_missing", "a name is needed")
    if len(name) > most:
        raise Unfit(where, "name_too_long", f"{len(name)} characters; {most} are allowed")
    if any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in name):
        raise Unfit(where, "name_unprintable", "one line, without control characters")
    return name


def check_text(value: str, where: str, most: int) -> str:
    """What somebody writes, perhaps on several lines.  Unfit: too long, or with characters that are none."""
    text = unicodedata.normalize("NFC", value).strip()
    if len(text) > most:
        raise Unfit(where, f"{where}_too_long", f"{len(text)} characters; {most} are allowed")
    if any(unicodedata.category(each) in ("Cc", "Cs") and each not in "\r\n\t" for each in text):
        raise Unfit(where, f"{where}_unprintable", "without control characters")
    return text


def check_mail(value: str, where: str = "mail") -> str:
    """A mail address that may exist; whether it does, delivery notices say."""
    try:
        return validate_email(value.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise Unfit(where, "mail_invalid", "not a mail address") from None


def check_phone(value: str, where: str = "phone") -> str:
    """A telephone number that may exist, as E.164."""
    try:
        number = phonenumbers.parse(value, REGION)
    except phonenumbers.NumberParseException:
        raise Unfit(where, "phone_invalid", "not a telephone number") from None
    if len(value) > 40 or number.extension or not phonenumbers.is_valid_number(number):
        raise Unfit(where, "phone_invalid", "not a telephone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def check_person(person: Person, where: str = "", *, reachable: bool = True) -> Person:
    """A person as he is kept.  Unfit names the field, after `where`: helpers[0].mail.

    reachable: by mail or telephone he must be; else he may have got his link by hand
    """
    if person.role not in RIGHTS:
        raise Unfit(f"{where}role", "role_unknown", f"a role is one of {', '.join(RIGHTS)}")
    if person.locale not in LANGUAGES:
        raise Unfit(f"{where}locale", "locale_unknown", f"a language is one of {', '.join(LANGUAGES)}")
    label = check_name(person.label, f"{where}label", LABEL_MAX) if person.label.strip() else ""
    mail = check_mail(person.mail, f"{where}mail") if person.mail.strip() else ""
    phone = check_phone(person.phone, f"{where}phone") if person.phone.strip() else ""
    if reachable and not mail and not phone:
        raise Unfit(f"{where}mail", "contact_missing", "a mail address or a telephone number is needed")
    asked = {right: bool(value) for right, value in person.rights.items() if right in RIGHTS[person.role]}
    return replace(
        person,
        name=check_name(person.name, f"{where}name"),
        mail=mail,
        phone=phone,
        label=label,
        rights={**RIGHTS[person.role], **asked},
    )


def add_helper(
    tx: Tx,
    now_s: int,
    entropy: Callable[[int], bytes],
    key: LinkKey,
    appointment_id: int,
    person: Person,
    actor: str,
    *,
    reachable: bool = True,
) -> int:
    """Somebody comes along: he gets a link and hears of it.  Returns his participant id.

    reachable: as check_person() has it

    NotFound, NotNow: the appointment.  Unfit: the person, or there are enough of them.
    """
    row = standing(tx, appointment_id)
    if person.role not in HELPERS:
        raise Unfit("role", "role_unknown", f"somebody who comes along is one of {', '.join(HELPERS)}")
    checked = check_person(person, reachable=reachable)
    here = select(func.count()).where(
        participant.c.appointment_id == appointment_id,
        participant.c.role != CITIZEN,
        participant.c.removed_s.is_(None),
    )
    check_number((tx.scalar(here) or 0) + 1, most_helpers(tx, appointment_id))
    added = insert_person(tx, now_s, appointment_id, new_person_id(entropy), checked)
    links.create(tx, now_s, entropy, key, added, row.start_s, row.end_s)
    audit.note(tx, now_s, actor, "helper_added", events.subject(row.ref), role=checked.role)
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + "helper_added", {"role": checked.role})
    schedule.helper_added(tx, now_s, entropy, added)
    return added


def remove_helper(
    tx: Tx, now_s: int, entropy: Callable[[int], bytes], appointment_id: int, participant_id: int, actor: str
) -> None:
    """Somebody does not come along after all: his link dies at once."""
    row = standing(tx, appointment_id)
    which = (
        (participant.c.id == participant_id)
        & (participant.c.appointment_id == appointment_id)
        & (participant.c.role != CITIZEN)
        & participant.c.removed_s.is_(None)
    )
    role = tx.scalar(select(participant.c.role).where(which))
    if role is None or not tx.execute(update(participant).where(which).values(removed_s=now_s)).rowcount:
        raise NotFound("person")
    links.revoke(tx, now_s, participant_id=participant_id)
    audit.note(tx, now_s, actor, "helper_removed", events.subject(row.ref), role=role)
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + "helper_removed", {"role": role})
    schedule.helper_removed(tx, now_s, entropy, participant_id)


def change_phone(
    tx: Tx,
    now_s: int,
    entropy: Callable[[int], bytes],
    appointment_id: int,
    participant_id: int,
    phone: str,
    actor: str,
) -> bool:
    """Somebody is called on another number from now on.  False: it was this one already.

    NotFound, NotNow: the appointment or the person.  Unfit: phone.
    """
    row = standing(tx, appointment_id)
    number = check_phone(phone)
    who = (participant.c.id == participant_id) & (participant.c.appointment_id == appointment_id)
    here = who & participant.c.removed_s.is_(None)
    known = tx.scalar(select(participant.c.phone).where(here))
    if known is None:
        raise NotFound("person")
    if known == number:
        return False
    tx.execute(update(participant).where(here).values(phone=number))
    audit.note(tx, now_s, actor, "phone_changed", events.subject(row.ref), participant=participant_id)
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + "changed")
    schedule.phone_changed(tx, now_s, entropy, participant_id, by_phone=row.modality == "phone")
    return True


def standing(tx: Tx, appointment_id: int) -> Row[Any]:
    """The row of an appointment that is still to be, locked.  NotFound, NotNow."""
    row = tx.execute(select(appointment).where(appointment.c.id == appointment_id).with_for_update()).first()
    if row is None:
        raise NotFound("appointment")
    if row.status not in STANDING:
        raise NotNow("not_changed", row.status)
    return row


def check_number(helpers: int, most: int) -> None:
    if helpers > most:
        raise Unfit("helpers", "helpers_too_many", f"{helpers} people come along; {most} may")


def most_helpers(tx: Tx, appointment_id: int) -> int:
    query = (
        select(func.min(product.c.max_third_parties))
        .join(appointment_product)
        .where(appointment_product.c.appointment_id == appointment_id)
    )
    return int(tx.scalar(query) or 0)


def new_person_id(entropy: Callable[[int], bytes]) -> str:
    """Of somebody new; he keeps it when the appointment moves."""
    return entropy(12).hex()


def insert_person(tx: Tx, now_s: int, appointment_id: int, person_id: str, person: Person) -> int:
    """A checked person at an appointment; returns his participant id."""
    row = {
        "appointment_id": appointment_id,
        "person": person_id,
        "role": person.role,
        "name": person.name,
        "mail": person.mail,
        "phone": person.phone,
        "locale": person.locale,
        "label": person.label,
        "rights": dict(person.rights),
        "created_s": now_s,
    }
    made = tx.execute(insert(participant), row).inserted_primary_key
    assert made is not None
    return int(made[0])
