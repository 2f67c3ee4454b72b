"""All appointments: as a list or as a week, of everybody or of oneself, by state and channel; or by name or number.

What somebody types to search is a name: it is sent as a form and stands in no URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from urllib.parse import urlencode

from aiohttp import web

from balie.booking import reading
from balie.booking.hours import day_of, moment
from balie.booking.reading import Appointment
from balie.i18n import day_words, short_day_words
from balie.i18n import gettext as _
from balie.staff import agenda
from balie.store.engine import Tx
from web.desk import times, words
from web.desk.desk import Desk
from web.desk.rows import SHOWN, Known, Row, rows
from web.forms import Form, read_query

PLACE = "/balie/afspraken"
VIEWS = ("week", "lijst")
LIST_DAYS, WEEK_DAYS = 14, 7
STATES = {
    "komt": ("booked", "confirmed", "checked_in", "in_call"),
    "geboekt": ("booked",),
    "bevestigd": ("confirmed",),
    "geannuleerd": ("cancelled_citizen", "cancelled_office"),
    "voorbij": ("completed", "no_show_citizen", "no_show_office"),
}
"""What one can filter by, in the words of a URL."""


def _state_words() -> list[tuple[str, str]]:
    return [
        ("", _("Alle")),
        ("komt", _("Gaat door")),
        ("geboekt", _("Geboekt")),
        ("bevestigd", _("Bevestigd door burger")),
        ("geannuleerd", _("Geannuleerd")),
        ("voorbij", _("Afgerond of niet gekomen")),
    ]


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/afspraken: zicht=week|lijst, van=2026-12-07, wie=ik, status, kanaal."""
    asked, member = read_query(desk.request), desk.member
    view = asked.choice("zicht", VIEWS) or VIEWS[0]
    today = day_of(desk.now_s, member.zone)
    first = times.day_of(asked.last("van")) or today
    if view == "week":
        first -= timedelta(days=first.weekday())
    length = WEEK_DAYS if view == "week" else LIST_DAYS
    from_s, until_s = (moment(each, 0, member.zone) for each in (first, first + timedelta(days=length)))

    def look(tx: Tx) -> tuple[list[Appointment], Known]:
        found = reading.between(
            tx,
            from_s,
            until_s,
            service_ids=member.services,
            staff_id=member.id if asked.last("wie") == "ik" else None,
            statuses=STATES.get(asked.last("status"), SHOWN),
            channel=asked.choice("kanaal", words.channels()),
        )
        return found, agenda.known(tx, [each.id for each in found])

    found, known = await desk.read(look)
    told = rows(found, known, desk.now_s)
    days = [first + timedelta(days=each) for each in range(length)]
    return await desk.show(
        "overview.html",
        form=asked,
        view=view,
        days=[_day(each, told, today) for each in days if view == "lijst" or each.weekday() < 5 or _any(each, told)],
        count=len(told),
        period=f"{day_words(first)} – {day_words(days[-1])}",
        views=[(each, _("Week") if each == "week" else _("Lijst"), _url(asked, zicht=each)) for each in VIEWS],
        before=_url(asked, van=(first - timedelta(days=length)).isoformat()),
        after=_url(asked, van=(first + timedelta(days=length)).isoformat()),
        now=_url(asked, van=""),
        states=_state_words(),
        channels=[("", _("Alle")), *words.channels().items()],
        whose=[("", _("Iedereen")), ("ik", _("Alleen de mijne"))],
        full=len(found) == reading.LIST_MAX,
    )


def _day(day: date, told: Sequence[Row], today: date) -> dict[str, object]:
    return {
        "name": day_words(day),
        "short": short_day_words(day),
        "today": day == today,
        "rows": [each for each in told if each.day == day],
    }


def _any(day: date, told: Sequence[Row]) -> bool:
    return any(each.day == day for each in told)


def _url(asked: Form, **changed: str) -> str:
    kept = {name: asked.last(name) for name in ("zicht", "van", "wie", "status", "kanaal")} | changed
    query = urlencode({name: value for name, value in kept.items() if value})
    return f"{PLACE}?{query}" if query else PLACE


async def search(desk: Desk) -> web.StreamResponse:
    """POST /balie/afspraken: by a part of a name, or by number."""
    asked = desk.form.text("zoek", _("Vul een naam of een nummer in."))

    def look(tx: Tx) -> tuple[list[Appointment], Known]:
        found = agenda.search(tx, desk.member, asked, SHOWN)
        return found, agenda.known(tx, [each.id for each in found])

    found, known = ([], {}) if desk.form.errors else await desk.read(look)
    told = rows(found, known, desk.now_s)
    return await desk.show("found.html", status=422 if desk.form.errors else 200, rows=told, asked=asked)
