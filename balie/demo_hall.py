"""The demo's reservation system: web.demo_hall on the demo's own address, and how balie reaches it."""

from __future__ import annotations

import os
import secrets
import time

from aiohttp import web

from balie.config import Settings
from balie.sections.reservations import BackendSection, ReservationsSection
from balie.signing import SECRET_MIN_BYTES
from web.demo_hall import api, pages
from web.demo_hall.hall import Hall

NAME, KIND = "sporthal", "badminton"
"""As the demo's badminton product names them."""


def reservations(public_url: str) -> ReservationsSection:
    """The section that a real configuration would have."""
    backend = BackendSection(
        name=NAME,
        url=f"{public_url}{api.BASE}",
        public_url=f"{public_url}{pages.BASE}/{KIND}",
        secret=secrets.token_urlsafe(SECRET_MIN_BYTES),
    )
    return ReservationsSection((backend,))


def open_in(app: web.Application, settings: Settings, zone: str) -> Hall:
    """Put its pages and its side of the contract into the demo.  Close what this returns at the end."""
    (backend,) = settings.reservations.backends
    hall = Hall(settings.folder / "sporthal.sqlite", zone, time.time, os.urandom)
    app[api.HALL], app[api.SECRET] = hall, backend.secret.encode()
    app.add_routes((*api.ROUTES, *pages.ROUTES))
    return hall
