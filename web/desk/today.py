"""The first page: who comes next, who waits, who comes today, what waits."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from balie.booking import reading
from balie.booking.hours import day_of, moment
from balie.booking.reading import Appointment
from balie.i18n import day_words, ngettext
from balie.i18n import gettext as _
from balie.staff import agenda
from balie.store.engine import Tx
from web.desk import waiting
from web.desk.call import is_open
from web.desk.desk import Desk
from web.desk.rows import SHOWN, Known, row, rows
from web.keys import HUB
from web.texts import wait_words


async def today(desk: Desk) -> web.StreamResponse:
    """GET /balie; ?wie=ik shows one's own appointments only."""
    member = desk.member
    day = day_of(desk.now_s, member.zone)
    from_s, until_s = (moment(each, 0, member.zone) for each in (day, day + timedelta(days=1)))
    own = desk.request.query.get("wie") == "ik"

    def look(tx: Tx) -> tuple[list[Appointment], Appointment | None, Known]:
        staff_id = member.id if own else None
        found = reading.between(tx, from_s, until_s, service_ids=member.services, staff_id=staff_id, statuses=SHOWN)
        following = reading.next_of(tx, member.id, desk.now_s)
        return found, following, agenda.known(tx, [each.id for each in found])

    found, following, known = await desk.read(look)
    here = await waiting.visits(desk, desk.request.app[HUB].lobbies())
    return await desk.show(
        "today.html",
        day=day_words(day),
        own=own,
        visits=here,
        calls=await waiting.calls(desk),
        rows=rows(found, known, desk.now_s),
        count=ngettext("{n} afspraak", "{n} afspraken", len(found)).format(n=len(found)),
        next=_next(following, desk.now_s) if following is not None and following.start_s < until_s else None,
    )


def _next(each: Appointment, now_s: int) -> dict[str, object]:
    wait_s = each.start_s - now_s
    return {
        "row": row(each, {}, now_s),
        "wait": _("nu bezig") if wait_s <= 0 else _("over {wait}").format(wait=wait_words(wait_s)),
        "call": f"/balie/gesprek/{each.ref}" if is_open(each, now_s) else "",
    }
