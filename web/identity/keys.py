"""What handlers of these pages find in the application."""

from __future__ import annotations

from aiohttp import web

from balie.identity.service import Identities

IDENTITIES = web.AppKey("IDENTITIES", Identities)


def identities(request: web.Request) -> Identities | None:
    """None where no provider is set up."""
    return request.app.get(IDENTITIES)
