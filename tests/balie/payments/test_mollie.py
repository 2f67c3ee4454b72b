"""The adapter of Mollie's API, against servers that keep the contract and servers that do not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from balie.payments.errors import Down, Nonsense, ProviderError, Refused
from balie.payments.mollie import Account, Mollie
from balie.payments.provider import Method, RefundStatus, Status
from tests.support.acting import Clock
from tests.support.cashdesk import CashDesk, cash_desk
from tests.support.office import MONDAY_S
from web.demo_payment.cashier import EXPIRES_S, REFUND_S

ORDER = (900, "Badminton +++010/8068/17183+++", "https://balie.example/terug", "https://balie.example/bericht", "nl")


async def test_a_payment_from_its_beginning_to_its_refund() -> None:
    clock = Clock()
    async with cash_desk(clock) as (desk, mollie):
        made = await mollie.create("key-1", *ORDER)
        assert made.checkout_url.endswith(f"/demo/betaling/{made.external_id}")
        assert made.expires_s == MONDAY_S + EXPIRES_S
        assert await mollie.create("key-1", *ORDER) == made, "the same key is the same payment"
        assert len(desk.payments) == 1
        assert desk.payments[0].description == ORDER[1]
        waiting = await mollie.fetch(made.external_id)
        assert waiting == Status("open", "", 900, expires_s=MONDAY_S + EXPIRES_S)
        desk.cashier.choose(made.external_id, "betaald")
        assert await mollie.fetch(made.external_id) == Status("paid", "bancontact", 900, paid_s=MONDAY_S)
        back = await mollie.refund("key-2", made.external_id, 400, "te veel")
        assert back == RefundStatus(back.external_id, "pending", 400)
        assert await mollie.refund("key-2", made.external_id, 400, "te veel") == back
        assert (await mollie.fetch(made.external_id)).refunded_cents == 0, "it is on its way"
        clock.now_s += REFUND_S
        found = await mollie.fetch(made.external_id)
        assert (found.refunded_cents, found.refunds) == (400, (RefundStatus(back.external_id, "done", 400),))
        with pytest.raises(Refused):
            await mollie.refund("key-3", made.external_id, 501, "nog meer")


async def test_methods_come_from_the_provider_in_the_reader_s_language() -> None:
    async with cash_desk(Clock()) as (_desk, mollie):
        assert await mollie.methods(900, "fr") == [
            Method("bancontact", "Bancontact"),
            Method("banktransfer", "Virement bancaire"),
        ]


async def test_an_unknown_payment_is_refused() -> None:
    async with cash_desk(Clock()) as (_desk, mollie):
        with pytest.raises(Refused):
            await mollie.fetch("tr_unknown")


@pytest.mark.parametrize(
    ("fault", "error"), [("down", Down), ("lost", Down), ("nonsense", Nonsense), ("refused", Refused)]
)
@pytest.mark.parametrize("call", ["create", "fetch", "refund"])
async def test_faults_have_names(call: str, fault: str, error: type[ProviderError]) -> None:
    async with cash_desk(Clock()) as (desk, mollie):
        made = await mollie.create("key", *ORDER)
        desk.cashier.choose(made.external_id, "betaald")
        desk.fail(call, fault)
        with pytest.raises(error) as raised:
            await _do(call, desk, mollie)
        assert type(raised.value) is error


async def _do(call: str, desk: CashDesk, mollie: Mollie) -> object:
    match call:
        case "create":
            return await mollie.create("another", *ORDER)
        case "fetch":
            return await mollie.fetch(desk.payments[0].id)
        case _:
            return await mollie.refund("a key", desk.payments[0].id, 900, "")


PAYMENT: dict[str, Any] = {
    "id": "tr_1",
    "status": "paid",
    "amount": {"currency": "EUR", "value": "9.00"},
    "method": "bancontact",
    "paidAt": "2026-12-07T06:00:00+00:00",
    "_links": {},
}


@asynccontextmanager
async def answering(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> AsyncIterator[Mollie]:
    """An adapter of a server that always says the same."""

    async def say(_request: web.Request) -> web.Response:
        return web.Response(body=body, status=status, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", say)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with Mollie(Account("mollie", "k", url, timeout_s=5)) as mollie:
        yield mollie
    await runner.cleanup()


@pytest.mark.parametrize(
    "change",
    [
        {"id": "tr_2"},
        {"id": ""},
        {"status": "delighted"},
        {"amount": {"currency": "EUR", "value": "9,00"}},
        {"amount": {"currency": "EUR", "value": "-9.00"}},
        {"amount": {"currency": "EUR", "value": "9.000"}},
        {"amount": {"currency": "EUR", "value": "900000000.00"}},
        {"amount": "9.00"},
        {"paidAt": "yesterday"},
        {"paidAt": "2026-12-07T06:00:00"},
        {"method": "x" * 33},
        {"_embedded": {"refunds": [{"id": "re_1", "status": "gone", "amount": PAYMENT["amount"]}]}},
    ],
    ids=str,
)
async def test_another_shape_is_nonsense(change: dict[str, Any]) -> None:
    async with answering(json.dumps({**PAYMENT, **change}).encode()) as mollie:
        with pytest.raises(Nonsense):
            await mollie.fetch("tr_1")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"<html>", b"[" * 100_000, b" " * 1_000_001])
async def test_what_is_no_answer_is_nonsense(body: bytes) -> None:
    async with answering(body) as mollie:
        for call in (mollie.fetch("tr_1"), mollie.create("key", *ORDER), mollie.methods(900, "nl")):
            with pytest.raises(Nonsense):
                await call


@pytest.mark.parametrize(
    "href", ["", "http://pay.example/1", "javascript:alert(1)", "https://", "https://user@pay.example/", "/1", "//x"]
)
async def test_nobody_is_sent_to_a_page_that_is_none(href: str) -> None:
    made = {**PAYMENT, "status": "open", "_links": {"checkout": {"href": href}}}
    async with answering(json.dumps(made).encode(), 201) as mollie:
        with pytest.raises(Nonsense):
            await mollie.create("key", *ORDER)


async def test_another_currency_is_another_amount() -> None:
    async with answering(json.dumps({**PAYMENT, "amount": {"currency": "USD", "value": "9.00"}}).encode()) as mollie:
        assert (await mollie.fetch("tr_1")).amount_cents == -1


@pytest.mark.parametrize("status", [301, 302, 401, 403, 408, 409, 429, 500, 503])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    """A key that is wrong for a while says nothing of a payment; a redirect is not followed."""
    async with answering(b"{}", status, {"Location": "http://127.0.0.1:1/"}) as mollie:
        with pytest.raises(Down):
            await mollie.fetch("tr_1")


async def test_nobody_there() -> None:
    async with Mollie(Account("mollie", "k", "http://127.0.0.1:1", timeout_s=5)) as mollie:
        with pytest.raises(Down):
            await mollie.fetch("tr_1")


async def test_a_charge_back() -> None:
    lost = {**PAYMENT, "amountChargedBack": {"currency": "EUR", "value": "9.00"}}
    async with answering(json.dumps(lost).encode()) as mollie:
        assert (await mollie.fetch("tr_1")).charged_back_cents == 900


def test_the_key_is_in_no_repr() -> None:
    assert "live_secret" not in repr(Account("mollie", "live_secret"))
