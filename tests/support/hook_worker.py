"""A worker in a process of its own, to be killed: python -m tests.support.hook_worker DATABASE TARGET NOW_S

It posts until nothing is left, and ends.
"""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import make_url

from balie.hooks import feed, queue
from balie.hooks.cloudevents import Source
from balie.hooks.delivery import HookDelivery
from balie.hooks.targets import Target
from balie.store.engine import Store
from tests.support.arranged import LINK_KEY

NAME, SECRET, SOURCE = "crm", b"a secret of the test", Source("https://balie.example.be", LINK_KEY)


async def main(database: str, target: str, now_s: int) -> None:
    store = Store(make_url(database))
    worker = HookDelivery(store, [Target(NAME, target, SECRET)], SOURCE, f"at {now_s}", lambda: now_s)
    async with worker:
        while await store.read(feed.has_new) or await store.read(queue.next_s, NAME, 0) is not None:
            await worker.step(now_s)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
