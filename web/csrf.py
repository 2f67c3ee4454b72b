"""Forms that another website sends in a visitor's name: refused.

What decides is the browser's own word, which no page can change: Sec-Fetch-Site (Fetch Metadata), or else Origin.
Our pages say Referrer-Policy: no-referrer, so a form of ours comes with `Origin: null` (Fetch standard, "append a
request Origin header"): null alone says nothing.  Browsers that say nothing at all are older than March 2023.

That is enough for citizens: no cookie of theirs has any power by itself.  What a form may do comes from the secret in
its path (a personal link) or among its fields (a held slot, the word of a draft), and who does not know it has nothing
to send.  Staff are known by a session cookie, so their forms carry a token too: an HMAC of the session, worth nothing
in any other.
"""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import web

from balie.booking.links import LinkKey
from balie.i18n import gettext as _
from web.origin import own_origins
from web.problems import Refused

FIELD = "csrf"
"""Of a form, where token() goes."""

_PURPOSE = b"balie form\0"  # the key of links signs other things too


def check(request: web.Request) -> None:
    """403 when the browser says that another website sent this."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        ours = site in ("same-origin", "none")
    else:
        ours = request.headers.get("Origin", "null") in {"null", *own_origins(request)}
    if not ours:
        raise Refused(text=_("Dit verzoek komt van een andere website."))


def token(key: LinkKey, session: str) -> str:
    """For the forms of a session.  session is its secret; the token does not give it away."""
    return hmac.new(key.secret, _PURPOSE + session.encode(), hashlib.sha256).hexdigest()


def check_token(key: LinkKey, session: str, found: str) -> None:
    """403 unless a form has the token of its session."""
    if not hmac.compare_digest(token(key, session).encode(), found.encode("utf-8", "replace")):
        raise Refused(text=_("Deze pagina stond te lang open. Ga terug, laad ze opnieuw en probeer nog eens."))
