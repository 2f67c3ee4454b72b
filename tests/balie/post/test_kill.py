"""Two hundred messages are due, and whoever sends them is killed a hundred times, at any moment of the conversation.

At the end the mail server has each exactly once, or it is on a list of people who will find out.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter

import pytest

from balie.post.queue import LEASE_S
from balie.record import schedule
from balie.store.engine import Store, Tx
from tests.support import office
from tests.support.arranged import arrange
from tests.support.mailserver import STAGES, MailServer, mail_server
from tests.support.mortal_worker import Nursery, nursery
from tests.support.office import MONDAY_S, Office, unix_s
from tests.support.post_office import issues, messages

MESSAGES, KILLS, SEED = 200, 100, 1
UNKNOWABLE = ("GO", "DOT", "TAKEN")  # killed then, nobody knows what the server has


def _book(tx: Tx, desk: Office, chance: random.Random) -> None:
    first_s = unix_s("2026-12-21T09:00")
    for number in range(MESSAGES):
        made = arrange(tx, desk, first_s + number * 1800, chance=chance.randbytes)
        schedule.booked(tx, MONDAY_S, chance.randbytes, made.id)


class _Killer:
    """Kills a worker when it comes to a stage of the conversation for the nth time."""

    def __init__(self, server: MailServer) -> None:
        self._armed: tuple[str, int] | None = None
        self._pid = asyncio.get_running_loop().create_future()
        self._server = server
        server.hook = self._hear

    def arm(self, stage: str, nth: int) -> None:
        self._armed = (stage, nth)
        self._pid = asyncio.get_running_loop().create_future()

    def disarm(self) -> None:
        self._armed = None

    def aim(self, pid: int) -> None:
        self._pid.set_result(pid)

    async def _hear(self, stage: str) -> None:
        if self._armed is None or self._armed[0] != stage:
            return
        pid = await self._pid
        self._armed = (stage, self._armed[1] - 1)
        if self._armed[1] == 0:
            os.kill(pid, signal.SIGKILL)
            self.disarm()


async def _live(makers: Nursery, killer: _Killer, store: Store, server: MailServer, name: str, now_s: int) -> int:
    killer.aim(await makers.start(str(store.url.database), server.port, name, now_s))
    return await makers.ended()


@pytest.mark.timeout(180)  # a hundred workers are started: half a minute, on a machine that does nothing else
async def test_a_hundred_kills_lose_and_double_nothing(sqlite_store: Store) -> None:
    chance = random.Random(SEED)
    desk = await sqlite_store.write(office.found)
    await sqlite_store.write(_book, desk, chance)
    now_s, stages = MONDAY_S, Counter[str]()
    async with mail_server() as server, nursery() as makers:
        killer = _Killer(server)
        for life in range(KILLS):
            stage = chance.choice(STAGES)
            killer.arm(stage, 1 if stage == "EHLO" else chance.randint(1, 3))
            assert await _live(makers, killer, sqlite_store, server, f"life {life}", now_s) == -signal.SIGKILL
            stages[stage] += 1
            now_s += LEASE_S  # the next one finds that this one is gone
        killer.arm("", 0)
        assert await _live(makers, killer, sqlite_store, server, "last", now_s) == 0

    came = Counter(mail.envid for mail in server.received)
    rows = await sqlite_store.read(messages, kind="confirmation")
    open_issues = await sqlite_store.read(issues)
    story = f"seed {SEED}, killed at {dict(stages)}"
    assert len(rows) == MESSAGES
    assert not [row.envid for row in rows if came[row.envid] > 1], f"doubled; {story}"
    assert not [row.envid for row in rows if row.status == "submitted" and not came[row.envid]], f"lost; {story}"
    doubtful = {row.id for row in rows if row.status == "unresolved"}
    assert {row.status for row in rows} == {"submitted", "unresolved"}, story
    assert open_issues == [(message_id, "delivery_unknown") for message_id in sorted(doubtful)], story
    assert 0 < len(doubtful) <= sum(stages[stage] for stage in UNKNOWABLE), (
        f"more doubts than reasons for them; {story}"
    )
    assert len(came) >= MESSAGES - len(doubtful), story
