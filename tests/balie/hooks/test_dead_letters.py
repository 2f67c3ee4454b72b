"""Dead letters, as an administrator sees and settles them."""

from __future__ import annotations

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from balie.hooks import feed, queue
from balie.hooks.targets import Target
from balie.store.engine import Store, Tx
from balie.store.schema import hook_delivery, outbox
from tests.support.appointments import Announcer
from tests.support.office import MONDAY_S

CRM, BOARD = Target("crm", "http://localhost/", b"s"), Target("board", "http://localhost/", b"s")
LATER_S = MONDAY_S + 3600


@pytest_asyncio.fixture
async def dead(store: Store, announce: Announcer) -> list[int]:
    """Two of the CRM, of two appointments, and one of the board; their deliveries."""
    for ref in ("ABC234", "DEF567"):
        await announce("booked", ref)
    await announce("confirmed", "ABC234")

    def die(tx: Tx) -> list[int]:
        feed.seal(tx, MONDAY_S, [CRM, BOARD])
        rows = tx.execute(select(hook_delivery.c.id, hook_delivery.c.target).order_by(hook_delivery.c.id)).all()
        crm = [row.id for row in rows if row.target == "crm"]
        board = [row.id for row in rows if row.target == "board"]
        chosen = [*crm[:2], board[0]]
        values = {"state": "dead", "attempts": 12, "error": "500", "claimed_s": MONDAY_S + 60}
        tx.execute(update(hook_delivery).where(hook_delivery.c.id.in_(chosen)).values(**values))
        return chosen

    return await store.write(die)


async def states(store: Store, ids: list[int]) -> list[tuple[str, int, str]]:
    """Of these, in their order."""
    query = select(hook_delivery.c.id, hook_delivery.c.state, hook_delivery.c.attempts, hook_delivery.c.error)
    found = {row[0]: tuple(row[1:]) for row in await store.read(lambda tx: tx.execute(query).all())}
    return [found[each] for each in ids]


async def test_they_are_listed_by_target(store: Store, dead: list[int]) -> None:
    crm = await store.read(lambda tx: queue.undelivered(tx, target="crm"))
    assert [(each.id, each.subject, each.attempts, each.waiting, each.tried_s) for each in crm] == [
        (dead[0], "appointment/ABC234", 12, 1, MONDAY_S + 60),
        (dead[1], "appointment/DEF567", 12, 0, MONDAY_S + 60),
    ]
    assert len(await store.read(queue.undelivered)) == 3
    assert len(await store.read(lambda tx: queue.undelivered(tx, limit=1))) == 1
    assert [each.id for each in await store.read(lambda tx: queue.undelivered(tx, delivery_id=dead[1]))] == [dead[1]]
    assert await store.read(queue.undelivered_number) == {"board": 1, "crm": 2}


async def test_all_of_a_target_go_again(store: Store, dead: list[int]) -> None:
    assert await store.write(queue.replay_all, LATER_S, "crm") == 2
    assert await store.write(queue.replay_all, LATER_S, "crm") == 0
    assert await states(store, dead) == [("pending", 0, "500"), ("pending", 0, "500"), ("dead", 12, "500")]
    claimed = await store.write(queue.claim, LATER_S, "w", "crm", 60, 10)
    assert [row.delivery_id for row in claimed] == dead[:2], "what waited behind waits still"
    assert await store.read(queue.undelivered_number) == {"board": 1}


async def test_what_is_skipped_says_why_and_lets_the_next_go(store: Store, dead: list[int]) -> None:
    assert await store.write(queue.skip, LATER_S, dead[0], "Met de hand ingevoerd.")
    assert not await store.write(queue.skip, LATER_S, dead[0], "Nog eens")
    (found,) = await store.read(queue.skipped, 10)
    assert (found.id, found.target, found.reason, found.skipped_s) == (
        dead[0],
        "crm",
        "Met de hand ingevoerd.",
        LATER_S,
    )
    claimed = await store.write(queue.claim, LATER_S, "w", "crm", 60, 10)
    assert [row.type for row in claimed] == ["be.balie.appointment.confirmed"]
    assert await store.read(queue.skipped, 0) == []


@pytest.mark.parametrize("state", ["pending", "sending", "retry", "done"])
async def test_what_is_not_dead_is_left_alone(store: Store, dead: list[int], state: str) -> None:
    await store.write(lambda tx: tx.execute(update(hook_delivery).values(state=state)) and None)
    assert not await store.write(queue.skip, LATER_S, dead[0], "Waarom")
    assert await store.write(queue.replay, LATER_S, dead) == 0
    assert await store.write(queue.replay_all, LATER_S, "crm") == 0
    assert await store.read(queue.undelivered) == []


async def test_what_was_delivered_is_forgotten_after_a_week_and_nothing_else(store: Store, dead: list[int]) -> None:
    deliveries = select(hook_delivery.c.id, hook_delivery.c.state).order_by(hook_delivery.c.id)

    async def left() -> list[tuple[int, str]]:
        return [tuple(row) for row in await store.read(lambda tx: tx.execute(deliveries).all())]

    everything = [key for key, _ in await left()]
    delivered = [key for key in everything if key not in dead]

    def deliver(tx: Tx) -> None:
        done = {"state": "done", "done_s": LATER_S}
        tx.execute(update(hook_delivery).where(hook_delivery.c.id.in_(delivered)).values(**done))
        assert queue.skip(tx, LATER_S, dead[0], "Besproken.")

    await store.write(deliver)
    over_s = LATER_S + queue.DONE_KEPT_S
    assert await store.write(queue.forget_done, over_s) == 0
    assert await store.write(queue.forget_done, over_s + 1) == len(delivered) > 0
    assert sorted(await left()) == sorted([(dead[0], "done"), (dead[1], "dead"), (dead[2], "dead")])
    assert await store.read(lambda tx: len(tx.execute(select(outbox.c.id)).all())) == 3, "the feed has its events"
    assert await store.write(feed.seal, over_s, [CRM, BOARD]) == 0, "and none is sent again"
