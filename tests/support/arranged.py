"""Appointments as booking leaves them, with links, without its checks: for tests of the messages about them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert

from balie.booking import links
from balie.booking.links import LinkKey
from balie.store.engine import Tx
from balie.store.schema import appointment, appointment_product, participant
from tests.support.office import MONDAY_S, Office

LINK_KEY = LinkKey(b"k" * 32)
LASTS_S = 1800


def entropy(seed: int) -> Callable[[int], bytes]:
    """Bytes that are the same in every run."""
    return random.Random(seed).randbytes


@dataclass(frozen=True)
class Somebody:
    """Who takes part."""

    name: str = "An Peeters"
    mail: str = "an@burger.example"
    phone: str = ""
    locale: str = "nl"
    role: str = "citizen"
    label: str = ""


DAUGHTER = Somebody("Lies Peeters", "lies@burger.example", "", "fr", "family", "dochter")


@dataclass(frozen=True)
class Arranged:
    """The keys of an appointment and its participants, in their order."""

    id: int
    people: tuple[int, ...]


def arrange(
    tx: Tx,
    office: Office,
    start_s: int,
    people: Sequence[Somebody] = (Somebody(),),
    *,
    chance: Callable[[int], bytes] | None = None,
    products: Sequence[int] = (),
    **changed: object,
) -> Arranged:
    """An appointment of half an hour with Bart; nothing is announced.  changed: columns of the appointment."""
    chance = chance or entropy(start_s)
    uid = chance(16).hex()
    values = {
        "uid": uid,
        "ref": uid[:8].upper(),
        "service_id": office.service,
        "staff_id": office.bart,
        "status": "booked",
        "start_s": start_s,
        "end_s": start_s + LASTS_S,
        "room": uid[:16],
        "created_by": "citizen",
        "created_s": MONDAY_S,
        "changed_s": MONDAY_S,
        **changed,
    }
    made = _key(tx, insert(appointment).values(**values))
    for position, product in enumerate(products or (office.badminton,)):
        tx.execute(insert(appointment_product).values(appointment_id=made, product_id=product, position=position))
    return Arranged(made, tuple(join(tx, made, start_s, somebody, chance) for somebody in people))


def join(tx: Tx, appointment_id: int, start_s: int, somebody: Somebody, chance: Callable[[int], bytes]) -> int:
    """Somebody takes part, and has a link."""
    person = {**vars(somebody), "appointment_id": appointment_id, "person": chance(8).hex(), "created_s": MONDAY_S}
    key = _key(tx, insert(participant).values(**person))
    links.create(tx, MONDAY_S, chance, LINK_KEY, key, start_s, start_s + LASTS_S)
    return key


def _key(tx: Tx, statement: object) -> int:
    key = tx.execute(statement).inserted_primary_key  # type: ignore[call-overload]
    assert key is not None
    return int(key[0])
