"""The provider's side of the contract: of Mollie's Payments API, version 2, what balie.payments.mollie asks."""

from __future__ import annotations

import functools
import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from web.demo_payment.cashier import METHODS, Cashier, CashierError, Payment, Refund

CASHIER: web.AppKey[Cashier] = web.AppKey("CASHIER")
BASE = "/demo/betaling"
BODY_MAX = 10_000

Handler = Callable[[web.Request], Awaitable[web.Response]]


class _Amount(msgspec.Struct, frozen=True):
    currency: str
    value: str


class _Payment(msgspec.Struct, frozen=True, rename="camel"):
    amount: _Amount
    description: str
    redirect_url: str
    webhook_url: str = ""


class _Refund(msgspec.Struct, frozen=True):
    amount: _Amount
    description: str = ""


def _authorised(handler: Handler) -> Handler:
    """401 for who does not have the key; everything else that is wrong as the contract says it."""

    @functools.wraps(handler)
    async def checked(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, f"Bearer {request.app[CASHIER].key}".encode()):
            return _wrong(401, "Missing authentication, or failed to authenticate.")
        try:
            return await handler(request)
        except CashierError as error:
            return _wrong(error.status, error.detail)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _wrong(422, str(error))

    return checked


def _wrong(status: int, detail: str) -> web.Response:
    return web.json_response({"status": status, "title": "Error", "detail": detail}, status=status)


@_authorised
async def create(request: web.Request) -> web.Response:
    """POST /v2/payments"""
    asked = msgspec.json.decode(await _body(request), type=_Payment)
    key, cents = request.headers.get("Idempotency-Key", ""), _cents(asked.amount)
    made = request.app[CASHIER].create(key, cents, asked.description, asked.redirect_url, asked.webhook_url)
    return web.json_response(_shown(request, made), status=201)


@_authorised
async def fetch(request: web.Request) -> web.Response:
    """GET /v2/payments/{id}"""
    return web.json_response(_shown(request, request.app[CASHIER].find(request.match_info["id"])))


@_authorised
async def refund(request: web.Request) -> web.Response:
    """POST /v2/payments/{id}/refunds"""
    asked = msgspec.json.decode(await _body(request), type=_Refund)
    key, cents = request.headers.get("Idempotency-Key", ""), _cents(asked.amount)
    cashier = request.app[CASHIER]
    made = cashier.refund(key, request.match_info["id"], cents, asked.description)
    return web.json_response(_refund(cashier, made), status=201)


@_authorised
async def methods(request: web.Request) -> web.Response:
    """GET /v2/methods"""
    locale = request.query.get("locale", "")
    found = [{"id": key, "description": names.get(locale, names["nl_BE"])} for key, names in METHODS.items()]
    return web.json_response({"count": len(found), "_embedded": {"methods": found}})


async def _body(request: web.Request) -> bytes:
    body = await request.content.read(BODY_MAX + 1)
    if len(body) > BODY_MAX:
        raise CashierError(413, "The request is too large.")
    return body


def _cents(amount: _Amount) -> int:
    match = re.fullmatch(r"([0-9]{1,7})\.([0-9]{2})", amount.value)
    if match is None or amount.currency != "EUR":
        raise CashierError(422, "The amount is invalid.")
    return int(match[1]) * 100 + int(match[2])


def _amount(cents: int) -> dict[str, str]:
    return {"currency": "EUR", "value": f"{cents // 100}.{cents % 100:02d}"}


def _moment(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds")


def _refund(cashier: Cashier, found: Refund) -> dict[str, Any]:
    status = "refunded" if cashier.arrived(found) else "pending"
    return {"resource": "refund", "id": found.id, "status": status, "amount": _amount(found.cents)}


def _shown(request: web.Request, found: Payment) -> dict[str, Any]:
    cashier, refunds = request.app[CASHIER], found.refunds
    shown: dict[str, Any] = {
        "resource": "payment",
        "id": found.id,
        "mode": "test",
        "status": found.status,
        "amount": _amount(found.cents),
        "description": found.description,
        "method": found.method or None,
        "createdAt": _moment(found.created_s),
        "amountRefunded": _amount(sum(each.cents for each in refunds)),
        "_embedded": {"refunds": [_refund(cashier, each) for each in refunds]},
        "_links": {},
    }
    if found.paid_s is not None:
        shown["paidAt"] = _moment(found.paid_s)
    if found.status == "open":
        shown["expiresAt"] = _moment(found.expires_s)
        href = str(request.url.origin().with_path(f"{BASE}/{found.id}"))
        shown["_links"]["checkout"] = {"href": href, "type": "text/html"}
    return shown


ROUTES = (
    web.post(f"{BASE}/v2/payments", create),
    web.get(f"{BASE}/v2/payments/{{id}}", fetch),
    web.post(f"{BASE}/v2/payments/{{id}}/refunds", refund),
    web.get(f"{BASE}/v2/methods", methods),
)
