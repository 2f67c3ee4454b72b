"""Every URL of balie, on one screen."""

from __future__ import annotations

from aiohttp import web

from web import health, pages, whip_http, ws
from web.render import STATIC

ROUTES = (
    web.get("/", pages.start),
    web.get("/call", pages.call),
    web.get("/g/{token}", pages.door, name="link"),
    web.post("/g/{token}/join", pages.join, name="link_join"),
    web.get("/ws", ws.ws, name="ws"),
    web.post("/{kind:whip|whep}/{room}", whip_http.create),
    web.patch("/{kind:whip|whep}/{room}/{id}", whip_http.change, name="http_session"),
    web.delete("/{kind:whip|whep}/{room}/{id}", whip_http.end),
    web.get("/healthz", health.healthz),
    web.get("/readyz", health.readyz),
    web.get("/metrics", health.metrics),
    web.static("/static", STATIC, append_version=False),
)
