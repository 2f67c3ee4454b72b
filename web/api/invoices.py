"""Bookkeeping says that it has a document, and under which reference."""

from __future__ import annotations

from datetime import UTC, datetime

from balie.bookkeeping import answers
from balie.store.engine import Tx
from web.api import types
from web.api.operation import Answer, Call
from web.api.refusals import misfit, refused
from web.keys import STORE

PATH = "/api/v1/invoices"


async def acknowledge(call: Call[types.NoQuery, types.Acknowledge]) -> Answer:
    """What cannot be is kept for people to look at, and refused."""
    number, reference = call.request.match_info["number"], call.body.reference.strip()
    if not reference or not reference.isprintable():
        raise misfit("reference", "invalid", "need a text on one line")

    def write(tx: Tx) -> tuple[answers.Outcome, int, str]:
        whose = call.key.organisation_id
        said = answers.acknowledge(tx, call.now_s, number, reference, call.key.actor, organisation_id=whose)
        known = (0, "") if said in ("unknown", "unreadable") else answers.acknowledged(tx, number.strip())
        return said, *known

    said, at_s, kept = await call.request.app[STORE].write(write)
    if said in ("unknown", "unreadable"):
        raise refused(404, "invoice_not_found", "no document has this number; somebody was told")
    if said == "other_reference":
        raise refused(409, "acknowledged_otherwise", "it has another reference already; somebody was told")
    return Answer(types.Acknowledgement(number.strip(), kept, datetime.fromtimestamp(at_s, UTC)))
