"""A payment provider behind real HTTP, which speaks the contract of Mollie's API and breaks it as it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from balie.payments.mollie import Account, Mollie
from web.demo_payment import api
from web.demo_payment.cashier import Cashier, Payment

KEY = "test_of_the_tests"
NAME = "mollie"


@dataclass
class CashDesk:
    """faults  by call (create, fetch, refund) what goes wrong, the first first: down (nothing was done), lost (it was
            done, and the answer got lost), nonsense (the same), refused, amount (it is for another amount)
    broken  goes wrong in every call, until it is emptied
    """

    cashier: Cashier
    url: str = ""
    faults: dict[str, deque[str]] = field(default_factory=dict)
    broken: str = ""
    calls: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def fail(self, call: str, *faults: str) -> None:
        self.faults.setdefault(call, deque()).extend(faults)

    @property
    def payments(self) -> list[Payment]:
        return list(self.cashier._payments.values())

    def _fault(self, call: str) -> str:
        if self.broken:
            return self.broken
        return self.faults[call].popleft() if self.faults.get(call) else ""

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        call = {"POST": "refund" if request.path.endswith("/refunds") else "create", "GET": "fetch"}[request.method]
        self.calls.append(call)
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        fault = self._fault(call)
        if fault == "down":
            return web.Response(status=503)
        if fault == "refused":
            return web.json_response({"status": 422, "title": "Unprocessable Entity"}, status=422)
        answer = await handler(request)
        if fault == "lost":
            return web.Response(status=502)
        if fault == "nonsense":
            return web.json_response({"id": "tr_1", "status": "delighted"})
        if fault == "amount":
            assert isinstance(answer, web.Response) and answer.text is not None
            return web.Response(text=answer.text.replace('"value": "9.00"', '"value": "0.90"', 1), status=answer.status)
        return answer


@asynccontextmanager
async def cash_desk(clock: Callable[[], float]) -> AsyncIterator[tuple[CashDesk, Mollie]]:
    """The provider, and the adapter that speaks to it."""
    desk = CashDesk(Cashier(clock, KEY))

    @web.middleware
    async def fail(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await desk.serve(request, handler)

    app = web.Application(middlewares=[fail])
    app[api.CASHIER] = desk.cashier
    app.add_routes(api.ROUTES)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    desk.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with Mollie(Account(NAME, KEY, f"{desk.url}{api.BASE}", timeout_s=5)) as provider:
            yield desk, provider
    finally:
        await runner.cleanup()
