"""The appointment as a file for a calendar (RFC 5545), with as little in it as a calendar needs.

The same UID and SEQUENCE as in our mails, so that who has both still has it once.
"""

from __future__ import annotations

from datetime import UTC, datetime

from balie.i18n import gettext as _
from web.citizen.mine import Mine


def calendar_file(mine: Mine, url: str, organisation: str, phone: str) -> bytes:
    """url: of the appointment's page, absolute."""
    # As in balie.post.calendar: 3 MB for who asks for it.
    from icalendar import Calendar, Event

    found = mine.appointment
    event = Event()
    event.add("UID", found.uid)
    event.add("SEQUENCE", found.sequence)
    event.add("DTSTAMP", _utc(mine.here.now_s))
    event.add("DTSTART", _utc(found.start_s))
    event.add("DTEND", _utc(found.end_s))
    who = {"staff": found.staff_name, "organisation": organisation}
    event.add("SUMMARY", _("Afspraak met {staff}, {organisation}").format(**who))
    event.add("DESCRIPTION", _("Lukt het niet? Bel {phone}.").format(phone=phone))
    event.add("LOCATION", {"video": url, "desk": found.service_address}.get(found.modality, _("Per telefoon")))
    event.add("URL", url)
    event.add("CLASS", "PRIVATE")
    event.add("STATUS", "CONFIRMED")
    calendar = Calendar()
    calendar.add("PRODID", "-//balie//balie//NL")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _utc(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
