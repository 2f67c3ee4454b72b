"""What is free is asked for all who look: however often somebody presses, the other system hears it once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import pytest

from balie.acts.errors import ActError
from balie.acts.looking import DAYS_MAX, KEEP_S, LOOKS, Looking
from balie.reservations.backend import FreeTime
from balie.store.engine import Store
from tests.support.acting import HOUR_S, PLAY_S, Clock, World, world

DAY = date(2026, 12, 10)
NEVER = FreeTime("court-1", "Terrein 1", 0, 1, 0)


@pytest.fixture
async def here(sqlite_store: Store) -> AsyncIterator[World]:
    async with world(sqlite_store) as made:
        yield made


async def look(here: World, appointment_id: int = 0, day: date = DAY) -> list[int]:
    found = await here.acts.free(appointment_id or here.appointment_id, here.office.badminton, day)
    return [each.from_s for each in found]


async def test_who_presses_again_and_again_asks_once(here: World) -> None:
    for _press in range(40):
        assert len(await look(here)) == 24
    await asyncio.gather(*(look(here, number) for number in range(1, 40)))
    assert here.hall.calls.count("free") == 1
    here.clock.now_s += KEEP_S
    await look(here)
    assert here.hall.calls.count("free") == 2


async def test_those_who_come_together_wait_for_one_answer() -> None:
    looking, asked, go_on = Looking(Clock()), [], asyncio.Event()

    async def ask() -> list[FreeTime]:
        asked.append(1)
        await go_on.wait()
        return [NEVER]

    asyncio.get_running_loop().call_soon(go_on.set)
    looks = await asyncio.gather(*(looking.at(number, 1, DAY, "hal", ask) for number in range(10)))
    assert looks == [[NEVER]] * 10 and len(asked) == 1


async def test_what_is_held_or_let_go_through_us_is_seen_at_once(here: World) -> None:
    assert PLAY_S in await look(here)
    about = await here.reserve()
    assert PLAY_S not in await look(here)
    await here.acts.release(about)
    assert PLAY_S in await look(here)


async def test_what_somebody_took_elsewhere_is_not_shown_again_to_who_found_out(here: World) -> None:
    assert PLAY_S in await look(here)
    await here.hall.hold("at the hall's own desk", "court-1", PLAY_S, PLAY_S + HOUR_S, 900)
    with pytest.raises(ActError, match="slot_taken"):
        await here.reserve()
    assert PLAY_S not in await look(here)


async def test_an_answer_from_before_a_hold_is_not_kept() -> None:
    looking = Looking(Clock())
    answers = [[NEVER], []]

    async def ask() -> list[FreeTime]:
        if len(answers) == 2:
            looking.forget("hal")
        return answers.pop(0)

    assert await looking.at(1, 1, DAY, "hal", ask) == [NEVER]
    assert await looking.at(1, 1, DAY, "hal", ask) == [] == await looking.at(1, 1, DAY, "hal", ask)


async def test_a_system_that_is_down_is_left_alone_for_a_moment(here: World) -> None:
    here.hall.fail("free", "down")
    for _press in range(10):
        with pytest.raises(ActError, match="backend_down"):
            await look(here)
    assert here.hall.calls.count("free") == 1
    here.clock.now_s += KEEP_S
    assert await look(here)


async def test_a_mistake_of_ours_is_not_kept() -> None:
    looking, answers = Looking(Clock()), [[NEVER]]

    async def ask() -> list[FreeTime]:
        return answers.pop()

    await looking.at(1, 1, DAY, "hal", ask)
    looking.forget("hal")
    with pytest.raises(IndexError):
        await looking.at(1, 1, DAY, "hal", ask)
    answers.append([])
    assert await looking.at(1, 1, DAY, "hal", ask) == []


async def test_nobody_looks_without_end(here: World) -> None:
    """Not at other days either, nor by reserving what is not free; somebody else may still look."""
    days = [date.fromordinal(DAY.toordinal() + number) for number in range(LOOKS.burst - 1)]
    for day in days:
        await look(here, day=day)
    with pytest.raises(ActError, match="slot_taken"):
        await here.reserve(PLAY_S + 1)
    for _press in range(5):
        with pytest.raises(ActError, match="looked_too_often"):
            await look(here, day=date(2026, 12, 9))
        with pytest.raises(ActError, match="looked_too_often"):
            await here.reserve()
    assert here.hall.calls.count("free") == LOOKS.burst and "hold" not in here.hall.calls
    assert await look(here, 999, day=date(2026, 12, 9))
    here.clock.now_s += LOOKS.every_s
    assert await look(here)


async def test_it_does_not_grow() -> None:
    looking = Looking(Clock())

    async def ask() -> list[FreeTime]:
        return []

    for number in range(DAYS_MAX + 50):
        await looking.at(number, number, DAY, "hal", ask)
    assert len(looking._days) == DAYS_MAX
