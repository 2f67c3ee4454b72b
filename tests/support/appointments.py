"""Appointments straight into the tables, for tests of what happens around them."""

from __future__ import annotations

import random

from sqlalchemy import insert

from balie.record.events import APPOINTMENT, TYPES, emit
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, appointment_product, participant
from tests.support.office import MONDAY_S, Office

AT_S = MONDAY_S + 86_400 + 7 * 3600 + 1800
"""Tuesday 8 December 2026, half past two in Brussels."""


def put(tx: Tx, /, office: Office, ref: str, *, start_s: int = AT_S, **values: object) -> int:
    """An appointment of An Peeters with Bart about badminton; her daughter comes along."""
    row = {
        "uid": f"{ref}@balie.example",
        "ref": ref,
        "service_id": office.service,
        "staff_id": office.bart,
        "status": "booked",
        "start_s": start_s,
        "end_s": start_s + 1800,
        "room": f"room-{ref}",
        "created_s": MONDAY_S,
        "changed_s": MONDAY_S,
        **values,
    }
    made = tx.execute(insert(appointment).values(**row)).inserted_primary_key
    assert made is not None
    key = int(made[0])
    tx.execute(insert(appointment_product).values(appointment_id=key, product_id=office.badminton))
    for role, name, label in (("citizen", "An Peeters", ""), ("family", "Marie Peeters", "dochter")):
        tx.execute(
            insert(participant).values(
                appointment_id=key,
                person=f"{role}-{key}",
                role=role,
                name=name,
                mail=f"{name.split()[0].lower()}@post.example",
                phone="+32470123456",
                label=label,
                created_s=MONDAY_S,
            )
        )
    return key


class Announcer:
    """`await announce("booked", "ABC234")`: an event of an appointment, which is made when it is first named."""

    def __init__(self, store: Store, office: Office, seed: int = 1) -> None:
        self.office = office
        self.entropy = random.Random(seed).randbytes
        self.keys: dict[str, int] = {}
        self._store = store

    async def key(self, ref: str) -> int:
        """Of an appointment."""
        if ref not in self.keys:
            start_s = AT_S + 1800 * len(self.keys)
            self.keys[ref] = await self._store.write(put, self.office, ref, start_s=start_s)
        return self.keys[ref]

    async def __call__(self, what: str, ref: str, **more: dict[str, object]) -> None:
        kind = what if what in TYPES else APPOINTMENT + what
        await self._store.write(emit, MONDAY_S, self.entropy, await self.key(ref), kind, **more)
