"""A booking, made once however often its button is pressed.

The secret of the draft is the key, or else that of the held time: whoever comes with it a second time gets the
appointment that the first made.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from sqlalchemy import delete, insert, select

from balie.booking import appointments, drafts, links
from balie.booking.appointments import Booking
from balie.booking.errors import NotFound
from balie.store.engine import Tx
from balie.store.schema import idempotency
from web.citizen.office import Office

KEPT_S = 86_400  # nobody presses a button a day later


async def book_once(here: Office, asked: Booking, secret: str, draft: str = "") -> str:
    """The token of the citizen's link.  Raises as appointments.book().

    asked   with wish and start: a hold that is over is no reason to refuse a time that is still free
    secret  of the hold
    draft   the secret of the draft that it comes from, which is then forgotten
    """
    if secret:
        try:
            return await here.write(_book, here, replace(asked, held=secret), draft or secret, draft)
        except NotFound as error:
            if error.what != "hold":
                raise
    return await here.write(_book, here, asked, draft or secret, draft)


def made(tx: Tx, here: Office, secret: str) -> str:
    """The token of what was made with this secret before; "" for nothing, or what does not stand any more."""
    found = tx.scalar(select(idempotency.c.body).where(idempotency.c.key_hash == _key(secret)))
    return (links.current(tx, here.link_key, int(found)) or "") if found else ""


def _book(tx: Tx, here: Office, asked: Booking, secret: str, draft: str) -> str:
    if secret and (before := made(tx, here, secret)):
        return before
    booked = appointments.book(tx, here.now_s, here.entropy, here.link_key, asked)
    participant_id, token = next(iter(booked.links.items()))
    if secret:
        tx.execute(delete(idempotency).where(idempotency.c.created_s <= here.now_s - KEPT_S))
        key = _key(secret)
        row = {"key_hash": key, "request_hash": key, "status": 303, "body": str(participant_id)}
        tx.execute(insert(idempotency).values(**row, created_s=here.now_s))
    if draft:
        drafts.forget(tx, draft)
    return token


def _key(secret: str) -> bytes:
    return hashlib.sha256(b"citizen's booking\0" + secret.encode("utf-8", "replace")).digest()
