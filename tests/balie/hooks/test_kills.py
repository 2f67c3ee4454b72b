"""Workers are killed while they post: nothing is lost, and the order holds."""

from __future__ import annotations

import asyncio
import random
import sys

import pytest
from aiohttp import web
from sqlalchemy import func, select

from balie.hooks.feed import seal
from balie.hooks.targets import Target
from balie.store.engine import Store
from balie.store.schema import hook_delivery, outbox
from tests.support.appointments import Announcer
from tests.support.hook_worker import NAME, SECRET
from tests.support.office import MONDAY_S
from tests.support.receiver import Post, Receiver
from tests.support.tree import ROOT

KILLS = 5
LATER_S = 1000  # a new worker begins when the claims of the one before are over
STORY = ("booked", "confirmed", "changed", "helper_added", "helper_removed", "cancelled")


async def _killed_at_random(store: Store, crm: Receiver, seed: int) -> int:
    """Run one worker after the other until one ends by itself; returns how many were killed on the way."""
    chance, kills, now_s = random.Random(seed), 0, MONDAY_S
    process: asyncio.subprocess.Process

    async def kill_or_take(_: Post) -> web.StreamResponse:
        nonlocal kills
        if kills < KILLS and process.returncode is None and chance.random() < 0.3:
            process.kill()  # it has sent; it will never hear that we took it
            kills += 1
        return web.Response(status=204)

    crm.answer = kill_or_take
    while True:
        database = store.url.render_as_string(hide_password=False)
        command = ("-m", "tests.support.hook_worker", database, crm.url, str(now_s))
        process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT)
        if await process.wait() == 0:
            return kills
        assert process.returncode == -9, f"seed {seed}: {process.returncode}"
        now_s += LATER_S


@pytest.mark.timeout(120)
async def test_a_killed_worker_loses_nothing_and_keeps_the_order(store: Store, announce: Announcer) -> None:
    seed = 20261208
    refs = [f"REF{number}22" for number in range(5)]
    for what in STORY:
        for ref in refs:
            await announce(what, ref)
    await store.write(seal, MONDAY_S, [Target(NAME, "", SECRET)])
    async with Receiver() as crm:
        kills = await _killed_at_random(store, crm, seed)
    assert kills == KILLS, f"seed {seed}"
    ids = await store.read(lambda tx: set(tx.scalars(select(outbox.c.event_id))))
    assert {post.headers["webhook-id"] for post in crm.posts} == ids, f"seed {seed}: an event was lost"
    assert len(crm.posts) > len(ids), "a kill between sending and noting it means twice: or this test shows nothing"
    for ref in refs:
        mine = [what for each, what in (post.what.split() for post in crm.posts) if each == ref]
        assert list(dict.fromkeys(mine)) == list(STORY), f"seed {seed}: out of order"
        # Twice means twice in a row: what comes later was not sent before its predecessor was noted as taken.
        assert mine == sorted(mine, key=STORY.index), f"seed {seed}: {mine}"
    open_ = select(func.count()).where(hook_delivery.c.state != "done")
    assert await store.read(lambda tx: tx.scalar(open_)) == 0
