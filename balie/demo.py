"""`balie demo`: a municipality with one running appointment, on this machine only.

Everything is made anew at every start, in a folder that goes with the process: database, keys, links, mail.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from aiohttp import web
from sqlalchemy import create_engine, update

from balie import demo_hall, demo_identity, demo_office, demo_payment
from balie.app import Balie, build
from balie.booking import appointments
from balie.booking.hours import day_of
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.slots import Wish, plan
from balie.config import MessagesSection, OrganisationSection, Settings
from balie.demo_mail import DemoMail
from balie.demo_office import DemoOffice
from balie.links import Invitation, MemoryLinks
from balie.staff import accounts
from balie.staff.passwords import Passwords
from balie.store.engine import SQLITE, Store, Tx, database_url
from balie.store.migrate import upgrade
from balie.store.schema import CELL_S, appointment, join_link
from signalling.tokens import SECRET_MIN_BYTES, Join, Key, Tokens, default_grants

LASTS_S = 24 * 3600
LOOPBACK = "127.0.0.1"
ADDRESS = "balie@voorbeeldegem.example"
PASSWORD = "voorbeeld-van-een-zin"
"""Of everybody in the demo's office; printed with the links."""
CITIZEN = Person("An Peeters", mail="an.peeters@example.org", phone="+32470123456")
THIRD = Person("Lies Peeters", "family", mail="lies.peeters@example.org", label="dochter")


def demo_settings(host: str, port: int, media_port: int) -> Settings:
    """Everything at its default, on loopback."""
    settings = Settings()
    return replace(
        settings,
        server=replace(settings.server, host=host, port=port, public_url=f"http://localhost:{port}", drain_s=0),
        media=replace(settings.media, listen=(LOOPBACK,), public_addresses=(LOOPBACK,), port=media_port),
        messages=MessagesSection(from_address=ADDRESS, smtp_host=LOOPBACK),
        organisation=OrganisationSection(name=demo_office.NAME, phone=demo_office.PHONE),
        bookkeeping=demo_office.BOOKKEEPING,
    )


def build_demo(settings: Settings) -> tuple[Balie, list[tuple[str, str]]]:
    """The demo and its links: (who, URL)."""
    folder = Path(tempfile.mkdtemp(prefix="balie-demo-"))
    mail = DemoMail(LOOPBACK)
    settings = replace(settings, messages=replace(settings.messages, smtp_port=mail.port), folder=folder)
    settings = replace(settings, reservations=demo_hall.reservations(settings.server.public_url))
    settings = replace(settings, payments=demo_payment.payments(settings.server.public_url))
    settings = replace(settings, identity=demo_identity.identity(settings.server.public_url, demo_office.LEISURE))
    tokens = Tokens("balie-demo", (Key("demo", secrets.token_bytes(SECRET_MIN_BYTES)),))
    key, passwords = LinkKey(secrets.token_bytes(SECRET_MIN_BYTES)), Passwords(os.urandom)
    store = Store(database_url(settings.database.url, folder))
    assert store.url.drivername == SQLITE
    engine = create_engine(f"sqlite:///{store.url.database}")
    with engine.begin() as tx:
        upgrade(tx)
        room, links = _fill(tx, int(time.time()), key, passwords.hash(PASSWORD), settings.server.public_url)
    engine.dispose()
    invited = MemoryLinks(os.urandom)
    staff = Join("staff-demo", room, "staff", "Bart Claes", default_grants("staff"))
    now_s = time.time()
    tokens_of = [links[0], invited.create(Invitation(staff, now_s, now_s + LASTS_S)), links[1]]
    urls = [
        (who, f"{settings.server.public_url}/g/{token}")
        for who, token in zip(("Burger", "Medewerker", "Derde (dochter)"), tokens_of, strict=True)
    ]
    balie = build(
        settings,
        tokens,
        invited,
        store,
        key,
        passwords=passwords,
        mailbox=mail,
        # Its three links meet at once, also when nobody looks at the desk; who books another appointment waits.
        open_rooms=frozenset((room,)),
    )

    hall = demo_hall.open_in(balie.web, settings, demo_office.ZONE)
    demo_payment.open_in(balie.web, settings)
    demo_identity.open_in(balie.web, settings)

    async def around(_: web.Application) -> AsyncIterator[None]:
        async with mail.serving():
            yield
        hall.close()
        shutil.rmtree(folder, ignore_errors=True)

    balie.web.cleanup_ctx.insert(0, around)
    return balie, urls


def _fill(tx: Tx, now_s: int, key: LinkKey, password: str, public_url: str) -> tuple[str, list[str]]:
    """The office, and an appointment that goes on now.  Returns its room, and the tokens of An and Lies."""
    made: DemoOffice = demo_office.found(tx, now_s, day_of(now_s, demo_office.ZONE), password)
    accounts.set_subject(tx, now_s, made.bart, demo_identity.subject(public_url, "bart"), "system")
    wanted = plan(tx, Wish((made.badminton,)))
    values = {"status": "booked", "channel": "web", "created_by": "citizen", "question": "Mag mijn dochter mee kijken?"}
    start_s = now_s // CELL_S * CELL_S
    appointment_id = appointments.put(tx, now_s, os.urandom, wanted, made.bart, start_s, values)
    assert appointment_id is not None
    everybody = [(secrets.token_hex(12), person) for person in (CITIZEN, THIRD)]
    booked = appointments.settle(tx, now_s, os.urandom, key, appointment_id, everybody, "citizen", "booked")
    tx.execute(update(join_link).values(valid_until_s=now_s + LASTS_S))
    room = tx.execute(appointment.select().where(appointment.c.id == appointment_id)).one().room
    return room, list(booked.links.values())
