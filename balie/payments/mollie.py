"""Mollie's Payments API, version 2 (docs.mollie.com), by plain HTTP; and every system that speaks the same.

Every answer is checked against what we need of it, never trusted: too large, too late or of another shape is Nonsense
or Down.  What the webhook says is not read here: it is only a reason to fetch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar
from yarl import URL

from balie.exchange import NoAnswerError, TooLargeError, exchange
from balie.payments.errors import Down, Nonsense, Refused
from balie.payments.provider import (
    DESCRIPTION_MAX,
    ID_MAX,
    METHOD_MAX,
    URL_MAX,
    Created,
    Method,
    PaymentState,
    RefundState,
    RefundStatus,
    Status,
)

API = "https://api.mollie.com"
CURRENCY = "EUR"
ANSWER_MAX = 1_000_000  # bytes: a payment with its refunds is some kilobytes
LOCALES = {"nl": "nl_BE", "fr": "fr_BE", "en": "en_GB", "de": "de_DE"}
TRY_LATER = (401, 403, 408, 409, 425, 429)
"""401, 403: our key is wrong, which says nothing of a payment.  409: the first request with this key is under way."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_MAX, pattern=r"\A[A-Za-z0-9_.-]+\Z")]
_CENTS = re.compile(r"([0-9]{1,8})\.([0-9]{2})")

_STATES: dict[str, PaymentState] = {
    "open": "open",
    "pending": "pending",
    "authorized": "pending",  # of methods that are captured later: not paid yet
    "paid": "paid",
    "canceled": "canceled",
    "expired": "expired",
    "failed": "failed",
}
_REFUNDS: dict[str, RefundState] = {
    "queued": "pending",
    "pending": "pending",
    "processing": "pending",
    "refunded": "done",
    "failed": "failed",
    "canceled": "failed",
}

Shape = TypeVar("Shape")


class _Amount(msgspec.Struct, frozen=True):
    currency: str
    value: str


class _Link(msgspec.Struct, frozen=True):
    href: Annotated[str, msgspec.Meta(max_length=URL_MAX)]


class _Links(msgspec.Struct, frozen=True):
    checkout: _Link | None = None


class _Refund(msgspec.Struct, frozen=True):
    id: Id
    status: Literal["queued", "pending", "processing", "refunded", "failed", "canceled"]
    amount: _Amount


class _Refunds(msgspec.Struct, frozen=True):
    refunds: Annotated[list[_Refund], msgspec.Meta(max_length=1000)] = []


class _Payment(msgspec.Struct, frozen=True, rename="camel"):
    id: Id
    status: Literal["open", "pending", "authorized", "paid", "canceled", "expired", "failed"]
    amount: _Amount
    method: Annotated[str, msgspec.Meta(max_length=METHOD_MAX, pattern=r"\A[ -~]*\Z")] | None = None
    paid_at: datetime | None = None
    expires_at: datetime | None = None
    amount_refunded: _Amount | None = None
    amount_charged_back: _Amount | None = None
    links: _Links = msgspec.field(default_factory=_Links, name="_links")
    embedded: _Refunds | None = msgspec.field(default=None, name="_embedded")


class _Method(msgspec.Struct, frozen=True):
    id: Id
    description: Annotated[str, msgspec.Meta(max_length=100)]


class _MethodList(msgspec.Struct, frozen=True):
    methods: Annotated[list[_Method], msgspec.Meta(max_length=100)]


class _Methods(msgspec.Struct, frozen=True):
    embedded: _MethodList = msgspec.field(name="_embedded")


@dataclass(frozen=True)
class Account:
    """Whose money it is.

    name  of the provider, in our tables and in the webhook's address
    url   everything is under it: API, or a system that speaks the same
    """

    name: str
    key: str = field(repr=False)
    url: str = API
    timeout_s: float = 10


