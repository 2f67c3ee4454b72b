"""A row of the outbox as other systems read it: CloudEvents 1.0, structured, JSON.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/sequence.md

What is pushed and what is pulled is the same event.  Its `sequence` is its place in the feed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select

from balie.booking import links, parting
from balie.booking.links import LinkKey
from balie.record.events import GOODBYE_OF, LINK_OF, PERSONAL, TOKEN_HERE
from balie.store.engine import Tx
from balie.store.schema import participant

CONTENT_TYPE = "application/cloudevents+json"
SEQUENCE_DIGITS = 12  # compared as text (the extension says so), so with leading zeros: a thousand a second, 30 years


@dataclass(frozen=True)
class Source:
    """Who speaks.  url: the public one, of every event's `source`.  link_key: gives personal links their tokens."""

    url: str
    link_key: LinkKey


def event(tx: Tx, row: Row[Any], source: Source, *, contact: bool) -> dict[str, object]:
    """row: of the outbox, with its place.  contact: with names and addresses, under data.personal."""
    data = dict(row.data)
    personal = data.pop(PERSONAL, {})
    if contact:
        data[PERSONAL] = {"people": _people(tx, row.appointment_id), **_with_link(tx, personal, source.link_key)}
    return {
        "specversion": "1.0",
        "id": row.event_id,
        "source": source.url,
        "type": row.type,
        "subject": row.subject,
        "time": moment(row.time_s),
        "sequence": sequence(row.place),
        "datacontenttype": "application/json",
        "data": data,
    }


def body(made: dict[str, object]) -> bytes:
    """What is posted, and signed."""
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()


def sequence(place: int) -> str:
    return f"{place:0{SEQUENCE_DIGITS}d}"


def moment(unix_s: int) -> str:
    """RFC 3339, in UTC."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_link(tx: Tx, personal: dict[str, Any], key: LinkKey) -> dict[str, Any]:
    """Texts with the token that they are to hold; one that was withdrawn meanwhile is left out."""
    shown = dict(personal)
    whose, leaves = shown.pop(LINK_OF, None), shown.pop(GOODBYE_OF, None)
    if leaves is not None:
        token = parting.current(tx, key, leaves)
    elif whose is not None:
        token = links.current(tx, key, whose)
    else:
        return shown
    token = token or "…"
    return {name: text.replace(TOKEN_HERE, token) for name, text in shown.items()}


def _people(tx: Tx, appointment_id: int | None) -> list[dict[str, object]]:
    """Who takes part now, not when it happened: what was removed meanwhile goes nowhere any more."""
    present = select(participant).where(
        participant.c.appointment_id == appointment_id, participant.c.removed_s.is_(None)
    )
    return [
        {
            "role": each.role,
            "name": each.name,
            "mail": each.mail,
            "phone": each.phone,
            "locale": each.locale,
            "label": each.label,
        }
        for each in tx.execute(present.order_by(participant.c.id))
    ]
