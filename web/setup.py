"""Puts the web part into an application: routes, middlewares, templates, what handlers need."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from media.io.server import MediaServer
from signalling.hub import Hub
from signalling.whip import HttpSessions
from web import keys
from web.health import set_up_metrics
from web.middlewares import errors, security_headers
from web.pump import Pump
from web.render import environment
from web.routes import ROUTES


def set_up(
    *,
    media: MediaServer,
    hub: Hub,
    http_sessions: HttpSessions,
    links: keys.Links,
    site: keys.Site,
    readiness: keys.Readiness,
    unix_time: Callable[[], float],
) -> web.Application:
    """The application, ready to be run.  Who calls this starts and stops media and hub."""
    app = web.Application(middlewares=[security_headers, errors], client_max_size=1 << 20)
    app[keys.MEDIA], app[keys.HUB], app[keys.HTTP_SESSIONS] = media, hub, http_sessions
    app[keys.LINKS], app[keys.SITE], app[keys.READINESS] = links, site, readiness
    app[keys.UNIX_TIME] = unix_time
    app[keys.PAGES] = environment()
    app[keys.PUMP] = Pump(hub)
    set_up_metrics(app)
    app.add_routes(ROUTES)
    return app
