"""A row of the outbox as other systems read it: CloudEvents 1.0, structured, JSON.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/sequence.md

What is pushed and what is pulled is the same event.  Its `sequence` is its place in the feed.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select

from balie.record.events import PERSONAL
from balie.store.engine import Tx
from balie.store.schema import participant

CONTENT_TYPE = "application/cloudevents+json"
SEQUENCE_DIGITS = 12  # compared as text (the extension says so), so with leading zeros: a thousand a second, 30 years


def event(tx: Tx, row: Row[Any], source: str, *, contact: bool) -> dict[str, object]:
    """row: of the outbox, with its place.  contact: with names and addresses, under data.personal."""
    data = dict(row.data)
    personal = data.pop(PERSONAL, {})
    if contact:
        data[PERSONAL] = {"people": _people(tx, row.appointment_id), **personal}
    return {
        "specversion": "1.0",
        "id": row.event_id,
        "source": source,
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
