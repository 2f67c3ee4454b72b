"""What the people who work here may see, and what waits for them.  Appointments themselves: balie.booking.reading."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from balie.booking import catalogue, reading
from balie.booking.errors import NotFound
from balie.booking.reading import Appointment
from balie.record import tasks
from balie.staff.accounts import Member
from balie.store.engine import Tx
from balie.store.schema import (
    READ_EVIDENCE,
    appointment,
    hook_delivery,
    message,
    participant,
    staff,
)

FOUND_MAX = 50  # who finds more types more of the name
CANDIDATES_MAX = 1000
ACCENTED = frozenset("aceinosuyz")  # letters that names here carry accents on
SENT = ("submitted", "accepted", "delivered", "deferred", "failed", "unresolved", "suppressed")
"""States of a message of which something is known."""


@dataclass(frozen=True)
class Waiting:
    """How much waits for somebody: tasks, and for an admin events that another system did not take."""

    tasks: int
    events: int = 0


def visible(tx: Tx, member: Member, ref: str) -> Appointment:
    """The latest appointment of a reference, if it is of one's services.  NotFound."""
    found = reading.by_ref(tx, ref)
    if found.service_id not in member.services:
        raise NotFound("appointment")
    return found


def search(tx: Tx, member: Member, asked: str, statuses: Sequence[str]) -> list[Appointment]:
    """By a part of a name, whatever its capitals and accents, or by reference; the latest first, FOUND_MAX of them."""
    ref, plain = asked.strip().upper().replace("-", ""), _plain(asked)
    # SQLite knows capitals of ASCII only, and no database the accents: letters that can have others stand for any
    # here, and _plain() decides.
    pattern = "".join(_any(each) for each in plain)
    candidates = (
        select(appointment.c.id, appointment.c.ref, participant.c.name)
        .join(participant, participant.c.appointment_id == appointment.c.id)
        .where(appointment.c.service_id.in_(member.services), appointment.c.status.in_(statuses))
        .where((appointment.c.ref == ref) | participant.c.name.ilike(f"%{pattern}%", escape="\\"))
        .order_by(appointment.c.start_s.desc(), appointment.c.id.desc())
        .limit(CANDIDATES_MAX)
    )
    found = dict.fromkeys(row.id for row in tx.execute(candidates) if row.ref == ref or plain in _plain(row.name))
    return [reading.by_id(tx, each) for each in list(found)[:FOUND_MAX]]


def _any(letter: str) -> str:
    if letter in ACCENTED or not letter.isascii():
        return "_"
    return f"\\{letter}" if letter in "%_\\" else letter


def _plain(text: str) -> str:
    """Without capitals and accents."""
    apart = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))


def known(tx: Tx, appointment_ids: Collection[int]) -> dict[int, tuple[str, str, str]]:
    """What is best known of the citizen's messages, by appointment: the state of the last one, the strongest evidence
    of all, and the channel of the last one.  Appointments of which nothing was sent are left out."""
    sent = (
        select(message.c.appointment_id, message.c.status, message.c.read_evidence, message.c.channel)
        .join(participant, participant.c.id == message.c.participant_id)
        .where(message.c.appointment_id.in_(appointment_ids), message.c.status.in_(SENT))
        .where(participant.c.role == "citizen")
        .order_by(message.c.id)
    )
    found: dict[int, tuple[str, str, str]] = {}
    for row in tx.execute(sent):
        _status, before, _channel = found.get(row.appointment_id, ("", "none", ""))
        strongest = max(before, row.read_evidence, key=READ_EVIDENCE.index)
        found[row.appointment_id] = (row.status, strongest, row.channel)
    return found


def waiting(tx: Tx, member: Member) -> Waiting:
    dead = select(func.count()).where(hook_delivery.c.state == "dead")
    events = tx.scalar(dead) or 0 if member.may("admin") else 0
    return Waiting(sum(tasks.open_numbers(tx, member.services).values()), events)


def names(tx: Tx, ref: str) -> dict[str, str]:
    """Who is who in the story of an appointment: by staff:<id> as the audit has it, and participant:<id>."""
    people = select(participant.c.id, participant.c.name).join(appointment).where(appointment.c.ref == ref)
    found = {f"participant:{row.id}": row.name for row in tx.execute(people)}
    return found | {f"staff:{row.id}": row.name for row in tx.execute(select(staff.c.id, staff.c.name))}


def colleagues(tx: Tx, service_ids: Iterable[int]) -> list[tuple[int, str]]:
    """Who does appointments of these services, by name."""
    found = {each.id: each.name for key in service_ids for each in catalogue.staff_of(tx, key)}
    return sorted(found.items(), key=lambda each: each[1])
