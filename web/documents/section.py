"""The section about documents, for the page of an appointment and for the panel beside its call."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from balie.booking.errors import NotFound
from balie.booking.people import STANDING
from balie.booking.reading import Appointment
from balie.documents import records
from balie.documents.records import Document
from balie.i18n import gettext as _
from balie.record import guided
from balie.record.guided import Step
from balie.staff import agenda
from balie.store.engine import Tx
from web.desk.desk import Desk
from web.documents import words
from web.documents.keys import DOCUMENTS, upload

PLACE = "/balie/afspraak"
TEXT = "document-tekst"
"""Field in which staff says what document it needs."""


async def values(desk: Desk, found: Appointment, *, said: str = "") -> dict[str, Any]:
    """What the template of the section shows; nothing where there are no documents.

    said: what was done, in words
    """
    there = desk.request.app.get(DOCUMENTS)
    if there is None:
        return {"papers": None}
    all_of_it, steps = await desk.read(_look, found)
    names = {each.id: each.name for each in found.people}
    lines = [
        words.line(
            each,
            found.zone,
            staff=True,
            own=True,
            down=there.scanner_down,
            sender=names.get(each.participant_id or 0, "") if each.direction == "in" else _("van ons"),
        )
        for each in all_of_it
    ]
    papers = {
        "lines": lines,
        "steps": steps,
        "place": f"{PLACE}/{found.ref}/documenten",
        "about": upload(desk.request.app),
        "stands": found.status in STANDING,
        "said": said,
        "form": desk.form,
    }
    return {"papers": papers}


def visible(tx: Tx, desk: Desk) -> Appointment:
    """404 as web.desk.appointment has it."""
    try:
        return agenda.visible(tx, desk.member, desk.request.match_info["ref"])
    except NotFound:
        raise web.HTTPNotFound from None


def _look(tx: Tx, found: Appointment) -> tuple[list[Document], list[Step]]:
    steps = [each for each in guided.read(tx, found.id).steps if each.kind == "document" and each.active]
    return records.of_appointment(tx, found.id), steps
