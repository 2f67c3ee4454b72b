"""What the hub sees reaches the database, whatever happens to either; and whom the door makes wait because of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from balie import witness
from balie.app import BACK_S, _Doors
from balie.booking import links
from balie.links import MemoryLinks
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, participant, presence
from balie.visit import stays
from balie.witness import Witness
from signalling.tokens import Join, default_grants
from tests.support.arranged import LINK_KEY
from tests.support.counter import UNIX_S, Counter, Person
from tests.support.visits import AN, LIES, START_S, Visit, visit
from web.pump import Pump

WAIT_S = 10.0


class Scene:
    """An appointment in a database, and a counter whose hub has a room for it."""

    def __init__(self, made: Visit, room: str, people: list[str], store: Store) -> None:
        self.visit, self.room, self.people = made, room, people
        self.counter = Counter()
        # The messages are the counter's own to carry: the pump is here for its news only.
        self.pump = Pump(self.counter.hub)
        self.witness = Witness(self.counter.hub, self.pump, store, lambda: UNIX_S)

    def enter(self, who: str, role: Any = "citizen", *, wait: bool = False) -> Person:
        person = self.counter.enter(who, role, room=self.room, wait=wait)
        self.pump.flush()
        return person

    def say(self, person: Person, **message: Any) -> None:
        person.say(message)
        self.pump.flush()

    async def written(self, number: int) -> list[tuple[str, str, str]]:
        """So many rows, when they are there."""

        def rows(tx: Tx) -> list[tuple[str, str, str]]:
            found = tx.execute(select(presence).order_by(presence.c.id)).all()
            return [(row.person, row.what, row.reason) for row in found]

        store = self.visit.store
        async with asyncio.timeout(WAIT_S):
            while True:
                committed = store.committed
                if len(found := await store.read(rows)) >= number:
                    return found
                await committed.wait()


async def scene(store: Store) -> Scene:
    made = await visit(store)

    def look(tx: Tx) -> tuple[str, list[str]]:
        room = tx.scalar(select(appointment.c.room).where(appointment.c.id == made.id)) or ""
        which = select(participant.c.person).where(participant.c.id.in_(made.people)).order_by(participant.c.id)
        return room, list(tx.scalars(which))

    room, people = await store.read(look)
    return Scene(made, room, people, store)


async def test_a_visit_is_written_as_it_goes(store: Store) -> None:
    here = await scene(store)
    an = here.people[AN]
    async with here.witness.watching():
        citizen = here.enter(an, wait=True)
        assert await here.written(1) == [(an, "waiting", "")]
        assert (await here.visit.row()).status == "checked_in"
        staff = here.enter("staff-1", "staff")
        here.say(staff, type="admit", participant=an)
        await here.written(3)
        assert (await here.visit.row()).status == "in_call"
        here.say(staff, type="hold", participant=an)
        here.say(staff, type="admit", participant=an)
        here.say(staff, type="moderate", action="end")
        told = await here.written(7)
        assert (await here.visit.row()).status == "completed"
    assert told[1:5] == [("staff-1", "entered", ""), (an, "entered", ""), (an, "held", ""), (an, "entered", "")]
    assert sorted(told[5:]) == [(an, "left", "ended"), ("staff-1", "left", "ended")]
    assert citizen.hears("bye")[0]["reason"] == "ended"


async def test_a_process_that_stops_writes_its_last_words(store: Store) -> None:
    here = await scene(store)
    async with here.witness.watching():
        here.enter(here.people[LIES], "third")
        await here.written(1)
        here.counter.hub.drain()
    assert (await here.written(2))[1] == (here.people[LIES], "left", "draining")


async def test_what_a_process_that_died_left_open_is_closed(store: Store) -> None:
    here = await scene(store)
    await here.visit.see(AN, "entered", START_S)
    async with here.witness.watching():
        pass
    assert (await here.written(2))[1] == (here.people[AN], "left", "restarted")


@pytest.mark.parametrize(
    ("error", "lost"),
    [(OperationalError("INSERT", {}, Exception("the server is away")), 0), (ValueError("a mistake of ours"), 1)],
    ids=["the database is away", "one of them cannot be written"],
)
async def test_a_write_that_fails(store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception, lost: int) -> None:
    """What can be written later is, in its order; what cannot holds nothing up."""
    monkeypatch.setattr(witness, "AGAIN_S", 0.0)
    here = await scene(store)
    write, failures = store.write, [error]

    async def failing(function: Callable[..., Any], *args: Any) -> Any:
        if failures and len(args) == 3:
            raise failures.pop()
        return await write(function, *args)

    monkeypatch.setattr(store, "write", failing)
    async with here.witness.watching():
        here.enter(here.people[AN])
        here.enter(here.people[LIES], "third")
        told = await here.written(2 - lost)
    assert told == [(here.people[AN], "entered", ""), (here.people[LIES], "entered", "")][lost:]


async def test_who_has_to_wait_at_the_door(store: Store) -> None:
    """Who was let in is let in, also by a process that knows nothing of it."""
    here = await scene(store)
    token = await store.read(links.current, LINK_KEY, here.visit.people[AN]) or ""

    async def waits(*open_rooms: str) -> bool:
        chance = random.Random(5).randbytes
        found = await _Doors(MemoryLinks(chance), store, LINK_KEY, frozenset(open_rooms), START_S).visit(token, START_S)
        assert found.join is not None and found.join.room == here.room
        return found.join.wait

    assert await waits() is True
    assert await waits(here.room) is False, "the demo's"
    at_s = START_S
    for what, reason, expected in (
        ("waiting", "", True),
        ("entered", "", False),
        ("left", "lost", False),
        ("left", "draining", False),
        ("entered", "", False),
        ("held", "", True),
        ("left", "restarted", True),
        ("waiting", "", True),
        ("entered", "", False),
        ("left", "removed", True),
    ):
        at_s += 1
        await here.visit.see(AN, what, at_s, reason)
        assert await waits() is expected, (what, reason)


async def test_who_waited_waits_on_whatever_ends_the_process(store: Store) -> None:
    """As long as he came back in time, also twice."""
    here = await scene(store)
    token = await store.read(links.current, LINK_KEY, here.visit.people[AN]) or ""
    doors = _Doors(MemoryLinks(random.Random(5).randbytes), store, LINK_KEY, frozenset(), START_S + 1000)

    async def since(after_s: int = 0) -> int:
        found = await doors.visit(token, START_S + 1000 + after_s)
        assert found.join is not None
        return found.join.since_s

    at_s = START_S
    for what, reason, expected in (
        ("waiting", "", 0),  # he is here: nothing to bring along
        ("left", "restarted", START_S + 1),
        ("waiting", stays.AGAIN, 0),
        ("left", "draining", START_S + 1),
        ("waiting", stays.AGAIN, 0),
        ("left", "left", 0),
        ("waiting", "", 0),
        ("left", "restarted", START_S + 7),
        ("waiting", "", 0),  # he came back late, and waits anew
        ("left", "restarted", START_S + 9),
        ("waiting", stays.AGAIN, 0),
        ("entered", "", 0),
        ("held", "", 0),
        ("left", "restarted", START_S + 13),
    ):
        at_s += 1
        await here.visit.see(AN, what, at_s, reason)
        assert await since() == expected, (at_s - START_S, what, reason)
    assert await since(BACK_S) == START_S + 13 and await since(BACK_S + 1) == 0


async def test_the_hub_writes_that_he_waits_on(store: Store) -> None:
    here = await scene(store)
    an = here.people[AN]
    await here.visit.see(AN, "waiting", UNIX_S - 300)
    async with here.witness.watching():
        join = Join(an, here.room, "citizen", "An", default_grants("citizen"), wait=True, since_s=UNIX_S - 300)
        hello = {"type": "hello", "v": 1, "token": here.counter.tokens.mint(join, UNIX_S)}
        here.counter.say(here.counter.connect(), hello)
        here.pump.flush()
        assert (await here.written(3))[1:] == [(an, "left", "restarted"), (an, "waiting", stays.AGAIN)]
        assert here.counter.hub.lobbies()[here.room].waiting[0].since_s == UNIX_S - 300
