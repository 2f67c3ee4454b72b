"""Reads MIME that anybody may have sent: bounded in size, lines, parts and depth, and never raises.

The standard library's parser keeps headers as text (compat32), so nothing of a header is understood before it is asked
for.  Everything that leaves this module is text that a database and a page can hold: no NUL, no control characters, no
lone surrogates, nothing that turns the direction of writing round.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

READ_MAX = 262_144  # bytes of a mail that are looked at: a notice is its beginning, and attachments are not kept
LINES_MAX = 10_000
NESTING_MAX = 40  # the parser tries the boundary of every level on every line
PARTS_MAX = 500
HEADER_MAX = 2_000  # characters of a header
ADDRESS_MAX = 254  # RFC 5321 4.5.3.1.3
ADDRESSES_MAX = 50
TEXT_BYTES_MAX = 65_536  # of one part

BROKEN = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, MessageError)
"""What the standard library raises on input that it did not foresee; UnicodeError and binascii.Error are among them."""

_NESTS = re.compile(rb"boundary|message/", re.IGNORECASE)
_BEGINS_PART = re.compile(rb"^--", re.MULTILINE)
_UNFIT = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NO_CHARSETS = ("punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined")
"""Text encodings of Python that no mail is written in: slow, or with warnings."""


def read(raw: bytes) -> Message:
    """A mail, as far as it is looked at.  One that cannot be read at all is empty."""
    try:
        return message_from_bytes(bounded(raw))
    except BROKEN:
        return Message()


def bounded(raw: bytes) -> bytes:
    """The beginning of a mail that costs no more to parse than any other."""
    raw = raw[:READ_MAX]
    for pattern, most in ((re.compile(rb"\n"), LINES_MAX), (_BEGINS_PART, PARTS_MAX), (_NESTS, NESTING_MAX)):
        for count, found in enumerate(pattern.finditer(raw)):
            if count == most:
                raw = raw[: found.start()]
                break
    return raw


def children(message: Message) -> list[Message]:
    """The parts right in it."""
    payload = message.get_payload() if message.is_multipart() else []
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def leaves(message: Message) -> Iterator[Message]:
    """Its parts that hold something themselves, in order; a mail in a mail is one of them."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if kind(part).startswith("multipart/"):
            waiting.extend(reversed(children(part)))
        else:
            yield part


def kind(part: Message) -> str:
    """Such as text/plain."""
    try:
        return part.get_content_type()
    except BROKEN:
        return "text/plain"


def parameter(part: Message, name: str, header_name: str = "content-type") -> str:
    """Of a structured header, in lower case."""
    try:
        value = part.get_param(name, "", header_name)
        return clean(value[2] if isinstance(value, tuple) else str(value)).strip().lower()[:200]
    except BROKEN:
        return ""


def attachment(part: Message) -> str | None:
    """The name of a part that is one, else None."""
    try:
        attached = part.get_content_disposition() == "attachment"
        name = part.get_filename() or ""
    except BROKEN:
        attached, name = False, ""
    inline = kind(part).startswith(("text/", "message/"))
    return line(_words(name)) if attached or (name and not inline) else None


def header(message: Message, name: str) -> str:
    """The first of a name, decoded, on one line; nothing when there is none."""
    return next(iter(headers(message, name)), "")


def headers(message: Message, name: str) -> list[str]:
    """All of a name, decoded, each on one line."""
    found = [value for key, value in message.raw_items() if key.lower() == name]
    return [line(_words(str(value)[:HEADER_MAX])) for value in found[:20]]


def addresses(message: Message, *names: str) -> tuple[str, ...]:
    """The mail addresses in headers, as they are written, each once."""
    texts = [text for name in names for text in headers(message, name)]
    try:
        pairs = getaddresses(texts)
    except BROKEN:
        return ()
    found = [address for _, address in pairs if "@" in address and len(address) <= ADDRESS_MAX]
    return tuple(dict.fromkeys(found))[:ADDRESSES_MAX]


def body(part: Message) -> str:
    """The text of a part, in whatever encoding it came."""
    try:
        charset = part.get_content_charset() or ""
    except BROKEN:
        charset = ""
    return clean(decode(content(part)[:TEXT_BYTES_MAX], charset))


def content(part: Message) -> bytes:
    """The bytes of a part, without the encoding in which they travelled."""
    try:
        data = part.get_payload(decode=True)
    except BROKEN:
        return b""
    return data if isinstance(data, bytes) else b""


def decode(data: bytes, charset: str) -> str:
    """Bytes as text.  What says nothing of itself, or ASCII, or nonsense, is UTF-8 or else Windows'."""
    try:
        codec = codecs.lookup(charset)
        if codec.name not in ("ascii", *_NO_CHARSETS):
            return data.decode(codec.name, "replace")
    except (LookupError, ValueError):
        pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end == len(data) and error.start >= len(data) - 3:  # cut within a character
            return data[: error.start].decode("utf-8")
        return data.decode("cp1252", "replace")


def clean(text: str) -> str:
    """A text without what cannot be stored or shown; lines end in a newline."""
    return _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def line(text: str) -> str:
    """A text on one line."""
    return " ".join(clean(text).split())


def _words(raw: str) -> str:
    """A header's encoded words (RFC 2047) as text."""
    raw = decode(raw.encode("utf-8", "surrogateescape"), "") if not raw.isascii() else raw
    if "=?" not in raw:
        return raw
    try:
        pieces = decode_header(raw)
    except BROKEN:
        return raw
    return "".join(decode(piece, charset or "") if isinstance(piece, bytes) else piece for piece, charset in pieces)
