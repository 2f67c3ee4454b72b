"""What is true of an appointment when a message about it is written, for the person it is written to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Row, select

from balie.booking import links, parting
from balie.booking.links import LinkKey
from balie.i18n import day_words, duration_words, language, local, moment_words, pick, time_words
from balie.post import recap, receipt
from balie.post.receipt import Receipt
from balie.record import given
from balie.record.events import TOKEN_HERE
from balie.record.schedule import MISSED
from balie.store.engine import Tx
from balie.store.schema import (
    appointment,
    appointment_product,
    message,
    next_step,
    organisation,
    participant,
    product,
    service,
    staff,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINKABLE = re.compile(r"://|@|/|\w\.\w{2,}")


@dataclass(frozen=True)
class Sender:
    """Who writes.

    public_url  where personal links lead, without a slash at its end
    alone       where citizens reserve by themselves, by name of the reservation system
    """

    name: str
    address: str
    reply_address: str
    public_url: str
    link_key: LinkKey = field(repr=False)
    alone: Mapping[str, str] = field(default_factory=dict)

    def reply_to(self, envid: str) -> str:
        """The address of answers to one message: balie+ENVID@example.be."""
        local_part, _, domain = self.reply_address.rpartition("@")
        return f"{local_part}+{envid}@{domain}"

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class Agreed:
    """Who does what.  owner: citizen, office or other; due: the day in words, or nothing."""

    owner: str
    text: str
    due: str


@dataclass(frozen=True)
class Facts:
    """For a template.  Times are Unix seconds; texts are in the language of the context they were read in.

    name     of the reader, and whose: of the citizen, when the reader is somebody who comes along
    page     the reader's link to the appointment, and door: to the call; empty when his link is dead
    token    of it
    before   of a move: the time that holds no more, in words
    office   of a cancellation: it was the office that cancelled
    first    no reminder went to him before
    steps    what was agreed, for the citizen; goodbye: the reader's link to it and to the questionnaire
    asks     nobody asked him yet what he thinks of the visit
    receipt  the document of a payment that the message brings
    given    how many documents staff gave the citizen, for the goodbye
    done     what he did in his visit; alone: (product, where he does it by himself)
    """

    kind: str
    variant: str
    role: str
    name: str
    whose: str
    staff: str
    organisation: str
    service: str
    start_s: int
    end_s: int
    zone: str
    modality: str
    products: tuple[str, ...]
    checklist: tuple[str, ...]
    address: str
    desk_phone: str
    phone: str
    ref: str
    uid: str
    sequence: int
    site: str
    page: str
    door: str
    before: str
    office: bool
    reason: str
    first: bool
    data: dict[str, Any]
    token: str = field(default="", repr=False)
    steps: tuple[Agreed, ...] = ()
    goodbye: str = ""
    asks: bool = False
    given: int = 0
    receipt: Receipt | None = None
    done: tuple[str, ...] = ()
    alone: tuple[tuple[str, str], ...] = ()

    @property
    def is_helper(self) -> bool:
        return self.role != "citizen"

    @property
    def missed(self) -> bool:
        """It did not come to a conversation."""
        return self.variant.startswith(MISSED)

    def without_token(self, text: str) -> str:
        """A text with a mark where the token of the reader's link stands in it."""
        return text.replace(self.token, TOKEN_HERE) if self.token else text

    @property
    def links(self) -> tuple[str, ...]:
        """What must not be kept of a message."""
        return tuple(link for link in (self.page, self.door, self.goodbye) if link)

    @property
    def papers(self) -> str:
        """Where documents are given and taken; "" when he has no link any more."""
        link = self.page or self.goodbye
        return f"{link}/documenten" if link else ""

    @property
    def when(self) -> str:
        return moment_words(self.start_s, self.zone)

    @property
    def time(self) -> str:
        return time_words(local(self.start_s, self.zone))

    @property
    def duration(self) -> str:
        return duration_words((self.end_s - self.start_s) // 60)


def read(tx: Tx, sender: Sender, message_id: int) -> Facts:
    """Everything about a message, in the language of the context."""
    row = tx.execute(_joined().where(message.c.id == message_id)).one()
    products = _products(tx, row.appointment_id)
    # After the visit a document waits behind the link of the goodbye: that of the appointment is dead.
    late = row.kind == "document" and links.current(tx, sender.link_key, row.participant_id) is None
    parts = late or row.kind in ("goodbye", "survey")
    find = parting.current if parts else links.current
    token = find(tx, sender.link_key, row.participant_id) if row.kind != "cancelled" else None
    own = token if not parts else None
    done, alone = _done(tx, sender, row) if row.kind == "recap" else ((), ())
    return Facts(
        kind=row.kind,
        variant=row.variant,
        role=row.role,
        name=harmless(row.name),
        whose=harmless(_citizen(tx, row.appointment_id)),
        staff=harmless(row.staff),
        organisation=row.organisation,
        service=pick(row.service),
        start_s=row.start_s,
        end_s=row.end_s,
        zone=row.zone,
        modality=row.modality,
        products=tuple(pick(each.names) for each in products),
        checklist=tuple(item for each in products for item in _list_of(each.checklists)),
        address=row.address,
        desk_phone=row.service_phone or row.organisation_phone,
        phone=row.phone,
        ref=row.ref,
        uid=row.uid,
        sequence=row.sequence,
        site=sender.public_url,
        page=f"{sender.public_url}/a/{token}" if own else "",
        door=f"{sender.public_url}/g/{token}" if own else "",
        before=_before(tx, row),
        office=row.appointment_status == "cancelled_office",
        reason=row.reason,
        first=not _reminded(tx, row),
        data=row.data,
        token=token or "",
        steps=_steps(tx, row) if row.kind == "goodbye" and row.role == "citizen" else (),
        goodbye=f"{sender.public_url}/b/{token}" if token and parts else "",
        receipt=_receipt(tx, row) if row.kind == "receipt" else None,
        given=given.count(tx, row.appointment_id) if row.kind == "goodbye" and row.role == "citizen" else 0,
        asks=parts and not late and parting.asks_by_mail(tx, row.participant_id),
        done=done,
        alone=alone,
    )


def harmless(name: str) -> str:
    """A name on one line, that no mail program turns into a link: strangers can write any name into a form, and the
    mail that greets it goes to any address."""
    name = " ".join(_CONTROL.sub(" ", name).split())
    if not _LINKABLE.search(name):
        return name
    return " ".join(re.sub(r"[/@:]+", " ", name.replace(".", ". ")).split())


def _joined() -> Any:
    return (
        select(
            message,
            participant.c.role,
            participant.c.name,
            participant.c.phone,
            appointment.c.uid,
            appointment.c.ref,
            appointment.c.sequence,
            appointment.c.modality,
            appointment.c.start_s,
            appointment.c.end_s,
            appointment.c.zone,
            appointment.c.reason,
            appointment.c.supersedes,
            appointment.c.status.label("appointment_status"),
            staff.c.name.label("staff"),
            service.c.names.label("service"),
            service.c.phone.label("service_phone"),
            service.c.address,
            organisation.c.name.label("organisation"),
            organisation.c.phone.label("organisation_phone"),
        )
        .join(appointment, appointment.c.id == message.c.appointment_id)
        .join(participant, participant.c.id == message.c.participant_id)
        .join(staff, staff.c.id == appointment.c.staff_id)
        .join(service, service.c.id == appointment.c.service_id)
        .join(organisation, organisation.c.id == service.c.organisation_id)
    )


def _steps(tx: Tx, row: Row[Any]) -> tuple[Agreed, ...]:
    found = select(next_step).where(next_step.c.appointment_id == row.appointment_id).order_by(next_step.c.id)
    return tuple(
        Agreed(each.owner, each.text, day_words(date.fromisoformat(each.due_day)) if each.due_day else "")
        for each in tx.execute(found)
    )


def _done(tx: Tx, sender: Sender, row: Row[Any]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    return recap.of_appointment(tx, row.appointment_id, row.zone, sender.public_url, sender.alone)


def _receipt(tx: Tx, row: Row[Any]) -> Receipt:
    found = receipt.of(tx, row.data["invoice"])
    return replace(found, buyer=harmless(found.buyer))


def _products(tx: Tx, appointment_id: int) -> list[Row[Any]]:
    chosen = (
        select(product.c.names, product.c.checklists)
        .join(appointment_product)
        .where(appointment_product.c.appointment_id == appointment_id)
        .order_by(appointment_product.c.position, product.c.id)
    )
    return list(tx.execute(chosen))


def _list_of(lists: dict[str, list[str]]) -> list[str]:
    return lists.get(language()) or lists.get("nl") or next(iter(lists.values()), [])


def _citizen(tx: Tx, appointment_id: int) -> str:
    here = (participant.c.appointment_id == appointment_id) & (participant.c.role == "citizen")
    return tx.scalar(select(participant.c.name).where(here).order_by(participant.c.id).limit(1)) or ""


def _before(tx: Tx, row: Row[Any]) -> str:
    if row.kind != "moved" or row.supersedes is None:
        return ""
    old = tx.execute(select(appointment.c.start_s, appointment.c.zone).where(appointment.c.id == row.supersedes)).one()
    return moment_words(old.start_s, old.zone)


def _reminded(tx: Tx, row: Row[Any]) -> bool:
    earlier = select(message.c.id).where(
        message.c.participant_id == row.participant_id,
        message.c.kind == "reminder",
        message.c.submitted_s.is_not(None),
        message.c.id != row.id,
    )
    return tx.execute(earlier.limit(1)).first() is not None
