"""What we know of documents: rows and their states.  The bytes are balie.documents.storage's.

uploading → scanning → available; rejected when a virus is in it, or it cannot be looked into; deleted when somebody
took it back.  At the end of its term the row goes too.  Each function is one decision, in its caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, delete, func, insert, or_, select, update

from balie.booking.people import STANDING
from balie.documents.errors import DocumentError
from balie.documents.kinds import PICTURES, Kind
from balie.documents.scan import Verdict
from balie.documents.storage import NAME_BYTES, Stored
from balie.record import audit, events, schedule
from balie.store.engine import Tx
from balie.store.schema import appointment, document, guide_step

Entropy = Callable[[int], bytes]

Outcome = Verdict | Literal["skipped"]
"""skipped: nobody looks for viruses here."""
LIVE = ("uploading", "scanning", "available")
"""Those that have a file."""
UPLOAD_S = 900  # at most for one upload: 20 MB at 180 kbit/s
ABREAST = 3  # uploads at once, of one appointment
CANCELLED = ("cancelled_citizen", "cancelled_office", "expired", "anonymised")
"""Of such appointments nobody needs a document any more."""
_DAY_S = 86_400


@dataclass(frozen=True)
class Rules:
    """Of the settings.  scans: somebody looks for viruses."""

    max_bytes: int = 20_000_000
    count_max: int = 20
    total_bytes: int = 100_000_000
    keep_days: int = 7
    scans: bool = False


@dataclass(frozen=True)
class Document:
    """As balie.store.schema.document has it.  direction: in is from the citizen's side."""

    id: int
    appointment_id: int
    participant_id: int | None
    staff_id: int | None
    guide_step_id: int | None
    direction: Literal["in", "out"]
    name: str
    mime: str
    size: int
    file: str
    state: str
    reason: str
    scanned_s: int | None
    created_s: int
    delete_s: int

    @property
    def open(self) -> bool:
        """Whether it can be had."""
        return self.state == "available"

    @property
    def picture(self) -> bool:
        return self.mime in PICTURES


@dataclass(frozen=True)
class Sender:
    """Who gives it: a participant, or a member of staff."""

    participant_id: int | None = None
    staff_id: int | None = None

    @property
    def actor(self) -> str:
        return f"staff:{self.staff_id}" if self.staff_id is not None else "citizen"


def begin(
    tx: Tx,
    now_s: int,
    entropy: Entropy,
    rules: Rules,
    appointment_id: int,
    sender: Sender,
    name: str,
    *,
    step_id: int | None = None,
) -> tuple[int, str]:
    """Something is on its way: its id, and the name of its file.  It holds a place until it is there or fails.

    step_id: the step that asked for it.  DocumentError unknown, over, no_step, full, busy.
    """
    about = _standing(tx, appointment_id)
    if step_id is not None:
        asked = (guide_step.c.id == step_id) & (guide_step.c.appointment_id == appointment_id)
        if not tx.scalar(select(guide_step.c.id).where(asked, guide_step.c.kind == "document")):
            raise DocumentError("no_step")
    if _uploading(tx, appointment_id) >= ABREAST:
        raise DocumentError("busy")
    count, size = _taken(tx, appointment_id)
    if count >= rules.count_max or size >= rules.total_bytes:
        raise DocumentError("full")
    file = entropy(NAME_BYTES).hex()
    row = {
        "appointment_id": appointment_id,
        "participant_id": sender.participant_id,
        "staff_id": sender.staff_id,
        "guide_step_id": step_id,
        "direction": "in" if sender.staff_id is None else "out",
        "name": name,
        "file": file,
        "created_s": now_s,
        "changed_s": now_s,
        "delete_s": about.end_s + rules.keep_days * _DAY_S,
    }
    made = tx.execute(insert(document).values(**row)).inserted_primary_key
    assert made is not None
    return int(made[0]), file


def arrived(
    tx: Tx, now_s: int, entropy: Entropy, rules: Rules, document_id: int, sender: Sender, what: tuple[Kind, str, Stored]
) -> str:
    """All of it is here: kind, name, bytes.  Returns its state.  DocumentError over, full, unknown: it was given up."""
    kind, name, stored = what
    row = tx.execute(select(document).where(document.c.id == document_id)).first()
    if row is None or row.state != "uploading":
        raise DocumentError("unknown")
    about = _standing(tx, row.appointment_id)
    if _taken(tx, row.appointment_id)[1] + stored.size > rules.total_bytes:
        raise DocumentError("full")
    state = "scanning" if rules.scans else "available"
    values = {"name": name, "mime": kind.mime, "size": stored.size, "sha256": stored.sha256, "state": state}
    tx.execute(update(document).where(document.c.id == document_id).values(changed_s=now_s, **values))
    action = "document_received" if row.direction == "in" else "document_sent"
    audit.note(tx, now_s, sender.actor, action, events.subject(about.ref), document=document_id, kind=kind.name)
    if state == "available":
        _announce(tx, now_s, entropy, row, about)
    return state


def failed(tx: Tx, document_id: int) -> bool:
    """It did not come, or will not do: nothing stays.  False when it is no longer on its way."""
    which = (document.c.id == document_id) & (document.c.state == "uploading")
    return bool(tx.execute(delete(document).where(which)).rowcount)


