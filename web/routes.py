"""Every URL of balie: those of the call and of programs here, those of citizens and of the desk in their folders."""

from __future__ import annotations

from aiohttp import web

from web import call_me, health, pages, whip_http, ws
from web.api.routes import ROUTES as API
from web.assets import ROUTES as ASSETS
from web.citizen.routes import ROUTES as CITIZEN
from web.desk.routes import ROUTES as DESK
from web.identity.routes import ROUTES as IDENTITY
from web.payments import ROUTES as PAYMENTS
from web.selftest.pages import ROUTES as SELFTEST

ROUTES = (
    *CITIZEN,
    *SELFTEST,
    *PAYMENTS,
    *DESK,
    *IDENTITY,
    *API,
    web.get("/call", pages.call),
    web.get("/g/{token}", pages.door, name="link"),
    web.post("/g/{token}/join", pages.join, name="link_join"),
    web.post("/g/{token}/bel-mij", call_me.ask),
    web.get("/ws", ws.ws, name="ws"),
    web.post("/{kind:whip|whep}/{room}", whip_http.create),
    web.options("/{kind:whip|whep}/{room}", whip_http.options),
    web.get("/{kind:whip|whep}/{room}", whip_http.nothing),
    web.patch("/{kind:whip|whep}/{room}/{id}", whip_http.change),
    web.delete("/{kind:whip|whep}/{room}/{id}", whip_http.end),
    web.options("/{kind:whip|whep}/{room}/{id}", whip_http.options),
    web.get("/{kind:whip|whep}/{room}/{id}", whip_http.nothing),
    web.get("/healthz", health.healthz),
    web.get("/readyz", health.readyz),
    web.get("/metrics", health.metrics),
    *ASSETS,
)
