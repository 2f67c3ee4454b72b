"""Puts the web part into an application: routes, middlewares, templates, what handlers need."""

from __future__ import annotations

import os
from collections.abc import Callable

from aiohttp import web

from balie.booking.links import LinkKey
from balie.booking.slots import Calendars
from balie.store.engine import Store
from media.process.media import Media
from signalling.hub import Hub
from signalling.whip import HttpSessions
from web import keys, sms_reports
from web.api.limit import Limit
from web.api.operation import LIMIT
from web.desk.gate import Gate
from web.desk.keys import GATE
from web.desk.live import LIVE, Live
from web.health import set_up_metrics
from web.language import speak
from web.middlewares import errors, security_headers
from web.pump import Pump
from web.render import environment
from web.routes import ROUTES
from web.selftest.probes import PROBES, Probes


def set_up(
    *,
    media: Media,
    hub: Hub,
    http_sessions: HttpSessions,
    links: keys.Links,
    store: Store,
    calendars: Calendars,
    link_key: LinkKey,
    gate: Gate,
    site: keys.Site,
    readiness: keys.Readiness,
    unix_time: Callable[[], float],
    sms_secret: bytes = b"",
) -> web.Application:
    """The application, ready to be run.  Who calls this starts and stops media and hub.

    sms_secret: of the gateway for text messages; without one nobody can report, and there is no route for it
    """
    app = web.Application(middlewares=[speak, errors], client_max_size=1 << 20)
    app.on_response_prepare.append(security_headers)
    app[keys.MEDIA], app[keys.HUB], app[keys.HTTP_SESSIONS] = media, hub, http_sessions
    app[keys.LINKS], app[keys.SITE], app[keys.READINESS] = links, site, readiness
    app[keys.UNIX_TIME], app[keys.ENTROPY] = unix_time, os.urandom
    app[keys.STORE], app[keys.CALENDARS], app[keys.LINK_KEY], app[GATE] = store, calendars, link_key, gate
    app[LIMIT], app[PROBES] = Limit(), Probes()
    app[keys.PAGES] = environment()
    app[LIVE] = live = Live()
    app.on_shutdown.append(live.close)
    app[keys.PUMP] = Pump(hub, live.ring)
    set_up_metrics(app)
    app.add_routes(ROUTES)
    if sms_secret:
        app[sms_reports.SECRET] = sms_secret
        app.add_routes(sms_reports.ROUTES)
    return app
