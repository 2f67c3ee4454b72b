"""Around every request: security headers, and errors as pages for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog
from aiohttp import web

from web.keys import SITE
from web.render import page

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = structlog.get_logger("web")

PERMISSIONS = "camera=(self), microphone=(self), display-capture=(self), screen-wake-lock=(self), geolocation=()"


def content_security_policy(request: web.Request) -> str:
    """Nothing but our own files.  The WebSocket is named because Safari's 'self' does not cover ws: (WebKit 201591)."""
    scheme = "wss" if request.app[SITE].public_url.startswith("https:") else "ws"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "media-src 'self' blob:",
            f"connect-src 'self' {scheme}://{request.host}",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


@web.middleware
async def security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if response.prepared:  # a WebSocket: its headers are long gone
        return response
    headers = response.headers
    headers["Content-Security-Policy"] = content_security_policy(request)
    headers["Permissions-Policy"] = PERMISSIONS
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.app[SITE].public_url.startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if not request.path.startswith("/static/"):
        headers.setdefault("Cache-Control", "no-store")
    else:
        headers.setdefault("Cache-Control", "no-cache")
    return response


def _wants_page(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What happened, what to do, and the desk's telephone number; never a stack trace."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        status, text = error.status, error.text or ""
        kept = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
    except Exception as error:
        if isinstance(error, ConnectionError) and (request.transport is None or request.transport.is_closing()):
            raise  # the visitor went away meanwhile: nobody to answer, and nothing wrong
        # The path may hold a link's token: the route's pattern says where without it.
        resource = request.match_info.route.resource
        _log.exception("request_failed", method=request.method, route=resource.canonical if resource else "none")
        status, text, kept = 500, "", {}
    if _wants_page(request):
        response = page(request, "error.html", status=status, error_status=status, text=_own_words(status, text))
    else:
        title = HTTPStatus(status).phrase
        response = web.json_response({"title": title, "detail": text, "status": status}, status=status)
    response.headers.update(kept)
    return response


def _own_words(status: int, text: str) -> str:
    """aiohttp's default text is '404: Not Found', which is nothing to show to a citizen."""
    return "" if text.startswith(f"{status}: ") else text
