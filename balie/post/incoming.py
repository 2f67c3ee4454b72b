"""What a mail that came in is, and what it says: parse() of any bytes gives one of five classes and never raises.

    DeliveryNotice   a mail server says what became of a mail (RFC 3464)
    ReadReceipt      a mail program says that somebody saw it (RFC 8098)
    CalendarAnswer   a calendar says whether somebody comes (iTIP REPLY, RFC 5546)
    AutomaticAnswer  nobody wrote it: out of office and the like (RFC 3834)
    Human            all else: somebody reads it

Nothing here is believed yet: anybody can write any of it.  balie.post.matching says which message it is about, and
balie.post.evidence what it proves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256
from typing import Any

from balie.post import mime
from balie.post.mailtext import from_html, newest

SUBJECT_MAX = 500
MESSAGE_IDS_MAX = 20
REPORTS_MAX = 50
DIAGNOSTIC_MAX = 500
DIGEST_BYTES = mime.READ_MAX // 2  # below the head, which is another length each way

_MESSAGE_ID = re.compile(r"<([^<>\s]{1,250})>")
_MESSAGE_ID_LINE = re.compile(r"^message-id:\s*<([^<>\s]{1,250})>", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
_BY_STATUS = {"2": "delivered", "4": "delayed", "5": "failed"}


@dataclass(frozen=True, kw_only=True)
class Mail:
    """What every mail has.

    digest       the same for the same mail, whichever way it came
    message_id   its own, without angle brackets, or nothing
    sender       the address in From
    recipients   addresses in To, Cc and what mail servers note of the envelope
    answers      Message-IDs of In-Reply-To and References, the nearest first
    text         what is new in it, at most mailtext.TEXT_MAX characters
    attachments  names of files, which are not kept
    """

    digest: bytes
    message_id: str
    sender: str
    subject: str
    recipients: tuple[str, ...]
    answers: tuple[str, ...]
    text: str
    attachments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Of one recipient.  action: one of _ACTIONS; status: 5.1.1 (RFC 3463) or nothing."""

    recipient: str
    original: str
    action: str
    status: str
    diagnostic: str


@dataclass(frozen=True, kw_only=True)
class DeliveryNotice(Mail):
    """envid: of the envelope that it is about (RFC 3461 4.4); about: Message-IDs of the mail that it brings back."""

    envid: str
    about: tuple[str, ...]
    reports: tuple[Report, ...]


@dataclass(frozen=True, kw_only=True)
class ReadReceipt(Mail):
    """displayed: somebody saw it, rather than deleted or refused it."""

    about: tuple[str, ...]
    recipient: str
    original: str
    displayed: bool


@dataclass(frozen=True, kw_only=True)
class CalendarAnswer(Mail):
    """answer: ACCEPTED, DECLINED, TENTATIVE or another word (RFC 5545 3.2.12); comment: what the person added."""

    uid: str
    sequence: int
    attendee: str
    answer: str
    comment: str


@dataclass(frozen=True, kw_only=True)
class AutomaticAnswer(Mail):
    pass


@dataclass(frozen=True, kw_only=True)
class Human(Mail):
    pass


Incoming = DeliveryNotice | ReadReceipt | CalendarAnswer | AutomaticAnswer | Human


def parse(raw: bytes) -> Incoming:
    """Any bytes as a mail.  Bounded work: only the first mime.READ_MAX bytes are looked at."""
    message = mime.read(raw)
    common = _common(message, raw)
    return (
        _delivery_notice(message, common)
        or _read_receipt(message, common)
        or _calendar_answer(message, common)
        or (AutomaticAnswer(**common) if _is_automatic(message) else Human(**common))
    )