def scanned(tx: Tx, now_s: int, entropy: Entropy, document_id: int, verdict: Outcome) -> Document | None:
    """The scanner's word.  None when it was known, or the document is gone."""
    row = tx.execute(select(document).where(document.c.id == document_id).with_for_update()).first()
    if row is None or row.state != "scanning":
        return None
    good = verdict in ("clean", "skipped")
    values: dict[str, object] = {"state": "rejected", "reason": verdict}
    if good:
        values = {"state": "available", "scanned_s": now_s if verdict == "clean" else None}
    tx.execute(update(document).where(document.c.id == document_id).values(changed_s=now_s, **values))
    about = tx.execute(select(appointment).where(appointment.c.id == row.appointment_id)).one()
    if good:
        _announce(tx, now_s, entropy, row, about)
    else:
        subject = events.subject(about.ref)
        audit.note(tx, now_s, "system", "document_rejected", subject, document=document_id, reason=verdict)
    return get(tx, row.appointment_id, document_id)


def remove(tx: Tx, now_s: int, appointment_id: int, document_id: int, sender: Sender) -> str:
    """Somebody takes his own back, or staff takes it away; returns the name of its file.  DocumentError unknown."""
    found = get(tx, appointment_id, document_id)
    if sender.staff_id is None and found.participant_id != sender.participant_id:
        raise DocumentError("unknown")
    if found.state in ("uploading", "deleted"):
        raise DocumentError("unknown")
    gone = {"state": "deleted", "name": "", "sha256": None, "size": 0, "changed_s": now_s}
    tx.execute(update(document).where(document.c.id == document_id).values(**gone))
    ref = tx.scalar(select(appointment.c.ref).where(appointment.c.id == appointment_id))
    audit.note(tx, now_s, sender.actor, "document_removed", events.subject(str(ref)), document=document_id)
    return found.file


# -- reading ----------------------------------------------------------------------------------------------------


def get(tx: Tx, appointment_id: int, document_id: int) -> Document:
    """DocumentError unknown: none of this appointment."""
    which = (document.c.id == document_id) & (document.c.appointment_id == appointment_id)
    row = tx.execute(select(document).where(which)).first()
    if row is None:
        raise DocumentError("unknown")
    return _document(row)


def of_appointment(tx: Tx, appointment_id: int) -> list[Document]:
    """The oldest first, without those that were taken away."""
    query = select(document).where(document.c.appointment_id == appointment_id, document.c.state != "deleted")
    return [_document(row) for row in tx.execute(query.order_by(document.c.id))]


def visible(found: list[Document], participant_id: int, *, citizen: bool) -> list[Document]:
    """What somebody of the citizen's side may see: what staff sent, once it can be had, and what he sent himself.

    The citizen sees what was sent on his behalf too.  Who comes along does not see the citizen's: a copy of an identity
    card that he gave is for staff.
    """
    return [
        each
        for each in found
        if (each.open if each.direction == "out" else citizen or each.participant_id == participant_id)
    ]


def to_scan(tx: Tx, limit: int = 20) -> list[Document]:
    """Those that wait for the scanner, the oldest first."""
    query = select(document).where(document.c.state == "scanning").order_by(document.c.id).limit(limit)
    return [_document(row) for row in tx.execute(query)]


def files(tx: Tx) -> set[str]:
    """The names of all files that are to be there."""
    return set(tx.scalars(select(document.c.file).where(document.c.state.in_(LIVE))))


# -- the end ----------------------------------------------------------------------------------------------------


def expire(tx: Tx, now_s: int) -> list[str]:
    """Delete rows whose term is over, of cancelled appointments, of uploads that never came.  Returns their files."""
    useless = select(appointment.c.id).where(appointment.c.status.in_(CANCELLED))
    lost = (document.c.state == "uploading") & (document.c.created_s <= now_s - 2 * UPLOAD_S)
    which = or_(document.c.delete_s <= now_s, document.c.appointment_id.in_(useless), lost)
    gone = tx.execute(delete(document).where(which).returning(document.c.file))
    return [row.file for row in gone]


# -- inside -----------------------------------------------------------------------------------------------------


def _standing(tx: Tx, appointment_id: int) -> Row[Any]:
    """The appointment, locked: two uploads at once count each other.  DocumentError unknown, over."""
    row = tx.execute(select(appointment).where(appointment.c.id == appointment_id).with_for_update()).first()
    if row is None:
        raise DocumentError("unknown")
    if row.status not in STANDING:
        raise DocumentError("over")
    return row


def _taken(tx: Tx, appointment_id: int) -> tuple[int, int]:
    """How many there are or are on their way, and their bytes."""
    columns = func.count(), func.coalesce(func.sum(document.c.size), 0)
    row = tx.execute(
        select(*columns).where(document.c.appointment_id == appointment_id, document.c.state.in_(LIVE))
    ).one()
    return int(row[0]), int(row[1])


def _uploading(tx: Tx, appointment_id: int) -> int:
    here = (document.c.appointment_id == appointment_id) & (document.c.state == "uploading")
    return tx.scalar(select(func.count()).select_from(document).where(here)) or 0


def _announce(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], about: Row[Any]) -> None:
    """Who is in the call sees it come, and reads of it in the letter after it (balie.record.given); to others a letter
    of its own says that something waits, and not what."""
    if row.direction == "out" and about.status != "in_call":
        schedule.document(tx, now_s, entropy, row.appointment_id, "sent")


def _document(row: Row[Any]) -> Document:
    return Document(*(row._mapping[name] for name in Document.__dataclass_fields__))
