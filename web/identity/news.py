"""Telling a call that something of a formal act changed."""

from __future__ import annotations

from aiohttp import web

from web.keys import HUB, PUMP

NEWS = "acts"
"""What everybody in the room is told to fetch again."""


def tell(app: web.Application, room: str) -> None:
    app[HUB].tell(room, NEWS)
    app[PUMP].flush()