def _common(message: Message, raw: bytes) -> dict[str, Any]:
    parts = list(mime.leaves(message))
    files = [mime.attachment(part) for part in parts]
    senders = mime.addresses(message, "from", "sender")
    return {
        "digest": digest(message, raw),
        "message_id": next(iter(_message_ids(mime.header(message, "message-id"))), ""),
        "sender": senders[0] if senders else "",
        "subject": mime.header(message, "subject")[:SUBJECT_MAX],
        "recipients": mime.addresses(
            message, "to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"
        ),
        "answers": _message_ids(mime.header(message, "in-reply-to"), *reversed(mime.headers(message, "references"))),
        "text": _text([part for part, file in zip(parts, files, strict=True) if file is None]),
        "attachments": tuple(file or "?" for file in files if file is not None)[:20],
    }


def digest(message: Message, raw: bytes) -> bytes:
    """SHA-256 of what stays the same when a relay tries again, or when a mail comes by two ways.

    Servers on the way add lines to the head.  So who, when, Message-ID and all below the head make the mail; without a
    Message-ID all of it does.  Of long ones the beginning: IMAP fetches no more.
    """
    named = mime.header(message, "message-id")
    if not named:
        return sha256(raw[: mime.READ_MAX]).digest()
    head = [mime.header(message, name) for name in ("from", "date", "message-id")]
    _, _, below = raw[: mime.READ_MAX].replace(b"\r\n", b"\n").partition(b"\n\n")
    return sha256("\n".join(head).encode() + b"\n\n" + below[:DIGEST_BYTES]).digest()


def _text(parts: list[Message]) -> str:
    """What a person wrote: the plain form, or else the words of the HTML."""
    for wanted, read in (("text/plain", str), ("text/html", from_html)):
        for part in parts:
            if mime.kind(part) == wanted and (text := newest(read(mime.body(part)))):
                return text
    return ""


def _message_ids(*texts: str) -> tuple[str, ...]:
    """Without angle brackets.  References ends with the nearest."""
    found = [each for text in texts for each in reversed(_MESSAGE_ID.findall(text))]
    return tuple(dict.fromkeys(found))[:MESSAGE_IDS_MAX]


# -- reports --------------------------------------------------------------------------------------------


def _delivery_notice(message: Message, common: dict[str, Any]) -> DeliveryNotice | None:
    if mime.kind(message) == "multipart/report" and mime.parameter(message, "report-type") in (
        "delivery-status",
        "",
    ):
        parts = mime.children(message)
        for part in parts:
            if mime.kind(part) in ("message/delivery-status", "message/global-delivery-status"):
                first, *blocks = [*_blocks(part), Message()][: REPORTS_MAX + 1]
                reports = tuple(report for block in (first, *blocks) if (report := _report(block)) is not None)
                envid = mime.header(first, "original-envelope-id")
                return DeliveryNotice(**common, envid=envid, about=_returned(parts), reports=reports)
    if failed := mime.addresses(message, "x-failed-recipients"):  # Exim before 4.86 has no better form
        reports = tuple(
            Report(recipient=each, original="", action="failed", status=_status("", common["text"]), diagnostic="")
            for each in failed
        )
        return DeliveryNotice(**common, envid="", about=_returned(list(mime.leaves(message))), reports=reports)
    return None


def _blocks(part: Message) -> Iterator[Message]:
    """Groups of fields, which empty lines divide: first about the mail, then about each recipient."""
    for inner in mime.children(part):
        yield inner
        if rest := mime.content(inner):  # the parser knows the blocks of one of the two types only
            for block in re.split(rb"\r?\n[ \t]*\r?\n", rest)[:REPORTS_MAX]:
                yield mime.read(block.strip(b"\r\n"))


def _report(block: Message) -> Report | None:
    recipient = _typed_address(mime.header(block, "final-recipient"))
    original = _typed_address(mime.header(block, "original-recipient"))
    if not recipient and not original:
        return None
    diagnostic = mime.header(block, "diagnostic-code")[:DIAGNOSTIC_MAX]
    status = _status(mime.header(block, "status"), diagnostic)
    action = (mime.header(block, "action").lower().split() or [""])[0]
    if action not in _ACTIONS:
        action = _BY_STATUS.get(status[:1], "")
    return Report(recipient=recipient, original=original, action=action, status=status, diagnostic=diagnostic)


