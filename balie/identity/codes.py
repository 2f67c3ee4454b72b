"""Codes that begin an identification on another device: the citizen shows one as a QR code, and it is good once.

Of a code only the hash is kept.  Looking at its page changes nothing: mail scanners and cameras open links too.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, update

from balie.booking.links import TOKEN_BYTES, TOKEN_MAX, hashed
from balie.identity.errors import IdentityError
from balie.identity.records import GONE, OPEN
from balie.store.engine import Tx
from balie.store.schema import appointment, identification, participant

LASTS_S = 600


@dataclass(frozen=True)
class Begins:
    """What a code begins.  locale: of the citizen; room: of the call."""

    identification_id: int
    appointment_id: int
    locale: str
    room: str


def give(tx: Tx, now_s: int, entropy: Callable[[int], bytes], identification_id: int) -> str:
    """A code for a request that is open; one that was given before is worth nothing any more.  IdentityError."""
    code = base64.urlsafe_b64encode(entropy(TOKEN_BYTES)).decode().rstrip("=")
    here = (identification.c.id == identification_id) & identification.c.state.in_(OPEN)
    values = {"start_hash": hashed(code), "start_until_s": now_s + LASTS_S}
    if not tx.execute(update(identification).where(here).values(**values)).rowcount:
        raise IdentityError("request_over")
    return code


def find(tx: Tx, now_s: int, code: str) -> Begins | None:
    """What a code begins now; any text may be asked for."""
    if not 0 < len(code) <= TOKEN_MAX:
        return None
    row = tx.execute(
        select(identification.c.id, identification.c.appointment_id, participant.c.locale, appointment.c.room)
        .join(participant, participant.c.id == identification.c.participant_id)
        .join(appointment, appointment.c.id == identification.c.appointment_id)
        .where(
            identification.c.start_hash == hashed(code),
            identification.c.start_until_s > now_s,
            identification.c.expires_s > now_s,
            identification.c.state.in_(OPEN),
            participant.c.removed_s.is_(None),
            appointment.c.status.not_in(GONE),
        )
    ).first()
    return Begins(*row) if row is not None else None


def use(tx: Tx, now_s: int, code: str) -> Begins:
    """Begin with it, once.  IdentityError request_over."""
    found = find(tx, now_s, code)
    here = identification.c.start_hash == hashed(code)
    if found is None or not tx.execute(update(identification).where(here).values(start_hash=None)).rowcount:
        raise IdentityError("request_over")
    return found
