"""Asking a provider something: bounded in time and size, no redirects, no cookies, and what comes back is of a type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

from balie.exchange import NoAnswerError, TooLargeError, exchange
from balie.identity.errors import IdentityError

TIMEOUT_S = 10.0
BYTES_MAX = 256 << 10  # a key set of a large provider is some ten kB

T = TypeVar("T")


def open_session(timeout_s: float = TIMEOUT_S) -> ClientSession:
    """For all requests to providers; who calls this closes it."""
    return ClientSession(
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=timeout_s),
        # A few kB of a compressed answer may be gigabytes: we ask for none, and do not unpack any.
        auto_decompress=False,
        headers={"User-Agent": "balie", "Accept": "application/json", "Accept-Encoding": "identity"},
    )


async def ask(
    session: ClientSession,
    url: str,
    kind: type[T],
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    refused: str = "",
) -> T:
    """GET, or POST with a form; the JSON of a 200.  IdentityError.

    refused  the code for a 400 or 401 with an OAuth error; without it these are nonsense too
    """
    method = "GET" if form is None else "POST"
    try:
        status, body = await exchange(session, method, url, BYTES_MAX, headers=headers, data=form)
    except TooLargeError as error:
        raise IdentityError("provider_nonsense", f"{method}: {error}") from None
    except NoAnswerError as error:
        raise IdentityError("provider_down", str(error)) from None
    if status >= 500 or status == 429:
        raise IdentityError("provider_down", str(status))
    if refused and status in (400, 401):
        raise IdentityError(refused, _oauth_error(body))
    if status != 200:
        raise IdentityError("provider_nonsense", f"{method}: {status}")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # Of a type that is wrong, the reason names a field and the types, never a value.
        reason = str(error) if isinstance(error, msgspec.ValidationError) else ""
        raise IdentityError("provider_nonsense", reason) from None


class _Refusal(msgspec.Struct):
    error: str = ""


def _oauth_error(body: bytes) -> str:
    """The code of an OAuth error (RFC 6749, 5.2), if it looks like one."""
    try:
        found = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return plain_code(found)


def plain_code(text: str) -> str:
    """An error code that is fit for a log: a word of small letters, or nothing."""
    return text if len(text) <= 40 and text.isascii() and text.replace("_", "").isalpha() else ""
