"""Which messages are due to whom, decided in the transaction of what they are about.

Only rows are written here: what a message says is made when it is sent (balie.post), from what is true by then.  So a
reminder needs no change when the way of talking does, and none of this depends on settings.  A person with a mail
address gets mail, one with only a telephone gets text messages, one with neither gets nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, insert, select, update

from balie.i18n import local
from balie.record import given
from balie.store.engine import Tx
from balie.store.schema import (
    appointment,
    appointment_product,
    guide_step,
    message,
    message_event,
    participant,
    product,
)

Entropy = Callable[[int], bytes]

UNSENT = ("scheduled", "claimed", "deferred")
"""States in which nothing of a message left this machine, provided it has no submitted_s: a notice of delay makes a
message that left `deferred` too."""

DAY_MIN = 1440
DOOR_MIN = 30  # the door opens half an hour before: a reminder from then on says so
GOODBYE_S = 300  # after the end: by then whoever stayed has seen the question on his screen, and need not be mailed it
RECAP_S = GOODBYE_S + 60  # after what was agreed
DOCUMENT_S = 120  # after a document: a second one may follow
KEPT = ("receipt", "document")
"""Kinds that are as true after the end as before it, and of an appointment that moved or was cancelled."""
MISSED = "missed"
"""Variant of the goodbye to who did not come, or for whom we did not."""
ENVID_BYTES = 16  # nobody guesses the address of a reply; 32 characters leave room in the 64 of a local part

_PARTICIPANTS: Select[Any] = select(
    *(participant.c[name] for name in ("id", "appointment_id", "role", "mail", "phone", "locale")),
    appointment.c.start_s,
    appointment.c.zone,
).join(appointment)
_PERSON = _PARTICIPANTS.where(participant.c.id == bindparam("participant_id"))
_PEOPLE = _PARTICIPANTS.where(
    participant.c.appointment_id == bindparam("appointment_id"), participant.c.removed_s.is_(None)
).order_by(participant.c.id)
_OFFSETS = (
    select(product.c.reminder_min)
    .join(appointment_product)
    .where(appointment_product.c.appointment_id == bindparam("appointment_id"))
)


def booked(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int) -> None:
    """A confirmation at once, and the reminders that are still to come, to everybody who takes part."""
    offsets, rows = _offsets(tx, appointment_id), []
    for each in _people(tx, appointment_id):
        kind = "confirmation" if each.role == "citizen" else "helper_added"
        rows += [*_message(each, kind, now_s), *_reminders(offsets, now_s, each)]
    _put_all(tx, now_s, entropy, rows)


def moved(tx: Tx, now_s: int, entropy: Entropy, old_id: int, new_id: int) -> None:
    """What was still to be sent about the old time is not; the new time is told at once and reminded of."""
    _withdraw(tx, now_s, _outdated(old_id))
    offsets, rows = _offsets(tx, new_id), []
    for each in _people(tx, new_id):
        rows += [*_message(each, "moved", now_s), *_reminders(offsets, now_s, each)]
    _put_all(tx, now_s, entropy, rows)


def cancelled(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int) -> None:
    """Nothing more is sent but that it does not take place."""
    _withdraw(tx, now_s, _outdated(appointment_id))
    for each in _people(tx, appointment_id):
        _put(tx, now_s, entropy, each, "cancelled", now_s)


def changed(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int) -> None:
    """Another way of talking is told at once.  Reminders stay: they say what holds when they are sent."""
    for each in _people(tx, appointment_id):
        _tell_change(tx, now_s, entropy, each)


def phone_changed(tx: Tx, now_s: int, entropy: Entropy, participant_id: int, *, by_phone: bool) -> None:
    """Text messages go to his new number.  by_phone: that is how we speak, so he is told which number we will call."""
    each = _person(tx, participant_id)
    texts = (message.c.participant_id == participant_id) & (message.c.channel == "sms")
    unsent = texts & message.c.status.in_(("scheduled", "deferred")) & message.c.submitted_s.is_(None)
    tx.execute(update(message).where(unsent).values(recipient=each.phone))
    if by_phone:
        _tell_change(tx, now_s, entropy, each)


def helper_added(tx: Tx, now_s: int, entropy: Entropy, participant_id: int) -> None:
    """Somebody comes along: he hears of it, and is reminded like the others."""
    each = _person(tx, participant_id)
    _put(tx, now_s, entropy, each, "helper_added", now_s)
    _put_all(tx, now_s, entropy, _reminders(_offsets(tx, each.appointment_id), now_s, each))


def helper_removed(tx: Tx, now_s: int, entropy: Entropy, participant_id: int) -> None:
    """Nothing more is sent to him, but that he need not come if he had heard that he should."""
    _withdraw(tx, now_s, message.c.participant_id == participant_id)
    heard = select(message.c.id).where(message.c.participant_id == participant_id, message.c.status != "cancelled")
    if tx.execute(heard.limit(1)).first() is not None:
        _put(tx, now_s, entropy, _person(tx, participant_id), "cancelled", now_s, variant="removed")


def ended(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int) -> None:
    """The conversation is over: nothing is reminded of any more.  A few minutes later the citizen gets what was agreed,
    and everybody who could not be asked on the spot is asked once what he thinks: whether there is something to send,
    is decided then.  Who did steps gets a list of them, and how to do them alone."""
    _withdraw(tx, now_s, _outdated(appointment_id))
    guided = tx.execute(select(guide_step.c.id).where(guide_step.c.appointment_id == appointment_id).limit(1)).first()
    for each in _people(tx, appointment_id):
        if each.role == "citizen":
            _put(tx, now_s, entropy, each, "goodbye", now_s + GOODBYE_S)
        if each.role == "citizen" and guided is not None and each.mail:
            _put(tx, now_s, entropy, each, "recap", now_s + RECAP_S)
        _put(tx, now_s, entropy, each, "survey", now_s + GOODBYE_S)


def agreed_again(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int) -> None:
    """What was agreed is not what the citizen was told: he is told again, unless the first letter still waits."""
    for each in _people(tx, appointment_id):
        of_kind = (message.c.participant_id == each.id) & (message.c.kind == "goodbye")
        told = tx.execute(select(message.c.status).where(of_kind)).scalars().all()
        if each.role == "citizen" and not any(status in ("scheduled", "claimed") for status in told):
            _put(tx, now_s, entropy, each, "goodbye", now_s, variant=str(len(told) or ""))


def missed(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int) -> None:
    """It did not come to a conversation: the citizen hears how to make another appointment.  That letter says nothing
    of what he was given meanwhile: one of its own does."""
    _withdraw(tx, now_s, _outdated(appointment_id))
    if given.untold(tx, appointment_id):
        document(tx, now_s, entropy, appointment_id, "sent")
    for each in _people(tx, appointment_id):
        if each.role == "citizen":
            _put(tx, now_s, entropy, each, "goodbye", now_s, variant=MISSED)


def receipt(tx: Tx, now_s: int, entropy: Entropy, participant_id: int, number: str, invoice_id: int) -> None:
    """He paid, or got money back: the document of it, at once, once for each number."""
    for row in _message(_person(tx, participant_id), "receipt", now_s, variant=number):
        _put_all(tx, now_s, entropy, [{**row, "data": {"invoice": invoice_id}}])


def document(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int, what: str) -> None:
    """A document waits for the citizen (what: sent), or is asked of him (asked).  One letter for all of a few minutes:
    while one of a kind waits, there is no second."""
    for each in _people(tx, appointment_id):
        of_kind = (message.c.participant_id == each.id) & (message.c.kind == "document")
        told = tx.execute(select(message.c.status, message.c.variant).where(of_kind)).all()
        same = [status for status, variant in told if variant.startswith(what)]
        if each.role == "citizen" and not any(status in ("scheduled", "claimed") for status in same):
            for row in _message(each, "document", now_s + DOCUMENT_S, variant=f"{what}-{len(same)}"):
                _put_all(tx, now_s, entropy, [{**row, "data": {"what": what}}])


def again(
    tx: Tx, now_s: int, entropy: Entropy, message_id: int, *, recipient: str = "", channel: str = ""
) -> int | None:
    """A message once more, now, perhaps to another address or by another channel ("mail", "sms").

    Returns the id of the new message, or None when there is no address for the channel.  The old one stays as it is:
    what is known of it still holds.
    """
    old = tx.execute(select(message).where(message.c.id == message_id)).one()
    channel = channel or old.channel
    if not recipient and channel == old.channel:
        recipient = old.recipient
    elif not recipient:
        each = _person(tx, old.participant_id)
        recipient = each.mail if channel == "mail" else each.phone
    if not recipient:
        return None
    stem = old.variant.partition("+")[0]
    same = select(func.count()).where(
        message.c.appointment_id == old.appointment_id,
        message.c.participant_id == old.participant_id,
        message.c.kind == old.kind,
        message.c.channel == channel,
        (message.c.variant == stem) | message.c.variant.startswith(stem + "+", autoescape=True),
    )
    made = tx.scalar(same) or 0
    row = {
        "appointment_id": old.appointment_id,
        "participant_id": old.participant_id,
        "kind": old.kind,
        "variant": f"{stem}+{made}" if made else stem,
        "channel": channel,
        "recipient": recipient,
        "locale": old.locale,
        "data": old.data,
        "due_s": now_s,
    }
    return _put_one(tx, now_s, entropy, row)


def answer(
    tx: Tx, now_s: int, entropy: Entropy, participant_id: int, subject: str, text: str, in_reply_to: str = ""
) -> int | None:
    """What a member of staff writes back to somebody, as mail; None when he has no mail address.

    in_reply_to: the Message-ID of what is answered, so that mail programs show the two together.
    """
    each = _person(tx, participant_id)
    if not each.mail:
        return None
    before = select(func.count()).where(message.c.participant_id == participant_id, message.c.kind == "reply")
    row = {
        "appointment_id": each.appointment_id,
        "participant_id": each.id,
        "kind": "reply",
        "variant": str(tx.scalar(before) or ""),
        "channel": "mail",
        "recipient": each.mail,
        "locale": each.locale,
        "data": {"subject": subject, "text": text, "in_reply_to": in_reply_to},
        "due_s": now_s,
    }
    return _put_one(tx, now_s, entropy, row)


def reminder_s(start_s: int, zone: str, minutes: int) -> int:
    """When to remind, so many minutes before.  Whole days keep the time of the clock where a clock change lies
    between; hours are hours."""
    days, rest = divmod(minutes, DAY_MIN)
    if days:  # without any, the clock would forget which of two equal hours it shows
        start_s = int((local(start_s, zone) - timedelta(days=days)).timestamp())
    return start_s - rest * 60


# -- rows -----------------------------------------------------------------------------------------------


def _reminders(offsets: Iterable[int], now_s: int, each: Row[Any]) -> Iterator[dict[str, Any]]:
    """Those that are still to come, to one of _people."""
    for minutes in offsets:
        due_s = reminder_s(each.start_s, each.zone, minutes)
        if due_s > now_s:
            kind = "door_open" if minutes <= DOOR_MIN else "reminder"
            yield from _message(each, kind, due_s, variant=str(minutes))


def _tell_change(tx: Tx, now_s: int, entropy: Entropy, each: Row[Any]) -> None:
    of_kind = (message.c.participant_id == each.id) & (message.c.kind == "changed")
    _withdraw(tx, now_s, of_kind)  # it would say the same as the new one
    told = select(func.count()).where(of_kind)
    _put(tx, now_s, entropy, each, "changed", now_s, variant=str(tx.scalar(told) or ""))


def _offsets(tx: Tx, appointment_id: int) -> list[int]:
    """Minutes before the start: those of all products together, each once."""
    of_products = tx.scalars(_OFFSETS, {"appointment_id": appointment_id})
    return sorted({int(minutes) for offsets in of_products for minutes in offsets if minutes > 0})


def _people(tx: Tx, appointment_id: int) -> list[Row[Any]]:
    return list(tx.execute(_PEOPLE, {"appointment_id": appointment_id}))


def _person(tx: Tx, participant_id: int) -> Row[Any]:
    return tx.execute(_PERSON, {"participant_id": participant_id}).one()


def _message(each: Row[Any], kind: str, due_s: int, *, variant: str = "") -> Iterator[dict[str, Any]]:
    """A message to one of _people; nothing to who has no address."""
    if not each.mail and not each.phone:
        return
    yield {
        "appointment_id": each.appointment_id,
        "participant_id": each.id,
        "kind": kind,
        "variant": variant,
        "channel": "mail" if each.mail else "sms",
        "recipient": each.mail or each.phone,
        "locale": each.locale,
        "due_s": due_s,
    }


def _put(tx: Tx, now_s: int, entropy: Entropy, each: Row[Any], kind: str, due_s: int, *, variant: str = "") -> None:
    _put_all(tx, now_s, entropy, _message(each, kind, due_s, variant=variant))


def _put_all(tx: Tx, now_s: int, entropy: Entropy, rows: Iterable[Mapping[str, Any]]) -> None:
    complete = [_complete(now_s, entropy, row) for row in rows]
    if complete:
        tx.execute(insert(message), complete)


def _put_one(tx: Tx, now_s: int, entropy: Entropy, row: Mapping[str, Any]) -> int:
    key = tx.execute(insert(message), _complete(now_s, entropy, row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _complete(now_s: int, entropy: Entropy, row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "envid": entropy(ENVID_BYTES).hex(), "created_s": now_s}


def _outdated(appointment_id: int) -> Any:
    """What need not be said of an appointment any more."""
    return (message.c.appointment_id == appointment_id) & message.c.kind.not_in(KEPT)


def _withdraw(tx: Tx, now_s: int, which: Any) -> None:
    """What a worker has claimed is withdrawn too: before it hands a message over it looks whether it still may."""
    unsent = which & message.c.status.in_(UNSENT) & message.c.submitted_s.is_(None)
    withdrawn = update(message).where(unsent).values(status="cancelled").returning(message.c.id)
    for (message_id,) in tx.execute(withdrawn).all():
        tx.execute(insert(message_event).values(message_id=message_id, at_s=now_s, kind="cancelled", source="balie"))
