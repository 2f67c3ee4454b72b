"""What the desk finds in the application beside web.keys."""

from __future__ import annotations

from aiohttp import web

from web.desk.gate import Gate

GATE = web.AppKey("GATE", Gate)
