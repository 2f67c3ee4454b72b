"""Fixtures: a municipality in a database, and appointments in it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio

from balie.booking import appointments
from balie.booking.appointments import Booked, Booking
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.slots import Wish
from balie.staff import accounts
from balie.staff.accounts import Member
from balie.store.engine import Store
from tests.support import office
from tests.support.office import MONDAY_S, Office, unix_s

AN = Person("An Peeters", mail="an@voorbeeld.example", phone="0470 12 34 56")


@dataclass
class Town:
    """Voorbeeldegem on a Monday at seven."""

    store: Store
    office: Office
    chance: random.Random = field(default_factory=lambda: random.Random(5), repr=False)

    async def member(self, staff_id: int) -> Member:
        found = await self.store.read(accounts.member, staff_id)
        assert found is not None
        return found

    async def book(self, local: str, citizen: Person = AN, **more: Any) -> Booked:
        """Badminton, with Bart unless somebody else is named."""
        wish = Wish((self.office.badminton,), more.pop("modality", "video"), more.pop("staff_id", self.office.bart))
        request = Booking(citizen, wish=wish, start_s=unix_s(local), **more)
        entropy, key = self.chance.randbytes, LinkKey(b"l" * 32)
        return await self.store.write(appointments.book, MONDAY_S, entropy, key, request)


@pytest_asyncio.fixture
async def town(store: Store) -> Town:
    return Town(store, await store.write(office.found))
