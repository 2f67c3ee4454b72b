"""What is known of a message climbs by evidence, and never falls.

Two ladders (requirements (f)): how far a message came (status), and whether somebody saw it (read_evidence).

    submitted -> accepted -> delivered                 failed from any of them but the last
    none -> mdn -> link_opened -> rsvp -> confirmed -> joined

A notice that says less than is known already, or that a delivered message failed after all, is written down as an event
and changes no state.  Only a notice about the address that we wrote to counts: one about another proves nothing.

A person's answer proves that he read the message, and no more: it may say that he does not come.  So it counts as a
read receipt, and so does a calendar's "declined" or "tentative".  "Declined" is a task besides, and cancels nothing:
programs decline by themselves, a finger slips, and a slot that is given away does not come back.  Who wants to cancel
does so himself, on the page of the appointment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, assert_never

from sqlalchemy import Row, insert, select, update

from balie.booking import changes
from balie.post import undelivered
from balie.post.incoming import AutomaticAnswer, CalendarAnswer, DeliveryNotice, Human, Incoming, ReadReceipt, Report
from balie.post.matching import Match, latest_sent
from balie.post.smtp import reason_of
from balie.post.suppression import suppress
from balie.record import events
from balie.store.engine import Tx
from balie.store.schema import READ_EVIDENCE, message, message_event

Entropy = Callable[[int], bytes]

_ON_ITS_WAY = ("handing_over", "submitted", "deferred", "unresolved")
CLIMBS = {
    "deferred": ("submitted",),  # from handing_over it would look as if it had to be sent again
    "accepted": _ON_ITS_WAY,
    "delivered": (*_ON_ITS_WAY, "accepted"),
    "failed": (*_ON_ITS_WAY, "accepted"),
}
"""From which states a message may come to one."""

_BY_ACTION = {
    "delayed": "deferred",
    "relayed": "accepted",
    "expanded": "accepted",  # a list passed it on: to whom, nobody says
    "delivered": "delivered",
    "failed": "failed",
}
_BY_REPORT = {"sent": "accepted", "delivered": "delivered", "failed": "failed"}


def apply(tx: Tx, now_s: int, entropy: Entropy, mail: Incoming, found: Match) -> bool:
    """Let a mail that is about a message count.  False: a person should look at it."""
    row = found.message
    match mail:
        case DeliveryNotice():
            return _delivery(tx, now_s, entropy, row, mail)
        case ReadReceipt():
            return _receipt(tx, now_s, row, mail)
        case CalendarAnswer():
            return _invitation(tx, now_s, entropy, row, mail)
        case AutomaticAnswer():
            note(tx, now_s, row.id, "auto_reply", "mail")
            return True
        case Human():
            known = _is_ours(row, mail.sender)
            note(tx, now_s, row.id, "answered", "mail", sender_known=known)
            events.emit(tx, now_s, entropy, row.appointment_id, events.MESSAGE + "replied", _about(row))
            if known:
                read(tx, now_s, row, "mdn")
            return False
        case _:
            assert_never(mail)


def link_opened(tx: Tx, now_s: int, participant_id: int) -> bool:
    """He opened his link and did something there: the page tells, a scanner of mail does not."""
    return _of_person(tx, now_s, participant_id, "link_opened")


def confirmed(tx: Tx, now_s: int, participant_id: int) -> bool:
    """He said that he comes, on the page of the appointment."""
    return _of_person(tx, now_s, participant_id, "confirmed")


def joined(tx: Tx, now_s: int, participant_id: int) -> bool:
    """He is in the call."""
    return _of_person(tx, now_s, participant_id, "joined")


def sms_report(tx: Tx, now_s: int, entropy: Entropy, envid: str, status: str, said: str = "") -> bool:
    """A gateway says what became of a text message.  False: no such message.

    status: sent, delivered or failed; said: the gateway's own words for that
    """
    of_gateway = (message.c.envid == envid) & (message.c.channel == "sms")
    row = tx.execute(select(message).where(of_gateway)).first()
    if row is None or status not in _BY_REPORT:
        return False
    state = _BY_REPORT[status]
    reason = "sms_failed" if state == "failed" else ""
    note(tx, now_s, row.id, status, "sms", **({"said": said} if said else {}))
    _arrive(tx, now_s, entropy, row, state, reason, said)
    return True


def note(tx: Tx, now_s: int, message_id: int, kind: str, source: str, **detail: Any) -> None:
    """Write down what was heard of a message."""
    tx.execute(insert(message_event).values(message_id=message_id, at_s=now_s, kind=kind, source=source, detail=detail))


def read(tx: Tx, now_s: int, row: Row[Any], level: str) -> bool:
    """Somebody saw a message.  False: that much was known."""
    weaker = READ_EVIDENCE[: READ_EVIDENCE.index(level)]
    undelivered.settle(tx, now_s, row, undelivered.DOUBTS)
    below = (message.c.id == row.id) & message.c.read_evidence.in_(weaker)
    return tx.execute(update(message).where(below).values(read_evidence=level, evidence_s=now_s)).rowcount == 1


# -- mail servers ---------------------------------------------------------------------------------------


def _delivery(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], mail: DeliveryNotice) -> bool:
    ours = [report for report in mail.reports if report.action and _is_ours(row, report.recipient, report.original)]
    if not ours:
        note(tx, now_s, row.id, "odd_notice", "dsn")
        return False
    for report in ours:
        reason = _reason(report)
        note(tx, now_s, row.id, report.action, "dsn", status=report.status, reason=reason)
        _arrive(tx, now_s, entropy, row, _BY_ACTION[report.action], reason, report.diagnostic)
        if reason == "address_unknown" and report.status.startswith("5."):
            suppress(tx, now_s, row.recipient, reason)
    return True


def _arrive(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], state: str, reason: str, said: str) -> None:
    """A message came so far.  A failure is a task, even of a message that had arrived."""
    values = {"status": state, **({"error_class": reason, "error": said} if state == "failed" else {})}
    below = (message.c.id == row.id) & message.c.status.in_(CLIMBS[state])
    tx.execute(update(message).where(below).values(**values))
    if state == "failed":
        undelivered.ask(tx, now_s, row, reason)
        events.emit(tx, now_s, entropy, row.appointment_id, events.MESSAGE + "failed", _about(row, reason=reason))
    elif state == "delivered":
        undelivered.settle(tx, now_s, row, undelivered.DOUBTS)
    elif state == "accepted":
        undelivered.settle(tx, now_s, row, ("delivery_unknown",))


def _about(row: Row[Any], **more: str) -> dict[str, object]:
    return {"message": {"id": row.envid, "kind": row.kind, "channel": row.channel, **more}}


def _reason(report: Report) -> str:
    if report.action != "failed":
        return ""
    if report.status.startswith("4.") or report.status == "5.4.7":  # the server tried until it gave up
        return "delayed_too_long"
    return reason_of(report.status)


def _is_ours(row: Row[Any], *addresses: str) -> bool:
    """One of them is the address that the message went to."""
    mine = row.recipient.casefold()
    return any(mine in (address.casefold(), _plain(address).casefold()) for address in addresses)


def _plain(xtext: str) -> str:
    """RFC 3461 4: +2B is a plus sign.  Some servers give ORCPT back as they got it."""
    return re.sub(r"\+([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), xtext)


# -- mail programs and calendars ------------------------------------------------------------------------


def _receipt(tx: Tx, now_s: int, row: Row[Any], mail: ReadReceipt) -> bool:
    if not _is_ours(row, mail.recipient, mail.original):
        note(tx, now_s, row.id, "odd_notice", "mdn")
        return False
    note(tx, now_s, row.id, "displayed" if mail.displayed else "not_displayed", "mdn")
    if mail.displayed:
        read(tx, now_s, row, "mdn")
    return True


def _invitation(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], mail: CalendarAnswer) -> bool:
    """Only the invited person's own answer about this appointment counts; what he adds is for a person to read."""
    if mail.uid != row.uid or not _is_ours(row, mail.attendee):
        note(tx, now_s, row.id, "odd_notice", "itip")
        return False
    note(tx, now_s, row.id, f"rsvp_{mail.answer.lower()}"[:24], "itip")
    if mail.answer not in ("ACCEPTED", "DECLINED", "TENTATIVE"):
        return False
    read(tx, now_s, row, "rsvp" if mail.answer == "ACCEPTED" else "mdn")
    open_still = row.appointment_status == "booked" and row.start_s > now_s
    if mail.answer == "ACCEPTED" and row.role == "citizen" and open_still:
        changes.confirm(tx, now_s, entropy, row.appointment_id, "citizen")
    elif mail.answer == "DECLINED":
        undelivered.ask(tx, now_s, row, "declined", again=True)
    return not mail.comment


def _of_person(tx: Tx, now_s: int, participant_id: int, level: str) -> bool:
    """Evidence of a person is evidence of the last message that he can have acted upon."""
    row = latest_sent(tx, participant_id)
    if row is None or not read(tx, now_s, row, level):
        return False
    note(tx, now_s, row.id, level, "citizen")
    return True
