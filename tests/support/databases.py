"""Real databases for tests: an SQLite file each, and one PostgreSQL server in which every test has its own database."""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.pool import StaticPool
from sqlalchemy.util import LRUCache

from balie.store.engine import POSTGRESQL, SQLITE, Store
from balie.store.migrate import upgrade
from balie.store.schema import metadata

USER, TEMPLATE = "balie", "balie_template"
STATEMENTS_MAX = 5_000


def sqlite_url(folder: Path) -> URL:
    return URL.create(SQLITE, database=str(folder / "balie.sqlite"))


@functools.cache
def sqlite_template() -> Path:
    """A file with all tables, to copy: that takes a hundredth of the time that all revisions take."""
    folder = Path(tempfile.mkdtemp(prefix="balie-template-"))
    atexit.register(shutil.rmtree, folder)
    path = folder / "template.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()
    return path


_compiled: dict[str, tuple[Dialect, Any]] = {}


def opened(url: URL) -> Store:
    """A Store that knows what the statements of the stores before it were compiled to, as a server knows it of all that
    it has asked since it began: a test says hardly one that no test before it said."""
    made = Store(url)
    engine = made._engine
    if url.drivername == SQLITE:
        event.listen(engine, "connect", _hasten)
    known = _compiled.get(url.drivername)
    if known is None:
        # A dialect is of no use before its first connection told it what the database can.
        mine = engine.dialect, LRUCache[Any, Any](STATEMENTS_MAX)
        event.listen(engine, "connect", lambda *_: _compiled.setdefault(url.drivername, mine))
        known = mine
    engine.dialect, engine._compiled_cache = known
    return made


def _hasten(connection: Any, _record: object) -> None:
    """As PostgreSQL's fsync=off: no test pulls a plug, and a commit that waits for the disk takes 200 times as long."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


@functools.cache
def _memory() -> Engine:
    return create_engine("sqlite://", poolclass=StaticPool)


def in_memory() -> Engine:
    """A database in memory with all tables and nothing in them, for tests that begin anew hundreds of times.  It is the
    same one each time, so that statements are compiled once."""
    engine = _memory()
    with closing(sqlite3.connect(sqlite_template())) as template, engine.connect() as connection:
        made = connection.connection.driver_connection
        assert isinstance(made, sqlite3.Connection)
        template.backup(made)
    return engine


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "PostgreSQL is missing: apt-get install postgresql"
    return found[-1].parent


class Cluster:
    """A PostgreSQL server on a Unix socket, gone with the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def psql(self, *commands: str, database: str = "postgres") -> None:
        options = [argument for command in commands for argument in ("-c", command)]
        base = ["psql", "-h", str(self.folder), "-U", USER, "-d", database, "-qX", "-v", "ON_ERROR_STOP=1"]
        subprocess.run([*base, *options], check=True, capture_output=True, text=True)

    def url(self, database: str) -> URL:
        return URL.create(POSTGRESQL, username=USER, database=database, query={"host": str(self.folder)})

    def new_database(self) -> URL:
        """Of its own, with all tables."""
        self._made += 1
        name = f"test_{self._made}"
        self.psql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.url(name)

    @cached_property
    def _shared(self) -> Shared:
        return Shared(self.folder, self.new_database())

    def empty_database(self) -> URL:
        """One for tests that follow each other: emptied, which takes a hundredth of the time that making one takes."""
        self._shared.empty()
        return self._shared.url

    def drop(self, url: URL) -> None:
        self.psql(f"DROP DATABASE {url.database} WITH (FORCE)")


class Shared:
    """A database that is emptied again and again, over one connection in an event loop of its own: a test's own loop
    may be running while its fixture waits for this."""

    def __init__(self, folder: Path, url: URL) -> None:
        self.url = url
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._connection: asyncpg.Connection = self._run(
            asyncpg.connect(host=str(folder), user=USER, database=str(url.database))
        )

    def _run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    def empty(self) -> None:
        tables = ", ".join(f"'{table.name}'" for table in reversed(metadata.sorted_tables))
        self._run(
            self._connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        self._run(
            self._connection.execute(
                "DO $$ DECLARE name text; BEGIN "
                f"FOREACH name IN ARRAY ARRAY[{tables}] LOOP EXECUTE format('DELETE FROM %I', name); END LOOP; "
                "FOR name IN SELECT sequencename FROM pg_sequences LOOP PERFORM setval(name, 1, false); END LOOP; "
                "END $$"
            )
        )


@contextmanager
def postgresql() -> Iterator[Cluster]:
    """A server of its own.  It refuses to run as root, so it runs as the user that Debian's package makes."""
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    user = account.pw_uid if account is not None else None
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="balie-pg-"))
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
        )
        fast = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=60"
        control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-s"]
        log = folder / "log"
        options = f"-k {folder} {fast}"
        subprocess.run([*control, "-l", log, "-o", options, "start"], check=True, cwd=folder, user=user)
        try:
            cluster = Cluster(folder)
            cluster.psql(f"CREATE DATABASE {TEMPLATE}")
            _make_tables(cluster.url(TEMPLATE))
            yield cluster
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd=folder, user=user)
    finally:
        shutil.rmtree(folder)


def _make_tables(url: URL) -> None:
    async def make() -> None:
        store = Store(url)
        try:
            await store.write(upgrade)
        finally:
            await store.close()

    # A fixture may ask for this while its own event loop runs in this thread.
    with ThreadPoolExecutor(1) as other:
        other.submit(lambda: asyncio.run(make())).result()
