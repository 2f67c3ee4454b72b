"""However often the button is pressed, on either database: one appointment, and the same link to it."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select

from balie.booking import appointments
from balie.booking.errors import NotFound, SlotTaken
from balie.booking.slots import Wish
from balie.store.engine import Store
from balie.store.schema import appointment, idempotency
from tests.support import office
from tests.support.booking import TUESDAY_10_S, booking, entropy
from tests.support.office import MONDAY_S
from tests.support.townhall import townhall
from web.citizen.office import Office
from web.citizen.once import KEPT_S, book_once


async def count(store: Store) -> int:
    booked = select(func.count()).where(appointment.c.status == "booked")
    return await store.read(lambda tx: tx.scalar(booked) or 0)


async def test_ten_presses_at_once(store: Store) -> None:
    own = await store.write(office.found)
    here = Office(townhall(store).app, MONDAY_S)
    wish = Wish((own.badminton,))
    held = await store.write(appointments.hold, MONDAY_S, entropy().randbytes, wish, TUESDAY_10_S)
    links = await asyncio.gather(*(book_once(here, booking(own), held.secret) for _ in range(10)))
    assert len(set(links)) == 1
    assert await count(store) == 1


async def test_ten_people_at_once(store: Store) -> None:
    """Without a hold, on a time for which two are there: two appointments, and eight hear what is still free."""
    own = await store.write(office.found)
    here = Office(townhall(store).app, MONDAY_S)
    presses = (book_once(here, booking(own), "") for _ in range(10))
    answers = await asyncio.gather(*presses, return_exceptions=True)
    taken = [each for each in answers if isinstance(each, SlotTaken)]
    assert len({each for each in answers if isinstance(each, str)}) == await count(store) == 2
    assert len(taken) == 8
    assert all(each.next_free for each in taken)


async def test_a_press_of_yesterday_is_forgotten(sqlite_store: Store) -> None:
    own = await sqlite_store.write(office.found)
    app = townhall(sqlite_store).app
    for later_s, start_s in ((0, TUESDAY_10_S), (KEPT_S, TUESDAY_10_S + 3600)):
        here = Office(app, MONDAY_S + later_s - 600)
        await book_once(here, booking(own, start_s), f"secret {later_s}")
    assert await sqlite_store.read(lambda tx: tx.scalar(select(func.count()).select_from(idempotency))) == 1


async def test_a_product_that_is_none_is_no_reason_to_try_again(sqlite_store: Store) -> None:
    own = await sqlite_store.write(office.found)
    here = Office(townhall(sqlite_store).app, MONDAY_S)
    for secret in ("", "secret"):
        try:
            await book_once(here, booking(own, wish=Wish((999,))), secret)
        except NotFound as error:
            assert error.what == "product"
        else:
            raise AssertionError("booked nothing at all")