class Mollie:
    """A Provider.  Use in an `async with`: its connections last until it ends."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def name(self) -> str:
        return self._account.name

    async def __aenter__(self) -> Mollie:
        self._session = ClientSession(
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=self._account.timeout_s),
            headers={
                "User-Agent": "balie",
                "Accept": "application/json",
                "Authorization": f"Bearer {self._account.key}",
            },
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def create(
        self, key: str, amount_cents: int, description: str, return_url: str, webhook_url: str, locale: str
    ) -> Created:
        body = {
            "amount": _amount(amount_cents),
            "description": description[:DESCRIPTION_MAX],
            "redirectUrl": return_url,
            "webhookUrl": webhook_url,
            "locale": LOCALES.get(locale, LOCALES["nl"]),
        }
        found = await self._ask("POST", "/v2/payments", _Payment, key=key, body=body)
        checkout = found.links.checkout.href if found.links.checkout is not None else ""
        # One that was made before, and whose answer was lost, may be over by now: then there is no page any more.
        if (checkout or found.status == "open") and not _is_page(checkout):
            raise Nonsense("a payment without a page to pay it on")
        return Created(found.id, checkout, _unix_s(found.expires_at))

    async def fetch(self, external_id: str) -> Status:
        path = f"/v2/payments/{quote(external_id, safe='')}?embed=refunds"
        found = await self._ask("GET", path, _Payment)
        if found.id != external_id:
            raise Nonsense("another payment than the one that was asked for")
        refunds = tuple(_refund(each) for each in found.embedded.refunds) if found.embedded is not None else ()
        # amountRefunded also counts what is still on its way; the list, where there is one, says what arrived.
        done = sum(each.amount_cents for each in refunds if each.state == "done")
        refunded = done if found.embedded is not None else _cents(found.amount_refunded)
        return Status(
            state=_STATES[found.status],
            method=found.method or "",
            amount_cents=_cents(found.amount) if found.amount.currency == CURRENCY else -1,
            refunded_cents=refunded,
            charged_back_cents=_cents(found.amount_charged_back),
            paid_s=_unix_s(found.paid_at),
            expires_s=_unix_s(found.expires_at),
            refunds=refunds,
        )

    async def refund(self, key: str, external_id: str, amount_cents: int, description: str) -> RefundStatus:
        path = f"/v2/payments/{quote(external_id, safe='')}/refunds"
        body = {"amount": _amount(amount_cents), "description": description[:DESCRIPTION_MAX]}
        return _refund(await self._ask("POST", path, _Refund, key=key, body=body))

    async def methods(self, amount_cents: int, locale: str) -> list[Method]:
        amount = _amount(amount_cents)
        query = {
            "amount[value]": amount["value"],
            "amount[currency]": amount["currency"],
            "locale": LOCALES.get(locale, LOCALES["nl"]),
        }
        found = await self._ask("GET", f"/v2/methods?{urlencode(query)}", _Methods)
        return [Method(each.id, each.description) for each in found.embedded.methods]

    async def _ask(
        self, method: str, path: str, shape: type[Shape], *, key: str = "", body: Mapping[str, object] | None = None
    ) -> Shape:
        headers = {"Idempotency-Key": key} if key else {}
        content = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        status, answer = await self._send(method, path, content, headers)
        _check(status)
        try:
            return msgspec.json.decode(answer, type=shape)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Nonsense(f"{method} {path.partition('?')[0]}: {error}") from None

    async def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        url = URL(self._account.url.rstrip("/") + path, encoded=True)
        try:
            return await exchange(self._session, method, url, ANSWER_MAX, headers=headers, data=content or None)
        except TooLargeError as error:
            raise Nonsense(str(error)) from None
        except NoAnswerError as error:
            raise Down(str(error)) from None


def _check(status: int) -> None:
    """A 4xx that waiting does not change: asking again is pointless; everything else: try again."""
    if 400 <= status <= 499 and status not in TRY_LATER:
        raise Refused(str(status))
    if not 200 <= status <= 299:
        raise Down(str(status))


def _amount(cents: int) -> dict[str, str]:
    return {"currency": CURRENCY, "value": f"{cents // 100}.{cents % 100:02d}"}


def _cents(amount: _Amount | None) -> int:
    if amount is None:
        return 0
    match = _CENTS.fullmatch(amount.value)
    if match is None:
        raise Nonsense("an amount that is none")
    return int(match[1]) * 100 + int(match[2])


def _refund(found: _Refund) -> RefundStatus:
    return RefundStatus(found.id, _REFUNDS[found.status], _cents(found.amount))


def _unix_s(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise Nonsense("a time without its zone")
    return int(moment.timestamp())


def _is_page(url: str) -> bool:
    """Something that a browser may be sent to: https, or this very machine."""
    try:
        found = URL(url)
    except ValueError:
        return False
    if not (url.isascii() and url.isprintable()):
        return False  # it goes into a header
    local = found.scheme == "http" and found.host in ("localhost", "127.0.0.1", "::1")
    return bool(found.host) and (found.scheme == "https" or local) and found.user is None
