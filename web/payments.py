"""What comes back from a payment provider: its word that there is news, and the payer's tab.

Neither is believed.  The word is not signed and carries a number only: it is a reason to ask the provider, who alone
says what became of a payment.  Whoever sends it, however often, in whatever order, gets the same answer: 200.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from aiohttp import web

from balie.acts.service import REPORT, RETURN
from web.citizen.show import show
from web.keys import ACTS

BYTES_MAX = 4 << 10  # a report is some twenty bytes
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


async def report(request: web.Request) -> web.Response:
    """POST /betaling/bericht/{provider}: id=tr_…  200, whatever it is; a provider would send anything else again."""
    acts, external_id = request.app[ACTS], await _id(request)
    if external_id:
        await acts.report(request.match_info["provider"], external_id)
    else:
        acts.reports.unknown += 1
    return web.Response()


async def _id(request: web.Request) -> str:
    """The number in the form, or "" when there is none that could be one."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BYTES_MAX:
            return ""
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=20).get("id", [""])[-1]
    except ValueError:  # not ASCII, or too many fields
        return ""
    return found if _ID.fullmatch(found) else ""


async def back(request: web.Request) -> web.Response:
    """GET /betaling/terug: where the provider sends who paid.  His coming says nothing; his call shows how it went."""
    return show(request, "payment_back.html", here=RETURN)


ROUTES = (
    web.post(f"{REPORT}/{{provider:[a-z0-9-]{{1,32}}}}", report),
    web.get(RETURN, back),
)
