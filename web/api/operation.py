"""One row of the API's table: everything that is the same for all requests happens here, before and after a handler.

A handler gets a Call, with the request read into its types, and returns an Answer.  What it refuses it raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web

from balie.booking.errors import BookingError, SlotTaken
from balie.hooks.keys import USED_EVERY_S, ApiKey, find_key, note_use
from balie.i18n import speaking
from web.api import asking, refusals
from web.api.limit import Limit
from web.api.refusals import RefusedError, refused
from web.api.shapes import slots
from web.api.types import Asked, NoQuery
from web.keys import STORE, UNIX_TIME

LIMIT = web.AppKey("LIMIT", Limit)
_REALM = 'Bearer realm="balie"'

Query = TypeVar("Query", bound=Asked)
Body = TypeVar("Body", bound=Asked)


@dataclass(frozen=True)
class Call(Generic[Query, Body]):
    """A request that may be answered.  body: what it says, or nothing."""

    request: web.Request
    key: ApiKey
    now_s: int
    query: Query
    body: Body


@dataclass(frozen=True)
class Answer:
    value: msgspec.Struct | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """name: operationId.  scope: what the key needs.  refusals: statuses beside those that any request may get."""

    method: str
    path: str
    name: str
    scope: str
    summary: str
    handler: Callable[[Call[Any, Any]], Awaitable[Answer]]
    answers: type[msgspec.Struct] | None
    status: int = 200
    query: type[Asked] = NoQuery
    body: type[Asked] | None = None
    refusals: tuple[int, ...] = ()
    once: bool = False

    async def __call__(self, request: web.Request) -> web.Response:
        language = asking.language(request)
        headers = {"Content-Language": language, "Vary": "Accept-Language, Authorization"}
        with speaking(language):
            try:
                answer = await self._answer(request)
            except RefusedError as error:
                response = refusals.response(error)
            except BookingError as error:
                response = refusals.response(await _worded(request, error))
            else:
                content = b"" if answer.value is None else msgspec.json.encode(answer.value)
                kind = "application/json" if content else None
                headers.update(answer.headers)
                response = web.Response(status=self.status, body=content, content_type=kind)
        response.headers.update(headers)
        return response

    async def _answer(self, request: web.Request) -> Answer:
        now_s = int(request.app[UNIX_TIME]())
        key = await _admit(request, now_s, self.scope)
        query = asking.query(request, self.query)
        body = await asking.body(request, self.body or Asked)
        return await self.handler(Call(request, key, now_s, query, body))


async def _admit(request: web.Request, now_s: int, scope: str) -> ApiKey:
    """The key of a request (RFC 6750), if it may ask for this now."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise refused(
            401, "key_missing", "need Authorization: Bearer KEY", {"WWW-Authenticate": 'Bearer realm="balie"'}
        )
    store = request.app[STORE]
    key = await store.read(find_key, secret.strip())
    if key is None:
        challenge = f'{_REALM}, error="invalid_token"'
        raise refused(401, "key_unknown", "this key does not exist, or was revoked", {"WWW-Authenticate": challenge})
    wait_s = request.app[LIMIT].wait_s(key.id, request.app[UNIX_TIME]())
    if wait_s:
        raise refused(429, "too_many", f"try again in {wait_s} s", {"Retry-After": str(wait_s)})
    if scope not in key.scopes:
        challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
        detail = f"found {', '.join(sorted(key.scopes))}; need {scope}"
        raise refused(403, "scope_missing", detail, {"WWW-Authenticate": challenge})
    if key.used_s is None or key.used_s <= now_s - USED_EVERY_S:
        await store.write(note_use, now_s, key.id)
    return key


async def _worded(request: web.Request, error: BookingError) -> RefusedError:
    free = []
    if isinstance(error, SlotTaken) and error.next_free:
        free = await request.app[STORE].read(slots, error.next_free)
    return refusals.of_booking(error, free)