def _status(field: str, diagnostic: str) -> str:
    """5.1.1.  Some servers say 5.0.0 there, and what it is only in the words that they heard."""
    said = _STATUS.search(field)
    if said is None or said[0].endswith(".0.0"):
        said = _STATUS.search(diagnostic) or said
    return said[0] if said is not None else ""


def _typed_address(field: str) -> str:
    """rfc822; an@example.be"""
    _, _, address = field.rpartition(";")
    return address.strip().strip("<>").strip()[: mime.ADDRESS_MAX]


def _returned(parts: list[Message]) -> tuple[str, ...]:
    """Message-IDs of the mail that a report brings back, whole or its head."""
    found: list[str] = []
    for part in parts:
        name = mime.kind(part)
        if name in ("message/rfc822", "message/global", "message/global-headers"):
            found += [each for inner in mime.children(part) for each in _message_ids(mime.header(inner, "message-id"))]
        elif name == "text/rfc822-headers":
            found += _MESSAGE_ID_LINE.findall(mime.body(part))
    return tuple(dict.fromkeys(found))[:MESSAGE_IDS_MAX]


def _read_receipt(message: Message, common: dict[str, Any]) -> ReadReceipt | None:
    if mime.kind(message) != "multipart/report":
        return None
    for part in mime.children(message):
        if mime.kind(part) in ("message/disposition-notification", "message/global-disposition-notification"):
            fields = next(iter(mime.children(part)), Message())
            return ReadReceipt(
                **common,
                about=_message_ids(mime.header(fields, "original-message-id")),
                recipient=_typed_address(mime.header(fields, "final-recipient")),
                original=_typed_address(mime.header(fields, "original-recipient")),
                displayed="displayed" in mime.header(fields, "disposition").lower().partition(";")[2],
            )
    return None


# -- calendars and machines -----------------------------------------------------------------------------


def _calendar_answer(message: Message, common: dict[str, Any]) -> CalendarAnswer | None:
    for part in mime.leaves(message):
        if mime.kind(part) in ("text/calendar", "application/ics"):
            text = mime.body(part)
            if "METHOD:REPLY" in text.upper():  # there may be the same again as a file
                said = _reply(text)
                return CalendarAnswer(**common, **said) if said is not None else None
    return None


def _reply(text: str) -> dict[str, Any] | None:
    """What a REPLY says.  One that says it of more than one person or appointment is not one (RFC 5546 3.2.3)."""
    # As in balie.post.calendar: for a mail that few people's calendars send.
    from icalendar import Calendar

    try:
        calendar = Calendar.from_ical(text)
        (event,) = calendar.walk("VEVENT")
        attendee = event["ATTENDEE"]
        if str(calendar.get("METHOD", "")).upper() != "REPLY" or isinstance(attendee, list):
            return None
        return {
            "uid": mime.line(str(event["UID"]))[:250],
            "sequence": int(event.get("SEQUENCE", 0)),
            "attendee": re.sub(r"(?i)^mailto:", "", mime.line(str(attendee)))[: mime.ADDRESS_MAX],
            "answer": mime.line(str(attendee.params.get("PARTSTAT", ""))).upper()[:20],
            "comment": mime.clean(str(event.get("COMMENT", ""))).strip()[:2000],
        }
    except mime.BROKEN:
        return None


def _is_automatic(message: Message) -> bool:
    """Nobody wrote it (RFC 3834 5), or a machine from before that RFC says so in its own words."""
    submitted = mime.header(message, "auto-submitted").lower()
    if submitted and not submitted.startswith("no"):
        return True
    if any(mime.header(message, name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder")):
        return True
    return mime.header(message, "precedence").lower() in ("auto_reply", "auto-reply", "bulk", "junk")
