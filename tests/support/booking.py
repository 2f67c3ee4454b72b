"""Short ways to book in tests."""

from __future__ import annotations

import random
from dataclasses import replace

from balie.booking import appointments
from balie.booking.appointments import Booked, Booking
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.slots import Wish
from balie.store.engine import Store
from tests.support.office import MONDAY_S, Office, unix_s

KEY = LinkKey(b"k" * 32)
AN = Person("An Peeters", mail="an@example.org", phone="0470 12 34 56")
LIES = Person("Lies Peeters", "family", mail="lies@example.org", locale="fr", label="dochter")
TUESDAY_10_S = unix_s("2026-12-08T10:00")


def entropy(seed: int = 1) -> random.Random:
    return random.Random(seed)


def booking(office: Office, start_s: int = TUESDAY_10_S, **changes: object) -> Booking:
    made = Booking(AN, wish=Wish((office.badminton,)), start_s=start_s)
    return replace(made, **changes)  # type: ignore[arg-type]


async def booked(
    store: Store, office: Office, start_s: int = TUESDAY_10_S, now_s: int = MONDAY_S, seed: int = 1, **changes: object
) -> Booked:
    """An appointment of An about badminton."""
    request = booking(office, start_s, **changes)
    return await store.write(appointments.book, now_s, entropy(seed).randbytes, KEY, request)
