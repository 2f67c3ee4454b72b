"""Sessions: how long they last, what is kept of them, how they end."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import func, select

from balie.staff import sessions
from balie.staff.sessions import ABSOLUTE_S, IDLE_S
from balie.store.engine import Store
from balie.store.schema import staff_session
from tests.support import office
from tests.support.office import MONDAY_S, Office

ENTROPY = random.Random(1).randbytes


async def _open(store: Store) -> tuple[Office, str]:
    here = await store.write(office.found)
    return here, await store.write(sessions.begin, MONDAY_S, ENTROPY, here.bart, "Firefox")


async def test_a_session_is_found_by_its_token_only(store: Store) -> None:
    here, token = await _open(store)
    found = await store.read(sessions.find, token, MONDAY_S)
    assert found is not None
    assert (found.staff_id, found.agent, found.expires_s) == (here.bart, "Firefox", MONDAY_S + ABSOLUTE_S)
    assert len(token) >= 43, "256 bits"
    for strange in ("", token[:-1], token + "A", "x" * 100_000, "\ud800", found.key.hex()):
        assert await store.read(sessions.find, strange, MONDAY_S) is None


async def test_the_token_is_not_kept(store: Store) -> None:
    _, token = await _open(store)
    rows = await store.read(lambda tx: [str(tuple(row)) for row in tx.execute(select(staff_session))])
    assert len(rows) == 1
    assert token not in rows[0]


async def test_a_session_ends_when_nobody_was_there_for_eight_hours(store: Store) -> None:
    _, token = await _open(store)
    assert await store.read(sessions.find, token, MONDAY_S + IDLE_S - 1) is not None
    assert await store.read(sessions.find, token, MONDAY_S + IDLE_S) is None


async def test_a_session_ends_after_twelve_hours_whatever_happens(store: Store) -> None:
    _, token = await _open(store)
    for hour in range(1, 12):
        now_s = MONDAY_S + hour * 3600
        found = await store.read(sessions.find, token, now_s)
        assert found is not None, hour
        await store.write(sessions.touch, now_s, found.key)
    assert await store.read(sessions.find, token, MONDAY_S + ABSOLUTE_S - 1) is not None
    assert await store.read(sessions.find, token, MONDAY_S + ABSOLUTE_S) is None


async def test_a_late_touch_does_not_turn_time_back(store: Store) -> None:
    _, token = await _open(store)
    key = sessions.key_of(token)
    await store.write(sessions.touch, MONDAY_S + 600, key)
    await store.write(sessions.touch, MONDAY_S + 300, key)
    found = await store.read(sessions.find, token, MONDAY_S + 600)
    assert found is not None and found.seen_s == MONDAY_S + 600


async def test_my_sessions_the_last_used_first_and_only_mine(store: Store) -> None:
    here, first = await _open(store)
    second = await store.write(sessions.begin, MONDAY_S + 60, ENTROPY, here.bart, "Chrome\x00\n" + "x" * 300)
    await store.write(sessions.begin, MONDAY_S + 60, ENTROPY, here.els, "Safari")
    mine = await store.read(sessions.of_member, here.bart, MONDAY_S + 60)
    assert [each.key for each in mine] == [sessions.key_of(second), sessions.key_of(first)]
    assert mine[0].agent.startswith("Chromexx") and len(mine[0].agent) == sessions.AGENT_MAX
    assert await store.read(sessions.of_member, here.bart, MONDAY_S + ABSOLUTE_S) != mine


async def test_a_session_is_withdrawn_by_whose_it_is(store: Store) -> None:
    here, token = await _open(store)
    key = sessions.key_of(token)
    assert not await store.write(sessions.revoke, here.els, key), "somebody else's"
    assert await store.read(sessions.find, token, MONDAY_S) is not None
    assert await store.write(sessions.revoke, here.bart, key)
    assert await store.read(sessions.find, token, MONDAY_S) is None
    assert not await store.write(sessions.revoke, here.bart, key), "gone already"


async def test_all_but_this_one_are_withdrawn(store: Store) -> None:
    here, token = await _open(store)
    others = [await store.write(sessions.begin, MONDAY_S, ENTROPY, here.bart, "") for _ in range(3)]
    other = await store.write(sessions.begin, MONDAY_S, ENTROPY, here.els, "")
    assert await store.write(sessions.revoke_all, here.bart, but=sessions.key_of(token)) == 3
    assert await store.read(sessions.find, token, MONDAY_S) is not None
    assert await store.read(sessions.find, other, MONDAY_S) is not None
    assert [await store.read(sessions.find, each, MONDAY_S) for each in others] == [None] * 3


@pytest.mark.parametrize(("later_s", "left"), [(IDLE_S - 1, 1), (IDLE_S, 0), (ABSOLUTE_S, 0)])
async def test_what_is_over_is_erased(store: Store, later_s: int, left: int) -> None:
    await _open(store)
    assert await store.write(sessions.forget_over, MONDAY_S + later_s) == 1 - left
    assert await store.read(lambda tx: tx.scalar(select(func.count()).select_from(staff_session))) == left
