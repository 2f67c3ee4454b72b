"""Mails as well-known programs write them (tests/data/mails), and a message of ours that they can be about."""

from __future__ import annotations

import base64
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, insert, select

from balie.post.incoming import parse
from balie.post.receiving import Received, receive
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, inbound_message, message, message_event, participant, task
from tests.support.office import MONDAY_S, Office, found, unix_s

FOLDER = Path(__file__).parents[1] / "data" / "mails"

ENVID = "0123456789abcdef0123456789abcdef"
UID = "11112222333344445555666677778888"
RECIPIENT = "an@voorbeeld.example"
REPLY_ADDRESS = "balie@balie.example"
"""What stands in the files."""

TUESDAY_S = unix_s("2026-12-08T14:30")
"""When the appointment is: a day and a half after MONDAY_S."""


def raw(
    name: str, envid: str = ENVID, *, uid: str = UID, recipient: str = RECIPIENT, reply_address: str = REPLY_ADDRESS
) -> bytes:
    """A file, about another message than the one that it was written about."""
    local, _, domain = reply_address.partition("@")
    changes = {
        f"balie+{ENVID}@balie.example": f"{local}+{envid}@{domain}",
        ENVID: envid,
        UID: uid,
        RECIPIENT: recipient,
        REPLY_ADDRESS: reply_address,
    }

    def changed(data: bytes) -> bytes:
        for old, new in changes.items():
            data = data.replace(old.encode(), new.encode())
        return data

    def inside(block: re.Match[bytes]) -> bytes:
        return base64.encodebytes(changed(base64.b64decode(block[0])))

    return _BASE64.sub(inside, changed((FOLDER / f"{name}.eml").read_bytes()))


_BASE64 = re.compile(rb"(?<=base64\n\n)[A-Za-z0-9+/=\n]+")


def names() -> list[str]:
    """Of all files."""
    return sorted(path.stem for path in FOLDER.glob("*.eml"))


CHANCE = random.Random("mails").randbytes  # of no other source in tests


@dataclass(frozen=True)
class Case:
    """An appointment of An Peeters, and a message about it."""

    office: Office
    appointment: int
    citizen: int
    message: int


def case(tx: Tx, /, *, status: str = "submitted", of: str = "booked", start_s: int = TUESDAY_S, **columns: Any) -> Case:
    """A municipality, an appointment with An and a message that was sent to her.  of: state of the appointment."""
    office = found(tx)
    appointment_id = add_appointment(tx, office, status=of, start_s=start_s, **columns)
    citizen = add_person(tx, appointment_id)
    return Case(office, appointment_id, citizen, add_message(tx, appointment_id, citizen, status=status))


def add_appointment(tx: Tx, office: Office, /, **columns: Any) -> int:
    values: dict[str, Any] = {
        "uid": UID,
        "ref": "ABC234",
        "service_id": office.service,
        "staff_id": office.bart,
        "channel": "phone",
        "status": "booked",
        "start_s": TUESDAY_S,
        "room": "kamer",
        "created_by": f"staff:{office.bart}",
        "created_s": MONDAY_S,
        "changed_s": MONDAY_S,
    } | columns
    return _add(tx, appointment, {"end_s": values["start_s"] + 1800} | values)


def add_person(tx: Tx, appointment_id: int, /, **columns: Any) -> int:
    values = {
        "appointment_id": appointment_id,
        "person": "an",
        "name": "An Peeters",
        "mail": RECIPIENT,
        "phone": "+32470123456",
        "created_s": MONDAY_S,
    }
    return _add(tx, participant, values | columns)


def add_message(
    tx: Tx, appointment_id: int, participant_id: int, /, *, status: str = "submitted", **columns: Any
) -> int:
    values = {
        "appointment_id": appointment_id,
        "participant_id": participant_id,
        "kind": "confirmation",
        "recipient": RECIPIENT,
        "status": status,
        "due_s": MONDAY_S,
        "submitted_s": None if status in ("scheduled", "claimed", "handing_over", "unresolved") else MONDAY_S,
        "envid": ENVID,
        "created_s": MONDAY_S,
    }
    return _add(tx, message, values | columns)


def _add(tx: Tx, table: Any, values: dict[str, Any]) -> int:
    key = tx.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


async def arrive(store: Store, name: str, now_s: int = MONDAY_S, **about: str) -> Received:
    """A file comes in."""
    return await store.write(receive, now_s, CHANCE, parse(raw(name, **about)))


async def message_of(store: Store, message_id: int) -> Row[Any]:
    return await store.read(lambda tx: tx.execute(select(message).where(message.c.id == message_id)).one())


async def appointment_status(store: Store, appointment_id: int) -> str:
    wanted = select(appointment.c.status).where(appointment.c.id == appointment_id)
    return str(await store.read(lambda tx: tx.execute(wanted).scalar_one()))


async def events_of(store: Store, message_id: int) -> list[str]:
    """Kinds of what was written down of a message, in order."""
    wanted = select(message_event.c.kind).where(message_event.c.message_id == message_id).order_by(message_event.c.id)
    return await store.read(lambda tx: list(tx.scalars(wanted)))


async def tasks_of(store: Store, message_id: int) -> list[tuple[str, str]]:
    """Reason of the tasks of a message, and how they ended or stand."""
    wanted = select(task).where(task.c.kind == "message", task.c.object_id == message_id).order_by(task.c.id)
    return await store.read(lambda tx: [(row.reason, row.how or row.state) for row in tx.execute(wanted)])


async def letters(store: Store) -> list[Row[Any]]:
    """All that came in."""
    return await store.read(lambda tx: list(tx.execute(select(inbound_message).order_by(inbound_message.c.id))))
