"""The API over HTTP, in the test's own process, for one who has a key."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient

from balie.booking.links import LinkKey
from balie.booking.slots import Calendars
from balie.hooks.keys import SCOPES, create_key
from balie.store.engine import Store
from tests.support import office
from tests.support.office import MONDAY_S, Office
from web import keys
from web.api.limit import Limit
from web.api.operation import LIMIT
from web.api.routes import ROUTES
from web.middlewares import errors, security_headers

PUBLIC_URL = "https://balie.example.be"
AT = "2026-12-08T14:30:00+01:00"
"""A time that is free when a test begins."""


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    text: str
    json: Any


@dataclass
class Api:
    """now_s: what the server's clock shows.  secret: the key that ask() shows."""

    store: Store
    office: Office
    secret: str = ""
    now_s: int = MONDAY_S
    app: web.Application = field(default_factory=lambda: web.Application(middlewares=[errors]))
    client: TestClient[Any, Any] = field(init=False)

    async def key(self, *scopes: str, organisation_id: int = 0) -> str:
        """A new key, with all scopes unless they are named."""
        entropy = self.app[keys.ENTROPY]
        organisation = organisation_id or self.office.organisation
        allowed = scopes or tuple(SCOPES)
        return await self.store.write(create_key, self.now_s, entropy, organisation, "Contactcenter", allowed)

    async def ask(
        self, method: str, path: str, body: object = None, *, secret: str | None = None, **headers: str
    ) -> Reply:
        """headers: Idempotency_Key stands for Idempotency-Key."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        shown = self.secret if secret is None else secret
        if shown:
            sent.setdefault("Authorization", f"Bearer {shown}")
        content: dict[str, Any] = (
            {"data": BytesIO(body)} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        )
        async with self.client.request(method, path, headers=sent, **content) as response:
            text = await response.text()
            kind = response.headers.get("Content-Type", "")
            parsed = await response.json(content_type=None) if "json" in kind and text else None
            return Reply(response.status, dict(response.headers), text, parsed)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: object = None, **headers: str) -> Reply:
        return await self.ask("POST", path, body, **headers)

    async def book(self, **changed: object) -> Any:
        """What was booked."""
        reply = await self.post("/api/v1/appointments", booking(**changed))
        assert reply.status == 201, reply.text
        return reply.json


def booking(**changed: object) -> dict[str, object]:
    """Badminton on Tuesday at half past two, for An Peeters."""
    return {
        "citizen": {"name": "An Peeters", "mail": "an@post.example"},
        "service": "vrije-tijd",
        "products": ["badminton"],
        "start": AT,
        "channel": "phone",
        **changed,
    }


async def build(store: Store) -> Api:
    """Not served yet: the caller makes the client."""
    api = Api(store, await store.write(office.found))
    app = api.app
    app.on_response_prepare.append(security_headers)
    app[keys.STORE], app[keys.CALENDARS], app[keys.LINK_KEY] = store, Calendars(), LinkKey(b"l" * 32)
    app[keys.ENTROPY] = random.Random(1).randbytes
    app[keys.UNIX_TIME] = lambda: api.now_s
    app[keys.SITE] = keys.Site("Gemeente Voorbeeldegem", "+32 2 555 01 23", PUBLIC_URL)
    app[LIMIT] = Limit()
    app.add_routes(ROUTES)
    api.secret = await api.key()
    return api
