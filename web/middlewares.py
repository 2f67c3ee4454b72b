"""Around every request: security headers, and errors as pages for people and problem details for programs.

A request whose address cannot be read is an error before any handler sees it (web.legible).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import hdrs, web

from balie.i18n import language, speaking
from web import legible
from web.desk import missing
from web.keys import SITE
from web.origin import own_origins
from web.problems import Refused, SignedIn, problem
from web.render import page

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = structlog.get_logger("web")

PERMISSIONS = "camera=(self), microphone=(self), display-capture=(self), screen-wake-lock=(self), geolocation=()"
KEPT_HEADERS = ("Allow", "Connection", "Retry-After", "Upgrade")
"""What an error may say beside its body."""


def content_security_policy(request: web.Request) -> str:
    """Nothing but our own files.  The WebSocket is named because Safari's 'self' does not cover ws: (WebKit 201591)."""
    # An IPv6 address is not allowed in a policy; those who visit one have a browser whose 'self' is enough.
    sockets = sorted(origin.replace("http", "ws", 1) for origin in own_origins(request) if "[" not in origin)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "media-src 'self' blob:",
            " ".join(("connect-src 'self'", *sockets)),
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


async def security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """on_response_prepare: for everything that leaves, errors and the WebSocket's 101 included."""
    headers = response.headers
    # A download has a stricter one (web.documents.sending); nothing else brings any.
    headers.setdefault("Content-Security-Policy", content_security_policy(request))
    headers["Permissions-Policy"] = PERMISSIONS
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.app[SITE].public_url.startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    headers.setdefault("Cache-Control", "no-cache" if request.path.startswith("/static/") else "no-store")
    # Which version of which library runs here helps those who look for a known hole.
    headers.popall(hdrs.SERVER, None)


def _wants_page(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What happened, what to do, and the desk's telephone number; never a stack trace."""
    kept: dict[str, str] = {}
    text, spoken, signed_in = "", language(), False
    try:
        legible.check(request)
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        status = error.status
        kept = {name: error.headers[name] for name in KEPT_HEADERS if name in error.headers}
        if isinstance(error, Refused):
            text, spoken, signed_in = error.text or "", error.language, isinstance(error, SignedIn)
    except web.RequestPayloadError:
        status = 400  # a body that is not what its headers say
    except Exception as error:
        if isinstance(error, ConnectionError) and (request.transport is None or request.transport.is_closing()):
            # The visitor went away meanwhile: nobody to answer, and nothing wrong.  Raised, aiohttp would log an error.
            return web.Response(status=400)
        log_failure(request)
        status = 500
    response: web.Response | None = None
    if status == 404 and _wants_page(request):
        response = await _missing(request)
    if response is None and _wants_page(request):
        with speaking(spoken):
            response = page(request, "error.html", status=status, error_status=status, text=text, signed_in=signed_in)
    elif response is None:
        response = problem(status, detail=text)
    response.headers.update(kept)
    return response


async def _missing(request: web.Request) -> web.Response | None:
    """A page of the desk for who works there.  Whatever happens on the way to it, an error stays an answer."""
    try:
        return await missing.page(request)
    except Exception:
        log_failure(request)
        return None


def log_failure(request: web.Request) -> None:
    """A mistake of ours, from within its except.  Not the path, which may hold a link's token: the route's pattern."""
    resource = request.match_info.route.resource
    _log.exception("request_failed", method=request.method, route=resource.canonical if resource else "none")
