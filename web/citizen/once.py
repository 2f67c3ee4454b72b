"""A booking, made once however often its button is pressed.

The secret of the held time is the key: whoever comes with it a second time gets the appointment that the first made.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from sqlalchemy import delete, insert, select

from balie.booking import appointments, links
from balie.booking.appointments import Booking
from balie.booking.errors import NotFound
from balie.store.engine import Tx
from balie.store.schema import idempotency
from web.citizen.office import Office

KEPT_S = 86_400  # nobody presses a button a day later


async def book_once(here: Office, asked: Booking, secret: str) -> str:
    """The token of the citizen's link.  Raises as appointments.book().

    asked  with wish and start: a hold that is over is no reason to refuse a time that is still free
    """
    if secret:
        try:
            return await here.write(_book, here, replace(asked, held=secret), secret)
        except NotFound as error:
            if error.what != "hold":
                raise
    return await here.write(_book, here, asked, secret)


def _book(tx: Tx, here: Office, asked: Booking, secret: str) -> str:
    key = hashlib.sha256(b"citizen's booking\0" + secret.encode("utf-8", "replace")).digest()
    if secret and (made := _made(tx, here, key)):
        return made
    booked = appointments.book(tx, here.now_s, here.entropy, here.link_key, asked)
    participant_id, token = next(iter(booked.links.items()))
    if secret:
        tx.execute(delete(idempotency).where(idempotency.c.created_s <= here.now_s - KEPT_S))
        row = {"key_hash": key, "request_hash": key, "status": 303, "body": str(participant_id)}
        tx.execute(insert(idempotency).values(**row, created_s=here.now_s))
    return token


def _made(tx: Tx, here: Office, key: bytes) -> str:
    """The token of what this button made before, "" when it is the first time."""
    found = tx.scalar(select(idempotency.c.body).where(idempotency.c.key_hash == key))
    return (links.current(tx, here.link_key, int(found)) or "") if found else ""
