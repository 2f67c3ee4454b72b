"""A town hall whose calls are now, in a `balie serve` of its own that may end, in whatever way, and begin again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine

from balie import demo_office
from balie.booking import appointments
from balie.booking.hours import day_of
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.slots import Wish, plan
from balie.staff import accounts, sessions
from balie.store.engine import Tx, database_url
from balie.store.schema import CELL_S
from tests.support import processes
from tests.support.databases import sqlite_template
from tests.support.processes import Running, free_port

CITIZEN = Person("An Peeters", mail="an.peeters@example.org", phone="+32470123456")
DAUGHTER = Person("Lies Peeters", role="family", label="dochter", mail="lies@example.org")
HOST = "Bart Claes"
SECRET = "0123456789abcdef" * 3
DATABASE = "sqlite:balie.sqlite"
SINCE_S = 20 * 60
"""So long ago the appointments began: doors are open and stay so."""


@dataclass(frozen=True)
class Planned:
    """An appointment that goes on now.

    citizen, third  the tokens of their personal links
    path            the call's page for its member of staff
    session         what his cookie says
    """

    citizen: str
    third: str
    path: str
    session: str


class Served:
    """visits: each with a member of staff of its own.  udp: where browsers send media, when that is not here."""

    def __init__(self, folder: Path, count: int = 1, *, udp: str = "127.0.0.1", more: str = "") -> None:
        self.port, self.media_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        self.config = folder / "config.toml"
        self.config.write_text(_config(self.port, self.media_port, udp) + more)
        database = database_url(DATABASE, folder).database
        shutil.copy(sqlite_template(), str(database))
        engine = create_engine(f"sqlite:///{database}")
        with engine.begin() as tx:
            self.visits: Sequence[Planned] = _found(tx, int(time.time()), count)
        engine.dispose()
        self.running: Running | None = None

    def start(self) -> Running:
        self.running = processes.serve(self.config, self.port)
        return self.running

    def stop(self) -> str:
        """As a supervisor does; returns what it wrote."""
        running, self.running = self.running, None
        return running.stop() if running is not None else ""

    def kill(self) -> None:
        """As a machine without memory does: no goodbye to anybody."""
        running, self.running = self.running, None
        if running is not None:
            running.process.send_signal(signal.SIGKILL)
            running.process.communicate()


@contextmanager
def serving(folder: Path, *, udp: str = "127.0.0.1") -> Iterator[Served]:
    """A town hall with one visit, that runs."""
    server = Served(folder, udp=udp)
    server.start()
    try:
        yield server
    finally:
        written = server.stop()
    assert "Traceback" not in written, written


def _config(port: int, media_port: int, udp: str) -> str:
    return f"""
[server]
port = {port}
public_url = "http://localhost:{port}"
drain_s = 0

[media]
listen = ["127.0.0.1"]
public_addresses = ["{udp}"]
port = {media_port}

[tokens]
keys = [{{ kid = "1", secret = "{SECRET}" }}]

[database]
url = "{DATABASE}"
"""


def _found(tx: Tx, now_s: int, count: int) -> list[Planned]:
    """The demo's office, and so many appointments at once."""
    office = demo_office.found(tx, now_s, day_of(now_s, demo_office.ZONE), "")
    return [_plan(tx, now_s, office, number) for number in range(count)]


def _plan(tx: Tx, now_s: int, office: demo_office.DemoOffice, number: int) -> Planned:
    login, key = f"loket{number}", LinkKey(SECRET.encode())
    host = accounts.create(tx, now_s, office.organisation, login=login, name=HOST, services=[office.leisure])
    session = sessions.begin(tx, now_s, os.urandom, host, "a test")
    values = {"status": "booked", "channel": "web", "created_by": "citizen"}
    start_s = (now_s - SINCE_S) // CELL_S * CELL_S
    wanted = plan(tx, Wish((office.badminton,)))
    made = appointments.put(tx, now_s, os.urandom, wanted, host, start_s, values)
    assert made is not None
    people = [(f"an{number}", CITIZEN), (f"lies{number}", DAUGHTER)]
    booked = appointments.settle(tx, now_s, os.urandom, key, made, people, "citizen", "booked")
    citizen, third = booked.links.values()
    return Planned(citizen, third, f"/balie/gesprek/{booked.ref}", session)
