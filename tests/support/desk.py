"""The desk of a small municipality for tests: its pages on a real database, a clock to turn, people who can sign in."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher
from sqlalchemy import insert, select, update

from balie.booking import appointments
from balie.booking.appointments import Booked, Booking
from balie.booking.links import LinkKey
from balie.booking.people import Person
from balie.booking.slots import Calendars, Wish
from balie.post import tasks
from balie.staff import accounts
from balie.staff.limiter import Limiter
from balie.staff.passwords import Passwords
from balie.store.engine import Store, Tx
from balie.store.schema import inbound_message, message, message_event
from signalling.hub import Hub
from signalling.tokens import Key, Tokens
from tests.support import office
from tests.support.office import MONDAY_S, Office, unix_s
from tests.support.site import Clock
from web import keys, language
from web.desk.gate import Gate
from web.desk.keys import GATE
from web.desk.routes import ROUTES
from web.middlewares import errors, security_headers
from web.render import STATIC, environment

PASSWORD = "vier natte paraplu's"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PHONE = "+32 2 555 01 23"
AN = Person("An Peeters", mail="an.peeters@voorbeeld.example", phone="0470 12 34 56")
LIES = Person("Lies De Smet", role="family", mail="lies@voorbeeld.example", label="dochter")
TUESDAY_1030 = "2026-12-08T10:30"


class TokensOnly:
    """What a page wants of the hub: who may enter a call."""

    def __init__(self) -> None:
        self.tokens = Tokens("balie", (Key("test", b"k" * 32),))


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


async def build_desk(store: Store, public_url: str = "http://localhost") -> DeskSite:
    """Nothing listens yet.  Everybody's password is PASSWORD."""
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
    app[keys.SITE] = keys.Site("Gemeente Voorbeeldegem", PHONE, public_url)
    app[keys.PAGES] = environment()
    app[keys.HUB] = cast(Hub, TokensOnly())
    app[GATE] = Gate(Limiter(), passwords)
    app.add_routes((*ROUTES, web.get("/ws", _nothing, name="ws"), web.static("/static", STATIC)))
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
        tasks.ask(tx, site.now_s, row, reason)
        return tasks.listed(tx)[-1].id

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
        return int(key[0])

    return await site.store.write(write)


async def serve(site: DeskSite) -> tuple[web.AppRunner, int]:
    """On a port of the machine, for browsers.  Who calls this cleans the runner up."""
    runner = web.AppRunner(site.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0).start()
    return runner, int(runner.addresses[0][1])
