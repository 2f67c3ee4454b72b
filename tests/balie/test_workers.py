"""The end of what runs beside calls and pages."""

from __future__ import annotations

import asyncio

from balie import workers


async def test_a_worker_that_missed_its_end_is_asked_again() -> None:
    """As asyncio.wait_for misses it when it is woken in the same moment: the process would never stop."""
    missed = 0

    async def work() -> None:
        nonlocal missed
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            missed += 1
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(work()) for _ in range(2)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await workers.end(tasks, again_s=0.01)
    assert missed == 2 and all(each.cancelled() for each in tasks)


async def test_nothing_to_end_ends_at_once() -> None:
    await workers.end([])
