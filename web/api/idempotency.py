"""Requests that may be sent twice: Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

Who does not hear our answer asks again under the same key, and gets the answer to the first request.  What is kept is
which row came of it, not the answer, which holds names and links; it is put together again from the row.  Only what
was done is remembered: what was refused may be tried again under the same key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import delete, select, update

from balie.hooks.keys import ApiKey
from balie.store.engine import Tx
from balie.store.schema import idempotency
from balie.store.upsert import insert_into
from web.api.refusals import refused

HEADER = "Idempotency-Key"
KEPT_S = 86_400
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')  # a string of structured fields; the quotes are often forgotten


@dataclass(frozen=True)
class Once:
    """What makes a request the same as another; none: no key was given."""

    key_hash: bytes = b""
    request_hash: bytes = b""


async def read(request: web.Request, key: ApiKey) -> Once:
    """The key of a request, of whoever asks: others may choose the same."""
    value = request.headers.get(HEADER)
    if value is None:
        return Once()
    found = _KEY.fullmatch(value)
    if found is None:
        raise refused(400, "idempotency_key_invalid", f"{HEADER}: need 1 to 255 visible ASCII characters")
    asked = f"{request.method} {request.path}\n".encode() + await request.read()
    return Once(hashlib.sha256(f"{key.id}\n{found[1]}".encode()).digest(), hashlib.sha256(asked).digest())


def do(tx: Tx, now_s: int, once: Once, act: Callable[[], int]) -> int:
    """Act, or find what came of it the first time: the id of a row.

    The key is claimed before anything else, so that the same request at the same moment waits for this one.
    """
    if not once.key_hash:
        return act()
    tx.execute(delete(idempotency).where(idempotency.c.created_s <= now_s - KEPT_S))
    row = {"key_hash": once.key_hash, "request_hash": once.request_hash, "status": 0, "body": "", "created_s": now_s}
    mine = idempotency.c.key_hash == once.key_hash
    claim = (
        insert_into(idempotency, tx.dialect.name)
        .values(**row)
        .on_conflict_do_nothing()
        .returning(idempotency.c.key_hash)
    )
    if tx.execute(claim).first() is None:  # rowcount of an INSERT is not every driver's to give
        before = tx.execute(select(idempotency).where(mine)).one()
        if before.request_hash != once.request_hash:
            detail = "another request was made under this key; choose a new one"
            raise refused(422, "idempotency_key_reused", detail)
        return int(before.body)
    made = act()
    tx.execute(update(idempotency).where(mine).values(status=200, body=str(made)))
    return made
