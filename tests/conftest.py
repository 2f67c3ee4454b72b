"""Fixtures of all tests: databases."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web_app

from balie.store.engine import Store
from tests.support import databases


@pytest.fixture(scope="session")
def sqlite_template() -> Path:
    return databases.sqlite_template()


@pytest.fixture(scope="session")
def cluster() -> Iterator[databases.Cluster]:
    with databases.postgresql() as running:
        yield running


@pytest_asyncio.fixture
async def sqlite_store(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    """An SQLite file with all tables and nothing in them."""
    url = databases.sqlite_url(tmp_path)
    shutil.copy(sqlite_template, str(url.database))
    made = databases.opened(url)
    yield made
    await made.close()


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    """Both databases, one after the other: what holds on one must hold on the other."""
    if request.param == "sqlite":
        url = databases.sqlite_url(tmp_path)
        shutil.copy(sqlite_template, str(url.database))
        made = databases.opened(url)
        yield made
        await made.close()
        return
    cluster: databases.Cluster = request.getfixturevalue("cluster")
    made = databases.opened(cluster.empty_database())
    yield made
    await made.close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives until the end: 370,000 objects, through which the garbage collector would walk again and
    again while they are made, and after each test that makes something that lasts."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side each worker begins with its part of the browsers' tests, which last seconds: those that are left at
    the end, one worker with the other's last, are short.  A test that waits leaves its core to the other's browser."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        return
    long = [each for each in items if any(map(each.get_closest_marker, ("browser", "waits")))]
    short = [each for each in items if not any(map(each.get_closest_marker, ("browser", "waits")))]
    items[:] = [
        each
        for at in range(workers)
        for kind in (long, short)
        for each in kind[len(kind) * at // workers : len(kind) * (at + 1) // workers]
    ]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """aiohttp remembers for good which middlewares belong to a handler of an application, and so each application with
    all that hangs on it: after a thousand tests 4 GB, through which the garbage collector walks again and again."""
    web_app._cached_build_middleware.cache_clear()
