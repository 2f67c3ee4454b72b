"""The desk of a small municipality for tests: its pages on a real database, a clock to turn, people who can sign in."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher
from sqlalchemy import insert, select, update

from balie.booking import appointments
from balie.booking.appointments import Booked, Booking
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.reading import Appointment
from balie.booking.slots import Calendars, Wish
from balie.hooks import feed
from balie.hooks.targets import Target
from balie.post import inbox, undelivered
from balie.record import tasks
from balie.staff import accounts
from balie.staff.limiter import Limiter
from balie.staff.passwords import Passwords
from balie.store.engine import Store, Tx
from balie.store.schema import hook_delivery, inbound_message, message, message_event
from signalling.hub import Hub
from signalling.tokens import Join, Key, Role, Tokens, default_grants
from tests.support import office
from tests.support.counter import Plane
from tests.support.office import MONDAY_S, Office, unix_s
from tests.support.site import Clock
from web import keys, language
from web.assets import ROUTES as ASSETS
from web.desk.gate import Gate
from web.desk.keys import GATE
from web.desk.live import LIVE, Live
from web.desk.routes import ROUTES
from web.middlewares import errors, security_headers
from web.pump import Pump
from web.render import environment

PASSWORD = "vier natte paraplu's"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PHONE = "+32 2 555 01 23"
AN = Person("An Peeters", mail="an.peeters@voorbeeld.example", phone="0470 12 34 56")
LIES = Person("Lies De Smet", role="family", mail="lies@voorbeeld.example", label="dochter")
TUESDAY_1030 = "2026-12-08T10:30"


@dataclass
class DeskSite:
    """clock: of everything.  admin: an account that sees all services; bart and els are in office."""

    app: web.Application
    store: Store
    office: Office
    admin: int
    clock: Clock
    entropy: random.Random = field(repr=False)
    key: LinkKey = field(repr=False)

    @property
    def now_s(self) -> int:
        return int(self.clock())

    async def book(
        self, local: str = TUESDAY_1030, citizen: Person = AN, helpers: tuple[Person, ...] = (), **more: Any
    ) -> Booked:
        """An appointment about badminton with Bart."""
        wish = Wish((self.office.badminton,), more.pop("modality", "video"), more.pop("staff_id", self.office.bart))
        request = Booking(citizen, wish=wish, start_s=unix_s(local), helpers=helpers, **more)
        return await self.store.write(appointments.book, self.now_s, self.entropy.randbytes, self.key, request)


async def build_desk(store: Store, public_url: str = "http://localhost", *, sms: bool = True) -> DeskSite:
    """Nothing listens yet.  Everybody's password is PASSWORD; events go to "crm"."""
    chance, clock, key = random.Random(11), Clock(MONDAY_S), LinkKey(b"l" * 32)
    passwords = Passwords(chance.randbytes, CHEAP)
    kept = passwords.hash(PASSWORD)

    def found(tx: Any) -> tuple[Office, int]:
        here = office.found(tx)
        for staff_id in (here.bart, here.els):
            accounts.set_password(tx, MONDAY_S, staff_id, kept, "system")
        more: dict[str, Any] = {"login": "mia", "name": "Mia Janssens", "roles": ["admin"], "password": kept}
        return here, accounts.create(tx, MONDAY_S, here.organisation, **more)

    here, admin = await store.write(found)
    app = web.Application(middlewares=[language.speak, errors], client_max_size=1 << 20)
    app.on_response_prepare.append(security_headers)
    app[keys.STORE], app[keys.CALENDARS], app[keys.LINK_KEY] = store, Calendars(), key
    app[keys.UNIX_TIME] = clock.__call__
    app[keys.ENTROPY] = chance.randbytes
    app[keys.SITE] = keys.Site("Gemeente Voorbeeldegem", PHONE, public_url, sms, frozenset({"crm"}))
    app[keys.PAGES] = environment()
    hub = Hub(Plane(), Tokens("balie", (Key("test", b"k" * 32),)), chance.randbytes)
    app[keys.HUB], app[LIVE] = hub, Live()
    app[keys.PUMP] = Pump(hub, app[LIVE].ring)
    app.on_shutdown.append(app[LIVE].close)
    app[GATE] = Gate(Limiter(), passwords)
    app.add_routes((*ROUTES, web.get("/ws", _nothing, name="ws"), *ASSETS))
    return DeskSite(app, store, here, admin, clock, chance, key)


async def _nothing(_request: web.Request) -> web.Response:
    return web.Response(status=404)


@dataclass
class Clerk:
    """Somebody with a browser that keeps cookies and sends forms as they stand in the page."""

    client: TestClient[Any, Any]
    token: str = ""

    async def sign_in(self, login: str = "bart", password: str = PASSWORD) -> ClientResponse:
        form = {"login": login, "wachtwoord": password}
        answer = await self.client.post("/balie/aanmelden", data=form, allow_redirects=False)
        if answer.status == 303:
            page = await (await self.client.get("/balie/sessies")).text()
            found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
            assert found is not None, "every page has a form to sign out"
            self.token = found[1]
        return answer

    async def get(self, path: str, status: int = 200) -> str:
        """A page."""
        answer = await self.client.get(path, allow_redirects=False, headers={"Accept": "text/html"})
        text = await answer.text()
        assert answer.status == status, f"{path}: {answer.status}\n{text[:2000]}"
        return text

    async def send(self, path: str, expected: int = 303, /, **form: Any) -> str:
        """A form; where it leads (303), or the page that came back.  Of names the underscores are hyphens."""
        pairs = [("csrf", form.pop("csrf", self.token))]
        for name, value in form.items():
            pairs += [(name.replace("_", "-"), str(each)) for each in (value if isinstance(value, list) else [value])]
        headers = {"Accept": "text/html"}
        answer = await self.client.post(path, data=pairs, allow_redirects=False, headers=headers)
        text = await answer.text()
        assert answer.status == expected, f"{path}: {answer.status}\n{text[:3000]}"
        return answer.headers.get("Location", "") if expected == 303 else text


