"""What people wrote to the office, for staff: the list, who takes a letter, the answer, the end.

    new -> assigned -> answered | closed          applied: it counted by itself, and may be read all the same

What is new is a task of kind "reply" (balie.record.tasks), whose reason is the letter's own kind; answered ends it, and
closed skips it.

A letter that nobody could match belongs to no appointment until somebody links it by the reference of one.  An answer
goes to a person who takes part in the appointment, at the address that the office has of him: never to what a stranger
put in From.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select, update

from balie.record import audit, schedule, tasks
from balie.store.engine import Tx
from balie.store.schema import appointment, inbound_message, message, participant, staff

Entropy = Callable[[int], bytes]

KIND = "reply"
WAITING = ("new", "assigned")
ANSWER_MAX = 8_000  # characters


class InboxError(Exception):
    """A letter with which this cannot be done.

    code  unknown_letter, unknown_appointment, unknown_staff: there is none.  settled: somebody answered or closed it.
          not_linked: link it to an appointment first.  no_mail: nobody in the appointment has a mail address.
          text_missing, text_long: an answer has 1 to ANSWER_MAX characters
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Letter:
    """All that the inbox shows.  to_name, to_mail: who an answer would go to; empty when there is nobody."""

    id: int
    kind: str
    status: str
    received_s: int
    mail_id: str
    sender: str
    subject: str
    text: str
    matched_by: str
    staff_id: int | None
    staff_name: str
    message_id: int | None
    appointment_id: int | None
    ref: str
    start_s: int | None
    zone: str
    to_id: int | None = None
    to_name: str = ""
    to_mail: str = ""


def ask(tx: Tx, now_s: int, letter_id: int, kind: str, appointment_id: int | None) -> None:
    """A person is to read it."""
    tasks.ask(tx, now_s, KIND, letter_id, kind, appointment_id)


def listed(tx: Tx, service_ids: Collection[int], limit: int = 200) -> list[Letter]:
    """All letters, the newest first: of these services, and those that belong to no appointment yet.

    Who an answer would go to, get() says.
    """
    wanted = _letters().where(appointment.c.service_id.in_(list(service_ids)) | appointment.c.id.is_(None))
    newest = inbound_message.c.received_s.desc(), inbound_message.c.id.desc()
    return [_letter(row) for row in tx.execute(wanted.order_by(*newest).limit(limit))]


def look(tx: Tx, letter_ids: Collection[int]) -> dict[int, Letter]:
    """These letters, by id."""
    return {row.id: _letter(row) for row in tx.execute(_letters().where(inbound_message.c.id.in_(letter_ids)))}


def of_appointment(tx: Tx, appointment_id: int) -> list[Letter]:
    """All mail about an appointment, the oldest first, what counted by itself too."""
    of_it = _letters().where(inbound_message.c.appointment_id == appointment_id)
    return [_letter(row) for row in tx.execute(of_it.order_by(inbound_message.c.id))]


def get(tx: Tx, letter_id: int) -> Letter:
    """One letter, with who an answer would go to.  InboxError unknown_letter."""
    row = tx.execute(_letters().where(inbound_message.c.id == letter_id)).first()
    if row is None:
        raise InboxError("unknown_letter")
    to = _addressee(tx, row)
    return _letter(row, **({"to_id": to.id, "to_name": to.name, "to_mail": to.mail} if to is not None else {}))


def assign(tx: Tx, now_s: int, letter_id: int, staff_id: int, actor: str) -> None:
    """Somebody takes a letter, or gives it to a colleague.  InboxError."""
    letter = get(tx, letter_id)
    if tx.scalar(select(staff.c.id).where(staff.c.id == staff_id, staff.c.active)) is None:
        raise InboxError("unknown_staff")
    _change(tx, letter, status="assigned", staff_id=staff_id)
    _note(tx, now_s, actor, "assigned", letter, to=f"staff:{staff_id}")


def link(tx: Tx, now_s: int, letter_id: int, ref: str, actor: str) -> None:
    """Say which appointment a letter is about.  InboxError."""
    letter = get(tx, letter_id)
    of_ref = select(appointment.c.id).where(appointment.c.ref == ref.strip().upper())
    found = tx.scalar(of_ref.order_by(appointment.c.sequence.desc()).limit(1))
    if found is None:
        raise InboxError("unknown_appointment")
    _change(tx, letter, appointment_id=found, message_id=None, matched_by="staff")
    tasks.link(tx, KIND, letter.id, found)
    _note(tx, now_s, actor, "linked", get(tx, letter_id))


