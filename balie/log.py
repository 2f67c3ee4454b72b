"""Structured logs without personal data: no token, session description, address or name leaves the process this way.

Redaction is the second line of defence.  The first is habit: an event is a constant text, values go in named fields,
and a field that would hold personal data is not logged.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog
from aiohttp.http_exceptions import BadHttpMessage

HIDDEN = "[hidden]"
PRIVATE_KEYS = frozenset(
    (
        "address",
        "answer",
        "authorization",
        "body",
        "cookie",
        "email",
        "headers",
        "host",
        "ip",
        "jwt",
        "key",
        "label",
        "name",
        "mail",
        "offer",
        "participant",
        "participants",
        "password",
        "path",
        "peer",
        "phone",
        "pwd",
        "query",
        "recipient",
        "remote",
        "room",
        "sdp",
        "secret",
        "sender",
        "session",
        "sub",
        "subject",
        "token",
        "ufrag",
        "url",
        "user_agent",
    )
)
"""Fields whose value is never written, whatever it is."""

# Behind a lookbehind and not a word boundary, which a hyphen would give at each of its places: that is quadratic.
_JWT = re.compile(r"(?<![\w-])[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
_LINK = re.compile(r"/(?:g|a|b|afspraak/bevestigd|identificatie/start)/[\w%-]+")
_ANSWER = re.compile(r"([?&](?:code|state|nonce|id_token_hint|session_state)=)[^&\s'\"]+")  # of an identity provider
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
_PHONE = re.compile(r"\+\d[\d ]{7,16}\d")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_SDP = re.compile(r"v=0(?:\\r|\\n|\r|\n).*", re.DOTALL)
_SDP_LINE = re.compile(r"\ba=(?:ice-ufrag|ice-pwd|fingerprint|candidate|ssrc|msid)[^\r\n\\'\"]*")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,}(?:%\w+)?")
_OPAQUE = re.compile(r"[A-Za-z0-9_-]{22,}")  # 22 characters of base64 are 128 bits


TALKATIVE = ("aioimaplib", "aiosqlite", "alembic", "mail.log", "sqlalchemy")
"""Libraries that tell at lower levels what they were given: statements with their values, senders and recipients."""


def redact(text: str) -> str:
    """A text without what opens a door or says who and where somebody is."""
    for pattern, put in (
        (_SDP, "[sdp]"),
        (_SDP_LINE, "[sdp]"),
        (_JWT, "[token]"),
        (_LINK, "/[link]"),
        (_ANSWER, r"\1[hidden]"),
        (_MAIL, "[mail]"),
    ):
        text = pattern.sub(put, text)
    text = _PHONE.sub("[phone]", _IPV4.sub("[ip]", text))
    text = _IPV6.sub(lambda match: "[ip]" if _is_ipv6(match[0]) else match[0], text)
    text = _OPAQUE.sub(lambda match: "[opaque]" if _is_random(match[0]) else match[0], text)
    return _CONTROL.sub("?", text)  # no colours, and no line that only looks like one of ours


def _is_ipv6(text: str) -> bool:
    # A time of day, 12:30:59, has two colons and no hole.
    return "::" in text or text.count(":") > 2


def _is_random(text: str) -> bool:
    """Tells base64 from identifiers, which tracebacks are full of: ClientConnectionResetError, test_of_something."""
    upper = sum(letter.isupper() for letter in text)
    digits = sum(letter.isdigit() for letter in text)
    lower = sum(letter.islower() for letter in text)
    return (upper > len(text) / 4 and lower > 2) or (digits > 2 and upper > 0 and lower > 0) or digits > len(text) / 4


def _clean(value: object) -> object:
    """A value to write: numbers as they are, containers cleaned inside, all else as redacted text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {str(key): HIDDEN if str(key).lower() in PRIVATE_KEYS else _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(each) for each in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return redact(str(value))


def redact_event(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor; the last before rendering, so that nothing is added after it."""
    cleaned = {
        key: value if key in ("timestamp", "level") else HIDDEN if key.lower() in PRIVATE_KEYS else _clean(value)
        for key, value in event.items()
        if not key.startswith("_")
    }
    event.clear()
    event.update(cleaned)
    return event


class _Handler(logging.StreamHandler[TextIO]):
    """When a record cannot be written, logging's own complaint would quote its arguments, names and all."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, its name in logging
        self.stream.write(f'{{"event": "unwritable_log_record", "logger": "{record.name}"}}\n')


class _NotTheVisitors(logging.Filter):
    """Of aiohttp's server: not a line, with a stack trace and his bytes, for every visitor who does not speak HTTP."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], BadHttpMessage))


def set_up(level: str, style: Literal["json", "console"], stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging to one stream, stderr by default, all redacted."""
    before: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if style == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            *before,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(stream if stream is not None else sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.add_logger_name],
            processors=[structlog.processors.format_exc_info, redact_event, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Access lines would hold the paths of personal links and the addresses of people; metrics count requests.
    logging.getLogger("aiohttp.access").disabled = True
    server = logging.getLogger("aiohttp.server")
    server.filters[:] = [_NotTheVisitors()]
