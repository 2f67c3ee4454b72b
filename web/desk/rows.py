"""Appointments as lines of a page, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from balie.booking.people import STANDING
from balie.booking.reading import Appointment
from balie.i18n import gettext as _
from balie.i18n import local, moment_words, pick, time_words
from web.citizen.words import and_words
from web.desk import words

SHOWN = (*STANDING, "cancelled_citizen", "cancelled_office", "completed", "no_show_citizen", "no_show_office")
"""States that a list shows.  A moved appointment is shown as its new one, a time that is held not yet."""


@dataclass(frozen=True)
class Row:
    """over: nobody comes any more, or it is past."""

    ref: str
    path: str
    day: date
    time: str
    until: str
    moment: str
    citizen: str
    products: str
    helpers: str
    modality: str
    channel: str
    staff: str
    status: str
    tone: str
    evidence: str
    evidence_tone: str
    over: bool


Known = Mapping[int, tuple[str, str, str]]
"""balie.staff.agenda.known()"""


def rows(appointments: Iterable[Appointment], known: Known, now_s: int) -> list[Row]:
    return [row(each, known, now_s) for each in appointments]


def row(each: Appointment, known: Known, now_s: int) -> Row:
    starts, ends = local(each.start_s, each.zone), local(each.end_s, each.zone)
    roles = words.roles()
    evidence = known.get(each.id) if each.stands else None
    return Row(
        ref=each.ref,
        path=f"/balie/afspraak/{each.ref}",
        day=starts.date(),
        time=time_words(starts),
        until=time_words(ends),
        moment=moment_words(each.start_s, each.zone),
        citizen=each.citizen.name if each.citizen is not None else _("gegevens gewist"),
        products=and_words([pick(product.names) for product in each.products]),
        helpers=", ".join(f"+ {helper.label or roles[helper.role]}" for helper in each.helpers),
        modality=words.modalities()[each.modality],
        channel=words.channels()[each.channel],
        staff=each.staff_name,
        status=words.statuses()[each.status],
        tone=status_tone(each.status),
        evidence=words.evidence_words(*evidence) if evidence is not None else "",
        evidence_tone=words.evidence_tone(*evidence) if evidence is not None else "",
        over=not each.stands or each.end_s <= now_s,
    )


def status_tone(status: str) -> str:
    """How a page marks a state, beside its word."""
    return "good" if status in ("confirmed", "checked_in", "in_call", "completed") else ""