async def fail_message(site: DeskSite, booked: Booked, reason: str = "address_unknown") -> int:
    """The confirmation of an appointment did not arrive: a task.  Returns its id."""

    def write(tx: Tx) -> int:
        row = tx.execute(select(message).where(message.c.appointment_id == booked.appointment_id).limit(1)).one()
        status = "unresolved" if reason == "delivery_unknown" else "failed"
        said = "550 5.1.1 <an.peeters@voorbeeld.example>: Recipient address rejected: User unknown"
        tx.execute(update(message).where(message.c.id == row.id).values(status=status, error_class=reason, error=said))
        undelivered.ask(tx, site.now_s, row, reason)
        return max(each.id for each in tasks.of_appointment(tx, booked.appointment_id))

    return await site.store.write(write)


async def evidence(site: DeskSite, booked: Booked, status: str, read: str = "none") -> None:
    """So far came the confirmation of an appointment."""

    def write(tx: Tx) -> None:
        first = select(message.c.id).where(message.c.appointment_id == booked.appointment_id).limit(1)
        known = {"status": status, "read_evidence": read, "submitted_s": site.now_s}
        tx.execute(update(message).where(message.c.id.in_(first)).values(**known))
        event = {"at_s": site.now_s, "kind": status, "source": "dsn", "detail": {}}
        tx.execute(insert(message_event).values(message_id=tx.scalar(first), **event))

    await site.store.write(write)


async def receive(site: DeskSite, booked: Booked | None, text: str = "Mag mijn zoon ook meekomen?") -> int:
    """Somebody wrote back, about an appointment or about who knows what.  Returns the letter's id."""
    row = {
        "digest": site.entropy.randbytes(32),
        "received_s": site.now_s,
        "kind": "human",
        "appointment_id": booked.appointment_id if booked is not None else None,
        "sender": "an.peeters@voorbeeld.example",
        "subject": "Re: Uw afspraak",
        "text": text,
    }

    def write(tx: Tx) -> int:
        key = tx.execute(insert(inbound_message).values(**row)).inserted_primary_key
        assert key is not None
        inbox.ask(tx, site.now_s, int(key[0]), "human", booked.appointment_id if booked is not None else None)
        return int(key[0])

    return await site.store.write(write)


async def die(site: DeskSite, *errors: str, name: str = "crm") -> list[int]:
    """An appointment for each error, whose first event a system did not take; their deliveries."""
    for day in (9, 10, 11, 14, 15)[: len(errors)]:
        await site.book(f"2026-12-{day:02}T{'09' if name == 'crm' else '14'}:00")

    def write(tx: Tx) -> list[int]:
        feed.seal(tx, site.now_s, [Target(name, "http://localhost/", b"s")])
        found = select(hook_delivery.c.id).where(hook_delivery.c.target == name).order_by(hook_delivery.c.id)
        ids = list(tx.scalars(found))[-len(errors) :]
        for each, error in zip(ids, errors, strict=True):
            values = {"state": "dead", "attempts": 12, "error": error, "claimed_s": site.now_s}
            tx.execute(update(hook_delivery).where(hook_delivery.c.id == each).values(**values))
        return ids

    return await site.store.write(write)


async def serve(site: DeskSite) -> tuple[web.AppRunner, int]:
    """On a port of the machine, for browsers.  Who calls this cleans the runner up."""
    runner = web.AppRunner(site.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0).start()
    return runner, int(runner.addresses[0][1])


def arrive(site: DeskSite, found: Appointment, name: str, *, staff_id: int = 0) -> int:
    """Somebody of an appointment opens its call: staff goes in, others wait.  Returns his connection to the hub."""
    hub, now_us = site.app[keys.HUB], int(site.now_s * 1_000_000)
    if staff_id:
        who = Join(f"staff-{staff_id}", found.room, "staff", name, default_grants("staff"))
    else:
        person = next(each for each in found.people if each.name == name)
        role: Role = "citizen" if person.role == "citizen" else "third"
        grants = default_grants(role)
        who = Join(person.person, found.room, role, name, grants, person.label, wait=True)
    connection = hub.connect(now_us)
    say(site, connection, {"type": "hello", "v": 1, "token": hub.tokens.mint(who, site.now_s)})
    return connection


def say(site: DeskSite, connection: int, message: dict[str, object]) -> None:
    """A message of the protocol on somebody's connection."""
    site.app[keys.HUB].receive(connection, json.dumps(message), int(site.now_s * 1_000_000), site.now_s)
    site.app[keys.PUMP].flush()
