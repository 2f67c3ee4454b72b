"""Cross-site requests: refused for everything that changes something or opens a connection."""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from web.keys import SITE


def check_origin(request: web.Request) -> None:
    """403 unless the request comes from our own page, or from no page at all (a program sends no Origin).

    Sec-Fetch-Site is the browser's own word (Fetch Metadata); Origin covers browsers without it.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        raise web.HTTPForbidden(text="Dit verzoek komt van een andere website.")
    origin = request.headers.get("Origin")
    if origin is None:
        return
    allowed = {str(URL(request.app[SITE].public_url).origin()), f"{request.scheme}://{request.host}"}
    if origin not in allowed:
        raise web.HTTPForbidden(text="Dit verzoek komt van een andere website.")