def answer(tx: Tx, now_s: int, entropy: Entropy, letter_id: int, text: str, actor: str) -> int:
    """Write back.  Returns the id of the message that will be sent.  InboxError."""
    letter, text = get(tx, letter_id), text.strip()
    if not text or len(text) > ANSWER_MAX:
        raise InboxError("text_long" if text else "text_missing")
    if letter.appointment_id is None:
        raise InboxError("not_linked")
    made = schedule.answer(tx, now_s, entropy, letter.to_id, letter.subject, text) if letter.to_id is not None else None
    if made is None:
        raise InboxError("no_mail")
    data = {"subject": letter.subject, "text": text, "in_reply_to": f"<{letter.mail_id}>" if letter.mail_id else ""}
    tx.execute(update(message).where(message.c.id == made).values(data=data))
    _change(tx, letter, status="answered", answered_s=now_s)
    _end(tx, now_s, letter, actor, "answered")
    _note(tx, now_s, actor, "answered", letter, message=made)
    return made


def close(tx: Tx, now_s: int, letter_id: int, actor: str) -> None:
    """Read, and nothing to answer.  InboxError."""
    letter = get(tx, letter_id)
    _change(tx, letter, status="closed", closed_s=now_s)
    _end(tx, now_s, letter, actor, "closed")
    _note(tx, now_s, actor, "closed", letter)


# -- rows -----------------------------------------------------------------------------------------------


def _letters() -> Select[Any]:
    of_staff, of_appointment_ = staff.c.name.label("staff_name"), (appointment.c.ref, appointment.c.start_s)
    to_him = message.c.participant_id.label("written_to")
    joined = (
        inbound_message.outerjoin(appointment, inbound_message.c.appointment_id == appointment.c.id)
        .outerjoin(message, inbound_message.c.message_id == message.c.id)
        .outerjoin(staff, inbound_message.c.staff_id == staff.c.id)
    )
    return select(inbound_message, of_staff, *of_appointment_, appointment.c.zone, to_him).select_from(joined)


def _letter(row: Row[Any], **to: Any) -> Letter:
    names = ("id", "kind", "status", "received_s", "mail_id", "sender", "subject", "text", "matched_by", "staff_id")
    values = {name: getattr(row, name) for name in (*names, "message_id", "appointment_id", "start_s")}
    return Letter(**values, staff_name=row.staff_name or "", ref=row.ref or "", zone=row.zone or "", **to)


def _addressee(tx: Tx, row: Row[Any]) -> Row[Any] | None:
    """Who wrote, or to whom we had written, or the citizen himself."""
    here = select(participant).where(
        participant.c.appointment_id == row.appointment_id, participant.c.removed_s.is_(None), participant.c.mail != ""
    )
    wrote = func.lower(participant.c.mail) == row.sender.lower()
    for who in (wrote, participant.c.id == row.written_to, participant.c.role == "citizen"):
        found = tx.execute(here.where(who).order_by(participant.c.id).limit(1)).first()
        if found is not None:
            return found
    return None


def _change(tx: Tx, letter: Letter, **values: Any) -> None:
    """InboxError settled: two people looked at one list."""
    still = (inbound_message.c.id == letter.id) & inbound_message.c.status.in_(WAITING)
    if not tx.execute(update(inbound_message).where(still).values(**values)).rowcount:
        raise InboxError("settled")


def _end(tx: Tx, now_s: int, letter: Letter, actor: str, how: str) -> None:
    its, staff_id = tasks.of(KIND, [letter.id]), audit.staff_of(actor)
    tasks.settle(tx, now_s, its, "", how=how, staff_id=staff_id, skipped=how == "closed")


def _note(tx: Tx, now_s: int, actor: str, action: str, letter: Letter, **detail: Any) -> None:
    about = f"appointment/{letter.ref}" if letter.ref else f"letter/{letter.id}"
    audit.note(tx, now_s, actor, f"letter.{action}", about, letter=letter.id, **detail)
