"""A mail comes in: it is kept once, matched, and counts; what is not understood waits for a person.

From whichever way it came (balie.post.imap, balie.post.listener), it is put through a Letterbox: when put() returns,
the mail is in the database and need not be kept elsewhere.  The same mail put twice counts once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from balie.i18n import gettext as _
from balie.post import evidence, inbox
from balie.post.incoming import AutomaticAnswer, CalendarAnswer, DeliveryNotice, Human, Incoming, ReadReceipt, parse
from balie.post.matching import match
from balie.store.engine import Store, Tx
from balie.store.schema import inbound_message

Entropy = Callable[[int], bytes]

KINDS: dict[type[Incoming], str] = {
    DeliveryNotice: "dsn",
    ReadReceipt: "mdn",
    CalendarAnswer: "itip_reply",
    AutomaticAnswer: "auto_reply",
    Human: "human",
}


@dataclass(frozen=True)
class Received:
    """id: of the row; status: applied, or new for a person to read; again: it was here already."""

    id: int
    kind: str
    status: str
    again: bool = False


class Letterbox:
    """Where mails are put, whatever way they come."""

    def __init__(self, store: Store, entropy: Entropy, unix_time: Callable[[], float]) -> None:
        self._store, self._entropy, self._unix_time = store, entropy, unix_time

    async def put(self, raw: bytes, envelope_to: Sequence[str] = ()) -> Received:
        """Keep a mail and let it count.  Raises only what the database raises; then nothing was kept."""
        mail = await asyncio.to_thread(parse, raw)  # some tens of milliseconds for a hostile one: calls must not wait
        now_s = int(self._unix_time())
        try:
            return await self._store.write(receive, now_s, self._entropy, mail, envelope_to)
        except IntegrityError:  # the same mail came by two ways at once, and the other was first
            return await self._store.write(receive, now_s, self._entropy, mail, envelope_to)


def receive(tx: Tx, now_s: int, entropy: Entropy, mail: Incoming, envelope_to: Sequence[str] = ()) -> Received:
    """Keep a mail once, and let it count."""
    kind = KINDS[type(mail)]
    known = select(inbound_message.c.id, inbound_message.c.status).where(inbound_message.c.digest == mail.digest)
    if (row := tx.execute(known).first()) is not None:
        return Received(row.id, kind, row.status, again=True)
    found = match(tx, mail, envelope_to)
    applied = found is not None and evidence.apply(tx, now_s, entropy, mail, found)
    values = {
        "digest": mail.digest,
        "received_s": now_s,
        "kind": kind,
        "status": "applied" if applied else "new",
        "message_id": found.message.id if found else None,
        "appointment_id": found.message.appointment_id if found else None,
        "mail_id": mail.message_id,
        "sender": mail.sender,
        "subject": mail.subject,
        "text": _text(mail),
        "matched_by": found.by if found else "",
    }
    key = tx.execute(insert(inbound_message).values(**values)).inserted_primary_key
    assert key is not None
    letter_id = int(key[0])
    if not applied:
        inbox.ask(tx, now_s, letter_id, kind, found.message.appointment_id if found else None)
    return Received(letter_id, kind, str(values["status"]))


def _text(mail: Incoming) -> str:
    """What a person reads, with a word on what is not kept."""
    if isinstance(mail, CalendarAnswer):
        return mail.comment or mail.text
    if not mail.attachments or isinstance(mail, DeliveryNotice):
        return mail.text
    missing = _("Bijlagen die balie niet bewaart: {names}").format(names=", ".join(mail.attachments))
    return f"{mail.text}\n\n[{missing}]".strip()
