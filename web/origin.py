"""Cross-site requests: refused for everything that changes something or opens a connection."""

from __future__ import annotations

import re

from aiohttp import web
from yarl import URL

from web.keys import SITE
from web.problems import Refused

_ADDRESS = re.compile(r"(?:localhost|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""A Host that nobody else can make point here."""


def own_origins(request: web.Request) -> set[str]:
    """Where our own pages are: at public_url, and at the address in Host if it is one, for a look from the machine.

    A name in Host is not believed: somebody who points a name of his own at this server (DNS rebinding) would have
    his page taken for ours.
    """
    origins = {str(URL(request.app[SITE].public_url).origin())}
    if _ADDRESS.fullmatch(request.host):
        origins.add(f"{request.scheme}://{request.host}")
    return origins


def check_origin(request: web.Request) -> None:
    """403 unless the request comes from our own page, or from no page at all (a program sends no Origin).

    Sec-Fetch-Site is the browser's own word (Fetch Metadata); Origin covers browsers without it.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site not in (None, "same-origin", "none") or (origin is not None and origin not in own_origins(request)):
        raise Refused(text="Dit verzoek komt van een andere website.")
