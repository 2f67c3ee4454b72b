"""A reservation system behind HTTP: signed JSON, as docs/reservations.md tells vendors.

Requests are signed as our events are (Standard Webhooks), GET over its path and query.  What comes back is checked
against the contract, never trusted: too large, too late or of another shape is Nonsense or Down.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

from balie import signing
from balie.exchange import NoAnswerError, TooLargeError, exchange
from balie.reservations.backend import ID_MAX, NAME_MAX, Confirmed, Details, FreeTime, Held, Resource, State
from balie.reservations.errors import Down, Nonsense, Refused, Taken

ANSWER_MAX = 1_000_000  # bytes: a hall with ten courts has some hundred free hours a week
LIST_MAX = 5_000
TRY_LATER = (408, 425, 429)

ONE_LINE = r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_MAX, pattern=ONE_LINE)]
Name = Annotated[str, msgspec.Meta(max_length=NAME_MAX, pattern=ONE_LINE)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**35)]  # the year 3058: calendars end in 9999
Cents = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]

Shape = TypeVar("Shape")


class _Resource(msgspec.Struct, frozen=True):
    id: Id
    name: Name
    kind: Id


class _FreeTime(msgspec.Struct, frozen=True):
    resource: Id
    resource_name: Name
    from_s: Moment
    until_s: Moment
    price_cents: Cents


class _Resources(msgspec.Struct, frozen=True):
    resources: Annotated[list[_Resource], msgspec.Meta(max_length=LIST_MAX)]


class _FreeTimes(msgspec.Struct, frozen=True):
    free: Annotated[list[_FreeTime], msgspec.Meta(max_length=LIST_MAX)]


class _Held(msgspec.Struct, frozen=True):
    ref: Id
    hold_until_s: Moment
    price_cents: Cents


class _Confirmed(msgspec.Struct, frozen=True):
    ref: Id


class _Details(msgspec.Struct, frozen=True):
    ref: Id
    state: State
    resource: Id
    from_s: Moment
    until_s: Moment
    holder_name: Name = ""


@dataclass(frozen=True)
class Site:
    """One system.  url: everything is under it.  secret: signs what we ask; it gave it to us, or we to it."""

    name: str
    url: str
    secret: bytes = field(repr=False)
    timeout_s: float = 10


class HttpBackend:
    """A Backend.  Use in an `async with`: its connections last until it ends.

    clock  Unix time in seconds, for signatures
    """

    def __init__(self, site: Site, clock: Callable[[], float]) -> None:
        self._site, self._clock = site, clock

    @property
    def name(self) -> str:
        return self._site.name

    async def __aenter__(self) -> HttpBackend:
        self._session = ClientSession(
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=self._site.timeout_s),
            headers={"User-Agent": "balie", "Accept": "application/json"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def resources(self, kind: str) -> list[Resource]:
        found = await self._ask("GET", "/resources", _Resources, query={"kind": kind})
        return [Resource(each.id, each.name, each.kind) for each in found.resources]

    async def free(self, kind: str, from_s: int, until_s: int) -> list[FreeTime]:
        query = {"kind": kind, "from_s": str(from_s), "until_s": str(until_s)}
        found = await self._ask("GET", "/free", _FreeTimes, query=query)
        times = [
            FreeTime(each.resource, each.resource_name, each.from_s, each.until_s, each.price_cents)
            for each in found.free
            if from_s <= each.from_s < each.until_s and each.from_s < until_s
        ]
        return sorted(times, key=lambda each: (each.from_s, each.resource_name, each.resource))

    async def hold(self, key: str, resource: str, from_s: int, until_s: int, ttl_s: int) -> Held:
        body = {"resource": resource, "from_s": from_s, "until_s": until_s, "ttl_s": ttl_s}
        held = await self._ask("POST", "/holds", _Held, key=f"{key}-hold", body=body)
        return Held(held.ref, held.hold_until_s, held.price_cents)

    async def confirm(self, key: str, external_ref: str, holder_name: str) -> Confirmed:
        path = f"/holds/{quote(external_ref, safe='')}/confirm"
        said = await self._ask("POST", path, _Confirmed, key=f"{key}-confirm", body={"holder_name": holder_name})
        return Confirmed(said.ref)

    async def release(self, key: str, external_ref: str) -> None:
        path = f"/holds/{quote(external_ref, safe='')}/release"
        try:
            await self._ask("POST", path, msgspec.Raw, key=f"{key}-release", body={})
        except (Taken, Refused):
            return  # gone already, which is what was wanted

    async def details(self, external_ref: str) -> Details:
        found = await self._ask("GET", f"/holds/{quote(external_ref, safe='')}", _Details)
        return Details(found.ref, found.state, found.resource, found.from_s, found.until_s, found.holder_name)

    async def _ask(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        *,
        key: str = "",
        query: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
    ) -> Shape:
        if query:
            path = f"{path}?{urlencode(query)}"
        content = b"" if body is None else msgspec.json.encode(body)
        signed = content if body is not None else path.encode()
        headers = signing.sign(self._site.secret, key or str(uuid.uuid4()), int(self._clock()), signed)
        if key:
            headers["Idempotency-Key"] = key
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, answer = await self._send(method, path, content, headers)
        _check(status)
        try:
            return msgspec.json.decode(answer, type=shape)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Nonsense(f"{method} {path.partition('?')[0]}: {error}") from None

    async def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        url = self._site.url.rstrip("/") + path
        try:
            return await exchange(self._session, method, url, ANSWER_MAX, headers=headers, data=content or None)
        except TooLargeError as error:
            raise Nonsense(str(error)) from None
        except NoAnswerError as error:
            raise Down(str(error)) from None


def _check(status: int) -> None:
    """409: somebody else has it.  410: the hold is over.  Other 4xx: asking again is pointless; all else: try again."""
    if status in (409, 410):
        raise Taken(str(status))
    if 400 <= status <= 499 and status not in TRY_LATER:
        raise Refused(str(status))
    if not 200 <= status <= 299:
        raise Down(str(status))
