"""The demo's payment provider: web.demo_payment on the demo's own address, and how balie reaches it."""

from __future__ import annotations

import secrets
import time

from aiohttp import web

from balie.config import Settings
from balie.sections.payments import PaymentsSection
from web.demo_payment import api, pages
from web.demo_payment.cashier import Cashier

NAME = "demo"
"""In the database and in the address of its webhook: a payment of the demo never looks like a real one."""


def payments(public_url: str) -> PaymentsSection:
    """The section that a real configuration would have."""
    return PaymentsSection(NAME, f"{public_url}{api.BASE}", secrets.token_urlsafe(24))


def open_in(app: web.Application, settings: Settings) -> None:
    """Put its pages and its side of the contract into the demo."""
    app[api.CASHIER] = Cashier(time.time, settings.payments.key)
    app[pages.REPORTER] = reporter = pages.Reporter()
    app.on_cleanup.append(reporter.close)
    app.add_routes((*api.ROUTES, *pages.ROUTES))
