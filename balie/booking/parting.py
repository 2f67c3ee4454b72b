"""The link of the goodbye, /b/<token>: what was agreed, and the question what somebody thinks of it.

It lives on when the links of the appointment die at the end of the conversation, and opens nothing else.  Made as those
are (balie.booking.links): a hash and a seed are kept.  A person has one, from his first steps through the door on.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, update

from balie.booking.links import SEED_BYTES, TOKEN_MAX, LinkKey, derived, hashed
from balie.store.engine import Tx
from balie.store.schema import appointment, participant, survey_invitation

PURPOSE = b"balie goodbye\0"
AFTER_S = 14 * 86_400
"""So long after the end one may still say something."""

ANSWERABLE = ("offered", "started", "mailed")


@dataclass(frozen=True)
class Parting:
    """Somebody at the end of a visit.  state: of his invitation (store.schema.INVITATION_STATES)."""

    id: int
    appointment_id: int
    participant_id: int
    state: str
    shown: bool
    ended: bool

    @property
    def asks(self) -> bool:
        """He may still answer."""
        return self.state in ANSWERABLE


def offer(tx: Tx, now_s: int, entropy: Callable[[int], bytes], key: LinkKey, participant_id: int) -> str:
    """The token of somebody who comes in, the same each time."""
    known = current(tx, key, participant_id)
    if known is not None:
        return known
    about = select(appointment.c.id, appointment.c.end_s).join(participant).where(participant.c.id == participant_id)
    row = tx.execute(about).one()
    # Another key made the link that he had, or there was none.
    tx.execute(survey_invitation.delete().where(survey_invitation.c.participant_id == participant_id))
    seed = entropy(SEED_BYTES)
    token = derived(key, seed, PURPOSE)
    values = {
        "appointment_id": row.id,
        "participant_id": participant_id,
        "seed": seed,
        "token_hash": hashed(token),
        "valid_until_s": row.end_s + AFTER_S,
        "created_s": now_s,
    }
    tx.execute(survey_invitation.insert().values(**values))
    return token


def current(tx: Tx, key: LinkKey, participant_id: int) -> str | None:
    """Of a person, for a message to him; None when he has none."""
    columns = survey_invitation.c.seed, survey_invitation.c.token_hash
    row = tx.execute(select(*columns).where(survey_invitation.c.participant_id == participant_id)).first()
    if row is None:
        return None
    token = derived(key, row.seed, PURPOSE)
    return token if hmac.compare_digest(hashed(token), row.token_hash) else None


def find(tx: Tx, token: str, now_s: int) -> Parting | None:
    """Whose goodbye it is; None for a token that never was or is over.  Any text may be asked for."""
    if not 0 < len(token) <= TOKEN_MAX:
        return None
    query = (
        select(survey_invitation, appointment.c.ended_s)
        .join(appointment, appointment.c.id == survey_invitation.c.appointment_id)
        .join(participant, participant.c.id == survey_invitation.c.participant_id)
        .where(survey_invitation.c.token_hash == hashed(token), survey_invitation.c.valid_until_s > now_s)
        .where(participant.c.removed_s.is_(None), appointment.c.status != "anonymised")
    )
    row = tx.execute(query).first()
    if row is None:
        return None
    ended = row.ended_s is not None
    return Parting(row.id, row.appointment_id, row.participant_id, row.state, row.shown_s is not None, ended)


def asks_by_mail(tx: Tx, participant_id: int) -> bool:
    """Whether a mail should ask him: nothing did so far."""
    row = tx.execute(select(survey_invitation).where(survey_invitation.c.participant_id == participant_id)).first()
    return row is not None and row.state == "offered" and row.shown_s is None


def mailed(tx: Tx, participant_id: int) -> None:
    """A mail asked him."""
    unasked = (survey_invitation.c.participant_id == participant_id) & (survey_invitation.c.state == "offered")
    unasked &= survey_invitation.c.shown_s.is_(None)
    tx.execute(update(survey_invitation).where(unasked).values(state="mailed"))


def forget_over(tx: Tx, now_s: int) -> int:
    """Delete what is long over, and with it that somebody answered.  Returns how many."""
    over = survey_invitation.c.valid_until_s <= now_s
    return tx.execute(survey_invitation.delete().where(over)).rowcount
