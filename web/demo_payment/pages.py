"""The page on which a real provider would ask for a card.  Here one says how it goes, for nothing is paid."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, web

from balie.i18n import amount_words
from balie.i18n import gettext as _
from web import forms
from web.citizen.show import go
from web.demo_payment.api import BASE, CASHIER
from web.demo_payment.cashier import LATER_S, CashierError, Outcome, Payment
from web.render import page

OUTCOMES: tuple[Outcome, ...] = ("betaald", "geannuleerd", "mislukt", "later")
REPORT_S = 10.0

_log = structlog.get_logger("demo")


class Reporter:
    """Says that there is news of a payment, as providers do: a number, unsigned, and no more."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, found: Payment, after_s: float = 0) -> None:
        task = asyncio.create_task(self._post(found, after_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, _app: web.Application) -> None:
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _post(self, found: Payment, after_s: float) -> None:
        await asyncio.sleep(after_s)
        timeout = ClientTimeout(total=REPORT_S)
        try:
            async with (
                ClientSession(cookie_jar=DummyCookieJar(), timeout=timeout) as session,
                session.post(found.webhook_url, data={"id": found.id}) as response,
            ):
                _log.info("payment_reported", status=response.status)
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            _log.warning("payment_not_reported", reason=type(error).__name__)


REPORTER = web.AppKey("REPORTER", Reporter)


async def show(request: web.Request) -> web.Response:
    """GET …/{id}: what is to be paid, and how it shall go."""
    return _show(request, _found(request))


async def choose(request: web.Request) -> web.Response:
    """POST …/{id}: uitkomst is betaald, geannuleerd, mislukt or later."""
    form = await forms.read(request)
    found = _found(request)
    outcome = next((each for each in OUTCOMES if each == form.last("uitkomst")), None)
    if outcome is None or not request.app[CASHIER].choose(found.id, outcome):
        return _show(request, found, 409)
    if found.webhook_url:
        request.app[REPORTER].tell(found)
        if outcome == "later":
            request.app[REPORTER].tell(found, LATER_S + 1)
    return go(found.redirect_url)


def _found(request: web.Request) -> Payment:
    try:
        return request.app[CASHIER].find(request.match_info["id"])
    except CashierError:
        raise web.HTTPNotFound from None


def _show(request: web.Request, found: Payment, status: int = 200) -> web.Response:
    states = {
        "paid": _("Deze betaling is al gebeurd."),
        "pending": _("Deze betaling is onderweg."),
        "canceled": _("Deze betaling is geannuleerd."),
        "failed": _("Deze betaling is mislukt."),
        "expired": _("Deze betaling is vervallen."),
    }
    return page(
        request,
        "demo/payment/pay.html",
        status=status,
        url=f"{BASE}/{found.id}",
        amount=amount_words(found.cents),
        description=found.description,
        over=states.get(found.status, ""),
        back=found.redirect_url,
        later_s=LATER_S,
    )


ROUTES = (
    web.get(f"{BASE}/{{id:tr_[A-Z2-7]+}}", show),
    web.post(f"{BASE}/{{id:tr_[A-Z2-7]+}}", choose),
)
