"""The desk and the citizens' pages in one, with a reservation system and a payment provider in the same process."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from balie.acts.rules import NoNumbers, Rules
from balie.acts.service import Acts, Systems
from balie.booking import reading
from balie.booking.appointments import Booked
from balie.booking.people import Person
from balie.payments import errors as paying
from balie.payments.provider import Created, Method, RefundStatus, Status
from balie.reservations import errors as reserving
from balie.reservations.backend import Confirmed, Details, FreeTime, Held, Resource
from balie.store.engine import Store
from tests.support import together
from tests.support.desk import LIES, TUESDAY_1030, Clerk, DeskSite, build_desk
from tests.support.office import unix_s
from web import keys
from web.api.limit import Limit
from web.api.operation import LIMIT
from web.routes import ROUTES
from web.samen.seat import NEWS

CHECKOUT = "https://betaal.example/checkout"


@dataclass
class Hall:
    """Two courts, from two to four on Thursday.  broken: what it does instead of answering."""

    name: str = "sporthal"
    kept: dict[str, tuple[str, int]] = field(default_factory=dict)
    confirmed: dict[str, str] = field(default_factory=dict)
    broken: reserving.BackendError | None = None

    async def resources(self, kind: str) -> list[Resource]:
        return [Resource(each, f"Terrein {each}", kind or "badminton") for each in ("1", "2")]

    async def free(self, kind: str, from_s: int, until_s: int) -> list[FreeTime]:
        self._answer()
        times = [(begin, begin + 3600) for begin in (together.FROM_S, together.UNTIL_S)]
        return [
            FreeTime(each.id, each.name, begin, end, 900)
            for begin, end in times
            for each in await self.resources(kind)
            if from_s <= begin < until_s and (each.id, begin) not in self.kept.values()
        ]

    async def hold(self, key: str, resource: str, from_s: int, until_s: int, ttl_s: int) -> Held:
        self._answer()
        if (resource, from_s) in [each for known, each in self.kept.items() if known != key]:
            raise reserving.Taken
        self.kept[key] = (resource, from_s)
        return Held(key, unix_s(TUESDAY_1030) + ttl_s, 900)

    async def confirm(self, key: str, external_ref: str, holder_name: str) -> Confirmed:
        self._answer()
        self.confirmed[external_ref] = holder_name
        return Confirmed(external_ref)

    async def release(self, key: str, external_ref: str) -> None:
        self._answer()
        self.kept.pop(external_ref, None)

    async def details(self, external_ref: str) -> Details:
        resource, from_s = self.kept[external_ref]
        return Details(external_ref, "held", resource, from_s, from_s + 3600)

    def _answer(self) -> None:
        if self.broken is not None:
            raise self.broken


@dataclass
class Till:
    """Takes payments that a test ends.  states: by external id."""

    name: str = "kassa"
    states: dict[str, str] = field(default_factory=dict)
    broken: paying.ProviderError | None = None

    async def create(
        self, key: str, amount_cents: int, description: str, return_url: str, webhook_url: str, locale: str
    ) -> Created:
        if self.broken is not None:
            raise self.broken
        self.states[f"tr_{key[:20]}"] = "open"
        return Created(f"tr_{key[:20]}", f"{CHECKOUT}/{key[:20]}", None)

    async def fetch(self, external_id: str) -> Status:
        state = self.states[external_id]
        paid_s = unix_s(TUESDAY_1030) + 300 if state == "paid" else None
        return Status(state, "bancontact", 900, paid_s=paid_s)  # type: ignore[arg-type]

    async def refund(self, key: str, external_id: str, amount_cents: int, description: str) -> RefundStatus:
        return RefundStatus(f"re_{key[:20]}", "done", amount_cents)

    async def methods(self, amount_cents: int, locale: str) -> list[Method]:
        return []


@dataclass
class Citizen:
    """Somebody with a personal link, and what she sends as her page does."""

    client: TestClient[Any, Any]
    token: str

    @property
    def path(self) -> str:
        return f"/a/{self.token}/samen"

    async def panel(self, status: int = 200) -> str:
        answer = await self.client.get(f"{self.path}/deel", headers={"Accept": "text/html"})
        text = await answer.text()
        assert answer.status == status, text[:1000]
        return text

    async def get(self, way: str) -> ClientResponse:
        return await self.client.get(self.path + way, headers={"Accept": "text/html"}, allow_redirects=False)

    async def send(self, way: str, **form: str) -> ClientResponse:
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        return await self.client.post(
            self.path + way, data={"deel": "1", **form}, headers=headers, allow_redirects=False
        )


@dataclass
class Together:
    """An, her daughter Lies and Bart in a call about badminton, on Tuesday at half past ten."""

    desk: DeskSite
    booked: Booked
    hall: Hall
    till: Till
    an: Citizen
    lies: Citizen
    bart: Clerk

    @property
    def place(self) -> str:
        return f"/balie/gesprek/{self.booked.ref}/samen"

    @property
    def acts(self) -> Acts:
        return self.desk.app[keys.ACTS]

    async def open(self, kind: str, **form: str) -> str:
        """Bart opens a step; its id."""
        page = await self.bart.send(f"{self.place}/stap", 200, soort=kind, **form)
        return page.rpartition('data-key="step-')[2].partition('"')[0]


def _path(pattern: str) -> str:
    """As a router names it: without the shapes of its variables."""
    return re.sub(r":[^/]*?\}(?=/|$)", "}", pattern)


async def come_together(
    store: Store,
    client: Callable[..., Awaitable[TestClient[Any, Any]]],
    equip: Callable[[DeskSite], object] = lambda _desk: None,
    helper: Person = LIES,
) -> Together:
    """client: makes one of an application, with cookies of its own.  equip: puts more into it before that."""
    desk = await build_desk(store)
    await store.write(together.offer, desk.office.badminton)
    there = {each.resource.canonical for each in desk.app.router.routes() if each.resource is not None}
    desk.app.add_routes([each for each in ROUTES if isinstance(each, web.RouteDef) and _path(each.path) not in there])
    desk.app[LIMIT] = Limit()
    hall, till = Hall(), Till()

    async def changed(appointment_id: int) -> None:
        found = await store.read(reading.by_id, appointment_id)
        desk.app[keys.HUB].tell(found.room, NEWS)
        desk.app[keys.PUMP].flush()

    systems = Systems({hall.name: hall}, {till.name: till}, till.name)
    entropy, clock = desk.entropy.randbytes, desk.clock
    desk.app[keys.ACTS] = Acts(store, systems, Rules(NoNumbers()), entropy, clock, "http://localhost", changed)
    equip(desk)
    booked = await desk.book(helpers=(helper,))
    desk.clock.now_s = unix_s(TUESDAY_1030) + 60
    an, lies = [Citizen(await client(desk.app), token) for token in booked.links.values()]
    bart = Clerk(await client(desk.app))
    await bart.sign_in("bart")
    return Together(desk, booked, hall, till, an, lies, bart)


@asynccontextmanager
async def served_together(
    store: Store, equip: Callable[[DeskSite], object] = lambda _desk: None, helper: Person = LIES
) -> AsyncIterator[Together]:
    """come_together() on one server, with a browser for each."""
    servers: list[TestServer] = []
    clients: list[TestClient[Any, Any]] = []

    async def client(app: web.Application) -> TestClient[Any, Any]:
        if not servers:
            servers.append(TestServer(app))
        clients.append(TestClient(servers[0]))
        await clients[-1].start_server()
        return clients[-1]

    yield await come_together(store, client, equip, helper)
    for each in clients:
        await each.close()
