"""What the gateway for text messages reports: POST /sms/report, signed with the secret that it shares with us.

The contract is docs/messages.md.  A report counts once: one that comes again under the same webhook-id, by a gateway
that did not hear our answer or by somebody who kept a copy, gets the first answer and changes nothing.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from balie import signing
from balie.post import evidence
from balie.post.outcome import SAID_MAX
from balie.store.engine import Tx
from web.api import idempotency, refusals
from web.api.idempotency import Once
from web.api.refusals import RefusedError
from web.keys import ENTROPY, STORE, UNIX_TIME
from web.problems import problem

SECRET = web.AppKey("SMS_SECRET", bytes)
PLACE = "/sms/report"
BYTES_MAX = 16 << 10  # a report is some hundred bytes
ID_MAX = 200


class Report(msgspec.Struct):
    """id: as we gave it with the message; reason: of a failure, in words.  Other fields are not looked at."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    status: Literal["sent", "delivered", "failed"]
    reason: str = ""


async def report(request: web.Request) -> web.Response:
    """204: it counts.  400, 401, 404, 413, 415, 422: problem details."""
    body = await _body(request)
    now_s = int(request.app[UNIX_TIME]())
    sent_id = request.headers.get(signing.ID, "")
    # The signature first: who has no secret learns nothing of what else is wrong.
    if not signing.verify([request.app[SECRET]], request.headers, body, now_s):
        return problem(401, "signature_invalid", "found no signature of ours of the last five minutes")
    if not (0 < len(sent_id) <= ID_MAX):
        return problem(400, "id_missing", f"{signing.ID}: need 1 to {ID_MAX} characters")
    if request.content_type != "application/json":
        return problem(415, "not_json", f"found {request.content_type}, need application/json")
    try:
        found = msgspec.json.decode(body, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return problem(400, "report_invalid", str(error))
    once = Once(hashlib.sha256(f"sms report\0{sent_id}".encode("utf-8", "replace")).digest(), _digest(body))
    try:
        known = await request.app[STORE].write(_count, now_s, request.app[ENTROPY], once, found)
    except RefusedError as error:
        return refusals.response(error)
    return web.Response(status=204) if known else problem(404, "message_unknown", "no text message has this id")


def _count(tx: Tx, now_s: int, entropy: Callable[[int], bytes], once: Once, found: Report) -> int:
    """1, or 0 when there is no such message."""

    def act() -> int:
        return int(evidence.sms_report(tx, now_s, entropy, found.id, found.status, _plain(found.reason)))

    return idempotency.do(tx, now_s, once, act)


def _plain(reason: str) -> str:
    """On one line, as much as is worth keeping."""
    printable = (" " if unicodedata.category(each).startswith(("C", "Z")) else each for each in reason[: SAID_MAX * 2])
    return " ".join("".join(printable).split())[:SAID_MAX]


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BYTES_MAX:
            raise web.HTTPRequestEntityTooLarge(BYTES_MAX, len(body))
    return bytes(body)


ROUTES = (web.post(PLACE, report),)
