"""Which of our messages a mail that came in is about, by the strongest proof that it brings.

    token       it went to an address of ours with the envelope's id in it: balie+<envid>@
    envid       a delivery notice names the id of the envelope (RFC 3464 2.2.1)
    message_id  it answers, or brings back, a mail whose Message-ID begins with that id
    uid         a calendar names the appointment and a person who takes part

An envelope's id is random and stands in our own mails only, so whoever names one has such a mail or carried it.  That
is all that can be known of mail: From can say anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, Select, case, func, select

from balie.post.incoming import CalendarAnswer, DeliveryNotice, Incoming, ReadReceipt
from balie.store.engine import Tx
from balie.store.schema import appointment, message, participant

By = Literal["token", "envid", "message_id", "uid"]

_TOKEN = re.compile(r"\+([0-9a-z_-]{16,64})@")
_ENVID = re.compile(r"([0-9a-z_-]{16,64})(?:@|$)")

GONE = ("submitted", "accepted", "delivered", "deferred", "unresolved", "handing_over")
"""States of a message that may have reached somebody; deferred ones when they have a submitted_s."""
STOPPED = ("failed", "suppressed")
"""States of a message that did not, as far as is known."""


@dataclass(frozen=True)
class Match:
    """The message, with the role of who it went to and the state of its appointment, and the proof."""

    by: By
    message: Row[Any]


def match(tx: Tx, mail: Incoming, envelope_to: Sequence[str] = ()) -> Match | None:
    """The message that a mail is about.  envelope_to: who it was delivered to, where the server says so."""
    for by, envids in _proofs(mail, envelope_to):
        for envid in envids:
            row = tx.execute(_messages().where(message.c.envid == envid)).first()
            if row is not None:
                return Match(by, row)
    if isinstance(mail, CalendarAnswer) and (row := _invitation(tx, mail)) is not None:
        return Match("uid", row)
    return None


def latest_sent(tx: Tx, participant_id: int) -> Row[Any] | None:
    """The last message that may have reached a person; where none did, the last that should have."""
    gone = message.c.status.in_(GONE) & ((message.c.status != "deferred") | message.c.submitted_s.is_not(None))
    to_him = (message.c.participant_id == participant_id) & (gone | message.c.status.in_(STOPPED))
    newest = func.coalesce(message.c.submitted_s, message.c.due_s).desc()
    order = case((message.c.status.in_(STOPPED), 1), else_=0), newest, message.c.id.desc()
    return tx.execute(_messages().where(to_him).order_by(*order).limit(1)).first()


def _proofs(mail: Incoming, envelope_to: Sequence[str]) -> Iterator[tuple[By, list[str]]]:
    """The strongest first."""
    yield "token", _all(_TOKEN, *envelope_to, *mail.recipients)
    if isinstance(mail, DeliveryNotice):
        yield "envid", _all(_ENVID, mail.envid)
    if isinstance(mail, DeliveryNotice | ReadReceipt):
        yield "message_id", _all(_ENVID, *mail.about)
    yield "message_id", _all(_ENVID, *mail.answers)


def _all(pattern: re.Pattern[str], *texts: str) -> list[str]:
    """Ids in texts, each once.  Mail servers may change the case of an address; ours have no capitals."""
    search = pattern.match if pattern is _ENVID else pattern.search
    found = [said[1] for text in texts if (said := search(text.strip().lower())) is not None]
    return list(dict.fromkeys(found))


def _invitation(tx: Tx, mail: CalendarAnswer) -> Row[Any] | None:
    """The last message about the appointment, as it was when it was answered, to the person who answers."""
    asked = (
        select(participant.c.id)
        .join(appointment)
        .where(
            appointment.c.uid == mail.uid,
            appointment.c.sequence >= mail.sequence,  # a change that is not a move counts on in the same row
            func.lower(participant.c.mail) == mail.attendee.lower(),
            participant.c.removed_s.is_(None),
        )
        .order_by(appointment.c.sequence)
        .limit(1)
    )
    found = tx.scalar(asked)
    return latest_sent(tx, found) if found is not None else None


def _messages() -> Select[Any]:
    of = (
        appointment.c.ref,
        appointment.c.uid,
        appointment.c.start_s,
        appointment.c.status.label("appointment_status"),
        participant.c.role,
    )
    joined = message.join(appointment).outerjoin(participant, message.c.participant_id == participant.c.id)
    return select(message, *of).select_from(joined)
