"""Personal links (decision D5): an opaque token that stands for one person at one appointment.

The database holds a token's SHA-256 and a seed; with the key of the configuration the seed gives the token again, so
that a reminder can name the link that the confirmation named.  Who has only the database, or only the key, cannot
enter.  Looking never changes anything: mail scanners open links too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, insert, select, update

from balie.store.engine import Tx
from balie.store.schema import appointment, join_link, participant

SEED_BYTES = TOKEN_BYTES = 20  # 160 bits: more than the 128 that make guessing hopeless, 27 characters in a letter
TOKEN_MAX = 64  # characters that are worth hashing
BEFORE_S, AFTER_S = 30 * 60, 60 * 60
"""The door is open from half an hour before the beginning until an hour after the end."""

_CURRENT = (
    select(join_link.c.seed, join_link.c.token_hash)
    .where(join_link.c.participant_id == bindparam("participant_id"), join_link.c.revoked_s.is_(None))
    .order_by(join_link.c.id.desc())
)

DEAD = ("expired", "rescheduled", "cancelled_citizen", "cancelled_office", "anonymised")


@dataclass(frozen=True)
class LinkKey:
    """The secret of [links], at least 32 bytes."""

    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Found:
    """What a token stands for at a moment.

    state       of the door: open, early, over; unknown for a token that never was or is withdrawn
    opens_in_s  more than 0 only for early
    """

    state: Literal["open", "early", "over", "unknown"]
    appointment_id: int = 0
    participant_id: int = 0
    opens_in_s: int = 0
    closes_s: int = 0


def create(
    tx: Tx, now_s: int, entropy: Callable[[int], bytes], key: LinkKey, participant_id: int, start_s: int, end_s: int
) -> str:
    """A link for a participant of an appointment at this time; returns its token."""
    seed = entropy(SEED_BYTES)
    token = _token(key, seed)
    row = {
        "participant_id": participant_id,
        "seed": seed,
        "token_hash": hashed(token),
        "valid_from_s": start_s - BEFORE_S,
        "valid_until_s": end_s + AFTER_S,
        "created_s": now_s,
    }
    tx.execute(insert(join_link), row)
    return token


def current(tx: Tx, key: LinkKey, participant_id: int) -> str | None:
    """The token of a participant's link, for a message to him; None when there is none, or another key made it."""
    for row in tx.execute(_CURRENT, {"participant_id": participant_id}):
        token = _token(key, row.seed)
        if hmac.compare_digest(hashed(token), row.token_hash):
            return token
    return None


def find(tx: Tx, token: str, now_s: int) -> Found:
    """What a token opens now.  Any text may be asked for; a strange one is unknown."""
    if not 0 < len(token) <= TOKEN_MAX:
        return Found("unknown")
    row = _row(tx, token)
    if row is None or row.revoked_s is not None or row.removed_s is not None or row.status in DEAD:
        return Found("unknown")
    state: Literal["open", "early", "over"] = "open"
    if now_s >= row.valid_until_s:
        state = "over"
    elif now_s < row.valid_from_s:
        state = "early"
    opens_in_s = max(0, row.valid_from_s - now_s)
    return Found(state, row.appointment_id, row.participant_id, opens_in_s, row.valid_until_s)


def replaced_by(tx: Tx, token: str) -> int | None:
    """The appointment that a token was for and that took another turn (moved, cancelled); None for an unknown token.

    For a page that says what happened; such a token opens nothing any more.
    """
    row = _row(tx, token) if 0 < len(token) <= TOKEN_MAX else None
    return row.appointment_id if row is not None else None


def exchanged(tx: Tx, now_s: int, participant_id: int) -> None:
    """Somebody went through the door."""
    tx.execute(
        update(join_link)
        .where(join_link.c.participant_id == participant_id, join_link.c.exchanged_s.is_(None))
        .values(exchanged_s=now_s)
    )


def revoke(tx: Tx, now_s: int, *, appointment_id: int | None = None, participant_id: int | None = None) -> None:
    """Withdraw the links of an appointment, or of one participant."""
    which: ColumnElement[bool] = join_link.c.participant_id == participant_id
    if appointment_id is not None:
        ids = select(participant.c.id).where(participant.c.appointment_id == appointment_id)
        which = join_link.c.participant_id.in_(ids)
    tx.execute(update(join_link).where(which, join_link.c.revoked_s.is_(None)).values(revoked_s=now_s))


def forget_over(tx: Tx, now_s: int) -> int:
    """Delete links whose time is over (S44).  Returns how many."""
    return tx.execute(delete(join_link).where(join_link.c.valid_until_s <= now_s)).rowcount


def _row(tx: Tx, token: str) -> Row[Any] | None:
    query: Select[Any] = (
        select(
            join_link.c.participant_id,
            join_link.c.valid_from_s,
            join_link.c.valid_until_s,
            join_link.c.revoked_s,
            participant.c.appointment_id,
            participant.c.removed_s,
            appointment.c.status,
        )
        .join(participant, participant.c.id == join_link.c.participant_id)
        .join(appointment, appointment.c.id == participant.c.appointment_id)
        .where(join_link.c.token_hash == hashed(token))
    )
    return tx.execute(query).first()


def _token(key: LinkKey, seed: bytes) -> str:
    return derived(key, seed, b"balie link\0")


def derived(key: LinkKey, seed: bytes, purpose: bytes) -> str:
    """The token that a seed stands for, another one for each purpose."""
    made = hmac.digest(key.secret, purpose + seed, hashlib.sha256)[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def hashed(token: str) -> bytes:
    """What is kept of a token."""
    # A lookup by the hash of a 160-bit secret leaks nothing by its timing: no salt, no compare_digest needed.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
